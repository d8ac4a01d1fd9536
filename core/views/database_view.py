"""Schema views as views of the database, for people who write SQL (V-008…V-010, S-014, M-034).

They are dropped before tables change and made again at the end, in the same transaction. A comment on each tells that it
is ours, and which definition it has. The rows of a materialized one are kept in a table `mv_<name>`, which outlives
migrations that do not touch its definition.
"""

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, select
from sqlalchemy.exc import CompileError

from core.clock import to_iso
from core.contract.records import Record, RecordList
from core.errors import MigrationRefused, SovriumError
from core.fields.model import AppModel, TableModel
from core.query.compile import compile_filter
from core.query.computed_view import SOME_DAY, is_lasting, with_clock
from core.query.scope import Scope
from core.query.sort import ranks
from core.query.view import read_view
from core.schema.view import ViewSpec, database_names
from core.sentence import say
from core.storage.database import Reader, Transaction
from core.storage.ddl import literal, quote
from core.storage.table import build_table
from core.storage.typed import literal_text, query, verify

STORED = "mv_"
_MARK = "sovrium view "


@dataclass(frozen=True, slots=True)
class Definition:
    """One database view: its name, the SELECT behind it, the view that asks for it."""

    name: str
    sql: str
    view: ViewSpec

    @property
    def mark(self) -> str:
        kind = "stored" if self.view.materialized else "view"
        return _MARK + hashlib.sha256(f"{kind} {self.sql}".encode()).hexdigest()

    @property
    def stored(self) -> str:
        return STORED + self.name


def database_name(model: AppModel, table: TableModel, view: ViewSpec) -> str:
    """The name of a view in the database; of one that is there."""
    return database_names(model.app.tables)[table.sql_name, view.id]


class SchemaDatabaseViews:
    """The views of all tables that have a text id, or a query."""

    def drop(self, tx: Transaction) -> None:
        for name in _found(tx, "view"):
            tx.execute(f"DROP VIEW IF EXISTS {quote(name)}{' CASCADE' if tx.dialect == 'postgresql' else ''}")

    def create(self, tx: Transaction, model: AppModel) -> None:
        wanted = definitions(tx, model)
        kept = _found(tx, "table")
        for name in kept.keys() - {each.stored for each in wanted if each.view.materialized}:
            tx.execute(f"DROP TABLE {quote(name)}")
        for each in wanted:
            try:
                self._create(tx, each, kept)
            except SovriumError as error:
                if each.view.query is None:
                    raise
                pattern = "The query of the view {name!r} is not valid: {problem}"
                message = say(pattern, name=each.view.name, problem=error.message)
                raise MigrationRefused(message, hint=error.hint) from error

    def is_current(self, reader: Reader, model: AppModel) -> bool:
        wanted = definitions(reader, model)
        stored = {each.stored: each.mark for each in wanted if each.view.materialized}
        return _found(reader, "view") == {each.name: each.mark for each in wanted} and _found(reader, "table") == stored

    def _create(self, tx: Transaction, each: Definition, kept: Mapping[str, str]) -> None:
        body = each.sql
        if each.view.query is not None:
            verify(tx, body, "select")
        if each.view.materialized:
            self._store(tx, each, kept)
            body = f"SELECT * FROM {quote(each.stored)}"
        # What begins with WITH is not taken for a view that may be written through (PostgreSQL).
        tx.execute(f"CREATE VIEW {quote(each.name)} AS WITH found AS ({body}) SELECT * FROM found")
        tx.execute(f"COMMENT ON VIEW {quote(each.name)} IS {literal(each.mark)}")

    @staticmethod
    def _store(tx: Transaction, each: Definition, kept: Mapping[str, str]) -> None:
        if kept.get(each.stored) == each.mark:
            if each.view.refresh_on_migration:
                refresh(tx, each)
            return
        tx.execute(f"DROP TABLE IF EXISTS {quote(each.stored)}")
        tx.execute(f"CREATE TABLE {quote(each.stored)} AS {each.sql}")
        tx.execute(f"COMMENT ON TABLE {quote(each.stored)} IS {literal(each.mark)}")


def refresh(tx: Transaction, each: Definition) -> None:
    """Put the result of now in place of the one that is stored."""
    tx.execute(f"DELETE FROM {quote(each.stored)}")
    tx.execute(f"INSERT INTO {quote(each.stored)} {each.sql}")


def definitions(reader: Reader, model: AppModel) -> list[Definition]:
    """All database views of a model; those that others read come first."""
    names = database_names(model.app.tables)
    found: dict[str, Definition] = {}
    for table in model:
        for view in table.spec.views:
            if not view.is_in_database:
                continue
            name = names[table.sql_name, view.id]
            sql = view.query.strip().rstrip(";") if view.query is not None else _sql(reader, model, table, view)
            if sql is not None:
                found[name] = Definition(name, sql, view)
    return list(_ordered(found))


