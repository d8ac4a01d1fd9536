"""Updating records: one read of the rows as they are, then one statement for all that change the same columns."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update

from core.errors import Conflict, FieldError, NotFound, SovriumError
from core.fields.address import key_text
from core.files.ledger import let_go, take
from core.records.create import in_batch
from core.records.incoming import Incoming, incoming_links
from core.records.key import KeyValue, key_in
from core.records.links import Move, write_links
from core.records.row_check import Candidate, check_followers, check_rows
from core.records.sameness import comparable
from core.records.shape import stamp
from core.records.validate import Values, check_changes, invalid
from core.records.writing import Stored, WritableTable
from core.sentence import say
from core.storage.database import ChangeRow, Transaction


@dataclass(frozen=True, slots=True)
class Edit:
    """New values of one record. `version` is the `updatedAt` that the edit is based on; None = the last write wins."""

    key: KeyValue
    values: Values
    version: str | None = None
    author: str | None = None
    """The account that writes."""
    unlocks: bool = False
    """An administrator writes a locked record."""


class Update:
    """A job that updates one record; answers the row as it then is."""

    __slots__ = ("edit", "group", "target")

    def __init__(self, target: WritableTable, edit: Edit) -> None:
        self.target = target
        self.edit = edit
        self.group: Hashable | None = ("update", target.log_name)

    def run(self, tx: Transaction) -> Stored:
        result: Stored | SovriumError = self.run_group(tx, [self])[0]
        if isinstance(result, SovriumError):
            raise result
        return result

    def run_group(self, tx: Transaction, jobs: Sequence["Update"]) -> list[Any]:
        return update_valid(tx, self.target, [job.edit for job in jobs])


class UpdateMany:
    """A job that updates a batch. Unknown ids are answered as errors and harm nobody (R-055); any other error undoes the
    batch unless `partial`."""

    group: Hashable | None = None

    def __init__(self, target: WritableTable, edits: Sequence[Edit], *, partial: bool = False) -> None:
        self.target = target
        self.edits = edits
        self.partial = partial

    def run(self, tx: Transaction) -> list[Stored | SovriumError]:
        results = update_valid(tx, self.target, self.edits)
        for place, result in enumerate(results):
            if isinstance(result, NotFound) and self.target.hides_rows and not self.partial:
                # P-032; and a row that is not there looks the same.
                raise NotFound(record=place) if len(self.edits) > 1 else NotFound()
            if isinstance(result, SovriumError) and not (self.partial or isinstance(result, NotFound)):
                raise in_batch(result, place)
        return results

    def run_group(self, tx: Transaction, jobs: Sequence["UpdateMany"]) -> list[Any]:
        return [job.run(tx) for job in jobs]


def update_valid(
    tx: Transaction, target: WritableTable, edits: Sequence[Edit], read: Mapping[KeyValue, Stored] | None = None
) -> list[Any]:
    """Apply those that pass; for each edit the row as it then is, or its error. Edits of the same record follow each
    other, each upon what the one before has left. `read` are rows that this transaction has read and locked already."""
    keys = {edit.key for edit in edits}
    known = {key: row for key, row in (read or {}).items() if key in keys}
    rows = target.within_reach(tx, known, known)
    rows |= target.load(tx, keys - known.keys(), lock=True)
    target.load_links(tx, rows, {name for edit in edits for name in edit.values})
    if any(edit.version is not None for edit in edits):
        target.fill(tx, rows.values())  # a conflict shows the record as it is
    results: list[Any] = [None] * len(edits)
    waiting = list(range(len(edits)))
    while waiting:
        taken: dict[KeyValue, int] = {}
        for place in waiting:
            taken.setdefault(edits[place].key, place)
        places = list(taken.values())
        _round(tx, target, edits, places, rows, results)
        chosen = set(places)
        waiting = [place for place in waiting if place not in chosen]
    target.fill(tx, (row for row in results if isinstance(row, dict)))
    return results


def _round(
    tx: Transaction,
    target: WritableTable,
    edits: Sequence[Edit],
    places: Sequence[int],
    rows: dict[KeyValue, Stored],
    results: list[Any],
) -> None:
    """One edit per record."""
    changes: dict[int, Values] = {}
    for place in places:
        try:
            changes[place] = changes_of(target, rows.get(edits[place].key), edits[place], tx.time)
        except SovriumError as error:
            results[place] = error
    moving = [place for place, values in changes.items() if values]
    for place in moving if target.updated_by else ():
        changes[place].update(dict.fromkeys(target.updated_by, edits[place].author))
    compared = [place for place in moving if target.is_compared(changes[place])]
    candidates = [Candidate({**rows[edits[p].key], **changes[p]}, changes[p].keys(), edits[p].key) for p in compared]
    found = check_rows(target, tx, candidates) if candidates else {}
    errors = {compared[position]: error for position, error in found.items()}
    good = {place for place in moving if place not in errors}
    for place, refusal in errors.items():
        results[place] = refusal
    write_changes(tx, target, [(rows[edits[p].key], changes[p]) for p in moving if p in good])
    for place, values in changes.items():
        if not values or place in good:
            results[place] = dict(rows[edits[place].key])


def changes_of(target: WritableTable, row: Stored | None, edit: Edit, now: datetime) -> Values:
    """The values that really change (R-035), after the checks that need the row. Raises NotFound, Conflict, Invalid."""
    if row is None or row["deleted_at"] is not None:
        raise NotFound()
    if edit.version is not None and edit.version != stamp(row["updated_at"]):
        raise Conflict(
            "The record has changed since it was read", current=target.shape.from_values(row, number_id=True)
        )
    values = edit.values
    if target.many:
        values = {
            name: target.many[name].settled(value, row[name]) if name in target.many else value
            for name, value in values.items()
        }
    changes = {name: value for name, value in values.items() if value != row[name]}
    if not changes.keys().isdisjoint(target.key):
        names = [name for name in target.key if name in changes]
        raise invalid(
            [
                FieldError(name, "field.read-only", say("{name} is the record's key and stays", name=name))
                for name in names
            ]
        )
    if changes:
        check_changes(target.table, row, changes, now, unlocks=edit.unlocks)
    return changes


def write_changes(tx: Transaction, target: WritableTable, pairs: Sequence[tuple[Stored, Values]]) -> None:
    """Write and log changed values; each row of `pairs` is brought up to date in place."""
    if not pairs:
        return
    aside = _step_aside(tx, target, pairs) if tx.dialect == "postgresql" and len(pairs) > 1 else {}
    log: list[ChangeRow] = []
    written: dict[str, Any] = {}
    moves: dict[str, list[Move]] = {}
    moved_keys: list[tuple[Stored, Stored]] = []
    for row, changes in pairs:
        key = target.key_of(row)
        for name in target.many.keys() & changes.keys() if target.many else ():
            moves.setdefault(name, []).append((key, row[name], changes[name]))
        told = [name for name in changes if name not in target.updated_by]
        before, held = target.json(row, told), dict(row)
        filed = target.files.keys() & changes.keys() if target.files else ()
        freed = target.uses(row, filed) if filed else set()
        new = target.moved(row, changes, tx.time)
        row.update(new)
        written |= new
        if filed:
            used = target.uses(row, filed)
            take(tx, sorted(used - freed, key=str))
            let_go(tx, sorted(freed - used, key=str))
        after = target.json(row, told)
        log.append(
            ChangeRow(
                table=target.log_name, record=key_text(key), operation="update", before=before, after=after, held=held
            )
        )
        if target.followed and not changes.keys().isdisjoint(target.followed):
            moved_keys.append((held, row))
    # All rows set the same columns, some of them to what they held: one statement instead of one for each choice of fields.
    columns = [name for name in written if name not in target.many]
    staying = [row for row, _ in pairs if id(row) not in aside]
    if staying:
        target.update(tx, [(target.key_of(row), {name: row[name] for name in columns}) for row in staying])
    tx.insert(target.source, [{name: row[name] for name in target.columns} for row in aside.values()])
    for name, moved in moves.items():
        write_links(tx, target, target.many[name], moved)
    if target.demands_result:
        target.check_result(tx, [target.key_of(row) for row, _ in pairs])
    tx.log(log)
    if moved_keys:
        follow(tx, target, moved_keys)


def _step_aside(tx: Transaction, target: WritableTable, pairs: Sequence[tuple[Stored, Values]]) -> dict[int, Stored]:
    """Take rows out of the table whose unique keys other rows of one statement take: PostgreSQL asks after each row, not
    after all. Those rows by their identity, to be put back as they then are."""
    aside: dict[int, Stored] = {}
    for names in {tuple(index.fields) for index in target.table.indexes if index.unique}:
        if all(changes.keys().isdisjoint(names) for _, changes in pairs):
            continue
        holders = {tuple(comparable(row[name]) for name in names): row for row, _ in pairs}
        takers = {tuple(comparable(changes.get(name, row[name])) for name in names): row for row, changes in pairs}
        aside |= {id(row): row for key, row in holders.items() if takers.get(key, row) is not row}
    if aside:
        keys = [target.key_of(row) for row in aside.values()]
        tx.execute(delete(target.source).where(key_in(target.table, target.source, keys)))
    return aside


def follow(tx: Transaction, target: WritableTable, moved: Sequence[tuple[Stored, Stored]]) -> None:
    """What points at records by a value that is not their key goes on pointing at them, or refuses its change (T-115).
    `moved` are their values before and after. Raises Conflict."""
    for link in incoming_links(target.model, target.table):
        if link.on_update == "no-action" or set(link.columns) <= set(target.key):
            continue
        child = target.neighbour(link.child)
        for old, new in moved:
            if link.values(old) in (None, link.values(new)):
                continue
            children = link.children(tx, child, [old], deleted=None)
            live = [row for row in children if row["deleted_at"] is None]
            if live and link.on_update == "restrict":
                raise restricted(link, live)
            held = None if link.on_update == "set-null" else link.values(new)
            values = link.cleared if held is None else dict(zip(link.fields, held, strict=True))
            if link.relation is None:
                check_followers(child, tx, live, values)
                write_changes(tx, child, [(row, values) for row in children])
            elif link.relation.junction is not None and held is not None:
                pairs = child.junction(link.relation.junction.name)
                far = pairs.c[link.relation.beyond]
                tx.execute(update(pairs).where(far == old[link.columns[0]]).values({far.name: new[link.columns[0]]}))


def restricted(link: Incoming, children: Sequence[Stored]) -> SovriumError:
    """The refusal of a record that others point at."""
    name = link.child.name
    error = Conflict(
        say("{count} records of {table} link to it through {field}", count=len(children), table=name, field=link.field),
        errors=[FieldError(link.field, "link.restrict", say("Linked from {table}", table=name)).body()],
    )
    error.status = 400
    return error
