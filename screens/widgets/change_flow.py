"""Saving staged edits: trial run, look, send, and what to do with the answer. Used by every screen that stages."""

import asyncio
import time
from collections.abc import Callable

from textual.screen import Screen

from core.client import ServerGone, SovriumError
from core.contract.console import COMMIT_CHANGES_MOST, CommitAnswer
from screens.presenters.place import Place
from screens.presenters.staged import Applied
from screens.presenters.value import problem_text
from screens.services.context import Context
from screens.services.text import grouped, t
from screens.widgets.change_panel import ChangePanel, Spot, Tab, Verdict
from screens.widgets.confirm import confirm
from screens.widgets.conflict_view import ConflictView

REGRET = 10.0
"""Seconds in which a saved deletion is taken back by one key."""


class ChangeFlow:
    """Runs in workers of a screen. go: shows a row or cell. saved: told the answer of each save."""

    def __init__(
        self,
        screen: Screen[None],
        context: Context,
        go: Callable[[Spot], None] | None = None,
        saved: Callable[[CommitAnswer], None] | None = None,
    ) -> None:
        self.screen = screen
        self.context = context
        self.go = go or self._go
        self.saved = saved

    def _go(self, spot: Spot) -> None:
        table = self.context.table(spot.table)
        state = {"table": spot.table, "key": spot.key, "field": spot.field}
        self.context.go(Place("tables", spot.table, table["name"] if table else spot.table, state))

    def _tell(self, key: str, severity: str = "information", **values: object) -> None:
        self.screen.app.notify(t(key, **values), severity=severity)  # type: ignore[arg-type]

    # ── Undo ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def undo(self) -> None:
        if not self.context.pending.undo():
            self._tell("change.nothing_to_undo")

    def redo(self) -> None:
        if not self.context.pending.redo():
            self._tell("change.nothing_to_redo")

    async def discard(self) -> None:
        """Drop everything after a question; redo brings it back."""
        count = self.context.pending.count()
        if count and await confirm(
            self.screen.app,
            t("change.discard.title", count=count),
            t("change.discard.text"),
            yes=t("change.discard.yes"),
        ):
            self.context.pending.discard()

    # ── Looking and saving ─────────────────────────────────────────────────────────────────────────────────────────────

    async def look(self, tab: Tab = "changes") -> None:
        """The panel; saving from there asks nothing more."""
        verdict = await self.screen.app.push_screen_wait(ChangePanel(self.context, tab=tab))
        await self._follow(verdict)

    async def _follow(self, verdict: Verdict | None) -> None:
        if verdict is not None and verdict.go is not None:
            self.go(verdict.go)
        elif verdict is not None and verdict.save:
            await self.commit(ask=False)

    async def commit(self, *, ask: bool = True) -> None:
        """Save everything that is staged, or say what stands in the way."""
        pending = self.context.pending
        if not pending.count() and not pending.unanswered:
            self._tell("change.nothing")
            return
        if self.context.port is None:
            starting = self.context.connection.state == "starting"
            self._tell("change.starting" if starting else "change.offline", "warning")
            return
        if pending.count() > COMMIT_CHANGES_MOST:
            self._tell("change.too_many", "warning", count=pending.count(), most=grouped(COMMIT_CHANGES_MOST))
            return
        try:
            if pending.unanswered:
                await self._send()
                if not pending.count():
                    return
            if pending.problems():
                self._show_problem()
            elif await self._agreed(ask=ask):
                await self._send()
        except ServerGone:
            self._tell("change.lost", "warning")
        except SovriumError as error:
            pending.abort()
            self.screen.app.notify(error.message, title=t("change.failed"), severity="error")

    async def _agreed(self, *, ask: bool) -> bool:
        """A trial run, and the look at it; conflicts are settled first. False: not now."""
        pending, app = self.context.pending, self.screen.app
        while (port := self.context.port) is not None and pending.count():
            checking = t("status.checking", count=pending.count())
            with self.context.waiting.tell(checking):
                trial = asyncio.ensure_future(port.commit(pending.dry_run()))
                try:
                    async with self.context.hold_keys(trial.cancel):
                        await asyncio.wait((trial,))
                finally:
                    trial.cancel()
                if trial.cancelled():
                    self._tell("change.given_up")
                    return False
                answer = trial.result()
                found = pending.check(answer)
                clear = not (found.rows or found.cells or found.other)
                if clear and not ask:
                    return True
                panel = ChangePanel(self.context, answer["statements"], asking=True)
                asked = app.push_screen(panel, wait_for_dismiss=True) if clear else None
            if asked is not None:
                verdict = await asked
                if verdict is not None and verdict.go is not None:
                    self.go(verdict.go)
                return verdict is not None and verdict.save
            if not await self._settled(found):
                return False
        return False

    async def _send(self) -> None:
        pending, port = self.context.pending, self.context.port
        if port is None:
            raise ServerGone("no server")
        count = pending.count()
        deleted = pending.last_deleted
        with self.context.waiting.tell(t("status.saving", count=count)):
            answer = await port.commit(pending.begin())
        found = pending.apply(answer)
        if found.committed:
            if deleted and deleted == count:
                self._tell_deleted(deleted)
            else:
                self._tell("change.saved", count=max(1, count - pending.count()))
            if self.saved is not None:
                self.saved(answer)
        elif await self._settled(found) and found.rows and pending.count():
            await self._send()

    def _tell_deleted(self, count: int) -> None:
        """For ten seconds one key brings back what was deleted (R-049)."""
        self.context.bring_back_until = time.monotonic() + REGRET
        self.screen.app.notify(t("change.in_trash", count=count), timeout=REGRET)

    @property
    def can_bring_back(self) -> bool:
        """A deletion was saved just now, and nothing was done since."""
        pending = self.context.pending
        return not pending.count() and pending.can_undo and time.monotonic() < self.context.bring_back_until

    async def bring_back(self) -> None:
        """Undo the deletion that was saved, and save that at once."""
        self.context.bring_back_until = 0.0
        self.undo()
        await self.commit(ask=False)

    async def _settled(self, found: Applied) -> bool:
        """Let a person settle conflicts; False when they left one open or cells must be mended."""
        for table, key in found.rows:
            if not await self.screen.app.push_screen_wait(ConflictView(self.context, table, key)):
                return False
        if found.cells:
            self._show_problem()
            return False
        if found.other:
            self.screen.app.notify(found.other[0], title=t("change.failed"), severity="error")
            return False
        return True

    def _show_problem(self) -> None:
        problems = self.context.pending.problems()
        if problems:
            table, key, field, message = problems[0]
            self.screen.app.notify(
                problem_of(self.context, table, key, field, message),
                title=t("change.problems", count=len(problems)),
                severity="error",
            )
            self.go(Spot(table, key, field))


def problem_of(context: Context, table: str, key: str, field: str, message: str) -> str:
    """What is wrong with a staged cell, with the names that a person gave: field, reason, value (T-148)."""
    info = context.table(table)
    found = next((each for each in info["fields"] if each["name"] == field), None) if info else None
    staged = context.pending.cell(table, key, field)
    return problem_text(found, staged.value if staged else None, message) if found is not None else message
