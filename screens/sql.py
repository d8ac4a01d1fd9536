"""SQL: buffers in tabs, several results, completion, history. Results are read through the same grid as tables."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from textual import work
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from core.client import ServerGone
from core.contract.console import ExportRequest
from screens.actions.binding import bindings_of
from screens.presenters.completion import complete
from screens.presenters.finder import Hit
from screens.presenters.format.line import one_line
from screens.presenters.sql_format import NotFormatted, format_statement, moved
from screens.presenters.sql_outcome import head_of, outcome_text, reads_on, tab_name, transaction_text
from screens.presenters.sql_session import ConfirmNeeded, SqlSession, SqlTab
from screens.presenters.sql_text import Span
from screens.services.context import Context
from screens.services.number import grouped
from screens.services.style import STYLES
from screens.services.text import t
from screens.widgets.confirm import confirm
from screens.widgets.console_screen import ConsoleScreen
from screens.widgets.export_dialog import ExportDialog
from screens.widgets.export_flow import export
from screens.widgets.favourite_flow import FavouriteFlow
from screens.widgets.finder import Finder
from screens.widgets.grid.grid import VirtualGrid
from screens.widgets.result_pane import ResultPane
from screens.widgets.schema_peek import SchemaPeek
from screens.widgets.sql_editor import CompletionList, SqlEditor
from screens.widgets.sql_find import FindBar
from screens.widgets.tab_strip import TabStrip

MARKS = {"waiting": "·", "running": "⟳", "done": "✓", "failed": "✕", "cancelled": "–", "skipped": "·"}
TONES = {"failed": "$error", "running": "$primary"}


class SqlScreen(ConsoleScreen):
    """The editor above, what came of it below, the tables beside."""

    CSS_PATH = STYLES / "sql.tcss"
    BINDINGS = bindings_of("sql")
    AUTO_FOCUS = "#sql-editor"
    action_context = "sql"
    mode = "sql"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.session = SqlSession(context.session)
        self._rows_of: SqlTab | None = None
        """The tab whose rows are on screen."""
        self._unwritten = False

    def compose_body(self) -> Iterable[Widget]:
        with Horizontal(id="sql-body"):
            yield SchemaPeek(id="sql-schema", classes="pane sidebar")
            with Vertical(id="sql-main"):
                yield TabStrip(id="sql-tabs")
                editor = SqlEditor(self.session.tab.text, id="sql-editor")
                yield editor.add_class("pane")
                yield FindBar(editor, id="sql-find")
                yield TabStrip(id="sql-results")
                yield ResultPane(self.context, id="sql-result", classes="pane")
        yield CompletionList(id="sql-completion")

    # ── Life ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_mount(self) -> None:
        context = self.context
        self.until_closed(
            context.connected.listen(lambda online: self.refresh_index() if online else None),
            context.schema_changed.listen(lambda _: self.refresh_index()),
            self.session.changed.listen(self.tab_changed),
            self.query_one(ResultPane).moved.listen(lambda _: self.paint_status()),
        )
        self.set_interval(0.25, self.tick)
        self.call_after_refresh(self.show_tab)
        self.refresh_index()

    def on_unmount(self) -> None:
        self.session.save()

    def on_screen_suspend(self) -> None:
        self.write_down()

    def on_text_area_changed(self) -> None:
        self._unwritten = True

    def write_down(self) -> None:
        """Put what was typed into the session file."""
        if self._unwritten:
            self._unwritten = False
            self.keep_text()
            self.session.save()

    def language_changed(self) -> None:
        super().language_changed()
        self.paint()

    @work(exclusive=True, group="sql-index", exit_on_error=False)
    async def refresh_index(self) -> None:
        """Names for completion and the list of tables."""
        if self.context.port is not None and self.context.schema is not None:
            await self.session.refresh_index(self.context.port, self.context.schema["version"])
            self.query_one(SchemaPeek).show(self.session.index)

    @property
    def editor(self) -> SqlEditor:
        return self.query_one(SqlEditor)

    # ── Tabs ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def keep_text(self) -> None:
        """Take what the editor holds into its tab."""
        self.session.edit(self.editor.text, self.editor.offset_in_text)

    def show_tab(self) -> None:
        """Bring the active tab on screen."""
        tab = self.session.tab
        self.close_completion()
        if self.editor.text != tab.text:
            self.editor.load_text(tab.text)
        self.editor.move_to(tab.cursor)
        self.paint()

    def action_sql_new_tab(self) -> None:
        self.keep_text()
        self.session.open()
        self.show_tab()
        self.editor.focus()

    def action_sql_close_tab(self) -> None:
        transaction = self.session.tab.transaction
        if transaction is not None and transaction.statements:
            self.ask_to_close()
        else:
            self.close_tab()

    @work(exit_on_error=False)
    async def ask_to_close(self) -> None:
        """A tab with something not committed goes only when that is wanted."""
        title, text = t("sql.transaction.close"), t("sql.transaction.close.text")
        if await confirm(self.app, title, text, yes=t("sql.transaction.close.yes")):
            self.close_tab()

    def close_tab(self) -> None:
        self.keep_text()
        closed = self.session.close()
        if self.context.port is not None:
            self.forget(closed)
        self.show_tab()

    @work(exit_on_error=False)
    async def forget(self, tab: SqlTab) -> None:
        """Let the server drop a closed tab's results."""
        if self.context.port is not None:
            await self.session.forget(self.context.port, tab)

    def action_sql_next_tab(self) -> None:
        self.turn(1)

    def action_sql_previous_tab(self) -> None:
        self.turn(-1)

    def turn(self, step: int) -> None:
        self.keep_text()
        self.session.turn(step)
        self.show_tab()

    def on_tab_strip_chosen(self, event: TabStrip.Chosen) -> None:
        event.stop()
        if event.strip.id == "sql-results":
            self.session.tab.shown = event.index
            self.paint()
        else:
            self.turn(event.index - self.session.active)

    # ── Running ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_sql_run(self) -> None:
        self.run(everything=False)

    def action_sql_run_all(self) -> None:
        self.run(everything=True)

    def run(self, *, everything: bool) -> None:
        """Run the selection, the statement at the cursor, or everything."""
        self.close_completion()
        self.keep_text()
        tab = self.session.tab
        span = self.session.span(tab, self.editor.selected_span, everything=everything)
        if tab.running:
            self.notify(t("sql.busy"), severity="warning")
        elif span is None:
            self.notify(t("sql.nothing_to_run"))
        elif self.context.connection.state == "starting":
            self.notify(t("sql.starting"))
            self.run_when_ready(tab, span)
        elif self.context.port is None:
            self.notify(t("sql.offline"), severity="warning")
        else:
            self.run_span(tab, span)

    @work(exclusive=True, group="sql-ready", exit_on_error=False)
    async def run_when_ready(self, tab: SqlTab, span: Span) -> None:
        """The same once the server has started; not when the text is another one by then."""
        text, ready = tab.text, asyncio.Event()
        stop = self.context.connected.listen(lambda online: ready.set() if online else None)
        try:
            await ready.wait()
        finally:
            stop()
        if tab.text == text:
            self.run_span(tab, span)

    @work(exit_on_error=False)
    async def run_span(self, tab: SqlTab, span: Span) -> None:
        """One run, with a question before it where the server asks for one."""
        port = self.context.port
        if port is None:
            return
        try:
            await self.session.run(port, tab, span)
        except ConfirmNeeded as question:
            statement = tab.text[span.start : span.end].strip()
            text = f"{question}\n\n{statement[:400]}"
            if await confirm(self.app, t("sql.confirm"), text, yes=t("sql.confirm.yes")):
                await self.session.run(port, tab, span, confirmed=True)

    @work(exit_on_error=False)
    async def action_sql_cancel(self) -> None:
        if self.context.port is not None:
            await self.session.cancel(self.context.port, self.session.tab)

    def action_sql_next_result(self) -> None:
        self.turn_result(1)

    def action_sql_previous_result(self) -> None:
        self.turn_result(-1)

    def turn_result(self, step: int) -> None:
        """The result of the next statement of this run, or of the one before."""
        tab = self.session.tab
        if tab.run is not None and tab.run["statements"]:
            tab.shown = (tab.shown + step) % len(tab.run["statements"])
            self.paint()

    @work(exit_on_error=False)
    async def action_sql_export(self) -> None:
        """The shown result into a file."""
        tab, statement = self.session.tab, self.session.tab.statement
        if tab.run is None or statement is None or "columns" not in statement:
            self.notify(t("sql.no_result"))
            return
        count, more = statement.get("rowCount", 0), reads_on(statement, tab)
        dialog = ExportDialog(self.context, t("sql.result"), count, more=more)
        wanted = await self.app.push_screen_wait(dialog)
        if wanted is not None:
            request: ExportRequest = {"format": wanted.form, "run": tab.run["id"], "index": statement["index"]}
            await export(self.app, self.context, request, wanted.path)

    @work(exit_on_error=False)
    async def action_sql_history(self) -> None:
        ran = self.session.history()
        if not ran:
            self.notify(t("sql.history.empty"))
            return
        hits = [
            Hit(
                one_line(" ".join(entry.sql.split())[:200]),
                kind=MARKS.get(entry.state, ""),
                detail=t("sql.elapsed", milliseconds=grouped(entry.milliseconds)),
                value=entry.sql,
            )
            for entry in ran
        ]
        hit = await self.app.push_screen_wait(Finder(t("sql.history.find"), hits))
        if hit is not None:
            self.bring(hit.value)

    def bring(self, text: str) -> None:
        """Put a statement before the user: here when the tab is empty, else in a new one."""
        self.keep_text()
        if self.session.tab.text.strip():
            self.session.open(text)
        else:
            self.session.edit(text, len(text))
        self.show_tab()
        self.editor.focus()

    # ── Transactions ───────────────────────────────────────────────────────────────────────────────────────────────────

    @work(exit_on_error=False)
    async def action_sql_transaction(self) -> None:
        tab = self.session.tab
        if tab.transaction is None:
            self.session.begin(tab)
            self.notify(t("sql.transaction.begun"))
            return
        choices = {"commit": self.commit, "roll_back": self.roll_back, "look": self.look_at_transaction}
        hits = [
            Hit(t(f"sql.transaction.{name}"), detail=t(f"sql.transaction.{name}.detail"), value=choices[name])
            for name in (choices if tab.transaction.statements else ("roll_back",))
        ]
        hit = await self.app.push_screen_wait(Finder(t("sql.transaction.menu"), hits))
        if hit is not None:
            hit.value(tab)

    def action_sql_commit(self) -> None:
        self.commit(self.session.tab)

    def action_sql_roll_back(self) -> None:
        self.roll_back(self.session.tab)

    @work(exit_on_error=False)
    async def commit(self, tab: SqlTab) -> None:
        """Write what the tab's transaction has collected."""
        if tab.transaction is None:
            self.notify(t("sql.transaction.none"))
        elif tab.running:
            self.notify(t("sql.busy"), severity="warning")
        elif self.context.port is None:
            self.notify(t("sql.offline"), severity="warning")
        elif await self.session.commit(self.context.port, tab):
            self.notify(t("sql.transaction.committed"))
        else:
            self.notify(t("sql.transaction.failed"), severity="error")

    def roll_back(self, tab: SqlTab) -> None:
        """Forget what the tab's transaction has collected."""
        if tab.transaction is None:
            self.notify(t("sql.transaction.none"))
            return
        self.session.roll_back(tab)
        self.notify(t("sql.transaction.rolled_back"))

    def look_at_transaction(self, tab: SqlTab) -> None:
        if tab.transaction is not None:
            self.bring(tab.transaction.text)

    # ── In and out of the text ─────────────────────────────────────────────────────────────────────────────────────────

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self.is_mounted and action in ("sql_edit", "sql_leave"):
            return self.editor.has_focus is (action == "sql_leave")
        return super().check_action(action, parameters)

    def action_sql_edit(self) -> None:
        self.editor.focus()

    def action_sql_leave(self) -> None:
        """Letters are keys from now on: of the rows, where there are some."""
        self.set_focus(self.query_one(ResultPane).grid)
        self.paint_status()

    # ── Favourites ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def chosen_text(self) -> tuple[Span | None, str]:
        """The selection, or the statement at the cursor."""
        self.keep_text()
        tab = self.session.tab
        span = self.session.span(tab, self.editor.selected_span)
        return span, tab.text[span.start : span.end].strip() if span else ""

    @property
    def favourites(self) -> FavouriteFlow:
        return FavouriteFlow(self.app, self.context)

    @work(exit_on_error=False)
    async def action_sql_favourites(self) -> None:
        found = await self.favourites.choose(t("sql.favourites.find"))
        if found is not None:
            self.bring(found.sql)

    @work(exit_on_error=False)
    async def action_sql_favourite_keep(self) -> None:
        _, text = self.chosen_text()
        await self.favourites.keep(text)

    @work(exit_on_error=False)
    async def action_sql_favourite_drop(self) -> None:
        await self.favourites.drop()

    # ── Finding, layout ────────────────────────────────────────────────────────────────────────────────────────────────

    def action_sql_find(self) -> None:
        self.close_completion()
        self.query_one(FindBar).open()

    def action_sql_find_next(self) -> None:
        self.find_again(backward=False)

    def action_sql_find_previous(self) -> None:
        self.find_again(backward=True)

    def find_again(self, *, backward: bool) -> None:
        bar = self.query_one(FindBar)
        if bar.text:
            bar.step(backward=backward)
        else:
            self.notify(t("sql.find.first"))

    def action_sql_format(self) -> None:
        span, _ = self.chosen_text()
        if span is None:
            self.notify(t("sql.nothing_to_run"))
            return
        text = self.session.tab.text[span.start : span.end]
        try:
            formatted = format_statement(text)
        except NotFormatted:
            self.notify(t("sql.format.failed"), severity="warning")
            return
        if formatted != text:
            cursor = min(max(self.session.tab.cursor - span.start, 0), len(text))
            self.editor.replace_span(span.start, span.end, formatted)
            self.editor.move_to(span.start + moved(text, formatted, cursor))

    # ── Completion ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_sql_complete(self) -> None:
        self.offer()

    def on_sql_editor_word_typed(self) -> None:
        before = self.editor.document.get_line(self.editor.cursor_location[0])[: self.editor.cursor_location[1]]
        if before and (before[-1].isalnum() or before[-1] in "_."):
            self.offer()
        else:
            self.close_completion()

    def offer(self) -> None:
        """Show what fits at the cursor."""
        found = complete(self.editor.text, self.editor.offset_in_text, self.session.index)
        self.editor.completing = self.query_one(CompletionList).offer(
            found, self.editor.cursor_screen_offset, (self.size.width, self.size.height)
        )

    def close_completion(self) -> None:
        self.query_one(CompletionList).close()
        self.editor.completing = False

    def on_sql_editor_completion_key(self, event: SqlEditor.CompletionKey) -> None:
        event.stop()
        choices = self.query_one(CompletionList)
        if event.key == "up":
            choices.action_cursor_up()
        elif event.key == "down":
            choices.action_cursor_down()
        else:
            if event.key == "tab" and choices.chosen is not None:
                self.editor.accept(choices.chosen)
            self.close_completion()

    def on_schema_peek_name_chosen(self, event: SchemaPeek.NameChosen) -> None:
        event.stop()
        self.editor.insert(event.name)
        self.editor.focus()

    # ── Painting ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def tab_changed(self, tab: SqlTab) -> None:
        if tab is self.session.tab and self.query(ResultPane):
            self.paint()
            statement = tab.statement
            if statement is not None and statement["state"] == "failed" and "problem" in statement:
                self.editor.show_problem(self.session.problem_offset(tab, statement["problem"]))

    def tick(self) -> None:
        """Time goes on while a statement runs; what was typed is written down."""
        self.write_down()
        if self.session.tab.running:
            self.paint()

    def paint(self) -> None:
        """Tabs, heads of results, the result."""
        session, tab = self.session, self.session.tab
        names = [(tab_name(each), "$warning" if each.running or each.transaction else "") for each in session.tabs]
        self.query_one("#sql-tabs", TabStrip).show(names, session.active)
        found = tab.run["statements"] if tab.run else []
        heads = [(f"{MARKS[s['state']]} {head_of(s)}", TONES.get(s["state"], "")) for s in found]
        statement = tab.statement
        elapsed = (
            t("sql.elapsed", milliseconds=grouped(statement["elapsedMs"])) if statement and not tab.running else ""
        )
        self.query_one("#sql-results", TabStrip).show(heads, tab.shown, elapsed)
        self.status.show("transaction", transaction_text(tab))
        self.status.show(
            "work",
            t("sql.running", seconds=tab.seconds) if tab.running else "",
        )
        pane = self.query_one(ResultPane)
        if tab.run and statement and "columns" in statement and statement["state"] == "done":
            pane.show_rows(tab.run["id"], statement)
            self._rows_of = tab
        elif not tab.running or self._rows_of is not tab:  # while it runs again, its former rows stay
            if pane.grid is not None and pane.grid.has_focus:
                self.editor.focus()
            self._rows_of = None
            failed = tab.problem is not None or (statement is not None and statement["state"] == "failed")
            if tab.problem is not None:
                text = t("sql.lost") if isinstance(tab.problem, ServerGone) else tab.problem.message
            else:
                text = outcome_text(statement, tab) if statement else t("sql.empty")
            pane.show_text(text, failed=failed, empty=statement is None and not failed)
        self.paint_status()

    def paint_status(self) -> None:
        """What came of the statement, or where its rows are read."""
        statement, tab = self.session.tab.statement, self.session.tab
        row, value = self.query_one(ResultPane).place()
        outcome = outcome_text(statement, tab) if statement and not tab.running else ""
        if statement is not None and statement["state"] == "failed":
            self.status.show("rows", "")
            self.status.show("note", outcome, "error")  # which makes room where the line is short
        else:
            self.status.show("rows", t("tables.row", row=row, count=outcome) if row else outcome)
            self.status.show("note", value)
        self.status.show("mode", "" if self.editor.has_focus else f" {t('mode.view')} ")

    def on_virtual_grid_view_changed(self, event: VirtualGrid.ViewChanged) -> None:
        event.stop()
        self.paint_status()

    def on_descendant_focus(self) -> None:
        self.call_after_refresh(self.paint_status)
