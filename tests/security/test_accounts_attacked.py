"""Attacks on accounts, made of the registry of routes: whatever route is added is attacked as well (auth §18)."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import select

from core.auth.password import PROFILES
from core.auth.store import ACCOUNTS, DEVICES, FACTORS, KEYS, SESSIONS
from core.http.route import Route
from core.http.routes import all_routes
from tests.support.accounts import PASSWORD, Desk, Visitor
from tests.support.server import RunningServer

APP = """
name: desk
auth:
  enumerationSafe: true
  strategies:
    - {type: emailAndPassword, requireEmailVerification: true}
    - {type: magicLink}
    - {type: phone, smsProvider: console}
    - {type: anonymous}
  twoFactor: true
  roles: [{name: editor, level: 30}]
  groups: [{name: finance}]
tables:
  - name: notes
    fields: [{name: text, type: single-line-text}]
    permissions: {read: authenticated, create: authenticated, update: authenticated, delete: authenticated}
"""
JSON = "application/json"
OF_ACCOUNTS = [route for route in all_routes() if route.accounts]
WRITING = [route for route in OF_ACCOUNTS if route.method in ("POST", "PUT", "PATCH", "DELETE")]
PROTECTED = {
    "id": "0192-forged",
    "role": "admin",
    "roles": ["admin"],
    "banned": False,
    "emailVerified": True,
    "email_verified": True,
    "twoFactorEnabled": False,
    "two_factor": False,
    "isAdmin": True,
    "createdAt": "2000-01-01T00:00:00Z",
    "groups": ["finance"],
    "app_metadata": {"role": "admin"},
    "impersonatedBy": None,
    "user_id": "0192-forged",
}


@pytest.fixture(scope="module", autouse=True)
def cheap_hashes() -> Iterator[None]:
    real = dict(PROFILES)
    PROFILES.update(dict.fromkeys(PROFILES, (64, 1)))
    yield
    PROFILES.update(real)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with RunningServer(APP, tmp_path_factory.mktemp("attacked")) as server:
        desk = Desk(server)
        yield desk
        desk.close()


@pytest.fixture
def desk(running: Desk) -> Desk:
    running.clear()
    return running


def enter(desk: Desk, name: str) -> Visitor:
    """An account with a proven address, and a session of it."""
    body = {"name": name.title(), "email": f"{name}@example.org", "password": PASSWORD}
    assert desk.client().post("/api/auth/sign-up/email", json=body).status_code == 200
    verified = ACCOUNTS.update().where(ACCOUNTS.c.email == body["email"]).values(email_verified=True)
    desk.write(lambda tx: tx.execute(verified))
    return desk.sign_in(name)


def again(desk: Desk, name: str, visitor: Visitor) -> Visitor:
    """The same, whose session a route may have ended."""
    is_in = visitor.get("/api/auth/get-session").json() is not None
    return visitor if is_in else desk.sign_in(name)


def ask(visitor: Any, route: Route, path: str, body: Mapping[str, Any]) -> Any:
    return visitor.request(route.method, path, json=dict(body) if route.body_kind == JSON else None)


def plausible(route: Route, values: Mapping[str, Any]) -> dict[str, Any]:
    """A body with every key that the route declares."""
    declared = getattr(route.body, "__annotations__", {}) if route.body is not None else {}
    return {name: values.get(name, "x") for name in declared if values.get(name, "x") is not None}


def path_of(route: Route, value: str) -> str:
    return "/".join(value if segment.startswith("{") else segment for segment in route.path.split("/"))


def test_t11_no_route_takes_what_it_is_not_for(desk: Desk) -> None:
    """A-090, mass assignment: every protected field, sent along to every route that writes, changes nothing."""
    eve = enter(desk, "eve")
    own = {"email": "eve@example.org", "name": "Eve", "image": None, "password": "not the password", "rememberMe": True}
    columns = (ACCOUNTS.c.id, ACCOUNTS.c.roles, ACCOUNTS.c.banned, ACCOUNTS.c.email_verified, ACCOUNTS.c.two_factor)
    statement = select(*columns).where(ACCOUNTS.c.email == "eve@example.org")
    before = desk.read(lambda reader: reader.rows(statement))
    assert WRITING
    for route in WRITING:
        if route.body_kind != JSON:
            continue
        eve = again(desk, "eve", eve)
        answer = ask(eve.client, route, path_of(route, "0"), plausible(route, own) | PROTECTED)
        assert answer.status_code != 500, (route.path, answer.text)
        assert desk.read(lambda reader: reader.rows(statement)) == before, f"{route.method} {route.path}"
    assert desk.read(lambda reader: reader.scalar(select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == "0192-forged"))) is None


def things_of(desk: Desk, user: str) -> dict[str, list[Any]]:
    """What an account has, by table."""

    def work(reader: Any) -> dict[str, list[Any]]:
        kept = {}
        for table in (SESSIONS, FACTORS, DEVICES, KEYS):
            columns = [c for c in table.c if c.name not in ("last_seen_at", "last_used_at")]
            kept[table.name] = sorted(map(str, reader.rows(select(*columns).where(table.c.user_id == user))))
        row = reader.rows(select(ACCOUNTS).where(ACCOUNTS.c.id == user))
        return kept | {"account": list(map(str, row))}

    found: dict[str, list[Any]] = desk.read(work)
    return found


def test_t13_ids_of_others_open_nothing(desk: Desk) -> None:
    """IDOR: every id of Ana, put into every parameter of every route, by Eve: nothing of Ana's changes or is told."""
    ana, eve = enter(desk, "ana"), enter(desk, "eve")
    desk.sign_in("ana")
    sessions = [each["id"] for each in ana.get("/api/auth/list-sessions").json()]
    before = things_of(desk, ana.id)
    for route in OF_ACCOUNTS:
        for id_ in (ana.id, sessions[0]):
            eve = again(desk, "eve", eve)
            shown = "wrong" if "delete" in route.path else PASSWORD
            values = {"email": "eve@example.org", "password": shown, "newPassword": None, "name": "Eve"}
            names = getattr(route.body, "__annotations__", {}) if route.body is not None else {}
            ids = {name: id_ for name in names if name not in values and name not in ("callbackURL", "redirectTo")}
            body = plausible(route, {**values, **ids})
            query = "" if not route.query else "?" + "&".join(f"{name}={id_}" for name in route.query)
            answer = ask(eve.client, route, path_of(route, id_) + query, body)
            assert answer.status_code != 500, (route.path, answer.text)
            assert "ana@example.org" not in answer.text, (route.method, route.path)
            assert things_of(desk, ana.id) == before, f"{route.method} {route.path}"
    assert ana.get("/api/tables/notes/records").status_code == 200


