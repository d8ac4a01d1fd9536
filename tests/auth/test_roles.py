"""The role stories (auth §3.2): a test for each criterion, named after it."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from core.access.decision import Caller, decide, table_rules
from core.auth.note import role_notes
from core.fields.registry import FIELD_TYPES
from core.principal import Principal
from core.schema.auth import MfaSpec
from core.schema.loader import check_text, load_text
from core.schema.permission import Operation
from core.schema.problem import Problem
from core.schema.role import BUILT_IN, Role, Roles
from sovrium_tui.cli.main import execute
from tests.support.accounts import Desk
from tests.support.server import RunningServer

BUILT = ("admin", "member", "viewer")
STRATEGIES = "strategies: [{type: emailAndPassword}]"
FOUR = (
    "roles: [{name: editor, level: 30}, {name: moderator, level: 20}, {name: hr, level: 20}, {name: chief, level: 70}]"
)


def app(
    auth: str = "", rules: str = "{read: all}", fields: str = "[{name: text, type: long-text}]", more: str = ""
) -> str:
    section = f"{{{STRATEGIES}{', ' if auth else ''}{auth}}}"
    return f"name: x\nauth: {section}\ntables: [{{name: notes, fields: {fields}, permissions: {rules}{more}}}]\n"


def roles(auth: str = "") -> Roles:
    return load_text(app(auth), FIELD_TYPES).roles


def problems(text: str) -> list[Problem]:
    return check_text(text, FIELD_TYPES)[1]


def told(text: str) -> list[str]:
    return [f"{each.path}: {each.message}" for each in problems(text) if each.severity == "error"]


def may(rules: str, *held: str, auth: str = FOUR, operation: Operation = "read") -> bool:
    """Whether somebody with these roles may, by the one decision."""
    found = load_text(app(auth, rules), FIELD_TYPES)
    who = Caller.of(Principal("user", id="u", roles=frozenset(held)), found.roles)
    return decide(table_rules(found)["notes"], who, operation).allowed


@pytest.mark.parametrize("auth", ["", "roles: []", FOUR])
def test_a_019_three_roles_are_built_in(auth: str) -> None:
    """A-019: in every app with accounts, with their levels, and every permission may name them."""
    found = roles(auth)
    assert [(each.name, each.level) for each in found.ordered if each.built_in] == [
        ("admin", 80),
        ("member", 40),
        ("viewer", 10),
    ]
    assert set(BUILT) <= set(found.names())
    assert told(app(auth, "{read: [admin, member, viewer], create: {minRole: viewer}}")) == []


def test_a_020_a_custom_role_needs_a_name_only() -> None:
    """A-020"""
    declared = "roles: [{name: editor, description: d, level: 30}, {name: moderator, level: 20}, {name: guest-writer}]"
    assert roles(declared).roles == (
        *BUILT_IN,
        Role(name="editor", description="d", level=30),
        Role(name="moderator", level=20),
        Role(name="guest-writer"),
    )
    assert told(app("roles: [{description: d, level: 30}]")) == ["auth.roles[0]: `name` is missing"]


@pytest.mark.parametrize("name", BUILT)
def test_a_021_names_are_unique(name: str) -> None:
    """A-021: no built-in one again, and none twice."""
    assert told(app(f"roles: [{{name: {name}}}]")) == [f"auth.roles[0].name: '{name}' is a built-in role"]
    twice = "roles: [{name: editor}, {name: a}, {name: b}, {name: editor, level: 5}]"
    assert told(app(twice)) == ["auth.roles[3].name: 'editor' is defined twice"]


def test_of_several_forms_that_a_value_may_have_each_is_named() -> None:
    assert told("name: x\nauth: true\n") == ["auth: a map or false is expected, not true"]
    assert told(app(rules="{read: []}")) == ["tables[0].permissions.read: at least 1 needed, 0 given"]


@pytest.mark.parametrize("name", ["all", "public", "anon", "authenticated"])
def test_a_role_does_not_take_a_word_that_means_somebody_else(name: str) -> None:
    """T12: who reads `to: [public]` must not have to know of a role with that name."""
    (message,) = told(app(f"roles: [{{name: {name}}}]"))
    assert message.startswith(f"auth.roles[0].name: '{name}' means ")


@pytest.mark.parametrize("name", ["Editor", "2nd", "-x", "a_b", "a b", "é", "", "a\n", "a" * 64])
def test_a_022_the_form_of_names(name: str) -> None:
    """A-022"""
    assert roles("roles: [{name: content-editor2}]").by_name["content-editor2"].level == 40
    (error,) = problems(app(f"roles: [{{name: {json.dumps(name)}}}]"))
    assert (error.path, error.position and error.position.line) == ("auth.roles[0].name", 2)
    if len(name) < 64:
        assert error.message == f"'{name}' must match ^[a-z][a-z0-9-]*$"


def test_a_023_levels_decide_the_order() -> None:
    """A-023: the higher stands first; equals do not outrank each other."""
    found = roles("roles: [{name: moderator, level: 20}, {name: editor, level: 30}, {name: peer, level: 30}]")
    assert [each.name for each in found.ordered] == ["admin", "member", "editor", "peer", "moderator", "viewer"]
    assert found.outranks("editor", "moderator")
    assert not found.outranks("moderator", "editor")
    assert not found.outranks("editor", "peer")
    assert not found.outranks("peer", "editor")


PLACES = [
    *(f"{{{op}: [editr]}}" for op in ("read", "comment", "create", "update", "delete", "permanentDelete", "restore")),
    "{read: {minRole: editr}}",
    "{fields: [{field: text, read: [editr]}]}",
    "{fields: [{field: text, write: [member, editr]}]}",
    "{fields: [{field: text, write: {minRole: editr}}]}",
    "{override: {update: [editr]}}",
    "{override: {admin: {delete: [editr]}}}",
]


@pytest.mark.parametrize("rules", PLACES)
def test_a_024_every_role_that_is_named_is_checked(rules: str) -> None:
    """A-024: in whatever place of the permissions; a role that there is passes."""
    (error,) = problems(app(FOUR, rules))
    assert (error.code, error.severity) == ("permission.unknown-role", "error")
    assert error.message.startswith("role 'editr' is not defined")
    assert error.hint == "did you mean `editor`?"
    assert told(app(FOUR, rules.replace("editr", "editor"))) == []


def test_a_024_policies_and_views_as_well() -> None:
    """A-024: the roles of row policies (§13) and of views."""
    policies = "rls: {policies: [{name: own, to: [editr], using: 'true'}]}"
    views = "views: [{name: all, permissions: {read: [editr]}}]"
    for more in (policies, views):
        found = told(app(FOUR, more=f", {more}"))
        assert ["editr" in each for each in found] == [True]
        assert told(app(FOUR, more=f", {more.replace('editr', 'editor')}")) == []


def test_a_024_groups_are_checked_too() -> None:
    """A-024, §2.3"""
    assert told(app("groups: [{name: finance}]", '{read: ["group:finanz"]}')) == [
        "tables[0].permissions.read[0]: group 'group:finanz' is not in auth.groups"
    ]


def test_a_025_an_undefined_role_stops_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A-025: exit code 2 with path and role; the server does not start, and a running one keeps what it has."""
    good = app(FOUR, "{read: all, create: [editor]}")
    broken = good.replace("create: [editor]", "create: [editor, editr]")
    path = tmp_path / "wrong" / "app.yaml"
    path.parent.mkdir()
    path.write_text(broken)
    for command in ("validate", "start"):
        assert execute([command, str(path)]) == 2
        shown = capsys.readouterr().err
        assert "tables[0].permissions.create[1]" in shown
        assert "'editr'" in shown
    with RunningServer(good, tmp_path) as server:
        before = server.engine.app
        server.app_file.write_text(broken)
        answer = server.local.post("/api/console/reload", json={})
        assert answer.status_code == 422
        assert "tables[0].permissions.create[1]" in answer.text
        assert server.engine.app is before


