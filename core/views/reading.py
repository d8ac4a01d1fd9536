"""What a view reads: which rows, in which order. Shared by all ways of finding the row at a position."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, cast, false, func, or_, select
from sqlalchemy import Text as SqlText

from core.query.aggregate import Grouping
from core.query.compile import compile_filter, icontains
from core.query.filter import Node
from core.query.list_query import Deleted, live
from core.query.scope import Ref, Scope, UnknownField, own_ref, refused
from core.query.search import compile_search
from core.query.sort import Key, Rank, ranks
from core.query.view import group_key
from core.records.key import KeyValue, key_in
from core.records.label import Label
from core.storage.database import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A view's rows. Without sort they come in the order of the key."""

    scope: Scope
    where: Node | None = None
    sort: tuple[Key, ...] = ()
    q: str = ""
    deleted: Deleted = "without"
    grouping: Grouping | None = None

    @property
    def is_natural(self) -> bool:
        """The live rows of the table in key order, and nothing else."""
        asked = self.where is not None or self.sort or self.q or self.grouping or self.deleted != "without"
        return not asked and self.scope.visible() is None

    @property
    def key(self) -> list[ColumnElement[Any]]:
        return [self.scope.source.c[name] for name in self.scope.table.key.fields]

    def condition(self) -> ColumnElement[bool]:
        found = [live(self.deleted, self.scope), compile_filter(self.where, self.scope)]
        if self.q:
            found.append(compile_search(self.q, self.scope))
        return and_(*found)

    def order(self) -> list[ColumnElement[Any]]:
        return [rank.order() for rank in [*self.group_ranks(), *ranks(self.sort, self.scope)]]

    def group_ranks(self) -> list[Rank]:
        """What brings the rows of a group together; values of one rank, those that are no options any more, too."""
        if self.grouping is None:
            return []
        column = self.scope.column(self.grouping.ref)
        levels = ranks((group_key(self.grouping),), self.scope)[: -len(self.key)]
        levels[-1:-1] = self._label_ranks(self.grouping)
        plain = cast(column, SqlText) if self.grouping.ref.kind == "json" or self.grouping.ref.is_list else column
        return [*levels, Rank(plain, self.grouping.descending, True)]

    def _label_ranks(self, grouping: Grouping) -> list[Rank]:
        """Groups of links stand in the order of what people read above them."""
        ref = grouping.ref
        if ref.family != "link" or ref.is_list or not ref.is_plain:
            return []
        names = Label(self.scope, ref.column).names
        keys = tuple(Key(self.scope.resolve(f"{ref.column}.{name}"), grouping.descending) for name in names)
        return ranks(keys, self.scope)[: len(keys)]

    def joined(self) -> "Reading":
        """The same for statements over all of its rows: they take their rows from `scope.rows_source`."""
        return replace(self, scope=self.scope.joined())

    def keys(self) -> Select[Any]:
        """The keys of all rows in order."""
        every = self.joined()
        statement = select(*every.key).where(every.condition()).order_by(*every.order())
        return statement.select_from(every.scope.rows_source)

    def count(self) -> Select[Any]:
        every = self.joined()
        statement = select(func.count()).where(every.condition())
        return statement.select_from(every.scope.rows_source)

    def members(self, reader: Reader, keys: Sequence[KeyValue]) -> set[KeyValue]:
        """Those of the keys that belong to the view now."""
        condition = and_(key_in(self.scope.table, self.scope.source, keys), self.condition())
        return set(reader.rows(select(*self.key).where(condition))) if keys else set()

    def holds(self, text: str, fields: Sequence[Ref]) -> list[ColumnElement[bool]]:
        """For each field the condition that it shows the text, whatever the case."""
        columns = [(ref, self.scope.column(ref)) for ref in fields]
        return [
            icontains(column if ref.kind == "text" else cast(column, SqlText), text, self.scope)
            for ref, column in columns
        ]

    def matching(self, text: str, fields: Sequence[Ref]) -> ColumnElement[bool]:
        """Rows that show the text, and that the caller may see: an order may know of some that have been taken away."""
        found, seen = or_(false(), *self.holds(text, fields)), self.scope.visible()
        return found if seen is None else and_(seen, found)

    def refs(self, names: Sequence[str]) -> list[Ref]:
        """The fields of a window; all declared ones when none is named. Raises Invalid."""
        table, hidden = self.scope.table, self.scope.hidden
        wanted = names or [name for name in table.fields if own_ref(table, name) is not None and name not in hidden]
        try:
            return [self.scope.resolve(name) for name in wanted]
        except UnknownField as error:
            raise refused("fields", error.message) from None
