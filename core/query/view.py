"""A view of the app file as part of a query: its filter beside the request's, its sorts, fields and groups where the request
says nothing else (V-001…V-005, V-014).

The rules are the app's, so they may ask about fields that the caller may not read; orders and groups by such fields would
tell their values, and are left out.
"""

from dataclasses import dataclass, replace
from typing import Any

from core.query.aggregate import Grouping
from core.query.filter import Node, parse_filter
from core.query.scope import HiddenField, Ref, Scope, UnknownField
from core.query.sort import Key
from core.schema.view import GroupBy, ViewSpec


@dataclass(frozen=True, slots=True)
class ViewQuery:
    """One view as a caller sees it. `fields` None: all that the caller may read."""

    where: Node | None
    sort: tuple[Key, ...]
    fields: tuple[str, ...] | None
    grouping: Grouping | None


def read_view(view: ViewSpec, scope: Scope) -> ViewQuery:
    """Variables in filters (`$today`) are those of the request (V-011). The view itself may name what it does not show."""
    scope = replace(scope, shut=frozenset())
    group = None if view.group_by is None else _seen(view.group_by.field, scope)
    grouping = None
    sort = [Key(ref, direction == "desc") for name, direction in view.sorts if (ref := _seen(name, scope)) is not None]
    if group is not None and view.group_by is not None:
        grouping = grouping_of(view.group_by, group)
        sort = [group_key(grouping), *(key for key in sort if key.ref.name != group.name)]
    fields = view.fields
    if fields is not None:
        fields = tuple(ref.column for name in fields if (ref := _seen(name, scope)) is not None and ref.is_plain)
    # The app's own rule is asked of fields that the caller may not see; `user` and zone stay the caller's.
    where = None if view.filters is None else parse_filter(view.filters, scope.unbounded())
    return ViewQuery(where, tuple(sort), fields, grouping)


def grouping_of(group: GroupBy, ref: Ref) -> Grouping:
    """Groups in the order of their rows; options without rows appear too, unless the view hides them."""
    return Grouping(
        ref,
        descending=group.direction == "desc",
        first=tuple(_as_text(each) for each in group.order),
        filled=not group.hide_empty,
    )


def group_key(grouping: Grouping) -> Key:
    """The level of the sort that brings the rows of a group together."""
    return Key(grouping.ref, grouping.descending, grouping.first)


def group_order(grouping: Grouping, found: list[str]) -> list[str]:
    """Names of the groups of a select or multi-select in their order: those that come first, the declared options, what
    else the rows hold, last those without a value."""
    options = [each for each in grouping.ref.type.sort_order() or () if each not in grouping.first]
    if grouping.descending:
        options.reverse()
    known = [*grouping.first, *options]
    others = [name for name in found if name and name not in known]
    return [*known, *others, *(name for name in found if not name)]


def _seen(name: str, scope: Scope) -> Ref | None:
    try:
        return scope.resolve(name)
    except (HiddenField, UnknownField):
        return None


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
