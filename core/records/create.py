"""Creating records: requests that wait together become one INSERT and one insert into the change log."""

from collections.abc import Hashable, Sequence
from typing import Any

from core.errors import Invalid, SovriumError
from core.records.validate import Values, at_record
from core.records.writing import Candidate, Stored, WritableTable
from core.storage.database import Transaction


class Create:
    """A job that creates one record; answers the row as stored."""

    __slots__ = ("group", "target", "values")

    def __init__(self, target: WritableTable, values: Values) -> None:
        self.target = target
        self.values = values
        self.group: Hashable | None = ("create", target.log_name)

    def run(self, tx: Transaction) -> Stored:
        result: Stored | SovriumError = self.run_group(tx, [self])[0]
        if isinstance(result, SovriumError):
            raise result
        return result

    def run_group(self, tx: Transaction, jobs: Sequence["Create"]) -> list[Any]:
        return insert_valid(tx, self.target, [job.values for job in jobs])


class CreateMany:
    """A job that creates a batch: all or nothing, or with `partial` those that are valid."""

    group: Hashable | None = None

    def __init__(self, target: WritableTable, rows: Sequence[Values], *, partial: bool = False) -> None:
        self.target = target
        self.rows = rows
        self.partial = partial

    def run(self, tx: Transaction) -> list[Stored | SovriumError]:
        if self.partial:
            return insert_valid(tx, self.target, self.rows)
        errors = self.target.check(tx, _candidates(self.rows))
        for place, error in sorted(errors.items()):
            raise in_batch(error, place)
        return list(self.target.insert(tx, self.rows))

    def run_group(self, tx: Transaction, jobs: Sequence["CreateMany"]) -> list[Any]:
        return [job.run(tx) for job in jobs]


def insert_valid(tx: Transaction, target: WritableTable, rows: Sequence[Values]) -> list[Any]:
    """Insert those that pass the checks; for each row what was stored, or its error."""
    results: list[Any] = [None] * len(rows)
    errors = target.check(tx, _candidates(rows))
    good = [place for place in range(len(rows)) if place not in errors]
    for place, error in errors.items():
        results[place] = error
    if good:
        for place, stored in zip(good, target.insert(tx, [rows[place] for place in good]), strict=True):
            results[place] = stored
    return results


def in_batch(error: SovriumError, place: int) -> SovriumError:
    """The error with the position of its record (R-050)."""
    if isinstance(error, Invalid):
        return at_record(error, place)
    error.extra["record"] = place
    return error


def _candidates(rows: Sequence[Values]) -> list[Candidate]:
    return [Candidate(row, row.keys()) for row in rows]
