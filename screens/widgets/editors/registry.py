"""One editor per editor kind of the field types, and the host that opens them over a container."""

from textual.geometry import Region, Size
from textual.widget import Widget

from core.contract.tables import FieldInfo
from screens.presenters.value import editable
from screens.widgets.editors.base import CellEditor, EditedCell
from screens.widgets.editors.choice import ChoiceEditor, ChoicesEditor
from screens.widgets.editors.file import FileEditor, FilesEditor
from screens.widgets.editors.line import DurationEditor, LineEditor, NumberEditor, PlaceEditor, TimeEditor
from screens.widgets.editors.link import LinkEditor
from screens.widgets.editors.links import LinksEditor
from screens.widgets.editors.list import ListEditor
from screens.widgets.editors.mark import CheckboxEditor, RatingEditor
from screens.widgets.editors.moment import DateEditor, DatetimeEditor
from screens.widgets.editors.person import UserEditor, UsersEditor
from screens.widgets.editors.text import JsonEditor, TextEditor

EDITORS: dict[str, type[CellEditor]] = {
    editor.kind: editor
    for editor in (
        LineEditor,
        TextEditor,
        NumberEditor,
        DateEditor,
        DatetimeEditor,
        TimeEditor,
        DurationEditor,
        CheckboxEditor,
        ChoiceEditor,
        ChoicesEditor,
        LinkEditor,
        LinksEditor,
        JsonEditor,
        RatingEditor,
        ListEditor,
        PlaceEditor,
        UserEditor,
        UsersEditor,
        FileEditor,
        FilesEditor,
    )
}


def kind_of(field: FieldInfo) -> str:
    """The kind of editor that opens on a field; "none" for one that cannot be written."""
    return field["editor"] if editable(field) and field["editor"] in EDITORS else "none"


class EditorHost:
    """Opens editors inside a container, which has a layer `editor` and gets their messages. Editors are made once."""

    def __init__(self, container: Widget) -> None:
        self.container = container
        self._editors: dict[str, CellEditor] = {}

    async def open(self, cell: EditedCell, over: Region, within: Size | None = None) -> CellEditor | None:
        """Open the editor for a cell; None when the key that asked has decided already, and `Done` is on its way."""
        editor = await self._editor(kind_of(cell.field))
        decided, value = editor.at_once(cell)
        if decided:
            self.container.post_message(CellEditor.Done(editor, value != cell.value, value, "stay"))
            return None
        editor.open(cell, over, within or self.container.size)
        return editor

    @property
    def current(self) -> CellEditor | None:
        """The editor that is open."""
        return next((editor for editor in self._editors.values() if editor.is_open), None)

    async def _editor(self, kind: str) -> CellEditor:
        if kind not in self._editors:
            self._editors[kind] = EDITORS[kind]()
            await self.container.mount(self._editors[kind])
        return self._editors[kind]
