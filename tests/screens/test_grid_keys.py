"""Every key of a grid does what the key table says."""

import pytest
from textual.binding import Binding

from screens.actions.grid import CELLS, GRID
from screens.actions.registry import BY_ID
from screens.services.text import has, t
from screens.widgets.grid import VirtualGrid
from screens.widgets.grid.message import LayoutChanged
from tests.support.grid_host import grid_host, model_over
from tests.support.memory_port import companies

PAGE = 22
"""Rows that one page moves by on 24 lines: 23 rows are seen, one stays."""


@pytest.mark.parametrize(
    ("keys", "row", "column"),
    [
        (("down",), 1, "id"),
        (("j", "j", "k"), 1, "id"),
        (("up",), 0, "id"),
        (("right",), 0, "name"),
        (("l", "l", "h"), 0, "name"),
        (("left",), 0, "id"),
        (("end",), 0, "note"),
        (("dollar_sign", "0"), 0, "id"),
        (("end", "home"), 0, "id"),
        (("pagedown",), PAGE, "id"),
        (("pagedown", "pagedown", "pageup"), PAGE, "id"),
        (("ctrl+d",), 11, "id"),
        (("ctrl+d", "ctrl+u"), 0, "id"),
        (("G",), 4999, "id"),
        (("ctrl+end", "pagedown"), 4999, "id"),
        (("G", "ctrl+home"), 0, "id"),
    ],
)
async def test_moves(keys: tuple[str, ...], row: int, column: str) -> None:
    async with grid_host() as (app, pilot):
        await app.press(pilot, *keys)
        assert app.cursor == (row, column)
        line = app.lines()[1 + row - app.grid.top]
        assert f" {row + 1} " in line


async def test_top_is_reached_by_its_action() -> None:
    async with grid_host() as (app, pilot):
        await app.press(pilot, "G")
        app.grid.action_grid_top()
        await app.settle(pilot)
        assert app.cursor[0] == 0


async def test_the_cursor_scrolls_the_rows_and_the_columns_when_it_leaves_the_screen() -> None:
    async with grid_host(size=(40, 10)) as (app, pilot):
        await app.press(pilot, *["down"] * 9)
        assert (app.grid.top, app.cursor[0]) == (1, 9)
        await app.press(pilot, "end")
        assert "note" in app.lines()[0]
        assert "‹" in app.lines()[0]
        assert "id" in app.lines()[0], "the key column stays"
        await app.press(pilot, "home")
        assert "name" in app.lines()[0]
        assert "›" in app.lines()[0]


async def test_moving_tells_where_the_cursor_is() -> None:
    async with grid_host() as (app, pilot):
        moved: list[tuple[int, str | None]] = []
        app.grid.moved.listen(lambda grid: moved.append(app.cursor))
        await app.press(pilot, "down", "right")
        assert moved == [(1, "id"), (1, "name")]


async def test_marks_rows_by_key_and_goes_down() -> None:
    async with grid_host() as (app, pilot):
        await app.press(pilot, "space", "space")
        assert list(app.model.selection.marked) == ["1", "2"]
        assert app.cursor[0] == 2
        assert [line[0] for line in app.lines()[1:4]] == ["✓", "✓", " "]
        await app.press(pilot, "up", "space")
        assert list(app.model.selection.marked) == ["1"]


async def test_marks_stay_on_their_rows_when_the_order_changes() -> None:
    async with grid_host() as (app, pilot):
        await app.press(pilot, "space", "right", "s", "s", "G")
        assert app.lines()[-1].startswith("✓")


@pytest.mark.parametrize(
    ("keys", "block"),
    [
        (("v", "down", "right"), (0, 0, 1, 1)),
        (("V", "down"), (0, 0, 1, 8)),
        (("down", "right", "shift+up", "shift+left"), (0, 0, 1, 1)),
        (("shift+down", "shift+right", "shift+right"), (0, 0, 1, 2)),
    ],
)
async def test_chooses_ranges(keys: tuple[str, ...], block: tuple[int, ...]) -> None:
    async with grid_host() as (app, pilot):
        await app.press(pilot, *keys)
        assert tuple(app.model.selection.block(len(app.model.layout.shown))) == block
        assert app.grid.step_back()
        assert not app.model.selection.active


