"""All that a list of records can be asked (spec §10.4), read from the parameters of a request."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, true

from core.errors import BadRequest
from core.fields.base import Format
from core.formulas.check import names
from core.formulas.parse import parse
from core.formulas.problem import FormulaProblem
from core.query.aggregate import Aggregates, Grouping, parse_aggregates, parse_grouping
from core.query.compile import compile_filter
from core.query.filter import All, Node, Written, parse_filter
from core.query.formula import read_condition
from core.query.page import FIRST_PAGE, Page, parse_page
from core.query.scope import HiddenField, Scope, UnknownField, refused
from core.query.search import compile_search
from core.query.sort import Key, Rank, parse_sort, ranks
from core.query.view import read_view
from core.schema.view import ViewSpec
from core.sentence import say

Deleted = Literal["without", "with", "only"]

PARAMETERS = frozenset(
    "limit offset page cursor sort order fields select filter q aggregate groupBy groupSort hideEmpty includeDeleted "
    "deleted format timezone filterByFormula expand sqlNulls lookups view".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """A checked list request. `fields` are columns in the order asked, None for all; `unknown` names the parameters that
    mean nothing here (R-004: the answer warns of them)."""

    scope: Scope
    where: Node | None = None
    q: str = ""
    sort: tuple[Key, ...] = ()
    page: Page = FIRST_PAGE
    fields: tuple[str, ...] | None = None
    deleted: Deleted = "without"
    aggregates: Aggregates | None = None
    grouping: Grouping | None = None
    expand: tuple[str, ...] = ()
    display: Format | None = None
    arrays: bool = False
    """Lookups of several records are told as lists (`lookups=array`)."""
    unknown: tuple[str, ...] = ()

    @classmethod
    def parse(
        cls, params: Mapping[str, str], scope: Scope, *, trash: bool = False, view: ViewSpec | None = None
    ) -> "ListQuery":
        """Read the parameters, and what the view adds to them. Raises Invalid or BadRequest naming the parameter."""
        scope = replace(scope, zone=parse_zone(params.get("timezone")), sql_nulls=params.get("sqlNulls") == "true")
        deleted: Deleted = "only" if trash else parse_deleted(params)
        sort = parse_sort(params.get("sort"), scope, params.get("order"))
        where, fields = parse_where(params, scope), parse_fields(params.get("fields") or params.get("select"), scope)
        grouping = parse_grouping(params, scope)
        if view is not None:
            seen = read_view(view, scope)
            where, sort, fields = both(where, seen.where), sort or seen.sort, _common(fields, seen.fields)
            grouping = grouping or (seen.grouping if sort == seen.sort else None)
        return cls(
            scope=scope,
            where=where,
            q=(params.get("q") or "").strip(),
            sort=sort,
            page=parse_page(params, order_name(sort, deleted)),
            fields=fields,
            deleted=deleted,
            aggregates=parse_aggregates(params.get("aggregate"), scope),
            grouping=grouping,
            expand=parse_expand(params.get("expand"), scope),
            display=parse_display(params),
            arrays=params.get("lookups") == "array",
            unknown=tuple(name for name in params if name not in PARAMETERS),
        )

    def condition(self) -> ColumnElement[bool]:
        """What a row must meet to be listed."""
        found = [live(self.deleted, self.scope), compile_filter(self.where, self.scope)]
        if self.q:
            found.append(compile_search(self.q, self.scope))
        return and_(*found)

    def ranks(self) -> list[Rank]:
        """The order of the list: as asked, else oldest first (R-018), in the trash the newest deletion first (R-041)."""
        if self.sort:
            return ranks(self.sort, self.scope)
        name = "deleted_at" if self.deleted == "only" else "created_at"
        return ranks([Key(self.scope.resolve(name), self.deleted == "only")], self.scope)

    @property
    def order(self) -> str:
        """Names the order, so that a cursor is not continued in another."""
        return order_name(self.sort, self.deleted)


def parse_where(params: Mapping[str, str], scope: Scope) -> Node | None:
    """`filter` and `filterByFormula`, both of which must hold."""
    return both(parse_filter(params.get("filter"), scope), parse_formula(params.get("filterByFormula"), scope))


def both(one: Node | None, other: Node | None) -> Node | None:
    """The condition that both of them hold."""
    return All((one, other)) if one is not None and other is not None else one if other is None else other


def _common(asked: tuple[str, ...] | None, shown: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """V-014: of the fields that are asked for, those that the view shows."""
    if asked is None or shown is None:
        return shown if asked is None else asked
    return tuple(name for name in asked if name in shown)


def parse_formula(text: str | None, scope: Scope) -> Node | None:
    """A condition in the formula language: `AND({state}='open', {n}>=3)`. Raises BadRequest with a mistake's place,
    HiddenField."""
    if not text or not text.strip():
        return None
    try:
        return Written(read_condition(text, scope.table, scope.hidden))
    except FormulaProblem as problem:
        if problem.code == "formula.unknown-field" and not scope.hidden.isdisjoint(map(str.lower, names(parse(text)))):
            raise HiddenField from None
        line, column = problem.place(text)
        message = say("filterByFormula: {problem}", problem=problem.sentence(text))
        raise BadRequest(message, parameter="filterByFormula", line=line, column=column, reason=problem.code) from None


def order_name(sort: tuple[Key, ...], deleted: Deleted) -> str:
    return ",".join(f"{key.ref.name}:{'desc' if key.descending else 'asc'}" for key in sort) + f";{deleted}"


def live(deleted: Deleted, scope: Scope) -> ColumnElement[bool]:
    """Rows outside the trash, inside it, or both: those of them that the caller may see."""
    column, seen = scope.source.c.deleted_at, scope.visible()
    if deleted == "with":
        return true() if seen is None else seen
    there = column.is_not(None) if deleted == "only" else column.is_(None)
    return there if seen is None else and_(there, seen)


def parse_deleted(params: Mapping[str, str]) -> Deleted:
    """D-14: `includeDeleted=true|only`, `deleted=true|only`."""
    included, deleted = params.get("includeDeleted"), params.get("deleted")
    if included == "only" or deleted in ("true", "only"):
        return "only"
    return "with" if included == "true" else "without"


def parse_zone(name: str | None) -> ZoneInfo:
    if not name:
        return ZoneInfo("UTC")
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise refused("timezone", say("{name!r} is not a time zone such as Europe/Paris", name=name)) from None


def parse_display(params: Mapping[str, str]) -> Format | None:
    """How values are shown to people; None where they are not asked for in that form. Raises what an unknown `format` or
    `timezone` raises (R-095)."""
    form, zone = params.get("format"), params.get("timezone") or None
    if form not in (None, "", "raw", "display"):
        raise refused("format", "format is raw or display")
    parse_zone(zone)
    return Format(zone) if form == "display" else None


def parse_fields(text: str | None, scope: Scope) -> tuple[str, ...] | None:
    """Columns of `id,title`, without the key; None when nothing is asked. Raises Invalid."""
    if not text:
        return None
    found: dict[str, None] = {}
    for name in (part.strip() for part in text.split(",")):
        if name == "id":
            continue
        try:
            ref = scope.resolve(name)
        except UnknownField as error:
            raise refused("fields", error.message) from None
        if not ref.is_plain:
            raise refused("fields", say("{name!r} is no field of its own; use expand", name=name))
        found[ref.column] = None
    return tuple(found)


def parse_expand(text: str | None, scope: Scope) -> tuple[str, ...]:
    """Names of link fields (R-028). Raises Invalid."""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip())) if text else ()
    for name in names:
        if name in scope.hidden:
            raise HiddenField
        field: Any = scope.table.fields.get(name)
        if field is None or field.family not in ("link", "user"):
            raise refused("expand", say("{name!r} is no link field", name=name))
    return names
