"""The permissions of tables-records §8 once more, slowly, from the plain data of an app file. It shares no code with the
product, so that the two can disagree."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

App = dict[str, Any]
LEVELS = {"admin": 80, "member": 40, "viewer": 10}


@dataclass(frozen=True)
class Who:
    """`id` None: nobody is signed in."""

    id: str | None = None
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    granted: tuple[str, ...] = ()
    email: str | None = None
    assignments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def table_of(app: App, name: str) -> dict[str, Any]:
    return next(table for table in app["tables"] if table["name"] == name)


def levels_of(app: App) -> dict[str, int]:
    declared = {role["name"]: role.get("level", 40) for role in (app.get("auth") or {}).get("roles", [])}
    return {**LEVELS, **declared}


def own_roles(app: App, who: Who) -> set[str]:
    """P-003, and roles that have left the file (auth A-033)."""
    if who.id is None:
        return set()
    known = {role for role in who.roles if role in levels_of(app)}
    return known or {(app.get("auth") or {}).get("defaultRole", "member")}


def passes_all(app: App, who: Who) -> bool:
    """P-006"""
    mine = own_roles(app, who)
    if "admin" in mine:
        return True
    declared = {role["name"]: role.get("level", 40) for role in (app.get("auth") or {}).get("roles", [])}
    if not declared:
        return False
    highest = max(declared.values())
    return highest >= 80 and any(declared.get(role) == highest for role in mine)


def roles_on(app: App, table: dict[str, Any], who: Who) -> set[str]:
    """P-004, P-029: what is granted never makes an admin."""
    mine = own_roles(app, who)
    if who.id is not None and table.get("rowLevelPermissions"):
        for role in who.granted:
            if not passes_all(app, Who("x", (role,))) or role not in levels_of(app):
                mine.add(role)
    return mine


def admitted(app: App, table: dict[str, Any], who: Who, rule: Any) -> bool:
    if rule == "all":
        return True
    if who.id is None:
        return False
    if rule == "authenticated":
        return True
    mine = roles_on(app, table, who)
    if isinstance(rule, dict):
        levels = levels_of(app)
        return any(levels.get(role, -1) >= levels[rule["minRole"]] for role in mine)
    return any((name[6:] in who.groups) if name.startswith("group:") else name in mine for name in rule)


def block_of(app: App, table: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]], set[str]] | None:
    """Operations, field rules and what is the admins' alone, with all that is inherited (P-040, P-041)."""
    own = table.get("permissions")
    if own is None:
        return None
    names = ("read", "comment", "create", "update", "delete", "permanentDelete", "restore")
    operations: dict[str, Any] = {}
    fields: list[dict[str, Any]] = []
    admins: set[str] = set()
    if "inherit" in own:
        above = block_of(app, table_of(app, own["inherit"]))
        if above is not None:
            operations, fields, admins = dict(above[0]), list(above[1]), set(above[2])
    for name in names:
        if name in own:
            operations[name] = own[name]
            admins.discard(name)
    override = own.get("override", {})
    for name in names:
        if name in override:
            operations[name] = override[name]
            admins.discard(name)
    admins |= set(override.get("admin", {}))
    return operations, own.get("fields", fields), admins


def may(app: App, name: str, who: Who, operation: str) -> bool:
    table = table_of(app, name)
    if passes_all(app, who):
        return True
    if operation == "comment" and not may(app, name, who, "read"):
        return False
    block = block_of(app, table)
    if block is None:
        if "auth" not in app:
            return True
        if who.id is None or operation == "permanentDelete":
            return False
        return operation in ("read", "comment") or bool(roles_on(app, table, who) - {"viewer"})
    operations, _, admins = block
    if operation in admins:
        return False
    if operation in operations:
        return admitted(app, table, who, operations[operation])
    if operation == "restore":
        return may(app, name, who, "delete")
    if operation == "comment" and table.get("comments"):
        return who.id is not None or table["comments"].get("guestComments") is True
    return False


def may_field(app: App, name: str, who: Who, field_name: str, operation: str) -> bool:
    """What the field's rule says; the table's comes first."""
    table = table_of(app, name)
    block = block_of(app, table)
    if passes_all(app, who) or block is None:
        return True
    rules = [rule for rule in block[1] if rule["field"] == field_name]
    if not rules or operation not in rules[0]:
        return True
    return admitted(app, table, who, rules[0][operation])


# ── Rows ──


def row_meets(app: App, name: str, who: Who, key: str, row: Mapping[str, Any]) -> bool:
    """Whether a row meets the rule of that key (`read`, `write`, …) alone."""
    rules = table_of(app, name).get("rowLevelPermissions") or {}
    if key not in rules or passes_all(app, who):
        return True
    return _holds(rules[key]["when"], who, row)


def _holds(when: dict[str, Any], who: Who, row: Mapping[str, Any]) -> bool:
    if "conditions" in when:
        found = [_holds(each, who, row) for each in when["conditions"]]
        return any(found) if when.get("logic") == "or" else all(found)
    values = _values(when["value"], who)
    if values is None or not values:
        return False
    stored = row.get(when["field"])
    held = stored if isinstance(stored, list) else [stored]
    equal = any(_same(each, value) for each in held for value in values)
    return not equal if when["operator"] == "neq" else equal


def _values(value: Any, who: Who) -> list[Any] | None:
    if not isinstance(value, str) or not value.startswith("$currentUser."):
        return value if isinstance(value, list) else [value]
    path = value.removeprefix("$currentUser.")
    if path.startswith("assignments."):
        return list(who.assignments.get(path.removeprefix("assignments."), ()))
    if path == "role":
        return list(who.roles)
    if path == "isUnrestricted":
        return [False]
    found = {"id": who.id, "email": who.email, "activeAssignment": None}[path]
    return None if found is None else [found]


def _same(stored: Any, value: Any) -> bool:
    """P-031"""
    if stored is None or value is None:
        return False
    if type(stored) is type(value):
        return bool(stored == value)
    if {type(stored), type(value)} == {int, float}:
        return bool(stored == value)
    return _text(stored) == _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)
