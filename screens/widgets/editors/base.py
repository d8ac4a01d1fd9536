"""What all cell editors have in common: opened over a cell, one message line below, told apart only by their bodies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Region, Size
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from core.contract.console import Frequency, LinkHits
from core.contract.files import UploadedFile
from core.contract.tables import FieldInfo, TableInfo
from screens.actions.binding import bindings_of
from screens.presenters.value import ValueRefused
from screens.services.text import t

Move = Literal["stay", "right", "left", "down"]


class Lookups(Protocol):
    """What an editor may ask of the server about the field that it edits."""

    async def links(self, field: str, text: str) -> LinkHits: ...
    async def values(self, field: str, prefix: str) -> Frequency: ...
    async def upload(self, field: str, path: Path) -> UploadedFile:
        """Send a file of this machine, for a field."""
        ...

    async def fetch(self, key: str, target: Path) -> int:
        """Write a file that a record refers to; its bytes."""
        ...

    def related(self, field: str) -> TableInfo | None:
        """The table that a link field points into."""
        ...


@dataclass(frozen=True, slots=True)
class EditedCell:
    """What an editor is opened on.

    typed: the key that opened it, which replaces the value; None keeps the value. label: what a link's id stands for.
    """

    field: FieldInfo
    value: Any
    typed: str | None = None
    label: str = ""
    lookups: Lookups | None = None
    labels: Mapping[str, str] | None = None
    """Of a field with several links: what their ids stand for, as far as it is known."""


MESSAGE_LINES, MESSAGE_WIDTH = 3, 48
"""A message of more lines widens a narrow editor to so many columns."""


class CellEditor(Vertical):
    """One instance serves all cells of its kind. A value that was not touched is never written."""

    DEFAULT_CSS = """
    CellEditor {
        position: absolute; layer: editor; display: none;
        height: auto; width: 30; background: $surface; color: $foreground;
    }
    CellEditor.open { display: block; }
    CellEditor > .editor-message { height: auto; padding: 0 1; display: none; }
    CellEditor > .editor-message.shown { display: block; background: $panel; color: $foreground-muted; }
    CellEditor > .editor-message.refused { background: $error-muted; color: $text-error; text-style: bold; }
    CellEditor Input { border: none; height: 1; padding: 0 1; background: $surface; }
    CellEditor Input:focus { border: none; background: $primary-muted; }
    CellEditor Input.refused { background: $error-muted; text-style: underline; }
    CellEditor OptionList { border: none; height: auto; max-height: 10; padding: 0; background: $surface; }
    """

    # Saving begins with keeping what is typed: Ctrl+S would otherwise pass the open cell by.
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of("editor", priority=True),
        Binding("ctrl+s", "accept('stay')", show=False, priority=True),
    ]
    action_context = "editor"

    kind: ClassVar[str] = ""
    enter_accepts: ClassVar[bool] = True
    """Else Enter belongs to the text."""
    least_width: ClassVar[int] = 16
    rows: ClassVar[int] = 2
    """Lines that it needs, message included."""

    @dataclass
    class Done(Message):
        """The editor closes. `problem`: the value is kept although it cannot be saved like this."""

        editor: "CellEditor"
        changed: bool
        value: Any
        move: Move
        problem: str = ""

        @property
        def control(self) -> "CellEditor":
            return self.editor

    @dataclass
    class ValuesAsked(Message):
        """Another way to a value is wanted: NULL, default, empty, now."""

        editor: "CellEditor"

    def __init__(self) -> None:
        super().__init__()
        self.cell: EditedCell | None = None
        self._over, self._within = Region(), Size()
        self._told: Any = None
        """The draft that was refused last: accepting it again keeps it as it is."""

    def compose(self) -> ComposeResult:
        yield from self.compose_body()
        yield Static(classes="editor-message", markup=False)

    # ── For the kinds ──────────────────────────────────────────────────────────────────────────────────────────────────

    def compose_body(self) -> Iterable[Widget]:
        """The widgets of the kind."""
        return ()

    def show_cell(self, cell: EditedCell) -> None:
        """Fill the widgets and focus one of them."""
        raise NotImplementedError

    def draft(self) -> Any:
        """What stands in the widgets, comparable: the same draft as at the beginning means untouched."""
        raise NotImplementedError

    def value(self) -> Any:
        """The draft as a value. Raises ValueRefused."""
        raise NotImplementedError

    def kept(self) -> Any:
        """What stays in the cell, marked, when a refused draft is accepted all the same."""
        return self.draft()

    def at_once(self, cell: EditedCell) -> tuple[bool, Any]:
        """Whether the key that opened it already decides, and the value then."""
        return False, None

    def height_in(self, within: Size) -> int:
        """Lines that it takes in a container of that size, message included."""
        return self.rows

    # ── Life ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def is_open(self) -> bool:
        return self.has_class("open")

    def open(self, cell: EditedCell, over: Region, within: Size) -> None:
        """Open over a cell. `over` is the cell's region and `within` the size of the container, in its coordinates."""
        self.cell, self._told = cell, None
        self._over, self._within = over, within
        self.tell("")
        self.add_class("open")
        self.show_cell(cell)
        self._start = self.draft() if cell.typed is None else None

    def touched(self) -> bool:
        return bool(self.draft() != self._start)

    def tell(self, text: str, refused: bool = False) -> None:
        """Write the message; "" hides it."""
        message = self.query_one(".editor-message", Static)
        message.update(f"! {text}" if refused else text)
        message.set_class(bool(text), "shown")
        message.set_class(refused, "refused")
        for widget in self.query("Input"):
            widget.set_class(refused, "refused")
        self._place(message)

    def _place(self, message: Static) -> None:
        """Over the cell, as wide as a long message asks for, and as far up as it needs to be seen whole."""
        over, within = self._over, self._within
        width, lines = min(max(over.width, self.least_width), within.width), 1
        if message.has_class("shown"):
            lines = self._lines(message, width)
            if lines > MESSAGE_LINES and width < MESSAGE_WIDTH:
                width = min(MESSAGE_WIDTH, within.width)
                lines = self._lines(message, width)
        self.styles.width = width
        self.styles.offset = (
            max(0, min(over.x, within.width - width)),
            max(0, min(over.y, within.height - self.height_in(within) - lines + 1)),
        )

    def _lines(self, message: Static, width: int) -> int:
        return message.get_content_height(self._within, self.screen.size, width - 2)

    def close(self) -> None:
        self.remove_class("open")

    def action_accept(self, move: Move) -> None:
        """Take the value. A value that the field does not take is told first; accepting it again keeps it, marked."""
        if not self.is_open:
            return
        if not self.touched():
            self._finish(False, None, move)
            return
        try:
            value = self.value()
        except ValueRefused as problem:
            if self._told is None or self._told != self.draft():
                self._told = self.draft()
                self.tell(t("edit.refused", problem=str(problem)), refused=True)
            else:
                self._finish(True, self.kept(), move, str(problem))
            return
        self._finish(True, value, move)

    def action_editor_accept(self) -> None:
        self.action_accept("stay")

    def action_editor_next(self) -> None:
        self.action_accept("right")

    def action_editor_previous(self) -> None:
        self.action_accept("left")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "editor_accept" or self.enter_accepts

    def action_editor_cancel(self) -> None:
        """Leave the cell as it was."""
        self._finish(False, None, "stay")

    def action_editor_values(self) -> None:
        if self.is_open:
            self.close()
            self.post_message(self.ValuesAsked(self))

    def on_descendant_blur(self) -> None:
        self.call_after_refresh(self._left)

    def _left(self) -> None:
        """The focus has gone elsewhere (a click): keep what was typed, as accepting it twice would."""
        if not self.is_open or self.has_focus_within or not self.screen.is_current:
            return
        if not self.touched():
            self._finish(False, None, "stay")
            return
        try:
            self._finish(True, self.value(), "stay")
        except ValueRefused as problem:
            self._finish(True, self.kept(), "stay", str(problem))

    def _finish(self, changed: bool, value: Any, move: Move, problem: str = "") -> None:
        self.close()
        self.post_message(self.Done(self, changed, value, move, problem))
