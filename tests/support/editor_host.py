"""A small app around the editors: a cell to open them on, and what they answered."""

from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult
from textual.containers import Container
from textual.geometry import Region
from textual.widgets import Button, Static

from core.contract.console import Frequency, LinkHits
from core.contract.files import UploadedFile
from core.contract.tables import FieldInfo, TableInfo
from screens.widgets.editors.base import CellEditor, EditedCell
from screens.widgets.editors.link import LinkEditor
from screens.widgets.editors.registry import EditorHost

FAMILIES = {"line": "text", "text": "text", "choice": "select", "choices": "multi", "datetime": "date", "time": "date"}
FAMILIES |= {"place": "json", "list": "multi", "users": "user", "file": "json", "files": "json"}
TYPES = {"line": "single-line-text", "text": "long-text", "number": "decimal", "choice": "single-select"}


def a_field(
    editor: str, *, kind: str = "", required: bool = False, read_only: bool = False, **options: Any
) -> FieldInfo:
    """A field with an editor of that kind."""
    return FieldInfo(
        id="1",
        name="field",
        label="Field",
        description="",
        type=kind or TYPES.get(editor, editor),
        family=FAMILIES.get(editor, "number" if editor in ("rating", "duration") else editor),
        editor=editor,
        required=required,
        unique=False,
        indexed=False,
        readOnly=read_only,
        system=False,
        numeric=False,
        default=None,
        options=options,
        operators=[],
    )


class Answers:
    """Lookups over fixed values."""

    PEOPLE = (("1", "Ada Lovelace", "London"), ("2", "Grace Hopper", "New York"), ("3", "Łukasz Nowak", "Kraków"))

    async def links(self, field: str, text: str) -> LinkHits:
        hits = [{"id": i, "label": n, "detail": d} for i, n, d in self.PEOPLE if text.lower() in n.lower()]
        return LinkHits(hits=hits)

    async def values(self, field: str, prefix: str) -> Frequency:
        return Frequency(values=[[v, 1] for v in ("Oslo", "Osaka") if v.startswith(prefix)])

    async def upload(self, field: str, path: Path) -> UploadedFile:
        key, size = f"sent-{path.name}", path.stat().st_size  # noqa: ASYNC240
        return UploadedFile(
            key=key, filename=path.name, mimeType="text/plain", size=size, bucket="local", url=f"/{key}", sha256=""
        )

    async def fetch(self, key: str, target: Path) -> int:
        return target.write_text(f"bytes of {key}")  # noqa: ASYNC240

    def related(self, field: str) -> TableInfo | None:
        """People, known by their names."""
        return TableInfo(
            id="people",
            name="people",
            sqlName="people",
            primaryKey="id",
            displayField="field",
            fields=[a_field("line")],
            views=[],
            permissions={},
            createdAt="",
            updatedAt="",
        )


class Pane(Container):
    DEFAULT_CSS = "Pane { layers: base editor; height: 1fr; } Pane > #cell { offset: 4 2; width: 20; }"

    def compose(self) -> ComposeResult:
        yield Static("the cell", id="cell")
        yield Button("elsewhere")


class EditorApp(App[None]):
    """`edit(field, value)` opens; `done` is what came back, `asked` whether the value menu was wanted."""

    def __init__(self, field: FieldInfo, value: Any = None, typed: str | None = None, label: str = "") -> None:
        super().__init__()
        self.cell = EditedCell(field, value, typed, label, Answers())
        self.done: CellEditor.Done | None = None
        self.asked = False
        self.followed = ""

    def compose(self) -> ComposeResult:
        yield Pane()

    async def on_mount(self) -> None:
        self.host = EditorHost(self.query_one(Pane))
        await self.edit()

    async def edit_another(self, field: FieldInfo, value: Any) -> None:
        """Open the editor of another cell; what came back before is forgotten."""
        self.cell, self.done = EditedCell(field, value, None, "", Answers()), None
        await self.edit()
        await self.workers.wait_for_complete()

    async def edit(self) -> None:
        pane = self.query_one(Pane)
        await self.host.open(self.cell, Region(4, 2, 20, 1), self.size)
        pane.refresh()

    def on_cell_editor_done(self, event: CellEditor.Done) -> None:
        self.done = event

    def on_link_editor_follow_asked(self, event: LinkEditor.FollowAsked) -> None:
        self.followed = event.key

    def on_cell_editor_values_asked(self) -> None:
        self.asked = True
