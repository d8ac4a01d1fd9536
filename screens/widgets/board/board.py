"""A kanban board: a column for each value of a field, a card for each record. A card that is moved is a staged edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import events

from screens.presenters.board import BoardColumn, board_columns
from screens.presenters.grid_row import GridRow
from screens.presenters.view_book import Look
from screens.services.number import grouped
from screens.services.text import t
from screens.widgets.board.face import Face, Line, cells, option_style
from screens.widgets.grid.cell import Piece
from screens.widgets.grid.painter import fit

if TYPE_CHECKING:
    from screens.widgets.grid_pane import GridPane

NARROWEST = 22
HEAD = 2
"""Lines above the cards: the value with its count, a rule."""


class Board(Face):
    """Left and right go from column to column, up and down from card to card; with Shift left and right move the card."""

    def __init__(self, pane: GridPane, look: Look) -> None:
        super().__init__(pane, look)
        self.column = 0
        self.left = 0
        self.places: dict[str, int] = {}
        """The card under the cursor in each column, by the column's name."""
        self.tops: dict[str, int] = {}
        self._columns: list[BoardColumn] = []
        self._dragged: str | None = None
        self._begun = False

    # ── Columns and cards ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def columns(self) -> list[BoardColumn]:
        return self._columns

    def rows_changed(self) -> None:
        changes = self.pane.context.pending.rows(self.pane.info_name)
        self._columns = board_columns(self.model.groups.blocks, changes, self.look.column)
        self.column = max(0, min(self.column, len(self._columns) - 1))
        if not self._begun and self._columns:
            self._begun = True
            self.column = next((place for place, each in enumerate(self._columns) if each.size), 0)
        self._follow()

    def staged(self) -> None:
        if self.is_attached:
            self.rows_changed()
            self.paint()

    @property
    def here(self) -> BoardColumn | None:
        return self._columns[self.column] if self.column < len(self._columns) else None

    @property
    def place(self) -> int:
        """The card under the cursor, among those of its column."""
        column = self.here
        return 0 if column is None else max(0, min(self.places.get(column.name, 0), column.size - 1))

    def card(self, column: BoardColumn, place: int) -> GridRow | None:
        """A card that is here; None while it is on its way."""
        key = column.arrival(place)
        if key is not None:
            position = self.model.position_of(key)
            return None if position is None else self._row_of(key, position)
        base = column.base(place)
        return None if base is None else self.model.base_row(base)

    def _row_of(self, key: str, position: int) -> GridRow | None:
        if self.model.is_new(position):
            return self.model.row(position)
        found = self.model.cache.find(key)
        return None if found is None else self.model.base_row(found[0].start + found[1])

    def row_here(self) -> GridRow | None:
        column = self.here
        return None if column is None else self.card(column, self.place)

    def _follow(self) -> None:
        """The grid's cursor stands on the record under this one."""
        row = self.row_here()
        position = None if row is None else self.model.position_of(row.key)
        if position is not None:
            self.model.selection.row = position

    # ── Painting ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _card_height(self) -> int:
        return 1 + min(len(self.details()), 2 if self.size.height >= 20 else 1) + 1

    def _frame(self) -> tuple[int, int, int]:
        """Columns on screen, cells of each, cards below one another."""
        width, height = self.size
        shown = max(1, min(len(self._columns) or 1, width // NARROWEST))
        return shown, width // shown, max(1, (height - HEAD) // self._card_height())

    def compose_lines(self, width: int, height: int) -> list[Line]:
        if not self._columns and self.model.view is not None and not self.model.loading:
            self.rows_changed()
        if not self._columns:
            return self._notice(width, height)
        shown, each, fits = self._frame()
        self.left = max(0, min(self.left, self.column, len(self._columns) - shown))
        if self.column >= self.left + shown:
            self.left = self.column - shown + 1
        blocks = []
        for place in range(self.left, self.left + shown):
            room = each if place < self.left + shown - 1 else width - each * (shown - 1)
            blocks.append(self._column_lines(place, room, height, fits))
        return [[part for block in blocks for part in block[y]] for y in range(height)]

    def _notice(self, width: int, height: int) -> list[Line]:
        model = self.model
        if model.failure is not None:
            text = model.failure.message
        elif model.view is None or model.loading:
            text = t("grid.loading")
        else:
            text = t("group.too_many") if model.groups.too_many else t("board.empty")
        return [*([[]] * (height // 3)), [(fit(text, width, "center"), "muted", "row")]]

    def _column_lines(self, place: int, width: int, height: int, fits: int) -> list[Line]:
        column = self._columns[place]
        is_here = place == self.column
        at = self.place if is_here else self.places.get(column.name, 0)
        top = max(0, min(self.tops.get(column.name, 0), max(column.size - 1, 0)))
        top = min(top, at) if is_here else top
        top = at - fits + 1 if is_here and at >= top + fits else top
        self.tops[column.name] = top
        self._need(column, top, fits)
        inner = width - 1
        shown = self._frame()[0]
        more = "›" if place == self.left + shown - 1 and place < len(self._columns) - 1 else "│"
        before = place == self.left and place > 0
        head = self._head(column, inner, is_here=is_here, before=before)
        lines = [[*head, (more, "sort" if more == "›" else "edge", "row")]]
        rule = ("━" if is_here else "─") * inner
        lines.append([(rule, "sort" if is_here else "edge", "row"), ("│", "edge", "row")])
        for card in range(top, min(top + fits, column.size)):
            painted = self._card_lines(column, card, inner, cursor=is_here and card == at)
            lines += [[*line, ("│", "edge", "row")] for line in painted]
        if not column.size:
            lines.append([(fit(t("board.column_empty"), inner, "center"), "muted", "row"), ("│", "edge", "row")])
        below = column.size - top - fits
        lines += [[(" " * inner, "text", "row"), ("│", "edge", "row")] for _ in range(height - len(lines))]
        if below > 0:
            more = fit(f"↓ {t('board.more', count=grouped(below))}", inner, "center")
            lines[height - 1] = [(more, "muted", "row"), ("│", "edge", "row")]
        return lines[:height]

    def _need(self, column: BoardColumn, top: int, fits: int) -> None:
        first, last = column.base(max(top, len(column.arrivals))), column.base(min(top + fits, column.size) - 1)
        if first is not None and last is not None:
            self.model.need_base([(first, last)])

    def _head(self, column: BoardColumn, width: int, *, is_here: bool, before: bool) -> Line:
        field = self.fields.get(self.look.column)
        style = option_style(field, column.value, "chip")
        name = column.name if column.value is not None and column.name else t("group.none")
        if field is not None and style != "text":
            name = "".join(text for text, _ in self._drawn(column.value)).strip()
        head: Piece = (f" {name} ", style if column.value is not None else "muted")
        return cells(
            [("▸" if is_here else "‹" if before else " ", "sort"), head, (f" {grouped(column.size)}", "muted")],
            width,
            "row",
        )

    def _drawn(self, value: Any) -> list[Piece]:
        from screens.widgets.grid.cell import renderer_of

        field = self.fields[self.look.column]
        return renderer_of(field).make(field)(value)

    def _card_lines(self, column: BoardColumn, place: int, width: int, *, cursor: bool) -> list[Line]:
        row = self.card(column, place)
        rows = self._card_height() - 1
        if row is None:
            blank: Line = [(fit("  " + "╌" * (width // 2), width), "placeholder", "cursor-row" if cursor else "row")]
            return [blank, *([[(" " * width, "text", "row")]] * rows)]
        moved = self._moved_to(column, row)
        under = ("cursor" if self.has_focus else "cursor-blurred") if cursor else "row"
        below = "cursor-row" if cursor else "row"
        if moved is not None:
            gone = cells([(f"  {self.title(row)} → {moved}", "placeholder")], width, under if cursor else "row")
            return [gone, *([[(" " * width, "text", "row")]] * rows)]
        edge = (("›" if cursor else "▌"), self.color(row), below)
        title = cells([self.mark(row), (self.title(row), "text")], width - 1, under)
        lines: list[Line] = [[edge, *title]]
        for name in self.details()[: rows - 1]:
            detail = cells([(" ", "text"), *self.pieces(row, name)], width - 1, below)
            lines += [[("▌", self.color(row), below), *detail]]
        return [*lines, [(" " * width, "text", "row")]]

    def _moved_to(self, column: BoardColumn, row: GridRow) -> str | None:
        """Where a stored card has been moved to, while that is staged."""
        if row.key in column.arrivals or row.mark == "new":
            return None
        staged = self.pane.context.pending.cell(self.pane.info_name, row.key, self.look.column)
        if staged is None or staged.value == column.value:
            return None
        return (
            t("group.none") if staged.value is None else "".join(text for text, _ in self._drawn(staged.value)).strip()
        )

    # ── Moving the cursor ──────────────────────────────────────────────────────────────────────────────────────────────

    def _go(self, column: int, place: int | None = None) -> None:
        self.column = max(0, min(column, len(self._columns) - 1))
        here = self.here
        if here is None:
            return
        if place is not None:
            self.places[here.name] = max(0, min(place, here.size - 1))
        self._follow()
        self.stand(None)

    def action_card_up(self) -> None:
        self._go(self.column, self.place - 1)

    def action_card_down(self) -> None:
        self._go(self.column, self.place + 1)

    def action_card_left(self) -> None:
        self._go(self.column - 1)

    def action_card_right(self) -> None:
        self._go(self.column + 1)

    def action_card_page_up(self) -> None:
        self._go(self.column, self.place - self._frame()[2])

    def action_card_page_down(self) -> None:
        self._go(self.column, self.place + self._frame()[2])

    def action_card_first(self) -> None:
        self._go(self.column, 0)

    def action_card_last(self) -> None:
        self._go(self.column, self.here.size - 1 if self.here else 0)

    def value_of_new(self) -> tuple[str, Any] | None:
        """In the column under the cursor."""
        column = self.here
        return None if column is None or column.value is None else (self.look.column, column.value)

    def came(self, key: str) -> None:
        self.rows_changed()
        column = self.here
        if column is not None and key in column.arrivals:
            self._go(self.column, column.arrivals.index(key))

    # ── Moving a card ──────────────────────────────────────────────────────────────────────────────────────────────────

    def action_card_move_left(self) -> None:
        self._move_card(self.column - 1)

    def action_card_move_right(self) -> None:
        self._move_card(self.column + 1)

    def _move_card(self, target: int) -> None:
        row, field = self.row_here(), self.fields.get(self.look.column)
        if row is None or field is None or not 0 <= target < len(self._columns) or target == self.column:
            self.app.bell()
            return
        name, key = self._columns[target].name, row.key
        if not self.stage(row, field, self._columns[target].value):
            return
        self.rows_changed()
        place = next((n for n, column in enumerate(self._columns) if column.name == name), self.column)
        column = self._columns[place]
        inside = column.arrivals.index(key) if key in column.arrivals else self._stored_place(column, key)
        self._go(place, inside)

    def _stored_place(self, column: BoardColumn, key: str) -> int:
        """A card that came back to where it is stored."""
        found = self.model.cache.find(key)
        base = found[0].start + found[1] if found else column.start
        return len(column.arrivals) + max(0, min(base - column.start, column.count - 1))

    # ── Mouse ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _at(self, x: int, y: int) -> tuple[int, int | None]:
        """Column and card at a cell."""
        shown, each, _ = self._frame()
        column = self.left + min(x // each, shown - 1)
        if y < HEAD or column >= len(self._columns):
            return column, None
        place = self.tops.get(self._columns[column].name, 0) + (y - HEAD) // self._card_height()
        return column, place if place < self._columns[column].size else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        self.focus()
        column, place = self._at(event.x, event.y)
        if column < len(self._columns):
            self._go(column, place)
            row = self.row_here() if place is not None else None
            self._dragged = None if row is None else row.key
            self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        event.stop()
        self.release_mouse()
        dragged, self._dragged = self._dragged, None
        column, _ = self._at(max(0, event.x), event.y)
        if dragged is not None and column != self.column and column < len(self._columns):
            self._move_card(column)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if event.chain == 2:
            self.action_card_open()

    def wheel(self, step: int, event: events.MouseEvent) -> None:
        column, _ = self._at(event.x, event.y)
        if column < len(self._columns):
            self._go(
                column, (self.place if column == self.column else self.places.get(self._columns[column].name, 0)) + step
            )