def _ordered(found: Mapping[str, Definition]) -> Iterator[Definition]:
    """Depth first along the names that queries mention; a circle shows when the first of its views is made."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[Definition]:
        if name in done:
            return
        done.add(name)
        if found[name].view.query is not None:
            for word in dict.fromkeys(re.findall(r'"[^"]+"|[A-Za-z0-9_-]+|[A-Za-z0-9_]+', found[name].sql)):
                if (other := word.strip('"').lower()) in found:
                    yield from visit(other)
        yield found[name]

    for name in found:
        yield from visit(name)


def _sql(reader: Reader, model: AppModel, table: TableModel, view: ViewSpec) -> str | None:
    """The view in SQL. None where its filter reckons from a moving day in a way that only a request can (`isWithin:
    thisWeek`), or where it asks who is calling: SQL has no caller."""
    tables: dict[int, Table] = {}

    def table_of(each: TableModel) -> Table:
        return tables.setdefault(id(each), build_table(each))

    scope = Scope(table, model, table_of, reader.dialect, SOME_DAY, is_lasting=True)
    seen = read_view(view, scope)
    own = scope.source.c
    names = seen.fields
    if names is None:
        names = tuple(name for name, field in table.fields.items() if field.result() is not None)  # no buttons
    columns: dict[str, ColumnElement[Any]] = {name: own[name] for name in table.key.fields}
    for name in names:
        ref = scope.resolve(name)
        if name in columns:
            continue
        column = scope.column(ref).label(name)
        if ref.is_stored or is_lasting(reader, select(column)):
            columns[name] = column
    condition = and_(own.deleted_at.is_(None), compile_filter(seen.where, scope))
    order = [rank.order() for rank in ranks(seen.sort, scope)] if seen.sort else []
    statement = select(*columns.values()).where(condition).order_by(*order)
    if "$currentUser" in repr(view.filters) or not is_lasting(reader, statement):
        return None
    try:
        return with_clock(literal_text(reader, statement))
    except (CompileError, NotImplementedError):
        return None


def _found(reader: Reader, kind: str) -> dict[str, str]:
    """Our views, or the tables of materialized ones, with their marks."""
    if reader.dialect == "duckdb":
        sql = (
            f"SELECT {kind}_name, comment FROM duckdb_{kind}s() WHERE database_name = current_database() "
            "AND schema_name = current_schema() AND comment IS NOT NULL"
        )
    else:
        sql = (
            "SELECT relname::text, obj_description(oid, 'pg_class') FROM pg_class WHERE relnamespace = "
            f"current_schema()::regnamespace AND relkind = '{'v' if kind == 'view' else 'r'}'"
        )
    return {str(name): str(mark) for name, mark in reader.rows(sql) if str(mark).startswith(_MARK)}


@dataclass(frozen=True, slots=True)
class QueryReading:
    """A page of a query view's rows: its columns are its own."""

    name: str
    limit: int
    offset: int

    def read(self, reader: Reader) -> RecordList:
        """Rows are numbered where the query gives no id."""
        total = int(reader.scalar(f"SELECT count(*) FROM {quote(self.name)}"))
        columns, blocks = query(reader, f"SELECT * FROM {quote(self.name)} LIMIT {self.limit} OFFSET {self.offset}")
        names = [name for name, _ in columns]
        records: list[Record] = []
        for row in (row for block in blocks for row in block):
            fields = {name: _plain(value) for name, value in zip(names, row, strict=True)}
            id_ = fields.get("id")
            records.append(
                {"id": str(self.offset + len(records) + 1 if id_ is None else id_), "fields": fields}  # type: ignore[typeddict-item]
            )
        return {
            "records": records,
            "pagination": {
                "page": self.offset // self.limit + 1,
                "limit": self.limit,
                "offset": self.offset,
                "total": total,
                "totalPages": -(-total // self.limit),
                "hasNextPage": self.offset + len(records) < total,
                "hasPreviousPage": self.offset > 0,
            },
        }


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | float() | str():
            return value
        case int() | Decimal():
            return _number(value)
        case datetime() if value.tzinfo is not None:
            return to_iso(value)
        case datetime() | date() | time():
            return value.isoformat()
        case list() | tuple():
            return [_plain(each) for each in value]
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case _:
            return str(value)


def _number(value: int | Decimal) -> int | float | str:
    """Whole numbers beyond 64 bits are doubles, what no double holds is its text."""
    try:
        near = float(value)
    except OverflowError:
        return str(value)
    if not math.isfinite(near):
        return str(value)
    return int(value) if -(2**63) <= value < 2**63 and value == int(value) else near
