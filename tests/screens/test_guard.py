"""A-253: whatever data says, no line that is painted holds a character that a terminal obeys."""

from collections.abc import Iterator
from typing import Any

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from textual.app import ComposeResult
from textual.color import Color
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static, TextArea

from core.auth.password import PROFILES
from core.client.client import Client
from screens.services.guard import GUARD
from screens.services.session import SessionStore
from sovrium_tui import __version__
from tests.support.accounts import PASSWORD, Desk
from tests.support.console import console, running, screen_text, until
from tests.support.server import RunningServer

EVIL = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\x85\x7f\u202e\u2066\u200f\u2028!"
"""Sets the clipboard, clears the screen, colours it, breaks the line, turns the direction of writing."""
HARMLESS = "52;c;ZXZpbA=="
"""What is left of it in any form."""
APP = """
name: desk
description: "A desk %s"
auth: {strategies: [{type: emailAndPassword}]}
tables:
  - id: 1
    name: parts
    fields:
      - { id: 1, name: name, type: single-line-text, label: "Name %s" }
      - { id: 2, name: notes, type: long-text }
      - { id: 3, name: data, type: json }
    comments: {threading: true}
    permissions: {read: authenticated, create: authenticated, update: [admin], delete: [admin]}
""".replace("%s", EVIL.encode("unicode_escape").decode().replace("\\x85", "\\N"))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """An app in which everybody and everything is called so."""
    real = dict(PROFILES)
    PROFILES.update(dict.fromkeys(PROFILES, (64, 1)))
    folder = tmp_path_factory.mktemp("desk")
    with RunningServer(APP, folder, version=__version__) as server:
        server.app.log_file = folder / "server.log"
        server.app.log_file.write_text(f"Fatal {EVIL.replace(chr(10), '')} " * 3 + "\n")
        desk = Desk(server)
        admin = "/api/auth/admin"
        body = {"email": "ana@example.org", "name": f"Ana {EVIL}", "password": PASSWORD}
        agent = {"user-agent": b"Robot \x9b31m 52;c;ZXZpbA=="}
        assert server.local.post(f"{admin}/create-user", json=body, headers=agent).status_code == 201
        server.local.post(f"{admin}/invite-user", json={"email": "bo@example.org", "name": f"Bo {EVIL}"})
        fields = {"name": EVIL, "notes": f"{EVIL}\n{EVIL}", "data": {EVIL: [EVIL]}}
        made = server.local.post("/api/tables/parts/records", json={"fields": fields})
        assert made.status_code == 201, made.text
        server.local.patch("/api/tables/parts/records/1", json={"fields": {"name": f"{EVIL} again"}})
        commented = server.local.post("/api/tables/parts/records/1/comments", json={"content": EVIL})
        assert commented.status_code == 201, commented.text
        yield desk
        desk.close()
    PROFILES.update(real)


def orders(pilot: Pilot[int]) -> set[str]:
    """Characters on the screen that a terminal might obey."""
    strips = pilot.app.screen._compositor.render_strips()
    return {
        c for strip in strips for segment in strip for c in segment.text if not (c.isprintable() or c in "\xa0\u202f")
    }


@pytest.mark.parametrize("text", [EVIL, *EVIL, "plain", "Größe 価格 👩🏽", "a\u202fb"])
def test_a_253_the_guard_takes_orders_away_and_moves_nothing(text: str) -> None:
    segments = [Segment("a"), Segment(text)]
    told = GUARD.apply(segments, Color(0, 0, 0))
    assert "".join(s.text for s in told).replace("\u202f", "").isprintable()
    assert sum(cell_len(s.text) for s in told) == sum(cell_len(s.text) for s in segments)
    assert (told is segments) == (text.replace("\u202f", "").isprintable())


class Everything(ModalScreen[None]):
    """A widget of each family that Textual brings, without any care for what it shows."""

    def compose(self) -> ComposeResult:
        yield Static(EVIL, markup=False)
        yield Label(EVIL, markup=False)
        yield Input(EVIL, placeholder=EVIL)
        yield TextArea(EVIL)
        options = OptionList(EVIL, markup=False)
        options.border_title = EVIL
        yield options


async def test_a_253_no_widget_passes_on_an_order() -> None:
    """A-253: also one that somebody adds tomorrow; a toast, a pasted text, a tooltip go the same way."""
    app = console()
    async with running(app) as pilot:
        await app.push_screen(Everything())
        app.notify(EVIL, title=EVIL)
        await until(pilot, lambda: screen_text(app).count(HARMLESS) >= 6)
        assert not orders(pilot)


async def test_a_253_what_people_write_is_shown_and_obeyed_nowhere(desk: Desk) -> None:
    """A-253: records, their history and comments, people, mails, what was administered, the log, what was told."""
    client = Client(desk.server.socket)
    app: Any = console(client, session=SessionStore(None))  # type: ignore[arg-type]
    async with client, running(app, (100, 30)) as pilot:

        async def look(name: str) -> None:
            await until(pilot, lambda: HARMLESS in screen_text(app))
            assert not orders(pilot), name

        for mode in ("users", "outbox", "audit", "logs", "tables"):
            await app.run_action(f"go_{mode}")
            await until(pilot, lambda: app.current_mode == mode)  # noqa: B023
            await look(mode)
        await until(pilot, lambda: app.screen.pane.grid is not None and app.screen.pane.grid.has_focus)
        for key, sheet in (("H", "HistorySheet"), ("c", "CommentsSheet"), ("r", "TablesScreen")):
            await pilot.press(key)
            await until(pilot, lambda: type(app.screen).__name__ == sheet)  # noqa: B023
            await look(sheet)
            await pilot.press("escape")
        app.notify(EVIL, title=EVIL)
        await app.run_action("app_messages")
        await look("messages")
