"""The base of places that change the app file: steps are collected as a draft, which the server judges after each of them;
what it would do is looked at before anything is written."""

from __future__ import annotations

from textual import work

from core.client import NotFound, Port, SovriumError
from core.contract.migrations import MigrationPlan, SchemaEdit
from screens.presenters.draft import Change, Draft
from screens.presenters.format.line import one_line
from screens.presenters.migration import loses
from screens.presenters.refusal import problem_of
from screens.services.text import t
from screens.widgets.live_screen import LiveScreen
from screens.widgets.plan_sheet import PlanSheet


class DraftScreen(LiveScreen):
    """A subclass paints, and has the draft with the steps that its keys make. Undo, redo and saving are those of staged
    edits while there is a draft, and theirs without."""

    draft: Draft
    problem: str = ""
    """Why the server has no verdict."""

    # ── What a subclass says ──

    async def read(self, port: Port) -> None:
        """Read what the draft begins with from the server. Raises SovriumError."""
        raise NotImplementedError

    def paint_verdict(self) -> None:
        """Show what the server says of the draft."""
        raise NotImplementedError

    def plan_title(self, plan: MigrationPlan) -> str:
        """What stands above the plan that is looked at."""
        raise NotImplementedError

    def obstacle(self) -> str:
        """Why the draft cannot be written, whatever the server says; "" where nothing is in the way."""
        return ""

    def written(self, files: str) -> None:
        """The draft is in these files."""
        raise NotImplementedError

    # ── Reading ──

    @work(exclusive=True, group="load", exit_on_error=False)
    async def load(self) -> None:
        """What the draft begins with as the server has it now: with every connection, and when the app has changed."""
        port = self.context.port
        if port is None:
            return
        try:
            await self.read(port)
            self.problem = ""
        except NotFound:
            self.problem = t("listing.not-yours")
        except SovriumError as error:
            self.problem = error.message
        self.paint()
        if self.draft.steps:
            self.judge()

    # ── Steps ──

    def step(self, *changes: Change) -> None:
        """Show the draft after a step, and ask what it would do."""
        if changes and self.context.read_only:
            self.notify(t("read_only.told"), severity="warning")
            return
        if changes:
            self.draft.add(*changes)
        self.draft.verdict, self.problem = None, ""
        self.paint()
        self.judge()

    @work(exclusive=True, group="judge", exit_on_error=False)
    async def judge(self) -> None:
        """Ask the server what the draft would do."""
        port = self.context.port
        if port is None or not self.draft.steps:
            self.paint_verdict()
            return
        try:
            self.draft.verdict, self.problem = await self.draft.ask(port), ""
        except NotFound as error:
            # Who may never write it is told so at the first step, before more work goes into the draft.
            self.draft.clear()
            self.problem = refusal(error)
            self.notify(self.problem, severity="warning")
            self.paint()
        except SovriumError as error:
            self.draft.verdict, self.problem = None, refusal(error).partition("\n")[0]
        self.paint_verdict()

    def discard(self) -> None:
        """Give up the draft; the app file was never touched."""
        self.draft.clear()
        self.step()

    # ── The keys of staged edits ──

    def action_change_undo(self) -> None:
        if self.draft.undo():
            self.step()
        else:
            super().action_change_undo()

    def action_change_redo(self) -> None:
        if self.draft.redo():
            self.step()
        else:
            super().action_change_redo()

    @work(exclusive=True, group="change")
    async def action_change_panel(self) -> None:
        await self._apply(look=True)

    @work(exclusive=True, group="change")
    async def action_change_commit(self) -> None:
        """Look at plan and file, then write the app file, which the server takes up at once."""
        await self._apply(look=False)

    async def _apply(self, *, look: bool) -> None:
        port = self.context.port
        if not self.draft.steps:
            await (self.change_flow().look() if look else self.change_flow().commit())
            return
        if port is None:
            self.notify(t("change.offline"), severity="warning")
            return
        if obstacle := self.obstacle():
            self.notify(obstacle, severity="error")
            return
        try:
            async with self.context.hold_keys():
                verdict = self.draft.verdict = await self.draft.ask(port)
                self.paint_verdict()
                plan = verdict["plan"]
                if verdict["problems"] or plan is None:
                    self.notify(t("schema.refused", count=len(verdict["problems"])), severity="warning")
                    return
                word = next((step["table"] for step in plan["steps"] if not step["confirmed"]), "")
                sheet = PlanSheet(self.context, self.plan_title(plan), plan, verdict["diff"], word=word)
                asked = self.app.push_screen(sheet, wait_for_dismiss=True)
            if await asked:
                await self._write(verdict, plan)
        except SovriumError as error:
            self.notify(refusal(error), severity="error")

    async def _write(self, verdict: SchemaEdit, plan: MigrationPlan) -> None:
        port = self.context.port
        if port is None:
            return
        await port.edit_schema(
            {
                "changes": list(self.draft.steps),
                "apply": True,
                "allowDestructive": loses(plan),
                "checksum": verdict["checksum"],
            }
        )
        self.discard()
        self.written(", ".join(one_line(file.rpartition("/")[2]) for file in verdict["files"]))


def refusal(error: SovriumError) -> str:
    """Why there is no verdict, or nothing was written."""
    return t("roles.owner-writes") if isinstance(error, NotFound) else problem_of(error)
