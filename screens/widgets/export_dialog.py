"""Rows into a file: the form, the columns, the place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal, cast

from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from screens.actions.binding import bindings_of
from screens.services.context import Context
from screens.services.number import grouped
from screens.services.text import t
from screens.widgets.path_input import PathInput
from screens.widgets.sheet import Sheet

Form = Literal["csv", "json", "parquet"]
FORMS: tuple[Form, ...] = ("csv", "json", "parquet")


@dataclass(frozen=True, slots=True)
class ExportWanted:
    """What to export, and where to."""

    form: Form
    fields: list[str]
    path: Path


class ExportDialog(Sheet[ExportWanted | None]):
    """F2 turns the form, F3 between shown and all columns; Enter starts. names: the shown columns of a table; without them
    it is a result, of which all columns are written."""

    DEFAULT_CSS = """
    ExportDialog .sheet { width: 72; }
    ExportDialog Static { height: auto; margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("export")]
    action_context = "export"

    def __init__(
        self, context: Context, table: str, count: int, names: Sequence[str] = (), *, more: bool = False
    ) -> None:
        """more: there are more rows than were counted."""
        super().__init__(context, t("export.title", table=table))
        self.table, self.names, self.count, self.more = table, list(names), count, more
        self.form: Form = cast(Form, context.session.get("export.form", "csv"))
        self.all_columns = False

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="export-form", markup=False)
        yield PathInput(str(self.file()), id="export-path")
        yield Static("", id="export-note", classes="sheet-note", markup=False)

    def file(self) -> Path:
        """A name nobody has to think about."""
        return Path.cwd() / f"{self.table}-{datetime.now():%Y-%m-%d}.{self.form}"

    def on_mount(self) -> None:
        self.paint()
        self.query_one(PathInput).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "export_columns" or bool(self.names)

    def paint(self) -> None:
        pieces: list[tuple[str, str] | str] = []
        for form in FORMS:
            pieces += [
                (f" {form.upper()} ", "bold reverse $primary" if form == self.form else "$foreground-muted"),
                " ",
            ]
        columns = t("export.all" if self.all_columns or not self.names else "export.shown", count=len(self.names))
        rows = t("export.more" if self.more else "export.rows", count=self.count, number=grouped(self.count))
        self.query_one("#export-form", Static).update(
            Content.assemble(*pieces, (f"   {rows}   {columns}", "$foreground-muted"))
        )
        target = self.target
        notes = [] if str(target) == self.query_one(PathInput).value else [f"→ {target}"]
        if target.exists():
            notes.append(t("export.exists"))
        if self.names and self.context.pending.count():
            notes.append(t("export.staged"))
        self.query_one("#export-note", Static).update("\n".join(notes))

    @property
    def target(self) -> Path:
        """Where the file goes: into a folder under the proposed name, a name without an ending gets that of the form."""
        path = self.query_one(PathInput).path
        if path.is_dir():
            return path / self.file().name
        return path if path.suffix or not path.name else path.with_suffix(f".{self.form}")

    def action_export_form(self) -> None:
        path, old = self.query_one(PathInput), f".{self.form}"
        self.form = FORMS[(FORMS.index(self.form) + 1) % len(FORMS)]
        if path.value.endswith(old):
            path.value = path.value.removesuffix(old) + f".{self.form}"
            path.choose_name()
        self.paint()

    def action_export_columns(self) -> None:
        self.all_columns = not self.all_columns
        self.paint()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The form follows the ending that was typed."""
        event.stop()
        ending = self.query_one(PathInput).path.suffix.lower().removeprefix(".")
        self.form = next((form for form in FORMS if form == ending), self.form)
        self.paint()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_export_start()

    def action_export_start(self) -> None:
        path = self.target
        if not path.name or not path.parent.is_dir():
            self.query_one("#export-note", Static).update(f"! {t('files.no_folder', folder=str(path.parent))}")
            return
        self.context.session.put("export.form", self.form)
        self.dismiss(ExportWanted(self.form, [] if self.all_columns else self.names, path))
