"""The tables screen: opening, coming back, panels, news from others, sessions, defects."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core.contract.console import Event
from screens.presenters.filter_draft import FilterDraft
from screens.presenters.staged import CellEdit
from screens.services.session import SessionStore
from screens.tables import TablesScreen
from screens.widgets import navigator
from screens.widgets.change_panel import ChangePanel
from screens.widgets.column_manager import ColumnManager
from screens.widgets.conflict_view import ConflictView
from screens.widgets.filter_builder import FilterBuilder
from screens.widgets.finder import Finder
from screens.widgets.footer import KeyFooter
from screens.widgets.record_peek import RecordPeek
from screens.widgets.view_menu import ViewMenu
from sovrium_tui.console import ConsoleApp
from tests.support.console import burst, console, running, screen_text, until
from tests.support.memory_port import MemoryPort, companies


@asynccontextmanager
async def tables(
    port: MemoryPort | None = None, session: SessionStore | None = None, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[Pilot[int], TablesScreen]]:
    """The tables screen with its first table, or the one of the last run."""
    app = console(port, session=session)
    async with running(app, size) as pilot:
        await pilot.press("g", "t")
        await until(pilot, lambda: isinstance(app.screen, TablesScreen))
        screen = app.screen
        assert isinstance(screen, TablesScreen)
        await until(pilot, lambda: screen.pane.model is not None and screen.pane.model.view is not None)
        await until(pilot, lambda: screen.pane.grid is not None and screen.pane.grid.has_focus)
        yield pilot, screen


def model(screen: TablesScreen) -> Any:
    assert screen.pane.model is not None
    return screen.pane.model


def messages(app: Any) -> list[str]:
    return [f"{message.title} {message.text}" for message in app.context.messages.messages]


async def test_a_table_opens_from_the_list_and_comes_back_as_it_was_left() -> None:
    async with tables() as (pilot, screen):
        await pilot.press("down", "down", "f")
        await until(pilot, lambda: model(screen).query.filter and not model(screen).loading)
        screen.navigator.query_one("Input").focus()
        await pilot.press(*"nothing", "escape")
        assert screen.navigator.query_one("Input").value == ""
        await pilot.press(*"cont", "enter")
        await until(pilot, lambda: screen.pane.info and screen.pane.info["sqlName"] == "contacts")
        await until(pilot, lambda: model(screen).view is not None)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: screen.pane.info and screen.pane.info["sqlName"] == "companies")
        await until(pilot, lambda: model(screen).view is not None)
        assert model(screen).query.filter == {"field": "name", "operator": "equals", "value": "Company 00003"}
        assert model(screen).key_at(model(screen).selection.row) == "3"
        screen.navigator.query_one("Input").focus()
        await pilot.press("escape", "escape")
        assert screen.navigator.query_one("Menu").has_focus


async def test_follow_a_link_and_come_back() -> None:
    """The way back leads to the cell that was left."""
    async with tables() as (pilot, screen):
        screen.navigator.query_one("Input").focus()
        await pilot.press(*"cont", "enter")
        await until(pilot, lambda: screen.pane.info and screen.pane.info["sqlName"] == "contacts")
        await until(pilot, lambda: model(screen).view is not None and screen.pane.grid.has_focus)
        await pilot.press("right", "down", "down")
        await pilot.press("ctrl+right_square_bracket")
        await until(pilot, lambda: screen.pane.info and screen.pane.info["sqlName"] == "companies")
        await until(pilot, lambda: model(screen).view is not None)
        assert model(screen).key_at(model(screen).selection.row) == "3"
        await pilot.press("ctrl+o")
        await until(pilot, lambda: screen.pane.info and screen.pane.info["sqlName"] == "contacts")
        await until(pilot, lambda: model(screen).view is not None)
        assert model(screen).key_at(model(screen).selection.row) == "3"
        assert screen.pane.edits.field_here()["name"] == "company"


async def test_peek_shows_the_linked_record_and_enter_goes_there() -> None:
    async with tables() as (pilot, screen):
        screen.navigator.query_one("Input").focus()
        await pilot.press(*"cont", "enter")
        await until(pilot, lambda: screen.pane.info and screen.pane.info["sqlName"] == "contacts")
        await until(pilot, lambda: model(screen).view is not None and screen.pane.grid.has_focus)
        await pilot.press("right", "K")
        await until(pilot, lambda: isinstance(pilot.app.screen, RecordPeek))
        assert "Company 00001" in screen_text(pilot.app)  # type: ignore[arg-type]
        await pilot.press("enter")
        await until(pilot, lambda: screen.pane.info and screen.pane.info["sqlName"] == "companies")


async def test_staged_edits_survive_the_console() -> None:
    """Killed or left: the next run has them, and the place."""
    session = SessionStore(None)
    async with tables(session=session) as (pilot, screen):
        await pilot.press("e", *"XY", "enter")
        await until(pilot, lambda: pilot.app.context.pending.count())
        await pilot.press("o", *"New", "enter")
        await until(pilot, lambda: pilot.app.context.pending.count() == 2)
        await pilot.press("s", "s")
        await until(pilot, lambda: not model(screen).loading)
    async with tables(session=session) as (pilot, screen):
        assert model(screen).query.sort[0]["direction"] == "desc", "as it was when it was left"
        assert pilot.app.context.pending.count() == 2
        assert "New" in screen_text(pilot.app)  # type: ignore[arg-type]
        await pilot.press("u", "u", "u")
        await until(pilot, lambda: pilot.app.context.pending.count() == 0)


async def test_news_from_others_patch_the_rows_on_screen() -> None:
    port = MemoryPort()
    async with tables(port) as (pilot, _screen):
        table = port.tables["companies"]
        table.edited["2"] = {**table.row("2"), "name": "Renamed", "updated_at": "2026-03-01T00:00:00.000Z"}
        port.tell(Event(kind="change", table="companies", operation="update", ids=["2"], count=1))
        await until(pilot, lambda: "Renamed" in screen_text(pilot.app))  # type: ignore[arg-type]


async def test_why_a_cell_cannot_be_edited_stays_while_the_cursor_does() -> None:
    """Its row may come anew meanwhile: the cursor has not moved, and whoever pressed the key has not read it yet."""
    port = MemoryPort()
    async with tables(port) as (pilot, screen):
        await pilot.press("home", "e")
        await until(pilot, lambda: "id cannot be edited" in screen.status.text("note"))
        table = port.tables["companies"]
        table.edited["1"] = {**table.row("1"), "name": "Renamed", "updated_at": "2026-03-01T00:00:00.000Z"}
        port.tell(Event(kind="change", table="companies", operation="update", ids=["1"], count=1))
        await until(pilot, lambda: "Renamed" in screen_text(pilot.app))  # type: ignore[arg-type]
        assert "id cannot be edited" in screen.status.text("note")
        await pilot.press("down")
        await until(pilot, lambda: screen.status.text("note").startswith("id: 2"))


async def test_rows_of_others_wait_until_they_are_asked_for() -> None:
    """Nothing moves under the cursor: what others make and remove is counted, R shows it."""
    port = MemoryPort()
    async with tables(port) as (pilot, screen):
        await pilot.press("down", "down")
        table = port.tables["companies"]
        table.deleted.add("1")
        port.tell(Event(kind="change", table="companies", operation="delete", ids=["1"], count=1))
        table.edited["4"] = {**table.row("4"), "name": "Renamed", "updated_at": "2026-03-01T00:00:00.000Z"}
        port.tell(Event(kind="change", table="companies", operation="update", ids=["4"], count=1))
        port.tell(Event(kind="change", table="companies", operation="comment-create", ids=["4"], count=1))  # moves none
        port.tell(Event(kind="change", table="companies", operation="create", ids=["9001", "9002"], count=2))
        await until(pilot, lambda: screen.status.text("news") == "2 new, 1 gone: R")
        await until(pilot, lambda: "Renamed" in screen_text(pilot.app))  # type: ignore[arg-type]
        assert [model(screen).key_at(row) for row in range(4)] == ["1", "2", "3", "4"]
        await pilot.press("R")
        await until(pilot, lambda: model(screen).key_at(0) == "2")
        assert screen.status.text("news") == ""


async def test_esc_gives_up_a_check_that_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stalled line: keys wait for the panel, Esc does not; what was typed for the panel is forgotten."""
    async with tables() as (pilot, screen):
        port, asked = pilot.app.context.port, asyncio.Event()

        async def stalled(request: Any) -> Any:
            asked.set()
            await asyncio.Event().wait()

        await pilot.press("e", *"X", "enter")
        with monkeypatch.context() as patch:
            patch.setattr(port, "commit", stalled)
            burst(pilot, "ctrl+s")
            await until(pilot, asked.is_set)
            burst(pilot, "enter", "escape")
            messages = pilot.app.context.messages.messages
            await until(pilot, lambda: any("still staged" in each.text for each in messages))
        assert pilot.app.context.pending.count() == 1
        assert screen.pane.grid.has_focus, "the Enter was meant for the panel"
        await pilot.press("ctrl+s", "enter")
        await until(pilot, lambda: pilot.app.context.pending.count() == 0)