async def test_all_rows_are_chosen_without_reading_them() -> None:
    async with grid_host() as (app, pilot):
        await app.press(pilot, "ctrl+a")
        assert app.model.selection.mode == "all"
        assert len(app.model.cache) <= 2


async def test_sort_turns_from_ascending_to_descending_to_off_and_the_cursor_stays_on_its_row() -> None:
    async with grid_host() as (app, pilot):
        await app.press(pilot, "down", "down", "end", "left", "left", "left", "left")
        assert app.cursor == (2, "employees")
        await app.press(pilot, "s")
        assert "employees ↑" in app.lines()[0]
        assert app.model.key_at(app.cursor[0]) == "3"
        await app.press(pilot, "s")
        assert "employees ↓" in app.lines()[0]
        assert app.model.key_at(app.cursor[0]) == "3"
        await app.press(pilot, "s")
        assert "↓" not in app.lines()[0]
        assert app.cursor[0] == 2


async def test_sorting_from_the_first_row_shows_the_first_rows_of_the_new_order() -> None:
    async with grid_host() as (app, pilot):
        await app.press(pilot, "s", "s")
        assert "id ↓" in app.lines()[0]
        assert app.cursor[0] == 0
        assert app.model.key_at(0) == "999", "keys of this source are texts"


async def test_filters_by_the_value_of_the_cell_and_takes_it_back() -> None:
    async with grid_host() as (app, pilot):
        await app.press(pilot, "right", "right", "f")
        assert app.model.count == 834
        assert {line.split()[4] for line in app.lines()[1:]} == {"Oslo"}
        await app.press(pilot, "f")
        assert app.model.count == 5000
        await app.press(pilot, "f")
        assert app.grid.step_back()
        await app.settle(pilot)
        assert app.model.count == 5000
        assert not app.grid.step_back()


async def test_a_filter_that_nothing_meets_says_so() -> None:
    async with grid_host() as (app, pilot):
        app.model.set_filter({"field": "city", "operator": "equals", "value": "Nowhere"})
        await app.settle(pilot)
        assert "No row meets the conditions" in "\n".join(app.lines())
        await app.press(pilot, "down", "G", "space", "v", "f", "s", "n", "pagedown")
        assert app.cursor[0] == 0


async def test_searches_while_typing_from_where_it_began() -> None:
    async with grid_host() as (app, pilot):
        await app.press(pilot, "slash", "l", "y")
        assert app.lines()[-1].startswith(" /ly")
        assert app.cursor == (1, "city")
        await app.press(pilot, "down")
        assert app.cursor[0] == 7
        await app.press(pilot, "enter")
        assert app.grid.searching is None
        await app.press(pilot, "n")
        assert app.cursor[0] == 13
        await app.press(pilot, "N", "N")
        assert app.cursor[0] == 1


async def test_search_goes_around_the_end() -> None:
    async with grid_host() as (app, pilot):
        await app.press(pilot, "slash", *"00002", "enter", "n")
        assert app.cursor[0] == 1
        await app.press(pilot, "N")
        assert app.cursor[0] == 1


async def test_search_takes_letters_that_are_commands_elsewhere_and_digits_and_blanks() -> None:
    async with grid_host() as (app, pilot):
        await app.press(pilot, "slash", *"company", "space", *"0000", "6")
        assert app.grid.searching == "company 00006"
        assert app.cursor == (5, "name")
        await app.press(pilot, "backspace", "7")
        assert app.cursor[0] == 6
        await app.press(pilot, "ctrl+u")
        assert app.grid.searching == ""
        await app.press(pilot, "backspace")
        assert app.grid.searching is None


