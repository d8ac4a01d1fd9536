"""Pictures of groups, boards, calendars and galleries over a real server, in two sizes and without colour."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.client import Client
from screens.services.session import SessionStore
from screens.tables import TablesScreen
from screens.widgets.calendar_board.calendar import CalendarBoard
from sovrium_tui import __version__
from tests.support.console import console, until
from tests.support.server import RunningServer

APP = (Path(__file__).parent / "views_app.yaml").read_text()
STATES = ("todo", "doing", "review", "done", None)
DAY = date(2026, 3, 11)


class Leaving(Client):
    """A client that says no goodbyes: a picture ends the loop at once, and an answer would come too late."""

    async def close_view(self, view: str) -> None:
        return


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path_factory.mktemp("pictures"), version=__version__) as server:
        for name in ("Ada", "Grace", "Mei"):
            server.local.post("/api/tables/people/records", json={"name": name})
        tasks = [
            {
                "title": f"{('Write', 'Paint', 'Ship')[n % 3]} {n}",
                "state": ("todo", "doing")[n % 2],
                "points": n % 8,
                "due": None if n % 9 == 0 else f"2026-03-{1 + n * 5 % 31:02}",
                "owner": 1 + n % 3,
                "picture": None if n % 2 else f"https://x.org/{n}.png",
            }
            for n in range(24)
        ]
        answer = server.local.post("/api/tables/tasks/records/batch", json={"records": [{"fields": t} for t in tasks]})
        assert answer.status_code == 201, answer.text
        yield server


def at_look(address: str, *keys: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    """Open a view of the tasks and press keys."""

    async def steps(pilot: Pilot[int]) -> None:
        app: Any = pilot.app
        await until(pilot, lambda: app.context.port is not None)
        await pilot.press("g", "t")
        await until(pilot, lambda: isinstance(app.screen, TablesScreen))
        pane, navigator = app.screen.pane, app.screen.navigator
        await until(pilot, lambda: pane.grid is not None and pane.grid.has_focus and navigator.counts)
        look = pane.desk.book.find(address)
        await pane.open_table(pane.info, look.query, look=address)
        if isinstance(pane.face, CalendarBoard):
            pane.face.today = DAY
            pane.face.go_to(DAY)
        await until(pilot, lambda: pane.model.view is not None and pane.model.view["ready"] and not pane.model.loading)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await pane.model.settled()
        await pilot.pause(0.2)

    return steps


LOOKS = {
    "app:by-state": ("right", "right", "right", "A", "down", "down"),
    "app:board": ("down", "greater_than_sign"),
    "app:plan": ("right", "shift+down"),
    "app:wall": ("right", "down"),
}


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.partition(":")[2])
@pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_look(snap_compare, studio: RunningServer, look: str, size: tuple[int, int]) -> None:
    app = console(Leaving(studio.socket), session=SessionStore(None))
    assert snap_compare(app, terminal_size=size, run_before=at_look(look, *LOOKS[look]))


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.partition(":")[2])
def test_look_without_colour(snap_compare, studio: RunningServer, look: str) -> None:
    app = console(Leaving(studio.socket), session=SessionStore(None), theme="ansi-dark")
    assert snap_compare(app, terminal_size=(120, 36), run_before=at_look(look, *LOOKS[look]))


def test_the_menu(snap_compare, studio: RunningServer) -> None:
    app = console(Leaving(studio.socket), session=SessionStore(None))
    assert snap_compare(app, terminal_size=(120, 36), run_before=at_look("app:open", "s", "w"))
