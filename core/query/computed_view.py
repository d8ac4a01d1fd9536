"""`computed.<table>`: tables for people who write SQL, with computed values beside the stored ones (S-009)."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, MetaData, Table, select
from sqlalchemy.exc import CompileError

from core.fields.model import AppModel, TableModel
from core.query.scope import Scope
from core.storage.database import Reader, Transaction
from core.storage.ddl import literal, quote
from core.storage.table import build_table
from core.storage.typed import literal_text

SCHEMA = "computed"
SOME_DAY = datetime(1789, 7, 14, 3, 14, 15, 926535, tzinfo=UTC)
"""Stands for now while a view is written, and is then replaced by the database's own clock."""


class ComputedViews:
    """The views of all tables that have values which are not stored."""

    def drop(self, tx: Transaction) -> None:
        schema = _schema(tx)
        for name in _found(tx, schema):
            tx.execute(f"DROP VIEW {quote(schema)}.{quote(name)}{' CASCADE' if tx.dialect == 'postgresql' else ''}")

    def create(self, tx: Transaction, model: AppModel) -> None:
        schema, wanted = _schema(tx), self._wanted(tx, model)
        if wanted:
            tx.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
        for name, sql in wanted.items():
            address = f"{quote(schema)}.{quote(name)}"
            tx.execute(f"CREATE VIEW {address} AS {sql}")
            tx.execute(f"COMMENT ON VIEW {address} IS {literal(_mark(sql))}")

    def is_current(self, reader: Reader, model: AppModel) -> bool:
        return _found(reader, _schema(reader)) == {
            name: _mark(sql) for name, sql in self._wanted(reader, model).items()
        }

    def _wanted(self, reader: Reader, model: AppModel) -> dict[str, str]:
        return {table.sql_name: _sql(reader, model, table) for table in model if _computed(table)}


def _computed(table: TableModel) -> list[str]:
    return [
        name for name, field in table.fields.items() if name not in table.column_by_name and field.result() is not None
    ]


def _sql(reader: Reader, model: AppModel, table: TableModel) -> str:
    tables: dict[int, Table] = {}
    here = str(reader.scalar("SELECT current_schema()"))

    def table_of(each: TableModel) -> Table:
        # With its schema: within `computed` the name alone is the view's own.
        return tables.setdefault(id(each), build_table(each).to_metadata(MetaData(), schema=here))

    scope = Scope(table, model, table_of, reader.dialect, SOME_DAY, is_lasting=True)
    columns: list[ColumnElement[Any]] = list(scope.source.c)
    for name in _computed(table):
        column = scope.computed(table.fields[name], scope.source).label(name)
        if is_lasting(reader, select(column)):
            columns.append(column)
    return with_clock(literal_text(reader, select(*columns)))


def is_lasting(reader: Reader, statement: Any) -> bool:
    """A view can say it: what reckons from today (`isWithin: lastWeek`) is reckoned when a request is read, not in SQL."""
    try:
        text = with_clock(literal_text(reader, statement))
    except (CompileError, NotImplementedError):
        return False
    return "1789-" not in text


def with_clock(text: str) -> str:
    """SQL that was written for some day, for whenever it runs."""
    moments = (SOME_DAY.isoformat(" "), SOME_DAY.isoformat(), SOME_DAY.strftime("%Y-%m-%d %H:%M:%S.%f"))
    for moment in moments:
        text = text.replace(literal(moment), "CURRENT_TIMESTAMP")
    return text.replace(literal(SOME_DAY.date().isoformat()), "CURRENT_DATE")


def _mark(sql: str) -> str:
    return hashlib.sha256(sql.encode()).hexdigest()


def _schema(reader: Reader) -> str:
    """Apps that share a PostgreSQL database, each in a schema, have views of their own."""
    here = str(reader.scalar("SELECT current_schema()"))
    return SCHEMA if here in ("main", "public") else f"{here}_{SCHEMA}"


def _found(reader: Reader, schema: str) -> Mapping[str, str]:
    if reader.dialect == "duckdb":
        sql = (
            "SELECT view_name, comment FROM duckdb_views() WHERE database_name = current_database() AND schema_name = ?"
        )
    else:
        sql = (
            "SELECT c.relname::text, obj_description(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind = 'v' AND n.nspname = ?"
        )
    return {str(name): str(comment) for name, comment in reader.rows(sql, [schema])}
