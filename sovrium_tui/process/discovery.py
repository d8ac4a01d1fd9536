"""How a client finds the server of a data folder, or starts one in the background."""

import json
import os
import select
import signal
import socket as sockets
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from core.errors import Conflict, Locked, MigrationRefused, SchemaError, SovriumError, StorageError
from core.sentence import say, with_patterns, with_sentences
from sovrium_tui import __version__
from sovrium_tui.process.allocator import tuned
from sovrium_tui.process.lock import PAUSE, held_by, starting
from sovrium_tui.process.place import Place, private
from sovrium_tui.process.record import ServerRecord, read_record

PATIENCE = 60.0
"""Seconds that a start may take: a migration of a big table is part of it."""
STOP_PATIENCE = 30.0
FORGOTTEN = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT")
"""Variables that decide which code Python runs; a server never takes them from the shell that a console was opened in."""
CHILDREN: list[subprocess.Popen[bytes]] = []
"""Servers that this process has started: they outlive it, and Python complains of a handle that is dropped before."""
KINDS: dict[str, type[SovriumError]] = {
    kind.__name__: kind for kind in (Locked, SchemaError, MigrationRefused, Conflict, StorageError)
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server answers. `started` says that this call has started it; `note` is for the person at the console."""

    socket: Path
    tcp: str | None
    pid: int
    started: bool = False
    note: str = ""


def find_server(data_dir: Path) -> Address | None:
    """The server that holds `data_dir` and is ready; None when there is none."""
    place = Place(data_dir.absolute())
    record = read_record(place.record)
    if record is None or record.role == "command" or record.state != "ready" or record.socket is None:
        return None
    return address_of(record) if answers(record.socket) else None


def ensure_server(app_file: Path, data_dir: Path) -> Address:
    """The server of an app: the running one, or one started now in the background, which ends by itself soon after its
    last console has left. Blocks until it is ready (run it in a thread), and imports nothing heavy.

    Two callers at once get the same server. A background server of another version, or one that has read the app file
    before it changed, is replaced when no console uses it.

    Raises:
        Locked: another process holds the database and cannot be attached to.
        SchemaError: the app file is not valid.
        MigrationRefused: the app file asks for a change that would lose data.
        Conflict: the running server has another version and is in use.
        SovriumError: the server did not start; the message says why, as far as it is known.
    """
    app_file, place = app_file.absolute(), Place(data_dir.absolute())
    place.prepare()
    with starting(place, PATIENCE):
        record = settled(place)
        if record is not None:
            found = attach(place, record, app_file)
            if found is not None:
                return found
        return start_background(app_file, place)


def stop_server(data_dir: Path, *, patience: float = STOP_PATIENCE) -> ServerRecord | None:
    """Ask the server to end and wait until it has; its record, None when none runs. Raises SovriumError when it does
    not end, Locked when the holder is a command that is at work."""
    place = Place(data_dir.absolute())
    record = read_record(place.record)
    if record is None:
        return None
    if record.role == "command":
        raise held_by(record)
    end(place, record, patience)
    return record


def settled(place: Place) -> ServerRecord | None:
    """The holder of the folder, once it is neither starting nor stopping; None when there is none. One that does not answer
    is waited for too: a killed process holds its lock until the system has taken it apart."""
    deadline = time.monotonic() + PATIENCE
    while (record := read_record(place.record)) is not None:
        if record.state == "ready" and (record.socket is None or answers(record.socket)):
            return record
        if time.monotonic() > deadline:
            raise held_by(record)
        time.sleep(PAUSE)
    return None


def attach(place: Place, record: ServerRecord, app_file: Path) -> Address | None:
    """The address of the running server; None when it was a useless one and has been ended."""
    if record.role == "command":
        raise held_by(record)
    same_app = record.app_file is None or Path(record.app_file) == app_file
    reason = note = ""
    if record.version != __version__:
        reason = say(
            "The running server has version {theirs}, this console {ours}", theirs=record.version, ours=__version__
        )
    elif not same_app:
        reason = say("The data folder serves another app: {file}", file=record.app_file)
    elif record.app_changed():
        note = say("The app file has changed since the server read it; `sovrium-tui reload` applies it")
    if not reason and not note:
        return address_of(record)
    if record.role == "background" and record.consoles == 0:
        end(place, record, STOP_PATIENCE)
        return None
    if reason:
        raise Conflict(reason, hint="stop it with `sovrium-tui stop`, or choose another --data-dir")
    return address_of(record, note=note)


def start_background(app_file: Path, place: Place) -> Address:
    """Start a server that outlives its starter; returns when it is ready."""
    reader, writer = os.pipe()
    try:
        process = spawn(app_file, place, writer)
    finally:
        os.close(writer)
    try:
        report = read_report(reader, process)
    finally:
        os.close(reader)
    if "error" in report:
        fail(report["error"])
    record = read_record(place.record)
    if record is None:
        raise died(place, process)
    return address_of(record, started=True, note=report.get("note", ""))


def spawn(app_file: Path, place: Place, report: int) -> subprocess.Popen[bytes]:
    """The process: `-P` and a clean environment, so that nothing in the shell's folder becomes code of ours."""
    environment = {key: value for key, value in os.environ.items() if key not in FORGOTTEN} | tuned()
    command = [sys.executable, "-P", "-m", "sovrium_tui", "start", str(app_file), "--data-dir", str(place.data_dir)]
    with open(place.log, "ab", opener=private) as log:
        process = subprocess.Popen(
            [*command, "--background", "--report", str(report)],
            cwd=place.data_dir,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(report,),
            start_new_session=True,
        )
    CHILDREN.append(process)
    return process


def read_report(reader: int, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What the new server says of its start: one line of JSON, {} when it died without a word."""
    deadline = time.monotonic() + PATIENCE
    text = b""
    while not text.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            process.terminate()
            late = say("The server was not ready within {seconds} s", seconds=round(PATIENCE))
            raise SovriumError(late, hint="see the log in its run folder")
        chunk = os.read(reader, 1 << 16)
        if not chunk:
            break
        text += chunk
    return with_sentences(json.loads(text)) if text else {}


def report_of(error: SovriumError) -> dict[str, Any]:
    """An error in the form that `fail` understands on the other side."""
    kind = next((name for name, known in KINDS.items() if isinstance(error, known)), "SovriumError")
    details = getattr(error, "details", None) or [str(problem) for problem in getattr(error, "problems", ())]
    report = {
        "kind": kind,
        "message": error.message,
        "hint": error.hint,
        "code": error.code,
        "details": list(details),
        "pid": getattr(error, "pid", None),
        "program": getattr(error, "program", None),
    }
    return with_patterns(report)


def fail(report: dict[str, Any]) -> NoReturn:
    """Raise the error that ended the start of a server, as if it had happened here."""
    report = with_sentences(report)
    kind, message, hint = report["kind"], report["message"], report.get("hint")
    if kind == "Locked":
        raise Locked(message, pid=report.get("pid"), program=report.get("program"), hint=hint)
    if kind == "SchemaError":
        raise SchemaError(message, report.get("details", ()), hint=hint)
    if kind == "MigrationRefused":
        raise MigrationRefused(message, details=report.get("details", ()), hint=hint)
    error = KINDS.get(kind, SovriumError)(message, hint=hint)
    error.code = report.get("code", error.code)
    raise error


def died(place: Place, process: subprocess.Popen[bytes]) -> SovriumError:
    """The error for a server that ended without a report: its last words in the log say most."""
    status = process.wait(5)
    lines = place.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    told = [line.removeprefix("error: ") for line in lines[-5:] if line.startswith("error: ")] or lines
    message = say("The server ended with status {status} at its start", status=status)
    if told:
        message = say("{problem}: {reason}", problem=message, reason=told[-1][:300])
    return SovriumError(message, hint=say("see {file}", file=str(place.log)))


def end(place: Place, record: ServerRecord, patience: float) -> None:
    """SIGTERM to the process of a record, and wait until it is gone."""
    try:
        os.kill(record.pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise SovriumError(say("Process {pid} belongs to another user", pid=str(record.pid))) from error
    deadline = time.monotonic() + patience
    while record.is_alive():
        if time.monotonic() > deadline:
            late = say("Process {pid} has not ended within {seconds} s", pid=str(record.pid), seconds=round(patience))
            raise SovriumError(late, hint=say("see {file}", file=str(place.log)))
        reap()
        time.sleep(PAUSE)


def reap() -> None:
    """Take leave of the servers of ours that have ended; otherwise they would stay as zombies."""
    CHILDREN[:] = [process for process in CHILDREN if process.poll() is None]


def answers(socket: str) -> bool:
    """A server speaks there. To be let in is not enough: the system lets callers in for a process that is being killed."""
    with sockets.socket(sockets.AF_UNIX) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(socket)
            probe.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return bool(probe.recv(1))
        except OSError:
            return False


def address_of(record: ServerRecord, *, started: bool = False, note: str = "") -> Address:
    return Address(Path(record.socket or ""), record.tcp, record.pid, started, note)
