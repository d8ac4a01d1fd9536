"""The mouse in a grid."""

from textual.events import MouseScrollDown

from screens.widgets.grid import VirtualGrid
from screens.widgets.grid.message import HeaderClicked, OpenCell, Scrolled
from tests.support.grid_host import GridHost, grid_host
from tests.support.memory_port import companies


def slot_of(app: GridHost, name: str) -> tuple[int, int]:
    """First cell of a column on a line, and its width."""
    slot = next(slot for slot in app.grid.frame.slots if slot.name == name)
    return app.grid.frame.gutter + slot.x, slot.width


async def test_a_click_puts_the_cursor_on_a_cell() -> None:
    async with grid_host() as (app, pilot):
        x, _ = slot_of(app, "city")
        await pilot.click(VirtualGrid, offset=(x + 1, 5))
        assert app.cursor == (4, "city")
        await pilot.click(VirtualGrid, offset=(1, 8))
        assert app.cursor == (7, "city"), "in the gutter the column stays"


async def test_a_double_click_opens_a_cell() -> None:
    async with grid_host() as (app, pilot):
        x, _ = slot_of(app, "name")
        await pilot.click(VirtualGrid, offset=(x + 1, 3), times=2)
        opened = [message for message in app.seen if isinstance(message, OpenCell)]
        assert [(message.row, message.column) for message in opened] == [(2, 1)]


async def test_a_click_on_a_title_sorts() -> None:
    async with grid_host() as (app, pilot):
        x, _ = slot_of(app, "city")
        await pilot.click(VirtualGrid, offset=(x + 2, 0))
        await app.settle(pilot)
        assert "city ↑" in app.lines()[0]
        assert any(isinstance(message, HeaderClicked) for message in app.seen)
        x, _ = slot_of(app, "name")
        await pilot.click(VirtualGrid, offset=(x + 2, 0), shift=True)
        await app.settle(pilot)
        assert app.model.query.order_of("name") == ("asc", 2)
        assert "city ↑1" in app.lines()[0]


async def test_dragging_chooses_cells() -> None:
    async with grid_host() as (app, pilot):
        name, _ = slot_of(app, "name")
        city, _ = slot_of(app, "city")
        await pilot.mouse_down(VirtualGrid, offset=(name + 1, 2))
        await pilot.hover(VirtualGrid, offset=(city + 1, 6))
        await pilot.mouse_up(VirtualGrid, offset=(city + 1, 6))
        assert tuple(app.model.selection.block(9)) == (1, 1, 5, 2)
        await pilot.click(VirtualGrid, offset=(name + 1, 10))
        assert not app.model.selection.active


async def test_dragging_the_edge_of_a_title_resizes_its_column() -> None:
    async with grid_host() as (app, pilot):
        x, width = slot_of(app, "name")
        await pilot.mouse_down(VirtualGrid, offset=(x + width - 1, 0))
        await pilot.hover(VirtualGrid, offset=(x + width + 4, 0))
        await pilot.mouse_up(VirtualGrid, offset=(x + width + 4, 0))
        assert slot_of(app, "name")[1] == width + 5
        assert app.model.query.sort == ()


async def test_the_wheel_scrolls_and_the_cursor_stays() -> None:
    async with grid_host() as (app, pilot):
        await pilot._post_mouse_events([MouseScrollDown], VirtualGrid, (10, 5))
        await app.settle(pilot)
        assert (app.grid.top, app.cursor[0]) == (3, 0)
        assert any(isinstance(message, Scrolled) for message in app.seen)
        await app.press(pilot, "down")
        assert app.grid.top == 1, "a key brings the cursor back"


async def test_the_scrollbar_reaches_every_part() -> None:
    async with grid_host(companies(100_000)) as (app, pilot):
        await pilot.mouse_down(VirtualGrid, offset=(79, 12))
        await pilot.mouse_up(VirtualGrid, offset=(79, 12))
        await app.settle(pilot)
        assert 30_000 < app.grid.top < 70_000
        await pilot.mouse_down(VirtualGrid, offset=(79, 12))
        await pilot.hover(VirtualGrid, offset=(79, 23))
        await pilot.mouse_up(VirtualGrid, offset=(79, 23))
        await app.settle(pilot)
        assert app.grid.top == 100_000 - app.grid.body_height
        assert "100000" in app.lines()[-1]
