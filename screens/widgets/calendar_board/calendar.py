"""A calendar: the records of a table on the days of a month or week. An event that is moved is a staged edit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from textual import events, work

from core.client import SovriumError
from core.contract.console import GroupSpec
from core.contract.records import Filter
from core.contract.tables import FieldInfo
from screens.presenters.agenda import (
    WEEK,
    Scale,
    bases_by_day,
    clock_of,
    day_of,
    days_shown,
    is_day,
    moved,
    range_filter,
    stepped,
    without_range,
    zone,
)
from screens.presenters.grid_row import GridRow
from screens.presenters.row_source import Query
from screens.presenters.view_book import Look
from screens.services.number import grouped
from screens.services.text import t
from screens.widgets.board.face import Face, Line, cells
from screens.widgets.grid.cell import Piece
from screens.widgets.grid.painter import fit

if TYPE_CHECKING:
    from screens.widgets.grid_pane import GridPane

HEAD = 2
"""Lines above the days: the month, the names of the days."""
LISTED_AT_MOST = 200
"""Rows of one day that are listed."""
MOST_READ = 1000
"""Rows that are looked at for events that span days."""


class CalendarBoard(Face):
    """Arrows go from day to day. Enter goes into a day with several events; with Shift the arrows move the event."""

    def __init__(self, pane: GridPane, look: Look, today: date | None = None) -> None:
        super().__init__(pane, look)
        self.today = today or datetime.now().astimezone().date()
        self.day = self.today
        self.scale: Scale = "month"
        self.event = 0
        self.inside = False
        """The cursor is among the events of the day."""
        self.undated = 0
        self._leaf: Filter | None = None
        self._by_day: dict[date, list[tuple[int, int]]] = {}
        self._staged: dict[date, list[str]] = {}
        self._spans: dict[date, list[GridRow]] = {}
        """Rows that began on an earlier day and are not over."""
        self._dragged: tuple[str, date] | None = None

    @property
    def field(self) -> FieldInfo:
        return self.fields[self.look.date]

    @property
    def end_field(self) -> FieldInfo | None:
        """Where events end, in a calendar whose events may span days."""
        return self.fields.get(self.look.end)

    # ── Which rows ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_mount(self) -> None:
        super().on_mount()
        self.ask()

    def ask(self) -> None:
        """The rows of the days shown."""
        query = self.model.query
        leaf = range_filter(self.field, days_shown(self.day, self.scale), self.end_field)
        base = without_range(query.filter, self._leaf)
        self._leaf = leaf
        self.model.set_query(replace(query, filter=joined(base, leaf), group=GroupSpec(field=self.look.date)))
        self.count_undated(base)

    def base_query(self, query: Query) -> Query:
        """What is asked without the range: what a person chose."""
        return replace(query, filter=without_range(query.filter, self._leaf))

    @work(exclusive=True, group="undated", exit_on_error=False)
    async def count_undated(self, base: Filter | None) -> None:
        """Records without a date stand on no day; how many there are is told."""
        empty: Filter = {"field": self.look.date, "operator": "isNull"}
        source, query = self.model.source, self.model.query
        try:
            view = await source.open(Query(joined(base, empty), deleted=query.deleted, view=query.view))
            self.undated = int((await source.groups(view["id"], "count"))["aggregations"]["count"])
            await source.close(view["id"])
        except SovriumError:
            return
        self.paint()

    def rows_changed(self) -> None:
        if self._leaf is not None and not holds(self.model.query.filter, self._leaf):
            self.call_after_refresh(self.ask)  # conditions were changed elsewhere: the range is asked for again
            return
        self._by_day = bases_by_day(self.field, self.model.groups.blocks)
        self._staged = self._arrivals()
        self._spans = self._continued()
        self._follow()

    def staged(self) -> None:
        if self.is_attached:
            self._staged = self._arrivals()
            self._spans = self._continued()
            self._follow()
            self.paint()

    def _arrivals(self) -> dict[date, list[str]]:
        """Keys of the rows whose staged date is that day."""
        found: dict[date, list[str]] = {}
        for change in self.pane.context.pending.rows(self.pane.info_name):
            staged = next((cell for cell in change.cells if cell.field == self.look.date), None)
            day = day_of(self.field, staged.new) if staged is not None and change.op in ("create", "update") else None
            if day is not None:
                found.setdefault(day, []).append(change.key)
        return found

    def _continued(self) -> dict[date, list[GridRow]]:
        """The rows of each day shown that began before it, as far as they are read."""
        found: dict[date, list[GridRow]] = {}
        if self.end_field is None:
            return found
        days = days_shown(self.day, self.scale)
        stored = (self.model.base_row(base) for base in self._bases() if self._by_day)
        staged = (self._by_key(key) for keys in self._staged.values() for key in keys)
        rows = {row.key: row for row in (*stored, *staged) if row is not None}
        for row in rows.values():
            begun, over = self._span(row)
            if begun is None or over is None or over <= begun:
                continue
            day = max(begun + timedelta(days=1), days[0])
            while day <= min(over, days[-1]):
                found.setdefault(day, []).append(row)
                day += timedelta(days=1)
        return found

    def _unread(self) -> int:
        """Rows that may go on into later days and are not looked at."""
        if self.end_field is None:
            return 0
        return sum(last - first + 1 for runs in self._by_day.values() for first, last in runs) - len(self._bases())

    def _bases(self) -> list[int]:
        """Positions of the rows that are read for the days shown."""
        runs = [run for each in self._by_day.values() for run in each]
        return [base for run in runs for base in _listed(*run)][:MOST_READ]

    def _span(self, row: GridRow) -> tuple[date | None, date | None]:
        """First and last day of an event."""
        begun = day_of(self.field, self.value(row, self.look.date))
        end = self.end_field
        return begun, begun if end is None else day_of(end, self.value(row, self.look.end))

    def events_of(self, day: date) -> list[GridRow | None]:
        """The rows of a day, staged ones first, those that go on from days before last; None for those on their way."""
        began = list(self._spans.get(day, ()))
        arrived = [self._by_key(key) for key in self._staged.get(day, ())]
        keys = set(self._staged.get(day, ()))
        found: list[GridRow | None] = [row for row in arrived if row is not None]
        for first, last in self._by_day.get(day, ()):
            for base in _listed(first, last):
                row = self.model.base_row(base)
                if row is None or (row.key not in keys and not self._is_gone(row)):
                    found.append(row)
        return [*found, *began]

    def _count(self, day: date, listed: list[GridRow | None]) -> int:
        """How many events a day has, also those that are not listed."""
        own = sum(last - first + 1 for first, last in self._by_day.get(day, ()))
        return max(len(listed), own + len(self._spans.get(day, ())))

    def _by_key(self, key: str) -> GridRow | None:
        position = self.model.position_of(key)
        if position is not None and self.model.is_new(position):
            return self.model.row(position)
        found = self.model.cache.find(key)
        return None if found is None else self.model.base_row(found[0].start + found[1])

    def _is_gone(self, row: GridRow) -> bool:
        staged = self.pane.context.pending.cell(self.pane.info_name, row.key, self.look.date)
        return staged is not None

    def row_here(self) -> GridRow | None:
        listed = self.events_of(self.day)
        return listed[min(self.event, len(listed) - 1)] if listed else None

    def _follow(self) -> None:
        row = self.row_here()
        position = None if row is None else self.model.position_of(row.key)
        if position is not None:
            self.model.selection.row = position

    # ── Painting ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _frame(self) -> tuple[list[date], int, int, int]:
        """Days, cells of a day, lines of a week, lines of the list below."""
        days = days_shown(self.day, self.scale)
        weeks = len(days) // WEEK
        room = max(self.size.height - HEAD, weeks)
        below = max(4, min(10, room // 4)) if room >= weeks * 2 + 4 else 0
        return days, max(1, self.size.width // WEEK), max(1, (room - below) // weeks), below

    def compose_lines(self, width: int, height: int) -> list[Line]:
        days, each, tall, below = self._frame()
        shown = [run for day in days for run in self._by_day.get(day, ())]
        if self.end_field is not None:
            shown = [run for day in sorted(self._by_day) for run in self._by_day[day]][:MOST_READ]
            self._spans = self._continued()
        self.model.need_base([(first, min(last, first + LISTED_AT_MOST)) for first, last in shown])
        lines = [self._head(width), self._names(width, each)]
        for start in range(0, len(days), WEEK):
            blocks = []
            for place, day in enumerate(days[start : start + WEEK]):
                room = each if place < WEEK - 1 else width - each * (WEEK - 1)
                blocks.append(self._day_lines(day, room, tall))
            lines += [[part for block in blocks for part in block[y]] for y in range(tall)]
        return [*lines, *self._list_lines(width, height - len(lines))] if below else lines

    def _head(self, width: int) -> Line:
        months = t("value.words.months").split()
        title = f" {months[self.day.month - 1]} {self.day.year}"
        if self.scale == "week":
            title += f"  {t('calendar.week', number=self.day.isocalendar().week)}"
        undated = f"  {t('calendar.undated', count=grouped(self.undated))}" if self.undated else ""
        unread = self._unread()
        more = f"  ! {t('calendar.unread', count=grouped(unread))}" if unread > 0 else ""
        state = "  …" if self.model.loading else ""
        if self.model.failure is not None:
            state = f"  ! {self.model.failure.message}"
        return cells([(title, "sort"), (undated, "muted"), (more, "dirty"), (state, "muted")], width, "header")

    def _names(self, width: int, each: int) -> Line:
        names = t("value.words.weekdays").split()
        length = 3 if each < 12 else 12
        return cells([(fit(f" {name[:length].capitalize()}", each), "muted") for name in names], width, "row")

    def _day_lines(self, day: date, width: int, tall: int) -> list[Line]:
        """One day: its number, then its events, `+3` where they do not all fit."""
        listed = self.events_of(day)
        count = self._count(day, listed)
        is_here = day == self.day
        under = "row"
        if is_here:
            under = "cursor-row" if self.inside else "cursor" if self.has_focus else "cursor-blurred"
        style = "sort" if day == self.today else "text" if self._is_inner(day) else "placeholder"
        mark = "•" if day == self.today else " "
        number = f"{'›' if is_here else ' '}{day.day:>2}{mark}"
        room = tall - 1
        shown = listed if len(listed) <= room else listed[: max(room - 1, 0)]
        more = count - len(shown)
        label = f"+{grouped(more)}" if more > 0 and room == len(shown) else ""
        inner = width - 1
        lines: list[Line] = [
            [
                *cells([(number, style), (fit(label, max(inner - 4, 0), "right"), "muted")], inner, under),
                ("│", "edge", "row"),
            ]
        ]
        for place, row in enumerate(shown):
            chosen = is_here and self.inside and place == self.event
            lines.append([*self._event(row, inner, day, chosen=chosen), ("│", "edge", "row")])
        if more > 0 and room > len(shown):
            lines.append([*cells([(f" +{grouped(more)}", "muted")], inner, "row"), ("│", "edge", "row")])
        while len(lines) < tall:
            lines.append([(" " * inner, "text", "row"), ("│", "edge", "row")])
        return lines[:tall]

    def _is_inner(self, day: date) -> bool:
        return self.scale == "week" or day.month == self.day.month

    def _event(self, row: GridRow | None, width: int, day: date, *, chosen: bool) -> Line:
        """An event in its day; `◂` where it goes on from the day before, `▸` where it goes on."""
        under = ("cursor" if self.has_focus else "cursor-blurred") if chosen else "row"
        if row is None:
            return cells([(" ╌╌╌", "placeholder")], width, under)
        begun, over = self._span(row)
        before, after = begun is not None and begun < day, over is not None and over > day
        line = cells([("◂" if before else "▌", self.color(row)), *self._told(row, width > 24)], width - after, under)
        return [*line, *cells([("▸", self.color(row))], 1, under)] if after else line

    def _told(self, row: GridRow, with_clock: bool) -> list[Piece]:
        clock = clock_of(self.field, self.value(row, self.look.date)) if with_clock else ""
        mark, style = self.mark(row)
        return [
            (mark if mark != " " else "", style),
            (f"{clock} " if clock else "", "muted"),
            (self.title(row), "text"),
        ]

    def _list_lines(self, width: int, height: int) -> list[Line]:
        """The events of the day under the cursor, with their details."""
        names = t("value.words.weekdays").split()
        title = f" {names[self.day.weekday()].capitalize()} {self.day.isoformat()}"
        listed = self.events_of(self.day)
        count = self._count(self.day, listed)
        cut = f"  ! {t('calendar.cut', count=grouped(len(listed)))}" if count > len(listed) else ""
        parts = [(title, "text"), (f"  {grouped(count)}" if count else "", "muted"), (cut, "dirty")]
        lines = [cells(parts, width, "header")]
        if not listed:
            return [*lines, cells([(f"  {t('calendar.none')}", "muted")], width, "row")][:height]
        room = max(height - 1, 1)
        top = max(0, min(self.event - room + 1, len(listed) - room)) if self.inside else 0
        for place, row in enumerate(listed[top : top + room], top):
            chosen = self.inside and place == self.event
            under = ("cursor" if self.has_focus else "cursor-blurred") if chosen else "row"
            if row is None:
                lines.append(cells([(" ╌╌╌", "placeholder")], width, under))
                continue
            details = [part for name in self.details() for part in [("  ", "text"), *self.pieces(row, name)]]
            lines.append(cells([("▌", self.color(row)), *self._told(row, True), *details], width, under))
        return lines[:height]

    # ── Moving the cursor ──────────────────────────────────────────────────────────────────────────────────────────────

    def go_to(self, day: date) -> None:
        """Stand on a day; another range is asked for where it is not on screen."""
        shown = days_shown(self.day, self.scale)
        self.day, self.event, self.inside = day, 0, False
        if days_shown(day, self.scale) != shown:
            self.ask()
        self._follow()
        self.stand(None)

    def _step(self, days: int) -> None:
        try:
            self.go_to(self.day + timedelta(days=days))
        except OverflowError:
            self.app.bell()

    def _choose(self, step: int) -> None:
        self.event = max(0, min(self.event + step, len(self.events_of(self.day)) - 1))
        self._follow()
        self.stand(None)

    def action_card_up(self) -> None:
        self._choose(-1) if self.inside else self._step(-WEEK)

    def action_card_down(self) -> None:
        self._choose(1) if self.inside else self._step(WEEK)

    def action_card_left(self) -> None:
        self._step(-1)

    def action_card_right(self) -> None:
        self._step(1)

    def action_card_page_up(self) -> None:
        self.action_card_previous()

    def action_card_page_down(self) -> None:
        self.action_card_next()

    def action_card_previous(self) -> None:
        self.go_to(stepped(self.day, self.scale, -1))

    def action_card_next(self) -> None:
        self.go_to(stepped(self.day, self.scale, 1))

    def action_card_first(self) -> None:
        self.go_to(next(day for day in days_shown(self.day, self.scale) if self._is_inner(day)))

    def action_card_last(self) -> None:
        self.go_to([day for day in days_shown(self.day, self.scale) if self._is_inner(day)][-1])

    def action_card_today(self) -> None:
        self.go_to(self.today)

    def action_card_scale(self) -> None:
        self.scale = "week" if self.scale == "month" else "month"
        self.ask()
        self.paint()

    def action_card_open(self) -> None:
        listed = self.events_of(self.day)
        if len(listed) > 1 and not self.inside:
            self.inside, self.event = True, 0
            self._follow()
            self.stand(None)
        elif listed:
            super().action_card_open()

    def value_of_new(self) -> tuple[str, Any] | None:
        """On the day under the cursor."""
        if not is_day(self.field):
            morning = datetime(self.day.year, self.day.month, self.day.day, 9, tzinfo=zone(self.field))
            return self.look.date, morning.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return self.look.date, self.day.isoformat()

    def came(self, key: str) -> None:
        self.rows_changed()
        listed = self.events_of(self.day)
        self.event = next((place for place, row in enumerate(listed) if row is not None and row.key == key), 0)
        self._follow()
        self.stand(None)

    def step_back(self) -> bool:
        """Escape: from the events back to the days."""
        if not self.inside:
            return super().step_back()
        self.inside = False
        self.paint()
        return True

    # ── Moving an event ────────────────────────────────────────────────────────────────────────────────────────────────

    def action_card_move_left(self) -> None:
        self._move_event(-1)

    def action_card_move_right(self) -> None:
        self._move_event(1)

    def action_card_move_up(self) -> None:
        self._move_event(-WEEK)

    def action_card_move_down(self) -> None:
        self._move_event(WEEK)

    def _move_event(self, days: int) -> None:
        row = self.row_here()
        if row is None:
            self.app.bell()
            return
        value = moved(self.field, self.value(row, self.look.date), days)
        if value is None:
            self.app.bell()
            return
        if not self.stage(row, self.field, value):
            return
        if self.look.end in self.fields and (
            end := moved(self.fields[self.look.end], self.value(row, self.look.end), days)
        ):
            self.stage(row, self.fields[self.look.end], end)
        inside, key = self.inside, row.key
        self.day = self.day + timedelta(days=days)
        shown = days_shown(self.day - timedelta(days=days), self.scale)
        listed = self.events_of(self.day)
        self.event = next((place for place, each in enumerate(listed) if each is not None and each.key == key), 0)
        self.inside = inside and len(listed) > 1
        if days_shown(self.day, self.scale) != shown:
            self.ask()
        self.stand(None)

    # ── Mouse ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _at(self, x: int, y: int) -> tuple[date, int] | None:
        """The day at a cell, and the event on that line (-1: its number)."""
        days, each, tall, _ = self._frame()
        week = (y - HEAD) // tall
        if y < HEAD or week * WEEK >= len(days):
            return None
        return days[week * WEEK + min(x // each, WEEK - 1)], (y - HEAD) % tall - 1

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        self.focus()
        found = self._at(event.x, event.y)
        if found is None:
            return
        day, line = found
        self.go_to(day)
        listed = self.events_of(day)
        if 0 <= line < len(listed):
            self.event, self.inside = line, len(listed) > 1
            row = listed[line]
            self._dragged = None if row is None else (row.key, day)
            self._follow()
            self.stand(None)
        self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        event.stop()
        self.release_mouse()
        dragged, self._dragged = self._dragged, None
        found = self._at(max(0, event.x), event.y)
        if dragged is not None and found is not None and found[0] != dragged[1] and self.row_here() is not None:
            self._move_event((found[0] - dragged[1]).days)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if event.chain == 2:
            self.action_card_open()

    def wheel(self, step: int, event: events.MouseEvent) -> None:
        self.go_to(stepped(self.day, self.scale, step))


def joined(tree: Filter | None, leaf: Filter) -> Filter:
    """Both must hold; other conditions on the same field stay."""
    if tree is None:
        return leaf
    parts: list[Any] = list(tree["and"]) if set(tree) == {"and"} else [tree]
    return {"and": [*parts, leaf]}


def holds(tree: Filter | None, leaf: Filter) -> bool:
    return tree == leaf or (tree is not None and leaf in tree.get("and", ()))


def _listed(first: int, last: int) -> range:
    """Positions of the rows of a day that are listed."""
    return range(first, min(last + 1, first + LISTED_AT_MOST))
