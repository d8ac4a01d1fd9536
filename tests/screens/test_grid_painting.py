"""What a grid paints: every line exactly as wide as the screen, whatever the cells hold."""

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from core.fields.registry import FIELD_TYPES
from screens.presenters.format.line import one_line
from screens.presenters.grid_model import GridModel
from screens.presenters.grid_row import GridRow
from screens.presenters.pending import PendingChanges
from screens.presenters.staged import CellEdit
from screens.widgets.grid import surface
from screens.widgets.grid.cell import RENDERERS, renderer_of
from screens.widgets.grid.painter import Painter, fit, frame_of
from screens.widgets.grid.palette import Palette
from tests.support.depth import examples
from tests.support.grid_host import AWKWARD, TYPED, grid_host, model_over, name_of, text_table, typed_field, typed_table

PLAIN = Style(color=Color.parse("white"), bgcolor=Color.parse("#101010"))
PALETTE = Palette(lambda name: (PLAIN, False), lambda name: "#3B82C4")

texts = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("ab 東京한글שלוםعرب\u0301\u0308\u200d\ufe0f👩🇫🇷👍🏽\x1b\x9b\t\n\u202e│█"),
    ),
    max_size=40,
)
cells = st.one_of(texts, st.none(), st.integers(), st.booleans(), st.lists(texts, max_size=3), st.floats())


def geometry(model: GridModel, width: int, left: int, row: GridRow) -> tuple[str, int]:
    frame = frame_of(model, left, width)
    segments = Painter(model, PALETTE).row(frame, row, 1, (0, 2), focused=True)
    return "".join(segment.text for segment in segments), sum(segment.cell_length for segment in segments)


@given(st.lists(cells, min_size=3, max_size=3), st.integers(8, 120), st.integers(0, 3), st.text(max_size=3))
@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_row_of_text_is_exactly_as_wide_as_the_line(values: list[object], width: int, left: int, search: str) -> None:
    model = model_over(text_table(["x"]))
    model.search.text = search
    row = GridRow("1", "", 7, [*values, 1], {"c0": 0, "c1": 1, "c2": 2, "id": 3}, {})
    text, length = geometry(model, width, left, row)
    assert length == width
    assert cell_len(text) == width
    assert all(unicodedata.category(character) not in ("Cc", "Cs") for character in text)


MODELS = {kind.name: model_over(typed_table(1, (kind.name,))) for kind in FIELD_TYPES}


@given(value=cells, width=st.integers(8, 60))
@settings(max_examples=examples(50), deadline=None)
def test_every_type_keeps_its_cell_whatever_it_is_given(value: object, width: int) -> None:
    """A staged value may be of any shape until it is corrected."""
    for kind, model in MODELS.items():
        row = GridRow("1", "", 1, [value, 1], {name_of(kind): 0, "id": 1}, {})
        _, length = geometry(model, width, 0, row)
        assert length == width, kind


def test_a_lookup_of_a_link_shows_the_record_and_not_its_key() -> None:
    """T-119: on the left like a name, not on the right like the number that its key is."""
    table = typed_table(1, ("lookup",))
    (field, *_) = table.fields
    field["options"] = {"result": {"type": "integer", "options": {}, "labelled": True}}
    row = GridRow("1", "", 1, [3, 1], {name_of("lookup"): 0, "id": 1}, {name_of("lookup"): {"3": "Ada"}})
    text, _ = geometry(model_over(table), 60, 0, row)
    assert " Ada " in text
    assert "3" not in text.replace("1 ", "", 1).partition("Ada")[0]
    row.labels.clear()
    assert " 3 " in geometry(model_over(table), 60, 0, row)[0]


@given(texts, st.integers(0, 30), st.sampled_from(["left", "right", "center"]))
def test_fit_gives_exactly_so_many_cells(text: str, width: int, align: str) -> None:
    clean = one_line(text)
    fitted = fit(clean, width, align)
    assert cell_len(fitted) == width
    if cell_len(clean) > width > 0:
        assert fitted.endswith("…")


@given(texts)
def test_one_line_is_harmless_stable_and_has_one_width(text: str) -> None:
    line = one_line(text)
    assert one_line(line) == line
    assert all(unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp") for character in line)
    assert sum(cell_len(character) for character in line) == cell_len(line), "no character depends on its neighbours"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("\x1b[31mred", "␛[31mred"),
        ("a\r\nb\nc\td", "a↵b↵c⇥d"),
        ("\x9b31m", "�31m"),
        ("\u202eevil", "�evil"),
        ("🇫🇷", "FR"),
        ("❤\ufe0f", "❤"),
        ("👍🏽", "👍"),
        ("👩\u200d👧", "👩👧"),
        ("\u0301x", "◌\u0301x"),
        ("e\u0301", "é"),
        ("Zürich", "Zürich"),
        ("[bold]", "[bold]"),
    ],
)
def test_what_could_harm_is_shown(text: str, line: str) -> None:
    assert one_line(text) == line


def test_every_field_type_has_a_renderer() -> None:
    """R-096: a cell of each type has its own look."""
    assert {kind.name for kind in FIELD_TYPES} == set(RENDERERS)
    assert set(TYPED) == set(RENDERERS), "and stands in the pictures"


