"""How many requests may come: by address and by user, class by class, window by window (tables-records §9)."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.errors import BadRequest
from core.http.limit import CALLERS_MOST, Limiter, TooMany, address_of, shared_setting, window_setting
from core.schema.model import App
from tests.support.principals import by_header, headers
from tests.support.server import RunningServer

APP = """
name: limits
auth: {strategies: [{type: emailAndPassword}]}
rateLimit: {trustedProxies: [127.0.0.0/8]}
tables:
  - name: notes
    fields: [{name: text, type: single-line-text}]
    permissions: {read: all, create: all, delete: all}
  - name: busy
    fields: [{name: text, type: single-line-text}]
    permissions: {read: all, create: all}
    rateLimit: {read: 3, windowSeconds: 7}
"""
NOTES, BUSY = "/api/tables/notes/records", "/api/tables/busy/records"


class Seconds:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def limiter(seconds: Seconds) -> Limiter:
    return Limiter(seconds, window=60)


@pytest.fixture
def server(tmp_path: Path, limiter: Limiter) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path, authenticate=by_header, limiter=limiter) as running:
        yield running


def statuses(count: int, ask: Callable[[], httpx.Response]) -> list[int]:
    return [ask().status_code for _ in range(count)]


def test_reads_writes_and_deletes_are_counted_apart(server: RunningServer, seconds: Seconds) -> None:
    """L-001, D-34, A-142: each has its own number, says when it begins anew, and does; another address is unaffected."""
    elsewhere = {"X-Forwarded-For": "203.0.113.7"}
    for method, most, status in (("GET", 100, 200), ("POST", 50, 201), ("DELETE", 50, 404)):
        seconds.now += 1
        path, body = f"{NOTES}/0" if method == "DELETE" else NOTES, {"text": "x"} if method == "POST" else None
        ask = partial(server.http.request, method, path, json=body)
        assert statuses(most + 1, ask) == [status] * most + [429]
        assert ask().headers["retry-after"] == "60"
        assert ask(headers=elsewhere).status_code == status
    seconds.now += 58  # the first window is over, the others are not
    assert [server.http.get(NOTES).status_code, server.http.post(NOTES, json={"text": "x"}).status_code] == [200, 429]
    seconds.now += 2
    assert server.http.post(NOTES, json={"text": "x"}).status_code == 201
    assert server.http.delete(f"{NOTES}/0").status_code == 404
    # The list of tables has a counter of its own; it needs a session, and is counted before that is said (L-005).
    assert statuses(101, lambda: server.http.get("/api/tables")) == [401] * 100 + [429]


def test_a_refusal_says_when(server: RunningServer, seconds: Seconds) -> None:
    """L-002, L-003, L-008: refused requests are not counted, and the window slides."""
    first = server.http.get(NOTES)
    assert first.headers["x-ratelimit-limit"] == "100"
    assert first.headers["x-ratelimit-remaining"] == "99"
    assert first.headers["x-ratelimit-reset"] == "60"
    seconds.now += 20
    statuses(99, lambda: server.http.get(NOTES))
    seconds.now += 10.5
    refused = server.http.get(NOTES)
    assert (refused.status_code, refused.json()["code"]) == (429, "RATE_LIMITED")
    told = {"limit": "100", "remaining": "0", "reset": "30"}
    names = {f"{prefix}ratelimit-{name}": value for prefix in ("", "x-") for name, value in told.items()}
    expected = {**names, "retry-after": "30", "x-retry-after": "30"}
    assert expected.items() <= dict(refused.headers).items(), "auth §10.1 has the names without x-"
    statuses(30, lambda: server.http.get(NOTES))
    seconds.now += 29.5  # only the first has left the window
    assert statuses(2, lambda: server.http.get(NOTES)) == [200, 429]
    seconds.now += 20
    assert statuses(100, lambda: server.http.get(NOTES)) == [200] * 99 + [429]


def test_sessions_have_ten_times_as_much(server: RunningServer) -> None:
    """L-001: counted by user, wherever it comes from; others are unaffected (L-003)."""
    ada = headers("ada", "member")
    assert statuses(3, lambda: server.http.get(NOTES, headers=ada)) == [200] * 3
    answer = server.http.get(NOTES, headers=ada)
    assert (answer.headers["x-ratelimit-limit"], answer.headers["x-ratelimit-remaining"]) == ("1000", "996")
    statuses(100, lambda: server.http.get(NOTES))
    assert server.http.get(NOTES).status_code == 429
    assert server.http.get(NOTES, headers=ada).status_code == 200


def test_addresses_behind_a_proxy(server: RunningServer) -> None:
    """L-004: believed of a trusted proxy, the last entry that is none."""
    for number in range(101):
        said = [("X-Forwarded-For", f"10.0.0.{number}"), ("X-Forwarded-For", f"192.0.2.1, 203.0.113.{number % 2}")]
        assert server.http.get(NOTES, headers=said).status_code == 200
    counted = iter(range(100))  # what stands before it, anybody may have made up
    statuses(100, lambda: server.http.get(NOTES, headers={"X-Forwarded-For": f"192.0.2.{next(counted)}, 203.0.113.9"}))
    assert server.http.get(NOTES, headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 429
    assert server.http.get(NOTES, headers={"X-Forwarded-For": "nonsense"}).status_code == 200


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "expected"),
    [
        ("198.51.100.7", "203.0.113.1", (), "198.51.100.7"),
        ("198.51.100.7", "203.0.113.1", ("10.0.0.0/8",), "198.51.100.7"),
        ("10.1.2.3", "203.0.113.1, 10.9.9.9", ("10.0.0.0/8",), "203.0.113.1"),
        ("10.1.2.3", "192.0.2.66, 203.0.113.1", ("10.0.0.0/8",), "203.0.113.1"),
        ("10.1.2.3", "192.0.2.66, 203.0.113.1, 10.9.9.9", ("10.0.0.0/8",), "203.0.113.1"),
        ("10.1.2.3", "10.4.4.4, 10.9.9.9", ("10.0.0.0/8",), "10.4.4.4"),
        ("10.1.2.3", "192.0.2.66, nonsense, 10.9.9.9", ("10.0.0.0/8",), "10.9.9.9"),
        ("10.1.2.3", "203.0.113.1:4711", ("10.0.0.0/8",), "203.0.113.1"),
        ("10.1.2.3", "[2001:db8::5]:4711", ("10.0.0.0/8",), "2001:db8::/64"),
        ("::1", "203.0.113.1", ("::1",), "203.0.113.1"),
        ("10.1.2.3", None, ("10.0.0.0/8",), "10.1.2.3"),
        ("10.1.2.3", "unknown", ("10.1.2.3",), "10.1.2.3"),
        ("2001:db8::5", None, (), "2001:db8::/64"),
        ("2001:db8::ffff:1", None, (), "2001:db8::/64"),
        ("::ffff:198.51.100.7", None, (), "198.51.100.7"),
        ("", None, (), ""),
        ("10.1.2.3", "203.0.113.1", ("not a network",), "10.1.2.3"),
    ],
)
def test_client_addresses(peer: str, forwarded: str | None, trusted: tuple[str, ...], expected: str) -> None:
    """L-004"""
    assert address_of(peer, forwarded, trusted) == expected


def test_a_table_has_its_own_limit(server: RunningServer, seconds: Seconds) -> None:
    """L-007: and its own window, beside those of the others."""
    assert statuses(4, lambda: server.http.get(BUSY)) == [200, 200, 200, 429]
    assert server.http.get(BUSY).headers["retry-after"] == "7"
    assert server.http.get(NOTES).status_code == 200
    assert statuses(31, lambda: server.http.get(BUSY, headers=headers("ada", "member"))) == [200] * 30 + [429]
    seconds.now += 7.1
    assert server.http.get(BUSY).status_code == 200


def test_the_owner_is_not_counted(server: RunningServer) -> None:
    """L-007"""
    assert set(statuses(31, lambda: server.local.get(BUSY))) == {200}  # a session has thirty
    assert "x-ratelimit-limit" not in server.local.get(BUSY).headers


def test_health_and_unknown_addresses_are_free(server: RunningServer) -> None:
    """L-001 is about tables; L-005: 429 comes before 401 and 404."""
    assert set(statuses(101, lambda: server.http.get("/api/health"))) == {200}
    statuses(100, lambda: server.http.get(NOTES))
    assert server.http.get("/api/tables/nothing/records").status_code == 429
    assert server.http.get("/api/tables/notes").status_code == 429


def test_an_app_may_switch_it_off(tmp_path: Path) -> None:
    """L-007: `rateLimit: false`, and `enabled: false`."""
    for number, said in enumerate(("false", "{enabled: false}")):
        folder = tmp_path / str(number)
        folder.mkdir()
        app = f"name: free\nrateLimit: {said}\ntables: [{{name: notes, fields: [{{name: text, type: long-text}}]}}]"
        with RunningServer(app, folder, limiter=Limiter()) as free:
            assert set(statuses(101, lambda running=free: running.http.get(NOTES))) == {200}


def test_limits_of_the_whole_app(tmp_path: Path) -> None:
    app = "name: few\nrateLimit: {read: 2}\ntables: [{name: notes, fields: [{name: text, type: long-text}]}]"
    with RunningServer(app, tmp_path, limiter=Limiter()) as few:
        assert statuses(3, lambda: few.http.get(NOTES)) == [200, 200, 429]


@pytest.mark.parametrize("path", ["/api/console/events", "/api/tables/notes/subscribe"])
def test_streams_are_limited_by_number(server: RunningServer, path: str) -> None:
    """L-005: they are not counted as reads; too many at a time are refused."""
    import contextlib

    ada = headers("ada", "member")
    with contextlib.ExitStack() as open_streams:
        for _ in range(20):
            stream = server.http.stream("GET", path, headers=ada)
            assert open_streams.enter_context(stream).status_code == 200
        refused = server.http.get(path, headers=ada)
        assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY_CONNECTIONS")
        assert refused.headers["retry-after"] == "30"
    assert server.http.get(NOTES, headers=ada).headers["x-ratelimit-remaining"] == "999"


def test_a_flood_of_addresses_costs_bounded_memory() -> None:
    """Whoever comes from a hundred thousand addresses is remembered no longer than the others allow."""
    limiter, app = Limiter(Seconds(), window=60), App(name="x")
    for number in range(3 * CALLERS_MOST):
        limiter.take(f"address {number}", "read", app)
    assert len(limiter) == CALLERS_MOST


def test_who_comes_often_is_not_forgotten_in_a_flood() -> None:
    limiter, app = Limiter(Seconds(), window=60), App(name="x")
    for _ in range(100):
        limiter.take("address busy", "read", app)
    for number in range(3 * CALLERS_MOST):
        limiter.take(f"address {number}", "read", app)
        if number % 1000 == 0:
            with pytest.raises(TooMany):
                limiter.take("address busy", "read", app)


@pytest.mark.parametrize(("value", "expected"), [(None, 60), ("", 60), ("5", 5)])
def test_the_window_is_a_setting(value: str | None, expected: int) -> None:
    """L-001: `RATE_LIMIT_WINDOW_SECONDS`."""
    assert window_setting(value) == expected


@pytest.mark.parametrize("value", ["0", "-1", "ten", "1.5", "99999999"])
def test_a_window_that_is_none(value: str) -> None:
    with pytest.raises(BadRequest):
        window_setting(value)


def test_activity_has_its_own_window(server: RunningServer) -> None:
    """L-006, A-184: sixty, beside the reads of tables; with a session as well, without which there is nothing to read."""
    assert statuses(61, lambda: server.http.get("/api/activity")) == [401] * 60 + [429]
    assert server.http.get(NOTES).status_code == 200
    ada = headers("ada", "member")
    ask = partial(server.http.get, "/api/activity", headers=ada)
    assert statuses(61, ask) == [200] * 60 + [429]
    assert ask().headers["x-ratelimit-limit"] == "60"


def test_shared_views_have_their_own_window(tmp_path: Path, seconds: Seconds, monkeypatch: pytest.MonkeyPatch) -> None:
    """L-006: for a user, with a session too; by the environment."""
    monkeypatch.setenv("SHARED_VIEWS_RATE_LIMIT_MAX", "3")
    monkeypatch.setenv("SHARED_VIEWS_RATE_LIMIT_WINDOW_MS", "2500")
    with RunningServer(APP, tmp_path, authenticate=by_header, limiter=Limiter(seconds, window=60)) as running:
        ask = lambda who: running.http.get("/api/shared-views/v_x", headers=headers(who, "member")).status_code  # noqa: E731
        assert [ask("ada") for _ in range(4)] == [404] * 3 + [429]
        assert ask("bob") == 404
        seconds.now += 2.4
        assert ask("ada") == 429
        seconds.now += 0.2
        assert ask("ada") == 404


def test_limits_of_shared_views_that_are_none() -> None:
    """L-006"""
    assert shared_setting({}) == (60, 60)
    for name in ("SHARED_VIEWS_RATE_LIMIT_MAX", "SHARED_VIEWS_RATE_LIMIT_WINDOW_MS"):
        for value in ("0", "-1", "ten", "1.5", "9" * 12):
            with pytest.raises(BadRequest, match=name):
                shared_setting({name: value})


def test_counts_are_those_of_a_slow_counter() -> None:
    """L-001…L-003 against a list of all that was let in: 20,000 requests at random moments."""
    from random import Random

    rng, seconds = Random(3), Seconds()
    limiter, app = Limiter(seconds, window=10), App(name="x")
    let_in: dict[tuple[str, str], list[float]] = {}
    kinds: Any = ("read", "write", "delete", "tables", "activity")
    limits = {"read": 100, "write": 50, "delete": 50, "tables": 100, "activity": 60}
    for _ in range(20_000):
        seconds.now += rng.choice((0, 0.001, 0.01, 0.05, 1.5)) * rng.random()
        who, kind = rng.choice(("address a", "user b")), rng.choice(kinds)
        times = let_in.setdefault((who, kind), [])
        there = [moment for moment in times if moment > seconds.now - 10]
        if len(there) < limits[kind]:
            taken = limiter.take(who, kind, app)
            assert taken.remaining == limits[kind] - len(there) - 1
            times.append(seconds.now)
            continue
        with pytest.raises(TooMany) as refused:
            limiter.take(who, kind, app)
        wait = there[0] + 10 - seconds.now
        assert wait <= refused.value.retry_after < wait + 1 or refused.value.retry_after == 1


def test_bodies_of_refusals_are_errors_like_others(server: RunningServer) -> None:
    """L-002: the one envelope."""
    statuses(100, lambda: server.http.get(NOTES))
    body = json.loads(server.http.get(NOTES).text)
    assert body["success"] is False
    assert set(body) == {"success", "message", "code", "hint"}
    asked = json.loads(server.http.get(NOTES, headers={"Prefer": "respond-async, patterns"}).text)
    assert asked.pop("said")["hint"]["pattern"] != asked["hint"]
    assert set(asked) == set(body)