def test_a_026_an_empty_list_leaves_the_built_in_ones() -> None:
    """A-026"""
    assert roles("roles: []") == Roles()
    assert problems(app("roles: []")) == []


@pytest.mark.parametrize("name", BUILT)
def test_a_027_the_default_may_be_built_in(name: str) -> None:
    """A-027: `admin` with a warning."""
    text = app(f"defaultRole: {name}")
    assert load_text(text, FIELD_TYPES).roles.default == name
    assert [(each.severity, each.path) for each in problems(text)] == (
        [("warning", "auth.defaultRole")] if name == "admin" else []
    )


def test_a_028_the_default_may_be_declared() -> None:
    """A-028"""
    text = app(f"defaultRole: editor, {FOUR}")
    assert load_text(text, FIELD_TYPES).roles.default == "editor"
    assert problems(text) == []


def test_a_029_without_a_default_a_new_user_is_a_member(duck_desk: Desk) -> None:
    """A-029: in the file, and through the door of signing up."""
    assert roles().default == "member"
    assert duck_desk.sign_up("ana").user["role"] == "member"
    assert may("{read: [member]}")
    assert not may("{read: [viewer]}")


@pytest.mark.parametrize("declared", ["", "roles: [], ", FOUR + ", "])
def test_a_030_an_undefined_default_is_an_error(declared: str) -> None:
    """A-030: without any `roles` as well."""
    (error,) = problems(app(f"{declared}defaultRole: author"))
    assert (error.severity, error.path, error.position and error.position.line) == ("error", "auth.defaultRole", 2)
    assert error.message == "'author' is neither built in nor in auth.roles"


