"""Conditions on rows that no database keeps for us alike: table constraints (T-141), unique keys among the rows that meet a
condition (T-139), or outside the trash (T-140), unique keys for which NULLs are equal (T-136). Judged in the writing
transaction, before anything is written, for all candidates by few statements."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Integer,
    MetaData,
    Table,
    and_,
    bindparam,
    func,
    not_,
    or_,
    select,
    text,
    true,
)

from core.fields.formula import FormulaField
from core.fields.model import TableModel
from core.formulas.check import field_named, names
from core.formulas.tree import Expression
from core.query.formula import condition_value, kinds_of, read_condition
from core.query.scope import Scope
from core.schema.model import IndexSpec
from core.storage.database import Reader
from core.storage.rows import RowShape
from core.storage.table import build_table

DELETED = "deleted_at"
PLACE = "place__"
"""No field is called so: names have single underscores at their ends at most."""


class Row(Protocol):
    """A row as it would be stored, and which of its columns are new (`writing.Candidate`)."""

    @property
    def values(self) -> Mapping[str, Any]: ...

    @property
    def changed(self) -> Collection[str]: ...

    @property
    def key(self) -> tuple[Any, ...] | None: ...


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition and the stored columns that it reads, also through formulas; `whole`: other records too."""

    expression: Expression
    columns: frozenset[str]
    whole: bool

    def concerns(self, row: Row) -> bool:
        return row.key is None or self.whole or not self.columns.isdisjoint(row.changed)


class Constraints:
    """The conditions of one table; one object per model, without state of its own."""

    def __init__(self, table: TableModel) -> None:
        self.table = table
        self.checks = [(each.name, _condition(each.check, table)) for each in table.spec.constraints]
        self.unique = [
            (index, None if index.where is None else _condition(index.where, table))
            for index in table.indexes
            if index.unique and (index.where is not None or index.nulls_not_distinct or index.live)
        ]
        self.know_trash = any(
            index.live or (where is not None and (where.whole or DELETED in where.columns))
            for index, where in self.unique
        ) or any(check.whole or DELETED in check.columns for _, check in self.checks)
        """Deleting or restoring a row may break them."""
        stored = build_table(table)
        self._given = Table(
            "candidates", MetaData(), Column(PLACE, Integer), *(Column(c.name, c.type) for c in stored.columns)
        )

    def __bool__(self) -> bool:
        return bool(self.checks or self.unique)

    # ── Constraints ──

    def broken(self, reader: Reader, scope: Scope, rows: Sequence[Row]) -> dict[int, list[str]]:
        """The names of the constraints that are false, by the row's place; NULL passes."""
        places = [place for place, row in enumerate(rows) if any(check.concerns(row) for _, check in self.checks)]
        if not places:
            return {}
        given = self._source(reader, rows, places, [check for _, check in self.checks])
        failed = [
            not_(func.coalesce(condition_value(scope, check.expression, given), true())) for _, check in self.checks
        ]
        found = reader.rows(select(given.c[PLACE], *failed).where(or_(*failed)))
        labels = [name for name, _ in self.checks]
        return {row[0]: [name for name, bad in zip(labels, row[1:], strict=True) if bad] for row in found}

    def as_rows(self, reader: Reader, rows: Sequence[Row]) -> FromClause:
        """New rows as a table to select from: `PLACE`, their place in `rows`, and all columns of the table."""
        return self._packed(reader, rows, range(len(rows)), tuple(self.table.column_by_name))

    def _source(
        self, reader: Reader, rows: Sequence[Row], places: Sequence[int], conditions: Sequence[Condition]
    ) -> FromClause:
        """The candidates as a table to select from."""
        columns = frozenset[str]().union(*(each.columns for each in conditions))
        if any(each.whole for each in conditions):
            columns = frozenset(self.table.column_by_name)
        return self._packed(reader, rows, places, [name for name in self.table.column_by_name if name in columns])

    def _packed(self, reader: Reader, rows: Sequence[Row], places: Sequence[int], columns: Sequence[str]) -> FromClause:
        listed = [PLACE, *columns]
        shape = RowShape(reader.dialect, self._given, listed)
        packed = shape.pack(
            [{PLACE: place, **{name: rows[place].values.get(name) for name in listed[1:]}} for place in places]
        )
        found = text(shape.select_many()).bindparams(bindparam("rows", packed, unique=True))
        return found.columns(*(self._given.c[name] for name in listed)).subquery("candidates")

    # ── Unique keys ──

    def duplicates(
        self, reader: Reader, scope: Scope, rows: Sequence[Row], key: Sequence[str]
    ) -> dict[int, tuple[str, ...]]:
        """The fields of the key that is taken, by the row's place. `key` are the columns of the table's own key."""
        found: dict[int, tuple[str, ...]] = {}
        for index, where in self.unique:
            concerned = [
                place
                for place, row in enumerate(rows)
                if not (index.live and row.values.get(DELETED) is not None)
                and (
                    not set(index.fields).isdisjoint(row.changed)
                    or (where is not None and where.concerns(row))
                    or (index.live and DELETED in row.changed)
                )
            ]
            wanted: dict[tuple[Any, ...], list[int]] = {}
            for place in self._meeting(reader, scope, rows, concerned, where):
                value = tuple(rows[place].values.get(name) for name in index.fields)
                if index.nulls_not_distinct or None not in value:
                    wanted.setdefault(value, []).append(place)
            if not wanted:
                continue
            moving = {rows[place].key for place in concerned} - {None}
            taken = self._holders(reader, scope, index, where, list(wanted), moving, key)
            for value, places in wanted.items():
                for place in places if value in taken else places[1:]:
                    found.setdefault(place, index.fields)
        return found

    def _meeting(
        self, reader: Reader, scope: Scope, rows: Sequence[Row], places: Sequence[int], where: Condition | None
    ) -> list[int]:
        if where is None or not places:
            return list(places)
        given = self._source(reader, rows, places, [where])
        met = condition_value(scope, where.expression, given)
        return sorted(row[0] for row in reader.rows(select(given.c[PLACE]).where(met)))

    def _holders(
        self,
        reader: Reader,
        scope: Scope,
        index: IndexSpec,
        where: Condition | None,
        values: Sequence[tuple[Any, ...]],
        moving: Collection[Any],
        key: Sequence[str],
    ) -> set[tuple[Any, ...]]:
        columns = [scope.source.c[name] for name in index.fields]
        same: ColumnElement[bool] = or_(
            *(and_(*(c.is_not_distinct_from(v) for c, v in zip(columns, value, strict=True))) for value in values)
        )
        statement = select(*columns, *(scope.source.c[name] for name in key)).where(same)
        if where is not None:
            statement = statement.where(condition_value(scope, where.expression))
        if index.live:
            statement = statement.where(scope.source.c[DELETED].is_(None))
        width = len(columns)
        return {row[:width] for row in reader.rows(statement) if row[width:] not in moving}


def _condition(written: str, table: TableModel) -> Condition:
    expression = read_condition(written, table)
    columns, whole = _stored(expression, table, frozenset())
    return Condition(expression, columns, whole)


def _stored(expression: Expression, table: TableModel, seen: frozenset[str]) -> tuple[frozenset[str], bool]:
    known = kinds_of(table)
    columns: set[str] = set()
    whole = False
    for name in {field_named(each, known) or each for each in names(expression)} - seen:
        field = table.fields.get(name)
        if name in table.column_by_name:
            columns.add(name)
        elif isinstance(field, FormulaField):
            below, through = _stored(field.expression, table, seen | {name})
            columns |= below
            whole = whole or through
        else:
            whole = True
    return frozenset(columns), whole
