"""The server process and another version of its app file: `start --watch`, `reload`, SIGHUP."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sovrium_tui.process.place import Place
from sovrium_tui.process.record import ServerRecord, read_record

COMMAND = [sys.executable, "-P", "-m", "sovrium_tui"]
APP = """\
name: shop
tables:
  - $ref: ./items.yaml
"""
ITEMS = """\
id: 1
name: items
fields:
  - { id: 1, name: title, type: single-line-text, required: true }
  - { id: 2, name: stock, type: integer }
"""


class Home:
    """A server in the foreground, its output read line by line."""

    def __init__(self, folder: Path) -> None:
        self.app = folder / "app.yaml"
        self.items = folder / "items.yaml"
        self.app.write_text(APP)
        self.items.write_text(ITEMS)
        self.data = folder / "data"
        self.server: subprocess.Popen[str] | None = None

    def start(self, *options: str) -> None:
        self.server = subprocess.Popen(
            [*COMMAND, "start", str(self.app), "--data-dir", str(self.data), "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.line("Ready in")

    def line(self, beginning: str) -> str:
        """The next line that begins so."""
        assert self.server is not None
        assert self.server.stdout is not None
        for line in self.server.stdout:
            if line.startswith(beginning):
                return line.rstrip()
        raise AssertionError(f"the server ended without {beginning!r}")

    def record(self) -> ServerRecord:
        record = read_record(Place(self.data).record)
        assert record is not None
        return record

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, words[0], str(self.app), "--data-dir", str(self.data), *words[1:]],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=50,
            check=False,
        )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    home = Home(tmp_path)
    yield home
    if home.server is not None:
        home.server.terminate()
        home.server.communicate(timeout=30)


def test_watch_takes_up_changes_of_included_files_and_outlives_broken_ones(home: Home) -> None:
    """C-003: same process and port; a broken file is told with its line and keeps the old version."""
    home.start("--watch")
    home.line("Watching ")
    before = home.record()
    home.items.write_text(ITEMS.replace("type: integer", "type: intger"))
    assert re.search(r"items\.yaml:5:\d+", home.line("Not reloaded, the running version stays"))
    home.items.write_text(ITEMS + "  - { id: 3, name: colour, type: single-line-text }\n")
    assert home.line("Reloaded") == "Reloaded, version 2"
    after = home.record()
    assert (after.pid, after.tcp, after.socket) == (before.pid, before.tcp, before.socket)
    assert after.checksum != before.checksum
    assert not after.app_changed()


def test_watch_sees_an_include_that_comes_later(home: Home) -> None:
    """CL-002: a `$ref` to a file that is not there yet is an error until it is."""
    home.start("--watch")
    home.line("Watching ")
    home.app.write_text(APP + "  - $ref: ./more.yaml\n")
    assert "more.yaml" in home.line("Not reloaded")
    (home.app.parent / "more.yaml").write_text("id: 2\nname: more\nfields: [{id: 1, name: a, type: integer}]\n")
    assert home.line("Reloaded") == "Reloaded, version 2"


def test_watch_does_not_drop_what_left_the_file_until_it_is_told(home: Home) -> None:
    """C-008: a destructive change is refused, named, and done by `reload --allow-destructive`."""
    home.start("--watch")
    home.line("Watching ")
    home.items.write_text("\n".join(ITEMS.splitlines()[:-1]) + "\n")
    assert "would lose data" in home.line("Not reloaded")
    refused = home.command("reload")
    assert refused.returncode == 1
    assert "stock" in refused.stderr
    done = home.command("reload", "--allow-destructive")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "Reloaded, version 2")


def test_sighup_reloads_a_server_without_a_terminal(home: Home) -> None:
    """What supervisors send to reload."""
    home.start()
    home.items.write_text(ITEMS + "  - { id: 3, name: colour, type: single-line-text }\n")
    assert "sovrium-tui reload" in home.command("status").stdout
    os.kill(home.record().pid, signal.SIGHUP)
    assert home.line("Reloaded") == "Reloaded, version 2"
    assert "sovrium-tui reload" not in home.command("status").stdout
    assert home.command("reload").stdout == "Nothing has changed\n"


def test_a_terminal_that_is_closed_ends_its_server(home: Home) -> None:
    """The kernel's hang-up is not taken for a wish to reload."""
    leader, follower = os.openpty()
    server = subprocess.Popen(
        [sys.executable, "-P", "-c", IN_TERMINAL, str(home.app), str(home.data)],
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    os.close(follower)
    assert server.stdout is not None
    assert server.stdout.readline().startswith("Ready in")
    os.close(leader)
    assert server.wait(30) == 0
    server.stdout.close()


IN_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from sovrium_tui.cli.main import run
run(["start", sys.argv[1], "--data-dir", sys.argv[2], "--port", "0"])
"""


def test_reload_without_a_server_says_so(home: Home) -> None:
    refused = home.command("reload")
    assert refused.returncode == 1
    assert "No server runs" in refused.stderr
