"""Whole records by keys over a real server: history, trash, one value for many, who may do what."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.client.client import Client
from screens.services.session import SessionStore
from screens.tables import TablesScreen
from screens.widgets.access_sheet import AccessSheet
from screens.widgets.bulk_sheet import BulkSheet
from screens.widgets.comments_sheet import CommentsSheet
from screens.widgets.confirm import Confirm
from screens.widgets.finder import Finder
from screens.widgets.history_sheet import HistorySheet
from sovrium_tui import __version__
from tests.support.console import console, running, screen_text, until
from tests.support.server import RunningServer

APP = """
name: desk
auth: {strategies: [{type: emailAndPassword}], roles: [{name: packer, level: 20}]}
tables:
  - id: 1
    name: parts
    fields:
      - { id: 1, name: name, type: single-line-text, required: true }
      - { id: 2, name: stock, type: integer, min: 0 }
    comments: {threading: true}
    permissions: {read: authenticated, create: [packer], update: [admin], delete: [admin]}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path, version=__version__) as server:
        for number in range(1, 6):
            made = server.local.post(
                "/api/tables/parts/records", json={"fields": {"name": f"P{number}", "stock": number}}
            )
            assert made.status_code == 201, made.text
        yield server


@asynccontextmanager
async def parts(
    desk: RunningServer, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[Pilot[int], TablesScreen]]:
    client = Client(desk.socket)
    app = console(client, session=SessionStore(None))  # type: ignore[arg-type]
    async with client, running(app, size) as pilot:
        await pilot.press("g", "t")
        await until(pilot, lambda: isinstance(app.screen, TablesScreen))
        screen: Any = app.screen
        await until(pilot, lambda: screen.pane.model is not None and screen.pane.model.view is not None)
        await until(pilot, lambda: screen.pane.grid is not None and screen.pane.grid.has_focus)
        screen.pane.grid.move_to(0, 1)
        yield pilot, screen
        told = [m.text for m in app.context.messages.messages if "defect" in m.title.lower()]
        assert not told


def shown(pilot: Pilot[int]) -> str:
    return screen_text(pilot.app)  # type: ignore[arg-type]


def stocks(desk: RunningServer) -> list[Any]:
    found = desk.local.get("/api/tables/parts/records", params={"sort": "id:asc"}).json()["records"]
    return [record["fields"]["stock"] for record in found]


async def test_history_shows_what_changed_and_takes_one_back(desk: RunningServer) -> None:
    """R-088"""
    desk.local.patch("/api/tables/parts/records/1", json={"fields": {"stock": 40}})
    desk.local.patch("/api/tables/parts/records/1", json={"fields": {"name": "Bolt"}})
    async with parts(desk) as (pilot, screen):
        await pilot.press("H")
        await until(pilot, lambda: isinstance(pilot.app.screen, HistorySheet) and pilot.app.screen.entries)
        sheet: Any = pilot.app.screen
        assert [entry["action"] for entry in sheet.entries] == ["update", "update", "create"]
        assert "- P1" in shown(pilot)
        assert "+ Bolt" in shown(pilot)
        await pilot.press("down", "u")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("right", "enter")
        await until(pilot, lambda: len(sheet.entries) == 4)
        assert stocks(desk)[0] == 1
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)


async def test_trash_brings_back_and_deletes_for_good(desk: RunningServer) -> None:
    """R-049: T, r, D with a typed word."""
    desk.local.delete("/api/tables/parts/records/1")
    desk.local.delete("/api/tables/parts/records/2")
    async with parts(desk) as (pilot, screen):
        await pilot.press("T")
        await until(pilot, lambda: screen.pane.model.query.deleted and not screen.pane.model.loading)
        assert screen.pane.model.count == 2
        await pilot.press("r", "ctrl+s")
        await until(pilot, lambda: pilot.app.screen is not screen)
        await pilot.press("enter")
        await until(pilot, lambda: len(stocks(desk)) == 4)
        await until(pilot, lambda: screen.pane.model.count == 1 and not screen.pane.model.loading)
        await pilot.press("D")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        word = pilot.app.screen.typed
        assert word in ("P1", "P2")
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, Confirm)
        await pilot.press(*word, "enter")
        await until(pilot, lambda: pilot.app.screen is screen and screen.pane.model.count == 0)
        left = desk.local.get("/api/tables/parts/trash").json()["records"]
        assert left == []
        await pilot.press("T")
        await until(pilot, lambda: not screen.pane.model.query.deleted and screen.pane.model.count == 4)


