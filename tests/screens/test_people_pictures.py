"""Pictures of the roles editor, in a narrow terminal and without colour too."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from core.client.client import Client
from screens.services.session import SessionStore
from sovrium_tui import __version__
from tests.screens.test_roles import APP
from tests.support.console import console, until
from tests.support.server import RunningServer

NAMED = APP.replace("fields: [{id: 1, name: text", "permissions: {read: [editor]}\n    fields: [{id: 1, name: text")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(NAMED, tmp_path_factory.mktemp("desk"), version=__version__) as server:
        yield server


async def undefined(pilot: Pilot[int]) -> None:
    """The role that two tables name is gone from the draft."""
    app: Any = pilot.app
    await until(pilot, lambda: app.context.schema is not None)
    await pilot.press("g", "o")
    await until(pilot, lambda: app.current_mode == "roles" and app.screen.draft.rules["tables"])
    await pilot.press("down", "down", "enter", "right", "right", "right", "space", "escape", "d", "enter")
    await until(pilot, lambda: app.screen.draft.problems() and app.screen.draft.verdict is not None)
    app.screen.draft.verdict = None  # its paths differ from run to run
    app.screen.paint()
    await pilot.pause(0.1)


@pytest.mark.parametrize("theme", ["", "ansi-dark"])
def test_a_040_roles_in_a_narrow_terminal(snap_compare: Any, desk: RunningServer, theme: str) -> None:
    """A-040, A-269: undefined names are marked, by more than colour."""
    client = Client(desk.socket)
    app = console(client, session=SessionStore(None), theme=theme)  # type: ignore[arg-type]
    assert snap_compare(app, terminal_size=(80, 24), run_before=undefined)
    asyncio.run(client.close())
