"""Buffers of SQL, what they ran and what came of it. No Textual.

A tab is a buffer with its last run. Tabs and history survive in the session store: nothing that was typed is lost.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.client import Port, ServerGone, SovriumError
from core.contract.console import SqlProblem, SqlRequest, SqlRun, SqlStatement
from screens.presenters.completion import CompletionIndex
from screens.presenters.signal import Signal
from screens.presenters.sql_text import Span, statement_at
from screens.presenters.sql_transaction import SqlTransaction

if TYPE_CHECKING:
    from screens.services.session import SessionStore

HISTORY = 500
WAIT = 2.0
"""Seconds that one question for the state of a run may hang on the server."""


class ConfirmNeeded(Exception):
    """The server wants a word from the user before a statement that destroys; the message says what it would do."""


@dataclass(slots=True)
class SqlTab:
    """A buffer. `origin` is where the text of the run began in it, as offset and as lines and columns before it, to lead
    problems back to their place."""

    name: str
    text: str = ""
    cursor: int = 0
    run: SqlRun | None = None
    origin: int = 0
    lines_before: int = 0
    columns_before: int = 0
    shown: int = 0
    """Index of the statement whose result is on screen."""
    transaction: SqlTransaction | None = None
    """What it collects while it has a transaction open."""
    tried: bool = False
    """The run wrote nothing, to see what it would do within the transaction."""
    problem: SovriumError | None = None
    """Why the run did not even begin."""
    begun: float = 0.0
    """When the run began, by the monotonic clock."""

    @property
    def running(self) -> bool:
        return self.run is not None and self.run["state"] == "running"

    def place_of(self, problem: SqlProblem) -> tuple[int, int]:
        """Line and column of a problem that has them, in the text as it was run."""
        line, column = problem["line"], problem.get("column", 1)
        return line + self.lines_before, column + (self.columns_before if line == 1 else 0)

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return round(time.monotonic() - self.begun, 1)

    @property
    def statement(self) -> SqlStatement | None:
        """The statement that is shown."""
        if self.run is None or not self.run["statements"]:
            return None
        return self.run["statements"][min(self.shown, len(self.run["statements"]) - 1)]


@dataclass(frozen=True, slots=True)
class Ran:
    """An entry of the history. `at` in seconds since the epoch."""

    sql: str
    at: float
    state: str
    milliseconds: int
    rows: int | None


class SqlSession:
    """All tabs of the console. `changed` tells that a tab's run or the tabs themselves are not as before."""

    def __init__(self, store: SessionStore) -> None:
        self.store = store
        self.changed: Signal[SqlTab] = Signal()
        self.tabs: list[SqlTab] = [
            SqlTab(
                str(tab.get("name", "")),
                str(tab.get("text", "")),
                int(tab.get("cursor", 0)),
                transaction=SqlTransaction.of(tab.get("transaction")),
            )
            for tab in store.get("sql.tabs", [])
        ]
        if not self.tabs:
            self.tabs = [SqlTab("1")]
        self.active = min(int(store.get("sql.active", 0)), len(self.tabs) - 1)
        self.index = CompletionIndex()
        self._index_version = -1

    @property
    def tab(self) -> SqlTab:
        return self.tabs[self.active]

    # ── Tabs ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, text: str = "") -> SqlTab:
        """A new tab behind the last one, under the lowest free number."""
        taken = {tab.name for tab in self.tabs}
        name = next(str(n) for n in range(1, len(self.tabs) + 2) if str(n) not in taken)
        self.tabs.append(SqlTab(name, text, len(text)))
        self.active = len(self.tabs) - 1
        self.save()
        return self.tab

    def close(self) -> SqlTab:
        """Close the active tab; the last one is emptied instead. Returns the tab that was closed, for `reopen`."""
        closed = self.tabs.pop(self.active)
        if not self.tabs:
            self.tabs = [SqlTab("1")]
        self.active = min(self.active, len(self.tabs) - 1)
        self.save()
        return closed

    def turn(self, step: int) -> SqlTab:
        """The next or previous tab."""
        self.active = (self.active + step) % len(self.tabs)
        self.save()
        return self.tab

    def edit(self, text: str, cursor: int) -> None:
        """What the editor holds now."""
        self.tab.text, self.tab.cursor = text, cursor

    def save(self) -> None:
        """Write the tabs down."""
        tabs = [
            {
                "name": tab.name,
                "text": tab.text,
                "cursor": tab.cursor,
                "transaction": tab.transaction.statements if tab.transaction else None,
            }
            for tab in self.tabs
        ]
        self.store.put("sql.tabs", tabs)
        self.store.put("sql.active", self.active)

    # ── Running ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def span(self, tab: SqlTab, selection: Span | None = None, *, everything: bool = False) -> Span | None:
        """What would run: the selection, everything, or the statement at the cursor."""
        if everything:
            return Span(0, len(tab.text)) if tab.text.strip() else None
        if selection is not None and tab.text[selection.start : selection.end].strip():
            return selection
        return statement_at(tab.text, tab.cursor)

    async def run(self, port: Port, tab: SqlTab, span: Span, *, confirmed: bool = False) -> None:
        """Run a part of a tab to its end, telling `changed` on the way. Raises ConfirmNeeded before anything ran.

        Other refusals end up in `tab.problem` or in the statement's own problem.
        """
        sql = tab.text[span.start : span.end]
        open_ = tab.transaction
        request = open_.trial(sql, confirmed) if open_ else SqlRequest(sql=sql, confirmed=confirmed)
        await self._run(port, tab, request, span.start)
        if open_ is not None and open_ is tab.transaction and tab.run is not None and tab.run["state"] == "done":
            open_.collect(tab.run["statements"])
            self.save()
            self.changed.publish(tab)

    def begin(self, tab: SqlTab) -> None:
        """From now on statements are collected. Nothing is written before `commit`."""
        tab.transaction = tab.transaction or SqlTransaction()
        self.save()
        self.changed.publish(tab)

    def roll_back(self, tab: SqlTab) -> None:
        """Forget what was collected."""
        tab.transaction = None
        self.save()
        self.changed.publish(tab)

    async def commit(self, port: Port, tab: SqlTab) -> bool:
        """Write what was collected, all of it or nothing; whether it was written. It stays open when it was not."""
        open_ = tab.transaction
        if open_ is None:
            return False
        if open_.statements:
            await self._run(port, tab, open_.commit(), len(tab.text))
            if tab.problem is not None or tab.run is None or tab.run["state"] != "done":
                return False
        self.roll_back(tab)
        return True

    async def _run(self, port: Port, tab: SqlTab, request: SqlRequest, origin: int) -> None:
        """Run a request to its end in a tab. Raises ConfirmNeeded."""
        sql, confirmed = request["sql"], request.get("confirmed", False)
        former, begun = tab.run, time.monotonic()
        before = tab.text[:origin].split("\n")
        tab.origin, tab.lines_before, tab.columns_before = origin, len(before) - 1, len(before[-1])
        tab.problem, tab.tried = None, request.get("transaction") == "try"
        try:
            tab.run, tab.shown, tab.begun = await port.run_sql(request), 0, begun
            self.changed.publish(tab)
            while tab.running:
                run = await port.sql(tab.run["id"], wait=WAIT)
                tab.run = run
                tab.shown = _most_telling(run)
                self.changed.publish(tab)
        except SovriumError as error:
            if error.code == "CONFIRM_NEEDED" and not confirmed:
                raise ConfirmNeeded(error.message) from error
            # What had begun is not known of any more: it would seem to run for ever.
            tab.problem, tab.run = error, None
            self.changed.publish(tab)
        if former is not None:  # until now its rows could be read on
            await self._drop(port, former)
        self._remember(tab, sql, int((time.monotonic() - begun) * 1000))

    async def cancel(self, port: Port, tab: SqlTab) -> None:
        """Stop what runs; the run then ends as cancelled."""
        if tab.run is not None and tab.running:
            await port.cancel_sql(tab.run["id"])

    async def forget(self, port: Port, tab: SqlTab) -> None:
        """Let the server drop the results of a tab's last run."""
        run, tab.run = tab.run, None
        if run is not None:
            await self._drop(port, run)

    async def _drop(self, port: Port, run: SqlRun) -> None:
        with suppress(SovriumError):  # the server may have forgotten it by itself
            await port.cancel_sql(run["id"])

    # ── Problems, history, completion ──────────────────────────────────────────────────────────────────────────────────

    def problem_offset(self, tab: SqlTab, problem: SqlProblem) -> int | None:
        """Where in the buffer a problem is; None when the server does not say."""
        if "line" not in problem:
            return None
        lines = tab.text[tab.origin :].split("\n")
        line = min(problem["line"], len(lines)) - 1
        offset = tab.origin + sum(len(text) + 1 for text in lines[:line])
        return min(offset + max(problem.get("column", 1) - 1, 0), len(tab.text))

    def history(self) -> list[Ran]:
        """What ran, the newest first, each text once."""
        seen: set[str] = set()
        found = []
        for entry in reversed(self.store.log("sql.history")):
            if isinstance(entry, dict) and entry.get("sql") not in seen:
                seen.add(entry["sql"])
                found.append(Ran(entry["sql"], entry["at"], entry["state"], entry["ms"], entry.get("rows")))
        return found

    def _remember(self, tab: SqlTab, sql: str, milliseconds: int) -> None:
        state = "failed" if tab.problem or tab.run is None else tab.run["state"]
        statement = tab.statement
        rows = None if statement is None else statement.get("rowCount", statement.get("changed"))
        entry: dict[str, Any] = {
            "sql": sql.strip(),
            "at": time.time(),
            "state": state,
            "ms": milliseconds,
            "rows": rows,
        }
        self.store.append("sql.history", entry)
        entries = self.store.log("sql.history")
        if len(entries) > 2 * HISTORY:
            self.store.rewrite("sql.history", entries[-HISTORY:])
        self.save()

    async def refresh_index(self, port: Port, version: int) -> None:
        """Fetch the names for completion, once per version of the schema."""
        if version == self._index_version:
            return
        try:
            self.index = CompletionIndex.of(await port.completions())
            self._index_version = version
        except ServerGone:
            return  # the next connection asks again


def _most_telling(run: SqlRun) -> int:
    """Which statement to show: the one that failed, else the one that runs, else the last with a result."""
    found = run["statements"]
    for state in ("failed", "running"):
        for statement in found:
            if statement["state"] == state:
                return statement["index"]
    with_rows = [statement["index"] for statement in found if "columns" in statement]
    return with_rows[-1] if with_rows else max(len(found) - 1, 0)