async def test_what_was_saved_here_is_no_news() -> None:
    async with tables() as (pilot, screen):
        await pilot.press("o", *"Mine", "enter", "ctrl+s", "enter")
        await until(pilot, lambda: pilot.app.context.pending.count() == 0)
        await until(pilot, lambda: model(screen).count == 5001)
        assert screen.status.text("news") == ""


async def test_the_list_counts_what_others_make(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(navigator, "REST", 0.01)
    port = MemoryPort()
    async with tables(port) as (pilot, screen):
        await until(pilot, lambda: screen.navigator.counts.get("companies") == "5,000")
        port.tables["companies"].deleted.add("7")
        port.tell(Event(kind="change", table="companies", operation="delete", ids=["7"], count=1))
        await until(pilot, lambda: screen.navigator.counts.get("companies") == "4,999")


async def test_columns_are_measured_when_the_first_rows_come() -> None:
    port = MemoryPort(companies(0))
    async with tables(port) as (pilot, screen):
        before = model(screen).layout.find("name").width
        table = port.tables["companies"]
        table.count = 3
        port.tell(Event(kind="change", table="companies", operation="create", ids=["1", "2", "3"], count=3))
        await until(pilot, lambda: "Company 00003" in screen_text(pilot.app))  # type: ignore[arg-type]
        assert model(screen).layout.find("name").width > before


async def test_the_cursor_begins_where_something_can_be_written() -> None:
    async with tables() as (_, screen):
        assert screen.pane.edits.field_here()["name"] == "name"


async def test_the_panel_leads_to_the_cell_and_takes_single_edits_back() -> None:
    async with tables() as (pilot, screen):
        await pilot.press("e", *"XY", "enter", "down", "right", "e", *"Z", "enter", "ctrl+end")
        await until(pilot, lambda: pilot.app.context.pending.count() == 2)
        await pilot.press("P")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChangePanel))
        await pilot.press("down", "enter")
        await until(pilot, lambda: pilot.app.screen is screen)
        await until(pilot, lambda: model(screen).key_at(model(screen).selection.row) == "1")
        assert screen.pane.edits.field_here()["name"] == "name"
        await pilot.press("P")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChangePanel))
        await pilot.press("d")
        await until(pilot, lambda: pilot.app.context.pending.count() == 1)
        await pilot.press("escape")


