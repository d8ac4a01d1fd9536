"""Reads the roles and groups of `auth` and checks them (auth §2.3)."""

from collections.abc import Collection
from typing import Any

from core.schema.auth_form import GroupForm, RoleForm, RolesForm
from core.schema.name import nearest, sql_name
from core.schema.role import ADMIN, BUILT_IN, LEVEL, MEMBER, Group, Role, Roles
from core.schema.shape import Findings, show
from core.schema.tree import Map, Path, Seq
from core.sentence import say


def is_signed_in_to(auth: Any) -> bool:
    """Whether the `auth` of a file means that there are accounts."""
    return isinstance(auth, Map) and auth.get("enabled") is not False


def read_roles(auth: Any, tables: Collection[str], findings: Findings) -> Roles:
    """The roles of `auth`, checked (auth §2.3). `tables` are the names of the app's tables."""
    if not is_signed_in_to(auth):
        return Roles()
    known = {role.name for role in BUILT_IN}
    for key in ("roles", "groups"):
        if key in auth and not isinstance(auth[key], Seq):
            findings.error(
                "schema.wrong-type", say("a list is expected, not {value}", value=show(auth[key])), ("auth", key)
            )
    declared = _declared(auth.get("roles"), known, findings)
    # A role that is wrong in itself has been told; whoever names it is right.
    declared |= {name: Role(name=name) for name in _names_in(auth.get("roles")) - known - declared.keys()}
    named = known | declared.keys()
    groups = _groups(auth.get("groups"), named, findings)
    shape = findings.read_parts(RolesForm, {key: auth[key] for key in _OWN if key in auth}, ("auth",))
    default = shape.default_role or MEMBER
    if default not in named:
        text = say("'{default}' is neither built in nor in auth.roles", default=default)
        findings.error("auth.unknown-role", text, ("auth", "defaultRole"), hint=nearest(default, named))
    elif default == ADMIN:
        findings.warning("auth.default-admin", "every new user is an admin", ("auth", "defaultRole"))
    return Roles(
        roles=(*BUILT_IN, *declared.values()),
        groups=tuple(groups.values()),
        default=default,
        scope_tables=_scope_tables(shape.scope_tables, tables, findings),
    )


_OWN = ("defaultRole", "scopeTables")
_MEANT = {
    "all": say("everybody"),
    "public": say("everybody"),
    "anon": say("who is not signed in"),
    "authenticated": say("everybody who is signed in"),
}


def _names_in(nodes: Any) -> set[str]:
    """Texts under `name`, right or wrong."""
    names = (node.get("name") for node in nodes if isinstance(node, Map)) if isinstance(nodes, Seq) else ()
    return {name for name in names if isinstance(name, str)}


def _declared(nodes: Any, built_in: Collection[str], findings: Findings) -> dict[str, Role]:
    found: dict[str, Role] = {}
    for index, each in findings.read_items(RoleForm, nodes, ("auth", "roles")):
        here: Path = ("auth", "roles", index, "name")
        if each.name in built_in:
            findings.error("auth.built-in-role", say("'{name}' is a built-in role", name=each.name), here)
        elif each.name in _MEANT:
            text = say(
                "'{name}' means {meant} wherever permissions and policies name it",
                name=each.name,
                meant=_MEANT[each.name],
            )
            findings.error("auth.reserved-role", text, here)
        elif each.name in found:
            findings.error("auth.duplicate-role", say("'{name}' is defined twice", name=each.name), here)
        else:
            found[each.name] = _role(each)
        if each.level is not None and each.level > BUILT_IN[0].level:
            findings.warning(
                "auth.high-role", say("'{name}' outranks admin", name=each.name), ("auth", "roles", index, "level")
            )
    return found


def _groups(nodes: Any, roles: Collection[str], findings: Findings) -> dict[str, Group]:
    found: dict[str, Group] = {}
    for index, group in findings.read_items(GroupForm, nodes, ("auth", "groups")):
        here: Path = ("auth", "groups", index, "name")
        if group.name in roles:
            findings.error("auth.group-is-role", say("'{name}' is already a role name", name=group.name), here)
        elif group.name in found:
            findings.error("auth.duplicate-group", say("'{name}' is defined twice", name=group.name), here)
        found[group.name] = Group(name=group.name, description=group.description, max_members=group.max_members)
    return found


def _role(form: RoleForm) -> Role:
    return Role(
        name=form.name,
        level=LEVEL if form.level is None else form.level,
        description=form.description,
        dashboard_tier=form.dashboard_tier,
        default_landing=form.default_landing,
        picker_landing=form.picker_landing,
    )


def _scope_tables(names: list[str] | None, tables: Collection[str], findings: Findings) -> tuple[str, ...]:
    found: dict[str, None] = {}
    known = {sql_name(table) for table in tables}
    if names == []:
        findings.error("auth.scope-table", "empty list, leave the key out", ("auth", "scopeTables"))
    for index, name in enumerate(names or ()):
        here: Path = ("auth", "scopeTables", index)
        if sql_name(name) not in known:
            text = say("no table named '{name}'", name=name)
            findings.error("auth.scope-table", text, here, hint=nearest(name, tables))
        elif sql_name(name) in found:
            findings.error("auth.scope-table", say("'{name}' is listed twice", name=name), here)
        found[sql_name(name)] = None
    return tuple(found)
