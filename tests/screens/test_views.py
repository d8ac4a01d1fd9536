"""Views, groups, boards, calendars and galleries by keys, over a real server (V-006, V-018, V-019, V-020)."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.client import Client
from screens.presenters.staged import CellEdit
from screens.services.session import SessionStore
from screens.tables import TablesScreen
from screens.widgets.board.board import Board
from screens.widgets.calendar_board import calendar
from screens.widgets.calendar_board.calendar import CalendarBoard
from screens.widgets.confirm import Confirm
from screens.widgets.conflict_view import ConflictView
from screens.widgets.gallery.gallery import Gallery
from screens.widgets.view_menu import ViewMenu
from sovrium_tui import __version__
from tests.support.console import console, running, screen_text, until
from tests.support.server import RunningServer

APP = (Path(__file__).parent / "views_app.yaml").read_text()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path_factory.mktemp("views"), version=__version__) as server:
        yield server


def task(title: str, state: str | None = "todo", **more: Any) -> dict[str, Any]:
    return {"title": title, "state": state, **more}


def fill(server: RunningServer, *tasks: dict[str, Any]) -> None:
    server.empty()
    for view in server.local.get("/api/tables/tasks/user-views").json():
        server.local.delete(f"/api/tables/tasks/user-views/{view['id']}")
    server.local.delete("/api/tables/tasks/user-preferences")
    for start in range(0, len(tasks), 1000):
        records = [{"fields": each} for each in tasks[start : start + 1000]]
        answer = server.local.post("/api/tables/tasks/records/batch", json={"records": records})
        assert answer.status_code == 201, answer.text


def stored(server: RunningServer) -> dict[str, dict[str, Any]]:
    records = server.local.get("/api/tables/tasks/records", params={"limit": 100}).json()["records"]
    return {record["fields"]["title"]: record["fields"] for record in records}


@asynccontextmanager
async def tasks(
    server: RunningServer, look: str = "", size: tuple[int, int] = (120, 36)
) -> AsyncIterator[tuple[Pilot[int], TablesScreen]]:
    """The table on screen, in a view."""
    app = console(Client(server.socket), session=SessionStore(None))
    async with running(app, size) as pilot:
        await pilot.press("g", "t")
        await until(pilot, lambda: isinstance(app.screen, TablesScreen) and app.screen.pane.grid is not None)
        screen = app.screen
        assert isinstance(screen, TablesScreen)
        await until(pilot, lambda: ready(screen) and screen.pane.grid.has_focus)
        if look:
            await choose(pilot, screen, look)
        yield pilot, screen


def ready(screen: TablesScreen) -> bool:
    model = screen.pane.model
    return model is not None and model.view is not None and model.view["ready"] and not model.loading


async def choose(pilot: Pilot[int], screen: TablesScreen, name: str) -> None:
    """Open a view by the menu, as its line reads."""
    await pilot.press("w")
    await until(pilot, lambda: isinstance(pilot.app.screen, ViewMenu))
    menu = pilot.app.screen
    assert isinstance(menu, ViewMenu)
    await pilot.press("home")
    while menu.here is None or menu.here.name != name:
        await pilot.press("down")
    await pilot.press("enter")
    await until(pilot, lambda: screen.pane.desk.look is not None and screen.pane.desk.look.name == name)
    await until(pilot, lambda: ready(screen) and screen.focused is not None)


def shows(pilot: Pilot[int], text: str) -> bool:
    return text in screen_text(pilot.app)  # type: ignore[arg-type]


def model(screen: TablesScreen) -> Any:
    assert screen.pane.model is not None
    return screen.pane.model


# ── The menu ──


async def test_a_view_of_the_app_file(studio: RunningServer) -> None:
    """V-019: its filter, order and columns; what is changed is marked `*`"""
    fill(studio, task("a", points=1), task("b", "done", points=2), task("c", "doing", points=3))
    async with tasks(studio, "Open") as (pilot, screen):
        assert model(screen).layout.names == ["title", "state", "points"]
        assert [model(screen).row(place).value("title") for place in range(model(screen).count)] == ["c", "a"]
        assert shows(pilot, "▤ Open ")
        await pilot.press("s")
        await until(pilot, lambda: shows(pilot, "Open*"))


async def test_own_views_are_kept_renamed_opened_first_and_deleted(studio: RunningServer) -> None:
    """V-017, V-019, V-006: S, n, *, d in the menu"""
    fill(studio, task("a"), task("b", "doing"))
    async with tasks(studio) as (pilot, screen):
        await pilot.press("home", "right", "right", "f")
        await until(pilot, lambda: model(screen).query.filter is not None and ready(screen))
        for key, name in (("S", "mine"), ("n", "2")):
            await pilot.press("w")
            await until(pilot, lambda: isinstance(pilot.app.screen, ViewMenu))
            await pilot.press(key)
            await until(pilot, lambda: not isinstance(pilot.app.screen, ViewMenu | TablesScreen))
            await pilot.press("end", *name, "enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, TablesScreen))
            shown = "mine" if key == "S" else "mine2"
            await until(pilot, lambda: screen.pane.desk.look is not None and screen.pane.desk.look.name == shown)  # noqa: B023
        await pilot.press("w")
        await until(pilot, lambda: isinstance(pilot.app.screen, ViewMenu))
        await pilot.press("asterisk")
        await until(pilot, lambda: studio.local.get("/api/tables/tasks/user-views").json()[0]["isDefault"])
    async with tasks(studio) as (pilot, screen):
        assert screen.pane.desk.look is not None
        assert screen.pane.desk.look.name == "mine2"
        assert model(screen).query.filter == {"field": "state", "operator": "equals", "value": "todo"}
        await pilot.press("w")
        await until(pilot, lambda: isinstance(pilot.app.screen, ViewMenu))
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("right", "enter")
        await until(pilot, lambda: screen.pane.desk.look is None and ready(screen))
        assert studio.local.get("/api/tables/tasks/user-views").json() == []
        assert model(screen).count == 2


async def test_a_view_that_is_gone(studio: RunningServer) -> None:
    """A view deleted elsewhere while it is open: its rows stay, and the table opens again without it"""
    fill(studio, task("a"))
    made = studio.local.post("/api/tables/tasks/user-views", json={"name": "Brief", "fields": ["title"]}).json()
    async with tasks(studio, "Brief") as (pilot, screen):
        studio.local.delete(f"/api/tables/tasks/user-views/{made['id']}")
        screen.follow_schema()
        await until(pilot, lambda: screen.pane.desk.look is None and ready(screen))
        assert model(screen).count == 1


async def test_columns_are_kept_on_the_server(studio: RunningServer) -> None:
    """V-018: widths, order and frozen columns, for the next console on any machine"""
    fill(studio, task("a"))
    url = "/api/tables/tasks/user-preferences"
    async with tasks(studio) as (pilot, screen):
        await pilot.press("home", "right", "greater_than_sign", "right_parenthesis")
        await until(pilot, lambda: "columnWidths" in studio.local.get(url).json())
        order = model(screen).layout.names
    kept = studio.local.get(url).json()
    assert list(kept["columnWidths"]) == ["title"]
    assert [name for name in kept["columnOrder"] if name in order] == order
    async with tasks(studio) as (_, screen):
        assert model(screen).layout.names == order
        assert model(screen).layout.find("title").width == kept["columnWidths"]["title"]


# ── Groups ──


async def test_rows_in_groups(studio: RunningServer) -> None:
    """V-020: headers with value, count and aggregates; Space folds; edits go to the right row"""
    fill(studio, *(task(f"t{n}", ("todo", "doing")[n % 2], points=n) for n in range(10)))
    async with tasks(studio) as (pilot, screen):
        await pilot.press("home", "right", "right", "b")
        await until(pilot, lambda: len(model(screen).groups.blocks) == 4)
        assert [(each["name"], each["count"]) for each in model(screen).groups.blocks][:2] == [
            ("todo", 5),
            ("doing", 5),
        ]
        await pilot.press("right", "A")
        await until(pilot, lambda: model(screen).groups.totals.get("points") == 45)
        assert shows(pilot, "Σ 45")
        assert shows(pilot, "Σ 20")
        await pilot.press("ctrl+home", "space")
        await until(pilot, lambda: model(screen).groups.header(0).folded)
        assert model(screen).row(1) is None
        assert model(screen).row(2).value("title") == "t1"
        await pilot.press("down", "down", "home", "right", "e", "end", *"x", "enter", "ctrl+s")
        await until(pilot, lambda: shows(pilot, "Save") or shows(pilot, "saved"))
        await pilot.press("enter")
        await until(pilot, lambda: "t1x" in stored(studio))
        await pilot.press("Z")
        await until(pilot, lambda: not model(screen).groups.has_folded)
        await pilot.press("home", "right", "right", "b")
        await until(pilot, lambda: not model(screen).groups.blocks)


async def test_a_thousand_groups_of_many_rows(studio: RunningServer) -> None:
    """V-020: positions stay right at the far end, and folding all shows headers only"""
    fill(studio, *(task(f"t{n:05}", points=n % 1000) for n in range(5_000)))
    async with tasks(studio) as (pilot, screen):
        await pilot.press("home", "right", "right", "right", "b")
        await until(pilot, lambda: len(model(screen).groups.blocks) == 1000)
        assert model(screen).count == 6_000
        await pilot.press("ctrl+end")
        await until(pilot, lambda: model(screen).row(5_999) is not None)
        assert model(screen).row(5_999).value("points") == 999
        await pilot.press("Z")
        await until(pilot, lambda: model(screen).count == 1000)
        assert model(screen).groups.header(model(screen).selection.row).block["value"] == 999


# ── Boards ──


async def test_a_card_is_moved(studio: RunningServer) -> None:
    """A move is a staged edit: saved with Ctrl+S, taken back with u"""
    fill(studio, task("a"), task("b", "doing"))
    async with tasks(studio, "Board") as (pilot, screen):
        face = screen.pane.face
        assert isinstance(face, Board)
        assert face.has_focus
        await until(pilot, lambda: [column.size for column in face.columns] == [1, 1, 0, 0])
        await pilot.press("greater_than_sign")
        assert [column.size for column in face.columns] == [1, 2, 0, 0]
        assert face.here.name == "doing"
        assert stored(studio)["a"]["state"] == "todo"
        await pilot.press("u")
        await until(pilot, lambda: [column.size for column in face.columns] == [1, 1, 0, 0])
        await pilot.press("left", "shift+right", "ctrl+s")
        await until(
            pilot, lambda: not isinstance(pilot.app.screen, TablesScreen) or stored(studio)["a"]["state"] == "doing"
        )
        await pilot.press("enter")
        await until(pilot, lambda: stored(studio)["a"]["state"] == "doing")
        await until(pilot, lambda: [column.count for column in face.columns] == [0, 2, 0, 0])


async def test_a_move_obeys_transitions(studio: RunningServer) -> None:
    """From `done` nothing leads on; the reason is told and nothing is staged"""
    fill(studio, task("a", "doing"))
    async with tasks(studio, "Board") as (pilot, screen):
        face = screen.pane.face
        assert isinstance(face, Board)
        await until(pilot, lambda: face.row_here() is not None)
        await pilot.press("greater_than_sign", "greater_than_sign")
        assert [column.size for column in face.columns][2:] == [1, 0]
        await until(pilot, lambda: any("cannot become" in each.text for each in pilot.app.context.messages.messages))  # type: ignore[attr-defined]


async def test_a_column_of_many_cards(studio: RunningServer) -> None:
    """Cards far down a column come from their place; a new record takes the value of its column"""
    fill(studio, *(task(f"t{n:05}", "todo") for n in range(5_000)))
    async with tasks(studio, "Board", (80, 24)) as (pilot, screen):
        face = screen.pane.face
        assert isinstance(face, Board)
        await until(pilot, lambda: face.row_here() is not None)
        await pilot.press("end")
        await until(pilot, lambda: face.row_here() is not None and face.title(face.row_here()) == "t04999")
        await pilot.press("right", "o")
        await until(pilot, lambda: screen.record.display)
        (_, values) = pilot.app.context.pending.new_rows("tasks")[0]  # type: ignore[attr-defined]
        assert values["state"] == "doing"


async def test_two_consoles_move_the_same_card(studio: RunningServer) -> None:
    """The second one to save sees both values"""
    fill(studio, task("a"))
    async with tasks(studio, "Board") as (pilot, screen):
        face = screen.pane.face
        assert isinstance(face, Board)
        await until(pilot, lambda: face.row_here() is not None)
        await pilot.press("greater_than_sign")
        key = face.row_here().key
        studio.local.patch(f"/api/tables/tasks/records/{key}", json={"state": "doing"})
        studio.local.patch(f"/api/tables/tasks/records/{key}", json={"state": "review"})
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConflictView))


# ── Calendars ──


async def test_an_event_is_moved(studio: RunningServer) -> None:
    """Shift with the arrows moves it by days and weeks; records without a date are counted"""
    today = date.today()
    fill(studio, task("a", due=today.isoformat()), task("b", due=today.isoformat()), task("c"))
    async with tasks(studio, "Plan") as (pilot, screen):
        face = screen.pane.face
        assert isinstance(face, CalendarBoard)
        await until(pilot, lambda: len(face.events_of(face.day)) == 2 and face.undated == 1)
        assert shows(pilot, "1 without a date")
        await pilot.press("enter", "down")
        assert face.title(face.row_here()) == "b"
        await pilot.press("shift+right")
        assert face.day == today + timedelta(days=1)
        await until(pilot, lambda: [face.title(row) for row in face.events_of(face.day)] == ["b"])
        await pilot.press("shift+down", "ctrl+s")
        await until(pilot, lambda: not isinstance(pilot.app.screen, TablesScreen))
        await pilot.press("enter")
        expected = (today + timedelta(days=8)).isoformat()
        await until(pilot, lambda: stored(studio)["b"]["due"] == expected)


async def test_a_query_of_the_app_is_listed_and_looked_at(studio: RunningServer) -> None:
    """V-009, V-019: its rows are no records, so it has no grid."""
    fill(studio, task("a"), task("b", "doing"), task("c", "doing"))
    async with tasks(studio) as (pilot, screen):
        await pilot.press("w")
        await until(pilot, lambda: isinstance(pilot.app.screen, ViewMenu))
        menu: Any = pilot.app.screen
        assert shows(pilot, "Queries of the app")
        while menu.here is None or menu.here.name != "Per state":
            await pilot.press("down")
        await pilot.press("enter")
        await until(pilot, lambda: shows(pilot, "2 of 2 rows"))
        assert shows(pilot, "doing     2")
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)


async def test_a_view_that_is_only_read_takes_no_edit_by_any_way(studio: RunningServer) -> None:
    """V-015: cell, new row, deletion, clearing, bulk edit, paste, the record panel; a board's cards stay."""
    fill(studio, task("a"), task("b", "doing"))
    async with tasks(studio) as (pilot, screen):
        app: Any = pilot.app
        for view in app.context.schema["tables"][0]["views"]:
            view["editable"] = False  # as the server says it to who is not in the view's list
        for look in ("Open", "Board"):
            await choose(pilot, screen, look)
            await pilot.press("e", "o", "d", "delete", "O", "E", "equals_sign", "shift+right", "I")
            screen.pane.transfer.paste_text("x\ty\nz\tw")
            await until(pilot, lambda: "only read" in screen.pane.editing.refusal or app.context.messages.messages)
            assert app.screen is screen
            await pilot.press("r", "r", "delete")
            await pilot.press("escape")
        told = {each.text for each in app.context.messages.messages}
        assert "Records are not changed in this view." in told
        assert not app.context.pending.count()
        assert shows(pilot, "read only")


