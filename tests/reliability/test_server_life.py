"""The server process from its start to its end: one per data folder, found by everybody, gone when nobody needs it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from core.client import Client, ServerGone
from core.errors import Conflict, Locked, SchemaError, SovriumError, StorageError
from screens.services import text
from screens.services.wording import worded
from sovrium_tui import __version__
from sovrium_tui.process import discovery
from sovrium_tui.process.discovery import ensure_server, find_server, stop_server
from sovrium_tui.process.lock import DataLock
from sovrium_tui.process.place import Place
from sovrium_tui.process.record import ServerRecord, process_start, read_record

APP = """\
name: shop
tables:
  - id: 1
    name: items
    fields:
      - { id: 1, name: title, type: single-line-text, required: true }
"""
COMMAND = [sys.executable, "-P", "-m", "sovrium_tui"]


class Home:
    """An app with its data folder."""

    def __init__(self, folder: Path) -> None:
        self.app = folder / "app.yaml"
        self.app.write_text(APP)
        self.data = folder / "data"
        self.place = Place(self.data)

    def record(self) -> ServerRecord:
        record = read_record(self.place.record)
        assert record is not None
        return record

    def ensure(self) -> discovery.Address:
        return ensure_server(self.app, self.data)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=50, check=False)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("SOVRIUM_PORT", "0")
    home = Home(tmp_path)
    yield home
    record = read_record(home.place.record)
    if record is not None and record.pid != os.getpid():
        stop_server(home.data)
    discovery.reap()


async def app_at(address: Path) -> str:
    client = Client(address)
    try:
        return (await client.hello())["app"]
    finally:
        await client.close()


def ended(pid: int) -> int:
    """Wait for a server that this process has started; its exit status."""
    child = next(process for process in discovery.CHILDREN if process.pid == pid)
    return child.wait(30)


def test_in_the_foreground(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A-005, A-246, A-248, A-249: where the app file says, with one line on stdout and the rest on stderr."""
    monkeypatch.delenv("SOVRIUM_PORT")
    home.app.write_text(APP + "server: {host: localhost, port: 0}\n")
    arguments = ["start", str(home.app), "--data-dir", str(home.data)]
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LOG_LEVEL": "debug"},
    ) as server:
        assert server.stdout is not None
        ready = server.stdout.readline()
        record = home.record()
        assert ready.startswith("Ready in ")
        assert str(record.tcp) in ready
        assert str(record.tcp).startswith("http://localhost:")
        assert (record.pid, record.role, record.state, record.version) == (server.pid, "server", "ready", __version__)
        assert oct(home.place.socket().stat().st_mode & 0o777) == "0o600"
        assert oct(home.place.run.stat().st_mode & 0o777) == "0o700"

        second = home.command(*arguments)
        assert second.returncode == 3
        assert f"process {server.pid}" in second.stderr
        assert "Traceback" not in second.stderr

        status = home.command("status", str(home.app), "--data-dir", str(home.data), "--json")
        assert status.returncode == 0
        assert json.loads(status.stdout).items() >= {"running": True, "pid": server.pid, "consoles": 0}.items()
        assert home.ensure().pid == server.pid

        stopped = home.command("stop", "--data-dir", str(home.data))
        assert (stopped.returncode, server.wait(30)) == (0, 0)
        assert server.stderr is not None
        told, rest = server.stderr.read(), server.stdout.read()
    assert rest == ""
    marks = [line.strip() for line in told.splitlines() if line.startswith("  ")]
    assert marks[0] == f"sovrium-tui v{__version__}"
    assert marks[1:-2] == [
        f"✓ Database: DuckDB, {home.data / 'app.duckdb'}",
        "✓ Migrations: version 1",
        "✓ Schema: shop, 1 table",
    ]
    assert marks[-2].startswith("✓ Ready in ")
    assert marks[-1] == f"→ {record.tcp}"
    assert "[DEBUG] [SERVER] table items: 1 fields, as items" in told
    assert "[INFO] [SERVER] stopping: SIGTERM" in told
    assert "Ctrl+C" not in told
    assert "Traceback" not in told
    assert not home.place.record.exists()
    assert not home.place.socket().exists()


def test_started_once_for_everybody(home: Home) -> None:
    with ThreadPoolExecutor(3) as pool:
        addresses = list(pool.map(lambda _: home.ensure(), range(3)))
    assert len({address.pid for address in addresses}) == 1
    assert [address.started for address in addresses].count(True) == 1
    found = find_server(home.data)
    assert found is not None
    assert found.socket == addresses[0].socket
    assert home.record().role == "background"

    os.kill(found.pid, signal.SIGINT)
    assert ended(found.pid) == 0
    assert find_server(home.data) is None


