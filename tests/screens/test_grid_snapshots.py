"""Pictures of a grid: typed cells, choice, order, search, staged edits, in several sizes and without colour."""

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from screens.presenters.grid_model import GridModel
from screens.presenters.pending import PendingChanges
from screens.presenters.staged import CellEdit
from tests.support.grid_host import GridHost, model_over, typed_table
from tests.support.memory_port import companies

Compare = Callable[..., bool]
Drive = Callable[[Pilot[None]], Awaitable[None]]


def driven(
    model: GridModel, *keys: str, theme: str = "textual-dark", pending: PendingChanges | None = None
) -> tuple[GridHost, Drive]:
    """A grid, and what is pressed before the picture."""
    app = GridHost(model)

    async def drive(pilot: Pilot[None]) -> None:
        app.theme = theme
        await app.settle(pilot)
        if pending is not None:
            await stage(app, pilot, pending)
        await app.press(pilot, *keys)

    return app, drive


async def stage(app: GridHost, pilot: Pilot[None], pending: PendingChanges) -> None:
    """One of each mark."""
    pending.set("typed", [CellEdit("1", "single_line_text", "plain", "changed")])
    pending.set("typed", [CellEdit("2", "integer", -7919, "abc", problem="not a number")])
    pending.delete("typed", [("3", "")])
    app.model.selection.row = 3
    pending.insert("typed", [{"single_line_text": "fresh", "status": "Won"}])
    await app.settle(pilot)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_every_type(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, drive = driven(model_over(typed_table(60)), "down", "right")
    assert snap_compare(app, terminal_size=size, run_before=drive)


def test_types_further_right(snap_compare: Compare) -> None:
    app, drive = driven(model_over(typed_table(20)), "end")
    assert snap_compare(app, terminal_size=(160, 14), run_before=drive)


def test_chosen_cells_marks_order_and_search(snap_compare: Compare) -> None:
    keys = ("right", "s", "down", "space", "space", "v", "down", "right", "right", "slash", *"yo")
    app, drive = driven(model_over(companies(300)), *keys)
    assert snap_compare(app, terminal_size=(100, 20), run_before=drive)


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark"])
def test_staged_edits(snap_compare: Compare, theme: str) -> None:
    pending = PendingChanges()
    model = model_over(typed_table(30), pending)
    app, drive = driven(model, "down", "space", "v", "down", "right", theme=theme, pending=pending)
    assert snap_compare(app, terminal_size=(100, 16), run_before=drive)


def test_staged_edits_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    pending = PendingChanges()
    model = model_over(typed_table(30), pending)
    app, drive = driven(model, "down", "space", "v", "down", "right", pending=pending)
    assert snap_compare(app, terminal_size=(100, 16), run_before=drive)


def test_nothing_there(snap_compare: Compare) -> None:
    app, drive = driven(model_over(companies(0)))
    assert snap_compare(app, terminal_size=(80, 12), run_before=drive)
