"""Draws the picture of the README, `docs/images/console.svg`, from the program at work on the CRM sample.

python docs/picture.py
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

TARGET = Path(__file__).parent / "images" / "console.svg"
SIZE = (120, 32)
PROGRAM = [sys.executable, "-P", "-m", "sovrium_tui"]

KEYS = """
    right minus minus < < < < < < right minus
    down down down enter w o n enter
    right down down down e ctrl+u 4 8 0 0 0 enter
    down down d left down down down down enter
""".split()
"""In Deals: number, title and contact are hidden, a stage and an amount are edited, a row is deleted, a choice is open."""


def main() -> None:
    os.environ["TZ"] = "UTC"
    time.tzset()
    with TemporaryDirectory() as folder:
        place = Path(folder) / "crm"
        subprocess.run([*PROGRAM, "init", str(place), "--template", "crm"], check=True, capture_output=True)
        socket = Path(folder) / "api.sock"
        command = [*PROGRAM, "start", str(place), "--port", "0", "--socket", str(socket)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            server.stdout.readline()
            try:
                TARGET.write_text(asyncio.run(draw(socket)), encoding="utf-8")
            finally:
                server.terminate()


async def draw(socket: Path) -> str:
    """The screen as SVG, after the keys."""
    from core.client import Client
    from screens.presenters.job_center import JobCenter
    from screens.presenters.pending import PendingChanges
    from screens.presenters.place import Place, PlaceHistory
    from screens.services.clipboard import Clipboard
    from screens.services.context import Context
    from screens.services.keymap import Keymap
    from screens.services.session import SessionStore
    from screens.services.text import set_language
    from screens.tables import TablesScreen
    from sovrium_tui.console import ConsoleApp

    set_language("en")
    session = SessionStore(None)
    context = Context(
        pending=PendingChanges(),
        places=PlaceHistory(),
        jobs=JobCenter(),
        clipboard=Clipboard(socket.parent, lambda sequence: None, {}),
        session=session,
        keymap=Keymap(),
    )

    async def opener() -> Client:
        return Client(socket)

    app = ConsoleApp(context, opener, theme="sovrium-night")
    async with app.run_test(size=SIZE) as pilot:

        async def until(condition: Callable[[], object]) -> None:
            for _ in range(1000):
                await pilot.pause(0.02)
                if condition():
                    return
            raise TimeoutError("the console never came to rest")

        await until(lambda: context.schema is not None)
        context.go(Place("tables", "deals", "Deals", {"table": "deals"}))
        await until(lambda: isinstance(app.screen, TablesScreen) and app.screen.pane.model is not None)
        screen = app.screen
        assert isinstance(screen, TablesScreen)
        await until(lambda: screen.pane.model and not screen.pane.model.loading and screen.navigator.counts)
        for key in KEYS:
            await pilot.press({"<": "less_than_sign"}.get(key, key))
            await until(lambda: screen.pane.model and not screen.pane.model.loading)
        await pilot.pause(0.5)
        return app.export_screenshot(title="sovrium-tui crm")


if __name__ == "__main__":
    main()
