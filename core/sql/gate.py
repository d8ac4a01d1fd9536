"""SQL typed by somebody who is not above the rules: read, judged, rewritten (auth §13.2).

Deny by default, in this order: one statement of a kind that runs here; every node of its tree, every function and operator
on a list (`grammar`); every name of a table a common table in sight or a table that the caller may read. Each such table is
replaced by the rows and columns of it that the caller may see, and the statement is written anew from the tree: the
database never gets a text that was not understood here (`gate_rewrite`). At last DuckDB's own binder is asked which tables
the result reads. What writes is done by `core.records`, like any other write (`gate_change`).

The parser, sqlglot, is imported with the first such statement.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, Text, cast, literal, literal_column, null, select, true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from core.access.claim import asked, claims
from core.access.table import RowOperation
from core.fields.model import TableModel
from core.principal import Principal
from core.query.compile import compile_filter
from core.query.filter import Node
from core.query.scope import Scope
from core.records.service import Records
from core.schema.policy_text import LISTS, Asked
from core.sentence import say
from core.sql.gate_text import Refused, Rendered, Typed
from core.sql.statement import not_run
from core.storage.database import Reader
from core.storage.typed import tables_read

if TYPE_CHECKING:
    from sqlglot.expressions import Expression

    from core.sql.gate_rewrite import Rewriting

LENGTH_MOST = 20_000
"""Characters of a statement."""
EVERY_ROW = "9223372036854775807"
"""The limit that keeps what is asked outside from being evaluated on rows that the caller does not see: without it, a
failing cast told what they hold."""
_READ_AS = {"duckdb": "duckdb", "postgresql": "postgres"}


class Gate:
    """The gate for one caller."""

    def __init__(self, records: Records, principal: Principal) -> None:
        self.records = records
        self.principal = principal
        self._dialect = _READ_AS[records.database.dialect]

    @property
    def folds(self) -> bool:
        """Names without quotes are read in small letters, those in quotes as they are."""
        return self._dialect == "postgres"

    def tables(self) -> Iterator[tuple[TableModel, list[str]]]:
        """What there is for this caller: tables and their columns."""
        for table in self.records.model:
            if self.readable(table.sql_name) is not None:
                yield table, self.columns(table)

    def query(self, text: str) -> Typed:
        """A statement that reads. Raises Refused."""
        from sqlglot import exp

        tree = self.parse(text)
        if not isinstance(tree, exp.Query | exp.Values):
            raise not_here(tree)
        return self.rewriting().typed(tree)

    def rewriting(self) -> "Rewriting":
        from core.sql.gate_rewrite import Rewriting

        return Rewriting(self._dialect, self.readable, lambda table: self.rows(table, "read"), self.asked)

    def parse(self, text: str) -> "Expression":
        """The tree of one statement. Raises Refused."""
        from sqlglot import parse
        from sqlglot.errors import ErrorLevel, ParseError, SqlglotError

        logging.getLogger("sqlglot").disabled = True  # it would tell what was typed

        if len(text) > LENGTH_MOST:
            raise Refused("54000", say("A statement has at most {most:,} characters", most=LENGTH_MOST))
        try:
            found = [each for each in parse(text, read=self._dialect, error_level=ErrorLevel.IMMEDIATE) if each]
        except ParseError as error:
            first: Any = error.errors[0] if error.errors else {}
            place = (int(first.get("line") or 1), max(int(first.get("col") or 1), 1))
            raise Refused("42601", "The statement cannot be read", place=place) from None
        except (SqlglotError, RecursionError):
            raise Refused("42601", "The statement cannot be read") from None
        if len(found) != 1:
            raise Refused("42601", "This is not one statement")
        return found[0]  # type: ignore[return-value]

    # What the rewriting asks.

    def readable(self, name: str) -> TableModel | None:
        """The table of that SQL name, where the caller may read it."""
        table = self.records.model.by_sql_name.get(name)
        if table is None or table.spec.disabled or table in self.records.model.junctions:
            return None
        return table if self.records.access.table(self.principal, table).may("read") else None

    def columns(self, table: TableModel) -> list[str]:
        hidden = self.records.access.table(self.principal, table).hidden
        return [column.name for column in table.columns if column.name not in hidden]

    def rows(self, table: TableModel, operation: RowOperation, *more: ColumnElement[bool]) -> Select[Any]:
        """The columns that the caller may read, of the rows on which it may do that."""
        scope = self.scope(table)
        statement = select(*(scope.source.c[name] for name in self.columns(table)))
        node = self.node(table, operation)
        if node is None and not more:
            return statement
        condition = true() if node is None else compile_filter(node, scope)
        return statement.where(condition, *more).limit(literal_column(EVERY_ROW))

    def scope(self, table: TableModel) -> Scope:
        return replace(self.records.scope(self.principal, table), sights=None)

    def node(self, table: TableModel, operation: RowOperation) -> Node | None:
        scope = self.records.scope(self.principal, table)
        return self.records.access.table(self.principal, table).rows(operation, self.principal, scope)

    def asked(self, name: str, argument: str) -> ColumnElement[Any]:
        """`auth.uid()` and its like as a bound value."""
        roles = self.records.model.app.roles
        if name == "jwt":
            return cast(literal(claims(self.principal, roles), JSONB), JSONB)
        found = asked(Asked(name, argument), self.principal, roles)
        if name in LISTS:
            return cast(literal(found, ARRAY(Text)), ARRAY(Text))
        return cast(null() if found is None else literal(found, Text), Text)


def admit(reader: Reader, statement: Typed) -> Rendered:
    """The statement with everything in its place. Raises Refused where DuckDB would read a table that was not let in."""
    rendered = statement.render(reader)
    found = tables_read(reader, rendered.bare) if statement.is_bindable else None
    if found is not None:
        known: set[str] = set()
        for part in rendered.parts:
            known |= tables_read(reader, part) or set()
        if not found <= known:
            raise Refused("42501", "The statement reads what was not let in")
    return rendered


def not_here(tree: "Expression") -> Refused:
    """Another kind of statement, by the word that it begins with."""
    word = re.search(r"[A-Za-z]+", tree.sql("duckdb"))
    return Refused("42501", not_run(word.group().upper() if word else ""), "SELECT, INSERT, UPDATE and DELETE are")
