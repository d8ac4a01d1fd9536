"""What administrators are told of visits (A-257)."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.analytics.traffic import FIREFOX, IPHONE, TOLD, Counted
from tests.support.accounts import DESK, Desk
from tests.support.server import RunningServer, check_envelope

REPORTS = ("overview", "pages", "referrers", "devices", "campaigns", "events")


def test_what_was_visited_adds_up(counted: Counted) -> None:
    """A-257: most views first; shares in percent; nothing of another day."""
    counted.visit("/old")
    counted.clock.forward(days=1)
    counted.visit("/", r="https://a.example/", uc="may", us="letter")
    counted.clock.forward(minutes=4)
    counted.visit("/pricing", r="https://b.example/")
    counted.visit("/pricing", who="203.0.113.2", agent=IPHONE, r="https://b.example/", us="letter", uc="may")
    counted.visit("/", who="203.0.113.3", agent=FIREFOX, us="board")
    counted.visit("/pricing", who="203.0.113.3", agent=FIREFOX)
    assert counted.ask("overview")["summary"] == {
        "pageViews": 5,
        "uniqueVisitors": 3,
        "sessions": 3,
        "avgSessionDuration": 80.0,
        "bounceRate": 33.3,
    }
    assert counted.ask("pages") == {
        "pages": [
            {"path": "/pricing", "pageViews": 3, "uniqueVisitors": 3},
            {"path": "/", "pageViews": 2, "uniqueVisitors": 2},
        ],
        "total": 2,
    }
    assert counted.ask("pages", limit=1)["total"] == 2
    assert len(counted.ask("pages", limit=1)["pages"]) == 1
    referrers = [(each["domain"], each["pageViews"]) for each in counted.ask("referrers")["referrers"]]
    assert referrers == [(None, 2), ("b.example", 2), ("a.example", 1)]
    assert counted.ask("campaigns") == {
        "campaigns": [
            {"source": "letter", "medium": None, "campaign": "may", "pageViews": 2, "uniqueVisitors": 2},
            {"source": "board", "medium": None, "campaign": None, "pageViews": 1, "uniqueVisitors": 1},
        ],
        "total": 2,
    }
    devices = counted.ask("devices")
    assert devices["deviceTypes"] == [
        {"name": "desktop", "count": 4, "percentage": 80.0},
        {"name": "mobile", "count": 1, "percentage": 20.0},
    ]
    assert [each["name"] for each in devices["browsers"]] == ["Chrome", "Firefox", "Safari"]
    assert [each["percentage"] for each in devices["operatingSystems"]] == [40.0, 40.0, 20.0]
    assert devices["languages"] == [{"name": None, "count": 5, "percentage": 100.0}]
    assert counted.ask("events")["total"] == 5
    assert counted.ask("events", days=1)["total"] == 6
    assert counted.ask("events")["events"][-1]["referrer"] == "a.example"


PERIODS = {
    # On 2026-03-29 clocks in Europe go forward; a day of UTC has 24 hours all the same.
    ("hour", "2026-03-29T00:30", "2026-03-29T04:00"): ["29T00", "29T01", "29T02", "29T03"],
    ("hour", "2026-03-29T00:30:00%2B02:00", "2026-03-29T02:00:00%2B02:00"): ["28T22", "28T23"],
    ("day", "2026-03-28", "2026-03-30"): ["28T00", "29T00", "30T00"],
    ("week", "2026-03-25", "2026-04-06"): ["23T00", "30T00", "06T00"],
    ("month", "2026-01-31", "2026-04-01"): ["01T00", "01T00", "01T00", "01T00"],
}


@pytest.mark.parametrize(("granularity", "since", "until"), PERIODS)
def test_every_period_is_there(duck_counted: Counted, granularity: str, since: str, until: str) -> None:
    """A-257: also those in which nobody came."""
    path = f"{TOLD}/overview?from={since}&to={until}&granularity={granularity}"
    series = duck_counted.server.local.get(path).json()["timeSeries"]
    assert [each["period"][8:13] for each in series] == PERIODS[granularity, since, until]
    assert {each["pageViews"] for each in series} == {0}


@pytest.mark.parametrize("granularity", ["hour", "day", "week", "month"])
def test_visits_are_in_their_period(counted: Counted, granularity: str) -> None:
    """A-257"""
    counted.visit()
    counted.clock.forward(days=31, hours=1)
    counted.visit("/a")
    counted.visit("/b", agent=FIREFOX)
    series = counted.ask("overview", days=40, granularity=granularity)["timeSeries"]
    assert [(p["pageViews"], p["uniqueVisitors"], p["sessions"]) for p in series if p["pageViews"]] == [
        (1, 1, 1),
        (2, 2, 2),
    ]
    assert sum(each["pageViews"] for each in series) == 3


def test_nothing_adds_up_to_nothing(counted: Counted) -> None:
    """A-257"""
    found: dict[str, Any] = {what: counted.ask(what) for what in REPORTS}
    assert set(found["overview"]["summary"].values()) == {0}
    assert len(found["overview"]["timeSeries"]) == 1
    assert found["pages"] == {"pages": [], "total": 0}
    assert found["referrers"] == {"referrers": [], "total": 0}
    assert found["campaigns"] == {"campaigns": [], "total": 0}
    assert found["events"] == {"events": [], "total": 0}
    assert set(map(len, found["devices"].values())) == {0}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "from=2026-01-01",
        "to=2026-01-01",
        "from=&to=2026-01-02",
        "from=yesterday&to=2026-01-02",
        "from=2026-02-30&to=2026-03-01",
        "from=2026-01-02&to=2026-01-01",
        "from=2026-01-02T08:00&to=2026-01-02T08:00",
        "from=2026-01-01&to=9999-12-31",
        "from=0001-01-01T00:00%2B14:00&to=2026-01-01",
    ],
)
def test_a_time_is_asked_for(duck_counted: Counted, query: str) -> None:
    """A-257"""
    for what in REPORTS:
        answer = duck_counted.server.local.get(f"{TOLD}/{what}?{query}")
        assert answer.status_code == 400, what
        check_envelope(answer)
        assert answer.json()["errors"][0]["field"] in ("from", "to")


def test_periods_are_few_enough(duck_counted: Counted) -> None:
    """A-257"""
    local, time = duck_counted.server.local, "from=2000-01-01&to=2026-01-01"
    assert local.get(f"{TOLD}/overview?{time}&granularity=hour").json()["errors"][0]["field"] == "granularity"
    assert local.get(f"{TOLD}/overview?{time}&granularity=year").status_code == 400
    assert local.get(f"{TOLD}/pages?{time}").status_code == 200
    assert local.get(f"{TOLD}/pages?{time}&limit=0").status_code == 400


def test_only_administrators_are_told(tmp_path: Path) -> None:
    """A-257, A-255: 401 without a session, an unknown address for everybody else (D1); visits and the script are for all."""
    with RunningServer(DESK + "analytics: true\n", tmp_path) as server, closing(Desk(server)) as desk:
        member, admin = desk.sign_up("ben"), desk.sign_up("ana", roles=("admin",))
        for what in REPORTS:
            path = f"{TOLD}/{what}?from=2026-01-01&to=2026-01-02"
            assert [each.get(path).status_code for each in (desk.guest, member, admin)] == [401, 404, 200]
            assert member.get(path).json() == member.get("/api/nothing").json()
        for each in (desk.guest, member.client):
            assert each.post(f"{TOLD}/collect", json={"p": "/"}).status_code == 204
            script = each.get(f"{TOLD}/script.js")
            assert script.headers["content-type"].startswith("text/javascript")
            assert b"sendBeacon" in script.content
        check_pages(desk)
        for analytics in ("analytics: {excludedPaths: [/reset-*]}\n", ""):
            server.app_file.write_text(DESK + analytics)
            assert server.local.post("/api/console/reload", json={}).status_code == 200
            assert "<script" not in desk.guest.get("/reset-password").text


def check_pages(desk: Desk) -> None:
    """A-255: pages load the script, but none that could hold a secret."""
    plain = desk.guest.get("/reset-password")
    assert '<script src="/api/analytics/script.js" defer></script>' in plain.text
    assert "script-src 'self'" in plain.headers["content-security-policy"]
    others = [
        desk.guest.get("/reset-password?token=abc"),
        desk.guest.get("/accept-invitation?token=abc"),
        desk.guest.get("/api/auth/verify-email?token=abc", headers={"accept": "text/html"}),
        desk.guest.post("/reset-password", data={"token": "abc", "newPassword": "x", "confirmPassword": "x"}),
    ]
    for page in others:
        assert "<h1>" in page.text, page.url
        assert "<script" not in page.text, page.url
