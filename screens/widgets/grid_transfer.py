"""Cells and rows in and out of a pane: copy, paste, export, import."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from core.client import SovriumError
from core.contract.console import ExportRequest, Job
from screens.presenters.clipboard_block import Form, parse_block
from screens.presenters.link import REF
from screens.presenters.link_name import learn_names
from screens.presenters.paste import PasteDraft
from screens.presenters.record import MOST_ROWS, TooManyRows
from screens.presenters.value import editable, title_of
from screens.services.number import grouped
from screens.services.text import t
from screens.widgets.copy_flow import choose_form, copy
from screens.widgets.paste_preview import PastePreview

if TYPE_CHECKING:
    from screens.widgets.grid_pane import GridPane

T = TypeVar("T")
LONG = 200_000
"""Characters of a pasted text from which on it is taken apart beside the screen."""


class GridTransfer:
    """Part of a `GridPane`: runs in its workers."""

    def __init__(self, pane: GridPane) -> None:
        self.pane = pane

    async def guarded(self, work: Awaitable[T]) -> T | None:
        """The result; None when it failed, which a person is told."""
        try:
            return await work
        except SovriumError as error:
            self.pane.app.notify(error.message, severity="error")
        except TooManyRows as error:
            text = t("tables.too_many", count=grouped(error.count), most=grouped(MOST_ROWS))
            self.pane.app.notify(text, severity="warning")
        return None

    def _start(self, work: Any) -> None:
        self.pane.run_worker(work, group="transfer", exclusive=True, exit_on_error=False)

    # ── Copy ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def copy(self, form: Form) -> None:
        """The chosen cells into the clipboard."""
        self._start(self._copy(form))

    def copy_as(self) -> None:
        """Choose the form first."""
        self._start(self._copy_as())

    async def _copy_as(self) -> None:
        form = await choose_form(self.pane.app)
        if form is not None:
            await self._copy(form)

    async def _copy(self, form: Form) -> None:
        edits = self.pane.edits
        block = await self.guarded(edits.block()) if edits else None
        if block is not None and edits is not None:
            await copy(self.pane.app, self.pane.context, form, *block, edits.table)

    # ── Paste ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def paste_held(self) -> None:
        """What was copied in the console, with its types."""
        held = self.pane.context.clipboard.held
        if held is None:
            self.pane.app.notify(t("paste.nothing"), severity="warning")
            return
        self._start(self._paste([list(row) for row in held.rows]))

    def paste_text(self, text: str) -> None:
        """What the terminal pasted; our own copy comes back with its types."""
        held = self.pane.context.clipboard.matches(text)
        self._start(self._paste([list(row) for row in held.rows]) if held else self._paste_text(text))

    async def _paste_text(self, text: str) -> None:
        await self._paste(await asyncio.to_thread(parse_block, text) if len(text) > LONG else parse_block(text))

    async def _paste(self, rows: list[list[Any]]) -> None:
        edits, model = self.pane.edits, self.pane.model
        if edits is None or model is None or not rows:
            return
        if not self.pane.access.may.get("create", True) and self.pane.access.denied("update"):
            return
        if len(rows) == 1 and len(rows[0]) == 1 and model.count:
            await self._fill(rows[0][0])
            return
        draft = await self.guarded(edits.paste_draft(rows))
        if draft is None:
            return
        await self._learn(draft)
        if await self.pane.app.push_screen_wait(PastePreview(self.pane.context, draft, self._learn)):
            await self._learn(draft)  # of columns that were led elsewhere
            if (draft.new_rows or draft.large) and self.pane.access.denied("create"):
                return
            if draft.changed_rows and self.pane.access.denied("update"):
                return
            if draft.large:
                await self._send(draft)
            else:
                self._stage(draft)

    async def _learn(self, draft: PasteDraft) -> None:
        """Find the records that pasted texts name; the grid is told what they are called."""
        context, model = self.pane.context, self.pane.model
        if context.port is None or model is None:
            return
        await learn_names(context.port, draft, context.related)
        for field, known in draft.names.items():
            for name, key in known.items():
                if key:
                    model.learn_label(field, key, name)

    async def _send(self, draft: PasteDraft) -> None:
        """A block that is too large to stage, as an import: a job with progress that can be cancelled."""
        info, context = self.pane.info, self.pane.context
        if info is None or context.port is None:
            self.pane.app.notify(t("change.offline"), severity="warning")
            return
        names = [field["name"] for field in draft.mapping if field]
        with tempfile.NamedTemporaryFile(prefix="paste-", suffix=".ndjson") as file:
            await asyncio.to_thread(draft.write, file)
            file.flush()
            started = context.port.start_import(
                info["sqlName"], Path(file.name), mapping={name: name for name in names}, skip_errors=draft.skip_errors
            )
            job = await self.guarded(started)
        if job is not None:
            self._follow(job, t("paste.started", count=len(draft.body), number=grouped(len(draft.body))))

    def _stage(self, draft: PasteDraft) -> None:
        edits = self.pane.edits
        if edits is not None:
            refs = edits.paste(draft)
            rows = len(draft.body)
            over = t("paste.over", count=rows, number=grouped(rows))
            some = t("paste.staged", rows=grouped(rows), count=len(refs), number=grouped(len(refs)))
            self.pane.app.notify(some if refs else over)

    async def _fill(self, raw: Any) -> None:
        """One value into the cell, or into all chosen cells."""
        edits = self.pane.edits
        assert edits is not None
        values = []
        for field in edits.chosen_fields():
            if editable(field):
                draft = PasteDraft([[raw]], [field], [])
                await self._learn(draft)
                value, problem, _ = draft.cell(field, raw)
                values.append((field, value, problem))
        if not values:
            field = edits.field_here()
            self.pane.app.notify(t("paste.read_only", field=title_of(field) if field else ""), severity="warning")
            return
        rows = await self.guarded(edits.chosen_rows([field["name"] for field, _, _ in values]))
        if rows is not None:
            edits.stage_all(rows, values)

    # ── Files ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def export(self) -> None:
        """Ask for form and file, then run as a job."""
        self._start(self._export())

    def export_chosen(self) -> None:
        """The same for the rows that are chosen."""
        self._start(self._export(chosen=True))

    async def _export(self, *, chosen: bool = False) -> None:
        from screens.widgets.export_dialog import ExportDialog
        from screens.widgets.export_flow import export

        model, info, context = self.pane.model, self.pane.info, self.pane.context
        if model is None or info is None or model.view is None or context.port is None:
            return
        keys: list[str] | None = None
        if chosen and model.selection.mode != "all" and self.pane.edits is not None:
            rows = await self.guarded(self.pane.edits.chosen_rows([]))
            keys = [row.key for row in rows or () if not row.key.startswith(REF)]
            if not keys:
                return
        count = model.view["count"] if keys is None else len(keys)
        dialog = ExportDialog(context, info["sqlName"], count, model.layout.names)
        wanted = await self.pane.app.push_screen_wait(dialog)
        if wanted is not None:
            request: ExportRequest = {"format": wanted.form, "view": model.view["id"], "fields": wanted.fields}
            if keys is not None:
                request["keys"] = keys
            await export(self.pane.app, context, request, wanted.path)

    def import_file(self) -> None:
        """Ask for a file and its mapping, then run as a job."""
        self._start(self._import())

    async def _import(self) -> None:
        from screens.widgets.import_dialog import ImportDialog

        info, context = self.pane.info, self.pane.context
        if info is None or context.port is None:
            return
        wanted = await self.pane.app.push_screen_wait(ImportDialog(context, info))
        if wanted is None or context.port is None:
            return
        job = await self.guarded(
            context.port.start_import(
                info["sqlName"],
                wanted.path,
                mapping=wanted.mapping,
                skip_errors=wanted.skip_errors,
                duplicates=wanted.duplicates,
                key=wanted.key,
            )
        )
        if job is not None:
            self._follow(job, t("import.started", file=wanted.path.name))

    def _follow(self, job: Job, begun: str) -> None:
        """An import has begun, which is told, and so will be what it refuses."""
        self.pane.context.jobs.take(job)
        self.pane.app.notify(begun)
        self.pane.app.run_worker(self._tell_refused(job["id"]), exit_on_error=False)

    async def _tell_refused(self, job_id: str) -> None:
        """When an import has ended: how many rows it refused and where they are, or why it failed."""
        from screens.widgets.export_flow import finished

        job = await finished(self.pane.context.jobs, job_id)
        if job is None:
            return
        failed = job["state"] == "failed"
        if refused := job.get("refused"):
            text = t("import.aborted" if failed else "import.refused", count=refused, number=grouped(refused))
            self.pane.app.notify(text, title=job["title"], severity="error" if failed else "warning")
        elif failed:
            self.pane.app.notify(str(job["error"]), title=t("import.failed"), severity="error")