async def test_nothing_staged_says_so() -> None:
    async with tables() as (pilot, _):
        await pilot.press("ctrl+s")
        await until(pilot, lambda: any("Nothing is staged" in text for text in messages(pilot.app)))
        await pilot.press("u")
        await until(pilot, lambda: any("Nothing to undo" in text for text in messages(pilot.app)))


async def test_a_view_can_be_kept_and_brought_back() -> None:
    session = SessionStore(None)
    async with tables(session=session) as (pilot, screen):
        await pilot.press("right", "f")
        await until(pilot, lambda: model(screen).query.filter and not model(screen).loading)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(pilot.app.screen, ViewMenu))
        await pilot.press("S")
        await until(pilot, lambda: "Name of" in screen_text(pilot.app))  # type: ignore[arg-type]
        await pilot.press(*"oslo", "enter")
        await until(pilot, lambda: screen.pane.desk.look is not None and screen.pane.desk.look.name == "oslo")
        await pilot.press("escape")
        await until(pilot, lambda: model(screen).query.filter is None and not model(screen).loading)
        await until(pilot, lambda: "oslo*" in screen_text(pilot.app))  # type: ignore[arg-type]
        await pilot.press("w")
        await until(pilot, lambda: isinstance(pilot.app.screen, ViewMenu))
        await pilot.press("enter")
        await until(
            pilot, lambda: model(screen).query.filter == {"field": "city", "operator": "equals", "value": "Oslo"}
        )


async def test_columns_stay_as_they_were_arranged() -> None:
    session = SessionStore(None)
    async with tables(session=session) as (pilot, screen):
        await pilot.press("right", "minus", "right", "right_parenthesis")
        await until(pilot, lambda: session.get("columns.companies"))
        names = model(screen).layout.names
        assert "city" not in names
    async with tables(session=session) as (pilot, screen):
        assert model(screen).layout.names == names


async def test_copy_as_markdown_of_a_range() -> None:
    async with tables() as (pilot, _screen):
        copied: list[str] = []
        original = pilot.app.context.clipboard.copy

        async def copy(text: str, held: Any = None) -> Any:
            copied.append(text)
            return await original(text, held)

        pilot.app.context.clipboard.copy = copy
        await pilot.press("shift+right", "shift+down", "Y")
        await until(pilot, lambda: isinstance(pilot.app.screen, Finder))
        await pilot.press(*"mark", "enter")
        await until(pilot, lambda: copied)
        assert copied == ["| name | city |\n| --- | --- |\n| Company 00001 | Oslo |\n| Company 00002 | Lyon |"]


