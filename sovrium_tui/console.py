"""The console: a Textual app whose modes are the places of `screens.registry`."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import message
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.actions import ActionParseResult
from textual.app import App, InvalidThemeError
from textual.dom import DOMNode
from textual.driver import Driver
from textual.events import Event, InputEvent, Key, Paste
from textual.filter import LineFilter
from textual.screen import Screen

from core.client import SovriumError
from screens.actions.binding import barred, bindings_of, chain_of, perform
from screens.actions.registry import BY_ID
from screens.presenters.connection import Opener, State
from screens.presenters.format.line import plain
from screens.presenters.message_log import Message, Severity
from screens.presenters.place import Place
from screens.registry import PLACES
from screens.services.context import Context
from screens.services.guard import GUARD
from screens.services.session import staged_log
from screens.services.style import STYLES, KeptStylesheet
from screens.services.text import set_language, t
from screens.services.theme import DARK, OWN, PLAIN
from screens.services.type_ahead import TypeAhead, Typed
from screens.widgets.compositor import one_frame
from screens.widgets.console_screen import ConsoleScreen
from screens.widgets.which_key import Leader
from sovrium_tui import __version__
from sovrium_tui.idle_lock import EVERY, IdleLock

if TYPE_CHECKING:
    from core.contract.console import Event as ServerEvent
    from core.contract.server import ReloadRequest
    from screens.presenters.finder import Hit, Search

for digit in "123456789":
    # Most terminals send these for Alt and a digit; Textual reads what a Mac types with its option key.
    ANSI_SEQUENCES_KEYS.pop(f"\x1b{digit}", None)


class Prompt:
    """Of a driver: hands what is typed to the app as it is. Textual's way, by a coroutine and a future for each key, is felt
    in what a key costs."""

    def send_message(self, message: message.Message) -> None:
        self._loop.call_soon_threadsafe(self._app.post_message, message)


NOWHERE = "nowhere"
"""The mode between two callers."""


def load_ahead() -> None:
    """Import where most people go next, while they look at the first place: half of what it takes to come there."""
    next(place for place in PLACES if place.mode == "tables").screen_class()


class ConsoleApp(App[int], inherit_bindings=False):
    """Modes, global actions, and the services that every screen is given."""

    TITLE = "sovrium-tui"
    CSS_PATH = [STYLES / "base.tcss", STYLES / "home.tcss"]
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = bindings_of("global")
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-one-pane"), (120, "-two-panes"), (160, "-three-panes")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (15, "-low"), (20, "-high"), (32, "-tall")]
    DEFAULT_MODE = "home"
    action_context = "global"

    def __init__(self, context: Context, opener: Opener, *, theme: str = "", alive: int | None = None) -> None:
        """opener: finds or starts the server. theme: for this run. alive: a descriptor that closes when we must leave."""
        super().__init__()
        self.stylesheet = KeptStylesheet(variables=self.get_css_variables())
        self.context = context
        self.opener = opener
        self.leader = Leader(self, context)
        self.type_ahead = TypeAhead(self, self._pass_on)
        context.hold_keys = self.hold_keys
        self.idle = IdleLock(context, self.lock)
        self.alive = alive
        self.crash_folder: Path | None = None
        self._caller: str | None = None
        """Address of who was there last, "" for the owner."""
        self._staged_by = context.keeper.email
        """The same of whose staged edits are here."""
        self._turn = asyncio.Lock()
        self.plain = False
        """Everything drawn is ASCII. Set before the app runs."""
        for own in OWN:
            self.register_theme(own)
        self._unknown_theme = ""
        self._take_theme(theme or str(context.session.get("theme") or ""))
        for place in PLACES:
            self.add_mode(place.mode, lambda place=place: place.screen_class()(context))
        self.set_keymap(context.keymap.textual())

    @property
    def read_only(self) -> bool:
        """What writes is barred."""
        return self.context.read_only

    def get_driver_class(self) -> type[Driver]:
        driver = super().get_driver_class()
        return type(driver.__name__, (Prompt, driver), {})

    # ── Life ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda theme: self.context.session.put("theme", theme.name))
        self.context.navigate.listen(self.show_place)
        self.context.connection.changed.listen(self.follow_connection)
        self.context.switched.listen(lambda _: self.run_worker(self.forget_rows(), group="switch"))
        self.context.events.listen(self.hear)
        self.set_interval(EVERY, self.idle.look)
        self.call_after_refresh(self.begin)

    @asynccontextmanager
    async def hold_keys(self, give_up: Callable[[], object] | None = None) -> AsyncIterator[None]:
        """Let keys wait; after a moment it is said that they do. give_up: Esc does not wait, but calls it."""
        with self.context.waiting.tell(t("status.wait")):
            async with self.type_ahead.hold(give_up):
                yield

    def begin(self) -> None:
        """After the first frame: everything that may take its time."""
        gc.enable()
        gc.freeze()
        loop = asyncio.get_running_loop()
        if self.alive is not None:
            loop.add_reader(self.alive, self.leave, 129)
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self.leave, 128 + number)
        self.run_worker(
            self.context.connection.keep(self.context, self.opener, version=__version__), exit_on_error=False
        )
        if self._unknown_theme:
            known = ", ".join(sorted(self.available_themes))
            self.notify(t("theme.unknown", name=self._unknown_theme, known=known), severity="warning", timeout=10)
        for problem in self.context.keymap.problems:
            self.notify(problem, title=t("keymap.title"), severity="warning", timeout=10)

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = [GUARD, *super().get_line_filters()]
        if not self.plain:
            return filters
        from screens.services.plain import PlainFilter

        return [*filters, PlainFilter()]

    def leave(self, code: int) -> None:
        """End now, with the terminal restored; staged edits are on disk already."""
        if self.alive is not None:
            asyncio.get_running_loop().remove_reader(self.alive)
        self.exit(code, return_code=code)

    def follow_connection(self, state: State) -> None:
        if state == "refused" and not any(type(s).__name__ == "TroubleScreen" for s in self.screen_stack):
            from screens.trouble import TroubleScreen

            self.push_screen(TroubleScreen(self.context))
        elif state == "signed-out" and not any(type(s).__name__ == "LoginScreen" for s in self.screen_stack):
            from screens.login import LoginScreen

            self.push_screen(LoginScreen(self.context))
        elif state == "online" and self.context.connection.acting is None:
            self._meet()
        if state == "online":
            self.run_worker(load_ahead, thread=True, group="ahead", exit_on_error=False)

    def _meet(self) -> None:
        """Who is there now? What another one has read is not for them (A-271)."""
        token = getattr(self.context.port, "token", None)
        caller = self.context.keeper.email if token is not None else ""
        if self._staged_by != caller and not self.context.read_only:
            self.context.pending.turn_to(staged_log(self.context.session, caller))
            self._staged_by = caller
        if self._caller not in (None, caller):
            self.run_worker(self.forget_rows(), group="switch")
        self._caller = caller

    async def forget_rows(self) -> None:
        """Every place anew, and nothing kept of what somebody else has read (A-271)."""
        async with self._turn, self.type_ahead.hold():
            self.context.session.put("home", {})
            self.context.clipboard.held = None
            self.add_mode(NOWHERE, lambda: Screen[None]())
            await self.switch_mode(NOWHERE)
            for place in PLACES:
                await self.remove_mode(place.mode)
                self.add_mode(place.mode, lambda place=place: place.screen_class()(self.context))
            await self.switch_mode("home")
            await self.remove_mode(NOWHERE)
        if self.context.connection.state == "signed-out":
            self.follow_connection("signed-out")  # the prompt was on a place that is gone

    def hear(self, event: ServerEvent) -> None:
        """Tell what has become of the app file."""
        if event["kind"] == "schema" and event.get("state") == "reloaded":
            self.notify(t("reload.done", version=event.get("version", "")), title=t("reload.title"))
        elif event["kind"] == "schema" and event.get("state") == "refused":
            text = t("reload.refused", message=event.get("message", ""))
            self.notify(text, title=t("reload.title"), severity="error", timeout=15)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: Severity = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Tell something in passing; the messages panel keeps it."""
        message, title = plain(message), plain(title)
        self.context.messages.add(Message(datetime.now(), severity, message, title))
        for standing in [each for each in self._notifications if (each.message, each.title) == (message, title)]:
            self._unnotify(standing, refresh=False)  # told again, not twice
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def _print_error_renderables(self) -> None:
        """A defect of ours ends the console with one line; its details go to a file."""
        import sys
        import traceback

        error = self._exception
        where = ""
        if error is None:
            return
        if self.crash_folder is not None:
            file = self.crash_folder / "crash.log"
            try:
                self.crash_folder.mkdir(parents=True, exist_ok=True)
                file.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
                where = f" (details: {file})"
            except OSError:
                pass
        print(f"sovrium-tui: {t('shell.crash')} {type(error).__name__}: {error}{where}", file=sys.stderr)  # noqa: T201

    def emit(self, sequence: str) -> None:
        """Write a control sequence to the terminal, for the clipboard."""
        if self._driver is not None:
            self._driver.write(sequence)

    async def on_event(self, event: Event) -> None:
        if isinstance(event, InputEvent | Paste):
            self.idle.touch()
        if isinstance(event, Typed) and not event.is_forwarded:
            if isinstance(event, Key) and "alt+" in event.key:
                event = Key(event.key, None)  # terminals send the letter as well, which a line would take for typing
            await self.type_ahead.take(event)
            return
        await super().on_event(event)
        if isinstance(event, Typed):
            self.type_ahead.returned(event)

    async def _pass_on(self, key: Typed) -> bool:
        """What a key does, once it is its turn; whether all of it is done. Nothing is done unseen, where the terminal is too
        small to show it: there one can only leave."""
        if isinstance(self.screen, ConsoleScreen) and self.screen.is_covered:
            leaving = self.context.keymap.keys_of(BY_ID["app.quit"])
            if not isinstance(key, Key) or key.key not in leaving:
                return True
        if isinstance(key, Paste):
            await super().on_event(key)
        elif self.leader.waiting:
            await self.leader.take(key.key)
        elif await self._act(key):
            return True
        else:
            await super().on_event(key)
        return False

    async def _act(self, key: Key) -> bool:
        """Run what a key is bound to in a focused grid, if it is. Textual would first carry the key to every node around the
        grid, and look through the bindings of all of them twice: half of what a step of the cursor costs."""
        grid = self.focused
        acts_at_once = getattr(grid, "acts_at_once", None)
        if acts_at_once is None or not self.app_focus or not acts_at_once(key):
            return False
        action = self.context.keymap.action_of(key.key, "grid")
        if action is None or action.textual in getattr(grid, "takes_time", ()):
            return False
        told = [self.screen.status] if isinstance(self.screen, ConsoleScreen) else []
        with one_frame(grid, *told):
            return await self.run_action(action.textual, grid)

    # ── Places ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def show_place(self, place: Place) -> None:
        self.run_worker(self._show_place(place), exclusive=True, group="place")

    async def _show_place(self, place: Place) -> None:
        if place.mode not in [known.mode for known in PLACES]:
            return
        async with self.type_ahead.hold():
            await self.switch_mode(place.mode)
            base = self.screen_stack[0]
            if isinstance(base, ConsoleScreen):
                base.show_place(place)

    def go(self, mode: str) -> None:
        """Go to a mode, as it was left."""
        if mode != self.current_mode:
            self.context.places.visit(Place(mode, "", t(f"place.{mode}")))
            self.run_worker(self._go(mode), exclusive=True, group="place")

    async def _go(self, mode: str) -> None:
        async with self.type_ahead.hold():
            await self.switch_mode(mode)

    def action_go_home(self) -> None:
        self.go("home")

    def action_go_tables(self) -> None:
        self.go("tables")

    def action_go_sql(self) -> None:
        self.go("sql")

    def action_go_jobs(self) -> None:
        self.go("jobs")

    def action_go_schema(self) -> None:
        self.go("schema")

    def action_go_migrations(self) -> None:
        self.go("migrations")

    def action_go_roles(self) -> None:
        self.go("roles")

    def action_go_users(self) -> None:
        self.go("users")

    def action_go_sessions(self) -> None:
        self.go("sessions")

    def action_go_auth(self) -> None:
        self.go("auth")

    def action_go_account(self) -> None:
        self.go("account")

    def action_go_outbox(self) -> None:
        self.go("outbox")

    def action_go_audit(self) -> None:
        self.go("audit")

    def action_go_analytics(self) -> None:
        self.go("analytics")

    def action_go_logs(self) -> None:
        self.go("logs")

    def action_nav_back(self) -> None:
        place = self.context.places.back()
        if place is not None:
            self.show_place(place)

    def action_nav_forward(self) -> None:
        place = self.context.places.forward()
        if place is not None:
            self.show_place(place)

    # ── Actions ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def action_perform(self, action: str) -> None:
        """Run a global action on whoever can do it; nothing happens where nobody can."""
        await perform(self, BY_ID[action], chain_of(self.screen))

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Every key, click and choice comes here: what the caller may not do is told, not tried (P-043)."""
        if isinstance(action, str) and default_namespace is not None and (why := barred(default_namespace, action)):
            tell = getattr(default_namespace, "tell_barred", None)
            if tell is None or not tell(action, why):
                self.notify(why, severity="warning")
            return True
        return await super().run_action(action, default_namespace, namespaces)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "app_be_oneself":
            return self.context.connection.acting is not None
        if action == "app_sign_out":
            return self.context.port is not None and self.context.port.token is not None
        if action.startswith("go_"):
            return action.removeprefix("go_") in [place.mode for place in PLACES]
        return True

    def action_app_leader(self) -> None:
        self.leader.start()

    def action_app_palette(self) -> None:
        from screens.widgets.palette import action_hits, language_hits, table_hits, theme_hits

        hits = [
            *action_hits(self, self.context, chain_of(self.screen)),
            *table_hits(self.context),
            *theme_hits(self.choose_theme, quiet=True),
            *language_hits(self.choose_language, quiet=True),
        ]
        self.find(t("palette.placeholder"), hits)

    def action_app_goto(self) -> None:
        from screens.presenters.finder import Hit
        from screens.widgets.goto import goto_hits, record_search

        whoami = Hit(label="whoami", detail=t("actions.app.whoami"), run=self.action_app_whoami, quiet=True)
        self.find(t("goto.placeholder"), [*goto_hits(self.context), whoami], record_search(self.context))

    def action_app_theme(self) -> None:
        from screens.widgets.palette import theme_hits

        before = self.theme

        def preview(hit: Hit | None) -> None:
            self.theme = hit.value if hit else before

        self.find(t("theme.placeholder"), theme_hits(self.choose_theme), preview=preview)

    def action_app_language(self) -> None:
        from screens.widgets.palette import language_hits

        self.find(t("language.placeholder"), language_hits(self.choose_language))

    def find(self, placeholder: str, hits: Sequence[Hit], search: Search | None = None, preview: Any = None) -> None:
        """Open the finder and run what is chosen."""
        from screens.widgets.finder import Finder

        self.push_screen(Finder(placeholder, hits, search, preview), self._run_hit)

    async def _run_hit(self, hit: Hit | None) -> None:
        if hit is not None and hit.run is not None:
            result = hit.run()
            if asyncio.iscoroutine(result):
                await result

    def action_app_help(self) -> None:
        from screens.help import HelpScreen

        about = t(f"place.{self.current_mode}")
        self.push_screen(HelpScreen(self.context, chain_of(self.screen), about, self.current_mode))

    def action_app_whoami(self) -> None:
        """Who the caller is to the server; with the table that is on screen."""
        from screens.widgets.access_sheet import AccessSheet

        pane = getattr(self.screen, "pane", None)
        self.push_screen(AccessSheet(self.context, getattr(pane, "info", None)))

    async def action_app_sign_out(self) -> None:
        """End the session; the prompt comes by itself. Staged edits stay."""
        port = self.context.port
        if port is None:
            return
        self.context.keeper.forget()
        with suppress(SovriumError):
            await port.account.sign_out()
        self.context.be_oneself()
        await port.close()  # the stream of events with it, so that the server asks at once who one is
        self.notify(t("login.signed-out"))

    async def lock(self) -> None:
        """Nobody has been here for long."""
        await self.action_app_sign_out()
        self.notify(t("login.locked"))

    async def action_app_be_oneself(self) -> None:
        """End acting as somebody else."""
        port = self.context.port
        with suppress(SovriumError):
            if port is not None:
                await port.admin.stop_impersonating()
        self.context.be_oneself()

    def action_app_messages(self) -> None:
        from screens.messages import MessagesScreen

        self.push_screen(MessagesScreen(self.context))

    def action_app_reconnect(self) -> None:
        self.context.connection.retry()

    def action_app_reload(self) -> None:
        self.run_worker(self._reload(), exclusive=True, group="reload")

    async def _reload(self) -> None:
        """Let the server take up the app file; what would lose data is asked about first."""
        from screens.widgets.confirm import confirm

        body: ReloadRequest = {}
        while (port := self.context.port) is not None:
            try:
                done = await port.request("POST", "/api/console/reload", json=body)
            except SovriumError as error:
                details = getattr(error, "details", ()) or getattr(error, "problems", ())
                if error.extra.get("unconfirmed"):
                    text = "\n".join(str(each) for each in details)
                    if not await confirm(self, t("reload.ask"), text, yes=t("reload.yes")):
                        return
                    body = {"allowDestructive": True, "checksum": str(error.extra["checksum"])}
                    continue
                text = "\n".join((error.message, *(str(each) for each in details[:5] if len(details) > 1)))
                self.notify(text, title=t("reload.title"), severity="error", timeout=15)
            else:
                if not done["changed"]:
                    self.notify(t("reload.same"), title=t("reload.title"))
            return

    def action_app_close(self) -> None:
        if self.current_mode == "home":
            self.run_worker(self._ask_to_quit(always=True))
        else:
            self.go("home")

    def action_app_quit(self) -> None:
        self.run_worker(self._ask_to_quit(always=False))

    async def _ask_to_quit(self, *, always: bool) -> None:
        from screens.widgets.confirm import confirm

        count = self.context.pending.count()
        open_ = sum(tab.get("transaction") is not None for tab in self.context.session.get("sql.tabs", []))
        texts = [
            t("quit.pending", count=count) if count else "",
            t("sql.transaction.leave", count=open_) if open_ else "",
        ]
        text = "\n\n".join(filter(None, texts))
        if (text or always) and not await confirm(self, t("quit.title"), text, yes=t("quit.yes"), danger=False):
            return
        self.exit(0)

    def choose_theme(self, name: str) -> None:
        self.theme = name

    def choose_language(self, code: str) -> None:
        set_language(code)
        self.context.session.put("language", code)
        for stack in self._screen_stacks.values():
            for screen in stack:
                if isinstance(screen, ConsoleScreen):
                    screen.language_changed()

    def _take_theme(self, name: str) -> None:
        try:
            self.theme = PLAIN if os.environ.get("NO_COLOR") else name or DARK
        except InvalidThemeError:
            self.theme, self._unknown_theme = DARK, name