async def test_a_saved_deletion_is_brought_back_by_one_key(desk: RunningServer) -> None:
    """R-049: ten seconds of grace; then the trash."""
    async with parts(desk) as (pilot, screen):
        before = stocks(desk)
        await pilot.press("d", "ctrl+s")
        await until(pilot, lambda: pilot.app.screen is not screen)
        await pilot.press("enter")
        await until(pilot, lambda: len(stocks(desk)) == len(before) - 1)
        told = screen.context.messages.messages
        await until(pilot, lambda: any("in the trash. u brings it back" in each.text for each in told))
        await pilot.press("u")
        await until(pilot, lambda: stocks(desk) == before)
        assert not screen.context.pending.count()
        await pilot.press("ctrl+y")  # the way forward stages it, as ever
        await until(pilot, lambda: screen.context.pending.count() == 1)


async def test_one_value_for_marked_rows_after_a_look(desk: RunningServer) -> None:
    """R-059: marked rows, a field, the preview, one step of undo."""
    async with parts(desk) as (pilot, screen):
        await pilot.press("space", "space", "E")
        await until(pilot, lambda: isinstance(pilot.app.screen, Finder))
        await pilot.press(*"stock", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, BulkSheet))
        await pilot.press(*"-1", "enter")
        assert isinstance(pilot.app.screen, BulkSheet)
        await pilot.press("backspace", "backspace", *"77")
        text = shown(pilot)
        assert "P1" in text
        assert "→" in text
        assert "77" in text
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is screen and pilot.app.context.pending.count() == 2)  # type: ignore[attr-defined]
        await pilot.press("ctrl+s")
        await until(pilot, lambda: pilot.app.screen is not screen)
        await pilot.press("enter")
        await until(pilot, lambda: stocks(desk) == [77, 77, 3, 4, 5])


async def test_who_i_am_and_what_a_role_may(desk: RunningServer) -> None:
    """P-043: the caller, and as somebody else with the rule that decides."""
    async with parts(desk) as (pilot, _):
        await pilot.press("colon", *"whoami", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, AccessSheet) and pilot.app.screen.me)
        await until(pilot, lambda: "owner" in shown(pilot))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, Finder))
        await pilot.press(*"packer", "enter")
        await until(pilot, lambda: "parts as packer" in shown(pilot))
        text = shown(pilot)
        assert "✓ create" in text
        assert "✗ change" in text
        assert "permissions" in text


async def test_people_are_named_in_comments(desk: RunningServer) -> None:
    """R-078, R-073: after an @ the accounts that fit are offered; who is chosen is mentioned."""
    for name in ("Ann Lee", "Bo Ek"):
        body = {"name": name, "email": f"{name[:2].strip().lower()}@x.org", "password": "a quiet harbour at dawn"}
        assert desk.http.post("/api/auth/sign-up/email", json=body).status_code in (200, 201)
        desk.http.cookies.clear()
    async with parts(desk) as (pilot, _):
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, CommentsSheet) and pilot.app.screen.loaded)
        sheet: Any = pilot.app.screen
        await pilot.press(*"see", "space", "@", "b")
        await until(pilot, lambda: "Bo Ek" in shown(pilot))
        await pilot.press("tab")
        assert sheet.area.text == "see @bo "
        await pilot.press("ctrl+s")
        await until(pilot, lambda: len(sheet.shown) == 1)
        assert [each["start"] for each in sheet.shown[0][0]["mentions"]] == [4]
        await pilot.press("@")
        await until(pilot, lambda: "Ann Lee" in shown(pilot))
        await pilot.press("escape")
        assert sheet.area.has_focus
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is not sheet)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, CommentsSheet) and pilot.app.screen.loaded)
        again: Any = pilot.app.screen
        assert again.area.text == "@"


async def test_comments_are_written_answered_edited_and_decided(desk: RunningServer) -> None:
    """R-078"""
    desk.local.post("/api/tables/parts/records/1/comments", json={"content": "Who counted these?"})
    async with parts(desk, (80, 24)) as (pilot, screen):
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, CommentsSheet) and pilot.app.screen.shown)
        sheet: Any = pilot.app.screen
        await pilot.press("up", "r", *"I", "space", *"did", "ctrl+s")
        await until(pilot, lambda: len(sheet.shown) == 2)
        assert [answer for _, answer in sheet.shown] == [False, True]
        await pilot.press("e", *"!", "ctrl+s")
        await until(pilot, lambda: sheet.shown[1][0]["content"] == "I did!")
        await pilot.press("x")
        await until(pilot, lambda: sheet.shown[1][0]["status"] == "rejected")
        assert "[rejected]" in shown(pilot)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("right", "enter")
        await until(pilot, lambda: len(sheet.shown) == 1)
        await pilot.press("o", *"kept", "escape")
        await until(pilot, lambda: pilot.app.screen is screen)
