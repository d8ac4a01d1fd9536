"""Files, places and buttons of a table by keys, through the real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.client import Client
from screens.tables import TablesScreen
from screens.widgets.confirm import Confirm
from screens.widgets.editors.file import FileEditor
from sovrium_tui import __version__
from tests.support.console import console, running, screen_text, until
from tests.support.server import RunningServer

APP = """
name: papers
tables:
  - id: 1
    name: papers
    fields:
      - {id: 1, name: title, type: single-line-text, required: true}
      - {id: 2, name: scan, type: single-attachment, maxFileSize: 2000}
      - {id: 3, name: place, type: geolocation}
      - {id: 4, name: go, type: button, label: Go, action: url, url: "https://example.org/{title}", confirm: "Leave?"}
"""


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path_factory.mktemp("types"), version=__version__) as server:
        yield server


async def to_column(pilot: Pilot[int], screen: TablesScreen, name: str) -> None:
    """By as many keys as it takes: to press and look would overshoot where a key waits for what came before it."""
    model = screen.pane.model
    names = [column.field["name"] for column in model.layout.shown]
    await pilot.press(*["right"] * (names.index(name) - model.selection.column))
    await until(pilot, lambda: screen.pane.edits.field_here()["name"] == name)


async def test_a_file_is_attached_and_a_button_pressed_by_keys(
    papers: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-090, T-097, T-101: what is too large is told and nothing is lost; a place is typed; a button asks, then opens."""
    made = papers.local.post("/api/tables/papers/records", json={"fields": {"title": "deed"}}).json()
    (tmp_path / "deed.txt").write_text("I give")
    (tmp_path / "large.txt").write_text("x" * 3000)
    app = console(Client(papers.socket))
    opened: list[str] = []
    monkeypatch.setattr(app, "open_url", opened.append)
    async with running(app) as pilot:
        await pilot.press("g", "t")
        await until(pilot, lambda: isinstance(app.screen, TablesScreen) and app.screen.pane.model is not None)
        screen = app.screen
        assert isinstance(screen, TablesScreen)
        await until(pilot, lambda: screen.pane.model.view is not None and screen.pane.grid.has_focus)
        await until(pilot, lambda: "[ Go ]" in screen_text(app))
        await until(pilot, lambda: screen.pane.edits.field_here() is not None)
        await to_column(pilot, screen, "scan")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(screen.pane.host.current, FileEditor))
        editor = screen.pane.host.current
        assert isinstance(editor, FileEditor)
        editor.input.value = str(tmp_path / "large.txt")
        await pilot.press("enter")
        await until(pilot, lambda: "too large" in str(editor.query_one(".editor-message").render()))
        editor.input.value = str(tmp_path / "deed.txt")
        await pilot.press("enter")
        await until(pilot, lambda: [each["filename"] for each in editor.files] == ["deed.txt"])
        await pilot.press("enter")
        await until(pilot, lambda: "deed.txt (6 B)" in screen_text(app))
        await pilot.press("right", "e", *"48.85", "comma", *"2.35")
        await pilot.press("enter")
        await until(pilot, lambda: "48.8500, 2.3500" in screen_text(app))
        await pilot.press("ctrl+s", "enter")

        def stored() -> dict[str, object]:
            return dict(papers.local.get(f"/api/tables/papers/records/{made['id']}").json()["fields"])

        await until(pilot, lambda: stored()["scan"] is not None)
        assert stored()["place"] == {"lat": 48.85, "lng": 2.35}
        await until(pilot, lambda: screen.pane.grid.has_focus)
        await to_column(pilot, screen, "go")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("right", "enter")
        await until(pilot, lambda: opened == ["https://example.org/deed"])
