"""Permissions, row rules, roles and groups of an app file: what is accepted, and what is wrong where."""

from textwrap import dedent

import pytest

from core.fields.registry import FIELD_TYPES
from core.schema.loader import check_text, load_text
from core.schema.model import App
from core.schema.permission import CurrentUser, RateLimit
from core.schema.role import Roles

AUTH = """
auth:
  strategies: [{type: emailAndPassword}]
  roles: [{name: editor, level: 30}, {name: moderator, level: 20}, {name: guest-writer}]
  groups: [{name: finance, maxMembers: 20}]
  scopeTables: [clients]
"""
TABLES = """
tables:
  - name: clients
    fields: [{name: name, type: single-line-text}]
  - name: notes
    fields:
      - {name: text, type: long-text}
      - {name: cost, type: integer}
      - {name: client, type: relationship, relatedTable: clients, relationType: many-to-one}
"""


def app(notes: str = "", auth: str = AUTH) -> str:
    return f"name: x\n{auth}{TABLES}" + "".join(f"    {line}\n" for line in dedent(notes).strip().splitlines())


def errors(text: str) -> list[str]:
    _, problems = check_text(text, FIELD_TYPES)
    return [f"{each.code} {each.path}" for each in problems if each.severity == "error"]


def load(text: str) -> App:
    return load_text(text, FIELD_TYPES)


def test_all_forms_are_read() -> None:
    """P-001, P-005, auth A-019…A-023: roles with their levels, built in and declared."""
    notes = """
        permissions:
          read: authenticated
          create: [admin, editor]
          update: [editor, "group:finance"]
          delete: {minRole: moderator}
          comment: all
          restore: [admin]
          permanentDelete: [admin]
          fields: [{field: cost, read: [admin, editor], write: [admin]}]
          override: {admin: {delete: authenticated}}
        rowLevelPermissions:
          read: {when: {logic: or, conditions: [
            {field: text, operator: eq, value: $currentUser.id},
            {field: client.name, operator: in, value: [a, b]},
            {field: client, operator: in, value: $currentUser.assignments.clients}]}}
          write:
            checkResult: false
            when: {field: text, operator: neq, value: {kind: currentUser, path: {kind: scalar, name: email}}}
          delete:
            when:
              {field: client, operator: in, value: {kind: currentUser, path: {kind: assignment, tableSlug: clients}}}
        rateLimit: {read: 5, windowSeconds: 7}
    """
    found = load(app(notes))
    table = found.tables[1]
    assert table.permissions is not None
    assert table.row_rules is not None
    assert table.permissions.data()["delete"] == {"minRole": "moderator"}
    assert table.permissions.operations["update"].path == "tables[1].permissions.update"
    assert table.row_rules.write is not None
    assert not table.row_rules.write.check_result
    assert table.row_rules.delete is not None
    assert table.row_rules.delete.when.value == CurrentUser("assignments", "clients")  # type: ignore[union-attr]
    assert table.rate_limit == RateLimit(read=5, window=7)
    assert [role.name for role in found.roles.ordered] == [
        "admin",
        "guest-writer",
        "member",
        "editor",
        "moderator",
        "viewer",
    ]
    assert found.roles.outranks("editor", "moderator")
    assert not found.roles.outranks("member", "guest-writer")
    assert found.roles.default == "member"
    assert found.roles.scope_tables == ("clients",)
    assert "permissions" not in table.later


@pytest.mark.parametrize(
    ("level", "unrestricted"), [(79, {"admin"}), (80, {"admin", "chief"}), (90, {"admin", "chief"})]
)
def test_equals_of_admin(level: int, unrestricted: set[str]) -> None:
    """P-006: the declared role of the highest level, when it is at least admin's; auth A-032 warns of it."""
    roles = f"[{{name: chief, level: {level}}}, {{name: other, level: 20}}]"
    auth = f"auth: {{strategies: [{{type: emailAndPassword}}], roles: {roles}}}\n"
    assert load(app(auth=auth)).roles.unrestricted == unrestricted
    _, problems = check_text(app(auth=auth), FIELD_TYPES)
    assert any(each.code == "auth.high-role" for each in problems) == (level > 80)


