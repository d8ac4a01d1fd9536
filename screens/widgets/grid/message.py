"""What a grid tells the pane around it. Handlers are named after `VirtualGrid`: `on_virtual_grid_view_changed`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from screens.widgets.grid.surface import GridSurface


@dataclass
class GridMessage(Message, namespace="virtual_grid", bubble=True):
    """Base: which grid."""

    grid: GridSurface

    @property
    def control(self) -> GridSurface:
        return self.grid


class Latest(GridMessage, namespace="virtual_grid"):
    """A message of which only the latest counts."""

    def can_replace(self, message: Message) -> bool:
        return type(message) is type(self)


class ViewChanged(Latest, namespace="virtual_grid"):
    """Count, order, conditions, loading or failure are not as before: the status line shows them."""


class Scrolled(Latest, namespace="virtual_grid"):
    """Rows or columns moved on screen: what lies over a cell must follow (`cell_region`)."""


class LayoutChanged(GridMessage, namespace="virtual_grid"):
    """Columns were moved, resized, hidden or frozen: keep `model.layout.to_data()`."""


@dataclass
class OpenCell(GridMessage, namespace="virtual_grid"):
    """A cell was double-clicked."""

    row: int
    column: int


@dataclass
class HeaderClicked(GridMessage, namespace="virtual_grid"):
    """A column's title was clicked; the grid has sorted by it."""

    column: int
