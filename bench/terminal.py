"""The console in a pseudo-terminal, as a person meets it: seconds, bytes, processor time and memory per step."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pyte

COLUMNS, LINES = 160, 50
QUIET = 0.2
"""Seconds without output that end a step."""
KEYS = {
    "<up>": "\x1b[A",
    "<down>": "\x1b[B",
    "<pagedown>": "\x1b[6~",
    "<pageup>": "\x1b[5~",
    "<enter>": "\r",
    "<list>": "\x1b[17~\x15",
}
ROWS = r"[a-z] 1 .*\n.*[a-z] 2 "
"""The first two rows of the big table are on the screen."""
OTHER = """  - id: 2
    name: other
    fields:
      - { id: 1, name: note, type: single-line-text }
"""
"""An empty table beside the big one, to come from."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step cost. `cpu` is of the console process alone, in milliseconds per key, `size` bytes per key."""

    name: str
    seconds: float
    cpu: float
    size: int
    memory: int


class Terminal:
    """A program on a pseudo-terminal with a screen that can be read."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.screen = pyte.Screen(COLUMNS, LINES)
        self.stream = pyte.ByteStream(self.screen)
        self.begun = time.perf_counter()
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, environment)
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.received = 0
        self.arrived = self.begun
        self.console = self.pid

    def read(self, timeout: float) -> bool:
        """Take in what has come; False when nothing came in time. All of it first: the screen is slower than the console."""
        taken = b""
        while select.select([self.descriptor], [], [], 0 if taken else max(timeout, 0))[0]:
            try:
                data = os.read(self.descriptor, 1 << 16)
            except OSError:
                break
            if not data:
                break
            self.arrived = time.perf_counter()
            taken += data
        self.received += len(taken)
        self.stream.feed(taken)
        return bool(taken)

    def text(self) -> str:
        return "\n".join(self.screen.display)

    def settle(self, quiet: float = QUIET) -> None:
        """Until nothing has come for a while."""
        end = time.perf_counter() + 3
        while time.perf_counter() < end and self.read(quiet):
            pass

    def wait(self, pattern: str, timeout: float = 60) -> float:
        """The moment at which the text was on the screen; SystemExit with the screen when it never was."""
        end = time.perf_counter() + timeout
        while not re.search(pattern, self.text()):
            if time.perf_counter() > end:
                raise SystemExit(f"never saw {pattern!r} on the screen:\n{self.text()}")
            self.read(0.25)
        return self.arrived

    def type(self, keys: str) -> None:
        for name, code in KEYS.items():
            keys = keys.replace(name, code)
        os.write(self.descriptor, keys.encode())

    def find_console(self) -> None:
        """The launcher waits beside the console to put the terminal right: what is measured is its child."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        self.console = int(children[0]) if children else self.pid

    def cpu(self) -> float:
        """Milliseconds of processor time so far, of the threads that there are."""
        threads = Path(f"/proc/{self.console}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e6

    def memory(self) -> int:
        status = Path(f"/proc/{self.console}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) >> 10

    def close(self) -> None:
        os.kill(self.pid, signal.SIGTERM)
        self.settle()
        os.close(self.descriptor)
        os.waitpid(self.pid, 0)


def visible(text: str) -> int:
    return sum(not c.isspace() for c in text)


def started(terminal: Terminal, rows_shown: str) -> Iterable[Step]:
    """First frame and first rows."""
    while visible(terminal.text()) < 40:
        terminal.read(1)
    terminal.find_console()
    yield Step("first frame", terminal.arrived - terminal.begun, terminal.cpu(), terminal.received, terminal.memory())
    seconds = terminal.wait(rows_shown) - terminal.begun
    terminal.settle()
    yield Step("rows on screen", seconds, terminal.cpu(), terminal.received, terminal.memory())


def press(terminal: Terminal, name: str, keys: str, until: str | None = None, repeat: int = 1) -> Step:
    """Type keys so many times; the median time to the output (or to the awaited text)."""
    terminal.settle()
    cpu, received, waits = terminal.cpu(), terminal.received, []
    for _ in range(repeat):
        begun = time.perf_counter()
        terminal.type(keys)
        if until is None:
            while terminal.arrived < begun and terminal.read(2):
                pass
        else:
            terminal.wait(until)
        waits.append(terminal.arrived - begun)
        terminal.settle(0.06 if repeat > 1 else QUIET)
    size = (terminal.received - received) // repeat
    return Step(name, statistics.median(waits), (terminal.cpu() - cpu) / repeat, size, terminal.memory())


def chosen_again(terminal: Terminal, repeat: int = 5) -> Step:
    """From the other table to the big one, in the list of tables."""
    steps = []
    for _ in range(repeat):
        terminal.type("<list>other<enter>")
        terminal.wait("No rows yet")
        terminal.type("<list>rows")
        steps.append(press(terminal, "table chosen, its screen loaded", "<enter>", ROWS))
    middle = sorted(steps, key=lambda step: step.seconds)[repeat // 2]
    return replace(middle, cpu=statistics.median(step.cpu for step in steps))


def server_memory(app: Path) -> int:
    """Resident MiB of the server behind an app file."""
    described = json.loads((app.parent / ".sovrium" / "run" / "server.json").read_text())
    status = Path(f"/proc/{described['pid']}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) >> 10


def compile_once(environment: dict[str, str]) -> None:
    """Let Python keep the modules compiled, as it does wherever it may write: without that, a start takes twice as long."""
    code = "import sovrium_tui.cli.main, sovrium_tui.server, core.http.app, sovrium_tui.opening, screens.tables"
    subprocess.run([sys.executable, "-P", "-c", code], env=environment, check=True)


def run(app: Path, last_row: str, home: Path) -> Iterable[Step]:
    """The walk through one big table of `bench.rows`: `last_row` is a text that only the last row shows."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "TEXTUAL"))}
    environment |= {"HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    compile_once(environment)
    terminal = Terminal([sys.executable, "-P", "-m", "sovrium_tui", str(app)], environment)
    try:
        yield from started(terminal, r"(?i)rows|flights|tables")
        terminal.settle(1)
        yield press(terminal, "table chosen, its screen not loaded yet", "gt", ROWS)
        terminal.settle(0.5)
        yield chosen_again(terminal)
        yield press(terminal, "cursor down", "<down>", repeat=30)
        yield press(terminal, "page down", "<pagedown>", repeat=30)
        yield press(terminal, "last row", "G", last_row)
        yield press(terminal, "first row", "gg", ROWS)
        total = re.findall(r" / [\d,]+ ", terminal.text())[-1]
        yield press(terminal, "sort by email", "ls", "↑|▲")
        terminal.settle(4)
        terminal.wait(total)  # while the order is being built only the first rows are counted
        yield press(terminal, "last row of the sorted table", "G", r"Pia Toft")
        yield press(terminal, "page up in it", "<pageup>", repeat=10)
        yield Step("server", 0.0, 0.0, 0, server_memory(app))
    finally:
        terminal.close()
