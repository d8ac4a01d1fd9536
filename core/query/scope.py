"""What a query is asked against: the table, its neighbours, the database's dialect, the caller's moment and zone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from difflib import get_close_matches
from functools import cached_property
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, FromClause, Table, select

from core.fields.base import Family, FieldType
from core.fields.column import ColumnKind
from core.fields.link import related_table
from core.fields.model import API_NAMES, AppModel, TableModel

Dialect = Literal["duckdb", "postgresql"]
UTC_ZONE = ZoneInfo("UTC")


class UnknownField(Exception):
    """No such field; the reader of the parameter decides how to answer."""

    def __init__(self, name: str, table: TableModel) -> None:
        names = (*table.fields, *table.system)
        near = get_close_matches(name.partition(".")[0], names, 1)
        super().__init__(f"Unknown field {name!r}" + (f", did you mean {near[0]!r}?" if near else ""))


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
        """The field behind a name: `stock`, `createdAt`, `author.name`, `address.city`. Raises UnknownField."""
        head, _, rest = name.partition(".")
        ref = _own(self.table, head)
        if ref is None or (rest and ref.family not in ("link", "json")):
            raise UnknownField(name, self.table)
        if not rest:
            return ref
        if ref.family == "json":
            return Ref(name, ref.column, ref.type, ref.kind, path=tuple(rest.split(".")))
        target = self.linked(ref.type)
        far = _own(target, rest)
        if far is None:
            raise UnknownField(rest, target)
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
        return select(far.c[ref.column]).where(far.c[link_column(link, target)] == own[ref.link]).scalar_subquery()


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
