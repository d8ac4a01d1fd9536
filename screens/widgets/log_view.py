"""Lines of a log: painted as they come into sight, one of them chosen; the last one stays in sight while it is followed.

As in a grid, the place in it is the view's own (`top`), so that nothing depends on when Textual lays out.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from core.contract.log_level import LEVELS
from core.contract.logs import LogEntry
from screens.presenters.format.line import one_line
from screens.presenters.log_feed import when
from screens.widgets.grid.scrollbar import Scrollbar

AREA = 10
WHEEL = 3
"""Lines that the wheel moves."""
MARKS = {"debug": "·", "info": " ", "warn": "!", "error": "✕"}
STYLES = ("muted", "cursor", "cursor-blurred", "thumb", "track")


class LogView(ScrollView, can_focus=True):
    """`entries` are the feed's own list: `update` after it has changed."""

    COMPONENT_CLASSES = {f"log--{name}" for name in (*LEVELS, *STYLES)}
    DEFAULT_CSS = """
    LogView {
        overflow: hidden hidden; background: $surface; color: $foreground;
        & > .log--debug { color: $foreground-muted; }
        & > .log--info { color: $foreground; }
        & > .log--warn { color: $text-warning; text-style: bold; }
        & > .log--error { color: $text-error; text-style: bold; }
        & > .log--muted { color: $foreground-muted; }
        & > .log--thumb { background: $scrollbar; }
        & > .log--track { background: $scrollbar-background; }
        & > .log--cursor { background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold; }
        & > .log--cursor-blurred { background: $block-cursor-blurred-background; text-style: bold; }
    }
    """
    BINDINGS = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "first", show=False),
        Binding("end,G", "last", show=False),
    ]

    class Chosen(Message):
        """Another line is chosen. `by_person`: with a key or the mouse, not because lines came."""

        def __init__(self, *, by_person: bool) -> None:
            super().__init__()
            self.by_person = by_person

    def __init__(self) -> None:
        super().__init__(classes="pane")
        self.entries: Sequence[LogEntry] = ()
        self.cursor = self.top = 0
        self.placeholder = ""
        """What stands in the middle where there is no line."""

    @property
    def chosen(self) -> LogEntry | None:
        return self.entries[self.cursor] if 0 <= self.cursor < len(self.entries) else None

    @property
    def is_at_end(self) -> bool:
        return self.cursor >= len(self.entries) - 1

    def update(self, entries: Sequence[LogEntry], *, shifted: int = 0, follow: bool = False) -> None:
        """Show these lines. `shifted`: by so many they stand lower than before; the chosen one stays chosen, and where it
        is on the screen, unless the last one is followed."""
        self.entries = entries
        self.cursor = len(entries) - 1 if follow else self.cursor + shifted
        self.top += shifted
        self._settle()
        self.post_message(self.Chosen(by_person=False))

    def choose(self, line: int) -> None:
        """Choose a line and bring it into sight."""
        if self.entries:
            self.cursor = line
            self._settle()
            self.post_message(self.Chosen(by_person=True))

    def _settle(self) -> None:
        """The chosen line is one of those that are there, and in sight."""
        height = max(1, self.size.height)
        self.cursor = max(0, min(self.cursor, len(self.entries) - 1))
        self.top = max(0, self.cursor - height + 1, min(self.top, self.cursor, len(self.entries) - height))
        self.refresh()

    # ── Painting ──

    def render_line(self, y: int) -> Strip:
        number, width = self.top + y, self.size.width
        if not self.entries:
            told = self.placeholder if y == self.size.height // 2 else ""
            return self._strip([(set_cell_size(told.center(width), width), "muted")], chosen=False)
        bar = Scrollbar(len(self.entries), self.top, self.size.height)
        room = width - bar.needed
        parts = self._parts(self.entries[number], room) if number < len(self.entries) else [(" " * room, "muted")]
        strip = self._strip(parts, chosen=number == self.cursor).crop(0, room)
        if not bar.needed:
            return strip
        return Strip.join([strip, self._strip([(" ", "thumb" if bar.holds(y) else "track")], chosen=False)])

    def _parts(self, entry: LogEntry, width: int) -> list[tuple[str, str]]:
        level = entry["level"]
        left = [
            (f"{MARKS[level]} {when(entry) or ' ' * 8} ", "muted"),
            (f"{level:<5} ", level),
            (f"{set_cell_size(one_line(entry['area']), AREA)} ", "muted"),
        ]
        room = max(0, width - sum(cell_len(text) for text, _ in left))
        message = one_line(entry["message"]) + (" ↵" if entry["details"] else "")
        if cell_len(message) > room:
            message = set_cell_size(message, max(0, room - 1)) + "…"
        return [*left, (set_cell_size(message, room), level)]

    def _strip(self, parts: Sequence[tuple[str, str]], *, chosen: bool) -> Strip:
        cursor = self._style("cursor" if self.has_focus else "cursor-blurred") if chosen else Style()
        return Strip([Segment(text, self.rich_style + self._style(name) + cursor) for text, name in parts])

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"log--{name}", partial=True)

    # ── Keys and the mouse ──

    def on_resize(self) -> None:
        self._settle()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.choose(self.top + event.y)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        event.prevent_default()
        self.choose(self.cursor - WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        event.prevent_default()
        self.choose(self.cursor + WHEEL)

    def action_move(self, step: int) -> None:
        self.choose(self.cursor + step)

    def action_page(self, step: int) -> None:
        self.choose(self.cursor + step * max(1, self.size.height - 1))

    def action_first(self) -> None:
        self.choose(0)

    def action_last(self) -> None:
        self.choose(len(self.entries) - 1)