async def test_escape_leaves_the_search_and_goes_back() -> None:
    async with grid_host() as (app, pilot):
        await app.press(pilot, "down", "slash", *"00100")
        assert app.cursor[0] == 99
        await app.press(pilot, "escape")
        assert app.cursor == (1, "id")
        assert app.model.search.text == ""


async def test_search_says_when_there_is_nothing() -> None:
    async with grid_host() as (app, pilot):
        await app.press(pilot, "slash", *"zz9")
        assert "not found" in app.lines()[-1]
        assert app.cursor == (0, "id")
        assert app.grid.check_consume_key("enter", None), "no other key is offered meanwhile"
        await app.press(pilot, "enter")
        assert [note.message for note in app._notifications] == [t("grid.search.nowhere", text="zz9")]


async def test_columns_move_widen_narrow_fit_hide_freeze() -> None:
    async with grid_host(size=(120, 24)) as (app, pilot):
        layout = app.model.layout
        await app.press(pilot, "right", "right_parenthesis")
        assert layout.names[1:3] == ["city", "name"]
        assert app.cursor[1] == "name"
        await app.press(pilot, "left_parenthesis")
        assert layout.names[1:3] == ["name", "city"]
        width = layout.shown[1].width
        await app.press(pilot, "greater_than_sign")
        assert layout.shown[1].width == width + 2
        await app.press(pilot, "less_than_sign", "less_than_sign")
        assert layout.shown[1].width == width - 2
        await app.press(pilot, "underscore")
        assert layout.shown[1].width == len("Company 00001") + 2
        await app.press(pilot, "minus")
        assert "name" not in layout.names
        assert app.cursor[1] == "city"
        await app.press(pilot, "ctrl+l")
        assert layout.frozen == 2
        app.seen.clear()
        app.grid.action_col_show_all()
        await app.settle(pilot)
        assert {"name", "updated_at"} <= set(layout.names)
        assert any(isinstance(message, LayoutChanged) for message in app.seen)
        assert "2026-01-05" not in "".join(app.lines()), "a day in the form of its field"
        assert app.model.row(0) is not None


async def test_a_column_that_was_hidden_is_read_when_it_is_shown() -> None:
    async with grid_host(size=(160, 24)) as (app, pilot):
        app.grid.action_col_show_all()
        await app.settle(pilot)
        row = app.model.row(0)
        assert row is not None
        assert row.value("updated_at") == "2026-01-05T09:00:00.000Z"


async def test_refresh_reads_again_and_keeps_the_place() -> None:
    table = companies()
    async with grid_host(table) as (app, pilot):
        await app.press(pilot, "down")
        table.edited["1"] = {**table.row("1"), "name": "Renamed"}
        await app.press(pilot, "R")
        assert "Renamed" in app.lines()[1]
        assert app.cursor[0] == 1


def test_every_key_of_the_grid_is_an_action_with_a_text() -> None:
    for action in (*GRID, *CELLS):
        assert BY_ID[action.id] is action
        assert has(f"actions.{action.id}"), action.id
        assert has(f"actions.{action.id}.help"), action.id


def test_every_action_of_the_grid_is_done_by_the_grid_and_bound_once() -> None:
    bound = [binding for binding in VirtualGrid.BINDINGS if isinstance(binding, Binding)]
    for action in GRID:
        assert callable(getattr(VirtualGrid, f"action_{action.textual}", None)), action.id
    keys = [key for binding in bound for key in binding.key.split(",")]
    assert len(keys) == len(set(keys))


def test_no_key_has_two_meanings_in_a_grid_and_its_pane() -> None:
    keys = [key for action in (*GRID, *CELLS) for key in action.keys.split(",") if key]
    assert len(keys) == len(set(keys))


async def test_results_that_have_no_order_refuse_to_sort_and_filter() -> None:
    model = model_over(companies())
    model.source.ordered = False
    async with grid_host(model) as (app, pilot):
        await app.press(pilot, "s", "f")
        assert app.model.query.sort == ()
        assert app.model.query.filter is None
