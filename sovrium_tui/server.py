"""The server process: takes the data folder, opens the engine, listens, and lets go of everything in the end.

`serve` is the whole life. In the foreground it ends by a signal; in the background also by its lease: a few seconds
after the last console has left.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import BadRequest, Locked, SovriumError
from core.sentence import say
from sovrium_tui import __version__
from sovrium_tui.process.ending import close_or_leave
from sovrium_tui.process.lock import DataLock
from sovrium_tui.process.log import LogSettings, logging_to
from sovrium_tui.process.place import Place
from sovrium_tui.process.record import Role, ServerRecord, file_stamp, process_start
from sovrium_tui.process.start_report import (
    StartReport,
    announce_on_stdout,
    phases_of,
    public_note,
    report_to,
    tell_token,
)

if TYPE_CHECKING:
    from core.auth.bootstrap import Begun
    from core.engine import Engine
    from core.http.app import Application
    from core.http.server import Server
    from core.schema.model import App

HOST, PORT = "127.0.0.1", 3000
LINGER = 5.0
"""Seconds that a background server stays after its last console has left."""
FIRST_VISIT = 30.0
"""Seconds that it waits for its first console."""
LOG = logging.getLogger("sovrium_tui.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How to serve. `host`, `port`: else what the app file says (`server`), else 127.0.0.1 and 3000; port 0 picks one.
    `watch` takes up the app file whenever it changes; `strict` does not start with what is not configured; `dev` lets test
    hooks work; `i_know` takes a data folder that others could look into; `report` is the pipe to the process that started a
    background server."""

    app_file: Path
    data_dir: Path
    host: str | None = None
    port: int | None = None
    socket: Path | None = None
    allow_open: bool = False
    allow_destructive: bool = False
    accept_lost_wal: bool = False
    watch: bool = False
    strict: bool = False
    dev: bool = False
    i_know: bool = False
    background: bool = False
    report: int | None = None
    linger: float = field(default_factory=lambda: linger_setting(os.environ.get("SOVRIUM_LINGER")))


def linger_setting(value: str | None) -> float:
    """Seconds from `SOVRIUM_LINGER`. Raises BadRequest for what is not a number of them."""
    if value is None:
        return LINGER
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise BadRequest("SOVRIUM_LINGER must be a number of seconds, 0 to 86400")
    return seconds


def serve(options: ServerOptions, announce: Callable[[str], None]) -> None:
    """Serve until a signal or the end of the lease. `announce` gets one line when the server is ready.

    Raises what `open_engine` and `Server.start` raise, Locked when another process holds the data folder, and SovriumError
    when others may look into it.
    """
    begun = time.perf_counter()
    place = Place(options.data_dir)
    if not options.i_know:
        place.require_private()
    gc.disable()  # nothing that a start makes is garbage; looking for it costs 0.05 s
    if options.background:
        record = own_record("background", options.app_file, "sovrium-tui (server of a console)")
    else:
        record = own_record("server", options.app_file, "sovrium-tui start")
    settings = LogSettings.of(os.environ)
    with (
        report_to(options.report) as report,
        DataLock(place, record) as lock,
        logging_to(
            place.log,
            settings,
            terminal=None if options.background else sys.stderr,
            takes_output=options.background,
        ),
    ):
        os.umask(0o077)
        life = Life(options, lock, as_json=settings.as_json)
        life.report.begin()

        def ready(note: str) -> None:
            report(note)
            life.greet(time.perf_counter() - begun, announce)

        run_loop(life.run(ready))


def own_record(role: Role, app_file: Path, command: str) -> ServerRecord:
    """The record of this process as it starts."""
    return ServerRecord(
        pid=os.getpid(),
        started=process_start(os.getpid()) or "",
        version=__version__,
        role=role,
        command=command,
        app_file=str(app_file),
    )


