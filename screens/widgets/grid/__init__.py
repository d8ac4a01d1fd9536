"""The grid for tables, SQL results and lists of any length: reads what is on screen, paints line by line."""

from screens.widgets.grid.grid import VirtualGrid

__all__ = ["VirtualGrid"]
