"""What a start tells the person who did it (auth §16.2): the program, warnings, what is done, and last where it answers.

A person reads it on stderr. A program reads one line on stdout, or in `LOG_FORMAT=json` the log, which has all of it too. A
console that has started a server in the background reads a pipe.
"""

import contextlib
import json
import logging
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from core.errors import SovriumError
from core.sentence import say, with_patterns
from sovrium_tui import __version__
from sovrium_tui.process import discovery

if TYPE_CHECKING:
    from core.engine import Engine

HEADER = f"sovrium-tui v{__version__}"
LOG = logging.getLogger("sovrium_tui.server")


class StartReport:
    """`reader`: who reads stderr; `none` for a server in the background. Warnings come first, whenever they were found;
    `done` has a line for each phase that has ended."""

    def __init__(self, reader: Literal["text", "json", "none"]) -> None:
        self.warnings: list[str] = []
        self.done: list[str] = []
        self._reader = reader

    @property
    def told(self) -> dict[str, bool]:
        """Marks what is logged and need not stand on the terminal twice."""
        return {"told": self._reader == "text"}

    def begin(self) -> None:
        """Say what starts."""
        LOG.info("%s starts", HEADER, extra=self.told)
        if self._reader == "text":
            print_on_stderr(["", f"  {HEADER}"])

    def tell(self, seconds: float, address: str, announce: Callable[[], None]) -> None:
        """Say what was done, and where the server answers. `announce` tells a program on stdout that it is ready."""
        for warning in self.warnings:
            LOG.warning("%s", warning, extra=self.told)
        for phase in (*self.done, f"Ready in {duration(seconds)}: {address}"):
            LOG.info("%s", phase, extra=self.told)
        if self._reader == "none":
            return
        if self._reader == "json" or not (is_terminal(sys.stdout) and is_terminal(sys.stderr)):
            announce()
        if self._reader == "text":
            print_on_stderr([*self.lines(seconds, address), ""])

    def lines(self, seconds: float, address: str) -> list[str]:
        """All of it; the address is the last line (A-246)."""
        blocks: Sequence[Sequence[str]] = (
            [f"⚠ {line}" for line in self.warnings],
            [f"✓ {line}" for line in (*self.done, f"Ready in {duration(seconds)}")],
            [f"→ {address}"],
        )
        return [line for block in blocks if block for line in ("", *(f"  {each}" for each in block))]


def duration(seconds: float) -> str:
    """`320ms`, `1.2s`."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds}ms" if milliseconds < 1000 else f"{seconds:.1f}s"


def phases_of(engine: "Engine") -> list[str]:
    """What has been done for this app: its database opened, and where it has them, tables made and accounts opened."""
    app = engine.app
    kind = "DuckDB" if engine.database.dialect == "duckdb" else "PostgreSQL"
    file = engine.data_dir / engine.database_name
    done = [f"Database: {kind}, {file if file.is_file() else engine.database_name}"]
    if app.tables:
        done.append(f"Migrations: version {engine.schema_version}")
        done.append(f"Schema: {app.name}, {counted(len(app.tables), 'table')}")
    if app.auth is not None:
        done.append(f"Accounts: {counted(len(app.auth.strategies), 'way')} to sign in")
    return done


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def public_note(host: str, engine: "Engine") -> str | None:
    """A-005: what other machines reach goes over the network as it is, where no proxy is known that stands before it."""
    from core.http.server import is_loopback

    if is_loopback(host) or engine.app.trusted_proxies:
        return None
    return (
        f"{host} can be reached from other machines, and nothing is encrypted: let a proxy with TLS stand before it, "
        "and name it in rateLimit.trustedProxies"
    )


def tell_token(token: str, app_file: Path, data_dir: Path) -> None:
    """How to make the first administrator, wherever the command is typed. A token goes to the terminal alone, never
    into the log (A-236)."""
    from core.auth.bootstrap import PATH, TOKEN_SECONDS

    command = shlex.join(
        ["sovrium-tui", "admin", "create", "EMAIL", "--app", str(app_file), "--data-dir", str(data_dir)]
    )
    announce_on_stdout(
        "Nobody can sign in yet: make the first administrator, with\n"
        f"  {command}\n"
        f"or within {TOKEN_SECONDS // 60} minutes with\n"
        f"  POST {PATH}  Authorization: Bearer {token}  {{email, password, name}}"
    )


def announce_on_stdout(line: str) -> None:
    """Print a line at once; nobody may be reading any more."""
    with contextlib.suppress(OSError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def print_on_stderr(lines: Sequence[str]) -> None:
    """Print lines at once, as far as the terminal knows their characters."""
    if sys.stderr is not None:
        encoding = sys.stderr.encoding or "ascii"
        with contextlib.suppress(OSError):
            sys.stderr.write("".join(f"{line}\n" for line in lines).encode(encoding, "replace").decode(encoding))
            sys.stderr.flush()


def is_terminal(stream: TextIO | None) -> bool:
    """Somebody looks at it, rather than a program or a file."""
    return stream is not None and stream.isatty()


@contextmanager
def report_to(descriptor: int | None) -> Iterator[Callable[[str], None]]:
    """Tell the starting process how the start went, once: ready, or the error that ended it."""
    told = False

    def tell(message: dict[str, Any]) -> None:
        nonlocal told
        if descriptor is None or told:
            return
        told = True
        with contextlib.suppress(OSError):  # the starter may have gone; the server stays for the next one
            os.write(descriptor, json.dumps(message).encode() + b"\n")
        os.close(descriptor)

    try:
        yield lambda note: tell(with_patterns({"note": note}))
    except SovriumError as error:
        tell({"error": discovery.report_of(error)})
        raise
    except Exception as error:
        failure = SovriumError(say("The server failed at its start: {problem}", problem=repr(error)))
        tell({"error": discovery.report_of(failure)})
        raise
