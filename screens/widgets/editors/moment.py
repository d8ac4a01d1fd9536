"""Editors of days and instants: natural words, and a calendar that follows what is typed."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from screens.presenters.moment import zone_of
from screens.presenters.value import ValueRefused, edit_text, parse
from screens.services.text import t
from screens.widgets.editors.base import EditedCell
from screens.widgets.editors.line import LineEditor


class Calendar(Widget):
    """The month around a day, Monday first. A click picks a day."""

    DEFAULT_CSS = """
    Calendar { height: 8; width: 1fr; padding: 0 1; background: $surface; }
    Calendar > .calendar--title { text-style: bold; color: $primary; }
    Calendar > .calendar--names { color: $foreground-muted; }
    Calendar > .calendar--other { color: $foreground-muted; text-style: dim; }
    Calendar > .calendar--today { text-style: underline; color: $accent; }
    Calendar > .calendar--day { color: $primary; text-style: bold reverse; }
    Calendar > .calendar--plain { color: $foreground; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "calendar--title",
        "calendar--names",
        "calendar--other",
        "calendar--today",
        "calendar--day",
        "calendar--plain",
    }
    ALLOW_SELECT = False
    can_focus = False

    class Picked(Message):
        def __init__(self, day: date) -> None:
            super().__init__()
            self.day = day

    def __init__(self) -> None:
        super().__init__()
        self.day = self.today = date(2000, 1, 1)

    def show_day(self, day: date, today: date) -> None:
        self.day, self.today = day, today
        self.refresh()

    def first(self) -> date:
        """The Monday in the upper left corner."""
        start = self.day.replace(day=1)
        return start - timedelta(days=start.weekday())

    def render_line(self, y: int) -> Strip:
        style = self.get_component_rich_style
        if y == 0:
            months = t("value.words.months").split()
            title = f"{months[self.day.month - 1]} {self.day.year}"
            return Strip([Segment(title.center(20), style("calendar--title"))]).adjust_cell_length(
                self.size.width, self.rich_style
            )
        if y == 1:
            names = " ".join(name[:2] for name in t("value.words.weekdays").split())
            return Strip([Segment(names, style("calendar--names"))]).adjust_cell_length(
                self.size.width, self.rich_style
            )
        segments = []
        for column in range(7):
            try:
                day = self.first() + timedelta(days=(y - 2) * 7 + column)
            except OverflowError:
                break
            name = "plain" if day.month == self.day.month else "other"
            name = "today" if day == self.today else name
            name = "day" if day == self.day else name
            segments += [Segment(f"{day.day:2}", style(f"calendar--{name}")), Segment(" ", style("calendar--plain"))]
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)

    def on_click(self, event: Click) -> None:
        column, row = (event.x - 1) // 3, event.y - 2
        if 0 <= column < 7 and row >= 0:
            self.post_message(self.Picked(self.first() + timedelta(days=row * 7 + column)))


class DateEditor(LineEditor):
    """A day: written, said (`friday`, `+3d`), stepped with ↑ ↓ (days) and PgUp PgDn (months), or clicked."""

    kind = "date"
    suggests = False
    least_width = 24
    rows = 11
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(-1)", show=False, priority=True),
        Binding("down", "step(1)", show=False, priority=True),
        Binding("pageup", "step(-30)", show=False, priority=True),
        Binding("pagedown", "step(30)", show=False, priority=True),
    ]

    def compose_body(self) -> Iterable[Widget]:
        yield from super().compose_body()
        yield Calendar()

    def show_cell(self, cell: EditedCell) -> None:
        self._day = self.today()
        super().show_cell(cell)

    def today(self) -> date:
        assert self.cell is not None
        return datetime.now(zone_of(self.cell.field["options"].get("timeZone"))).date()

    def explain(self, text: str) -> None:
        assert self.cell is not None
        try:
            value = parse(self.cell.field, text) if text.strip() else None
        except ValueRefused:
            self.tell("")
            return
        if value is not None:
            written = edit_text(self.cell.field, value)
            self._day = date.fromisoformat(written[:10])
            weekday = t("value.words.weekdays").split()[self._day.weekday()]
            self.tell(f"{weekday} {written}")
        else:
            self.tell("")
        self.query_one(Calendar).show_day(self._day, self.today())

    def action_step(self, days: int) -> None:
        try:
            target = self._month(days // 30) if abs(days) == 30 else self._day + timedelta(days=days)
        except (OverflowError, ValueError):
            return
        self.put(target)

    def _month(self, by: int) -> date:
        year, month = divmod(self._day.year * 12 + self._day.month - 1 + by, 12)
        for day in (self._day.day, 30, 29, 28):
            try:
                return date(year, month + 1, day)
            except ValueError:
                continue
        raise ValueError(month)

    def put(self, day: date) -> None:
        """Write a day into the line, keeping what follows it."""
        _, _, rest = self.draft().partition(" ")
        has_time = bool(rest) and ":" in rest
        self.input.value = f"{day.isoformat()} {rest}" if has_time else day.isoformat()
        self.input.cursor_position = len(self.input.value)

    def on_calendar_picked(self, event: Calendar.Picked) -> None:
        event.stop()
        self.put(event.day)
        self.input.focus()


class DatetimeEditor(DateEditor):
    """A day and a time on the clock of the field's zone."""

    kind = "datetime"
    least_width = 26
