"""What is rendered again when a part of the screen changes: no more than what can be seen of it, and the same picture."""

from time import monotonic
from typing import Any

import pytest
from rich.cells import cell_len
from textual._compositor import Compositor
from textual._styles_cache import StylesCache
from textual.geometry import Region
from textual.message import Message
from textual.messages import Update
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Input

from screens.tables import TablesScreen
from screens.widgets.compositor import FrugalCompositor
from screens.widgets.grid.surface import GridSurface
from sovrium_tui.console import ConsoleApp
from tests.support.console import console, running, until
from tests.support.idle import paint_at_once


@pytest.fixture(autouse=True)
def _each_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Screen, "_compositor_refresh", paint_at_once)


async def tables(app: ConsoleApp, pilot: Pilot[int]) -> TablesScreen:
    """The screen with the rows of the first table."""
    await pilot.press("g", "t")
    await until(pilot, lambda: isinstance(app.screen, TablesScreen) and app.screen.pane.model is not None)
    screen = app.screen
    assert isinstance(screen, TablesScreen)
    await until(pilot, lambda: screen.pane.model is not None and screen.pane.model.row(0) is not None)
    return screen


async def test_a_step_of_the_cursor_renders_two_lines_of_the_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    app = console()
    async with running(app, (160, 50)) as pilot:
        screen = await tables(app, pilot)
        rendered: list[str] = []
        lines: list[int] = []
        ordinary, of_the_grid = StylesCache.render_widget, GridSurface.render_lines

        def render_widget(self: StylesCache, widget: Any, crop: Region) -> Any:
            rendered.append(type(widget).__name__)
            return ordinary(self, widget, crop)

        def render_lines(self: GridSurface, crop: Region) -> Any:
            lines.append(crop.height)
            return of_the_grid(self, crop)

        monkeypatch.setattr(StylesCache, "render_widget", render_widget)
        monkeypatch.setattr(GridSurface, "render_lines", render_lines)
        await pilot.press("down")
        await until(pilot, lambda: lines)
        assert screen.pane.model is not None
        assert screen.pane.model.selection.row == 1
        assert (rendered, lines) == ([], [2])


async def test_when_the_focus_moves_the_rest_of_the_screen_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    whole: list[bool] = []
    ordinary = Compositor.render_full_update
    monkeypatch.setattr(
        Compositor, "render_full_update", lambda *args, **keys: whole.append(True) or ordinary(*args, **keys)
    )
    app = console()
    async with running(app, (160, 50)) as pilot:
        screen = await tables(app, pilot)
        whole.clear()
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press("f6")
        await until(pilot, lambda: app.focused is screen.pane.grid)
        assert not whole


@pytest.mark.parametrize("size", [(160, 50), (80, 24)])
async def test_a_part_looks_as_it_does_in_the_whole(size: tuple[int, int]) -> None:
    app = console()
    async with running(app, size) as pilot:
        screen = await tables(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: screen.record.display and screen.record.row is not None)
        width, height = size
        await compare(screen)
        await pilot.press("escape", "e")
        await until(pilot, lambda: screen.pane.host.current is not None)
        await compare(screen)
        assert isinstance(screen._compositor, FrugalCompositor)
        assert screen._compositor.size == (width, height)


async def test_a_key_paints_the_cursor_and_the_status_line_in_one_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """No message carries the change to the screen; keys that come faster than frames are left to Textual's clock."""
    app = console()
    async with running(app, (160, 50)) as pilot:
        screen = await tables(app, pilot)
        frames: list[Any] = []
        carried: list[Message] = []
        display, post = app._display, screen.post_message
        monkeypatch.setattr(app, "_display", lambda at, update: frames.append(update) or display(at, update))
        monkeypatch.setattr(screen, "post_message", lambda message: carried.append(message) or post(message))
        screen._compositor.painted_at = 0.0
        await pilot.press("down")
        await until(pilot, lambda: "2 / " in screen.status.text("rows"))
        (update,) = frames
        shown = [strip.text for _, _, strip in sorted(update.strips, key=lambda placed: placed[1])]
        assert ["2 / " in text for text in shown] == [False, False, True], shown
        assert not [message for message in carried if isinstance(message, Update)]
        screen._compositor.painted_at = monotonic() + 60
        await pilot.press("down")
        await until(pilot, lambda: len(frames) > 1)
        assert [message for message in carried if isinstance(message, Update)]


@pytest.mark.parametrize("size", [(160, 50), (80, 24)])
async def test_what_lies_in_one_widget_is_painted_as_in_the_whole(size: tuple[int, int]) -> None:
    app = console()
    async with running(app, size) as pilot:
        screen = await tables(app, pilot)
        await pilot.press("e")
        await until(pilot, lambda: screen.pane.host.current is not None)
        compositor, (width, height), found = screen._compositor, size, 0
        assert isinstance(compositor, FrugalCompositor)
        whole = [cells(Strip.join(line.values())) for line in compositor._render_chops(screen.region, lambda _: True)]
        for x in range(0, width, 7):
            for y in range(height):
                crop = Region(x, y, 12, 2).intersection(screen.region)
                for at, line, strip in compositor._alone(crop) or []:
                    if strip.cell_length != len(strip.text):
                        continue  # a wide character may be cut
                    found += 1
                    assert cells(strip) == whole[line][at : at + strip.cell_length], (crop, line)
        assert found > height
        over = screen.pane.host.current.region
        assert compositor._alone(over.grow((0, 1, 0, 1))) is None, "an editor lies over a part of the grid"


def cells(strip: Strip) -> list[tuple[str, Any]]:
    """Characters with their styles; a wide one stands for two."""
    return [(part, segment.style) for segment in strip for c in segment.text for part in (c, *[""] * (cell_len(c) - 1))]


async def compare(screen: TablesScreen) -> None:
    """Parts of every size and place, rendered frugally and as Textual does."""
    frugal = screen._compositor
    plain = Compositor()
    plain.reflow(screen, screen.size)
    width, height = screen.size
    for x in range(0, width, 23):
        for y in range(0, height, 7):
            for crop in (Region(x, y, 9, 1), Region(x, y, 60, 2), Region(0, y, width, 1), Region(x, y, 30, 20)):
                crop = crop.intersection(screen.size.region)
                own, other = (each._render_chops(crop, lambda _: True) for each in (frugal, plain))
                for line in crop.line_range:
                    ends = [*frugal.cuts[line][1:]]
                    for end, (start, strip) in zip(ends, own[line].items(), strict=True):
                        if start < crop.right and end > crop.x:
                            assert strip == other[line][start], (crop, line, start)
