"""Creating records: requests that wait together become one INSERT and one insert into the change log."""

from collections.abc import Hashable, Sequence
from itertools import islice
from typing import Any

from core.errors import Invalid, SovriumError
from core.records.row_check import Candidate, check_rows
from core.records.validate import Values, at_record
from core.records.writing import Stored, WritableTable
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
    """A job that creates a batch: all or nothing, or with `partial` those that are valid. Whole batches that wait together
    are written together."""

    def __init__(self, target: WritableTable, rows: Sequence[Values], *, partial: bool = False) -> None:
        self.target = target
        self.rows = rows
        self.partial = partial
        self.group: Hashable | None = None if partial else ("create-many", target.log_name)

    def run(self, tx: Transaction) -> list[Stored | SovriumError]:
        if self.partial:
            return insert_valid(tx, self.target, self.rows)
        stored: list[Stored | SovriumError] = self.run_group(tx, [self])[0]
        return stored

    def run_group(self, tx: Transaction, jobs: Sequence["CreateMany"]) -> list[Any]:
        """One statement for all. The first error goes to the writer, which then runs each batch alone."""
        rows = [row for job in jobs for row in job.rows]
        for place, error in sorted(_errors(tx, self.target, rows).items()):
            raise in_batch(error, place)
        made = self.target.insert(tx, rows) if rows else []
        self.target.fill(tx, made)
        stored = iter(made)
        return [list(islice(stored, len(job.rows))) for job in jobs]


def insert_valid(
    tx: Transaction, target: WritableTable, rows: Sequence[Values], *, free: Sequence[str] = ()
) -> list[Any]:
    """Insert those that pass the checks; for each row what was stored, or its error. `free` is a unique key whose values
    are known to differ and to be nobody's."""
    results: list[Any] = [None] * len(rows)
    errors = _errors(tx, target, rows, free)
    good = [place for place in range(len(rows)) if place not in errors]
    for place, error in errors.items():
        results[place] = error
    if good:
        for place, stored in zip(good, target.insert(tx, [rows[place] for place in good]), strict=True):
            results[place] = stored
        target.fill(tx, (row for row in results if isinstance(row, dict)))
    return results


def in_batch(error: SovriumError, place: int) -> SovriumError:
    """The error with the position of its record (R-050)."""
    if isinstance(error, Invalid):
        return at_record(error, place)
    error.extra["record"] = place
    return error


def _errors(
    tx: Transaction, target: WritableTable, rows: Sequence[Values], free: Sequence[str] = ()
) -> dict[int, SovriumError]:
    """Broken links and duplicates, by place."""
    if not target.is_checked:
        return {}
    return check_rows(target, tx, [Candidate(row, row.keys()) for row in rows], free)