class Life:
    """One server from its first to its last moment."""

    def __init__(self, options: ServerOptions, lock: DataLock, *, as_json: bool = False) -> None:
        self.options = options
        self.lock = lock
        self.report = StartReport("none" if options.background else "json" if as_json else "text")
        self._end = asyncio.Event()
        self._lease: asyncio.TimerHandle | None = None
        self._app_name = ""
        self._app: Application | None = None
        self._reloads: set[asyncio.Task[None]] = set()
        self._has_terminal = has_terminal()

    async def run(self, ready: Callable[[str], object]) -> None:
        """Open, serve, close. `ready` gets a note for the person who started it, or ""."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) == signal.SIG_IGN:
                continue  # `nohup` and shells without job control mean it
            handler = self._hang_up if number == signal.SIGHUP else self._stop
            loop.add_signal_handler(number, handler, signal.Signals(number).name)
        engine = open_the_engine(self.options)
        try:
            self._tell_details(engine)
            self.report.done += phases_of(engine)
            self.report.warnings += start_notes(engine, strict=self.options.strict)
            begun = first_admin(engine, prints=not self.options.background)
            server, note = await self._listen(engine)
            if begun is not None:
                self._tell_first(begun)
            self._app = server.app
            server.app.on_reload = self._reloaded
            watching = None
            try:
                self._publish_ready(engine, server)
                ready(note)
                if begun is not None and begun.token is not None:
                    tell_token(begun.token, self.options.app_file, self.options.data_dir)
                if self.options.watch:
                    watching = asyncio.create_task(self._watch())
                gc.freeze()
                gc.set_threshold(20_000, 50, 50)  # requests leave little garbage in cycles; a batch took a tenth longer
                gc.enable()
                await self._end.wait()
                self.lock.publish(replace(self.lock.record, state="stopping"))
            finally:
                if watching is not None:
                    watching.cancel()
                await server.stop()
                engine = server.app.engine or engine
        finally:
            await close_or_leave(engine.close)
            gc.unfreeze()  # or DuckDB's binding takes its own types for leaks when the interpreter ends, and says so
            LOG.info("stopped")

    def greet(self, seconds: float, announce: Callable[[str], None]) -> None:
        """Say that the server is ready, and where."""
        record = self.lock.record
        where = " · ".join(part for part in (record.tcp, record.socket) if part)
        ready = f"Ready in {seconds * 1000:.0f} ms: {self._app_name} on {where}"
        self.report.tell(seconds, record.tcp or str(record.socket), lambda: announce(ready))

    @staticmethod
    def _tell_details(engine: "Engine") -> None:
        """What of the schema is looked for when something is not as it should be (A-248)."""
        for file in engine.app.files:
            LOG.debug("app file: %s", file)
        for table in engine.app.tables:
            LOG.debug("table %s: %d fields, as %s", table.name, len(table.fields), table.sql_name)

    async def _listen(self, engine: "Engine") -> tuple["Server", str]:
        """Bind. A port that is taken stops a server of the foreground; one of the background takes any free one."""
        options = self.options
        port = next(port for port in (options.port, engine.app.port, PORT) if port is not None)
        host = options.host or engine.app.host or HOST
        check_test_hooks(host, dev=options.dev)
        if (note := public_note(host, engine)) is not None:
            self.report.warnings.append(note)
        try:
            return await self._bind(engine, host, port), ""
        except (BadRequest, Locked):
            raise
        except SovriumError:
            if not options.background:
                raise
            server = await self._bind(engine, host, 0)
            return server, say("Port {port} is taken, so the HTTP API is at {url}", port=str(port), url=server.url)

    async def _bind(self, engine: "Engine", host: str, port: int) -> "Server":
        from core.http.app import build_app
        from core.http.limit import Limiter
        from core.http.server import Server

        options = self.options
        server = Server(
            build_app(engine, version=__version__, limiter=Limiter(), log_file=self.lock.place.log),
            socket=options.socket or self.lock.place.socket(),
            host=host,
            port=port,
            allow_open=options.allow_open,
            on_lease=self._count,
        )
        await server.start()
        return server

    def _publish_ready(self, engine: "Engine", server: "Server") -> None:
        self._app_name = engine.app.name
        self.lock.publish(replace(self.lock.record, state="ready", socket=str(server.socket), tcp=server.url))
        self._publish_files(engine)
        if self.options.background:
            self._set_lease(max(FIRST_VISIT, self.options.linger))

    def _publish_files(self, engine: "Engine") -> None:
        files = {str(path): file_stamp(path) for path in engine.app.files}
        self.lock.publish(replace(self.lock.record, checksum=engine.app.checksum, files=files))

    # ── Another version of the app file ──

    async def _watch(self) -> None:
        """Take up the app file whenever it, or a file that it includes, has changed."""
        from sovrium_tui.process.watch import changes

        seen = {Path(path): stamp for path, stamp in self.lock.record.files.items()}
        self._say(f"Watching {self.options.app_file}")
        async for _ in changes(self.options.app_file, seen):
            await self._reload()

    async def _reload(self) -> None:
        """Take up the app file; what is wrong with it is told, and the running version stays."""
        assert self._app is not None
        try:
            done = await self._app.reloading.run()
        except SovriumError as error:
            details = getattr(error, "problems", ()) or getattr(error, "details", ())
            for detail in details:
                self._say(str(detail))
            self._say(f"Not reloaded, the running version stays: {error.message}")
            self._app.reloading.tell_refused(error)
        else:
            for line in (*done["steps"], *done["warnings"]):
                self._say(line)
            self._say(f"Reloaded, version {done['schemaVersion']}" if done["changed"] else "Nothing has changed")

    def _reloaded(self, engine: "Engine") -> None:
        self._app_name = engine.app.name
        self._publish_files(engine)
        LOG.info("reloaded: %s", engine.app.checksum[:12])

    def _tell_first(self, begun: "Begun") -> None:
        """What became of the first administrator."""
        nothing = "a token is told" if begun.token is not None else "nothing to do"
        LOG.debug("first administrator: %s", begun.done or begun.warning or nothing)
        if begun.warning is not None:
            self.report.warnings.append(begun.warning)
        if begun.done is not None:
            self.report.done.append(begun.done)

    def _say(self, line: str) -> None:
        LOG.info("%s", line, extra=self.report.told)
        if not self.options.background:
            announce_on_stdout(line)

    def _hang_up(self, reason: str) -> None:
        """SIGHUP is the end where the terminal has gone; sent to a server by a person or a supervisor it means: reload."""
        if self._has_terminal and not has_terminal():
            self._stop(reason)
        elif self._app is not None:
            task = asyncio.get_running_loop().create_task(self._reload())
            self._reloads.add(task)
            task.add_done_callback(self._reloads.discard)

    def _count(self, consoles: int) -> None:
        """The number of open event streams has changed."""
        self.lock.publish(replace(self.lock.record, consoles=consoles))
        if self.options.background:
            self._set_lease(None if consoles else self.options.linger)

    def _set_lease(self, seconds: float | None) -> None:
        if self._lease is not None:
            self._lease.cancel()
        loop = asyncio.get_running_loop()
        self._lease = None if seconds is None else loop.call_later(seconds, self._stop, "no console is left")

    def _stop(self, reason: str) -> None:
        if not self._end.is_set():
            LOG.info("stopping: %s", reason)
            self._end.set()


def has_terminal() -> bool:
    """This process has a controlling terminal; no longer once that has been closed."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def open_the_engine(options: ServerOptions) -> "Engine":
    """The engine of the app on its database."""
    from core.assembly import open_engine

    return open_engine(
        options.app_file,
        options.data_dir,
        allow_destructive=options.allow_destructive,
        accept_lost_log=options.accept_lost_wal,
    )


