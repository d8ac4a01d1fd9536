"""Which columns a grid shows, in which order, how wide, and which stay when the others scroll."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

from core.contract.tables import FieldInfo
from screens.presenters.value import editable, title_of

NARROWEST, WIDEST = 3, 200

HINTS: dict[str, tuple[int, int]] = {
    "long-text": (16, 44),
    "rich-text": (16, 44),
    "json": (12, 36),
    "code": (12, 36),
    "url": (12, 36),
    "checkbox": (3, 14),
    "multi-select": (10, 36),
    "progress": (13, 14),
}
"""Least and greatest width by type, where they are not `DEFAULT_HINT`."""
DEFAULT_HINT = (4, 32)
EDGES = 2
"""Blank columns around a cell's text, part of its width."""
HEADER_EXTRA = 4
"""Type glyph before a column's title and sort arrow behind it."""


@dataclass(slots=True)
class Column:
    """A column of the grid. `width` includes the blank edges; `chosen`: by a person, no longer measured."""

    field: FieldInfo
    width: int
    chosen: bool = False
    hidden: bool = False

    @property
    def name(self) -> str:
        return self.field["name"]


class ColumnLayout:
    """Columns in order. `version` rises with every change."""

    def __init__(self, fields: Sequence[FieldInfo], key: str = "", state: Mapping[str, Any] | None = None) -> None:
        """key: the field that is shown first and frozen. state: what `to_data` gave; columns that no longer exist are
        left out, new ones come last."""
        ordered = sorted(fields, key=lambda field: (field["name"] != key, _is_time_of_row(field)))
        self.columns = [Column(field, self._first_width(field), hidden=_is_time_of_row(field)) for field in ordered]
        self.frozen = 1 if key and any(field["name"] == key for field in fields) else 0
        self.version = 0
        if state:
            self._restore(state)
        self._show()

    @staticmethod
    def _first_width(field: FieldInfo) -> int:
        least, most = HINTS.get(field["type"], DEFAULT_HINT)
        return min(max(cell_len(title_of(field)) + HEADER_EXTRA, least), most) + EDGES

    def _show(self) -> None:
        self.version += 1
        self.shown = [column for column in self.columns if not column.hidden]
        self.frozen = max(0, min(self.frozen, len(self.shown)))
        self._index = {column.name: place for place, column in enumerate(self.shown)}

    # ── Reading ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def names(self) -> list[str]:
        """Names of the shown columns, in order."""
        return [column.name for column in self.shown]

    def index(self, name: str) -> int | None:
        """Place of a field among the shown columns."""
        return self._index.get(name)

    def first_editable(self) -> int:
        """Place of the first shown column that a person may write into; the first one where there is none."""
        return next((place for place, column in enumerate(self.shown) if editable(column.field)), 0)

    def find(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def frozen_width(self, available: int) -> int:
        """Cells that the frozen columns take; none are frozen where they would leave no room for the others."""
        width = sum(column.width for column in self.shown[: self.frozen])
        return width if width <= available * 2 // 3 else 0

    def visible(self, left: int, available: int) -> list[tuple[int, int, int]]:
        """What fits into a line: (place among the shown, x, width) of each column, the frozen ones first, then from the
        place `left` on. The last one may be cut by the edge."""
        out: list[tuple[int, int, int]] = []
        x = 0
        frozen = self.frozen if self.frozen_width(available) else 0
        for place in (*range(frozen), *range(max(left, frozen), len(self.shown))):
            if x >= available:
                break
            width = min(self.shown[place].width, available - x)
            out.append((place, x, width))
            x += width
        return out

    def reveal(self, place: int, left: int, available: int) -> int:
        """The `left` that shows a column whole, as near to the present one as can be."""
        frozen = self.frozen if self.frozen_width(available) else 0
        if place < frozen:
            return max(left, frozen)
        left = max(left, frozen)
        if place < left:
            return place
        room = available - (self.frozen_width(available) if frozen else 0)
        while left < place and sum(column.width for column in self.shown[left : place + 1]) > room:
            left += 1
        return left

    # ── Changing ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def fit(self, samples: Mapping[str, Iterable[str]]) -> None:
        """Measure the columns that nobody has set, by the texts of some rows."""
        for column in self.columns:
            if not column.chosen and column.name in samples:
                column.width = self._measured(column, samples[column.name])
        self.version += 1

    def fit_one(self, place: int, texts: Iterable[str], most: int = 80) -> None:
        """Set one column to its texts, however wide up to `most`."""
        column = self.shown[place]
        longest = max((cell_len(text) for text in texts), default=0)
        header = cell_len(title_of(column.field)) + HEADER_EXTRA
        column.width, column.chosen = min(max(longest, header, NARROWEST), most) + EDGES, True
        self.version += 1

    def _measured(self, column: Column, texts: Iterable[str]) -> int:
        least, most = HINTS.get(column.field["type"], DEFAULT_HINT)
        longest = max((cell_len(text) for text in texts), default=0)
        header = min(cell_len(title_of(column.field)) + HEADER_EXTRA, 24)
        return min(max(longest, header, least), most) + EDGES

    def resize(self, place: int, width: int) -> None:
        """Set a width by hand."""
        column = self.shown[place]
        column.width, column.chosen = max(NARROWEST + EDGES, min(width, WIDEST)), True
        self.version += 1

    def move(self, place: int, step: int) -> int:
        """Move a shown column left or right among the shown; its new place."""
        target = max(0, min(place + step, len(self.shown) - 1))
        if target != place:
            column, other = self.shown[place], self.shown[target]
            self.columns.remove(column)
            self.columns.insert(self.columns.index(other) + (step > 0), column)
            self._show()
        return target

    def hide(self, name: str, hidden: bool = True) -> bool:
        """Hide or show a column; the last shown one stays."""
        column = self.find(name)
        if column is None or (hidden and len(self.shown) <= 1):
            return False
        if hidden and self._index.get(name, self.frozen) < self.frozen:
            self.frozen -= 1
        column.hidden = hidden
        self._show()
        return True

    def show_all(self) -> None:
        for column in self.columns:
            column.hidden = False
        self._show()

    def freeze(self, count: int) -> None:
        """Let the first columns stay while the others scroll; the same count again frees them."""
        self.frozen = 0 if self.frozen == count else count
        self._show()

    # ── Keeping ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def to_data(self) -> dict[str, Any]:
        """Plain data for the session store."""
        return {
            "frozen": self.frozen,
            "columns": [
                {"name": c.name, "width": c.width if c.chosen else None, "hidden": c.hidden} for c in self.columns
            ],
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        by_name = {column.name: column for column in self.columns}
        first: list[Column] = []
        for entry in state.get("columns", ()):
            column = by_name.pop(str(entry.get("name")), None) if isinstance(entry, Mapping) else None
            if column is None:
                continue
            column.hidden = bool(entry.get("hidden"))
            if isinstance(width := entry.get("width"), int):
                column.width, column.chosen = max(NARROWEST + EDGES, min(width, WIDEST)), True
            first.append(column)
        self.columns = [*first, *by_name.values()]
        if self.columns and all(column.hidden for column in self.columns):
            self.columns[0].hidden = False
        if isinstance(frozen := state.get("frozen"), int):
            self.frozen = frozen


def _is_time_of_row(field: FieldInfo) -> bool:
    """created_at, updated_at, deleted_at: last, and hidden until asked for."""
    return field["system"] and field["family"] == "date"