def test_t3_known_and_unknown_people_get_the_same_answers(desk: Desk) -> None:
    """§17.3: status, body and headers of every route that takes an address or a number of somebody, from a guest."""
    has_number = ACCOUNTS.update().where(ACCOUNTS.c.id == enter(desk, "ana").id)
    desk.write(lambda tx: tx.execute(has_number.values(phone="4915112345678", phone_verified=True)))
    taking = [
        route
        for route in OF_ACCOUNTS
        if route.guests and {"email", "phoneNumber"} & getattr(route.body, "__annotations__", {}).keys()
    ]
    assert {"/api/auth/sign-in/email", "/api/auth/request-password-reset"} <= {route.path for route in taking}
    for number, route in enumerate(taking):
        if route.body_kind != JSON:
            continue
        answers = []
        for email, digits in (
            ("ana@example.org", "4915112345678"),
            (f"ghost{number}@example.org", f"4915187654{number:03}"),
        ):
            values = {"email": email, "password": "wrong password", "phoneNumber": f"+{digits}", "name": "Somebody"}
            body = plausible(
                route, {**values, "callbackURL": None, "redirectTo": None, "image": None, "rememberMe": None}
            )
            answer = ask(desk.client(), route, path_of(route, "0"), body)
            told = answer.json() if answer.content else None
            shape = (
                {key: type(value).__name__ for key, value in told.items()} | {"keys": sorted(told.get("user") or {})}
                if answer.status_code < 400 and isinstance(told, dict)
                else told
            )
            headers = sorted(set(answer.headers) - {"date", "content-length", "connection"})
            answers.append((answer.status_code, shape, headers))
        if isinstance(answers[0][1], dict):
            for _, told, _ in answers:
                told.pop("requestId", None)
        assert answers[0] == answers[1], f"{route.method} {route.path}"