async def test_a_defect_is_told_and_the_console_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with tables() as (pilot, screen):

        async def broken(*args: Any) -> None:
            raise KeyError("what")

        monkeypatch.setattr(screen.pane.edits, "block", broken)
        await pilot.press("y")
        await until(pilot, lambda: any("defect" in text for text in messages(pilot.app)))
        await pilot.press("down")
        assert model(screen).selection.row == 1


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_an_editor_never_leaves_the_pane(size: tuple[int, int]) -> None:
    """At the last row and column the editor is moved inside."""
    async with tables(size=size) as (pilot, screen):
        await pilot.press("end", "left", "left", "left", "ctrl+end", "e")
        await until(pilot, lambda: screen.pane.host.current is not None)
        await pilot.pause()
        editor = screen.pane.host.current
        assert screen.pane.region.contains_region(editor.region)


async def test_too_many_rows_are_refused_with_a_way_out() -> None:
    async with tables(MemoryPort(companies(20_000))) as (pilot, _screen):
        await pilot.press("right", "ctrl+a", "delete")
        await until(pilot, lambda: any("20,000" in text for text in messages(pilot.app)))
        assert pilot.app.context.pending.count() == 0


def test_the_screen_is_a_place() -> None:
    assert isinstance(console(), ConsoleApp)
    assert TablesScreen.mode == "tables"


async def test_staged_edits_can_be_looked_at_and_saved_from_every_place() -> None:
    async with tables() as (pilot, _):
        await pilot.press("e", *"XY", "enter")
        await until(pilot, lambda: pilot.app.context.pending.count() == 1)
        await pilot.press("g", "h")
        await until(pilot, lambda: not isinstance(pilot.app.screen, TablesScreen))
        await pilot.press("P")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChangePanel))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: pilot.app.context.pending.count() == 0)
        await pilot.press("u")
        await until(pilot, lambda: pilot.app.context.pending.count() == 1)


async def test_an_open_editor_has_the_badge_and_the_footer_for_itself() -> None:
    async with tables() as (pilot, screen):
        await pilot.press("enter")
        await until(pilot, lambda: screen.pane.host.current is not None)
        await until(pilot, lambda: screen.status.text("mode").strip() == "EDIT")
        footer = screen.query_one(KeyFooter).plain
        assert "Enter Keep" in footer
        assert "Esc Cancel" in footer
        assert "Sort" not in footer
        await pilot.press("escape")
        await until(pilot, lambda: screen.status.text("mode").strip() == "VIEW")
        assert "s Sort" in screen.query_one(KeyFooter).plain


async def test_an_editor_stays_at_its_cell_when_the_grid_scrolls() -> None:
    async with tables() as (pilot, screen):
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: screen.pane.host.current is not None)
        before = screen.pane.host.current.region.y
        screen.pane.grid.show_top(1)
        await until(pilot, lambda: screen.pane.host.current.region.y == before - 1)


async def test_lists_of_dialogs_are_walked_with_j_and_k() -> None:
    async with tables() as (pilot, screen):
        await pilot.press("C")
        await until(pilot, lambda: isinstance(screen.app.screen, ColumnManager))
        options = screen.app.screen.query_one("OptionList")
        at = options.highlighted
        await pilot.press("j", "j", "k")
        assert options.highlighted == at + 1


async def test_the_example_of_a_sentence_speaks_of_this_table() -> None:
    async with tables() as (pilot, screen):
        await pilot.press("F")
        await until(pilot, lambda: isinstance(screen.app.screen, Finder))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(screen.app.screen, FilterBuilder))
        example = screen.app.screen.query_one("#filter-sentence", Input).placeholder
        assert example
        draft = FilterDraft(screen.pane.info["fields"], None)
        draft.read(example)
        assert "contains" in draft.sentence()


async def test_the_value_of_a_condition_is_typed_where_it_stands() -> None:
    """Behind field and operator, under a note of its form; what is refused stays to be mended."""
    port = MemoryPort()
    next(f for f in port.tables["companies"].fields if f["name"] == "employees")["operators"].append("between")
    async with tables(port, size=(80, 24)) as (pilot, screen):
        app = screen.app
        assert isinstance(app, ConsoleApp)
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, Finder))
        await pilot.press(*"employees", "enter")
        await until(pilot, lambda: "is between" in screen_text(app))
        await pilot.press(*"between", "enter")
        await until(pilot, lambda: "Two values with .. between them" in screen_text(app))
        await pilot.press("1", "enter")
        await until(pilot, lambda: "! Two values" in screen_text(app))
        line = next(line for line in screen_text(app).splitlines() if "is between" in line)
        assert "employees  is between  1 " in line, line
        await pilot.press("space", ".", ".", "9", "enter")
        await until(pilot, lambda: "employees between 1 and 9" in screen_text(app))


