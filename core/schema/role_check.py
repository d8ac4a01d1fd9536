"""Reads the roles and groups of `auth` and checks them (auth §2.3)."""

from collections.abc import Collection
from typing import Any

from core.schema.form import RoleForm, RolesForm
from core.schema.name import nearest, sql_name
from core.schema.role import ADMIN, BUILT_IN, LEVEL, MEMBER, Group, Role, Roles
from core.schema.shape import Findings
from core.schema.tree import Map, Path

_KEYS = tuple(field.alias or name for name, field in RolesForm.model_fields.items())


def is_signed_in_to(auth: Any) -> bool:
    """Whether the `auth` of a file means that there are accounts."""
    return isinstance(auth, Map) and auth.get("enabled") is not False


def read_roles(auth: Any, tables: Collection[str], findings: Findings) -> Roles:
    """The roles of `auth`, checked (auth §2.3). `tables` are the names of the app's tables."""
    if not is_signed_in_to(auth):
        return Roles()
    shape = findings.read(RolesForm, {key: auth[key] for key in _KEYS if key in auth}, ("auth",))
    if shape is None:
        return Roles()
    known = {role.name for role in BUILT_IN}
    declared: dict[str, Role] = {}
    for index, each in enumerate(shape.roles):
        here: Path = ("auth", "roles", index, "name")
        if each.name in known:
            findings.error("auth.built-in-role", f"`{each.name}` is a built-in role", here)
        elif each.name in declared:
            findings.error("auth.duplicate-role", f"the role `{each.name}` is defined twice", here)
        else:
            declared[each.name] = _role(each)
        if each.level is not None and each.level > BUILT_IN[0].level:
            findings.warning("auth.high-role", f"`{each.name}` outranks admin", ("auth", "roles", index, "level"))
    groups: dict[str, Group] = {}
    for index, group in enumerate(shape.groups):
        here = ("auth", "groups", index, "name")
        if group.name in known or group.name in declared:
            findings.error("auth.group-is-role", f"`{group.name}` is a role's name already", here)
        elif group.name in groups:
            findings.error("auth.duplicate-group", f"the group `{group.name}` is defined twice", here)
        groups[group.name] = Group(name=group.name, description=group.description, max_members=group.max_members)
    default = shape.default_role or MEMBER
    if default not in known and default not in declared:
        text = f"the role `{default}` is neither built in nor in auth.roles"
        findings.error("auth.unknown-role", text, ("auth", "defaultRole"), hint=nearest(default, {*known, *declared}))
    elif default == ADMIN:
        findings.warning("auth.default-admin", "every new user is an admin", ("auth", "defaultRole"))
    return Roles(
        roles=(*BUILT_IN, *declared.values()),
        groups=tuple(groups.values()),
        default=default,
        scope_tables=_scope_tables(shape.scope_tables or (), tables, findings),
    )


def _role(form: RoleForm) -> Role:
    return Role(
        name=form.name,
        level=LEVEL if form.level is None else form.level,
        description=form.description,
        dashboard_tier=form.dashboard_tier,
    )


def _scope_tables(names: Collection[str], tables: Collection[str], findings: Findings) -> tuple[str, ...]:
    found: dict[str, None] = {}
    known = {sql_name(table) for table in tables}
    for index, name in enumerate(names):
        here: Path = ("auth", "scopeTables", index)
        if sql_name(name) not in known:
            text = f"there is no table named `{name}`"
            findings.error("auth.scope-table", text, here, hint=nearest(name, tables))
        elif sql_name(name) in found:
            findings.error("auth.scope-table", f"`{name}` is listed twice", here)
        found[sql_name(name)] = None
    return tuple(found)
