"""Deleting to the trash, restoring, deleting for good; with what links to the record, in the same transaction (T-112…T-116).

What a cascade deletes shares the instant of deletion with its cause; that is how a restore finds it again (D-40).
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, delete, select

from core.errors import BadRequest, Conflict, FieldError, NotFound, SovriumError
from core.fields.model import AppModel, TableModel
from core.query.scope import link_column, linked_table
from core.records.key import KeyValue, key_in, key_text
from core.records.shape import stamp
from core.records.update import write_changes
from core.records.writing import Stored, WritableTable
from core.storage.database import ChangeRow, Transaction


@dataclass(frozen=True, slots=True)
class Incoming:
    """A link field of another table (or the same) that points here."""

    child: TableModel
    field: str
    column: str
    """The column of this table that it holds."""
    action: str


def incoming_links(model: AppModel, table: TableModel) -> tuple[Incoming, ...]:
    return tuple(
        Incoming(child, name, link_column(field, table), field.options.on_delete)
        for child in model.tables
        for name, field in child.fields.items()
        if field.family == "link" and name in child.column_by_name and linked_table(model, field) is table
    )


class Removal:
    """Deletes and restores in one transaction. `writable` gives the prepared form of a table."""

    def __init__(self, model: AppModel, writable: Callable[[TableModel], WritableTable]) -> None:
        self._model = model
        self._writable = writable

    def to_trash(self, tx: Transaction, target: WritableTable, rows: Sequence[Stored]) -> bool:
        """Mark live rows as deleted. True when links elsewhere were cleared (D-09). Raises Conflict (restrict)."""
        cleared = False
        if not rows:
            return cleared
        self._set_deleted(tx, target, rows, "delete")
        for link in incoming_links(self._model, target.table):
            children = self._children(tx, link, rows, deleted=False)
            if not children:
                continue
            child = self._writable(link.child)
            if link.action == "restrict":
                raise _restricted(link, children)
            if link.action == "cascade":
                cleared |= self.to_trash(tx, child, children)
            elif link.action == "set-null":
                write_changes(tx, child, [(row, {link.field: None}) for row in children])
                cleared = True
        return cleared

    def restore(self, tx: Transaction, target: WritableTable, rows: Sequence[Stored]) -> None:
        """Take rows out of the trash, with what their deletion took along. Unique keys count the trash too (T-140), so
        nothing can have taken theirs."""
        if not rows:
            return
        fallen = [(row["deleted_at"], dict(row)) for row in rows]
        self._set_deleted(tx, target, rows, "restore")
        for link in incoming_links(self._model, target.table):
            if link.action == "cascade":
                moments = {row[link.column]: moment for moment, row in fallen}
                children = self._children(tx, link, rows, deleted=True)
                taken = [child for child in children if child["deleted_at"] == moments[child[link.field]]]
                self.restore(tx, self._writable(link.child), taken)

    def for_good(self, tx: Transaction, target: WritableTable, rows: Sequence[Stored]) -> None:
        """Delete rows. Raises Conflict where a link that is not to be cleared or followed points at them."""
        if not rows:
            return
        keys = [target.key_of(row) for row in rows]
        for link in incoming_links(self._model, target.table):
            child = self._writable(link.child)
            own = set(keys) if child is target else set()
            children = [row for row in self._children(tx, link, rows, deleted=None) if child.key_of(row) not in own]
            if link.action == "cascade":
                self.for_good(tx, child, children)
                continue
            live = [row for row in children if row["deleted_at"] is None]
            if live and link.action != "set-null":
                raise _restricted(link, live)
            write_changes(tx, child, [(row, {link.field: None}) for row in children])
        tx.execute(delete(target.source).where(key_in(target.table, target.source, keys)))
        tx.log(
            [
                ChangeRow(
                    table=target.log_name,
                    record=key_text(target.key_of(row)),
                    operation="permanent-delete",
                    before=target.json(row),
                )
                for row in rows
            ]
        )

    def _children(
        self, tx: Transaction, link: Incoming, parents: Sequence[Stored], *, deleted: bool | None
    ) -> list[Stored]:
        """Rows that link to the parents: live, trashed, or (None) both."""
        child = self._writable(link.child)
        values = [row[link.column] for row in parents if row[link.column] is not None]
        conditions = [child.source.c[link.field].in_(values)]
        if deleted is not None:
            column = child.source.c.deleted_at
            conditions.append(column.is_not(None) if deleted else column.is_(None))
        statement = select(*(child.source.c[name] for name in child.columns)).where(and_(*conditions))
        return [dict(zip(child.columns, row, strict=True)) for row in tx.rows(statement)]

    def _set_deleted(self, tx: Transaction, target: WritableTable, rows: Sequence[Stored], operation: Any) -> None:
        moment = tx.time if operation == "delete" else None
        sets, log = [], []
        for row in rows:
            before = row["deleted_at"]
            row.update(target.moved(row, dict.fromkeys(target.deleted, moment), tx.time))
            key = target.key_of(row)
            names = (*target.deleted, *(name for name in row if name in target.updated))
            sets.append((key, {name: row[name] for name in names}))
            log.append(
                ChangeRow(
                    table=target.log_name,
                    record=key_text(key),
                    operation=operation,
                    before={"deleted_at": None if before is None else stamp(before)},
                    after={"deleted_at": None if moment is None else stamp(moment)},
                )
            )
        target.update(tx, sets)
        tx.log(log)


@dataclass(slots=True)
class Delete:
    """A job that deletes records; answers how many, and whether links elsewhere were cleared. In a `batch` an unknown key
    refuses all and trashed ones are passed over (R-056); a single record in the trash is unknown."""

    removal: Removal
    target: WritableTable
    keys: Sequence[KeyValue]
    permanent: bool = False
    batch: bool = False
    version: str | None = None
    group: Hashable | None = None

    def run(self, tx: Transaction) -> tuple[int, bool]:
        rows = self.target.load(tx, self.keys, lock=True)
        missing = [key for key in self.keys if key not in rows]
        if missing:
            raise NotFound(recordId=key_text(missing[0])) if self.batch else NotFound()
        if self.permanent:
            self.removal.for_good(tx, self.target, list(rows.values()))
            return len(rows), False
        live = [row for row in rows.values() if row["deleted_at"] is None]
        if not self.batch:
            if not live:
                raise NotFound()
            check_version(self.target, live[0], self.version)
        return len(live), self.removal.to_trash(tx, self.target, live)

    def run_group(self, tx: Transaction, jobs: Sequence["Delete"]) -> list[Any]:
        return [job.run(tx) for job in jobs]


@dataclass(slots=True)
class Restore:
    """A job that takes records out of the trash; answers the rows that were restored."""

    removal: Removal
    target: WritableTable
    keys: Sequence[KeyValue]
    batch: bool = False
    group: Hashable | None = None

    def run(self, tx: Transaction) -> list[Stored]:
        rows = self.target.load(tx, self.keys, lock=True)
        for key in self.keys:
            if key not in rows:
                raise NotFound(recordId=key_text(key)) if self.batch else NotFound()
        trashed = [row for row in rows.values() if row["deleted_at"] is not None]
        if not trashed and not self.batch:
            raise BadRequest("The record is not deleted")
        self.removal.restore(tx, self.target, trashed)
        self.target.fill(tx, trashed)
        return trashed

    def run_group(self, tx: Transaction, jobs: Sequence["Restore"]) -> list[Any]:
        return [job.run(tx) for job in jobs]


def check_version(target: WritableTable, row: Stored, version: str | None) -> None:
    """Raises Conflict with the record as it is, when it is not the version that was read (R-036)."""
    if version is not None and version != stamp(row["updated_at"]):
        raise Conflict(
            "The record has changed since it was read", current=target.shape.from_values(row, number_id=True)
        )


def _restricted(link: Incoming, children: Sequence[Stored]) -> SovriumError:
    name = link.child.name
    error = Conflict(
        f"{len(children)} records of {name} link to it through {link.field}",
        errors=[FieldError(link.field, "link.restrict", f"Linked from {name}").body()],
    )
    error.status = 400
    return error
