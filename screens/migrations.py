"""Migrations: what the app file would change, the versions so far, what differs between two, the way back (M-042, M-052)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from textual import work
from textual.containers import Container
from textual.content import Content
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import OptionList, Static

from core.client import NotFound, SovriumError
from core.contract.migrations import MigrationEntry, MigrationPlan, MigrationStatus, RunRequest
from screens.actions.binding import bindings_of
from screens.presenters.migration import (
    Line,
    is_empty,
    loses,
    plan_lines,
    status_lines,
    summary,
    version_line,
    version_lines,
)
from screens.presenters.refusal import problem_of
from screens.services.context import Context
from screens.services.style import STYLES
from screens.services.text import t
from screens.widgets.line_view import LineView
from screens.widgets.listing import Listing
from screens.widgets.live_screen import ReadingScreen
from screens.widgets.plan_sheet import PlanSheet

PAGE = 50


class MigrationsScreen(ReadingScreen):
    """The plan and the versions to the left, what is known of the chosen one to the right (or below)."""

    CSS_PATH = STYLES / "migrations.tcss"
    BINDINGS = bindings_of("migrations")
    AUTO_FOCUS = "#migrations-list"
    action_context = "migrations"
    mode = "migrations"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.plan: MigrationPlan | None = None
        self.state: MigrationStatus | None = None
        self.versions: list[MigrationEntry] = []
        self.total = 0
        self.failed: list[dict[str, Any]] = []
        self.base: int | None = None
        """The version that others are compared with."""
        self.problem: list[Line] = []
        """Why there is no plan: the app file is wrong."""

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="migrations-head", markup=False)
        with Container(id="migrations-body"):
            yield Listing(id="migrations-list", classes="pane", markup=False, compact=True)
            yield LineView(id="migrations-detail", classes="pane")

    def on_resize(self, event: Resize) -> None:
        self.query_one("#migrations-body").set_class(event.size.width >= 110, "wide")

    # ── Reading ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @work(exclusive=True, group="migrations", exit_on_error=False)
    async def load(self) -> None:
        """The versions, then the plan; a wrong app file has no plan but says where it is wrong."""
        port = self.context.port
        if port is None:
            return
        try:
            answer = await port.migrations(limit=max(PAGE, len(self.versions)))
        except NotFound:
            self.problem = [(t("migrations.not_yours"), "muted")]
            self.paint()
            return
        except SovriumError as error:
            self.notify(error.message, severity="error")
            return
        plan, state, problem = None, None, []
        try:
            plan = await port.plan_migration({"operation": "migrate"})
            state = await port.migration_status()
        except SovriumError as error:
            problem = problem_lines(error)
        # The old ones stand until then, and their keys work: what the list shows and what is known are one.
        self.plan, self.state, self.problem = plan, state, problem
        self.versions, self.total = answer["migrations"], answer["total"]
        self.failed = [dict(each) for each in answer["attempts"] if each["status"] != "COMPLETED"]
        self.paint()

    @work(exclusive=True, group="more", exit_on_error=False)
    async def load_more(self) -> None:
        port = self.context.port
        if port is None or len(self.versions) >= self.total:
            return
        try:
            answer = await port.migrations(limit=PAGE, offset=len(self.versions))
        except SovriumError as error:
            self.notify(error.message, severity="error")
            return
        self.versions += answer["migrations"]
        self.paint()

    @work(exclusive=True, group="detail", exit_on_error=False)
    async def load_version(self, version: int) -> None:
        port = self.context.port
        if port is None:
            return
        try:
            detail = await port.migration(version, against=self.base if self.base != version else None)
        except SovriumError as error:
            self.show([(error.message, "refused")])
            return
        self.show(version_lines(detail))

    # ── Painting ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def paint(self) -> None:
        """The list as it is; what was chosen stays chosen, also where a newer version has come above it."""
        self.query_one(Listing).renew(self.entries())
        self.query_one("#migrations-head", Static).update(self.head())
        self.paint_detail()
        self.refresh_bindings()

    def head(self) -> Content:
        parts: list[Any] = [(t("place.migrations"), "bold $primary")]
        if self.state is not None:
            parts.append((f"  {t('migrations.version', version=self.state['version'])}", "$foreground"))
            if self.state["drift"]:
                parts.append((f"  ! {t('migrations.drift', count=len(self.state['drift']))}", "bold $warning"))
            elif self.state["current"]:
                parts.append((f"  ✓ {t('migrations.current')}", "$success"))
        return Content.assemble(*parts)

    def entries(self) -> Iterator[tuple[str, Content]]:
        """The plan and the versions."""
        plan = Content.assemble((" ▸ ", "bold"), (t("migrations.plan"), "bold"), "  ", *self._plan_state())
        yield "plan", plan
        for entry in self.versions:
            mark, text = version_line(entry)
            tone = "$success" if entry["current"] else "dim"
            base = " ◂" if entry["version"] == self.base else ""
            yield str(entry["version"]), Content.assemble((f" {mark} ", tone), text, (base, "bold $secondary"))

    def _plan_state(self) -> list[tuple[str, str]]:
        if self.problem:
            return [("✕", "bold $error")]
        if self.plan is None:
            return [("…", "dim")]
        if is_empty(self.plan):
            return [(t("migrations.nothing"), "dim")]
        return [(summary(self.plan), "bold $error" if loses(self.plan) or self.plan["refusals"] else "bold $warning")]

    def chosen(self) -> MigrationEntry | None:
        """The highlighted version; None on the plan."""
        at = self.query_one(Listing).highlighted
        return self.versions[at - 1] if at and at - 1 < len(self.versions) else None

    def paint_detail(self) -> None:
        entry = self.chosen()
        if entry is not None:
            self.load_version(entry["version"])
            if entry is self.versions[-1]:
                self.load_more()
            return
        if self.problem:
            self.show(self.problem)
        elif self.plan is None:
            self.show([("…", "muted")])
        elif is_empty(self.plan):
            lines = [*(status_lines(self.state) if self.state else ()), ("", "plain"), (t("migrations.none"), "muted")]
            self.show([*lines, *self._attempts()])
        else:
            self.show([*plan_lines(self.plan), *(status_lines(self.state) if self.state else ()), *self._attempts()])

    def _attempts(self) -> list[Line]:
        if not self.failed:
            return []
        lines: list[Line] = [("", "plain"), (t("migrations.failed"), "title")]
        return lines + [
            (f"✕ {each['at'][:16].replace('T', ' ')}  {each['reason'] or ''}", "warn") for each in self.failed[:5]
        ]

    def show(self, lines: list[Line]) -> None:
        self.query_one("#migrations-detail", LineView).show(lines)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.paint_detail()
        self.refresh_bindings()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self.chosen() is None:
            self.action_migrations_apply()

    # ── Doing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted or not action.startswith("migrations_"):
            return super().check_action(action, parameters)
        entry = self.chosen()
        match action:
            case "migrations_apply":
                return self.plan is not None and not is_empty(self.plan) and entry is None
            case "migrations_rollback":
                return entry is not None and not entry["current"] and not entry["rolledBackAt"]
            case "migrations_compare":
                return entry is not None
        return True

    def action_migrations_refresh(self) -> None:
        self.load()

    def action_migrations_compare(self) -> None:
        """Compare the others with this version; again: each with the one before."""
        entry = self.chosen()
        if entry is not None:
            self.base = None if self.base == entry["version"] else entry["version"]
            self.paint()

    @work(exclusive=True, group="apply", exit_on_error=False)
    async def action_migrations_apply(self) -> None:
        """Carry out the plan, after a look at it."""
        await self._run({"operation": "migrate"})

    @work(exclusive=True, group="apply", exit_on_error=False)
    async def action_migrations_rollback(self) -> None:
        """Go back to the chosen version, after a look at what that does."""
        entry = self.chosen()
        if entry is not None:
            await self._run({"operation": "rollback", "to": entry["version"]})

    async def _run(self, request: RunRequest) -> None:
        port = self.context.port
        if port is None:
            self.notify(t("change.offline"), severity="warning")
            return
        back = request.get("operation") == "rollback"
        try:
            async with self.context.hold_keys():
                plan = await port.plan_migration({**request, "force": True} if back else request)  # type: ignore[typeddict-item]
                title = t("migrations.back" if back else "migrations.forth", version=plan["after"])
                sheet = PlanSheet(self.context, title, plan, word=str(plan["after"]))
                asked = self.app.push_screen(sheet, wait_for_dismiss=True)
            if not await asked:
                return
            order: RunRequest = {**request, "allowDestructive": True} if loses(plan) else {**request}
            if back and loses(plan):
                order["force"] = True
            if plan["undone"] is not None:
                order["reapply"] = True
            if "checksum" in plan:
                order["checksum"] = plan["checksum"]
            self.context.jobs.take(await port.migrate(order))
        except SovriumError as error:
            self.notify(problem_of(error), severity="error")
            return
        self.notify(t("migrations.started"))


def problem_lines(error: SovriumError) -> list[Line]:
    """Why the app file has no plan, line by line where it says them."""
    lines: list[Line] = [(error.message, "refused")]
    lines += [(f"  {each}", "plain") for each in getattr(error, "problems", ()) or getattr(error, "details", ())]
    if getattr(error, "hint", None):
        lines.append((f"  {error.hint}", "muted"))
    return lines
