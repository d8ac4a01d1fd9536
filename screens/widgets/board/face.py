"""What boards, calendars and galleries share: another face of a pane's grid. The rows, their order, the cursor and the
staged edits are the grid's, so that all that can be done to a row there can be done here.

A face makes its lines anew when something changes and repaints only those that differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from core.contract.tables import FieldInfo
from screens.actions.binding import bindings_of
from screens.presenters.format import is_labelled
from screens.presenters.grid_model import GridChange, GridModel
from screens.presenters.grid_row import GridRow
from screens.presenters.paste import TargetRow
from screens.presenters.row_source import Query
from screens.presenters.value import check, editable, next_options, options_of, stored_value, title_of, why_read_only
from screens.presenters.view_book import Look, fields_by_name
from screens.services.text import t
from screens.widgets.grid.cell import NULL, Piece, renderer_of
from screens.widgets.grid.painter import fit
from screens.widgets.grid.palette import Palette

if TYPE_CHECKING:
    from screens.widgets.grid_pane import GridPane

Part = tuple[str, str, str]
"""A text, the name of its style, the style of the ground that it lies on."""
Line = list[Part]
DETAILS = 3
"""Fields below a card's title where the view names none."""


class Face(Widget, can_focus=True):
    """Base of the layouts. `look` says which fields they show."""

    DEFAULT_CSS = "Face { height: 1fr; width: 1fr; background: $surface; }"
    BINDINGS: ClassVar[list[Any]] = bindings_of("cards")
    action_context = "cards"

    def __init__(self, pane: GridPane, look: Look) -> None:
        super().__init__(id="face")
        self.pane = pane
        self.look = look
        self.fields = fields_by_name(pane.info) if pane.info else {}
        self._lines: list[Strip] = []
        self._keys: list[Line] = []
        self._stops: list[Callable[[], None]] = []

    # ── What it is about ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def model(self) -> GridModel:
        assert self.pane.model is not None
        return self.pane.model

    @property
    def palette(self) -> Palette:
        assert self.pane.grid is not None
        return self.pane.grid.painter.palette

    @property
    def label(self) -> str:
        """The field that a card is called by."""
        info = self.pane.info
        assert info is not None
        if self.look.label in self.fields:
            return self.look.label
        return "title" if "title" in self.fields and not self.look.label else info["displayField"]

    def details(self) -> list[str]:
        """Fields below a card's title."""
        if self.look.cards is not None:
            return [name for name in self.look.cards if name in self.fields and name != self.label]
        named = self.look.fields or tuple(name for name, field in self.fields.items() if not field["system"])
        apart = {self.label, self.look.column, self.look.date, self.look.end, self.look.cover, self.look.color}
        return [n for n in named if n in self.fields and n not in apart and self.fields[n]["type"] != "button"][
            :DETAILS
        ]

    def needed(self) -> list[str]:
        """Fields that must be read."""
        look = self.look
        names = [self.label, look.column, look.date, look.end, look.color, look.cover, *self.details()]
        return [name for name in dict.fromkeys(names) if name in self.fields]

    # ── Life ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_mount(self) -> None:
        self._stops = [
            self.model.changed.listen(self._model_changed),
            self.pane.context.pending.changed.listen(lambda _: self.staged()),
        ]

    def on_unmount(self) -> None:
        for stop in self._stops:
            stop()

    def on_resize(self) -> None:
        self.paint()

    def on_focus(self) -> None:
        self.paint()

    def on_blur(self) -> None:
        self.paint()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._keys = []
        if self.is_attached:
            self.call_after_refresh(self.paint)

    def _model_changed(self, change: GridChange) -> None:
        if not self.is_attached:
            return
        if change.kind == "view":
            self.rows_changed()
            self.pane.paint_title()
            self.pane.post_message(self.pane.Shown(self.pane))
        self.paint()

    def rows_changed(self) -> None:
        """Count, order or groups are not as before."""

    def staged(self) -> None:
        """Something was staged or taken back."""
        if self.is_attached:
            self.paint()

    # ── Painting ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """The whole face."""
        raise NotImplementedError

    def paint(self) -> None:
        """Make the lines anew; only those that differ are painted again."""
        width, height = self.size
        if not width or not height or self.pane.grid is None:
            return
        lines = self.compose_lines(width, height)[:height]
        lines += [[] for _ in range(height - len(lines))]
        changed = [y for y, line in enumerate(lines) if y >= len(self._keys) or self._keys[y] != line]
        strips = self._lines + [Strip.blank(width)] * (height - len(self._lines))
        for y in changed:
            strips[y] = self._strip(lines[y], width)
        resized = bool(self._lines) and self._lines[0].cell_length != width
        if resized:
            strips = [self._strip(line, width) for line in lines]
        self._lines, self._keys = strips[:height], lines
        if resized or len(changed) == height:
            self.refresh()
        elif changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def _strip(self, line: Line, width: int) -> Strip:
        segments = [Segment(text, self.palette.style(over, under)) for text, over, under in line if text]
        used = sum(cell_len(text) for text, _, _ in line)
        if used < width:
            segments.append(Segment(" " * (width - used), self.palette.style("text", "row")))
        strip = Strip(segments)
        return strip if strip.cell_length == width else strip.crop(0, width)

    def render_line(self, y: int) -> Strip:
        return self._lines[y] if y < len(self._lines) else Strip.blank(self.size.width, self.rich_style)

    # ── Values ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def value(self, row: GridRow, name: str) -> Any:
        """The value to show, the staged one if there is one; None while it is not read."""
        try:
            return self.model.cell(row, name)[0]
        except KeyError:
            return None

    def pieces(self, row: GridRow, name: str) -> list[Piece]:
        """A field of a row as the grid draws it."""
        value = self.value(row, name)
        if value is None:
            return [(NULL, "null")]
        field = self.fields[name]
        if is_labelled(field):
            return [(self.model.label(row, name, value) or str(value), "link" if field["family"] == "link" else "text")]
        return renderer_of(field).make(field)(value)

    def text(self, row: GridRow, name: str) -> str:
        return "".join(text for text, _ in self.pieces(row, name)).strip()

    def title(self, row: GridRow) -> str:
        """What a card is called: where it has no name, by the first of its fields that says something."""
        told = next((name for name in (self.label, *self.details()) if self.value(row, name) not in (None, "")), "")
        if told != self.label and row.mark == "new":
            return t("grid.new_record")
        return self.text(row, told) if told else f"#{row.key}"

    def mark(self, row: GridRow) -> Piece:
        """`*` where something is staged, `+`, `-`, `✓`."""
        if row.mark:
            return ("+", "new") if row.mark == "new" else ("-", "invalid")
        if row.key in self.model.selection.marked:
            return ("✓", "true")
        staged = [self.pane.context.pending.cell(self.pane.info_name, row.key, name) for name in self.fields]
        if any(each is not None and each.state != "dirty" for each in staged):
            return ("!", "invalid")
        return ("*", "dirty") if any(staged) else (" ", "text")

    def color(self, row: GridRow) -> str:
        """The style of a card's edge: that of the option which `colorField` holds."""
        name = self.look.color or self.look.column
        field = self.fields.get(name)
        value = self.value(row, name) if field is not None else None
        return option_style(field, value, "bar")

    def target(self, row: GridRow) -> TargetRow:
        """The stored row under a card, as far as it was read."""
        if row.mark == "new":
            return TargetRow(row.key, "", {})
        names = [name for name in row.columns if name in self.fields]
        values = {name: stored_value(self.fields[name], row.values[row.columns[name]]) for name in names}
        found = self.model.cache.find(row.key)
        stamps = found[0].stamps if found else ()
        return TargetRow(row.key, stamps[found[1]] if found and found[1] < len(stamps) else "", values)

    # ── What a pane asks ───────────────────────────────────────────────────────────────────────────────────────────────

    def base_query(self, query: Query) -> Query:
        """What a person asks for, without what the layout adds."""
        return query

    def value_of_new(self) -> tuple[str, Any] | None:
        """Field and value that a new record has from where the cursor is."""
        return None

    def came(self, key: str) -> None:
        """A new record is there: stand on it."""
        self.rows_changed()
        self.stand(self.model.position_of(key))

    def step_back(self) -> bool:
        """Escape, one level at a time: marks, then conditions. False when nothing is left to give up."""
        model = self.model
        if model.selection.step_back():
            self.paint()
        elif self.base_query(model.query).filter is not None:
            kept = None if self.look.query.filter is None else self.look.query.filter
            if self.base_query(model.query).filter == kept:
                return False
            model.set_filter(kept)
        else:
            return False
        return True

    # ── Doing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def row_here(self) -> GridRow | None:
        """The row under the cursor."""
        return self.model.row(self.model.selection.row)

    def stand(self, position: int | None) -> None:
        """The grid's cursor goes along."""
        if position is not None:
            self.model.selection.row = position
            self.model.selection.anchor = None
        self.pane.tell_moved()
        self.paint()

    def stage(self, row: GridRow, field: FieldInfo, value: Any) -> bool:
        """Stage a value that the move of a card means; False, with the reason told, where it may not be."""
        edits = self.pane.edits
        refusal = self._refusal(row, field, value)
        if edits is None or refusal:
            self.app.notify(refusal, severity="warning")
            return False
        edits.stage([self.target(row)], field, value)
        return True

    def _refusal(self, row: GridRow, field: FieldInfo, value: Any) -> str:
        if not editable(field):
            return why_read_only(field)
        if row.mark == "deleted" or self.model.query.deleted:
            return t("views.read_only")
        now = row.values[row.columns[field["name"]]] if field["name"] in row.columns else None
        allowed = [option.value for option in next_options(field, now)]
        if options_of(field) and value is not None and value not in allowed:
            labels = {option.value: option.label for option in options_of(field)}
            shown = {"from": labels.get(now, now or NULL), "to": labels.get(value, value)}
            return t("board.refused", field=title_of(field), **shown)
        return check(field, value)

    def action_card_mark(self) -> None:
        row = self.row_here()
        if row is not None:
            self.model.selection.toggle(row.key)
            self.stand(None)

    def action_card_open(self) -> None:
        if self.row_here() is not None:
            self.pane.action_row_detail()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.wheel(1, event)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.wheel(-1, event)

    def wheel(self, step: int, event: events.MouseEvent) -> None:
        """The wheel was turned."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action.startswith("card_"):
            return hasattr(self, f"action_{action}")
        return super().check_action(action, parameters)


def option_style(field: FieldInfo | None, value: Any, kind: str) -> str:
    """`chip:<colour>` or `bar:<colour>` of an option; plain for what has none."""
    if field is not None and isinstance(value, str):
        for place, option in enumerate(options_of(field)):
            if option.value == value:
                return f"{kind}:{option.color or place}"
    return "edge" if kind == "bar" else "text"


def cells(parts: Sequence[Piece], width: int, under: str) -> Line:
    """Pieces in exactly so many cells."""
    line: Line = []
    left = width
    for text, style in parts:
        length = cell_len(text)
        if left <= 0:
            break
        line.append((text if length <= left else fit(text, left), style, under))
        left -= min(length, left)
    if left > 0:
        line.append((" " * left, "text", under))
    return line
