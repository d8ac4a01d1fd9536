"""Pictures of home, jobs, help, palette, which-key and trouble in three sizes, without colour, in French and on paper."""

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from core.client import Port, SovriumError
from screens.presenters.place import Place
from tests.screens.test_jobs import busy_port
from tests.support.console import console, until

SIZES = [(80, 24), (120, 40), (200, 60)]
size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
Steps = Callable[[Pilot[int]], Awaitable[None]]


def after(*keys: str) -> Steps:
    """Wait for the server, press keys, wait until all is still."""

    async def steps(pilot: Pilot[int]) -> None:
        app = pilot.app
        app.leader.delay = 0.01
        await until(pilot, lambda: app.context.connection.state != "starting")
        await until(pilot, lambda: app.context.connection.state == "refused" or app.context.session.get("home"))
        for key in keys:
            await pilot.press(key)
            await until(pilot, lambda: True)
        await pilot.pause(0.1)

    return steps


@size
def test_home(snap_compare, size: tuple[int, int]) -> None:
    app = console(busy_port())
    app.context.pending.insert("companies", [{"name": "Nordlicht"}, {"name": "Étoile"}])
    app.context.places.visit(Place("jobs", "", "Jobs"))
    app.context.places.visit(Place("home", "contacts", "contacts", {"detail": "Ada 1"}))
    assert snap_compare(app, terminal_size=size, run_before=after())


def test_home_in_the_terminals_own_colours(snap_compare) -> None:
    assert snap_compare(console(busy_port(), theme="ansi-dark"), terminal_size=(80, 24), run_before=after())


def test_home_on_paper_in_french(snap_compare) -> None:
    app = console(busy_port(), theme="sovrium-paper", language="fr")
    assert snap_compare(app, terminal_size=(120, 40), run_before=after())


@size
def test_jobs(snap_compare, size: tuple[int, int]) -> None:
    assert snap_compare(console(busy_port()), terminal_size=size, run_before=after("g", "j", "down", "down"))


def test_jobs_empty(snap_compare) -> None:
    assert snap_compare(console(), terminal_size=(80, 24), run_before=after("g", "j"))


@size
def test_help(snap_compare, size: tuple[int, int]) -> None:
    assert snap_compare(console(), terminal_size=size, run_before=after("question_mark"))


@size
def test_palette(snap_compare, size: tuple[int, int]) -> None:
    assert snap_compare(console(), terminal_size=size, run_before=after("ctrl+p", "o", "down"))


def test_palette_in_the_terminals_own_colours(snap_compare) -> None:
    assert snap_compare(console(theme="ansi-dark"), terminal_size=(80, 24), run_before=after("ctrl+p"))


@size
def test_which_key(snap_compare, size: tuple[int, int]) -> None:
    assert snap_compare(console(), terminal_size=size, run_before=after("g"))


def test_trouble(snap_compare) -> None:
    error = SovriumError("The app file has 2 problems", hint="`sovrium-tui validate app.yaml` lists them again")
    error.code = "SCHEMA_ERROR"
    error.extra = {
        "problems": [
            "app.yaml:7:3: error: tables[0]: unknown key `tabels` (did you mean `tables`?)",
            "app.yaml:12:11: error: tables[0].fields[2].type: unknown field type `emial`",
        ]
    }

    async def opener() -> Port:
        raise error

    app = console()
    app.opener = opener
    assert snap_compare(app, terminal_size=(80, 24), run_before=after())


def test_a_terminal_too_small(snap_compare) -> None:
    assert snap_compare(console(), terminal_size=(50, 12), run_before=after())
