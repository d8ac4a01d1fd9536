"""Which rows of a change come into a caller's sight, stay in it, or leave it (A-202).

The database knows rows as they are now; as they were is what their commits remember. So both are asked of the database
with the same rule: once of the table, once of the remembered rows in its place.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy import ColumnElement, FromClause, Table, and_, not_, select, true, union_all

from core.fields.address import key_text
from core.fields.model import TableModel
from core.query.scope import Scope
from core.records.constraint import PLACE
from core.records.key import key_in, parse_key
from core.records.links import fields_of_pairs
from core.records.row_check import Candidate
from core.records.writing import WritableTable
from core.storage.database import ChangeRow, Commit, Reader

ROWS_MOST = 1_000
"""Rows of one change that are looked at, for each who listens; of more is told that there were many."""
LOOKS_MOST = 2
"""Of those who listen, for how many it is looked at a time: whoever else reads waits for no more of them."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """The addresses of rows by what became of them."""

    came: Sequence[str] = ()
    stayed: Sequence[str] = ()
    left: Sequence[str] = ()


class Crossings:
    """The changes of one kind that commits made to a table, as the caller of `scope` sees them. `writable` gives the
    prepared form of a table."""

    def __init__(
        self,
        scope: Scope,
        operation: str,
        commits: Sequence[Commit],
        writable: Callable[[TableModel], WritableTable],
    ) -> None:
        self._scope = scope
        self._operation = operation
        self._commits = commits
        self._writable = writable
        self._table = scope.table.sql_name
        self._changes = [each for each in self._of(self._table) if each.operation == operation]

    def __bool__(self) -> bool:
        return bool(self._changes)

    @property
    def are_told(self) -> bool:
        """The commits tell of each row, and there are not too many of them."""
        return len(self._changes) <= ROWS_MOST and all(map(_is_told, self._changes))

    def read(self, reader: Reader) -> Crossing:
        """In a read job."""
        if self._operation == "import":
            return Crossing(came=self._imported(reader))
        first: dict[str, ChangeRow] = {}
        for change in self._changes:
            known = first.setdefault(change.record, change)
            if known.held is None and change.held is not None and not _is_new(known):
                first[change.record] = change  # the other changed nothing, and knows no past
        now, before = self._seen_now(reader, first), self._seen_before(reader, first)
        still = now & before
        return Crossing(
            came=[each for each in first if each in now and each not in before],
            stayed=[each for each in first if each in still],
            left=[each for each in first if each in before and each not in now],
        )

    def _imported(self, reader: Reader) -> list[str]:
        """An import names none of its rows; all of them are as old as it is."""
        source = self._scope.source
        times = [each.time for each in self._commits if any(c.operation == "import" for c in each.changes)]
        statement = select(*self._key(source)).where(source.c.created_at.in_(times), _visible(self._scope))
        return [key_text(row) for row in reader.rows(statement.limit(ROWS_MOST))]

    def _seen_now(self, reader: Reader, records: Iterable[str]) -> set[str]:
        source = self._scope.source
        here = key_in(self._scope.table, source, [parse_key(self._scope.table, each) for each in records])
        return {key_text(row) for row in reader.rows(select(*self._key(source)).where(here, _visible(self._scope)))}

    def _seen_before(self, reader: Reader, changes: Mapping[str, ChangeRow]) -> set[str]:
        """Of rows without a past nobody has seen anything; where the past of one is as it is now, its present tells."""
        held = {record: change for record, change in changes.items() if change.held is not None}
        as_now = {record for record in changes.keys() - held.keys() if not _is_new(changes[record])}
        found = self._seen_now(reader, as_now) if as_now else set()
        if held:
            rows = self._given(reader, self._scope.table, held.values())
            then = replace(self._scope, table_of=lambda table: self._as_it_was(reader, table))
            places = {row[0] for row in reader.rows(select(rows.c[PLACE]).where(_visible(then, rows)))}
            found |= {record for place, record in enumerate(held) if place in places}
        return found

    def _as_it_was(self, reader: Reader, table: TableModel) -> Table:
        """A table that a rule asks of, before the commits: what they took with them may be what the rule asks for."""
        stored = self._scope.table_of(table)
        if (pairs := self._pairs_before(reader, table, stored)) is not None:
            return pairs
        held: dict[str, ChangeRow] = {}
        for change in self._of(table.sql_name):
            held.setdefault(change.record, change)
        past = [each for each in held.values() if each.held is not None]
        if not past:
            return stored
        rows = self._given(reader, table, past)
        others = not_(key_in(table, stored, [parse_key(table, each.record) for each in past]))
        return _together(stored, others, rows)

    def _pairs_before(self, reader: Reader, table: TableModel, stored: Table) -> Table | None:
        """The pairs behind a link to several records before the commits, which tell of both of its sides; None where they
        changed none."""
        changed: dict[str, set[Any]] = {}
        pairs: set[frozenset[tuple[str, Any]]] = set()
        for side, name, field in fields_of_pairs(self._scope.model, table.sql_name):
            relation, known = field.relation, changed.setdefault(field.relation.near, set())
            for change in self._of(side.sql_name):
                if change.before is None or name not in change.before:
                    continue
                (key, *_), linked = parse_key(side, change.record), field.accept_json(change.before[name])
                if key not in known and isinstance(linked, list):
                    known.add(key)
                    pairs |= {frozenset({relation.near: key, relation.beyond: each}.items()) for each in linked}
        if not any(changed.values()):
            return None
        others = and_(*(stored.c[column].not_in(keys) for column, keys in changed.items()))
        rows = [Candidate(dict(pair), ()) for pair in pairs]
        return _together(stored, others, self._writable(table).constraints.as_rows(reader, rows))

    def _given(self, reader: Reader, table: TableModel, changes: Iterable[ChangeRow]) -> FromClause:
        rows = [Candidate(each.held or {}, ()) for each in changes]
        return self._writable(table).constraints.as_rows(reader, rows)

    def _of(self, table: str) -> list[ChangeRow]:
        return [change for commit in self._commits for change in commit.changes if change.table == table]

    def _key(self, source: FromClause) -> list[Any]:
        return [source.c[name] for name in self._scope.table.key.fields]


def _together(stored: Table, others: ColumnElement[bool], rows: FromClause) -> Table:
    """The stored rows of the condition, and these beside them."""
    was = union_all(select(stored).where(others), select(*(rows.c[column.name] for column in stored.c)))
    return cast(Table, was.subquery(stored.name))  # it is only read from, as a table is


def _visible(scope: Scope, source: FromClause | None = None) -> ColumnElement[bool]:
    seen = scope.visible(source)
    return true() if seen is None else seen


def _is_new(change: ChangeRow) -> bool:
    return change.operation == "create" or (change.operation == "sql" and change.before is None)


def _is_told(change: ChangeRow) -> bool:
    """Statements of people may change more rows than are kept, or rows that are not known before."""
    if change.operation != "sql":
        return True
    return change.record != "*" and (change.before is not None or change.after is not None)
