"""Rows into a file: the form, the columns, the place."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal, cast

from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from core.contract.console import Job
from screens.actions.binding import bindings_of
from screens.presenters.job_center import ACTIVE, JobCenter
from screens.services.context import Context
from screens.services.number import grouped
from screens.services.text import t
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
    """F2 turns the form, F3 between shown and all columns; Enter starts."""

    DEFAULT_CSS = """
    ExportDialog .sheet { width: 72; }
    ExportDialog Static { height: auto; margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("files")]
    action_context = "files"

    def __init__(self, context: Context, table: str, names: Sequence[str], count: int) -> None:
        super().__init__(context, t("export.title", table=table))
        self.table, self.names, self.count = table, list(names), count
        self.form: Form = cast(Form, context.session.get("export.form", "csv"))
        self.all_columns = False

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="export-form")
        yield Input(str(self.file()), id="export-path", compact=True, select_on_focus=False)
        yield Static("", id="export-note", classes="sheet-note", markup=False)

    def file(self) -> Path:
        """A name nobody has to think about."""
        return Path.cwd() / f"{self.table}-{datetime.now():%Y-%m-%d}.{self.form}"

    def on_mount(self) -> None:
        self.paint()
        self.query_one(Input).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action not in ("files_map", "files_duplicates")

    def paint(self) -> None:
        pieces: list[tuple[str, str] | str] = []
        for form in FORMS:
            pieces += [
                (f" {form.upper()} ", "bold reverse $primary" if form == self.form else "$foreground-muted"),
                " ",
            ]
        columns = t("export.all" if self.all_columns else "export.shown", count=len(self.names))
        rows = t("export.rows", count=self.count, number=grouped(self.count))
        self.query_one("#export-form", Static).update(
            Content.assemble(*pieces, (f"   {rows}   {columns}", "$foreground-muted"))
        )
        path = Path(self.query_one(Input).value).expanduser()
        note = t("export.exists") if path.exists() else t("export.staged") if self.context.pending.count() else ""
        self.query_one("#export-note", Static).update(note)

    def action_files_turn(self) -> None:
        old = f".{self.form}"
        self.form = FORMS[(FORMS.index(self.form) + 1) % len(FORMS)]
        path = self.query_one(Input)
        path.value = path.value.removesuffix(old) + f".{self.form}"
        self.paint()

    def action_files_columns(self) -> None:
        self.all_columns = not self.all_columns
        self.paint()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.paint()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_files_start()

    def action_files_start(self) -> None:
        path = Path(self.query_one(Input).value).expanduser()
        if not path.name or not path.parent.is_dir():
            self.query_one("#export-note", Static).update(f"! {t('files.no_folder', folder=str(path.parent))}")
            return
        self.context.session.put("export.form", self.form)
        self.dismiss(ExportWanted(self.form, [] if self.all_columns else self.names, path))


async def finished(jobs: JobCenter, job_id: str) -> Job | None:
    """A job when it has ended; None when it was forgotten."""
    ended = asyncio.Event()

    def look(_: Job | None) -> None:
        job = jobs.get(job_id)
        if job is None or job["state"] not in ACTIVE:
            ended.set()

    stop = jobs.changed.listen(look)
    look(None)
    await ended.wait()
    stop()
    return jobs.get(job_id)
