"""The rules of tables asked of rows that are stored already: before a migration puts new ones in force (D-22, M-028)."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, func, not_, select, true

from core.clock import system_clock
from core.fields.address import key_text
from core.fields.model import AppModel, TableModel
from core.migrations.check import SHOWN, Refusal
from core.query.formula import condition_value
from core.query.scope import Scope
from core.records.constraint import DELETED, Condition, Constraints
from core.schema.model import IndexSpec
from core.sentence import say
from core.storage.database import Reader
from core.storage.table import build_table


class StoredRules:
    """Constraints, and unique keys that no plain index keeps. Trashed rows are rows."""

    def refusals(
        self, reader: Reader, model: AppModel, tables: Collection[str], lenient: Collection[str]
    ) -> Iterator[Refusal]:
        made: dict[str, Table] = {}

        def table_of(table: TableModel) -> Table:
            return made.setdefault(table.sql_name, build_table(table))

        for table in model:
            if table.sql_name in tables:
                scope = Scope(table, model, table_of, reader.dialect, system_clock())
                yield from _of_table(reader, scope, is_lenient=table.sql_name in lenient)


def _of_table(reader: Reader, scope: Scope, *, is_lenient: bool) -> Iterator[Refusal]:
    rules = Constraints(scope.table)
    for name, check in () if is_lenient else rules.checks:
        yield from _broken(reader, scope, name, check)
    for index, where in rules.unique:
        yield from _repeated(reader, scope, index, where)


def _broken(reader: Reader, scope: Scope, name: str, check: Condition) -> Iterator[Refusal]:
    """NULL passes, as it does for new rows."""
    key = [scope.source.c[part] for part in scope.table.key.fields]
    failed = not_(func.coalesce(condition_value(scope, check.expression), true()))
    rows = reader.rows(select(*key).where(failed).order_by(*key).limit(SHOWN))
    if rows:
        count = int(reader.scalar(select(func.count()).select_from(scope.source).where(failed)))
        pattern = "{table}: {count} rows do not meet the constraint {name}"
        if count == 1:
            pattern = "{table}: 1 row does not meet the constraint {name}"
        yield Refusal(
            scope.table.name,
            say(pattern, table=scope.table.name, count=count, name=name),
            tuple(map(key_text, rows)),
            hint="Change those rows first, or set `allowUnvalidated: true` on the table",
        )


def _repeated(reader: Reader, scope: Scope, index: IndexSpec, where: Condition | None) -> Iterator[Refusal]:
    columns = [scope.source.c[name] for name in index.fields]
    conditions: list[ColumnElement[bool]] = (
        [] if index.nulls_not_distinct else [column.is_not(None) for column in columns]
    )
    if where is not None:
        conditions.append(condition_value(scope, where.expression))
    if index.live:
        conditions.append(scope.source.c[DELETED].is_(None))
    count = func.count().label("n")
    statement = select(*columns, count).where(*conditions).group_by(*columns).having(func.count() > 1)
    rows = reader.rows(statement.order_by(count.desc(), *columns).limit(SHOWN))
    if rows:
        message = say(
            "{table}: {fields} cannot become unique ({index}), values occur twice",
            table=scope.table.name, fields=", ".join(index.fields), index=index.name,
        )  # fmt: skip
        details = tuple(say("{values}: {count} rows", values=_listed(row[:-1]), count=row[-1]) for row in rows)
        yield Refusal(scope.table.name, message, details)


def _listed(values: Sequence[Any]) -> str:
    return ", ".join("nothing" if value is None else str(value) for value in values)
