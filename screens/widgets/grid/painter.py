"""Lines of a grid: rows, header, placeholders. Pure: from model and palette to segments; nothing here fetches or waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from core.contract.console import GroupBlock, ModelValue
from core.contract.tables import FieldInfo
from screens.presenters.format import is_labelled
from screens.presenters.format.line import one_line
from screens.presenters.grid_model import GridModel
from screens.presenters.grid_row import GridRow
from screens.presenters.group_rows import GroupHeader
from screens.presenters.grouping import by_column
from screens.presenters.staged import Staged
from screens.presenters.value import title_of
from screens.services.number import grouped
from screens.services.text import t
from screens.widgets.grid.cell import NULL, Align, Draw, Piece, renderer_of
from screens.widgets.grid.palette import CHIPS, Palette

ROW_MARKS = {"new": "+", "deleted": "-"}
UNREAD: list[Piece] = [("…", "placeholder")]
FILLED_LATER: list[Piece] = [("", "text")]
"""What the engine fills in when a new row is saved."""
OWN_COLOR = ("chip", "star", "bar", "bar:")
"""Pieces that keep their colour when the cell is staged; its mark tells enough."""
CELL_MARKS = {"dirty": "*", "invalid": "!", "conflict": "≠"}
COMPUTING: dict[str, Piece] = {"pending": ("◌ ", "muted"), "failed": ("✗ ", f"bar:{CHIPS.index('error')}")}
"""Before a value that a language model is to give, or could not."""


AGGREGATE_SIGNS = {"sum": "Σ", "avg": "ø", "min": "↓", "max": "↑", "count": "n"}


class Slot(NamedTuple):
    """A column on screen: its place among the shown, where it begins behind the gutter, its width with edges."""

    place: int
    x: int
    width: int
    name: str
    draw: Draw
    align: Align
    is_labelled: bool
    read_only: bool


@dataclass(slots=True)
class Frame:
    """How the lines are cut now. Made anew when the layout, the width or the horizontal place changes."""

    slots: list[Slot]
    gutter: int
    width: int
    """Cells of a line, without the scrollbar."""
    edge: int = -1
    """Index of the slot behind which the frozen columns end; -1: none are frozen."""
    more_left: bool = False
    more_right: bool = False


def frame_of(model: GridModel, left: int, width: int) -> Frame:
    """Cut lines of `width` cells, scrolled so that the column at place `left` comes first behind the frozen ones."""
    layout = model.layout
    gutter = gutter_width(model.count)
    slots = []
    for place, x, cells in layout.visible(left, max(width - gutter, 0)):
        column = layout.shown[place]
        renderer = renderer_of(column.field)
        draw, labelled = renderer.make(column.field), is_labelled(column.field) or column.field["family"] == "user"
        slots.append(Slot(place, x, cells, column.name, draw, renderer.align, labelled, column.field["readOnly"]))
    frozen = layout.frozen if layout.frozen_width(max(width - gutter, 0)) else 0
    last = slots[-1] if slots else None
    cut = last is not None and last.width < layout.shown[last.place].width
    return Frame(
        slots,
        gutter,
        width,
        edge=frozen - 1,
        more_left=left > frozen,
        more_right=last is not None and (cut or last.place < len(layout.shown) - 1),
    )


def gutter_width(count: int) -> int:
    """A mark, the row number, a blank."""
    return 1 + max(3, len(str(count))) + 1


def fit(text: str, width: int, align: Align = "left") -> str:
    """A text of one line in exactly so many cells, with `…` where it is cut."""
    length = len(text) if text.isascii() else cell_len(text)
    if length > width:
        if width <= 0:
            return ""
        return (text[: width - 1] if text.isascii() else set_cell_size(text, width - 1)) + "…"
    blank = width - length
    if align == "left":
        return text + " " * blank
    if align == "right":
        return " " * blank + text
    return " " * (blank // 2) + text + " " * (blank - blank // 2)


class Painter:
    """Draws with one palette."""

    def __init__(self, model: GridModel, palette: Palette) -> None:
        self.model = model
        self.palette = palette

    # ── Rows ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def row(
        self, frame: Frame, row: GridRow, cursor: int | None, span: tuple[int, int] | None, *, focused: bool
    ) -> list[Segment]:
        """A row. cursor: place of the cursor's column if it is on this row. span: first and last chosen column."""
        model, style = self.model, self.palette.style
        marked = row.key in model.selection.marked
        under = "deleted" if row.mark == "deleted" else "marked" if marked else "row"
        if cursor is not None and under == "row":
            under = "cursor-row"
        parts: list[tuple[str, Style]] = []
        worst = ""
        for index, slot in enumerate(frame.slots):
            ground = under
            if span is not None and span[0] <= slot.place <= span[1]:
                ground = "range"
            if slot.place == cursor:
                ground = "cursor" if focused else "cursor-blurred"
            try:
                value, staged = model.cell(row, slot.name)
            except KeyError:
                pieces, staged = UNREAD, None
            else:
                pieces = (
                    FILLED_LATER
                    if value is None and slot.read_only and row.mark == "new"
                    else self._pieces(row, slot, value)
                )
            if row.computing and slot.name in row.computing:
                pieces = _computing(row.computing[slot.name], pieces)
            if staged is not None:
                worst = _worse(worst, staged.state)
            self._cell(parts, slot, pieces, staged, ground, edge=index == frame.edge)
        filled = sum(slot.width for slot in frame.slots)
        parts.append((" " * (frame.width - frame.gutter - filled), style("text", under)))
        return _merged([*self._gutter(frame, row, worst, under, marked=marked), *parts])

    def _pieces(self, row: GridRow, slot: Slot, value: object) -> list[Piece]:
        if value is None:
            return [(NULL, "null")]
        if slot.is_labelled:
            value = self._labelled(row, slot.name, value)
        pieces = slot.draw(value)
        needle = self.model.search.text.casefold()
        if needle:
            return [part for piece in pieces for part in _highlighted(piece, needle)]
        return pieces

    def _labelled(self, row: GridRow, name: str, value: object) -> object:
        if isinstance(value, list):
            return [self._labelled(row, name, part) for part in value]
        if isinstance(value, dict) and "ref" in value:
            return self.model.label(row, name, value["ref"]) or t("grid.new_record")
        return self.model.label(row, name, value) or value

    def _cell(
        self,
        parts: list[tuple[str, Style]],
        slot: Slot,
        pieces: list[Piece],
        staged: Staged | None,
        ground: str,
        *,
        edge: bool,
    ) -> None:
        """Append a cell: edge or mark, the text, edge."""
        style = self.palette.style
        plain = style("text", ground)
        if staged is None:
            parts.append((" ", plain))
            over = None
        else:
            over = style(staged.state, ground)
            parts.append((CELL_MARKS[staged.state], over))
        room = slot.width - 2
        if len(pieces) == 1:
            text, name = pieces[0]
            if name[:4] == "chip" and room > 0:
                self._run(parts, pieces, room, slot.align, ground, over)
            else:
                parts.append((fit(text, max(room, 0), slot.align), over or style(name, ground)))
        else:
            self._run(parts, pieces, max(room, 0), slot.align, ground, over)
        if slot.width > 1:
            parts.append(("│", style("edge", ground)) if edge else (" ", plain))

    def _run(
        self,
        parts: list[tuple[str, Style]],
        pieces: list[Piece],
        room: int,
        align: Align,
        ground: str,
        over: Style | None,
    ) -> None:
        """Several pieces in one cell; the one that does not fit any more is cut, the rest is left out."""
        style = self.palette.style
        lengths = [len(text) if text.isascii() else cell_len(text) for text, _ in pieces]
        if len(pieces) > 2 and pieces[-1][1] == "link" and 3 <= (head := room - sum(lengths[1:])) < lengths[0]:
            # How many more are linked stays to be seen; names give way.
            pieces, lengths = [(fit(pieces[0][0], head), pieces[0][1]), *pieces[1:]], [head, *lengths[1:]]
        blank = max(room - sum(lengths), 0)
        before = blank if align == "right" else blank // 2 if align == "center" else 0
        if before:
            parts.append((" " * before, style("text", ground)))
        left = room - before
        for (text, name), length in zip(pieces, lengths, strict=True):
            if left <= 0:
                return
            shown = style(name, ground) if over is None or name[:4] in OWN_COLOR else over
            parts.append((text if length <= left else fit(text, left), shown))
            left -= length
        if left > 0:
            parts.append((" " * left, style("text", ground)))

    def _gutter(
        self, frame: Frame, row: GridRow, worst: str, under: str, *, marked: bool
    ) -> Sequence[tuple[str, Style]]:
        style = self.palette.style
        number = "" if row.number is None else str(row.number)
        if worst in ("invalid", "conflict"):
            mark, name = CELL_MARKS[worst], worst
        elif row.mark:
            mark, name = ROW_MARKS[row.mark], "new" if row.mark == "new" else "invalid"
        elif worst:
            mark, name = CELL_MARKS[worst], worst
        else:
            mark, name = ("✓", "true") if marked else (" ", "gutter")
        return ((mark, style(name, under)), (f"{number:>{frame.gutter - 2}} ", style("gutter", under)))

    def header_of(self, frame: Frame, header: GroupHeader, *, cursor: bool, focused: bool) -> list[Segment]:
        """The line before a group: value, count, aggregates under their columns."""
        under = ("cursor" if focused else "cursor-blurred") if cursor else "header"
        style, model = self.palette.style, self.model
        block = header.block
        name = (model.query.group or {}).get("field", "")
        field = next((field for field in model.source.fields if field["name"] == name), None)
        pieces = group_pieces(field, block)
        sign = "▸" if header.folded else "▾"
        head: list[Piece] = [(f" {sign} ", "glyph"), *pieces, (f"  {grouped(block['count'])} ", "muted")]
        values = by_column(block.get("aggregations", {}), model.groups.aggregates)
        parts: list[tuple[str, Style]] = []
        width = sum(cell_len(text) for text, _ in head)
        taken = frame.gutter
        room = frame.width
        told = [(slot, values[slot.name]) for slot in frame.slots if slot.name in values]
        first = next((frame.gutter + slot.x for slot, _ in told if frame.gutter + slot.x > width), room)
        self._run(parts, head, min(first, room), "left", under, None)
        taken = min(first, room)
        for slot, value in told:
            x = frame.gutter + slot.x
            if x < taken:
                continue
            parts.append((" " * (x - taken), style("text", under)))
            parts.append(
                (fit(self._aggregate(slot, value), max(slot.width - 1, 0), "right") + " ", style("sort", under))
            )
            taken = x + slot.width
        parts.append((" " * max(room - taken, 0), style("text", under)))
        return _merged(parts)

    def totals(self, frame: Frame) -> list[Segment]:
        """The line below the rows: aggregates over all of them."""
        style, model = self.palette.style, self.model
        parts = [(fit(" Σ", frame.gutter), style("sort", "header"))]
        for slot in frame.slots:
            text = self._aggregate(slot, model.groups.totals[slot.name]) if slot.name in model.groups.totals else ""
            parts.append(
                (fit(text, max(slot.width - 1, 0), "right") + " " * min(slot.width, 1), style("sort", "header"))
            )
        filled = frame.gutter + sum(slot.width for slot in frame.slots)
        parts.append((" " * max(frame.width - filled, 0), style("text", "header")))
        return _merged(parts)

    def _aggregate(self, slot: Slot, value: object) -> str:
        """`Σ 1,204`: the sign of the function and the value as the column shows it."""
        function = self.model.groups.aggregates.get(slot.name, "")
        sign = AGGREGATE_SIGNS.get(function, function)
        if function in ("count", "avg"):
            text = f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else grouped(int(str(value)))
        else:
            text = "".join(piece for piece, _ in slot.draw(value)).strip()
        return f"{sign} {text}"

    def placeholder(self, frame: Frame, position: int, *, cursor: bool) -> list[Segment]:
        """A row that is on its way, in the geometry that it will have."""
        style, under = self.palette.style, "cursor-row" if cursor else "row"
        shade = style("placeholder", under)
        parts = [(" " * frame.gutter, style("gutter", under))]
        for slot in frame.slots:
            length = max(1, (slot.width - 2) * (5 + (position * 7 + slot.place * 3) % 5) // 10)
            parts.append((fit(" " + "╌" * length, slot.width), shade))
        filled = sum(slot.width for slot in frame.slots)
        parts.append((" " * (frame.width - frame.gutter - filled), style("text", under)))
        return _merged(parts)

    def blank(self, frame: Frame, text: str = "") -> list[Segment]:
        """A line without a row; `text` in its middle."""
        return [Segment(fit(one_line(text), frame.width, "center"), self.palette.style("muted", "row"))]

    # ── Header ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def header(self, frame: Frame, cursor: int) -> list[Segment]:
        """Titles with a glyph of the type before and the direction of the order behind them."""
        style, model = self.palette.style, self.model
        left = "‹" if frame.more_left else " "
        parts = [(f"{'…' if model.loading else ' '}{'#':>{frame.gutter - 2}} ", style("glyph", "header"))]
        for index, slot in enumerate(frame.slots):
            under = "header-cursor" if slot.place == cursor else "header"
            column = model.layout.shown[slot.place]
            order = model.query.order_of(slot.name)
            arrow = "" if order is None else "↑" if order[0] == "asc" else "↓"
            if order is not None and len(model.query.sort) > 1:
                arrow += str(order[1])
            room = max(slot.width - 2 - (len(arrow) + 1 if arrow else 0), 0)
            title = one_line(title_of(column.field))
            pieces: list[Piece] = [(f"{renderer_of(column.field).glyph} ", "glyph"), (title, "text")]
            parts.append((" ", style("text", under)))
            blank = max(room - 2 - cell_len(title), 0) if slot.align == "right" else 0
            parts.append((" " * blank, style("text", under)))
            start = len(parts)
            self._run(parts, pieces, room - blank, "left", under, None)
            if arrow and slot.width > 2:
                self._insert_arrow(parts, start, arrow, under)
            if slot.width > 1:
                edge = left if index == frame.edge else " "
                parts.append((edge, style("sort", under)))
        filled = sum(slot.width for slot in frame.slots)
        rest = frame.width - frame.gutter - filled
        if rest > 0:
            parts.append((" " * rest, style("text", "header")))
        return _ended(_merged(parts), frame, style("sort", "header"))

    def _insert_arrow(self, parts: list[tuple[str, Style]], start: int, arrow: str, under: str) -> None:
        """Behind the title, before the blanks that fill the column."""
        style = self.palette.style("sort", under)
        if len(parts) > start and not parts[-1][0].strip():
            parts.insert(len(parts) - 1, (f" {arrow}", style))
        else:
            parts.append((f" {arrow}", style))


def group_pieces(field: FieldInfo | None, block: GroupBlock) -> list[Piece]:
    """What a group is called, drawn as its field draws a value."""
    if block["value"] is None or not block["name"]:
        return [(t("group.none"), "muted")]
    if field is None or field["family"] in ("link", "multi", "user"):
        return [(one_line(block["name"]), "text")]
    return renderer_of(field).make(field)(block["value"])


def _worse(a: str, b: str) -> str:
    order = ("", "dirty", "conflict", "invalid")
    return a if order.index(a) >= order.index(b) else b


def _highlighted(piece: Piece, needle: str) -> list[Piece]:
    """The piece cut around what is looked for. Nothing is marked where folding the case changes lengths."""
    text, style = piece
    folded = text.casefold()
    at = folded.find(needle)
    if at < 0 or len(folded) != len(text):
        return [piece]
    out: list[Piece] = []
    end = 0
    while at >= 0:
        out += [(text[end:at], style), (text[at : at + len(needle)], "search")]
        end = at + len(needle)
        at = folded.find(needle, end)
    return [part for part in (*out, (text[end:], style)) if part[0]]


def _merged(parts: Sequence[tuple[str, Style]]) -> list[Segment]:
    """Neighbours of one style become one segment: fewer escape sequences on the wire."""
    segments: list[Segment] = []
    texts: list[str] = []
    current: Style | None = None
    for text, style in parts:
        if style is not current:
            if texts:
                segments.append(Segment("".join(texts), current))
            texts, current = [], style
        texts.append(text)
    if texts:
        segments.append(Segment("".join(texts), current))
    return [segment for segment in segments if segment.text]


def _computing(told: ModelValue, pieces: list[Piece]) -> list[Piece]:
    sign = COMPUTING[told["state"]]
    return [sign, ("", "text")] if pieces == [(NULL, "null")] else [sign, *pieces]


def _ended(segments: list[Segment], frame: Frame, style: Style) -> list[Segment]:
    """A sign in the last cell that there are more columns to the right."""
    if not frame.more_right or not segments:
        return segments
    last = segments[-1]
    return [
        *segments[:-1],
        Segment(set_cell_size(last.text, max(last.cell_length - 1, 0)), last.style),
        Segment("›", style),
    ]
