"""Creating or updating, told apart by fields whose values name a record (§10.9): one look for what is there, one INSERT, one
UPDATE, however many records."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from core.errors import FieldError, NotFound, SovriumError
from core.fields.model import TableModel
from core.records.create import in_batch, insert_valid
from core.records.key import KeyValue
from core.records.update import Edit, update_valid
from core.records.validate import Values, invalid
from core.records.writing import Stored, WritableTable
from core.sentence import say
from core.storage.database import Reader, Transaction

_NOT_COMPARED = ("json", "double")
"""Kinds whose values are not equal reliably enough to name a record."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One record of the request: all values for a new one, and those that an existing one gets."""

    created: Values
    changes: Values


@dataclass(frozen=True, slots=True)
class Upserted:
    """The rows as they then are, in the order of the request; with `partial` also the errors of those that are not valid."""

    rows: Sequence[Any]
    created: Sequence[bool]


class Upsert:
    """Creates or updates a batch, all or nothing. `target` is the table as the caller may create in it, `updating`
    as they may update it, or what they are told where they may not and a record is there (R-065). Whole batches that wait
    together have their records looked up and written together."""

    def __init__(
        self,
        target: WritableTable,
        updating: WritableTable | SovriumError,
        rows: Sequence[Incoming],
        names: Sequence[str],
        *,
        partial: bool = False,
    ) -> None:
        self.target = target
        self.updating = updating
        self.rows = rows
        self.names = tuple(names)
        self.partial = partial
        peers = updating if isinstance(updating, SovriumError) else updating.peers
        self.group: Hashable | None = None if partial else ("upsert", target.log_name, self.names, peers)

    def run(self, tx: Transaction) -> Upserted:
        wanted = [tuple(row.created[name] for name in self.names) for row in self.rows]
        keys, read, free = self._look(tx, wanted)
        results: list[Any] = [None] * len(wanted)
        open_: dict[tuple[Any, ...], list[int]] = {}
        for place, values in enumerate(wanted):
            if values not in keys:
                open_.setdefault(values, []).append(place)
        new: set[int] = set()
        # The first that is taken makes the record, and those behind it change it.
        while made := [places.pop(0) for values, places in open_.items() if places and values not in keys]:
            new.update(made)
            stored = insert_valid(tx, self.target, [self.rows[place].created for place in made], free=free)
            for place, row in zip(made, stored, strict=True):
                results[place] = self._good(row, place)
                if not isinstance(row, SovriumError):
                    keys[wanted[place]] = self.target.key_of(row)
        rest = [place for place in range(len(wanted)) if place not in new]
        if rest:
            if isinstance(self.updating, SovriumError):
                raise self.updating
            author = self.updating.author
            edits = [Edit(keys[wanted[place]], self.rows[place].changes, author=author) for place in rest]
            for place, stored in zip(rest, update_valid(tx, self.updating, edits, read), strict=True):
                results[place] = self._good(stored, place)
        return Upserted(results, [place in new for place in range(len(wanted))])

    def run_group(self, tx: Transaction, jobs: Sequence["Upsert"]) -> list[Any]:
        """As one batch, the records of each behind those of the one before. The first error goes to the writer, which then
        runs each batch alone."""
        rows = [row for job in jobs for row in job.rows]
        done = Upsert(self.target, self.updating, rows, self.names).run(tx)
        results, created = iter(done.rows), iter(done.created)
        return [Upserted(list(islice(results, len(job.rows))), list(islice(created, len(job.rows)))) for job in jobs]

    def _look(
        self, tx: Transaction, wanted: Sequence[tuple[Any, ...]]
    ) -> tuple[dict[tuple[Any, ...], KeyValue], dict[KeyValue, Stored], Sequence[str]]:
        """The records that are there, by the values; those of their rows that were read; and the merge fields, where
        nothing holds the other values."""
        values = set(wanted)
        if len(self.names) > 1 or self.names not in self.target.unique:
            return find_by(tx, self.target, self.names, wanted), {}, ()
        (name,) = self.names
        rows = self.target.holding(tx, self.names, values, lock=True)
        live = {self.target.key_of(row): row for row in rows if row["deleted_at"] is None}
        keys = {(row[name],): key for key, row in live.items()}
        return keys, live, self.names if len(live) == len(rows) else ()

    def _good(self, result: Stored | SovriumError, place: int) -> Stored | SovriumError:
        if isinstance(result, SovriumError) and not self.partial:
            if isinstance(result, NotFound):
                raise NotFound()  # a record that is there, and beyond the caller's reach
            raise in_batch(result, place)
        return result


def find_by(
    reader: Reader, target: WritableTable, names: Sequence[str], wanted: Sequence[tuple[Any, ...]]
) -> dict[tuple[Any, ...], KeyValue]:
    """The first live record that has each of the values in these columns, by them. One statement."""
    if not wanted:
        return {}
    found = target.matching(reader, (*names, *target.key), names, wanted, live=True)
    out: dict[tuple[Any, ...], KeyValue] = {}
    for row in sorted(found, key=lambda row: row[len(names) :], reverse=True):
        out[row[: len(names)]] = row[len(names) :]
    return out


def merge_fields(table: TableModel, given: Any) -> tuple[str, ...]:
    """The fields that tell records apart (R-061). Raises Invalid."""
    if not isinstance(given, list) or not given or not all(isinstance(name, str) for name in given):
        raise _refused("Expected a list with one field or more")
    for name in given:
        column = table.column_by_name.get(name)
        if name not in table.fields:
            raise _refused(f"{table.name} has no field {name!r}")
        if column is None or column.type.is_list or column.type.kind in _NOT_COMPARED:
            raise _refused(f"{name} does not tell records apart")
    return tuple(dict.fromkeys(given))


def check_merge_values(names: Sequence[str], raw: Mapping[str, Any]) -> None:
    """Raises Invalid where a record lacks one of the values (R-061)."""
    missing = [name for name in names if raw.get(name) is None]
    if missing:
        raise invalid(
            [
                FieldError(name, "upsert.no-value", say("{name} is needed to find the record", name=name))
                for name in missing
            ]
        )


def _refused(message: str) -> SovriumError:
    return invalid([FieldError("fieldsToMergeOn", "upsert.fields", message)])
