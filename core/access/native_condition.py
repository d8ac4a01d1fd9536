"""Conditions of rules and policies as PostgreSQL's row security takes them: texts with their values in place, for whoever is
connected when they are asked."""

from dataclasses import replace
from typing import Any

from sqlalchemy import FromClause, Select, Table, column, select, text
from sqlalchemy.exc import CompileError
from sqlalchemy.sql import visitors

from core.access.connected import Unsayable
from core.fields.model import AppModel, TableModel
from core.query.compile import compile_filter
from core.query.computed_view import SOME_DAY, with_clock
from core.query.filter import Node
from core.query.scope import Scope
from core.schema.name import fitted
from core.storage.ddl import literal, quote
from core.storage.postgresql.dialect import make_dialect
from core.storage.table import build_table
from core.storage.typed import written

_DAY = f"{SOME_DAY.year}-"
_SOMEBODY = f"{_DAY}somebody"
"""Stands for the caller where a filter of a computed field names it, which cannot be asked for there."""


class Conditions:
    """`schema` holds the functions, `tables` the tables of the app."""

    def __init__(self, model: AppModel, schema: str, tables: str) -> None:
        self._model = model
        self._schema = schema
        self._path = tables
        self._tables: dict[str, Table] = {}
        self._dialect = make_dialect()

    def scope(self, table: TableModel) -> Scope:
        somebody = Scope(table, self._model, self._table_of, "postgresql", SOME_DAY, is_lasting=True)
        return replace(somebody, user=_SOMEBODY, email=_SOMEBODY)

    def say(self, node: Node | None, table: TableModel, role: str, name: str) -> tuple[str | None, list[str]]:
        """The text, None for every row, and the statements that must come before it. `role` is to ask it; `name` is for a
        function, which is needed where other tables are read. Raises Unsayable."""
        if node is None:
            return None, []
        scope = self.scope(table)
        plain = compile_filter(node, scope)
        if not any(isinstance(part, Select) for part in visitors.iterate(plain)):
            return self._text(plain), []
        row = _row_of(scope.source)
        return self._asked(self._text(select(compile_filter(node, scope, row)).select_from(row)), table, role, name)

    def _asked(self, sql: str, table: TableModel, role: str, name: str) -> tuple[str, list[str]]:
        """By a function that reads other tables in its owner's name: the caller needs no grant there, and the rows of those
        tables that count are named in the condition."""
        function = f"{quote(self._schema)}.{quote(fitted(name))}"
        full = f"{function}({quote(table.sql_name)})"
        return f"{function}({quote(table.sql_name)}.*)", [
            f"CREATE OR REPLACE FUNCTION {full} RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER "
            f"SET search_path = {quote(self._path)}, pg_temp AS {literal(sql)};",
            f"REVOKE ALL ON FUNCTION {full} FROM PUBLIC;\nGRANT EXECUTE ON FUNCTION {full} TO {quote(role)};",
        ]

    def _text(self, statement: Any) -> str:
        try:
            found = with_clock(written(self._dialect, statement))
        except (CompileError, NotImplementedError) as error:
            raise Unsayable(str(error)) from None
        if _DAY in found:
            raise Unsayable("a day that is reckoned from today, or the caller, in the filter of a computed field")
        return found

    def _table_of(self, table: TableModel) -> Table:
        return self._tables.setdefault(table.sql_name, build_table(table))


def _row_of(table: Table) -> FromClause:
    """The row that a function is given, as a table of one."""
    return text("SELECT ($1).*").columns(*(column(each.name, each.type) for each in table.c)).alias("given")
