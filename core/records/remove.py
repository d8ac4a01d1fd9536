"""Deleting to the trash, restoring, deleting for good; with what links to the record, in the same transaction (T-112…T-116).

What a cascade deletes shares the instant of deletion with its cause; that is how a restore finds it again (D-40).
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete

from core.errors import BadRequest, Conflict, NotFound
from core.fields.address import key_text
from core.fields.link import LinksField
from core.fields.model import AppModel, TableModel
from core.files.ledger import let_go
from core.records.incoming import Incoming
from core.records.key import KeyValue, key_in
from core.records.reach import Reach
from core.records.row_check import check_followers, check_trash
from core.records.shape import stamp
from core.records.update import restricted, write_changes
from core.records.writing import Stored, WritableTable
from core.storage.database import ChangeRow, Transaction


class Removal:
    """Deletes and restores in one transaction. `writable` gives the prepared form of a table."""

    def __init__(self, model: AppModel, writable: Callable[[TableModel], WritableTable]) -> None:
        self._model = model
        self._writable = writable
        self.forgetters: list[Callable[[Transaction, str, Sequence[str]], None]] = []
        """Called with what goes for good, SQL name of the table and ids: others keep things about records, too."""

    def to_trash(self, tx: Transaction, target: WritableTable, rows: Sequence[Stored]) -> bool:
        """Mark live rows as deleted. True when links elsewhere were cleared (D-09). Raises Conflict (restrict)."""
        if not rows:
            return False
        cleared = False
        reach = Reach(tx, self._model, self._writable, deleted=False).spread(target, rows)
        for table, going in reach:
            for link in reach.links(table):
                if link.on_delete not in ("restrict", "set-null"):
                    continue
                children = reach.others(link, self._writable(link.child).by(target.author), going, deleted=False)
                if children and link.on_delete == "restrict":
                    raise restricted(link, children)
                cleared |= self._let_go(tx, link, going, children)
        for table, going in reach:
            self._set_deleted(tx, table, going, "delete")
        return cleared

    def _let_go(self, tx: Transaction, link: Incoming, rows: Sequence[Stored], children: Sequence[Stored]) -> bool:
        """Clear the links of the children to the rows; true when there were any."""
        if not children:
            return False
        child = self._writable(link.child)
        if link.relation is None:
            check_followers(child, tx, [row for row in children if row["deleted_at"] is None], link.cleared)
            write_changes(tx, child, [(row, link.cleared) for row in children])
            return True
        by_key = {child.key_of(row): row for row in children}
        child.load_links(tx, by_key, link.fields)
        gone = {row[link.columns[0]] for row in rows}
        pairs = [(row, {link.field: [key for key in row[link.field] if key not in gone]}) for row in by_key.values()]
        write_changes(tx, child, [(row, sets) for row, sets in pairs if sets[link.field] != row[link.field]])
        return True

    def restore(self, tx: Transaction, target: WritableTable, rows: Sequence[Stored]) -> None:
        """Take rows out of the trash, with what their deletion took along. Raises Conflict where another row has taken a
        unique key that does not count the trash (T-140)."""
        moments = {row["deleted_at"] for row in rows}
        reach = Reach(tx, self._model, self._writable, deleted=True, moments=moments)
        for table, coming in reach.spread(target, rows):
            self._set_deleted(tx, table, coming, "restore")

    def for_good(self, tx: Transaction, target: WritableTable, rows: Sequence[Stored], *, purge: bool = False) -> None:
        """Delete rows, with `purge` their files.

        Raises Conflict where a link that is not to be cleared or followed points at them; on a table with
        `allowForceDelete` only where such a link cannot be empty."""
        reach = Reach(tx, self._model, self._writable, deleted=None).spread(target, rows)
        for table, going in reach:
            table.load_links(tx, {table.key_of(row): row for row in going}, table.many)  # the log tells them
        for table, going in reach:
            for link in reach.links(table):
                if link.on_delete != "cascade":
                    self._break(tx, reach, table, going, link)
        for table, going in reach:
            self._erase(tx, table, going, purge=purge)

    def _break(
        self, tx: Transaction, reach: Reach, table: WritableTable, going: Sequence[Stored], link: Incoming
    ) -> None:
        """Clear what points at rows that go. Raises Conflict where it stands in the way."""
        children = reach.others(link, self._writable(link.child), going, deleted=None)
        live = [row for row in children if row["deleted_at"] is None]
        # Pairs that nobody forbids to break are gone with either of their records.
        stands = link.on_delete == "restrict" or (link.on_delete != "set-null" and link.relation is None)
        if live and stands and not (table.table.spec.allow_force_delete and link.can_be_cleared):
            raise restricted(link, live)
        self._let_go(tx, link, going, live if link.relation is not None else children)

    def _erase(self, tx: Transaction, table: WritableTable, rows: Sequence[Stored], *, purge: bool) -> None:
        keys = [table.key_of(row) for row in rows]
        self._drop_pairs(tx, table, rows)
        if table.files:
            let_go(tx, [use for row in rows for use in sorted(table.uses(row), key=str)], keep=not purge)
        for forget in self.forgetters:
            forget(tx, table.log_name, [key_text(key) for key in keys])
        tx.execute(delete(table.source).where(key_in(table.table, table.source, keys)))
        tx.log(
            [
                ChangeRow(
                    table=table.log_name,
                    record=key_text(table.key_of(row)),
                    operation="permanent-delete",
                    before=table.json(row),
                    held=row,
                )
                for row in rows
            ]
        )

    def _drop_pairs(self, tx: Transaction, target: WritableTable, rows: Sequence[Stored]) -> None:
        """All pairs of the rows, of either side."""
        for table in self._model.tables:
            for field in table.fields.values():
                relation = field.relation if isinstance(field, LinksField) else None
                if relation is None or relation.junction is None:
                    continue
                pairs = target.junction(relation.junction.name)
                for side, column, key in (
                    (relation.source, relation.near, relation.own),
                    (relation.target, relation.beyond, relation.far),
                ):
                    if side is target.table.spec:
                        tx.execute(delete(pairs).where(pairs.c[column].in_([row[key] for row in rows])))

    @staticmethod
    def _set_deleted(tx: Transaction, target: WritableTable, rows: Sequence[Stored], operation: Any) -> None:
        if not rows:
            return
        moment, author = (tx.time, target.author) if operation == "delete" else (None, None)
        sets, log = [], []
        for row in rows:
            held, before = dict(row), row["deleted_at"]
            row.update(target.moved(row, dict.fromkeys(target.deleted, moment), tx.time))
            row.update(dict.fromkeys(target.deleted_by, author))
            key = target.key_of(row)
            names = (*target.deleted, *target.deleted_by, *(name for name in row if name in target.updated))
            sets.append((key, {name: row[name] for name in names}))
            log.append(
                ChangeRow(
                    table=target.log_name,
                    record=key_text(key),
                    operation=operation,
                    before={"deleted_at": None if before is None else stamp(before)},
                    after={"deleted_at": None if moment is None else stamp(moment)},
                    held=held,
                )
            )
        check_trash(target, tx, rows)
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
    purge: bool = False
    batch: bool = False
    version: str | None = None
    group: Hashable | None = None

    def run(self, tx: Transaction) -> tuple[int, bool]:
        rows = self.target.load(tx, self.keys, lock=True)
        missing = [key for key in self.keys if key not in rows]
        if missing:
            raise NotFound(recordId=key_text(missing[0])) if self.batch else NotFound()
        if self.permanent:
            self.removal.for_good(tx, self.target, list(rows.values()), purge=self.purge)
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