async def test_a_new_row_that_is_deleted_is_gone_at_once() -> None:
    """No word of a deletion on saving: nothing of it is stored. On the last line the editor stands in its row."""
    async with tables(size=(80, 24)) as (pilot, screen):
        pane, messages = screen.pane, screen.context.messages
        assert pane.grid is not None
        assert pane.model is not None
        grid, model = pane.grid, pane.model
        await pilot.press("G", "o")
        await until(pilot, lambda: pane.host.current is not None and pane.host.current.region.height > 0)
        editor = pane.host.current
        assert editor is not None
        assert grid.row_at(editor.region.y - grid.region.y) == model.selection.row == model.count - 1
        await pilot.press("escape", "d")
        await until(pilot, lambda: screen.context.pending.count() == 0)
        await until(
            pilot, lambda: [message.text for message in messages.messages] == ["1 new row is gone. u brings it back."]
        )


async def test_the_pane_with_the_focus_is_on_screen_where_only_one_fits() -> None:
    async with tables(size=(80, 24)) as (pilot, screen):
        await pilot.press("r")
        await until(pilot, lambda: screen.record.form.has_focus)
        await pilot.press("f6")
        await until(pilot, lambda: screen.pane.grid.has_focus)
        assert not screen.record.display
        await pilot.resize_terminal(140, 40)
        await pilot.press("r")
        await until(pilot, lambda: screen.record.display)
        assert screen.pane.grid.has_focus
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not screen.record.display)


async def test_an_editor_stays_on_its_row_when_the_rows_come_anew() -> None:
    """Another row has come before it meanwhile: what is typed must not seem to go there."""
    port = MemoryPort()
    async with tables(port) as (pilot, screen):
        pane = screen.pane
        assert pane.model is not None
        assert pane.grid is not None
        await pilot.press("down", "down", "e")
        await until(pilot, lambda: pane.host.current is not None and pane.host.current.region.height > 0)
        editor = pane.host.current
        assert editor is not None
        before = editor.region.y
        port.tables["companies"].deleted.add("1")
        pane.model.open()
        await until(pilot, lambda: editor.region.y == before - 1)
        assert pane.model.key_at(pane.grid.row_at(editor.region.y - pane.grid.region.y)) == "3"


async def test_a_cell_that_cannot_be_written_says_why() -> None:
    """In the status line, and no editor is offered."""
    async with tables() as (pilot, screen):
        await pilot.press("left", "enter")
        await until(pilot, lambda: "identifies the record" in screen.status.text("note"))
        assert screen.pane.host.current is None
        assert "Enter Keep" not in screen.query_one(KeyFooter).plain
        await pilot.press("right")
        await until(pilot, lambda: screen.status.text("note").startswith("name"))


async def test_long_values_in_conflict_can_be_read_whole() -> None:
    """Both sides, also what does not fit into a line."""
    port = MemoryPort()
    mine, theirs = "mine " + "a" * 150 + " end-of-mine", "theirs " + "b" * 150 + " end-of-theirs"
    async with tables(port, size=(80, 24)) as (pilot, _screen):
        await pilot.press("e", *mine.replace(" ", "_"), "enter")
        await until(pilot, lambda: pilot.app.context.pending.count() == 1)
        table = port.tables["companies"]
        table.edited["1"] = {**table.row("1"), "name": theirs, "updated_at": "2026-03-01T00:00:00.000Z"}
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConflictView))
        await pilot.press("tab", "end")
        await until(pilot, lambda: "end-of-theirs" in screen_text(pilot.app))  # type: ignore[arg-type]
        await pilot.press("home")
        await until(pilot, lambda: "end-of-mine" in screen_text(pilot.app).replace("_", "-"))  # type: ignore[arg-type]


async def test_a_long_message_in_the_change_panel_is_whole() -> None:
    async with tables(size=(80, 24)) as (pilot, _):
        problem = " ".join(f"word{n}" for n in range(30))
        pilot.app.context.pending.set("companies", [CellEdit("1", "name", "a", "b", "", problem)])
        await pilot.press("P")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChangePanel))
        await until(pilot, lambda: "word29" in screen_text(pilot.app))  # type: ignore[arg-type]
