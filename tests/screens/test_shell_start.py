"""The program itself in a terminal: what it loads and sends before the first frame, and how it leaves."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
HEAVY = ("sqlalchemy", "duckdb", "starlette", "pydantic", "httpx", "h11", "yaml", "uvicorn", "ruamel")
LATER = (
    "core.client.client",
    "core.client.connection",
    "screens.help",
    "screens.jobs",
    "screens.messages",
    "screens.migrations",
    "screens.presenters.completion",
    "screens.presenters.filter_draft",
    "screens.presenters.grid_model",
    "screens.schema",
    "screens.services.plain",
    "screens.sql",
    "screens.tables",
    "screens.trouble",
    "screens.widgets.change_flow",
    "screens.widgets.confirm",
    "screens.widgets.editors",
    "screens.widgets.finder",
    "screens.widgets.goto",
    "screens.widgets.grid",
    "screens.widgets.grid_pane",
    "screens.widgets.import_dialog",
    "screens.widgets.record_panel",
    "sovrium_tui.process.discovery",
    "sovrium_tui.server",
    "textual.widgets.text_area",
)
"""Ours and Textual's that only a step behind the first frame needs."""
MOST_MODULES = 102
"""Modules of ours behind the first frame. A new screen, dialog or editor is imported where it is opened."""
FIRST_FRAME = """
import sys
from pathlib import Path
from sovrium_tui.cli.main import run
from sovrium_tui.launch import ConsoleOptions, Target
from sovrium_tui.opening import open_console
folder = Path(sys.argv[1])
app = open_console(Target(str(folder / "absent.yaml"), folder / "data"), ConsoleOptions(), slow=False, alive=None)
app.begin = lambda: (print(",".join(sorted(sys.modules))), app.exit(0))
app.run(headless=True, size=(120, 40))
"""
REFUSED = b"has no server"
PROGRAM = """
import sys
from pathlib import Path
from sovrium_tui.launch import ConsoleOptions, Target, run_console
sys.exit(run_console(Target(sys.argv[1], Path(sys.argv[2])), options=ConsoleOptions(link="fast")))
"""


def test_nothing_heavy_is_imported_before_the_first_frame(tmp_path: Path) -> None:
    """A-003: no database driver either: a console never opens the file itself."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    done = subprocess.run(
        [sys.executable, "-c", FIRST_FRAME, str(tmp_path)],
        cwd=ROOT,
        env=environment | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.strip().split(","))
    assert {"textual.app", "screens.home"} <= loaded
    assert sorted({name.partition(".")[0] for name in loaded} & set(HEAVY)) == []
    assert sorted(loaded & set(LATER)) == []
    ours = sorted(name for name in loaded if name.partition(".")[0] in ("core", "screens", "sovrium_tui"))
    assert len(ours) <= MOST_MODULES, ours


class Terminal:
    """The console in a pseudo-terminal of 80 × 24, on an app file that does not exist."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.child, self.fd = pty.fork()
        if self.child == 0:
            os.chdir(ROOT)
            os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "HOME": str(folder), **environment}
            for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
                os.environ.pop(name, None)
            code = [sys.executable, "-c", PROGRAM, str(folder / "absent.yaml"), str(folder / "data")]
            os.execv(sys.executable, code)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.modes = termios.tcgetattr(self.fd)
        self.output = b""

    def read_until(self, text: bytes) -> None:
        deadline = time.monotonic() + 20
        while text not in self.output:
            assert time.monotonic() < deadline, self.output[-500:]
            if select.select([self.fd], [], [], 0.1)[0]:
                self.output += os.read(self.fd, 1 << 16)

    def rest(self) -> int:
        """Read to the end; the exit status."""
        while True:
            try:
                data = os.read(self.fd, 1 << 16)
            except OSError:
                break
            if not data:
                break
            self.output += data
        _, status = os.waitpid(self.child, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)

    def inner(self) -> int:
        """The process that paints: the child of the one that waits."""
        children = Path(f"/proc/{self.child}/task/{self.child}/children").read_text().split()
        return int(children[0])

    def left_clean(self) -> bool:
        """Alternate screen left, mouse off, cursor shown."""
        tail = self.output[self.output.rindex(b"\x1b[?1049h") :]
        return all(tail.rfind(off) > 0 for off in (b"\x1b[?1049l", b"\x1b[?1000l", b"\x1b[?25h", b"\x1b[?2004l"))


def test_the_first_frame_is_small_and_leaving_restores_the_terminal(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.read_until(b"Home")
    assert len(terminal.output) < 15_000
    terminal.read_until(REFUSED)
    os.write(terminal.fd, b"\x11")
    assert terminal.rest() == 0
    assert terminal.left_clean()
    assert b"Traceback" not in terminal.output


def test_no_colour_is_sent_when_none_is_wanted(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, NO_COLOR="1")
    terminal.read_until(REFUSED)
    os.write(terminal.fd, b"\x11")
    assert terminal.rest() == 0
    settings = {part for match in re.findall(rb"\x1b\[([0-9;]*)m", terminal.output) for part in match.split(b";")}
    colours = {str(n).encode() for n in [*range(30, 39), *range(40, 49), *range(90, 98), *range(100, 108)]}
    assert settings & colours == set()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the inner process in /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_killed_console_leaves_a_sane_terminal(tmp_path: Path, number: signal.Signals) -> None:
    terminal = Terminal(tmp_path)
    terminal.read_until(b"Home")
    terminal.read_until(REFUSED)
    os.kill(terminal.inner() if number == signal.SIGKILL else terminal.child, number)
    assert terminal.rest() == 128 + number
    assert terminal.left_clean()
    assert b"Traceback" not in terminal.output


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the inner process in /proc")
def test_the_console_leaves_when_its_guard_is_killed(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.read_until(REFUSED)
    inner = terminal.inner()
    os.kill(terminal.child, signal.SIGKILL)
    assert terminal.rest() == -signal.SIGKILL
    assert terminal.left_clean()
    assert not Path(f"/proc/{inner}/task/{inner}/children").exists() or _gone(inner)


def _gone(pid: int) -> bool:
    """The process ends within two seconds."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        select.select([], [], [], 0.02)
    return False


def test_without_a_terminal_there_is_one_error_and_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "app.yaml"), str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: The console needs a terminal\n  hint: ")
    assert done.stderr.count("\n") == 2
