"""What is rendered again when a part of the screen changes: no more than what can be seen of it, and the same picture."""

from typing import Any

import pytest
from textual._compositor import Compositor
from textual._styles_cache import StylesCache
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from screens.tables import TablesScreen
from screens.widgets import status_line
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
    monkeypatch.setattr(status_line, "PACE", 60)
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
