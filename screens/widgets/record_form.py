"""The lines of a record, painted one by one, with a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from screens.presenters.record_sheet import Line
from screens.widgets.sheet import padded

MARKS = {"dirty": "*", "invalid": "!", "conflict": "≠"}
STYLES = {"conflict": "dirty"}
NAME_WIDTH = 16


class RecordForm(Widget):
    """A line a field, file, or linked record: mark, name, value. Paints what the panel holds."""

    DEFAULT_CSS = """
    RecordForm { height: 1fr; background: $surface; }
    RecordForm > .form--name { color: $foreground-muted; }
    RecordForm > .form--value { color: $foreground; }
    RecordForm > .form--null { color: $foreground-muted; }
    RecordForm > .form--readonly { color: $foreground-muted; }
    RecordForm > .form--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    RecordForm > .form--blurred { background: $block-cursor-blurred-background; }
    RecordForm:ansi > .form--cursor { background: ansi_default; color: ansi_default; text-style: reverse; }
    RecordForm:ansi > .form--blurred { background: ansi_default; text-style: underline; }
    RecordForm > .form--dirty { color: $text-warning; text-style: bold; }
    RecordForm > .form--heading { color: $primary; text-style: bold; }
    RecordForm > .form--invalid { color: $text-error; text-style: bold underline; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "form--name",
        "form--value",
        "form--null",
        "form--readonly",
        "form--cursor",
        "form--blurred",
        "form--dirty",
        "form--heading",
        "form--invalid",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("home", "move(-999)", show=False),
        Binding("end,G", "move(999)", show=False),
    ]
    ALLOW_SELECT = False
    can_focus = True

    @dataclass
    class Moved(Message):
        """Another field is under the cursor."""

    @dataclass
    class Opened(Message):
        """A field was clicked twice."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = []
        self.at = self.top = 0

    def show(self, lines: Sequence[Line]) -> None:
        """Set the lines; the cursor stays on the line that it was on, where that is still there."""
        here = self.current
        self.lines = list(lines)
        places = [line.place for line in lines]
        self.at = places.index(here.place) if here is not None and here.place in places else self.at
        self.at = max(0, min(self.at, len(lines) - 1))
        self._reveal()
        self.refresh()

    @property
    def current(self) -> Line | None:
        """The line under the cursor."""
        return self.lines[self.at] if self.at < len(self.lines) else None

    def action_move(self, by: int) -> None:
        self.at = max(0, min(self.at + by, len(self.lines) - 1))
        self._reveal()
        self.refresh()
        self.post_message(self.Moved())

    def _reveal(self) -> None:
        height = max(1, self.size.height)
        self.top = max(0, min(self.top, self.at, len(self.lines) - 1))
        if self.at >= self.top + height:
            self.top = self.at - height + 1

    def on_resize(self) -> None:
        self._reveal()

    def region_of(self, line: int) -> Region:
        """Where a value stands, in our own coordinates."""
        left = NAME_WIDTH + 3
        return Region(left, line - self.top, max(8, self.size.width - left), 1)

    def render_line(self, y: int) -> Strip:
        width, at = self.size.width, self.top + y
        if at >= len(self.lines):
            return Strip.blank(width, self.rich_style)
        held = self.lines[at]
        ground = (
            self.get_component_rich_style("form--cursor" if self.has_focus else "form--blurred")
            if at == self.at
            else Style()
        )
        style = self.get_component_rich_style(f"form--{STYLES.get(held.state, held.state)}") + ground
        name = style if held.state == "heading" else self.get_component_rich_style("form--name") + ground
        room = max(1, width - NAME_WIDTH - 3)
        line = Strip(
            [
                Segment(f"{MARKS.get(held.state, ' ')} ", style),
                Segment(padded(held.title, NAME_WIDTH).plain + " ", name),
                Segment(held.text if cell_len(held.text) <= room else padded(held.text, room).plain, style),
            ]
        )
        return line.adjust_cell_length(width, self.rich_style + ground).crop(0, width)

    def on_click(self, event: events.Click) -> None:
        at = self.top + event.y
        if at < len(self.lines):
            self.at = at
            self.refresh()
            self.post_message(self.Moved())
            if event.chain == 2:
                self.post_message(self.Opened())

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_move(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_move(-1)
