"""Pictures of the tables screen, its editors and its dialogs, in three sizes and without colour."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.tables import TablesScreen
from sovrium_tui.console import ConsoleApp
from tests.support.console import console, until
from tests.support.editor_host import EditorApp, a_field
from tests.support.memory_port import MemoryPort

SIZES = [(80, 24), (120, 40), (200, 60)]
size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
Steps = Callable[[Pilot[int]], Awaitable[None]]
STAGED = ["right", "e", *" Ltd", "enter", "down", "down", "d", "o", *"Nordlicht", "enter"]


def at_tables(*keys: str, before: Callable[[ConsoleApp], None] | None = None) -> Steps:
    """Open the first table, press keys; `before` runs between the last but one key and the last."""

    async def steps(pilot: Pilot[int]) -> None:
        app: Any = pilot.app
        await until(pilot, lambda: app.context.port is not None)
        await pilot.press("g", "t")
        await until(pilot, lambda: isinstance(app.screen, TablesScreen))
        screen = app.screen
        await until(pilot, lambda: screen.pane.model is not None and screen.pane.model.view is not None)
        await until(pilot, lambda: screen.navigator.counts and screen.pane.grid is not None)
        screen.pane.grid.move_to(0, 0)
        for number, key in enumerate(keys, 1):
            if before is not None and number == len(keys):
                before(app)
            await pilot.press({" ": "space"}.get(key, key))
            await pilot.pause()
        await pilot.pause(0.2)

    return steps


def changed_by_others(app: ConsoleApp) -> None:
    """Somebody else saves the first company."""
    port = app.context.port
    assert isinstance(port, MemoryPort)
    table = port.tables["companies"]
    table.edited["1"] = {**table.row("1"), "name": "Company One", "updated_at": "2026-02-01T10:00:00.000Z"}


@size
def test_tables(snap_compare, size: tuple[int, int]) -> None:
    assert snap_compare(console(), terminal_size=size, run_before=at_tables("right", "down"))


@size
def test_tables_with_staged_edits(snap_compare, size: tuple[int, int]) -> None:
    assert snap_compare(console(), terminal_size=size, run_before=at_tables(*STAGED))


def test_tables_without_colour(snap_compare) -> None:
    assert snap_compare(console(theme="ansi-dark"), terminal_size=(80, 24), run_before=at_tables(*STAGED))


def test_tables_on_paper_in_french(snap_compare) -> None:
    app = console(theme="sovrium-paper", language="fr")
    assert snap_compare(app, terminal_size=(120, 40), run_before=at_tables(*STAGED))


@size
def test_change_panel(snap_compare, size: tuple[int, int]) -> None:
    assert snap_compare(console(), terminal_size=size, run_before=at_tables(*STAGED, "P"))


def test_change_panel_without_colour(snap_compare) -> None:
    assert snap_compare(console(theme="ansi-dark"), terminal_size=(80, 24), run_before=at_tables(*STAGED, "P"))


def test_question_before_saving(snap_compare) -> None:
    assert snap_compare(console(), terminal_size=(120, 40), run_before=at_tables(*STAGED, "ctrl+s"))


@size
def test_conflict(snap_compare, size: tuple[int, int]) -> None:
    steps = at_tables("right", "e", *" Ltd", "enter", "ctrl+s", before=changed_by_others)
    assert snap_compare(console(), terminal_size=size, run_before=steps)


@size
def test_filter_builder(snap_compare, size: tuple[int, int]) -> None:
    keys = ["F", "escape", "slash", *'city = "Oslo" and (employees is empty or name contains "9")', "down"]
    names = {"=": "equals_sign", '"': "quotation_mark", "(": "left_parenthesis", ")": "right_parenthesis"}
    steps = at_tables(*(names.get(key, key) for key in keys))
    assert snap_compare(console(), terminal_size=size, run_before=steps)


def test_filter_sentence_that_is_wrong(snap_compare) -> None:
    steps = at_tables("F", "escape", "slash", *"city between 1")
    assert snap_compare(console(), terminal_size=(80, 24), run_before=steps)


@size
def test_record_panel(snap_compare, size: tuple[int, int]) -> None:
    keys = ["r", "down"] if size[0] < 120 else ["r", "r", "down"]
    assert snap_compare(console(), terminal_size=size, run_before=at_tables(*keys))


@size
def test_paste_preview(snap_compare, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await at_tables("right", "G", "up")(pilot)
        screen: Any = pilot.app.screen
        screen.pane.transfer.paste_text("Nordlicht\tOslo\tlead\nÉtoile\tLyon\tnowhere\nTokyo Tower\t東京\tactive")
        await pilot.pause(0.2)

    assert snap_compare(console(), terminal_size=size, run_before=steps)


@pytest.mark.parametrize("key", ["S", "C", "X", "w", "full_stop"])
def test_dialog(snap_compare, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screens.widgets.export_dialog.ExportDialog.file", lambda dialog: "/tmp/companies.csv")
    assert snap_compare(console(), terminal_size=(80, 24), run_before=at_tables("s", key))


COLOURS = [{"value": "Lead", "color": "#7A8699"}, {"value": "Won", "color": "#2F9E5F"}, "Lost"]
EDITORS = {
    "line": (a_field("line"), "Ada Lovelace", ["end"]),
    "refused": (a_field("number", kind="integer", max=10), 5, ["1", "enter"]),
    "calculated": (a_field("number"), None, ["equals_sign", "3", "asterisk", "1", "2"]),
    "date": (a_field("date"), "2020-02-29", ["down"]),
    "datetime": (a_field("datetime", timeZone="Europe/Paris"), "2020-03-31T10:00:00.000Z", []),
    "duration": (a_field("duration"), None, ["9", "0", "m"]),
    "choice": (a_field("choice", options=COLOURS), "Won", []),
    "choices": (a_field("choices", options=COLOURS), ["Won"], ["space"]),
    "rating": (a_field("rating", max=5), 3, []),
    "link": (a_field("link"), "2", ["a"]),
    "json": (a_field("json"), {"city": "Oslo", "zip": [1, 2]}, ["comma"]),
    "text": (a_field("text"), "A long text\nof two lines", []),
}


@pytest.mark.parametrize("name", EDITORS)
def test_editor(snap_compare, name: str) -> None:
    field, value, keys = EDITORS[name]

    async def steps(pilot: Pilot[Any]) -> None:
        await pilot.press(*keys)
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(EditorApp(field, value), terminal_size=(60, 16), run_before=steps)


@pytest.mark.parametrize("what", ["help", "record", "conflict", "filter"])
def test_without_colour(snap_compare, what: str) -> None:
    """What is chosen, wrong or changed is told by signs and weight alone: the terminal's own colours, which NO_COLOR takes
    away too."""
    steps = {
        "help": at_tables("question_mark"),
        "record": at_tables("right", "e", *" Ltd", "enter", "r", "down"),
        "conflict": at_tables("right", "e", *" Ltd", "enter", "ctrl+s", before=changed_by_others),
        "filter": at_tables("f", "F", "a"),
    }
    assert snap_compare(console(theme="ansi-dark"), terminal_size=(80, 24), run_before=steps[what])
