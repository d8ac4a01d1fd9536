"""Commands about accounts: each does what its route does, over the socket (auth §19)."""

import io
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from core.client import Client
from core.http.routes import all_routes
from screens.actions.registry import BY_ID
from sovrium_tui.cli import session as cli_session
from sovrium_tui.cli.main import execute
from sovrium_tui.process.place import Place
from tests.auth.test_admin import ADMIN, admin_of
from tests.support.accounts import DESK, PASSWORD, Desk
from tests.support.server import RunningServer

NEW = "another quiet harbour"
CLI = tuple[str, ...]


APP = f"""{DESK}
  - name: journal
    fields: [{{name: text, type: single-line-text}}, {{name: owner, type: single-line-text}}]
    permissions: {{read: authenticated, create: authenticated}}
    rls: {{policies: [{{name: own, to: [member], using: "owner = auth.uid()"}}, {{name: all, to: [editor], using: "true"}}]}}
"""


@pytest.fixture(scope="module")
def duck_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path_factory.mktemp("desk")) as server:
        yield server


class Shell:
    """Commands in this process, on the server of the tests."""

    def __init__(
        self, server: RunningServer, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.server, self._capfd, self._monkeypatch = server, capfd, monkeypatch

        @asynccontextmanager
        async def session(app_file: Path, data_dir: Path, name: str) -> AsyncIterator[Client]:
            client = Client(server.socket, agent=cli_session.AGENT)
            try:
                yield client
            finally:
                await client.close()

        monkeypatch.setattr(cli_session, "session", session)
        monkeypatch.chdir(server.folder)

    def __call__(self, *words: str, typed: str = "", status: int = 0) -> str:
        self._capfd.readouterr()
        self._monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        found = execute(list(words))
        out, err = self._capfd.readouterr()
        assert "Traceback" not in err
        assert found == status, f"{found}: {err}{out}"
        return out + err if status else out

    def json(self, *words: str, **how: Any) -> Any:
        return json.loads(self(*words, "--json", **how))


@pytest.fixture
def shell(
    duck_desk: Desk, duck_server: RunningServer, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    return Shell(duck_server, capfd, monkeypatch)


REPORTS = ("overview", "pages", "referrers", "devices", "campaigns", "events")
PAIRS: dict[str, CLI] = {
    f"GET {ADMIN}/list-users": ("user", "list"),
    f"GET {ADMIN}/get-user": ("user", "show", "ana@example.org"),
    f"GET {ADMIN}/get-user/{{user}}": ("user", "show", "{ana}"),
    "GET /api/admin/users": ("user", "list"),
    "GET /api/admin/users/overview": ("user", "overview"),
    f"GET {ADMIN}/roles": ("roles", "list"),
    f"POST {ADMIN}/has-permission": ("user", "may", "ana@example.org", "notes:read"),
    f"POST {ADMIN}/create-user": ("user", "create", "new@example.org", "--password-stdin"),
    f"POST {ADMIN}/update-user": ("user", "update", "ana@example.org", "--name", "Ana B."),
    f"POST {ADMIN}/set-role": ("user", "role", "ana@example.org", "editor"),
    f"PATCH {ADMIN}/users/{{user}}": ("user", "role", "ana@example.org", "editor"),
    f"POST {ADMIN}/set-user-password": ("user", "set-password", "ana@example.org", "--password-stdin"),
    f"POST {ADMIN}/ban-user": ("user", "ban", "ana@example.org", "--reason", "spam", "--for", "1h"),
    f"POST {ADMIN}/unban-user": ("user", "unban", "ana@example.org"),
    f"POST {ADMIN}/remove-user": ("user", "delete", "ana@example.org", "--yes"),
    f"POST {ADMIN}/unlock-user": ("user", "unlock", "ana@example.org"),
    f"POST {ADMIN}/verify-user-email": ("user", "verify", "ana@example.org"),
    f"POST {ADMIN}/reset-two-factor": ("user", "reset", "ana@example.org", "--factor"),
    f"POST {ADMIN}/list-user-sessions": ("user", "sessions", "ana@example.org"),
    f"GET {ADMIN}/list-user-sessions": ("user", "sessions", "ana@example.org"),
    "GET /api/admin/sessions": ("user", "sessions"),
    f"POST {ADMIN}/revoke-user-session": ("user", "revoke", "--session", "{session}"),
    f"POST {ADMIN}/revoke-user-sessions": ("user", "revoke", "ana@example.org"),
    f"GET {ADMIN}/groups": ("groups", "list"),
    f"GET {ADMIN}/groups/{{group}}/members": ("groups", "members", "finance"),
    f"POST {ADMIN}/groups/{{group}}/members": ("groups", "add", "finance", "ana@example.org"),
    f"DELETE {ADMIN}/groups/{{group}}/members/{{user}}": ("groups", "remove", "finance", "ana@example.org"),
    f"POST {ADMIN}/invite-user": ("user", "invite", "eve@example.org", "--role", "editor"),
    f"POST {ADMIN}/impersonate-user": ("user", "impersonate", "ana@example.org"),
    "GET /api/admin/audit-log": ("audit", "tail", "-n", "5"),
    "GET /api/admin/audit-log/export": ("audit", "export", "-"),
    "GET /api/admin/audit-log/verify": ("audit", "verify"),
    "GET /api/admin/outbox": ("outbox", "list"),
    "GET /api/admin/outbox/{message}": ("outbox", "show", "{mail}"),
    "POST /api/admin/outbox/{message}/retry": ("outbox", "retry", "{mail}"),
    "DELETE /api/admin/outbox/{message}": ("outbox", "forget", "{mail}"),
    "DELETE /api/admin/outbox": ("outbox", "forget", "--yes"),
    "GET /api/admin/master-key": ("secret", "keys"),
    "POST /api/admin/master-key/rotate": ("secret", "rotate"),
    "POST /api/admin/backups": ("backup", "create"),
    "GET /api/console/logs": ("logs", "--data-dir", "data"),
    **{f"GET /api/analytics/{name}": ("analytics", "--show", name) for name in REPORTS},
}
"""The routes of administration and the command for each."""
SHOWN: dict[str, str] = {
    f"GET {ADMIN}/list-users": "users.refresh",
    f"GET {ADMIN}/get-user": "users.refresh",
    f"GET {ADMIN}/get-user/{{user}}": "users.refresh",
    "GET /api/admin/users": "users.search",
    "GET /api/admin/users/overview": "users.refresh",
    f"GET {ADMIN}/roles": "users.role",
    f"POST {ADMIN}/has-permission": "roles.simulate",
    f"POST {ADMIN}/create-user": "users.new",
    f"POST {ADMIN}/update-user": "users.edit",
    f"POST {ADMIN}/set-role": "users.role",
    f"PATCH {ADMIN}/users/{{user}}": "users.role",
    f"POST {ADMIN}/set-user-password": "users.password",
    f"POST {ADMIN}/ban-user": "users.ban",
    f"POST {ADMIN}/unban-user": "users.ban",
    f"POST {ADMIN}/remove-user": "users.delete",
    f"POST {ADMIN}/unlock-user": "users.unlock",
    f"POST {ADMIN}/verify-user-email": "users.verify",
    f"POST {ADMIN}/reset-two-factor": "users.factors",
    f"POST {ADMIN}/list-user-sessions": "users.sessions",
    f"GET {ADMIN}/list-user-sessions": "users.sessions",
    "GET /api/admin/sessions": "sessions.refresh",
    f"POST {ADMIN}/revoke-user-session": "sessions.end",
    f"POST {ADMIN}/revoke-user-sessions": "sessions.end_all",
    f"GET {ADMIN}/groups": "users.groups",
    f"GET {ADMIN}/groups/{{group}}/members": "users.groups",
    f"POST {ADMIN}/groups/{{group}}/members": "users.groups",
    f"DELETE {ADMIN}/groups/{{group}}/members/{{user}}": "users.groups",
    f"POST {ADMIN}/invite-user": "users.invite",
    f"POST {ADMIN}/impersonate-user": "users.impersonate",
    "GET /api/admin/audit-log": "audit.refresh",
    "GET /api/admin/audit-log/export": "audit.export",
    "GET /api/admin/audit-log/verify": "audit.verify",
    "GET /api/admin/outbox": "outbox.refresh",
    "GET /api/admin/outbox/{message}": "outbox.copy",
    "POST /api/admin/outbox/{message}/retry": "outbox.retry",
    "DELETE /api/admin/outbox/{message}": "outbox.forget",
    "DELETE /api/admin/outbox": "outbox.empty",
    "GET /api/admin/master-key": "auth.rotate",
    "POST /api/admin/master-key/rotate": "auth.rotate",
    "POST /api/admin/backups": "jobs.backup",
    "GET /api/console/logs": "logs.search",
    **{f"GET /api/analytics/{name}": "analytics.refresh" for name in REPORTS},
}
"""The same routes and the action of the console for each."""
MISSING = {"/retry": (1, "mail server"), "/api/analytics/": (4, "analytics")}
"""What some of them need and this app has not: how the command ends, and what it says."""
BODIES: dict[str, dict[str, Any]] = {
    "create-user": {"email": "new@example.org", "password": NEW, "data": {"emailVerified": False}},
    "update-user": {"data": {"name": "Ana B."}},
    "set-role": {"role": ["editor"]},
    "set-user-password": {"newPassword": NEW},
    "ban-user": {"banReason": "spam", "banExpiresIn": 3600},
    "remove-user": {"softDelete": False},
    "invite-user": {"email": "eve@example.org", "role": ["editor"]},
}
WRITES = (
    *(name for name in BODIES if name != "remove-user"), "unban-user", "unlock-user", "verify-user-email",
    "reset-two-factor", "revoke-user-sessions", "impersonate-user", "remove-user",
)  # fmt: skip
"""Those that change something, in an order in which each can."""


def test_a_267_every_route_of_administration_has_its_command() -> None:
    found = {f"{route.method} {route.path}" for route in all_routes() if route.admin}
    assert found == set(PAIRS)


def test_a_267_every_route_of_administration_has_its_action() -> None:
    """§11: a new route without one fails here."""
    assert {f"{route.method} {route.path}" for route in all_routes() if route.admin} == set(SHOWN)
    assert set(SHOWN.values()) <= set(BY_ID)


def test_a_267_each_command_works(duck_desk: Desk, shell: Shell) -> None:
    """In an order in which each can."""
    admin_of(duck_desk)
    ana = duck_desk.sign_up("ana")
    local = duck_desk.server.local
    mail = local.post(f"{ADMIN}/invite-user", json={"email": "bob@example.org"}).json()["mailId"]
    session = ana.get("/api/auth/list-sessions").json()[0]["id"]
    known = {"{ana}": ana.id, "{session}": session, "{mail}": mail}
    place = Place(duck_desk.server.folder / "data")
    place.prepare()
    place.log.write_text("[2026-11-21T17:47:56.123Z] [INFO] [SERVER] told\n")
    first, last = f"POST {ADMIN}/revoke-user-session", f"POST {ADMIN}/remove-user"
    for name in (first, *(each for each in PAIRS if each not in (first, last)), last):
        status, missing = next((what for part, what in MISSING.items() if part in name), (0, ""))
        said = shell(*(known.get(each, each) for each in PAIRS[name]), typed=NEW + "\n", status=status)
        assert said.strip(), name
        assert missing in said, name


def test_a_267_the_log_tells_the_same_but_for_the_way(duck_desk: Desk, shell: Shell) -> None:
    """Ana is administered by commands, Bob over the network."""
    admin, _, bob = admin_of(duck_desk), duck_desk.sign_up("ana"), duck_desk.sign_up("bob")
    for name in WRITES:
        begun = len(duck_desk.audited())
        shell(*PAIRS[f"POST {ADMIN}/{name}"], typed=NEW + "\n")
        between = len(duck_desk.audited())
        body = {"userId": bob.id, **BODIES.get(name, {})}
        if "email" in body:
            body["email"] = f"{name.partition('-')[0]}d@example.org"
        assert admin.post(f"{ADMIN}/{name}", body).status_code in (200, 201), name
        rows = duck_desk.read(lambda reader: reader.rows("SELECT entry FROM auth_audit_log ORDER BY sequence"))
        entries = [json.loads(row[0]) for row in rows]
        mine, theirs = entries[begun:between], entries[between:]
        assert mine, name
        assert [same(each) for each in mine] == [same(each) for each in theirs], name
        assert {each["transport"] for each in mine} == {"cli"}
        assert {each["transport"] for each in theirs} == {"api"}
        assert {each["actor"]["type"] for each in mine} == {"local"}
        assert all(each["actor"]["osUser"] for each in mine), "A-001"
        if name == "impersonate-user":
            admin.post(f"{ADMIN}/stop-impersonating")


def same(entry: dict[str, Any]) -> Any:
    """What must not depend on the way: ids, addresses and names are others."""
    told = json.dumps([entry["action"], entry["severity"], entry["result"], entry["metadata"]], sort_keys=True)
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z|\w+@example.org|Ana|Bob", "…", told)


def test_a_239_t25_an_admin_is_made(duck_desk: Desk, shell: Shell) -> None:
    """A weak password is refused, nothing secret is printed, and there is no option that would take it."""
    words = ("admin", "create", "root@example.org", "--password-stdin")
    assert "at least 8" in shell(*words, typed="short\n", status=2)
    said = shell(*words, typed=NEW + "\n")
    assert said == "root@example.org is there as admin\n"
    assert duck_desk.sign_in("root", password=NEW).user["role"] == "admin"
    assert shell.json(*words, "--if-none") == {"created": False}
    shell(*words, typed=NEW + "\n", status=2)
    assert "--password-stdin" in shell("admin", "create", "x@example.org", status=2), "nobody is there to type"
    shell("admin", "create", "x@example.org", "--password", NEW, status=2)


def test_a_167_the_link_is_printed_where_no_mail_server_is(duck_desk: Desk, shell: Shell) -> None:
    said = shell("user", "invite", "eve@example.org", "--role", "editor", "--print-link")
    token = re.search(r"/accept-invitation\?token=([\w-]+)", said)
    assert token
    body = {"token": token[1], "password": NEW}
    assert duck_desk.guest.post(f"{ADMIN}/accept-invitation", json=body).status_code == 200


def test_keys_by_command(duck_desk: Desk, shell: Shell) -> None:
    duck_desk.sign_up("ana")
    key = shell("key", "create", "robot", "--user", "ana@example.org", "--scope", "read", "--expires", "30d").strip()
    client = duck_desk.client(authorization=f"Bearer {key}")
    assert client.get("/api/tables/notes/records").status_code == 200
    assert client.post("/api/tables/notes/records", json={"fields": {"text": "x"}}).status_code == 404
    listed = shell.json("key", "list", "--user", "ana@example.org")["apiKeys"]
    assert key not in shell("key", "list")
    following = shell("key", "rotate", listed[0]["id"], "--grace", "1h").strip()
    assert client.get("/api/tables/notes/records").status_code == 200
    assert duck_desk.client(authorization=f"Bearer {following}").get("/api/tables/notes/records").status_code == 200
    shell("key", "revoke", listed[0]["id"])
    assert client.get("/api/tables/notes/records").status_code == 401
    shell("key", "create", "x", "--role", "editor", "--expires", "soon", status=2)
    shell("key", "revoke", listed[0]["id"], status=4)


def test_policies_by_command(duck_desk: Desk, shell: Shell) -> None:
    """A-186, A-200: what the file says; what somebody may do, and what decides."""
    admin_of(duck_desk)
    ana = duck_desk.sign_up("ana")
    assert "owner = auth.uid()" in shell("policies", "list", "journal")
    assert list(shell.json("policies", "list")["tables"]) == ["journal"]
    assert "There is no table nothing" in shell("policies", "list", "nothing", status=4)
    made = str(ana.post("/api/tables/journal/records", {"fields": {"text": "x", "owner": ana.id}}).json()["id"])
    test = ("policies", "test", "journal")
    own = shell.json(*test, "--as", "ana@example.org", "--record", made)["decisions"][0]
    assert own["record"] is True
    assert own["policies"] == [{"name": "own", "path": "tables[1].rls.policies[0]", "restrictive": False, "met": True}]
    reading = ("--operation", "read", "--record", made)
    assert shell.json(*test, "--role", "member", *reading, status=1)["decisions"][0]["record"] is False, "nobody's row"
    assert "all: tables[1].rls.policies[1]" in shell(*test, "--role", "editor", *reading)
    assert "tables[1].permissions.read" in shell(*test, "--guest", "--operation", "read", status=1)
    assert "There is no table journal with a record 99" in shell(*test, "--record", "99", status=4)
    assert "one of them" in shell(*test, "--guest", "--role", "editor", status=2)


def test_signing_in_by_command(duck_desk: Desk, shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """§19 `login|logout|whoami`, A-271: the session is kept where the console looks for it, and goes on as that account."""
    monkeypatch.setattr("platformdirs.user_state_path", lambda name: tmp_path / name)
    url, kept = duck_desk.server.url, tmp_path / "sovrium-tui" / "tokens.json"
    admin_of(duck_desk)
    login = ("login", url, "--email", "root@example.org", "--password-stdin")
    assert shell("whoami") == "the owner of the data, on this machine\n"
    assert "login" in shell("whoami", url, status=3)
    assert "wrong" in shell(*login, typed="not this one\n", status=3)
    assert not kept.exists()
    assert shell(*login, typed=PASSWORD + "\n") == "Signed in as root@example.org (admin)\n"
    assert kept.stat().st_mode & 0o077 == 0
    assert shell.json("whoami", url)["email"] == "root@example.org"
    assert "root@example.org" in shell("user", "list", "--server", url)
    assert shell("logout", url) == "Signed out\n"
    shell("whoami", url, status=3)
    shell("logout", url, status=3)
    duck_desk.sign_up("ana")
    shell(*login[:2], "--email", "ana@example.org", "--password-stdin", typed=PASSWORD + "\n")
    assert "may not ask" in shell("user", "list", "--server", url, status=4), "D1"
    assert "over the network" in shell("whoami", "http://desk.example.org", status=2)
    assert "one of them" in shell("user", "list", "--server", url, "--app", "app.yaml", status=2)
    assert "The app is yours" in shell("login", status=2)


def test_a_002_commands_act_as_who_has_signed_in(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-002, A-239: where the owner has to sign in, the first administrator is made before that, and then every command
    asks for it; what it may is what the account may."""
    monkeypatch.setattr("platformdirs.user_state_path", lambda name: tmp_path / name)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    (tmp_path / "app.yaml").write_text(DESK.replace("auth:\n", "auth:\n  local: {requireSignIn: true}\n"))
    monkeypatch.chdir(tmp_path)

    def run(*words: str, typed: str = "") -> tuple[int, str]:
        capfd.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        status = execute(list(words))
        return status, "".join(capfd.readouterr())

    made = run("admin", "create", "root@example.org", "--password-stdin", typed=PASSWORD + "\n")
    assert made == (0, "root@example.org is there as admin\n")
    for words in (("user", "list"), ("sql", "app.yaml", "select 1"), ("admin", "create", "x@example.org", "--if-none")):
        status, said = run(*words)
        assert (status, f"sovrium-tui login --app {tmp_path}" in said) == (3, True), words
    login = ("login", "--email", "root@example.org", "--password-stdin")
    assert run(*login, typed=PASSWORD + "\n") == (0, "Signed in as root@example.org (admin)\n")
    assert run("whoami") == (0, "root@example.org (admin)\n")
    assert run("sql", "app.yaml", "select 1 as one", "--format", "csv")[0] == 0
    assert run("logout") == (0, "Signed out\n")
    assert run("whoami")[0] == 3


def test_exit_codes(duck_desk: Desk, shell: Shell, tmp_path: Path) -> None:
    """§19: 2 wrong use, 3 not allowed, 4 not there; what is meant is named as the command calls it."""
    admin_of(duck_desk)
    assert "no user" in shell("user", "show", "nobody@example.org", status=4)
    shell("user", "role", "root@example.org", "nobody", status=2)
    shell("user", "ban", "root@example.org", status=1)  # the last administrator
    shell("user", "delete", "root@example.org", status=2)  # nobody is there to confirm
    assert "There is no group none" in shell("groups", "members", "none", status=4)
    assert "There is no key none" in shell("key", "revoke", "none", status=4)
    assert "There is no message none" in shell("outbox", "show", "none", status=4)
    assert "--user" in shell("key", "create", "robot", status=2)
    assert "--name" in shell("user", "update", "root@example.org", status=2)
    assert json.loads(shell("user", "show", "nobody@example.org", "--json", status=4))["code"] == "NOT_FOUND"
    target = tmp_path / "log.csv"
    shell("audit", "export", str(target))
    assert target.read_text().startswith("id,timestamp,action")
    shell("audit", "export", str(target), status=2)
    assert len(shell("secret", "generate").strip()) == 44
    assert "mail with a link" in shell("user", "reset", "root@example.org")
