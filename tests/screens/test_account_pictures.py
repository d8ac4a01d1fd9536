"""Pictures of what people do with accounts: signing up, the settings of signing in."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.client import Client
from screens.login import LoginScreen
from screens.services.session import SessionStore
from sovrium_tui import __version__
from sovrium_tui.console import ConsoleApp
from sovrium_tui.credential import ServerKeeper
from tests.screens.test_auth_settings import APP
from tests.support.console import console, new_context, until
from tests.support.server import RunningServer


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path_factory.mktemp("desk"), version=__version__) as server:
        yield server


async def joining(pilot: Pilot[int]) -> None:
    app: Any = pilot.app
    await until(pilot, lambda: isinstance(app.screen, LoginScreen) and app.screen.gate.ways)
    await pilot.press("ctrl+n", *"ana@example.org", "enter", *"Ana", "enter", *"one", "enter", *"two", "enter")
    await until(pilot, lambda: app.screen.gate.problem)


async def settings(pilot: Pilot[int]) -> None:
    app: Any = pilot.app
    await until(pilot, lambda: app.context.schema is not None)
    await pilot.press("g", "i")
    await until(pilot, lambda: app.current_mode == "auth" and app.screen.draft.settings)
    await pilot.press("enter", "down", "space")
    await until(pilot, lambda: app.screen.draft.verdict is not None)
    app.screen.draft.verdict["diff"].clear()  # its paths differ from run to run
    app.screen.paint()
    await pilot.pause(0.1)


def test_a_072_signing_up_in_a_narrow_terminal(snap_compare: Any, desk: RunningServer, tmp_path: Path) -> None:
    """A-072, A-268: four lines fit, passwords are dots, what is wrong stands below."""
    keeper = ServerKeeper("https://desk.example.org", tmp_path)

    async def find() -> Client:
        return Client(desk.url)

    context = new_context()
    context.keeper = keeper
    assert snap_compare(ConsoleApp(context, find), terminal_size=(80, 24), run_before=joining)


@pytest.mark.parametrize(("size", "theme"), [((80, 24), ""), ((120, 36), "ansi-dark")], ids=["narrow", "plain"])
def test_a_018_settings_with_a_problem(
    snap_compare: Any, desk: RunningServer, size: tuple[int, int], theme: str
) -> None:
    """A-018, A-269: what is wrong stands below its key, changed ones are marked by more than colour."""
    client = Client(desk.socket)
    app = console(client, session=SessionStore(None), theme=theme)  # type: ignore[arg-type]
    assert snap_compare(app, terminal_size=size, run_before=settings)
    asyncio.run(client.close())
