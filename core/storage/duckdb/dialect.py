"""duckdb-engine's dialect with what it leaves out: the statement cache, positional parameters, native values."""

from typing import Any

from duckdb_engine import Dialect, DuckDBIdentifierPreparer
from sqlalchemy import types
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql.base import PGDDLCompiler, PGIdentifierPreparer, PGTypeCompiler
from sqlalchemy.schema import CreateSequence, DropSequence


class DuckDBTypeCompiler(PGTypeCompiler):
    """Type names in casts and DDL."""

    def visit_JSONB(self, type_: types.TypeEngine[Any], **kw: Any) -> str:
        return "JSON"

    def visit_DOUBLE(self, type_: types.TypeEngine[Any], **kw: Any) -> str:
        return "DOUBLE"


class DuckDBDDLCompiler(PGDDLCompiler):
    """No SERIAL and no IDENTITY: a column that numbers itself takes its default from a named sequence."""

    def visit_create_sequence(self, create: CreateSequence, prefix: Any = None, **kw: Any) -> str:
        start = create.element.start or 1
        return f"CREATE SEQUENCE {self.preparer.format_sequence(create.element)} START {start:d}"

    def visit_drop_sequence(self, drop: DropSequence, **kw: Any) -> str:
        return f"DROP SEQUENCE {self.preparer.format_sequence(drop.element)}"


class _QuotingPreparer(DuckDBIdentifierPreparer):
    """Every name stands in quotes. duckdb-engine's own asks for the reserved words, for which it opens a database in memory
    that stays: 4 MB of an idle server."""

    def __init__(self, dialect: Any, **options: Any) -> None:
        PGIdentifierPreparer.__init__(self, dialect, **options)

    def _requires_quotes(self, value: str) -> bool:
        return True


class _NativeArray(ARRAY[Any]):
    """Lists travel as they are."""

    def bind_processor(self, dialect: Any) -> None:
        return None


class DuckDBDialect(Dialect):
    """The dialect of our own statements."""

    supports_statement_cache = True
    type_compiler_cls = DuckDBTypeCompiler
    ddl_compiler = DuckDBDDLCompiler
    preparer = _QuotingPreparer
    colspecs = {**Dialect.colspecs, ARRAY: _NativeArray, JSONB: types.JSON}
    div_is_floordiv = False


def make_dialect() -> DuckDBDialect:
    return DuckDBDialect(paramstyle="qmark")