def test_ends_when_its_last_console_has_left(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOVRIUM_LINGER", "0.2")
    address = home.ensure()

    async def visit() -> int:
        first, second = Client(address.socket), Client(address.socket)
        streams = [first.events(), second.events()]
        for stream in streams:
            await anext(stream)
        seen = home.record().consoles
        await first.close()
        await second.hello()  # still there: one console is left
        await second.close()
        return seen

    assert asyncio.run(visit()) == 2
    assert ended(address.pid) == 0
    assert not home.place.record.exists()


def test_a_killed_server_leaves_no_obstacle(home: Home) -> None:
    """Everything that it left is cleared away, and a client that was there goes on over the next one."""
    address = home.ensure()

    async def live_through() -> discovery.Address:
        client = Client(address.socket)
        assert (await client.hello())["pid"] == address.pid
        os.kill(address.pid, signal.SIGKILL)
        ended(address.pid)
        assert home.place.record.exists()
        assert home.place.socket().exists()
        assert find_server(home.data) is None
        with pytest.raises(ServerGone):
            await client.hello()
        again = await asyncio.to_thread(home.ensure)
        assert (await client.hello())["pid"] == again.pid
        await client.close()
        return again

    again = asyncio.run(live_through())
    assert (again.started, again.pid != address.pid) == (True, True)


def test_a_damaged_database_is_told(home: Home) -> None:
    home.place.prepare()
    (home.data / "app.duckdb").write_bytes(b"this is no database" * 1000)
    with pytest.raises(StorageError) as damaged:
        home.ensure()
    assert "app.duckdb" in damaged.value.message
    done = home.command("sql", str(home.app), "select 1", "--data-dir", str(home.data))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert done.stderr.startswith("error: ")


def test_another_version_is_replaced_only_when_nobody_uses_it(home: Home) -> None:
    address = home.ensure()
    foreign = replace(home.record(), version="0.0.1")
    replace(foreign, consoles=1).write(home.place.record)
    with pytest.raises(Conflict, match=r"version 0\.0\.1"):
        home.ensure()
    foreign.write(home.place.record)
    assert home.ensure().pid != address.pid


def test_a_changed_app_file_is_taken_up(home: Home) -> None:
    address = home.ensure()
    home.app.write_text(APP + "      - { id: 2, name: price, type: integer }\n")
    replace(home.record(), consoles=1).write(home.place.record)
    attached = home.ensure()
    assert (attached.pid, "changed" in attached.note) == (address.pid, True)
    replace(home.record(), consoles=0).write(home.place.record)
    assert home.ensure().pid != address.pid


def test_a_data_folder_of_another_app(home: Home, tmp_path: Path) -> None:
    home.ensure()
    replace(home.record(), consoles=1).write(home.place.record)
    other = tmp_path / "other.yaml"
    other.write_text(APP)
    with pytest.raises(Conflict, match="another app"):
        ensure_server(other, home.data)


def test_a_record_of_a_recycled_process_number_counts_as_none(home: Home) -> None:
    home.place.prepare()
    mine = ServerRecord(pid=os.getpid(), started=process_start(os.getpid()) or "", version=__version__, state="ready")
    mine.write(home.place.record)
    assert read_record(home.place.record) == mine
    replace(mine, started="another moment").write(home.place.record)
    assert read_record(home.place.record) is None
    home.place.record.write_text('{"pid": "x"')
    assert read_record(home.place.record) is None


def test_errors_of_the_start_reach_the_caller(home: Home, tmp_path: Path) -> None:
    home.app.write_text(APP.replace("single-line-text", "single-lin-text"))
    with pytest.raises(SchemaError) as invalid:
        home.ensure()
    assert "app.yaml:6" in str(invalid.value.problems[0])
    home.app.write_text(APP)

    home.place.prepare()
    with duckdb.connect(str(home.data / "app.duckdb")), pytest.raises(Locked) as held:
        home.ensure()
    assert held.value.pid == os.getpid()

    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SovriumError, match="cannot be used"):
        ensure_server(home.app, file)
    assert find_server(home.data) is None


def test_a_command_at_work_is_named(home: Home) -> None:
    started = process_start(os.getpid()) or ""
    record = ServerRecord(
        pid=os.getpid(), started=started, version=__version__, role="command", command="sovrium-tui import"
    )
    with DataLock(home.place, record), pytest.raises(Locked, match="sovrium-tui import") as held:
        DataLock(home.place, record).__enter__()
    assert held.value.pid == os.getpid()
    assert not home.place.record.exists()


def test_long_folders_and_taken_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    folder = tmp_path / ("long-" * 20) / ("name-" * 10)
    folder.mkdir(parents=True)
    home = Home(folder)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = home.command("start", str(home.app), "--data-dir", str(home.data), "--port", port)
        assert refused.returncode == 1
        assert port in refused.stderr
        assert not home.place.record.exists()
        monkeypatch.setenv("SOVRIUM_PORT", port)
        address = home.ensure()
    try:
        assert len(os.fsencode(address.socket)) <= 100
        assert oct(address.socket.parent.stat().st_mode & 0o777) == "0o700"
        assert port in address.note
        monkeypatch.setattr(text, "_language", "fr")
        assert worded(address.note).startswith(f"Le port {port} est pris")
        assert port not in str(address.tcp)
        assert asyncio.run(app_at(address.socket)) == "shop"
    finally:
        stop_server(home.data)
    assert not address.socket.exists()


def test_a_246_the_log_takes_what_a_crash_prints(tmp_path: Path) -> None:
    """Also after it has begun a new file."""
    log = tmp_path / "server.log"
    code = (
        "import logging, os\n"
        "from pathlib import Path\n"
        "from sovrium_tui.process import log\n"
        "log.FILE_BYTES = 1000\n"
        f"with log.logging_to(Path({str(log)!r}), log.LogSettings.of({{}}), takes_output=True):\n"
        "    for _ in range(30): logging.getLogger('core').info('x' * 100)\n"
        "    os.write(2, b'the crash')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=50)
    assert log.with_name("server.log.3").exists()
    assert "the crash" in log.read_text()


def test_settings_that_are_none(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """E-002: the variable and what it takes."""
    monkeypatch.setenv("LOG_FORMAT", "xml")
    with pytest.raises(SovriumError, match="LOG_FORMAT must be one of text, json"):
        home.ensure()
    monkeypatch.delenv("LOG_FORMAT")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with pytest.raises(SovriumError, match="LOG_LEVEL must be one of debug"):
        home.ensure()
    monkeypatch.setenv("LOG_LEVEL", "info")
    monkeypatch.setenv("SOVRIUM_LINGER", "-1")
    with pytest.raises(SovriumError, match="SOVRIUM_LINGER"):
        home.ensure()
