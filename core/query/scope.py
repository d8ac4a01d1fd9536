"""What a query is asked against: the table, its neighbours, the database's dialect, the caller's moment and zone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, FromClause, Table, false, select

from core.errors import NotFound
from core.fields.base import Family, FieldType
from core.fields.column import ColumnKind
from core.fields.link import related_table
from core.fields.model import API_NAMES, AppModel, TableModel

if TYPE_CHECKING:
    from core.query.filter import Node

Dialect = Literal["duckdb", "postgresql"]
UTC_ZONE = ZoneInfo("UTC")


class UnknownField(Exception):
    """No such field; the reader of the parameter decides how to answer."""

    def __init__(self, name: str, table: TableModel, hidden: frozenset[str] = frozenset()) -> None:
        names = [each for each in (*table.fields, *table.system) if each not in hidden]
        near = get_close_matches(name.partition(".")[0], names, 1)
        super().__init__(f"Unknown field {name!r}" + (f", did you mean {near[0]!r}?" if near else ""))


class HiddenField(NotFound):
    """The caller may not read that field, so it cannot be asked about either (P-020)."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a caller may see of a table: whether anything, without which fields, and which rows (None: all of them)."""

    readable: bool = True
    hidden: frozenset[str] = frozenset()
    rows: "Node | None" = None


EVERYTHING = Sight()


@dataclass(frozen=True, slots=True)
class Ref:
    """A field that a query names: a column of the table, of a linked record (`author.name`), or a path into json."""

    name: str
    column: str
    type: FieldType[Any]
    kind: ColumnKind
    link: str | None = None
    """The link column that leads to the table of `column`."""
    path: tuple[str, ...] = ()

    @property
    def family(self) -> Family:
        return self.type.family

    @property
    def is_list(self) -> bool:
        return self.kind.endswith("-list")

    @property
    def is_plain(self) -> bool:
        return self.link is None and not self.path


@dataclass(frozen=True)
class Scope:
    """One table as a caller queries it. `zone` decides what a day is; `sql_nulls` keeps SQL's meaning of NULL (R-108)."""

    table: TableModel
    model: AppModel
    table_of: Callable[[TableModel], Table]
    dialect: Dialect
    now: datetime
    zone: ZoneInfo = UTC_ZONE
    user: str | None = None
    sql_nulls: bool = False
    sights: Callable[[TableModel], Sight] | None = None
    """What the caller may see of each table; None: everything."""

    @cached_property
    def sight(self) -> Sight:
        """What the caller may see of this table."""
        return EVERYTHING if self.sights is None else self.sights(self.table)

    @property
    def hidden(self) -> frozenset[str]:
        """Fields that the caller may not read."""
        return self.sight.hidden

    def neighbour(self, table: TableModel) -> "Scope":
        """Another table as the same caller queries it."""
        return self if table is self.table else replace(self, table=table)

    def visible(self, source: FromClause | None = None) -> ColumnElement[bool] | None:
        """The condition of the rows that the caller may see, in the trash and outside; None: all of them. What reads rows
        of a table for a caller, its own or a neighbour's, asks for it (P-034)."""
        from core.query.compile import compile_filter

        if not self.sight.readable:
            return false()
        if self.sight.rows is None:
            return None
        # The app's rule is asked of the rows as they are: what the caller may see does not bend it.
        return compile_filter(self.sight.rows, replace(self, sights=None, sql_nulls=False), source)

    @cached_property
    def source(self) -> Table:
        return self.table_of(self.table)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def day(self, day: date) -> tuple[datetime, datetime]:
        """The first instant of a day in the zone, and of the next one."""
        first = datetime.combine(day, time_of_day(), self.zone)
        return first, datetime.combine(day + timedelta(days=1), time_of_day(), self.zone)

    def resolve(self, name: str) -> Ref:
        """The field behind a name: `stock`, `createdAt`, `author.name`, `address.city`. Raises UnknownField, HiddenField."""
        head, _, rest = name.partition(".")
        if API_NAMES.get(head, head) in self.hidden:
            raise HiddenField
        ref = _own(self.table, head)
        if ref is None or (rest and ref.family not in ("link", "json")):
            raise UnknownField(name, self.table, self.hidden)
        if not rest:
            return ref
        if ref.family == "json":
            return Ref(name, ref.column, ref.type, ref.kind, path=tuple(rest.split(".")))
        target = self.linked(ref.type)
        sight = self.neighbour(target).sight
        if not sight.readable or rest in sight.hidden:
            raise HiddenField
        far = _own(target, rest)
        if far is None:
            raise UnknownField(rest, target, sight.hidden)
        return Ref(name, far.column, far.type, far.kind, link=ref.column)

    def linked(self, link: FieldType[Any]) -> TableModel:
        """The table that a link field points at."""
        return linked_table(self.model, link)

    def column(self, ref: Ref, source: FromClause | None = None) -> ColumnElement[Any]:
        """The SQL of a field's stored value; for a linked record's field, a scalar subquery."""
        own = (self.source if source is None else source).c
        if ref.link is None:
            return own[ref.column]
        link = self.table.type_of(ref.link)
        target = self.linked(link)
        far = self.table_of(target).alias()
        found = select(far.c[ref.column]).where(far.c[link_column(link, target)] == own[ref.link])
        seen = self.neighbour(target).visible(far)
        return (found if seen is None else found.where(seen)).scalar_subquery()


def linked_table(model: AppModel, link: FieldType[Any]) -> TableModel:
    """The table that a link field points at."""
    spec = related_table(link.options, model.app)
    return next(table for table in model.tables if table.spec is spec)


def link_column(link: FieldType[Any], target: TableModel) -> str:
    """The column of the target that a link holds: its key, or a unique field."""
    column = str(link.options.related_field)
    return column if column in target.column_by_name else target.key.fields[0]


def _own(table: TableModel, name: str) -> Ref | None:
    column = table.column_by_name.get(API_NAMES.get(name, name)) or table.column_by_name.get(name)
    if column is None:
        return None
    try:
        field_type = table.type_of(column.name)
    except KeyError:
        return None
    return Ref(name, column.name, field_type, column.type.kind)