@pytest.mark.parametrize("role", ["admin", "member", "viewer", "editor"])
def test_default_roles(role: str) -> None:
    """P-003, auth A-027, A-028"""
    auth = f"auth: {{strategies: [{{type: magicLink}}], defaultRole: {role}, roles: [{{name: editor}}]}}\n"
    assert load(app(auth=auth)).roles.default == role


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ("permissions: {read: [editr]}", "permission.unknown-role tables[1].permissions.read[0]"),
        ("permissions: {create: [admin, authr]}", "permission.unknown-role tables[1].permissions.create[1]"),
        ("permissions: {read: ['group:finanz']}", "permission.unknown-group tables[1].permissions.read[0]"),
        ("permissions: {read: {minRole: boss}}", "permission.unknown-role tables[1].permissions.read.minRole"),
        (
            "permissions: {override: {delete: [boss]}}",
            "permission.unknown-role tables[1].permissions.override.delete[0]",
        ),
        (
            "permissions: {override: {admin: {delete: [boss]}}}",
            "permission.unknown-role tables[1].permissions.override.admin.delete[0]",
        ),
        (
            "permissions: {fields: [{field: cost, write: [boss]}]}",
            "permission.unknown-role tables[1].permissions.fields[0].write[0]",
        ),
        ("permissions: {read: everybody}", "schema.bad-value tables[1].permissions.read"),
        ("permissions: {read: []}", "schema.bad-value tables[1].permissions.read"),
        ("permissions: {raed: all}", "schema.unknown-key tables[1].permissions.raed"),
        (
            "permissions: {fields: [{field: costs, read: all}]}",
            "permission.unknown-field tables[1].permissions.fields[0].field",
        ),
        (
            "permissions: {fields: [{field: cost, read: all}, {field: cost, write: all}]}",
            "permission.duplicate-field tables[1].permissions.fields[1].field",
        ),
        ("permissions: {inherit: client}", "permission.unknown-parent tables[1].permissions.inherit"),
        ("permissions: {inherit: notes}", "permission.cycle tables[1].permissions.inherit"),
        (
            "rowLevelPermissions: {read: {when: {field: txt, operator: eq, value: a}}}",
            "permission.unknown-field tables[1].rowLevelPermissions.read.when.field",
        ),
        (
            "rowLevelPermissions: {read: {when: {field: client.nme, operator: eq, value: a}}}",
            "permission.unknown-field tables[1].rowLevelPermissions.read.when.field",
        ),
        (
            "rowLevelPermissions: {read: {when: {field: text.name, operator: eq, value: a}}}",
            "permission.unknown-field tables[1].rowLevelPermissions.read.when.field",
        ),
        (
            "rowLevelPermissions: {read: {when: {field: text, operator: gt, value: a}}}",
            "schema.bad-value tables[1].rowLevelPermissions.read.when.operator",
        ),
        (
            "rowLevelPermissions: {read: {when: {field: text, operator: eq, value: $currentUser.name}}}",
            "permission.unknown-value tables[1].rowLevelPermissions.read.when.value",
        ),
        (
            "rowLevelPermissions: {read: {when: {field: text, operator: eq, value: [a]}}}",
            "permission.operator tables[1].rowLevelPermissions.read.when.operator",
        ),
        (
            "rowLevelPermissions: {read: {when: {field: text, operator: in, value: a}}}",
            "permission.operator tables[1].rowLevelPermissions.read.when.value",
        ),
        (
            "rowLevelPermissions: {read: {when: {field: client, operator: in, value: $currentUser.assignments.notes}}}",
            "permission.scope-table tables[1].rowLevelPermissions.read.when.value",
        ),
        (
            "rowLevelPermissions: {read: {when: {logic: or, conditions: []}}}",
            "schema.bad-value tables[1].rowLevelPermissions.read.when.conditions",
        ),
        ("rateLimit: {read: 0}", "schema.bad-value tables[1].rateLimit.read"),
    ],
)
def test_what_is_wrong_is_told_where(notes: str, expected: str) -> None:
    """P-002, P-023, T-025, T-027, auth A-024, A-025, A-203, A-205: the place, and nothing else is complained about."""
    assert errors(app(notes)) == [expected]


