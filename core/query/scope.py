"""What a query is asked against: the table, its neighbours, the database's dialect, the caller's moment and zone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, FromClause, Table, false, select

from core.errors import FieldError, Invalid, NotFound
from core.fields.base import Family, FieldType
from core.fields.column import ColumnKind
from core.fields.model import API_NAMES, AppModel, TableModel
from core.schema.permission import LINKS_MOST
from core.sentence import say

if TYPE_CHECKING:
    from core.query.filter import Node
    from core.query.joins import Joins

Dialect = Literal["duckdb", "postgresql"]
UTC_ZONE = ZoneInfo("UTC")


class UnknownField(Exception):
    """No such field; the reader of the parameter decides how to answer."""

    def __init__(self, name: str, table: TableModel, hidden: frozenset[str] = frozenset()) -> None:
        if name in table.fields and own_ref(table, name) is None:
            self.message = say("{name!r} is a {kind} and has no value", name=name, kind=table.fields[name].name)
            return
        names = [each for each in (*table.fields, *table.system) if each not in hidden]
        near = get_close_matches(name.partition(".")[0], names, 1)
        if near:
            self.message = say("Unknown field {name!r}, did you mean {near!r}?", name=name, near=near[0])
        else:
            self.message = say("Unknown field {name!r}", name=name)


class HiddenField(NotFound):
    """The caller may not read that field, so it cannot be asked about either (P-020)."""


def refused(parameter: str, message: str) -> Invalid:
    """What is wrong with one parameter of a request."""
    return Invalid(message, [FieldError(parameter, f"{parameter}.invalid", message)])


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
    """The link column that leads to the table of `column`, or towards it."""
    beyond: "Ref | None" = None
    """The field as the linked table knows it, where further links lead to it from there."""
    path: tuple[str, ...] = ()
    is_stored: bool = True
    """A column of its table; else its value is read from linked records or computed."""

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
    email: str | None = None
    """The address of that account."""
    sql_nulls: bool = False
    sights: "Callable[[Scope], Sight] | None" = None
    """What the caller may see of the table of each such scope; None: everything."""
    shut: frozenset[str] = frozenset()
    """Fields of this table that a request may not name although no rule hides them: a public view does not show them."""
    is_lasting: bool = False
    """The SQL is kept and outlives this moment (database views): formulas ask the database's own clock (F-017)."""
    joins: "Joins | None" = None
    """Where computed values of this table's rows are joined; statements then begin with `rows_source`."""

    @cached_property
    def sight(self) -> Sight:
        """What the caller may see of this table."""
        return EVERYTHING if self.sights is None else self.sights(self)

    @property
    def hidden(self) -> frozenset[str]:
        """Fields that the caller may not read."""
        return self.sight.hidden | self.shut

    def unbounded(self) -> "Scope":
        """The same table without a caller's limits: for the rules of the app itself."""
        return replace(self, sights=None, shut=frozenset(), sql_nulls=False)

    def neighbour(self, table: TableModel) -> "Scope":
        """Another table as the same caller queries it."""
        return self if table is self.table else replace(self, table=table, shut=frozenset())

    def visible(self, source: FromClause | None = None) -> ColumnElement[bool] | None:
        """The condition of the rows that the caller may see, in the trash and outside; None: all of them. What reads rows
        of a table for a caller, its own or a neighbour's, asks for it (P-034)."""
        from core.query.compile import compile_filter

        if not self.sight.readable:
            return false()
        if self.sight.rows is None:
            return None
        # The app's rule is asked of the rows as they are: what the caller may see does not bend it.
        return compile_filter(self.sight.rows, self.unbounded(), source)

    @cached_property
    def source(self) -> Table:
        return self.table_of(self.table)

    def joined(self) -> "Scope":
        """The same for statements that go over many rows: what is computed from linked records is read once for all of
        them. Such statements begin with `rows_source`, asked for last."""
        from core.query.joins import Joins

        return replace(self, joins=Joins()) if self.table.computes else self

    @property
    def rows_source(self) -> FromClause:
        """The table with the computed values that were asked for so far."""
        return self.source if self.joins is None else self.joins.source(self.source)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def day(self, day: date) -> tuple[datetime, datetime]:
        """The first instant of a day in the zone, and of the next one."""
        first = datetime.combine(day, time_of_day(), self.zone)
        if day < date.max:
            return first, datetime.combine(day + timedelta(days=1), time_of_day(), self.zone)
        try:
            return first, first.astimezone(UTC) + timedelta(days=1)
        except OverflowError:
            return first, datetime.max.replace(tzinfo=UTC)

    def resolve(self, name: str) -> Ref:
        """The field behind a name: `stock`, `createdAt`, `a.team.name`, `address.city`. Raises UnknownField, HiddenField."""
        head, dot, rest = name.partition(".")
        if API_NAMES.get(head, head) in self.hidden:
            raise HiddenField
        ref = own_ref(self.table, head)
        if ref is None or (dot and (not rest or ref.family not in ("link", "json") or ref.is_list)):
            raise UnknownField(name, self.table, self.hidden)
        if not rest:
            return ref
        if ref.family == "json":
            return Ref(name, ref.column, ref.type, ref.kind, path=tuple(rest.split(".")))
        if rest.count(".") >= LINKS_MOST:
            raise UnknownField(name, self.table, self.hidden)
        there = self.neighbour(self.linked(ref.type))
        if not there.sight.readable:
            raise HiddenField
        far = there.resolve(rest)
        return replace(far, name=name, link=ref.column, beyond=None if far.link is None else far)

    def linked(self, link: FieldType[Any]) -> TableModel:
        """The table that a link field points at."""
        return linked_table(self.model, link)

    def column(self, ref: Ref, source: FromClause | None = None) -> ColumnElement[Any]:
        """The SQL of a field's value: a stored one is a column, any other a scalar subquery on the row of `source`."""
        own = self.source if source is None else source
        if ref.link is None:
            return own.c[ref.column] if ref.is_stored else self.computed(ref.type, own)
        link = self.table.type_of(ref.link)
        target = self.linked(link)
        there, far = self.neighbour(target), self.table_of(target).alias()
        value = there.column(ref.beyond or replace(ref, link=None), far)
        found = select(value).where(far.c[link_column(link, target)] == own.c[ref.link]).correlate(own)
        seen = there.visible(far)
        return (found if seen is None else found.where(seen)).scalar_subquery()

    def computed(self, field: FieldType[Any], own: FromClause, *, as_list: bool = False) -> ColumnElement[Any]:
        """The SQL of a value that is not stored, for a row of `own`."""
        from core.query.computed import computed_value

        if self.joins is not None and own is self.source:
            joined = self.joins.value(self, field, as_list=as_list)
            if joined is not None:
                return joined
        return computed_value(self, field, own, as_list=as_list)


def linked_table(model: AppModel, link: FieldType[Any]) -> TableModel:
    """The table that a link field points at."""
    return model.by_sql_name[link.relation.target.sql_name]  # type: ignore[attr-defined]


def link_column(link: FieldType[Any], target: TableModel) -> str:
    """The column of the target that a link holds: its key, or a unique field."""
    column = str(link.options.related_field)
    return column if column in target.column_by_name else target.key.fields[0]


def own_ref(table: TableModel, name: str) -> Ref | None:
    """The field of a table behind a name; None when it has none of that name, or the field has no value."""
    column = table.column_by_name.get(API_NAMES.get(name, name)) or table.column_by_name.get(name)
    own = name if column is None else column.name
    if own == "id" and column is None and own not in table.fields:
        own = table.key.fields[0]  # `id` always names the key (T-024)
        column = table.column_by_name[own]
    try:
        field_type = table.type_of(own)
    except KeyError:
        return None
    kind = field_type.result() if column is None else column.type
    return None if kind is None else Ref(name, own, field_type, kind.kind, is_stored=column is not None)
