"""Whose rows come and go by what other records hold: row rules that ask of other tables, and which of their columns (A-202).

Which rows those are only a look at the whole table would tell, at each change and for each who listens; so it is told that
there may be some.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Alias, Column, Table
from sqlalchemy.sql import visitors

from core.fields.model import AppModel, TableModel
from core.query.scope import Scope
from core.records.links import fields_of_pairs
from core.storage.database import ChangeRow, Commit
from core.storage.journal import told_as

_OF_ITSELF = frozenset(("deleted_at",))
"""Automatic columns that no update changes without saying so."""


@dataclass(frozen=True, slots=True)
class Dependence:
    """For one caller: by a table's SQL name, the tables whose rules ask of it, each with what they ask for."""

    model: AppModel
    asked: Mapping[str, Mapping[str, frozenset[str]]]

    @classmethod
    def of(cls, model: AppModel, scopes: Iterable[Scope]) -> "Dependence":
        """`scopes` are the tables that the caller reads some rows of."""
        asked: dict[str, dict[str, frozenset[str]]] = {}
        for scope in scopes:
            for table, column in _asked_by(scope):
                by = asked.setdefault(table, {})
                by[scope.table.sql_name] = by.get(scope.table.sql_name, frozenset()) | {column}
        return cls(model, asked)

    def concerned(self, table: str, operation: str, commits: Sequence[Commit]) -> list[str]:
        """The tables of which the caller may see other rows after what commits did to one that way."""
        by, known = self.asked.get(table), self.model.by_sql_name.get(table)
        if not by or known is None:
            return []
        changes = [each for commit in commits for each in commit.changes]
        changes = [each for each in changes if (each.table, each.operation) == (table, operation)]
        return [name for name, columns in by.items() if any(_concerns(known, columns, each) for each in changes)]


def _concerns(table: TableModel, columns: frozenset[str], change: ChangeRow) -> bool:
    if change.operation in ("import", "sql") and change.record in ("", "*"):
        return True
    operation = told_as(change.operation, change.before, change.after)
    if operation != "update":
        return operation is not None
    changed = {*(change.before or ()), *(change.after or ())}
    silent = columns - table.fields.keys() - set(table.key.fields) - _OF_ITSELF
    return bool(changed) and (bool(silent) or not changed.isdisjoint(columns))


def _asked_by(scope: Scope) -> Iterator[tuple[str, str]]:
    """Table and column, or the field of a link, that decide on a table's rows beside what stands in each."""
    condition = scope.visible()
    for part in () if condition is None else visitors.iterate(condition):
        if not isinstance(part, Column) or part.table is scope.source:
            continue
        table = part.table.element if isinstance(part.table, Alias) else part.table
        if isinstance(table, Table):
            yield table.name, part.name
            yield from ((side.sql_name, name) for side, name, _ in fields_of_pairs(scope.model, table.name))
