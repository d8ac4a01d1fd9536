"""Editors of fields of files: a list with a line below it, into which the path of a file of this machine is typed.

The machine is the console's: over SSH that is where the console runs, and its files are sent to the server.
"""

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from core.client import SovriumError
from screens.presenters.format import file_text
from screens.presenters.format.line import one_line
from screens.presenters.value import ValueRefused, title_of
from screens.services.download import at_home, place_for, plain_name
from screens.services.text import t
from screens.widgets.editors.base import CellEditor, EditedCell, Move
from screens.widgets.path_input import PathSuggester


class FilesEditor(CellEditor):
    """Enter with a path adds the file; Enter in the empty line takes the list. Delete removes the chosen one, Alt+↑ ↓ move
    it, ^O saves a copy, ^E opens it."""

    DEFAULT_CSS = """
    FilesEditor > OptionList { max-height: 8; }
    """
    kind = "files"
    least_width = 66
    several: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", show=False, priority=True),
        Binding("down", "choose(1)", show=False, priority=True),
        Binding("alt+up", "shift(-1)", show=False, priority=True),
        Binding("alt+down", "shift(1)", show=False, priority=True),
        Binding("delete", "remove", show=False, priority=True),
        Binding("ctrl+o", "save_copy", show=False, priority=True),
        Binding("ctrl+e", "open_copy", show=False, priority=True),
    ]

    def compose_body(self) -> Iterable[Widget]:
        yield OptionList(compact=True, markup=False)
        yield Input(compact=True, select_on_focus=False, suggester=PathSuggester())

    @property
    def input(self) -> Input:
        return self.query_one(Input)

    @property
    def choices(self) -> OptionList:
        return self.query_one(OptionList)

    def height_in(self, within: Size) -> int:
        return min(8, max(1, len(self.files))) + 3

    def show_cell(self, cell: EditedCell) -> None:
        self.choices.can_focus = False
        with self.prevent(Input.Changed):
            self.input.value = cell.typed or ""
        self.input.cursor_position = len(self.input.value)
        self.input.placeholder = t("files.path")
        self.input.focus()
        self._show_files(0)

    def open(self, cell: EditedCell, *place: Any) -> None:
        value = cell.value
        self.files: list[dict[str, Any]] = []
        if isinstance(value, list | dict):
            self.files = list(value) if isinstance(value, list) else [value]
        self._busy = False
        super().open(cell, *place)
        self._start = self.draft()  # a typed key begins a path; it replaces nothing

    def _show_files(self, at: int) -> None:
        self.choices.clear_options()
        self.choices.add_options(Option(one_line(file_text(each))) for each in self.files)
        self.choices.display = bool(self.files)
        self.choices.highlighted = max(0, min(at, len(self.files) - 1)) if self.files else None
        self.tell(t("files.keys" if self.files else "files.none"))

    @property
    def _at(self) -> int | None:
        return self.choices.highlighted if self.files else None

    def draft(self) -> Any:
        if self.several:
            nothing = self.cell is not None and self.cell.value is None
            return None if nothing and not self.files else list(self.files)
        return self.files[0] if self.files else None

    def value(self) -> Any:
        assert self.cell is not None
        draft, field = self.draft(), self.cell.field
        if not draft and field["required"]:
            raise ValueRefused(t("value.required", field=title_of(field)))
        most = field["options"].get("maxFiles")
        if most and len(self.files) > most:
            raise ValueRefused(t("value.too_many", most=most))
        return draft

    def touched(self) -> bool:
        return bool(self.draft() != self._start)

    # ── Keys ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_accept(self, move: Move) -> None:
        if not self.is_open or self._busy:
            return
        if self.input.value.strip():
            self.add(self.input.value.strip(), move)
            return
        super().action_accept(move)

    def action_choose(self, by: int) -> None:
        if self._at is not None:
            self.choices.highlighted = (self._at + by) % len(self.files)

    def action_shift(self, by: int) -> None:
        at = self._at
        if at is not None and 0 <= at + by < len(self.files):
            self.files[at], self.files[at + by] = self.files[at + by], self.files[at]
            self._show_files(at + by)

    def action_remove(self) -> None:
        if self.input.value:
            self.input.action_delete_right()
        elif self._at is not None:
            at = self._at
            del self.files[at]
            self._show_files(at)

    @work(exclusive=True, group="files", exit_on_error=False)
    async def add(self, text: str, move: Move) -> None:
        """Send the file of that path."""
        cell = self.cell
        if cell is None or cell.lookups is None:
            return
        path = at_home(text.strip("'\""))
        self._busy = True
        self.tell(t("files.sending", name=one_line(path.name)))
        try:
            if not await asyncio.to_thread(path.is_file):
                known = "files.folder" if await asyncio.to_thread(path.is_dir) else "files.no_file"
                self.tell(t(known, path=one_line(str(path))), refused=True)
                return
            made = await cell.lookups.upload(cell.field["name"], path)
        except SovriumError as error:
            self.tell(one_line(error.message), refused=True)
            return
        finally:
            self._busy = False
        if self.cell is not cell or not self.is_open:
            return
        known = {name: made[name] for name in ("key", "filename", "mimeType", "size", "bucket", "url") if name in made}
        self.files = [*self.files, known] if self.several else [known]
        self.input.value = ""
        self._show_files(len(self.files) - 1)
        if move != "stay":
            super().action_accept(move)

    @work(exclusive=True, group="files", exit_on_error=False)
    async def action_save_copy(self) -> None:
        """To the path in the line, or into the folder of downloads (the home, where there is none)."""
        at, typed = self._at, self.input.value.strip()
        if at is None:
            self.app.bell()
            return
        target, is_free = await asyncio.to_thread(place_for, typed, plain_name(self.files[at]))
        if not is_free:
            self.tell(t("files.exists", path=one_line(str(target))), refused=True)
            return
        if await self._fetch(self.files[at], target):
            self.input.value = ""
            self.tell(t("files.saved", path=one_line(str(target))))

    @work(exclusive=True, group="files", exit_on_error=False)
    async def action_open_copy(self) -> None:
        """With the program that this machine has for it."""
        at = self._at
        if at is None:
            self.app.bell()
            return
        folder = Path(tempfile.mkdtemp(prefix="sovrium-"))
        target = folder / plain_name(self.files[at])
        if await self._fetch(self.files[at], target):
            self.app.open_url(target.as_uri())
            self.tell(t("files.opened", path=one_line(str(target))))

    async def _fetch(self, file: dict[str, Any], target: Path) -> bool:
        cell = self.cell
        if cell is None or cell.lookups is None:
            return False
        try:
            await cell.lookups.fetch(str(file["key"]), target)
        except (SovriumError, OSError) as error:
            self.tell(one_line(str(error)), refused=True)
            return False
        return True

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.input.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()


class FileEditor(FilesEditor):
    """One file: another takes its place."""

    kind = "file"
    several = False
