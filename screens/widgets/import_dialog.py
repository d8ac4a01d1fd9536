"""A file into a table: which column goes into which field, and what happens to rows that do not fit."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from core.client import SovriumError
from core.contract.console import ImportPreview
from core.contract.tables import TableInfo
from screens.actions.binding import bindings_of
from screens.presenters.finder import Hit
from screens.presenters.value import editable, title_of
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.finder import Finder
from screens.widgets.path_input import PathInput
from screens.widgets.sheet import Sheet, padded

SUFFIXES = (".csv", ".tsv", ".json", ".ndjson", ".parquet")


@dataclass(frozen=True, slots=True)
class ImportWanted:
    """What to import. mapping: column of the file → field. duplicates: what happens to records that are there already
    (create, skip, overwrite), told by the unique field `key`."""

    path: Path
    mapping: dict[str, str]
    skip_errors: bool
    duplicates: str = "create"
    key: str | None = None


class ImportDialog(Sheet[ImportWanted | None]):
    """Enter on the path reads the head of the file; then ^S starts."""

    DEFAULT_CSS = """
    ImportDialog #import-path { margin-bottom: 1; }
    ImportDialog OptionList { margin-bottom: 1; }
    ImportDialog OptionList { max-height: 14; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("import")]
    action_context = "import"

    def __init__(self, context: Context, info: TableInfo) -> None:
        super().__init__(context, t("import.title", table=info["name"]))
        self.info = info
        self.fields = {field["name"]: field for field in info["fields"] if editable(field)}
        self.preview: ImportPreview | None = None
        self.mapping: dict[str, str | None] = {}
        self.skip_errors = False
        self.duplicates: tuple[str, str | None] = ("create", None)

    def compose_body(self) -> Iterable[Widget]:
        yield PathInput(str(Path.cwd()) + "/", id="import-path", suffixes=SUFFIXES)
        yield OptionList(compact=True, markup=False)
        yield Static(t("import.hint"), id="import-note", classes="sheet-note", markup=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).display = False
        self.query_one(PathInput).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.preview is not None if action.startswith("import_") else super().check_action(action, parameters)

    @property
    def path(self) -> Path:
        return self.query_one(PathInput).path

    def note(self, text: str, *, problem: bool = False) -> None:
        note = self.query_one("#import-note", Static)
        note.set_class(problem, "sheet-problem")
        note.update(f"! {text}" if problem else text)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Another path: what was read, or was wrong, is of the file before."""
        event.stop()
        self.preview = None
        self.query_one(OptionList).display = False
        self.note(t("import.hint"))
        self.refresh_bindings()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.read()

    @work(exclusive=True, group="import", exit_on_error=False)
    async def read(self) -> None:
        """Look into the file."""
        path, port = self.path, self.context.port
        if not path.is_file():
            self.note(t("import.no_file", file=str(path)), problem=True)
            return
        if path.suffix.lower() not in SUFFIXES:
            self.note(t("import.no_form", forms=", ".join(SUFFIXES)), problem=True)
            return
        if port is None:
            self.note(t("change.offline"), problem=True)
            return
        try:
            self.preview = await port.preview_import(self.info["sqlName"], path)
        except (SovriumError, OSError) as error:
            self.note(str(error), problem=True)
            return
        self.mapping = {column["name"]: column.get("field") for column in self.preview["columns"]}
        self.paint(0)
        self.query_one(OptionList).focus()

    def paint(self, at: int | None = None) -> None:
        """A line a column: name, samples, field."""
        options = self.query_one(OptionList)
        options.display = True
        at = (options.highlighted or 0) if at is None else at
        options.clear_options()
        for column in self.preview["columns"] if self.preview else ():
            field = self.fields.get(self.mapping.get(column["name"]) or "")
            samples = ", ".join(str(sample) for sample in column.get("samples", ())[:3])
            options.add_option(
                Option(
                    Content.assemble(
                        padded(column["name"], 22, "bold"),
                        padded(samples, 32, "$foreground-muted"),
                        ("  →  ", "$foreground-muted"),
                        (title_of(field), "bold $primary") if field else (t("paste.nowhere"), "$foreground-muted"),
                    )
                )
            )
        options.highlighted = at
        missing = [
            title_of(f) for f in self.fields.values() if f["required"] and f["name"] not in self.mapping.values()
        ]
        if missing:
            self.note(t("import.missing", fields=", ".join(missing)), problem=True)
        else:
            self.note(f"{t('import.skip' if self.skip_errors else 'import.abort')}\n{self._duplicates_text()}")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_import_map()

    @work(exit_on_error=False)
    async def action_import_map(self) -> None:
        """Choose the field of the highlighted column."""
        at = self.query_one(OptionList).highlighted
        if at is None or self.preview is None:
            return
        hits = [Hit(label=title_of(f), kind=f["type"], value=f["name"]) for f in self.fields.values()]
        hits.append(Hit(label=t("paste.nowhere"), value=None))
        hit = await self.app.push_screen_wait(Finder(t("paste.map"), hits))
        if hit is not None:
            self.mapping[self.preview["columns"][at]["name"]] = hit.value
            self.paint()

    def action_import_refused(self) -> None:
        """What happens to rows that do not fit: stop, or leave them out."""
        self.skip_errors = not self.skip_errors
        self.paint()

    def _duplicates_text(self) -> str:
        what, key = self.duplicates
        return t(f"import.{what}", field=title_of(self.fields[key]) if key else "")

    @work(exit_on_error=False)
    async def action_import_duplicates(self) -> None:
        """What happens to records that are there already, told by a unique field that the file fills."""
        unique = [f for f in self.fields.values() if f["unique"] and f["name"] in self.mapping.values()]
        hits = [Hit(label=t("import.create"), value=("create", None))]
        hits += [
            Hit(label=t(f"import.{what}", field=title_of(field)), value=(what, field["name"]))
            for field in unique
            for what in ("skip_there", "overwrite")
        ]
        if not unique:
            self.app.notify(t("import.no_unique", table=self.info["name"]), severity="warning")
            return
        hit = await self.app.push_screen_wait(Finder(t("import.duplicates"), hits))
        if hit is not None:
            self.duplicates = hit.value
            self.paint()

    def action_import_start(self) -> None:
        mapping = {column: field for column, field in self.mapping.items() if field}
        if mapping:
            what, key = self.duplicates if self.duplicates[1] in (None, *mapping.values()) else ("create", None)
            duplicates = what.removesuffix("_there")
            self.dismiss(ImportWanted(self.path, mapping, self.skip_errors, duplicates, key))
