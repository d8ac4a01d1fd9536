"""A gallery: records as cards side by side, with their picture where the view names one: of files that can be shown in half
blocks, else a sign and the name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events, work

from screens.presenters.format import formatter
from screens.presenters.grid_row import GridRow
from screens.presenters.view_book import Look
from screens.services.picture import can_show
from screens.services.text import t
from screens.widgets.board.face import Face, Line, cells
from screens.widgets.gallery.cover import Covers
from screens.widgets.grid.cell import Piece
from screens.widgets.grid.painter import fit
from screens.widgets.question import Questions

if TYPE_CHECKING:
    from screens.widgets.grid_pane import GridPane

FILES = ("single-attachment", "multiple-attachments")
NARROWEST = 26
COVER, PICTURE = 2, 7
"""Lines of a cover that is a sign and a name, and of one that is a picture."""


class Gallery(Face):
    """Arrows go from card to card; the rows are those of the grid, in its order."""

    top = 0
    """The first line of cards on screen."""

    def __init__(self, pane: GridPane, look: Look) -> None:
        super().__init__(pane, look)
        is_files = look.cover in self.fields and self.fields[look.cover]["type"] in FILES
        self._covers = Covers(Questions(pane.context, pane.info_name).fetch) if is_files and can_show() else None

    @work(group="covers", exit_on_error=False)
    async def _load_covers(self, covers: Covers) -> None:
        async for _ in covers.load():
            self.paint()

    def _frame(self) -> tuple[int, int, int, int]:
        """Cards side by side, cells of each, lines of each, cards below one another."""
        width, height = self.size
        across = max(1, width // NARROWEST)
        tall = 1 + self._covered(height) + 1 + min(len(self.details()), 3 if height >= 20 else 1)
        return across, width // across, tall, max(1, height // tall)

    def _covered(self, height: int) -> int:
        """Lines of a cover."""
        if self.look.cover not in self.fields or height < 12:
            return 0
        return PICTURE if self._covers is not None and height >= 2 * PICTURE else COVER

    def compose_lines(self, width: int, height: int) -> list[Line]:
        model = self.model
        if not model.count:
            text = t("gallery.empty" if not model.query.filter else "board.no_match")
            if model.failure is not None:
                text = model.failure.message
            elif model.view is None or model.loading:
                text = t("grid.loading")
            return [*([[]] * (height // 3)), [(fit(text, width, "center"), "muted", "row")]]
        across, each, tall, fits = self._frame()
        at = model.selection.row // across
        self.top = max(0, min(self.top, at))
        if at >= self.top + fits:
            self.top = at - fits + 1
        first = self.top * across
        visible = -(-height // tall)
        model.need(first, min(first + visible * across, model.count) - 1)
        lines: list[Line] = []
        for start in range(first, min(first + visible * across, model.count), across):
            blocks = [self._card(position, each, tall) for position in range(start, min(start + across, model.count))]
            lines += [[part for block in blocks for part in block[y]] for y in range(tall)]
        if self._covers is not None and self._covers.is_waiting and not self._covers.is_loading:
            self._load_covers(self._covers)
        return lines

    def _card(self, position: int, width: int, tall: int) -> list[Line]:
        row = self.model.row(position)
        is_here = position == self.model.selection.row
        under = ("cursor" if self.has_focus else "cursor-blurred") if is_here else "header"
        below = "cursor-row" if is_here else "row"
        gap = (" ", "text", "row")
        inner = width - 1
        if row is None:
            header = self.model.groups.header(position)
            text = "" if header is None else header.block["name"] or t("group.none")
            blank: Line = [(fit(f" {text or '╌' * (inner // 2)}", inner), "placeholder", below), gap]
            return [blank, *([[(" " * inner, "text", below), gap]] * (tall - 1))]
        lines: list[Line] = [
            [
                ("›" if is_here else " ", "sort", under),
                *cells([self.mark(row), (self.title(row), "text")], inner - 1, under),
                gap,
            ]
        ]
        if covered := self._covered(self.size.height):
            lines += [[*cells(line, inner, below), gap] for line in self._cover_lines(row, inner, covered)]
        for name in self.details()[: tall - 1 - len(lines)]:
            lines.append(
                [("▌", self.color(row), below), *cells([(" ", "text"), *self.pieces(row, name)], inner - 1, below), gap]
            )
        while len(lines) < tall - 1:
            lines.append([(" " * inner, "text", below), gap])
        return [*lines, [(" " * width, "text", "row")]]

    def _cover_lines(self, row: GridRow, width: int, height: int) -> list[list[Piece]]:
        """The picture in the middle of so many lines; else a sign, and the file by its name and size."""
        value = self.value(row, self.look.cover)
        picture = self._covers.of(value, width, height) if self._covers is not None else None
        blank: list[Piece] = [(" " * width, "text")]
        if picture is None:
            told = formatter(self.fields[self.look.cover])(value)
            shown: list[list[Piece]] = [
                [(fit("▣" if told else "▢", width, "center"), "link" if told else "placeholder")],
                [(fit(told, width, "center"), "muted")],
            ]
        else:
            edge: Piece = (" " * ((width - len(picture[0])) // 2), "text")
            shown = [[edge, *(("▀", f"pixels:{upper}{lower}") for upper, lower in line)] for line in picture]
        above = (height - len(shown)) // 2
        return [blank] * above + shown + [blank] * (height - above - len(shown))

    # ── Moving ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _go(self, position: int) -> None:
        self.stand(max(0, min(position, self.model.count - 1)))

    def action_card_up(self) -> None:
        across = self._frame()[0]
        if self.model.selection.row >= across:
            self._go(self.model.selection.row - across)

    def action_card_down(self) -> None:
        across, row = self._frame()[0], self.model.selection.row
        if row // across < (self.model.count - 1) // across:
            self._go(row + across)

    def action_card_left(self) -> None:
        self._go(self.model.selection.row - 1)

    def action_card_right(self) -> None:
        self._go(self.model.selection.row + 1)

    def action_card_page_up(self) -> None:
        across, _, _, fits = self._frame()
        self._go(self.model.selection.row - across * fits)

    def action_card_page_down(self) -> None:
        across, _, _, fits = self._frame()
        self._go(self.model.selection.row + across * fits)

    def action_card_first(self) -> None:
        self._go(0)

    def action_card_last(self) -> None:
        self._go(self.model.count - 1)

    # ── Mouse ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.focus()
        across, each, tall, _ = self._frame()
        position = (self.top + event.y // tall) * across + min(event.x // each, across - 1)
        if position < self.model.count:
            self._go(position)
            if event.chain == 2:
                self.action_card_open()

    def wheel(self, step: int, event: events.MouseEvent) -> None:
        self._go(self.model.selection.row + step * self._frame()[0])
