"""What is counted, what is not, and what is kept of it (auth §16.3)."""

from pathlib import Path
from typing import Any

import pytest

from core.analytics.agent import agent_of
from core.http.limit import Limiter
from tests.analytics.conftest import APP
from tests.analytics.traffic import CHROME, FIREFOX, IPHONE, TOLD, Counted
from tests.support.clock import MovingClock
from tests.support.server import RunningServer, check_envelope


def test_a_visit_is_counted(counted: Counted) -> None:
    """A-255"""
    counted.visit("/pricing", t="Prices", sw=1920, sh=1080)
    (event,) = counted.ask("events")["events"]
    assert (event["path"], event["title"], event["screenWidth"], event["screenHeight"]) == (
        "/pricing",
        "Prices",
        1920,
        1080,
    )


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["p"]),
        ({"p": ""}, ["p"]),
        ({"p": "pricing"}, ["p"]),
        ({"p": 7}, ["p"]),
        ({"p": "/" + "x" * 1000}, ["p"]),
        ({"p": "/", "t": "x" * 501, "r": ["a"], "us": 5}, ["t", "us", "r"]),
        ({"p": "/", "sw": "1920", "sh": -1}, ["sw", "sh"]),
        ({"p": "/", "sw": True}, ["sw"]),
    ],
)
def test_a_wrong_visit_is_refused(duck_counted: Counted, body: dict[str, Any], wrong: list[str]) -> None:
    """A-255"""
    answer = duck_counted.server.http.post(f"{TOLD}/collect", json=body)
    assert answer.status_code == 400
    check_envelope(answer)
    assert [each["field"] for each in answer.json()["errors"]] == wrong
    assert duck_counted.stored() == []


def test_what_is_no_visit_at_all_is_refused(duck_counted: Counted) -> None:
    """A-255"""
    for content, status in ((b"", 400), (b"[]", 400), (b"{", 400), (b'{"p": "/' + b"x" * 20_000 + b'"}', 413)):
        assert duck_counted.server.http.post(f"{TOLD}/collect", content=content).status_code == status


