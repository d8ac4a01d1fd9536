"""Pictures of the schema designer: a draft with a problem at its line, in three sizes and without colour."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from core.client.client import Client
from screens.services.session import SessionStore
from sovrium_tui import __version__
from tests.screens.test_schema_screens import APP
from tests.support.console import console, until
from tests.support.server import RunningServer


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path_factory.mktemp("desk"), version=__version__) as server:
        yield server


async def drafted(pilot: Pilot[int]) -> None:
    """A field removed, another one added under a name that is none."""
    app: Any = pilot.app
    await until(pilot, lambda: app.context.schema is not None, 20)
    await pilot.press("g", "e")
    await until(pilot, lambda: app.current_mode == "schema" and app.screen.draft.tables)
    await pilot.press("enter", "down", "d", "o", *"Bad", "space", *"Name", "enter", *"integer", "enter")
    await until(pilot, lambda: app.screen.draft.verdict is not None)
    await pilot.pause(0.2)


@pytest.mark.parametrize("size", [(80, 24), (160, 50), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_schema(snap_compare, desk: RunningServer, size: tuple[int, int]) -> None:
    client = Client(desk.socket)
    app = console(client, session=SessionStore(None))  # type: ignore[arg-type]
    assert snap_compare(app, terminal_size=size, run_before=drafted)
    asyncio.run(client.close())


def test_schema_without_colour(snap_compare, desk: RunningServer) -> None:
    client = Client(desk.socket)
    app = console(client, session=SessionStore(None), theme="ansi-dark")  # type: ignore[arg-type]
    assert snap_compare(app, terminal_size=(80, 24), run_before=drafted)
    asyncio.run(client.close())
