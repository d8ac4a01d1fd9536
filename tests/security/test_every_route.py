"""Every route that changes something: what guards it, and what the log says of it (auth §10–§12, §17.2). The table names
each route of accounts, so that a new one is put into it by somebody who has asked these questions."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from core.audit.action import ACTIONS
from core.auth.password import PROFILES
from core.http.origin import SAFE
from core.http.route import Route
from core.http.routes import all_routes
from tests.support.accounts import DESK, PASSWORD, Desk, Visitor
from tests.support.clock import MovingClock
from tests.support.factor import Authenticator, enrol
from tests.support.mailbox import Mailbox
from tests.support.server import RunningServer

JSON = {"accept": "application/json"}
AUTH, ADMIN = "/api/auth", "/api/auth/admin"
WAYS = "{type: emailAndPassword}, {type: magicLink}, {type: anonymous}"
APP = DESK.replace("{type: emailAndPassword}", WAYS).replace("  roles:", "  twoFactor: true\n  roles:")
LOGGED: dict[str, str] = {
    f"{AUTH}/sign-up/email": "user.signed_up",
    f"{AUTH}/sign-in/email": "session.created",
    f"{AUTH}/sign-in/magic-link": "",
    f"{AUTH}/magic-link/send": "",
    f"{AUTH}/magic-link/verify": "session.created",
    f"{AUTH}/sign-in/email-otp": "session.created",
    f"{AUTH}/sign-in/phone-number": "session.created",
    f"{AUTH}/sign-in/anonymous": "user.signed_up",
    f"{AUTH}/email-otp/send-verification-otp": "",
    f"{AUTH}/email-otp/verify-email": "user.verified",
    f"{AUTH}/email-otp/reset-password": "password.reset",
    f"{AUTH}/phone-number/send-otp": "",
    f"{AUTH}/phone-number/verify": "phone.changed",
    f"{AUTH}/session/refresh": "session.refreshed",
    f"{AUTH}/sign-out": "session.ended",
    f"{AUTH}/revoke-session": "session.revoked",
    f"{AUTH}/revoke-other-sessions": "session.revoked",
    f"{AUTH}/revoke-sessions": "session.revoked",
    f"{AUTH}/send-verification-email": "",
    f"{AUTH}/verify-email": "user.verified",
    f"{AUTH}/change-email": "email.change_requested",
    f"{AUTH}/change-email/approve": "",
    f"{AUTH}/change-email/confirm": "email.changed",
    f"{AUTH}/change-email/undo": "email.change_undone",
    f"{AUTH}/verify-password": "",
    f"{AUTH}/change-password": "password.changed",
    f"{AUTH}/set-password": "password.changed",
    f"{AUTH}/request-password-reset": "password.reset_requested",
    f"{AUTH}/reset-password": "password.reset",
    "/reset-password": "password.reset",
    f"{AUTH}/update-user": "user.updated",
    f"{AUTH}/user/update": "user.updated",
    f"{AUTH}/delete-user": "account.deletion.purged",
    "/api/account/delete": "account.deletion.scheduled",
    "/api/account/keep": "account.deletion.cancelled",
    f"{AUTH}/two-factor/enable": "",
    f"{AUTH}/two-factor/get-totp-uri": "",
    f"{AUTH}/two-factor/verify-totp": "mfa.verified",
    f"{AUTH}/two-factor/verify": "mfa.enrolled",
    f"{AUTH}/two-factor/verify-backup-code": "mfa.backup_code_used",
    f"{AUTH}/two-factor/send-otp": "",
    f"{AUTH}/two-factor/verify-otp": "mfa.verified",
    "/two-factor": "mfa.verified",
    f"{AUTH}/two-factor/generate-backup-codes": "mfa.backup_codes_renewed",
    f"{AUTH}/two-factor/disable": "mfa.removed",
    f"{AUTH}/two-factor/revoke-device": "device.forgotten",
    f"{AUTH}/api-keys": "apikey.created",
    f"{AUTH}/api-keys/{{key}}": "apikey.revoked",
    f"{AUTH}/api-keys/{{key}}/rotate": "apikey.created",
    "/api/admin/master-key/rotate": "key.rotated",
    "/api/admin/bootstrap/claim": "bootstrap.claimed",
    f"{ADMIN}/has-permission": "",
    f"{ADMIN}/list-user-sessions": "",
    f"{ADMIN}/create-user": "admin.user.created",
    f"{ADMIN}/update-user": "admin.user.updated",
    f"{ADMIN}/set-role": "admin.user.role_set",
    f"{ADMIN}/users/{{user}}": "admin.user.role_set",
    f"{ADMIN}/set-user-password": "admin.user.password_set",
    f"{ADMIN}/ban-user": "admin.user.banned",
    f"{ADMIN}/unban-user": "admin.user.unbanned",
    f"{ADMIN}/remove-user": "admin.user.removed",
    f"{ADMIN}/unlock-user": "admin.user.unlocked",
    f"{ADMIN}/verify-user-email": "admin.user.verified",
    f"{ADMIN}/reset-two-factor": "mfa.reset_by_admin",
    f"{ADMIN}/revoke-user-session": "admin.session.revoked",
    f"{ADMIN}/revoke-user-sessions": "admin.session.revoked",
    f"{ADMIN}/groups/{{group}}/members": "admin.group.joined",
    f"{ADMIN}/groups/{{group}}/members/{{user}}": "admin.group.left",
    f"{ADMIN}/invite-user": "invitation.sent",
    f"{ADMIN}/accept-invitation": "invitation.accepted",
    "/accept-invitation": "invitation.accepted",
    f"{ADMIN}/impersonate-user": "admin.impersonation.started",
    f"{ADMIN}/stop-impersonating": "admin.impersonation.stopped",
    "/api/admin/outbox/{message}/retry": "admin.message.retried",
    "/api/admin/outbox/{message}": "admin.message.forgotten",
    "/api/admin/outbox": "admin.message.forgotten",
}
"""What the audit log says of each, "" of what changes nothing of an account that its owner did not see before."""
WHILE_ACTING = {
    f"{AUTH}/session/refresh", f"{AUTH}/sign-out", f"{ADMIN}/stop-impersonating", f"{AUTH}/sign-up/email",
    f"{AUTH}/sign-in/email", f"{AUTH}/sign-in/magic-link", f"{AUTH}/magic-link/send", f"{AUTH}/magic-link/verify",
    f"{AUTH}/sign-in/email-otp", f"{AUTH}/email-otp/send-verification-otp", f"{AUTH}/sign-in/phone-number",
    f"{AUTH}/sign-in/anonymous", "/reset-password", "/two-factor", "/accept-invitation",
}  # fmt: skip
"""Left to who acts as somebody else: they end that, or begin a session by a proof of their own."""
FRESH: dict[str, dict[str, Any]] = {
    f"{AUTH}/change-email": {"newEmail": "new@example.org"},
    f"{AUTH}/delete-user": {},
    f"{AUTH}/two-factor/disable": {"password": PASSWORD},
    f"{AUTH}/api-keys": {"name": "robot"},
    f"{AUTH}/api-keys/{{key}}/rotate": {},
}
"""Of an old session (A-067), each with what it needs besides."""
WRITING = [route for route in all_routes() if route.method not in SAFE]
OF_ACCOUNTS = [route for route in WRITING if route.accounts]


@pytest.fixture(scope="module", autouse=True)
def cheap_hashes() -> Iterator[None]:
    real = dict(PROFILES)
    PROFILES.update(dict.fromkeys(PROFILES, (64, 1)))
    yield
    PROFILES.update(real)


@pytest.fixture(scope="module")
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, clock: MovingClock) -> Iterator[Desk]:
    with RunningServer(APP, tmp_path_factory.mktemp("routes"), clock=clock) as server:
        found = Desk(server)
        yield found
        found.close()


def ask(client: httpx.Client, route: Route, **how: Any) -> httpx.Response:
    path = "/".join(
        "notes" if step == "{table}" else "0" if step[:1] == "{" else step for step in route.path.split("/")
    )
    return client.request(route.method, path, **({"json": {}} | how))


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_every_route_of_accounts_is_in_the_table() -> None:
    assert {route.path for route in OF_ACCOUNTS} == LOGGED.keys()
    assert LOGGED.keys() >= WHILE_ACTING | FRESH.keys()
    assert {action for action in LOGGED.values() if action} <= set(ACTIONS)


def test_t7_no_route_is_written_to_by_a_page_of_another_site(desk: Desk) -> None:
    """A-261: with the cookie of somebody who is signed in."""
    ana = desk.sign_up("ana")
    cookie = {"cookie": f"sid={ana.client.cookies['sid']}"}
    assert len(WRITING) > 100
    with httpx.Client(base_url=desk.server.url, verify=False) as client:
        for route in WRITING:
            refused = ask(client, route, headers=cookie | {"origin": "https://evil.example"})
            assert code_of(refused) == (403, "INVALID_ORIGIN"), (route.method, route.path)
    assert ana.get(f"{AUTH}/get-session").json()["user"]["id"] == ana.id


def test_nobody_writes_without_a_session_or_a_limit(desk: Desk) -> None:
    """L-001, A-137…A-142: who is not signed in gets 401, but where signing in begins; and every request is counted."""
    for route in WRITING:
        assert not route.open, route.path
        assert route.throttle or route.counter, f"{route.method} {route.path} is not counted"
        if not route.guests:
            assert ask(desk.guest, route).status_code == 401, (route.method, route.path)


def test_a_170_who_acts_as_another_leaves_the_account_alone(desk: Desk, clock: MovingClock) -> None:
    """T29, at every route of accounts."""
    admin, eve = desk.sign_up("root", roles=("admin",)), desk.sign_up("eve")
    answer = admin.post(f"{ADMIN}/impersonate-user", {"userId": eve.id})
    assert answer.status_code == 200, answer.text
    for route in OF_ACCOUNTS:
        if route.path not in WHILE_ACTING:
            refused = code_of(ask(admin.client, route))
            wanted = (404, "NOT_FOUND") if route.admin else (403, "IMPERSONATION_RESTRICTED")
            assert refused in (wanted, (403, "IMPERSONATION_RESTRICTED")), (route.method, route.path, refused)
    assert admin.get(f"{AUTH}/get-session").json()["session"]["impersonatedBy"] == admin.id


def test_a_067_what_changes_an_account_asks_an_old_session_for_the_password(desk: Desk, clock: MovingClock) -> None:
    ola = desk.sign_up("ola")
    enrol(ola, clock)
    clock.forward(days=1, seconds=1)
    for path, body in FRESH.items():
        assert code_of(ola.post(path, body)) == (403, "SESSION_NOT_FRESH"), path
    assert ola.post(f"{AUTH}/verify-password", {"password": PASSWORD}).status_code == 200
    assert ola.post(f"{AUTH}/api-keys", {"name": "robot"}).status_code == 201


def test_a_173_each_act_of_administration_is_one_entry(desk: Desk) -> None:
    """Of the route that the table names; what is refused is none."""
    admin, ida = desk.sign_up("boss", roles=("admin",)), desk.sign_up("ida")
    new = {"email": "new@example.org", "name": "New", "password": PASSWORD}
    who = {"userId": ida.id}
    acts: list[tuple[str, dict[str, Any]]] = [
        (f"{ADMIN}/create-user", new),
        (f"{ADMIN}/update-user", who | {"data": {"name": "Ida B."}}),
        (f"{ADMIN}/set-role", who | {"role": "editor"}),
        (f"{ADMIN}/set-user-password", who | {"newPassword": "another quiet harbour"}),
        (f"{ADMIN}/ban-user", who),
        (f"{ADMIN}/unban-user", who),
        (f"{ADMIN}/unlock-user", who),
        (f"{ADMIN}/verify-user-email", who),
        (f"{ADMIN}/reset-two-factor", who),
        (f"{ADMIN}/revoke-user-sessions", who),
        (f"{ADMIN}/invite-user", {"email": "guest@example.org", "name": "Guest", "role": "viewer"}),
        (f"{ADMIN}/remove-user", who),
    ]
    for path, body in acts:
        before = len(desk.audited())
        assert desk.guest.post(path, json=body).status_code == 401, path
        assert len(desk.audited()) == before, path
        logs(desk, path, lambda path=path, body=body: admin.post(path, body))


def logs(desk: Desk, path: str, act: Callable[[], httpx.Response]) -> Any:
    """Do it; the log tells of it once, as the table says. The answer."""
    before = len(desk.audited())
    answer = act()
    assert answer.status_code < 400, (path, answer.text)
    told = desk.audited()[before:]
    assert told.count(LOGGED[path]) == 1 if LOGGED[path] else not told, (path, told)
    return answer.json() if answer.status_code < 300 and answer.content else None


def test_a_173_each_change_of_an_account_is_one_entry(desk: Desk, clock: MovingClock) -> None:
    mails, admin = Mailbox(desk), desk.sign_up("chief", roles=("admin",))
    uma, guest = desk.sign_up("uma"), desk.client()

    def does(path: str, body: dict[str, Any], who: Visitor | None) -> Any:
        by = guest if who is None else who.client
        return logs(desk, f"{AUTH}/{path}", lambda: by.post(f"{AUTH}/{path}", json=body, headers=JSON))

    def follows(path: str, template: str, to: str) -> None:
        logs(desk, path, lambda: guest.get(mails.link(template, to), headers=JSON))

    mine = {"password": PASSWORD}
    does("sign-up/email", mine | {"name": "Una", "email": "una@example.org"}, None)
    does("sign-in/anonymous", {}, None)
    does("send-verification-email", {"email": "uma@example.org", "callbackURL": "/x"}, uma)
    follows(f"{AUTH}/verify-email", "verification", "uma")
    does("change-email", {"newEmail": "umma@example.org"}, uma)
    follows(f"{AUTH}/change-email/approve", "emailChange", "uma")
    follows(f"{AUTH}/change-email/confirm", "emailChange", "umma")
    follows(f"{AUTH}/change-email/undo", "emailChanged", "uma")
    uma = desk.sign_in("uma")
    does("session/refresh", {}, uma)
    does("update-user", {"name": "Uma U."}, uma)
    does("verify-password", mine, uma)
    other = desk.sign_in("uma").get(f"{AUTH}/get-session").json()["session"]["id"]
    does("revoke-session", {"id": other}, uma)
    does("change-password", {"currentPassword": PASSWORD, "newPassword": PASSWORD + "!"}, uma)
    does("request-password-reset", {"email": "uma@example.org"}, None)
    token = mails.link("resetPassword", "uma").rpartition("=")[2]
    does("reset-password", {"token": token, "newPassword": PASSWORD}, None)
    does("sign-in/magic-link", {"email": "uma@example.org"}, None)
    follows(f"{AUTH}/magic-link/verify", "magicLink", "uma")
    uma = desk.sign_in("uma")
    begun = does("two-factor/enable", mine, uma)
    does("two-factor/verify", {"code": Authenticator(begun, clock).code()}, uma)
    does("two-factor/generate-backup-codes", mine, uma)
    does("two-factor/disable", mine, uma)
    key = does("api-keys", {"name": "robot"}, uma)["apiKey"]["id"]
    rotated = f"{AUTH}/api-keys/{{key}}/rotate"
    key = logs(desk, rotated, lambda: uma.post(rotated.format(key=key)))["apiKey"]["id"]
    logs(desk, f"{AUTH}/api-keys/{{key}}", lambda: uma.client.delete(f"{AUTH}/api-keys/{key}"))
    does("revoke-other-sessions", {}, uma)
    does("admin/impersonate-user", {"userId": uma.id}, admin)
    does("admin/stop-impersonating", {}, admin)
    members = f"{ADMIN}/groups/{{group}}/members"
    path = members.replace("{group}", "finance")
    logs(desk, members, lambda: admin.post(path, {"userId": uma.id}))
    logs(desk, f"{members}/{{user}}", lambda: admin.client.delete(f"{path}/{uma.id}"))
    does("sign-out", {}, uma)
    uma = desk.sign_in("uma")
    logs(desk, "/api/account/delete", lambda: uma.post("/api/account/delete", mine | {"confirm": True}))
    keep = mine | {"email": "uma@example.org"}
    logs(desk, "/api/account/keep", lambda: guest.post("/api/account/keep", json=keep))
    does("delete-user", mine, desk.sign_in("uma"))
    waiting = mails.all()[0].id
    one, all_ = "/api/admin/outbox/{message}", "/api/admin/outbox"
    logs(desk, one, lambda: admin.client.delete(f"{all_}/{waiting}"))
    logs(desk, all_, lambda: admin.client.delete(all_))
    logs(desk, "/api/admin/master-key/rotate", lambda: admin.post("/api/admin/master-key/rotate"))