def test_what_is_kept_out_is_not_stored(duck_counted: Counted) -> None:
    """A-255: excluded paths, browsers that ask not to be tracked, and robots, are answered as everybody is."""
    duck_counted.visit("/private/a/b")
    duck_counted.visit("/files/report.pdf")
    duck_counted.visit("/private/a?x=1#y")
    duck_counted.visit(headers={"dnt": "1"})
    duck_counted.visit(headers={"sec-gpc": "1"})
    duck_counted.visit(agent="Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
    assert duck_counted.stored() == []
    duck_counted.visit("/private", headers={"dnt": "0"})
    assert len(duck_counted.stored()) == 1


def test_a_reload_switches_it_and_keeps_the_visitors(tmp_path: Path) -> None:
    """A-254, A-255: off is an unknown address; a visitor stays the same while the app file changes."""
    clock = MovingClock()
    with RunningServer(APP, tmp_path, clock=clock) as server:
        counted = Counted(server, clock)

        def reload(analytics: str) -> None:
            server.app_file.write_text(
                f"name: shop\ntables: []\nrateLimit: {{trustedProxies: [127.0.0.1]}}\n{analytics}"
            )
            answer = server.local.post("/api/console/reload", json={})
            assert answer.status_code == 200, answer.text

        counted.visit("/a")
        reload("analytics: {respectDoNotTrack: false}\n")
        counted.visit("/private/b", headers={"dnt": "1"})
        assert counted.ask("overview")["summary"] | {"avgSessionDuration": 0} == {
            "pageViews": 2,
            "uniqueVisitors": 1,
            "sessions": 1,
            "avgSessionDuration": 0,
            "bounceRate": 0.0,
        }
        for off in ("", "analytics: false\n", "analytics: {enabled: false}\n"):
            reload(off)
            assert server.engine.analytics is None
            counted.visit(status=404)
            assert server.http.get(f"{TOLD}/script.js").status_code == 404
            answer = server.local.get(f"{TOLD}/overview?from=2026-01-01&to=2026-01-02")
            assert answer.status_code == 404
            assert "analytics: true" in answer.json()["hint"]
        reload("analytics: true\n")
        assert len(counted.stored()) == 2


def test_visits_have_a_limit_of_their_own(tmp_path: Path) -> None:
    """A-255, L-002: whoever visits too much is refused, and can still write."""
    with RunningServer(APP, tmp_path, limiter=Limiter(window=60)) as server:
        statuses = [server.http.post(f"{TOLD}/collect", json={"p": "/"}).status_code for _ in range(51)]
        assert statuses == [204] * 50 + [429]
        other = server.http.post(f"{TOLD}/collect", json={"p": "/"}, headers={"x-forwarded-for": "203.0.113.9"})
        assert other.status_code == 204
        assert server.http.post("/api/tables/none/records", json={}).status_code == 404


def test_visits_wait_for_a_database_that_refuses(duck_counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A-255: no visitor hears of it, and what waits is written afterwards."""
    from core.analytics import collector
    from core.errors import Busy

    def refuse(*_: Any, **__: Any) -> None:
        raise Busy("too much waits already")

    monkeypatch.setattr(collector, "WAITING_MOST", 2)
    monkeypatch.setattr(collector, "keep", refuse)
    for path in ("/a", "/b", "/c"):
        duck_counted.visit(path)
    assert duck_counted.ask("pages")["total"] == 0
    monkeypatch.undo()
    assert {each["path"] for each in duck_counted.ask("pages")["pages"]} == {"/a", "/b"}, "more than two may not wait"


def test_a_server_that_stops_writes_what_waits(tmp_path: Path) -> None:
    """A-255"""
    for _ in range(2):
        with RunningServer(APP, tmp_path) as server:
            assert server.http.post(f"{TOLD}/collect", json={"p": "/"}).status_code == 204
    with RunningServer(APP, tmp_path) as server:
        found = server.local.get(f"{TOLD}/pages?from=2020-01-01&to=9000-01-01").json()
    assert found["pages"] == [{"path": "/", "pageViews": 2, "uniqueVisitors": 2}]


AGENTS = {
    CHROME: ("desktop", "Chrome", "Windows"),
    FIREFOX: ("desktop", "Firefox", "Linux"),
    IPHONE: ("mobile", "Safari", "iOS"),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 "
    "Safari/605.1.15": ("desktop", "Safari", "macOS"),
    CHROME + " Edg/126.0.0.0": ("desktop", "Edge", "Windows"),
    CHROME + " OPR/111.0.0.0": ("desktop", "Opera", "Windows"),
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36": (
        "mobile",
        "Chrome",
        "Android",
    ),
    "Mozilla/5.0 (Linux; Android 14; SM-X910) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0 "
    "Safari/537.36": ("tablet", "Samsung Internet", "Android"),
    "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0": ("mobile", "Firefox", "Android"),
    "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0 Mobile/15E148 "
    "Safari/604.1": ("tablet", "Chrome", "iOS"),
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36": (
        "desktop",
        "Chrome",
        "ChromeOS",
    ),
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko": (
        "desktop",
        "Internet Explorer",
        "Windows",
    ),
    "curl/8.5.0": ("desktop", "Other", "Other"),
    "": ("desktop", "Other", "Other"),
}


@pytest.mark.parametrize(("agent", "told"), AGENTS.items())
def test_device_browser_and_system_are_derived(agent: str, told: tuple[str, str, str]) -> None:
    """A-256"""
    found = agent_of(agent)
    assert (found.device, found.browser, found.system) == told
    assert not found.is_robot


def test_what_a_visit_tells_is_derived(counted: Counted) -> None:
    """A-256"""
    own = counted.server.url.partition("://")[2].partition(":")[0]
    for referrer in (None, "", "not an address", "http://[", f"http://{own}:9/x", "android-app://com.example"):
        counted.visit("/direct", r=referrer)
    counted.visit(
        "/found", r="https://News.Example.org:8443/a/b?c=d#e", headers={"accept-language": "de;q=0.8, fr-CA, *;q=0.1"}
    )
    counted.visit(
        "/sent", us="letter", um="mail", uc="may\x1b[2J", ux="top", ut="shoes", headers={"accept-language": "?;q=x"}
    )
    events = {each["path"]: each for each in counted.ask("events")["events"]}
    assert counted.ask("referrers") == {
        "referrers": [
            {"domain": None, "pageViews": 7, "uniqueVisitors": 1},
            {"domain": "news.example.org", "pageViews": 1, "uniqueVisitors": 1},
        ],
        "total": 2,
    }
    assert events["/found"]["language"] == "fr-CA"
    sent = [events["/sent"][name] for name in ("source", "medium", "campaign", "content", "term", "language")]
    assert sent == ["letter", "mail", "may [2J", "top", "shoes", None]
    assert [events["/sent"][name] for name in ("device", "browser", "operatingSystem")] == [
        "desktop",
        "Chrome",
        "Windows",
    ]


def test_old_visits_are_forgotten(tmp_path: Path, database_settings: Any) -> None:
    """A-258: at the start and once a day, younger ones stay; 365 days where the app file says nothing."""
    clock = MovingClock()
    for at, step in enumerate((0, 2, 364)):
        clock.forward(days=step)
        with RunningServer(APP, tmp_path, clock=clock, database_url=database_settings.url) as server:
            counted = Counted(server, clock)
            kept = [each["path"] for each in counted.ask("events", days=700)["events"]]
            assert kept == [[], ["/0"], ["/1"]][at]
            counted.visit(f"/{at}")
            if at == 2:
                clock.forward(days=2)
                assert [each["path"] for each in counted.ask("events", days=700)["events"]] == ["/2"]


def test_nobody_is_known_again(counted: Counted) -> None:
    """A-259: another day, the same person is somebody else; the same day, in another app or browser as well."""
    counted.visit()
    counted.clock.forward(hours=2)
    counted.visit()
    counted.visit(agent=FIREFOX)
    counted.visit(who="203.0.113.2")
    counted.clock.forward(days=1)
    counted.visit()
    rows = counted.stored()
    visitors = [row[1] for row in rows]
    assert len(set(visitors)) == 4
    assert visitors[0] == visitors[1]
    assert len({row[2] for row in rows}) == 5, "after two hours a session is over"
    assert counted.ask("overview", days=1)["summary"]["uniqueVisitors"] == 4


def test_a_session_lasts_while_pages_follow_each_other(duck_counted: Counted) -> None:
    """A-257: its time-out counts from the last page, not from the first."""
    for minutes in (0, 29, 29, 31):
        duck_counted.clock.forward(minutes=minutes)
        duck_counted.visit()
    found = duck_counted.ask("overview")["summary"]
    assert found["sessions"] == 2
    assert found["avgSessionDuration"] == 29 * 60
    assert found["bounceRate"] == 50


def test_neither_address_nor_salt_is_kept(tmp_path: Path, database_settings: Any) -> None:
    """A-259: not in the rows, and not in any file of the app."""
    address = "203.0.113.77"
    clock = MovingClock()
    with RunningServer(APP, tmp_path, clock=clock, database_url=database_settings.url) as server:
        counted = Counted(server, clock)
        answer = counted.visit(who=address)
        assert "set-cookie" not in answer.headers
        rows = counted.stored()
        assert len(rows) == 1
        assert server.engine.analytics is not None
        salt = server.engine.analytics.collector.visitors._salt
    assert len(salt) == 32
    assert address not in repr(rows)
    assert CHROME not in repr(rows), "nor what would tell a browser from another"
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        for secret in (address.encode(), salt, salt.hex().encode()):
            assert secret not in content, path
