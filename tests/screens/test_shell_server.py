"""The console with a server of its own: started in the background, killed, started again, joined by a second console."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from screens.trouble import TroubleScreen
from sovrium_tui.opening import server_of
from sovrium_tui.process.discovery import find_server, stop_server
from tests.support.console import console, running, screen_text, until

APP = """
name: shelf
tables:
  - name: Books
    fields:
      - { name: title, type: single-line-text }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with an app; its server is stopped afterwards."""
    (tmp_path / "app.yaml").write_text(APP)
    yield tmp_path
    stop_server(tmp_path / "data")


async def test_a_killed_server_is_started_again_and_the_console_goes_on(folder: Path) -> None:
    app = console()
    app.opener = server_of(folder / "app.yaml", folder / "data", lambda note: None)
    app.context.connection.pauses = (0.05,)
    async with running(app) as pilot:
        first = app.context.hello["pid"]
        assert "Books" in screen_text(app)
        app.context.pending.insert("books", [{"title": "Staged"}])
        os.kill(first, signal.SIGKILL)
        await until(pilot, lambda: app.context.hello["pid"] != first)
        await until(pilot, lambda: app.context.connection.state == "online")
        assert app.context.pending.count() == 1
        assert find_server(folder / "data").pid == app.context.hello["pid"]


async def test_a_mistake_in_the_app_file_is_shown_and_mended(folder: Path) -> None:
    (folder / "app.yaml").write_text(APP.replace("single-line-text", "single-lime-text"))
    app = console()
    app.opener = server_of(folder / "app.yaml", folder / "data", lambda note: None)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, TroubleScreen))
        assert "app.yaml:6:" in screen_text(app)
        (folder / "app.yaml").write_text(APP)
        await pilot.press("r")
        await until(pilot, lambda: app.context.connection.state == "online")
        await until(pilot, lambda: "Books" in screen_text(app))
