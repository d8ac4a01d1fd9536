"""The dialect of our statements on DuckDB: SQLAlchemy's for PostgreSQL, whose SQL DuckDB speaks, with what differs.

Statements are only written with it, never sent, so that nothing of a driver is needed. `duckdb-engine`, which brings the
rest, opens two databases of its own when it is imported: 15 MB that no idle server gets back.
"""

from typing import Any

from sqlalchemy import types
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql.base import PGDDLCompiler, PGDialect, PGIdentifierPreparer, PGTypeCompiler
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


class DuckDBIdentifierPreparer(PGIdentifierPreparer):
    """Every name stands in quotes, whatever words a version of DuckDB reserves."""

    def _requires_quotes(self, value: str) -> bool:
        return True


class _NativeArray(ARRAY[Any]):
    """Lists travel as they are."""

    def bind_processor(self, dialect: Any) -> None:
        return None


class DuckDBDialect(PGDialect):
    """The dialect of our own statements."""

    name = "duckdb"
    driver = "duckdb"
    supports_statement_cache = True
    type_compiler_cls = DuckDBTypeCompiler
    ddl_compiler = DuckDBDDLCompiler
    preparer = DuckDBIdentifierPreparer
    colspecs = {
        **PGDialect.colspecs,
        types.Numeric: types.Numeric,
        ARRAY: _NativeArray,
        JSONB: types.JSON,
        types.JSON: types.JSON,
    }
    div_is_floordiv = False


def make_dialect() -> DuckDBDialect:
    return DuckDBDialect(paramstyle="qmark")  # type: ignore[no-untyped-call]
