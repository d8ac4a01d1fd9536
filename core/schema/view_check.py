"""Reads the views of a table and checks their shape (V-007). What they say about fields is checked in `core.fields.view`."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from core.schema.form import FieldNames, Form, Scalar, Who
from core.schema.model import TableSpec
from core.schema.pattern import VIEW_ID
from core.schema.permission_check import check_rule, rule_of
from core.schema.role import Roles
from core.schema.shape import Findings, show
from core.schema.source import is_broken
from core.schema.tree import Map, Path, Seq, plain
from core.schema.view import GroupBy, ViewPermissions, ViewSpec
from core.sentence import say


class SortForm(Form):
    field: str
    direction: Literal["asc", "desc"] = "asc"


class GroupByForm(Form):
    field: str
    direction: Literal["asc", "desc"] = "asc"
    order: list[Scalar] = []
    hide_empty: bool = False


class FieldOfForm(Form):
    """`{field: state}`, as pages write it."""

    field: str


class ViewPermissionsForm(Form):
    read: Who | None = None
    write: Who | None = None
    public: bool = False


class ViewForm(Form):
    """§7.1, and the keys of layouts in the words of the pages' components."""

    id: Annotated[int, Field(ge=0)] | Annotated[str, StringConstraints(pattern=VIEW_ID, max_length=63)] | None = None
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    is_default: bool = False
    filters: Any = None
    sorts: list[SortForm] = []
    fields: FieldNames | None = None
    group_by: GroupByForm | None = None
    permissions: ViewPermissionsForm | None = None
    query: Annotated[str, StringConstraints(min_length=1)] | None = None
    materialized: bool = False
    refresh_on_migration: bool = False
    type: Literal["grid", "kanban", "calendar", "gallery"] = "grid"
    kanban_group_by: FieldOfForm | None = None
    date_field: str | None = None
    end_date_field: str | None = None
    label_field: str | None = None
    color_field: str | None = None
    cover_field: str | None = None
    card_fields: FieldNames | None = None


def read_views(nodes: Any, path: Path, findings: Findings, ids: Sequence[str]) -> tuple[ViewSpec, ...]:
    """The views at a path (`("tables", 2, "views")`), with the ids that they have or are given."""
    found: list[ViewSpec] = []
    default: str | None = None
    for index, node in enumerate(nodes if isinstance(nodes, Seq) else ()):
        here = (*path, index)
        if is_broken(node):
            continue
        if not isinstance(node, Map):
            findings.error("schema.wrong-type", say("a view is a map with `name`, not {value}", value=show(node)), here)
            continue
        shape = findings.read(ViewForm, node, here)
        if shape is None:
            continue
        if not shape.name.strip():
            findings.error("view.name", "must not be empty", (*here, "name"))
        if shape.is_default and default is not None:
            text = say("{default!r} is the default view already; there is one at most", default=default)
            findings.error("view.two-defaults", text, (*here, "isDefault"))
        default = shape.name if shape.is_default and default is None else default
        _check_shape(shape, here, findings)
        found.append(_view(shape, node, ids[index], here))
    return tuple(found)


def _view(shape: ViewForm, node: Map, id_: str, path: Path) -> ViewSpec:
    group, who = shape.group_by, shape.permissions
    here = (*path, "permissions")
    return ViewSpec(
        id=id_,
        name=shape.name.strip(),
        is_default=shape.is_default,
        filters=plain(node.get("filters")),
        sorts=tuple((each.field, each.direction) for each in shape.sorts),
        fields=None if shape.fields is None else tuple(dict.fromkeys(shape.fields)),
        group_by=None if group is None else GroupBy(group.field, group.direction, tuple(group.order), group.hide_empty),
        permissions=None
        if who is None
        else ViewPermissions(
            None if who.read is None else rule_of(who.read, (*here, "read")),
            None if who.write is None else rule_of(who.write, (*here, "write")),
            who.public,
        ),
        query=shape.query,
        materialized=shape.materialized,
        refresh_on_migration=shape.refresh_on_migration,
        layout=shape.type,
        kanban_group_by=None if shape.kanban_group_by is None else shape.kanban_group_by.field,
        date_field=shape.date_field,
        end_date_field=shape.end_date_field,
        label_field=shape.label_field,
        color_field=shape.color_field,
        cover_field=shape.cover_field,
        card_fields=None if shape.card_fields is None else tuple(dict.fromkeys(shape.card_fields)),
    )


def _check_shape(shape: ViewForm, path: Path, findings: Findings) -> None:
    """Keys that need one another."""
    if shape.type == "kanban" and shape.kanban_group_by is None:
        findings.error("view.layout", "a kanban view names the field of its columns in `kanbanGroupBy`", path)
    if shape.type == "calendar" and shape.date_field is None:
        findings.error("view.layout", "a calendar view names its field in `dateField`", path)
    if shape.materialized and shape.query is None:
        findings.error("view.materialized", "only a view with a `query` can be stored", (*path, "materialized"))
    if shape.refresh_on_migration and not shape.materialized:
        findings.error(
            "view.materialized", "`refreshOnMigration` needs `materialized: true`", (*path, "refreshOnMigration")
        )
    if shape.query is not None and (shape.filters is not None or shape.sorts or shape.group_by):
        text = "a view with a `query` says rows and order there, not in `filters`, `sorts` and `groupBy`"
        findings.error("view.query", text, (*path, "query"))


def check_view_roles(table: TableSpec, number: int, roles: Roles, findings: Findings) -> None:
    """Roles and groups that the permissions of views name but the app does not have."""
    for index, view in enumerate(table.views):
        for key in ("read", "write"):
            rule = getattr(view.permissions, key, None)
            if rule is not None:
                check_rule(rule, ("tables", number, "views", index, "permissions", key), roles, findings)
