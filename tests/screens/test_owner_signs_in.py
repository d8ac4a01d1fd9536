"""An app whose owner signs in as well: the console at the socket is a prompt until somebody is known (A-002)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.auth.password import PROFILES
from core.client import Client
from screens.login import LoginScreen
from sovrium_tui import __version__
from sovrium_tui.console import ConsoleApp
from sovrium_tui.credential import ServerKeeper
from tests.support.accounts import DESK, PASSWORD, Desk
from tests.support.console import new_context, screen_text, until
from tests.support.server import RunningServer

APP = DESK.replace("auth:\n", "auth:\n  local: {requireSignIn: true}\n")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    real = dict(PROFILES)
    PROFILES.update(dict.fromkeys(PROFILES, (64, 1)))
    with RunningServer(APP, tmp_path, version=__version__) as server:
        desk = Desk(server)
        yield desk
        desk.close()
    PROFILES.update(real)


def opened(desk: Desk, folder: Path) -> ConsoleApp:
    """The console of the app's owner, as it finds the server of its own machine."""
    keeper = ServerKeeper(str(desk.server.app_file), folder)
    context = new_context()
    context.keeper = keeper

    async def find() -> Client:
        return Client(desk.server.socket, token=keeper.token)

    app = ConsoleApp(context, find)
    app.context.connection.pauses = (0.01,)
    return app


async def test_a_002_the_owner_is_asked_before_any_screen(desk: Desk, tmp_path: Path) -> None:
    """A-002: nothing of the app is read before; who signs in is that account, and the owner's rights are not theirs."""
    assert desk.server.local.get("/api/tables").status_code == 200, "nobody is there yet who could sign in"
    desk.sign_up("ana")
    assert desk.server.local.get("/api/tables").status_code == 401
    app = opened(desk, tmp_path / "state")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LoginScreen) and app.screen.gate.ways)
        await pilot.press("g", "t")
        assert isinstance(app.screen, LoginScreen)
        assert app.context.schema is None
        assert "notes" not in screen_text(app)
        await pilot.press("ctrl+u", *"ana@example.org", "enter", *PASSWORD, "enter")
        await until(pilot, lambda: app.context.connection.state == "online" and not isinstance(app.screen, LoginScreen))
        assert app.context.port is not None
        who = await app.context.port.whoami()
        assert (who["email"], who["unrestricted"]) == ("ana@example.org", False)
    again = opened(desk, tmp_path / "state")
    async with again.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: again.context.connection.state == "online")
        assert again.context.schema is not None
