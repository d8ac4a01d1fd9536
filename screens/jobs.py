"""Jobs: imports, exports and backups, what runs, what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from textual import work
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.client import NotFound, SovriumError
from core.contract.console import Job
from screens.actions.binding import bindings_of
from screens.presenters.format.line import one_line
from screens.presenters.job_center import ACTIVE, share
from screens.services.context import Context
from screens.services.download import free_name
from screens.services.number import grouped, size
from screens.services.style import STYLES
from screens.services.text import labelled, t
from screens.widgets.console_screen import ConsoleScreen
from screens.widgets.progress import bar

MARKS = {"queued": "○", "running": "⟳", "done": "✓", "failed": "✕", "cancelled": "–"}
TONES = {
    "queued": "$foreground-muted",
    "running": "$primary",
    "done": "$success",
    "failed": "$error",
    "cancelled": "$foreground-muted",
}


class JobsScreen(ConsoleScreen):
    """The list above, what is known of the chosen job below."""

    CSS_PATH = STYLES / "jobs.tcss"
    BINDINGS = bindings_of("jobs")
    AUTO_FOCUS = "#jobs-list"
    action_context = "jobs"
    mode = "jobs"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._shown: list[Job] = []

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="jobs-empty", classes="empty", markup=False)
        yield OptionList(id="jobs-list", classes="pane", markup=False, compact=True)
        with VerticalScroll(id="jobs-detail", classes="pane"):
            yield Static(id="jobs-text", markup=False)

    def on_mount(self) -> None:
        self.until_closed(self.context.jobs.changed.listen(lambda _: self.paint()))
        self.paint()

    def on_resize(self) -> None:
        self.call_after_refresh(self.paint)

    def language_changed(self) -> None:
        super().language_changed()
        self.paint()

    # ── Painting ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def paint(self) -> None:
        """Show the jobs as they are. The chosen one stays chosen; who looks at the newest goes on to the next one."""
        listing = self.query_one("#jobs-list", OptionList)
        chosen, known = self.chosen(), {job["id"] for job in self._shown}
        self._shown = self.context.jobs.all()
        if not listing.highlighted:
            chosen = next((job for job in self._shown if job["id"] not in known), chosen)
        width = max(40, listing.scrollable_content_region.width)
        listing.clear_options()
        listing.add_options([Option(self.line(job, width)) for job in self._shown])
        ids = [job["id"] for job in self._shown]
        if ids:
            listing.highlighted = ids.index(chosen["id"]) if chosen and chosen["id"] in ids else 0
        listing.display = bool(ids)
        self.query_one("#jobs-detail").display = bool(ids)
        empty = self.query_one("#jobs-empty", Static)
        empty.update(Content.assemble((t("jobs.none"), "bold"), "\n\n", (t("jobs.none-hint"), "$foreground-muted")))
        empty.display = not ids
        self.paint_detail()
        self.refresh_bindings()

    def line(self, job: Job, width: int) -> Content:
        """A job in one line: mark, title, progress, amount."""
        state = job["state"]
        amount = self.amount(job)
        if state == "running":
            right = Content.assemble(bar(share(job), min(24, width // 5)), f"  {amount:>12}")
        else:
            right = Content.assemble((t(f"jobs.state.{state}"), TONES[state]), f"  {amount:>12}")
        left = Content.assemble(("  " + MARKS[state] + " ", TONES[state]), job["title"])
        room = width - right.cell_length - 2
        left = left.truncate(room, ellipsis=True) if left.cell_length > room else left
        return Content.assemble(left, " " * (room - left.cell_length + 1), right)

    def amount(self, job: Job) -> str:
        """How far it came, in its own unit."""
        if job["state"] == "done" and job.get("rows") is not None:
            return t("jobs.rows", count=job["rows"], number=grouped(job["rows"]))
        if not job["done"]:  # what it does before there is anything to count
            return job["note"] or "…" if job["state"] == "running" else ""
        if job["unit"] == "bytes":
            return size(job["done"])
        return t("jobs.rows", count=job["done"], number=grouped(job["done"]))

    def paint_detail(self) -> None:
        job = self.chosen()
        if job is None:
            return
        facts = [(t("jobs.started"), clock_time(job["startedAt"]))]
        if job["finishedAt"]:
            facts.append((t("jobs.finished"), clock_time(job["finishedAt"])))
        if job.get("file"):
            facts.append((t("jobs.file"), f"{job['file']}  {size(job.get('size', 0))}"))
        if job["note"]:
            facts.append((t("jobs.note"), job["note"]))
        wide = max(len(name) for name, _ in facts)
        lines = [Content.styled(job["title"], "bold")]
        lines += [Content.assemble((f"{name:<{wide}}  ", "$foreground-muted"), value) for name, value in facts]
        if job["error"]:
            lines += [Content(""), Content.assemble(("✕ ", "bold $error"), job["error"])]
        rejected = job.get("rejected") or []
        if rejected:
            lines += [
                Content(""),
                Content.styled(t("jobs.rejected", count=job.get("refused", len(rejected))), "bold $warning"),
            ]
        for row in rejected:
            where = t("jobs.line", line=row.get("line", "?"))
            value = row.get("value")
            what = [row.get("field") or "", "" if value is None else t("value.quoted", text=one_line(str(value))[:60])]
            about, message = " ".join(filter(None, what)), row.get("message", "")
            text = labelled(about, message) if about else message
            lines.append(Content.assemble((f"{where}  ", "$foreground-muted"), text))
        if job.get("file") and job["state"] not in ACTIVE:
            key = "open" if job["kind"] != "import" else "aborted" if job["state"] == "failed" else "refused"
            hint = t(f"jobs.{key}-hint")
            lines += [Content(""), Content.styled(hint, "$foreground-muted")]
        self.query_one("#jobs-text", Static).update(Content("\n").join(lines))

    # ── Doing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def chosen(self) -> Job | None:
        """The highlighted job."""
        at = self.query_one("#jobs-list", OptionList).highlighted
        return self._shown[at] if at is not None and at < len(self._shown) else None

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self.paint_detail()
        self.refresh_bindings()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_jobs_open()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action.startswith("jobs_") and action != "jobs_backup":
            job = self.chosen() if self.is_mounted else None
            if job is None:
                return False
            active = job["state"] in ACTIVE
            return {"jobs_cancel": active, "jobs_clear": not active}.get(action, bool(job.get("file")) and not active)
        return super().check_action(action, parameters)

    def why_barred(self, action: str) -> str:
        """A console that only reads ends nothing but exports."""
        job = self.chosen()
        is_others = job is not None and job["kind"] != "export" and action in ("jobs_cancel", "jobs_clear")
        return t("read_only.told") if is_others and self.context.read_only else ""

    def action_jobs_open(self) -> None:
        """Save the file of an export or a backup here, or the rows that an import refused."""
        job = self.chosen()
        if job is not None and job.get("file") and job["state"] not in ACTIVE:
            self.save(job)

    @work(group="jobs", exit_on_error=False)
    async def save(self, job: Job) -> None:
        """Download the file of a job into the working folder, under a free name."""
        port = self.context.port
        if port is None:
            return
        target = free_name(Path.cwd() / Path(job.get("file", "export")).name)
        try:
            written = await port.download(job["id"], target)
        except SovriumError as error:
            self.notify(error.message, severity="error")
        except OSError as error:
            self.notify(str(error), severity="error")
        else:
            self.notify(t("jobs.saved", file=str(target), size=size(written)))

    @work(exclusive=True, group="backup", exit_on_error=False)
    async def action_jobs_backup(self) -> None:
        """Begin one. When it is done, its file is saved as others are."""
        port = self.context.port
        if port is None:
            return
        try:
            self.context.jobs.take(await port.admin.back_up())
        except NotFound:
            self.notify(t("listing.not-yours"), severity="warning")
        except SovriumError as error:
            self.notify(error.message, severity="error")

    @work(group="jobs", exit_on_error=False)
    async def action_jobs_cancel(self) -> None:
        """Ask the server to stop the job."""
        job, port = self.chosen(), self.context.port
        if job is None or port is None:
            return
        try:
            await port.cancel_job(job["id"])
        except SovriumError as error:
            self.notify(error.message, severity="error")

    @work(group="jobs", exit_on_error=False)
    async def action_jobs_clear(self) -> None:
        """Forget a finished job."""
        job, port = self.chosen(), self.context.port
        if job is None or port is None:
            return
        try:
            await port.cancel_job(job["id"])
        except SovriumError as error:
            self.notify(error.message, severity="error")
        else:
            self.context.jobs.forget(job["id"])


def clock_time(instant: str) -> str:
    """An instant of the API as local time."""
    try:
        return datetime.fromisoformat(instant).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return instant
