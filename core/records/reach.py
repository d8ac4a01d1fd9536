"""What goes with records that are deleted, or comes back with them: all that links which cascade lead to."""

from collections.abc import Callable, Iterator, Sequence, Set
from datetime import datetime

from core.fields.model import AppModel, TableModel
from core.records.incoming import Incoming, incoming_links
from core.records.key import KeyValue
from core.records.writing import Stored, WritableTable
from core.storage.database import Transaction


class Reach:
    """Rows of any tables. `writable` gives the prepared form of a table, `deleted` which rows count: live, trashed or (None)
    both; of the trash with `moments` only what went there then."""

    def __init__(
        self,
        tx: Transaction,
        model: AppModel,
        writable: Callable[[TableModel], WritableTable],
        *,
        deleted: bool | None,
        moments: Set[datetime] | None = None,
    ) -> None:
        self._tx = tx
        self._model = model
        self._writable = writable
        self._deleted = deleted
        self._moments = moments
        self._links: dict[str, Sequence[Incoming]] = {}
        self._rows: dict[str, dict[KeyValue, Stored]] = {}
        self._tables: dict[str, WritableTable] = {}

    def __iter__(self) -> Iterator[tuple[WritableTable, Sequence[Stored]]]:
        """The rows of each table, those of the causes first."""
        return ((self._tables[name], list(rows.values())) for name, rows in self._rows.items())

    def links(self, table: WritableTable) -> Sequence[Incoming]:
        """What points at the rows of a table."""
        name = table.log_name
        if name not in self._links:
            self._links[name] = incoming_links(self._model, table.table)
        return self._links[name]

    def others(
        self, link: Incoming, child: WritableTable, rows: Sequence[Stored], *, deleted: bool | None
    ) -> list[Stored]:
        """Rows that point at these through the link, and stay."""
        reached = self._rows.get(child.log_name, {})
        return [
            row for row in link.children(self._tx, child, rows, deleted=deleted) if child.key_of(row) not in reached
        ]

    def spread(self, target: WritableTable, rows: Sequence[Stored]) -> "Reach":
        """From these rows, level by level, and not by calls within calls: chains are long, and lead in circles."""
        level: list[tuple[WritableTable, Sequence[Stored]]] = [(target, self._added(target, rows))]
        while level:
            below: dict[str, tuple[WritableTable, list[Stored]]] = {}
            for table, parents in level:
                for link in self.links(table):
                    if link.on_delete != "cascade":
                        continue
                    child = self._tables.get(link.child.sql_name) or self._writable(link.child).by(target.author)
                    found = link.children(self._tx, child, parents, deleted=self._deleted)
                    if new := self._added(child, found):
                        below.setdefault(child.log_name, (child, []))[1].extend(new)
            level = list(below.values())
        return self

    def _added(self, table: WritableTable, rows: Sequence[Stored]) -> list[Stored]:
        """Those of the rows that are new."""
        if self._moments is not None:
            rows = [row for row in rows if row["deleted_at"] in self._moments]
        known = self._rows.setdefault(table.log_name, {})
        self._tables.setdefault(table.log_name, table)
        new = {key: row for row in rows if (key := table.key_of(row)) not in known}
        known.update(new)
        return list(new.values())