def test_a_type_that_this_console_does_not_know_is_text() -> None:
    field = typed_field("integer")
    field["type"] = "hologram"
    assert renderer_of(field).make(field)("[x]") == [("[x]", "text")]
    assert renderer_of(field).align == "right"


@pytest.mark.parametrize("size", [(2, 2), (9, 3), (20, 5), (80, 24), (200, 60)])
async def test_every_line_fills_the_screen(size: tuple[int, int]) -> None:
    async with grid_host(text_table(list(AWKWARD)), size) as (app, pilot):
        app.grid.action_col_show_all()
        for keys in ((), ("end",), ("v", "down"), ("slash", "x")):
            await app.press(pilot, *keys)
            for y in range(size[1]):
                strip = app.grid.render_line(y)
                assert strip.cell_length == size[0]
                assert cell_len(strip.text) == size[0]


async def test_markup_and_escapes_in_data_are_shown_as_they_are() -> None:
    async with grid_host(text_table(list(AWKWARD)), (120, 20)) as (app, _):
        screen = "\n".join(app.lines())
        assert "[bold red]markup[/] stays" in screen
        assert "␛[31mred" in screen
        assert "東京都 の 会社" in screen


async def test_typed_cells_read_as_people_write_them() -> None:
    async with grid_host(typed_table(), (560, 12)) as (app, _):
        line = app.lines()[3]
        for text in (
            "2,469.00",
            "€0.00",
            "25.0 %",
            "34 %",
            "★★★☆☆",
            "2026-02-03",
            "2026-07-03 10:05",
            "2:30",
            "1:01",
            "INV-00003",
        ):
            assert text in line, text
        first = app.lines()[1]
        assert "(€2 469.00)" in first.replace("\u00a0", " ")
        assert "✓" in first
        assert "Ada 1 →" in first
        assert "∅" in app.lines()[7]


async def test_rows_on_their_way_keep_the_geometry() -> None:
    async with grid_host(size=(80, 10)) as (app, _):
        app.grid.top = 3000
        placeholder = app.grid.render_line(3)
        assert placeholder.cell_length == 80
        assert "╌" in placeholder.text


async def test_staged_edits_have_marks_that_need_no_colour() -> None:
    pending = PendingChanges()
    model = model_over(typed_table(6, ("single-line-text", "integer", "relationship")), pending)
    async with grid_host(model) as (app, pilot):
        pending.set("typed", [CellEdit("1", "single_line_text", "plain", "changed")])
        pending.set("typed", [CellEdit("2", "integer", -7919, "x", problem="not a number")])
        pending.delete("typed", [("3", "")])
        await app.press(pilot, "down", "down", "down", "down")
        pending.insert("typed", [{"single_line_text": "fresh", "relationship": {"ref": "new-1"}}])
        await app.settle(pilot)
        lines = app.lines()
        assert lines[1].startswith("*")
        assert "*changed" in lines[1]
        assert lines[2].startswith("!")
        assert "!" in lines[2][20:]
        assert lines[3].startswith("-")
        assert lines[6].startswith("+")
        assert "fresh" in lines[6]
        assert "new record →" in lines[6]
        pending.undo()
        await app.settle(pilot)
        assert "fresh" not in "\n".join(app.lines())


async def test_nothing_is_painted_twice_for_a_step_of_the_cursor() -> None:
    async with grid_host() as (app, pilot):
        painted: list[str] = []
        paint = app.grid.painter.row
        app.grid.painter.row = lambda frame, row, *rest, **more: (
            painted.append(row.key) or paint(frame, row, *rest, **more)
        )
        await app.press(pilot, "down")
        assert sorted(painted) == ["1", "2"]


async def test_a_cell_says_where_it_stands_in_its_parent() -> None:
    async with grid_host() as (app, pilot):
        region = app.grid.cell_region(2, "name")
        assert region is not None
        line = app.lines()[region.y]
        assert line[region.x : region.right].strip() == "Company 00003"
        assert app.grid.cell_region(500, "name") is None
        assert app.grid.cell_region(2, "nothing") is None
        app.grid.move_to(30, 0)
        await app.settle(pilot)
        moved = app.grid.cell_region(30, "name")
        assert moved is not None
        assert "Company 00031" in app.lines()[moved.y]


@pytest.mark.parametrize(("patience", "emptied"), [(60, False), (0.001, True)])
async def test_the_old_rows_stay_until_those_of_another_table_come_but_not_for_long(
    patience: float, emptied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surface, "PATIENCE_AT_FIRST", patience)
    painted: list[bool] = []
    """Whether there were rows to paint, each time."""
    ordinary = surface.GridSurface.render_lines

    def render_lines(self: surface.GridSurface, crop: Region) -> list[Strip]:
        painted.append(self.model.view is not None)
        return ordinary(self, crop)

    monkeypatch.setattr(surface.GridSurface, "render_lines", render_lines)
    async with grid_host() as (app, pilot):
        painted.clear()
        app.model = model_over(typed_table(40, ("integer", "date")))
        app.grid.replace_model(app.model)
        app.grid.focus()
        await pilot.pause()
        while emptied and not painted:
            await pilot.pause(0.01)
        assert painted.count(False) == len(painted)
        assert bool(painted) == emptied
        app.model.open()
        await app.settle(pilot)
        assert painted[-1]
        assert "2026-02-01" in app.lines()[1]