def test_a_031_without_a_level_it_is_40() -> None:
    """A-031"""
    assert roles("roles: [{name: guest-writer}]").by_name["guest-writer"].level == 40


def test_a_032_a_role_above_admin_is_a_warning() -> None:
    """A-032: and it may do what admins may with tables, for it has no rules above it (P-006)."""
    text = app("roles: [{name: owner, level: 81}, {name: deputy, level: 80}]")
    assert [(each.severity, each.path, each.message) for each in problems(text)] == [
        ("warning", "auth.roles[0].level", "'owner' outranks admin")
    ]
    assert load_text(text, FIELD_TYPES).roles.unrestricted == {"admin", "owner"}


def test_a_033_holders_of_what_is_gone_are_counted(desk: Desk) -> None:
    """A-033: by role; who has none at all is not counted."""
    desk.sign_up("ana", roles=("editor",))
    desk.sign_up("ben", roles=("moderator", "editor"))
    desk.sign_up("cleo")
    engine = desk.server.engine
    assert role_notes(engine.database, engine.app.roles) == []
    assert role_notes(engine.database, Roles()) == [
        "2 accounts hold the role 'editor', which the app has no more, and count as 'member' without another",
        "1 account holds the role 'moderator', which the app has no more, and counts as 'member' without another",
    ]


def test_a_033_a_role_that_is_gone(tmp_path: Path) -> None:
    """A-033: the count is told; who held it has the default role's rights, keeps the role, and has it back with the file."""
    text = app("roles: [{name: editor}, {name: chief, level: 90}]", "{read: [editor], create: [editor]}")
    with RunningServer(text, tmp_path) as server, closing(Desk(server)) as desk:
        ana, ben = desk.sign_up("ana", roles=("editor",)), desk.sign_up("ben", roles=("editor", "viewer"))
        records = "/api/tables/notes/records"
        assert ana.get(records).status_code == 200
        with_it = server.app_file.read_text()
        server.app_file.write_text(app("defaultRole: admin", "{read: [viewer], create: [viewer]}"))
        done = server.local.post("/api/console/reload", json={}).json()
        assert done["warnings"] == [
            "every new user is an admin (auth.defaultRole)",
            "2 accounts hold the role 'editor', which the app has no more, and count as 'admin' without another",
        ]
        server.app_file.write_text(app("", "{read: [viewer], create: [viewer]}"))
        assert server.local.post("/api/console/reload", json={}).status_code == 200
        assert (ana.get(records).status_code, ben.get(records).status_code) == (404, 200)
        server.app_file.write_text(with_it)
        done = server.local.post("/api/console/reload", json={}).json()
        assert done["warnings"] == ["the role 'chief' outranks admin (auth.roles)"]
        assert (ana.get(records).status_code, ben.get(records).status_code) == (200, 200)


def test_a_035_one_of_several_roles_is_enough() -> None:
    """A-035"""
    assert may("{read: [editor]}", "viewer", "editor")
    assert not may("{read: [editor]}", "viewer", "moderator")


def test_a_036_admin_passes_every_table() -> None:
    """A-036: named or not."""
    operations: tuple[Operation, ...] = ("read", "comment", "create", "update", "delete", "permanentDelete", "restore")
    assert all(may("{read: [editor]}", "admin", operation=each) for each in operations)


@pytest.mark.parametrize(
    ("role", "passes"),
    [("editor", True), ("member", True), ("admin", True), ("chief", True), ("moderator", False), ("viewer", False)],
)
def test_a_037_the_least_role(role: str, passes: bool) -> None:
    """A-037"""
    assert may("{read: {minRole: editor}}", role) == passes


def test_a_038_levels_do_not_widen_a_list() -> None:
    """A-038: the member at 40 does not pass a list of roles at 20."""
    assert may("{read: [hr]}", "hr")
    assert not may("{read: [hr]}", "member")
    assert not may("{read: [hr]}", "chief")


@pytest.mark.parametrize(
    ("required", "held", "demanded"),
    [
        (("admin",), ("admin",), True), (("admin",), ("member",), False), ((), ("admin",), False),
        ((">=60",), ("chief",), True), ((">=60",), ("viewer", "chief"), True), ((">=60",), ("member",), False),
        ((">=60", "hr"), ("hr",), True), ((">=0",), ("viewer",), True), ((">=0",), ("gone",), True),
    ],
)  # fmt: skip
def test_who_needs_a_second_factor(required: tuple[str, ...], held: tuple[str, ...], demanded: bool) -> None:
    """§3.1: `mfa.requireFor` names roles, and levels from which on it is asked for."""
    assert MfaSpec(require_for=required).demands(held, roles(FOUR)) == demanded
