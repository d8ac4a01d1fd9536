"""What the rows of an import must meet beyond their own fields, judged where they wait to be inserted: constraints, links,
references over several fields, the caller's rule for new records, unique keys. A few statements, however many rows.

The same questions as `WritableTable.check`, which asks them of rows in Python's hands.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    MetaData,
    Table,
    Text,
    and_,
    cast,
    exists,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)

from core.errors import FieldError, SovriumError
from core.query.formula import condition_value
from core.query.scope import Scope, linked_table
from core.query.view_limit import view_limit
from core.records.constraint import DELETED, Condition
from core.records.row_check import duplicate, not_linkable, refused
from core.records.validate import invalid
from core.records.writing import WritableTable
from core.schema.model import IndexSpec
from core.sentence import say
from core.storage.database import Transaction

ROWS, REFUSED = "import_rows", "import_refused"
"""The view of the rows: `line` and the fields that are given; and the table of the lines that are out."""
Refusal = tuple[int, SovriumError, dict[str, Any]]
"""A line, what is wrong with it, and the value that is."""


class StagedRows:
    """The rows of `ROWS`. What a statement refuses is not asked about again: a row that is out holds no unique key."""

    def __init__(self, tx: Transaction, target: WritableTable, given: Sequence[str]) -> None:
        self._tx = tx
        self._target = target
        self._scope: Scope = target.scope(tx, tx.time)
        self._given = frozenset(given)
        self._staged = Table(
            ROWS, MetaData(), Column("line", BigInteger), *(Column(name, target.source.c[name].type) for name in given)
        )
        self._out = Table(REFUSED, MetaData(), Column("line", BigInteger))
        self._rows = self._all_columns()

    def refusals(self) -> Iterator[Refusal]:
        """All that is wrong, a line at most once."""
        tx = self._tx
        tx.execute(f"CREATE OR REPLACE TEMP TABLE {REFUSED} (line BIGINT)")
        for found in self._questions():
            listed = list({refusal[0]: refusal for refusal in found}.values())
            if listed:
                lines = orjson.dumps([line for line, _, _ in listed]).decode()
                tx.execute(f"INSERT INTO {REFUSED} SELECT unnest(from_json(?, '[\"BIGINT\"]'))", [lines])
            yield from listed

    def _questions(self) -> Iterator[Iterator[Refusal]]:
        """What the caller may do, then the order of T-142; each asked when the one before has been answered."""
        target = self._target
        yield self._rule()
        yield self._constraints()
        own = [link for link in target.links if link[0] in self._given and link[1] is target.source]
        for name, far, column in target.links:
            if name in self._given:
                yield self._link(name, far, column)
        for key in target.table.spec.foreign_keys:
            yield self._reference(key.fields, key.table, key.columns)
        for names in target.unique:
            if self._given.issuperset(names):
                yield self._unique(IndexSpec(name="", fields=names, unique=True), None)
        for index, where in target.constraints.unique:
            yield self._unique(index, where)
        # Rows that lead to others of the file are out when those are.
        while own and (found := [each for link in own for each in self._link(*link)]):
            yield iter(found)

    def _all_columns(self) -> FromClause:
        """The rows with every column of the table, as they will be stored; keys from sequences have no number yet."""
        target, moment = self._target, self._tx.time
        made: dict[str, Any] = dict.fromkeys((*target.created, *target.updated), moment)
        made |= dict.fromkeys((*target.created_by, *target.updated_by), target.author)
        columns: list[ColumnElement[Any]] = [self._staged.c.line]
        for column in target.source.c:
            if column.name in self._given:
                columns.append(self._staged.c[column.name])
            else:
                value = made.get(column.name)
                known = null() if value is None else literal(value, column.type)
                columns.append(cast(known, column.type).label(column.name))
        standing = self._staged.c.line.not_in(select(self._out.c.line))
        return select(*columns).where(standing).subquery("candidates")

    def _rule(self) -> Iterator[Refusal]:
        forbidden = self._target.forbidden(self._rows)
        if forbidden is not None:
            statement = select(self._rows.c.line).where(forbidden).order_by(self._rows.c.line)
            for (line,) in self._tx.rows(statement):
                yield line, against_rule(), {}

    def _constraints(self) -> Iterator[Refusal]:
        checks = self._target.constraints.checks
        if not checks:
            return
        failed = [
            not_(func.coalesce(condition_value(self._scope, check.expression, self._rows), true()))
            for _, check in checks
        ]
        statement = select(self._rows.c.line, *failed).where(or_(*failed)).order_by(self._rows.c.line)
        for line, *bad in self._tx.rows(statement):
            yield line, refused([name for (name, _), is_bad in zip(checks, bad, strict=True) if is_bad]), {}

    def _link(self, name: str, far: Table, column: str) -> Iterator[Refusal]:
        field = self._target.table.fields[name]
        table = linked_table(self._target.model, field)
        value = self._rows.c[name]
        there = self._there(table, far, far.c[column] == value)
        limit = view_limit(field, replace(self._scope, table=table))
        allowed = there if limit is None else and_(there, limit)
        is_known = exists(select(1).select_from(far).where(there)) if limit is not None else not_(true())
        found: ColumnElement[bool] = exists(select(1).select_from(far).where(allowed))
        if far is self._target.source and column in self._given and limit is None:
            beside = self._rows.alias("beside")
            found = or_(found, exists(select(1).select_from(beside).where(beside.c[column] == value)))
        statement = (
            select(self._rows.c.line, value, is_known)
            .where(value.is_not(None), not_(found))
            .order_by(self._rows.c.line)
        )
        for line, key, known in self._tx.rows(statement):
            yield line, invalid([not_linkable(name, [key], bool(known))]), {name: key}

    def _reference(self, names: Sequence[str], far_name: str, columns: Sequence[str]) -> Iterator[Refusal]:
        """T-117"""
        table = self._target.model.by_sql_name[far_name]
        far = self._scope.table_of(table)
        values = [self._rows.c[name] for name in names]
        same = and_(*(far.c[column] == value for column, value in zip(columns, values, strict=True)))
        missing = not_(exists(select(1).select_from(far).where(self._there(table, far, same))))
        statement = select(self._rows.c.line, values[0]).where(missing, *(value.is_not(None) for value in values))
        message = say("{names}: there is no such record of {table}", names=", ".join(names), table=table.name)
        for line, value in self._tx.rows(statement.order_by(self._rows.c.line)):
            yield line, invalid([FieldError(names[0], "link.missing", message)]), {names[0]: value}

    def _there(self, table: Any, far: Table, same: ColumnElement[bool]) -> ColumnElement[bool]:
        """The record that is meant, live, and the caller may see it."""
        seen = self._target.linkable(table, far)
        return and_(same, far.c[DELETED].is_(None), true() if seen is None else seen)

    def _unique(self, index: IndexSpec, where: Condition | None) -> Iterator[Refusal]:
        """Rows whose key is in the table already, or on an earlier line."""
        rows, stored = self._rows, self._scope.source
        keys = [rows.c[name] for name in index.fields]
        conditions: list[ColumnElement[bool]] = [] if index.nulls_not_distinct else [key.is_not(None) for key in keys]
        if where is not None:
            conditions.append(condition_value(self._scope, where.expression, rows))
        nth = func.row_number().over(partition_by=keys, order_by=rows.c.line).label("nth")
        ranked = select(rows.c.line, *keys, nth).where(*conditions).subquery("ranked")
        held: list[ColumnElement[bool]] = [
            stored.c[name].is_not_distinct_from(ranked.c[name])
            if index.nulls_not_distinct
            else stored.c[name] == ranked.c[name]
            for name in index.fields
        ]
        if where is not None:
            held.append(condition_value(self._scope, where.expression))
        if index.live:
            held.append(stored.c[DELETED].is_(None))
        taken = exists(select(1).select_from(stored).where(*held))
        first = cast(ranked.c[index.fields[0]], Text)
        statement = select(ranked.c.line, first).where(or_(ranked.c.nth > 1, taken)).order_by(ranked.c.line)
        for line, value in self._tx.rows(statement):
            yield line, duplicate(index.fields), {index.fields[0]: value}


def against_rule() -> SovriumError:
    """A new record that the caller may not make (P-026)."""
    return invalid([FieldError("", "rule", "A rule of the table refuses this record")])
