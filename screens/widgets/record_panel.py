"""One record from top to bottom beside the grid, with the same editors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from core.contract.tables import FieldInfo
from screens.actions.binding import bindings_of
from screens.presenters.format import formatter
from screens.presenters.incoming import MORE, Incoming, ancestors, computed_text, pointing_here, read_incoming
from screens.presenters.link import REF
from screens.presenters.paste import TargetRow
from screens.presenters.pending import PendingChanges, Staged
from screens.presenters.place import Place
from screens.presenters.value import NULL, SHAPED, check, edit_text, editable, is_cut, show, title_of, why_read_only
from screens.services.number import grouped
from screens.services.text import t
from screens.widgets.cell_values import value_hits
from screens.widgets.defect import tell_defect
from screens.widgets.editors.base import CellEditor, EditedCell
from screens.widgets.editors.link import LinkEditor
from screens.widgets.editors.registry import EditorHost
from screens.widgets.finder import Finder
from screens.widgets.grid_pane import GridPane
from screens.widgets.press import press_button
from screens.widgets.question import Questions

MARKS = {"dirty": "*", "invalid": "!", "conflict": "≠"}
NAME_WIDTH = 16


class RecordForm(Widget):
    """A line a field: mark, name, value. Paints what the panel holds."""

    DEFAULT_CSS = """
    RecordForm { height: 1fr; background: $surface; }
    RecordForm > .form--name { color: $foreground-muted; }
    RecordForm > .form--value { color: $foreground; }
    RecordForm > .form--null { color: $foreground-muted; }
    RecordForm > .form--readonly { color: $foreground-muted; }
    RecordForm > .form--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    RecordForm > .form--blurred { background: $block-cursor-blurred-background; }
    RecordForm > .form--dirty { color: $text-warning; text-style: bold; }
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
        self.lines: list[tuple[FieldInfo, str, str]] = []
        """Field, text, state: value, null, readonly, dirty, invalid, conflict."""
        self.at = self.top = 0

    def show(self, lines: list[tuple[FieldInfo, str, str]]) -> None:
        self.lines = lines
        self.at = max(0, min(self.at, len(lines) - 1))
        self._reveal()
        self.refresh()

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
        field, text, state = self.lines[at]
        ground = (
            self.get_component_rich_style("form--cursor" if self.has_focus else "form--blurred")
            if at == self.at
            else Style()
        )
        style = "dirty" if state == "conflict" else state
        mark = MARKS.get(state, " ")
        line = Strip(
            [
                Segment(f"{mark} ", self.get_component_rich_style(f"form--{style}") + ground),
                Segment(_fit(title_of(field), NAME_WIDTH) + " ", self.get_component_rich_style("form--name") + ground),
                Segment(text, self.get_component_rich_style(f"form--{style}") + ground),
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


def _fit(text: str, width: int) -> str:
    from rich.cells import set_cell_size

    from screens.widgets.sheet import padded

    return padded(text, width).plain if text else set_cell_size("", width)


@dataclass(frozen=True, slots=True)
class Spot:
    """What a line of a list leads to: one record, all of them (`key` ""), or more of the list (`more`)."""

    linked: Incoming
    key: str = ""
    more: bool = False


class RecordPanel(Container):
    """Follows the cursor of a pane. Reads the whole record, so that nothing is cut."""

    DEFAULT_CSS = """
    RecordPanel { width: 46; height: 1fr; layers: base editor; background: $surface; border-left: solid $border-blurred; }
    RecordPanel > #record-title { height: 1; padding: 0 1; background: $panel; text-style: bold; color: $primary; }
    RecordPanel > #record-note { height: auto; max-height: 10; padding: 0 1; color: $foreground; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("record")]
    action_context = "record"

    @dataclass
    class Closed(Message):
        """The person has had enough of it."""

    def __init__(self, pane: GridPane, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.pane = pane
        self.row: TargetRow | None = None
        self.host = EditorHost(self)
        self._field: FieldInfo | None = None
        self._incoming: list[Incoming] = []
        self._above: list[tuple[str, str]] = []
        self._spots: dict[int, Spot] = {}
        """What the lines below the fields lead to."""

    def compose(self) -> ComposeResult:
        yield Static(id="record-title", markup=False)
        yield RecordForm()
        yield Static(id="record-note", markup=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        tell_defect(self.app, event)

    @property
    def form(self) -> RecordForm:
        return self.query_one(RecordForm)

    @property
    def pending(self) -> PendingChanges:
        return self.pane.context.pending

    @work(exclusive=True, group="record", exit_on_error=False)
    async def follow(self) -> None:
        """Show the row under the pane's cursor: what the grid knows at once, then the whole record."""
        cell = await self.pane.cell_here()
        if cell is None or self.pane.edits is None:
            self.row = None
            self.query_one("#record-title", Static).update(t("record.none"))
            self.form.show([])
            return
        if self.row is None or self.row.key != cell[0].key:
            self._incoming, self._above = [], []
        self.row = cell[0]
        self.paint()
        if not self.row.key.startswith(REF):
            whole = await self.pane.transfer.guarded(self.pane.edits.record(self.row.key))
            if whole is not None:
                self.row = whole
                self.paint()
                await self._read_links()

    async def _read_links(self) -> None:
        """What links here, and what the record belongs to."""
        port, info, row, schema = self.pane.context.port, self.pane.info, self.row, self.pane.context.schema
        if port is None or info is None or row is None or schema is None:
            return
        found = [await read_incoming(port, *each, row.key) for each in pointing_here(schema["tables"], info)]
        above = await ancestors(port, info, row.key)
        if self.row is row:
            self._incoming, self._above = [each for each in found if each is not None], above
            self.paint()

    def _link_lines(self, at: int) -> list[tuple[FieldInfo, str, str]]:
        """The lists of what links here, below the fields. `at`: the line that they begin at."""
        lines: list[tuple[FieldInfo, str, str]] = []
        self._spots = {}

        def add(title: str, text: str, state: str, spot: Spot) -> None:
            self._spots[at + len(lines)] = spot
            lines.append(({**spot.linked.field, "label": title}, text, state))

        for linked in self._incoming:
            add(linked.title, f"{grouped(linked.total)}  {title_of(linked.field)}", "name", Spot(linked))
            for key, name in linked.records:
                add(" ", f"{name} →", "value", Spot(linked, key))
            if (rest := linked.total - len(linked.records)) > 0:
                add(" ", t("record.more", count=rest), "readonly", Spot(linked, more=True))
        return lines

    def paint(self) -> None:
        """The form from the row and what is staged over it."""
        row, info = self.row, self.pane.info
        if row is None or info is None:
            return
        lines = []
        for field in info["fields"]:
            staged = self.pending.cell(info["sqlName"], row.key, field["name"])
            value = staged.value if staged else row.values.get(field["name"])
            lines.append((field, self._text(field, value), self._state(field, value, staged)))
        self.form.show([*lines, *self._link_lines(len(lines))])
        title = self.pending.cell(info["sqlName"], row.key, info["displayField"])
        name = title.value if title else row.values.get(info["displayField"])
        text = str(name) if name is not None else t("record.new")
        self.query_one("#record-title", Static).update(" › ".join([*(each for _, each in self._above), text]))
        self.paint_note()

    def _text(self, field: FieldInfo, value: Any) -> str:
        if field["type"] == "button":
            return f"[ {title_of(field)} ]"
        if value is None:
            return NULL
        if field["editor"] in SHAPED:
            return formatter(field)(value)
        if field["family"] == "link":
            return self.pane.views.label(field, value) or show(field, value)
        if value == "" or value == [] or is_cut(value) or isinstance(value, dict | list):
            return show(field, value)
        return formatter(field)(value)

    def _state(self, field: FieldInfo, value: Any, staged: Staged | None) -> str:
        if staged is not None:
            return staged.state
        if value is None:
            return "null"
        return "value" if editable(field) else "readonly"

    def paint_note(self) -> None:
        """What is wrong with the field under the cursor, or what it is for."""
        field, info, row = self.field_here(), self.pane.info, self.row
        note = ""
        if field is not None and info is not None and row is not None:
            staged = self.pending.cell(info["sqlName"], row.key, field["name"])
            text = self._whole(field, staged.value if staged else row.values.get(field["name"]))
            note = f"! {staged.message}" if staged and staged.message else text or field["description"]
        self.query_one("#record-note", Static).update(note)

    def _whole(self, field: FieldInfo, value: Any) -> str:
        """The text of a value that does not fit into its line; "" for one that does."""
        text = edit_text(field, value) if isinstance(value, str | dict) and set(value) != {"ref"} else ""
        fits = len(text) <= self.form.size.width - NAME_WIDTH - 3 and "\n" not in text
        return "" if fits or field["editor"] not in ("text", "json", "line") else text

    def on_record_form_moved(self, event: RecordForm.Moved) -> None:
        event.stop()
        self.paint_note()

    def field_here(self) -> FieldInfo | None:
        form = self.form
        return form.lines[form.at][0] if form.lines and form.at not in self._spots else None

    # ── Editing ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_record_form_opened(self) -> None:
        self.action_record_edit()

    @work(exclusive=True, group="record-edit", exit_on_error=False)
    async def action_record_edit(self) -> None:
        async with self.pane.context.hold_keys():
            await self._edit()

    async def _open_spot(self, spot: Spot) -> None:
        """Go to a record that links here, to all of them, or read more of the list."""
        linked, row, port = spot.linked, self.row, self.pane.context.port
        table = linked.table["sqlName"]
        if row is None or port is None:
            return
        if spot.more:
            more = await read_incoming(port, linked.table, linked.field, row.key, len(linked.records) + MORE)
            self._incoming = [more if each is linked and more is not None else each for each in self._incoming]
            self.paint()
            return
        state: dict[str, Any] = {"table": table, "key": spot.key}
        if not spot.key:
            leaf = {"field": linked.field["name"], "operator": "equals", "value": row.key}
            state = {"table": table, "filter": leaf}
        self.pane.context.go(Place("tables", f"{table}#{spot.key or row.key}", linked.table["name"], state))

    async def _edit(self) -> None:
        if (spot := self._spots.get(self.form.at)) is not None:
            await self._open_spot(spot)
            return
        field, row, info = self.field_here(), self.row, self.pane.info
        if field is None or row is None or info is None:
            return
        if field["type"] == "button":
            pressing = press_button(self.app, self.pane.context.port, info["sqlName"], row.key, field)
            self.run_worker(pressing, group="press", exit_on_error=False)
            return
        if not editable(field):
            how = computed_text(field, row.values, info["fields"])
            self.query_one("#record-note", Static).update(how or why_read_only(field))
            return
        staged = self.pending.cell(info["sqlName"], row.key, field["name"])
        value = staged.value if staged else row.values.get(field["name"])
        typed = value if staged and staged.state == "invalid" and isinstance(value, str) else None
        label = self.pane.views.label(field, value) if field["family"] == "link" else ""
        self._field = field
        inside = self.form.region_of(self.form.at)
        region = Region(inside.x, inside.y + 1, inside.width, 1)
        questions = Questions(self.pane.context, info["sqlName"])
        await self.host.open(EditedCell(field, value, typed, label, questions), region, self.content_size)

    def on_cell_editor_done(self, event: CellEditor.Done) -> None:
        event.stop()
        field, self._field = self._field, None
        self.form.focus()
        if field is not None and event.changed:
            self._stage(field, event.value, event.problem)
        if event.move == "right":
            self.form.action_move(1)
        elif event.move == "left":
            self.form.action_move(-1)

    def on_link_editor_follow_asked(self, event: LinkEditor.FollowAsked) -> None:
        event.stop()
        cell = event.editor.cell
        if cell is not None:
            self.pane.views.go_to(cell.field, event.key)

    def on_cell_editor_values_asked(self, event: CellEditor.ValuesAsked) -> None:
        event.stop()
        self.form.focus()
        self.action_record_value()

    def _stage(self, field: FieldInfo, value: Any, problem: str = "") -> None:
        if self.row is not None and self.pane.edits is not None:
            self.pane.edits.stage([self.row], field, value, problem)
            self.paint()

    @work(exclusive=True, group="record-edit", exit_on_error=False)
    async def action_record_value(self) -> None:
        field = self.field_here()
        if field is None or not editable(field):
            return
        hit = await self.app.push_screen_wait(Finder(t("values.placeholder", field=title_of(field)), value_hits(field)))
        if hit is not None:
            self._stage(field, hit.value, check(field, hit.value))

    def action_record_clear(self) -> None:
        field = self.field_here()
        if field is None or not editable(field):
            return
        if problem := check(field, None):
            self.app.notify(problem, severity="warning")
        else:
            self._stage(field, None)

    def action_record_close(self) -> None:
        self.post_message(self.Closed())

    def action_app_back(self) -> None:
        """Escape: back to the grid."""
        self.post_message(self.Closed())

    # ── Moving between records ─────────────────────────────────────────────────────────────────────────────────────────

    def _turn(self, step: int) -> None:
        grid = self.pane.grid
        if grid is not None:
            grid.move_to(grid.model.selection.row + step, grid.model.selection.column)

    def action_record_next(self) -> None:
        self._turn(1)

    def action_record_previous(self) -> None:
        self._turn(-1)

    def action_record_follow(self) -> None:
        field, grid = self.field_here(), self.pane.grid
        if field is not None and grid is not None and (place := grid.model.layout.index(field["name"])) is not None:
            grid.move_to(grid.model.selection.row, place)
            self.pane.action_link_follow()