async def test_rows_have_more_air(studio: RunningServer) -> None:
    """V-018: rowDensity is kept on the server; keys, clicks and editors find their rows."""
    fill(studio, *(task(f"t{n:02}") for n in range(40)))
    async with tasks(studio) as (pilot, screen):
        grid = screen.pane.grid
        await pilot.press("ctrl+p", *"row", "space", *"density", "enter")
        await until(pilot, lambda: grid.tall == 2)
        kept = studio.local.get("/api/tables/tasks/user-preferences").json()
        assert kept["rowDensity"] == "normal"
        lines = screen_text(pilot.app).splitlines()
        first = next(at for at, line in enumerate(lines) if "t00" in line)
        assert "t01" in lines[first + 2]
        assert "t" not in lines[first + 1].split("│")[1].strip(" ┃")
        await pilot.press("G")
        await until(pilot, lambda: shows(pilot, "t39") and not shows(pilot, "t10"))
        await pilot.click("#grid", offset=(10, 3))
        assert model(screen).selection.row == grid.top + 1
        region = grid.cell_region(grid.top + 1, "title")
        assert region is None or region.y - grid.cell_region(grid.top, "title").y == 2


async def test_events_span_days(studio: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """V-020: an event stands on every day until its end, also when it began before the days shown; of more events than
    are read it is told that they may go on."""
    today = date.today()
    monday = today - timedelta(days=today.weekday())
    days = [(monday + timedelta(days=each)).isoformat() for each in (-3, 0, 2)]
    fill(studio, task("long", due=days[0], until=days[1]), task("short", due=days[1], until=days[2]))
    async with tasks(studio, "Span") as (pilot, screen):
        face = screen.pane.face
        assert isinstance(face, CalendarBoard)
        await pilot.press("m")
        titles = lambda day: [face.title(row) for row in face.events_of(day) if row is not None]  # noqa: E731
        await until(pilot, lambda: titles(monday) == ["short", "long"])
        assert titles(monday + timedelta(days=2)) == ["short"]
        assert not titles(monday + timedelta(days=3))
        assert shows(pilot, "◂long")
        assert shows(pilot, "◂short")
        assert screen.pane.desk.base_query().filter is None
        assert not shows(pilot, "only the first day")
        monkeypatch.setattr(calendar, "MOST_READ", 1)
        await pilot.press("m")
        await until(pilot, lambda: shows(pilot, "of 1 events only the first day is shown"))


async def test_a_day_tells_all_its_events_also_those_that_are_not_listed(
    studio: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar, "LISTED_AT_MOST", 3)
    today = date.today().isoformat()
    fill(studio, *(task(f"t{number}", due=today) for number in range(5)))
    async with tasks(studio, "Plan") as (pilot, screen):
        face = screen.pane.face
        assert isinstance(face, CalendarBoard)
        await until(pilot, lambda: shows(pilot, f"{today}  5  ! the first 3 are listed"))
        assert len(face.events_of(face.day)) == 3


async def test_months_and_weeks(studio: RunningServer) -> None:
    """[ and ] go on, m changes the scale, t comes back; conditions of a person stay"""
    today = date.today()
    fill(studio, task("a", due=today.isoformat()), task("far", due=(today + timedelta(days=70)).isoformat()))
    async with tasks(studio, "Plan", (80, 24)) as (pilot, screen):
        face = screen.pane.face
        assert isinstance(face, CalendarBoard)
        await until(pilot, lambda: len(face.events_of(face.day)) == 1)
        await pilot.press("m", "right_square_bracket")
        assert face.day == today + timedelta(days=7)
        await until(pilot, lambda: ready(screen) and not face.events_of(face.day))
        await pilot.press("t", "m")
        await until(pilot, lambda: len(face.events_of(face.day)) == 1)
        assert screen.pane.desk.base_query().filter is None
        assert not screen.pane.desk.is_changed


# ── Galleries ──


async def test_cards_side_by_side(studio: RunningServer) -> None:
    """Arrows go from card to card, Enter opens the record"""
    fill(studio, *(task(f"t{n}", picture=f"https://x.org/{n}.png") for n in range(30)))
    async with tasks(studio, "Wall") as (pilot, screen):
        face = screen.pane.face
        assert isinstance(face, Gallery)
        await until(pilot, lambda: face.row_here() is not None)
        await pilot.press("right", "down", "end", "home", "right")
        assert face.title(face.row_here()) == "t1"
        assert shows(pilot, "▣")
        assert shows(pilot, "https://x.org/1.png")
        await pilot.press("enter")
        await until(pilot, lambda: screen.record.display)
        pending = pilot.app.context.pending  # type: ignore[attr-defined]
        first = model(screen).key_at(0)
        name = model(screen).row(0).value("title")
        pending.set("tasks", [CellEdit(first, "title", name, None)])
        await until(pilot, lambda: not shows(pilot, f" {name} "))
        assert screen.pane.face.title(model(screen).row(0)) == "todo", "a card without a name tells its first value"


@pytest.mark.parametrize("look", ["Board", "Plan", "Wall", "By state"])
@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_looks_without_records(studio: RunningServer, look: str, size: tuple[int, int]) -> None:
    """Empty states, on the smallest and a large terminal"""
    fill(studio)
    async with tasks(studio, look, size) as (pilot, screen):
        await pilot.press("up", "down", "left", "right", "enter", "escape", "end", "home")
        await pilot.pause()
        assert screen.pane.desk.look is not None
        assert not [each for each in pilot.app.context.messages.messages if "defect" in each.title]  # type: ignore[attr-defined]