def test_near_names_are_suggested() -> None:
    """T-027: the message lists what there is."""
    _, problems = check_text(app("permissions: {read: [editr]}"), FIELD_TYPES)
    (problem,) = problems
    assert problem.position is not None
    assert problem.hint == "did you mean `editor`?"
    assert all(role in problem.message for role in ("admin", "member", "viewer", "editor", "moderator"))


@pytest.mark.parametrize("word", ["all", "authenticated"])
def test_who_is_no_role_is_not_looked_for_among_them(word: str) -> None:
    """T-027: `all` and `authenticated` stand alone; in a list they would be roles."""
    _, (problem,) = check_text(app(f"permissions: {{read: [{word}]}}"), FIELD_TYPES)
    assert problem.hint == f"write `{word}` without brackets: it stands alone"


def test_circles_of_several_tables() -> None:
    """T-025"""
    text = """
    name: x
    tables:
      - {name: a, fields: [], permissions: {inherit: b}}
      - {name: b, fields: [], permissions: {inherit: c}}
      - {name: c, fields: [], permissions: {inherit: a}}
      - {name: d, fields: [], permissions: {inherit: e}}
      - {name: e, fields: [], permissions: {read: all}}
    """
    assert errors(dedent(text)) == [f"permission.cycle tables[{n}].permissions.inherit" for n in range(3)]


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ("{roles: [{name: Content Editor}]}", "schema.bad-value auth.roles[0].name"),
        ("{roles: [{name: 2nd}]}", "schema.bad-value auth.roles[0].name"),
        ("{roles: [{name: a_b}]}", "schema.bad-value auth.roles[0].name"),
        ("{roles: [{name: member}]}", "auth.built-in-role auth.roles[0].name"),
        ("{roles: [{name: a}, {name: a}]}", "auth.duplicate-role auth.roles[1].name"),
        ("{roles: [{name: a, level: 101}]}", "schema.bad-value auth.roles[0].level"),
        ("{roles: [{name: a}], groups: [{name: a}]}", "auth.group-is-role auth.groups[0].name"),
        ("{groups: [{name: a}, {name: a}]}", "auth.duplicate-group auth.groups[1].name"),
        ("{defaultRole: author}", "auth.unknown-role auth.defaultRole"),
        ("{scopeTables: [clientz]}", "auth.scope-table auth.scopeTables[0]"),
        ("{scopeTables: [clients, Clients]}", "auth.scope-table auth.scopeTables[1]"),
        ("{scopeTables: []}", "auth.scope-table auth.scopeTables"),
    ],
)
def test_wrong_roles(auth: str, expected: str) -> None:
    """auth §2.3, A-021, A-022, A-030"""
    strategies = "strategies: [{type: emailAndPassword}]"
    assert errors(app(auth=f"auth: {{{strategies}, {auth[1:]}\n")) == [expected]


@pytest.mark.parametrize("auth", ["", "auth: false\n", "auth: {enabled: false, strategies: []}\n"])
def test_apps_without_accounts_name_what_they_like(auth: str) -> None:
    """T-027 asks for `auth`; P-015: without it those lists admit nobody."""
    found = load(app("permissions: {read: [whoever]}", auth))
    assert found.auth is None
    assert found.roles == Roles()


def test_snapshots_load_with_their_permissions() -> None:
    from core.schema.loader import load_data

    found = load(app("permissions: {read: [editor], fields: [{field: cost, read: [editor]}]}"))
    again = load_data({"name": "old", "tables": list(found.tables_data)}, FIELD_TYPES)
    assert again.tables[1].permissions == found.tables[1].permissions