def start_notes(engine: "Engine", *, strict: bool = False) -> list[str]:
    """What the person who starts a server should know. Raises as `settings_notes`."""
    from core.http.reload import notes_of

    of_post = engine.auth.context.post.notes if engine.auth else ()
    return [*engine.notes, *settings_notes(engine.app, strict=strict), *notes_of(engine), *of_post]


def first_admin(engine: "Engine", *, prints: bool) -> "Begun | None":
    """Make the administrator that the environment names where nobody is there, and take its variables out of this process
    (§15, A-240); None for an app without accounts. `prints`: somebody sees a token that is printed."""
    from core.auth.environment import forget_admin, read_environment

    seed = read_environment(os.environ).admin
    forget_admin(os.environ)
    return engine.auth.bootstrap.begin(seed, prints=prints) if engine.auth is not None else None


def settings_notes(app: "App", *, strict: bool = False) -> list[str]:
    """What the app asks of the environment and does not get. Raises BadRequest for what it cannot do without, and with
    `strict` for all of it."""
    if app.auth is None:
        return []
    from core.auth.environment import read_environment

    environment = read_environment(os.environ)
    environment.check(app.auth)
    notes = environment.notes(app.auth, app.roles)
    if strict and notes:
        raise BadRequest("; ".join(notes), hint="set them, or start without --strict")
    return notes


def check_test_hooks(host: str, *, dev: bool) -> None:
    """What makes the server easier to attack, for tests, works with `--dev` on loopback alone (A-144, A-265). Raises
    BadRequest."""
    from core.http.limit import WINDOW_SECONDS, window_setting
    from core.http.server import is_loopback

    window = window_setting(os.environ.get("RATE_LIMIT_WINDOW_SECONDS"))
    if window < WINDOW_SECONDS and not (dev and is_loopback(host)):
        raise BadRequest(
            f"RATE_LIMIT_WINDOW_SECONDS={window} is for tests: below {WINDOW_SECONDS} the limits guard nothing",
            hint="take it out of the environment; for tests `sovrium-tui start --dev` on 127.0.0.1",
        )


def run_loop(work: Any) -> None:
    """Run to the end on the fastest event loop that is there."""
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(work)
