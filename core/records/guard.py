"""A table as one caller may write it. Row rules are asked inside the writing transaction, of the row as it stands and of
what has become of it; nothing that the caller cannot see gets into an answer, errors included."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from sqlalchemy import ColumnElement, FromClause, and_, false, func, not_, select

from core.access.table import RowOperation, TableAccess
from core.errors import Conflict, FieldError, Invalid, NotFound, SovriumError
from core.fields.model import TableModel
from core.files.ledger import KnownFile
from core.principal import Principal
from core.query.compile import compile_filter
from core.query.filter import Node
from core.query.scope import Scope
from core.records.key import KeyValue, key_in
from core.records.shape import Shape
from core.records.sight import sees_file
from core.records.validate import invalid
from core.records.writing import Stored, WritableTable
from core.sentence import say
from core.storage.database import Reader, Transaction

WriteOperation = Literal["create", "update", "delete", "permanentDelete", "restore"]
_ROWS: dict[WriteOperation, RowOperation] = {
    "create": "create",
    "update": "write",
    "delete": "delete",
    "permanentDelete": "delete",
    "restore": "delete",
}


class GuardedTable(WritableTable):
    """The prepared form of a table for one operation of one caller. `shape` and `scope` are the caller's; `others` gives
    further tables as the caller may write them."""

    def __init__(
        self,
        target: WritableTable,
        access: TableAccess,
        shape: Shape,
        principal: Principal,
        scope: Scope,
        operation: WriteOperation,
        others: Callable[[TableModel, WriteOperation], WritableTable],
    ) -> None:
        self.__dict__.update(target.__dict__)
        self.hidden, self.shape = access.concealed, shape
        self.locked, self.ignored = access.locked | access.ignored, access.ignored
        self._scope = scope
        self._actor = principal.actor
        self._others = others
        self._stored: Node | None = None
        self._result: Node | None = None
        if operation == "create":
            self._result = access.rows("create", principal, scope)
        else:
            self._stored = access.rows(_ROWS[operation], principal, scope)
            self._result = access.result(principal, scope) if operation == "update" else None
        self.hides_rows = self._stored is not None
        self.demands_result = self._result is not None
        asks_caller = self.hides_rows or self.demands_result or self.files or not self.table.stands_alone
        self.peers = principal if asks_caller else access

    def within_reach(
        self, reader: Reader, rows: dict[KeyValue, Stored], keys: Collection[KeyValue]
    ) -> dict[KeyValue, Stored]:
        """Rows beyond the caller's reach are as if they were not there; finding out takes as long for both (P-037)."""
        if self._stored is None or not keys:
            return rows
        met = self._meeting(reader, self._stored, keys)
        return {key: row for key, row in rows.items() if key in met}

    def add(self, tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> list[Stored]:
        stored = super().add(tx, rows)
        self.check_result(tx, [self.key_of(row) for row in stored])
        return stored

    def holder(self, table: TableModel, column: str) -> WritableTable:
        child = self._others(table, "update")
        if column in child.locked:
            raise NotFound
        return child

    def check_result(self, reader: Reader, keys: Collection[KeyValue]) -> None:
        """The first of several that fails is told by its place."""
        if self._result is None:
            return
        met = self._meeting(reader, self._result, keys)
        for place, key in enumerate(keys):
            if key not in met:
                raise NotFound(record=place) if len(keys) > 1 else NotFound()

    def linkable(self, table: TableModel, source: Any) -> ColumnElement[bool] | None:
        return self._scope.neighbour(table).visible(source)

    def may_refer(self, reader: Reader, file: KnownFile) -> bool:
        return sees_file(reader, self._scope, file, self._actor)

    def forbidden(self, rows: FromClause) -> ColumnElement[bool] | None:
        if self._result is None:
            return None
        return not_(func.coalesce(compile_filter(self._result, self._plain, rows), false()))

    def scope(self, reader: Reader, moment: datetime) -> Scope:
        """Links to records that the caller does not see stay as they are."""
        return replace(self._scope, now=moment)

    def refusal(self, error: SovriumError) -> SovriumError:
        return scrubbed(error, self.hidden, self.table)

    @cached_property
    def _plain(self) -> Scope:
        """For the rules of the app itself, which ask of fields that the caller cannot read."""
        return replace(self._scope, sights=None)

    def _meeting(self, reader: Reader, node: Node, keys: Collection[KeyValue]) -> set[KeyValue]:
        condition = and_(key_in(self.table, self.source, keys), compile_filter(node, self._plain))
        return {tuple(row) for row in reader.rows(select(*(self.source.c[name] for name in self.key)).where(condition))}


def shape_of(table: TableModel, hidden: frozenset[str]) -> Shape:
    """Records without the fields that the caller may not read (P-016)."""
    return Shape(table, [name for name in table.fields if name not in hidden]) if hidden else Shape(table)


def scrubbed(error: SovriumError, hidden: frozenset[str], table: TableModel) -> SovriumError:
    """The same error without the names of hidden fields, or what they hold."""
    if not hidden:
        return error
    if isinstance(error, Invalid) and any(_tells(each, hidden) for each in error.errors):
        return invalid([_scrubbed(each, hidden, table) for each in error.errors], error.status)
    if isinstance(error, Conflict) and not hidden.isdisjoint(error.extra.get("fields", ())):
        extra = {key: value for key, value in error.extra.items() if key not in ("field", "fields", "errors")}
        return Conflict("Another record has the same values", **extra)
    return error


def _tells(error: FieldError, hidden: frozenset[str]) -> bool:
    return error.field in hidden or error.code == "field.unknown"


def _scrubbed(error: FieldError, hidden: frozenset[str], table: TableModel) -> FieldError:
    if error.code == "field.unknown":
        # Its hint might be the name of a hidden field.
        return FieldError(
            error.field,
            error.code,
            say("{table} has no field {name!r}", table=table.name, name=error.field),
            error.record,
        )
    if error.field in hidden:
        return FieldError("", error.code, "A rule of the table refuses this", error.record)
    return error
