"""Analytics by keys and in pictures: what is visited, by ranges, measures and kinds."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from core.client import NotFound
from core.client.client import Client
from core.contract.analytics import Granularity
from screens.presenters import traffic
from screens.presenters.chart import chart, round_up
from screens.presenters.traffic import Span
from screens.services.session import SessionStore
from sovrium_tui import __version__
from tests.support.clock import MovingClock
from tests.support.console import console, running, screen_text, until
from tests.support.memory_port import MemoryPort
from tests.support.server import RunningServer

TODAY = date(2026, 11, 21)
SIZES = [(80, 24), (120, 40), (200, 60)]
NAMES = ["/", "/pricing", "/docs/getting-started", "/blog/2026/a-rather-long-title-of-a-post-that-goes-on", "/contact"]


class Visits:
    """An `AnalyticsPort` with figures of its own; `asked` are the times that were asked for."""

    def __init__(self, *, off: bool = False) -> None:
        self.off = off
        self.code = "ANALYTICS_OFF"
        self.asked: list[tuple[str, str, str]] = []

    async def overview(self, since: str, until: str, granularity: Granularity) -> Any:
        if self.off:
            error = NotFound("Page analytics are off")
            error.code = self.code
            raise error
        self.asked.append((since, until, granularity))
        first, last = date.fromisoformat(since), date.fromisoformat(until)
        step = timedelta(hours=1) if granularity == "hour" else timedelta(days=1)
        count = int(((last - first) + timedelta(days=1)) / step)
        is_past = last < TODAY
        points = []
        for at in range(count):
            views = 0 if at % 7 == 5 else (at * 37 % 101 + 40) * (3 if is_past else 4)
            moment = f"{first + at * step}T{at % 24:02}" if granularity == "hour" else f"{first + at * step}T00"
            points.append(
                {
                    "period": f"{moment}:00:00.000Z",
                    "pageViews": views,
                    "uniqueVisitors": views // 3,
                    "sessions": views // 2,
                }
            )
        total = {name: sum(p[name] for p in points) for name in ("pageViews", "uniqueVisitors", "sessions")}
        summary = {**total, "avgSessionDuration": 154.0 if is_past else 131.5, "bounceRate": 48.2 if is_past else 43.1}
        return {"from": since, "to": until, "granularity": granularity, "summary": summary, "timeSeries": points}

    async def pages(self, since: str, until: str) -> Any:
        pages = [{"path": path, "pageViews": 900 // (at + 1), "uniqueVisitors": 9} for at, path in enumerate(NAMES)]
        return {"pages": pages, "total": 214}

    async def referrers(self, since: str, until: str) -> Any:
        names = (None, "news.example.org", "search.example", "forum.example.net")
        referrers = [
            {"domain": name, "pageViews": 700 // (at + 1), "uniqueVisitors": 7} for at, name in enumerate(names)
        ]
        return {"referrers": referrers, "total": 4}

    async def devices(self, since: str, until: str) -> Any:
        def shares(**of: float) -> Any:
            return [{"name": name, "count": 1, "percentage": share} for name, share in of.items()]

        return {
            "deviceTypes": shares(desktop=61.4, mobile=35.2, tablet=3.4),
            "browsers": shares(Chrome=58.0, Safari=24.6, Firefox=11.4, Edge=6.0),
            "operatingSystems": shares(Windows=44.0, iOS=30.0, macOS=26.0),
            "languages": [{"name": None, "count": 1, "percentage": 100.0}],
        }

    async def campaigns(self, since: str, until: str) -> Any:
        return {
            "campaigns": [
                {"source": "letter", "medium": "mail", "campaign": "spring", "pageViews": 120, "uniqueVisitors": 80},
                {"source": "board", "medium": None, "campaign": None, "pageViews": 12, "uniqueVisitors": 12},
            ],
            "total": 2,
        }


class VisitedPort(MemoryPort):
    """A server in memory that has counted visits."""

    def __init__(self, visits: Visits) -> None:
        super().__init__()
        self.analytics = visits


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "today", lambda: TODAY)
    monkeypatch.setattr("screens.analytics.today", lambda: TODAY)


def after(*keys: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    async def steps(pilot: Pilot[int]) -> None:
        app: Any = pilot.app
        await until(pilot, lambda: app.context.session.get("home"))
        await pilot.press("g", "v")
        await until(pilot, lambda: app.current_mode == "analytics" and (app.screen.traffic or app.screen.problem))
        for key in keys:
            await pilot.press(key)
            await until(pilot, lambda: True)
        await pilot.pause(0.1)

    return steps


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_analytics(snap_compare: Any, size: tuple[int, int]) -> None:
    """A-257"""
    assert snap_compare(console(VisitedPort(Visits())), terminal_size=size, run_before=after("3"))


def test_analytics_on_paper_in_french(snap_compare: Any) -> None:
    """A-257: the hours of today, with the cursor on one of them."""
    app = console(VisitedPort(Visits()), theme="sovrium-paper", language="fr")
    assert snap_compare(app, terminal_size=(120, 40), run_before=after("1", "left", "left", "d", "m"))


def test_analytics_that_are_off(snap_compare: Any) -> None:
    """A-254: it says how to switch them on."""
    app = console(VisitedPort(Visits(off=True)), theme="ansi-dark")
    assert snap_compare(app, terminal_size=(80, 24), run_before=after())


APP = "name: shop\nanalytics: true\ntables: []\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("shop")
    with RunningServer(APP, folder, version=__version__, clock=MovingClock()) as server:
        for path in ("/", "/pricing", "/pricing"):
            body = {"p": path, "r": "https://news.example.org/", "us": "letter"}
            agent = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
            assert (
                server.http.post("/api/analytics/collect", json=body, headers={"user-agent": agent}).status_code == 204
            )
        yield server


async def test_visits_are_looked_at_by_keys(shop: RunningServer) -> None:
    """A-257: other days, other measures, other kinds; a bar is read off; a day that is none is refused in the form."""
    client = Client(shop.socket)
    app = console(client, session=SessionStore(None))  # type: ignore[arg-type]

    def shows(*texts: str) -> bool:
        return all(text in screen_text(app) for text in texts)

    async with client, running(app) as pilot:
        await pilot.press("g", "v")
        await until(
            pilot, lambda: shows("2026-11-15 – 2026-11-21", "/pricing", "news.example.org", "letter", "Desktop")
        )
        await pilot.press("d")
        assert shows("Browsers", "Firefox", "100 %")
        await pilot.press("left")
        assert shows("2026-11-21 · Page views 3 · Visitors 1 · Sessions 1")
        await pilot.press("f6")
        assert shows("Page views · by the day"), "the cursor goes with the focus"
        await pilot.press("m")
        assert shows("Visitors · by the day")
        await pilot.press("u")
        await until(pilot, lambda: shows("Visitors · by the week"))
        screen: Any = app.screen
        assert not screen.check_action("analytics_later", ())
        await pilot.press("1")
        await until(pilot, lambda: shows("Visitors · by the hour", "UTC  today", "08:00"))
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: shows("2026-11-20 UTC", "Nothing in these days"))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: shows("2026-11-21 UTC", "/pricing"))
        await pilot.press("4")
        assert shows("UTC  90 days")
        await pilot.press("c")
        await until(pilot, lambda: shows("First day"))
        await pilot.press("end", "backspace", "x", "ctrl+s")
        await until(pilot, lambda: shows("A day is written 2026-01-31"))
        await pilot.press("backspace", "5", "enter", "end", *["backspace"] * 5, *"10-31", "ctrl+s")
        await until(pilot, lambda: shows("2026-08-25 – 2026-10-31", "Nothing in these days"))
        await pilot.click("#analytics-chart", offset=(8, 3))
        assert shows(" · Page views 0 · Visitors 0 · Sessions 0"), "a click is read off as well"
        assert not [m.text for m in app.context.messages.messages if "defect" in m.title.lower()]


async def test_who_may_not_is_told_so() -> None:
    """A-257"""
    visits = Visits(off=True)
    visits.code = "NOT_FOUND"
    app = console(VisitedPort(visits))
    async with running(app) as pilot:
        await after()(pilot)
        assert "may not" in screen_text(app) or "administrator" in screen_text(app), screen_text(app)


@pytest.mark.parametrize(
    "typed", [("2026-02-30", "2026-03-01"), ("", ""), ("2026-03-02", "2026-03-01"), ("0001-01-01", "2026-01-01")]
)
def test_days_that_are_none(typed: tuple[str, str]) -> None:
    """A-257"""
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        traffic.read_span(*typed)


def test_a_span_of_days() -> None:
    """A-257: how it is divided, and what came before it."""
    units = {1: "hour", 2: "hour", 3: "day", 92: "day", 93: "week", 400: "week", 401: "month"}
    assert {days: Span.latest(days, TODAY).unit for days in units} == units
    week = Span.latest(7, TODAY)
    assert week.moved(-1) == Span(date(2026, 11, 8), date(2026, 11, 14))
    assert week.moved(-1).moved(1) == week


def test_bars_keep_their_proportions() -> None:
    """A-257: the largest reaches the top, nothing is nothing, a little is seen; more values than columns are added up."""
    drawn = chart([0, 1, 50, 100], ["a", "b", "c", "d"], 40, 9)
    heights = [sum(row[at * drawn.width] != " " for row in drawn.rows) for at in range(4)]
    assert heights == [0, 1, 4, len(drawn.rows)]
    assert drawn.scale[0] == "100 ┤"
    assert {len(scale + row) for scale, row in zip(drawn.scale, drawn.rows, strict=True)} == {5 + 4 * drawn.width}
    many = chart([1] * 1000, [""] * 1000, 40, 5)
    assert many.merged * len(many.rows[0]) >= 1000
    assert len(many.scale[0] + many.rows[0]) <= 40
    assert chart([], [], 40, 5).rows == ("",) * 4
    assert [round_up(number) for number in (0, 4, 5, 11, 60, 61, 99, 100, 101)] == [4, 4, 6, 20, 60, 80, 100, 100, 200]
