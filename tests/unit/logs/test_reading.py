"""The log read back from its files."""

import logging
from io import StringIO
from os import fdopen, pipe
from pathlib import Path
from random import Random
from threading import Thread

import pytest

from core.contract.logs import LogEntry
from core.errors import BadRequest
from core.logs import reading
from core.logs.line import LineFormatter
from core.logs.reading import Question, read_page
from sovrium_tui.process.log import LogFiles, LogSettings, logging_to


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few lines, so that entries lie across them, and pages end early."""
    monkeypatch.setattr(reading, "BLOCK", 300)
    monkeypatch.setattr(reading, "SCAN", 2_000)


def write(folder: Path, numbers: range, *, size: int = 4_000) -> Path:
    """Entries of all levels, some of several lines, in files of `size` bytes."""
    file = folder / "server.log"
    handler = LogFiles(file)
    handler.maxBytes = size
    handler.setFormatter(LineFormatter(details=True, as_json=False))
    levels = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
    for number in numbers:
        record = logging.LogRecord("sovrium.test", levels[number % 4], "", 1, f"entry {number} é", None, None)
        record.created += number  # as if a second lay between two: files are known by the instant of their first line
        if number % 7 == 0:
            record.exc_info = (ValueError, ValueError(f"why {number}\n" + "and so on " * 60), None)
        handler.handle(record)
    handler.close()
    return file


def number_of(entry: LogEntry) -> int:
    return int(entry["message"].split()[1])


def backwards(file: Path, question: Question) -> list[int]:
    """The numbers of all entries, page after page from the newest to the first."""
    page = read_page(file, question)
    found = [number_of(entry) for entry in page["entries"]]
    while page["older"]:
        page = read_page(file, Question(question.level, question.text, before=page["older"], limit=question.limit))
        assert len(page["entries"]) <= question.limit
        found = [*(number_of(entry) for entry in page["entries"]), *found]
    return found


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_pages_lead_back_to_the_first_entry_through_all_files(tmp_path: Path, limit: int) -> None:
    write(tmp_path, range(100))
    file = write(tmp_path, range(100, 200))
    assert len(list(tmp_path.iterdir())) > 4
    assert backwards(file, Question(limit=limit)) == list(range(200))
    assert backwards(file, Question("error", limit=limit)) == list(range(3, 200, 4))
    assert backwards(file, Question(text="WHY 42", limit=limit)) == [42]
    assert backwards(file, Question(text="nowhere", limit=limit)) == []
    assert backwards(file, Question(text='"', limit=limit)) == []


@pytest.mark.usefixtures("small")
def test_a_position_goes_on_after_files_were_renamed(tmp_path: Path) -> None:
    """What came since a page, in the order of time, across the change of files; nothing twice."""
    file = write(tmp_path, range(50))
    rng, seen = Random(5), 50
    newer = read_page(file, Question(limit=1))["newer"]
    for _ in range(8):
        more = rng.randrange(1, 40)
        write(tmp_path, range(seen, seen + more))
        found: list[int] = []
        while True:
            page = read_page(file, Question(after=newer or "", limit=rng.randrange(1, 9)))
            newer = page["newer"]
            found += [number_of(entry) for entry in page["entries"]]
            if not page["more"]:
                break
        assert found == list(range(seen, seen + more))
        seen += more


def test_what_a_crash_has_printed_is_grave(tmp_path: Path) -> None:
    """It is found among entries that are not, by its level and by its words."""
    file = tmp_path / "server.log"
    info = "[2026-11-21T17:47:56.123Z] [INFO] [TEST] entry 1\n"
    file.write_text(f"{info}Fatal Python error: Segmentation fault\n    at {{x}}\n{info}")
    for question in (Question("error"), Question(text="segmentation FAULT"), Question(text="at {x}")):
        assert [entry["message"] for entry in read_page(file, question)["entries"]] == [
            "Fatal Python error: Segmentation fault"
        ]
    file.write_text(info * 3)
    assert read_page(file, Question("error"))["entries"] == []


def test_a_line_that_is_being_written_waits(tmp_path: Path) -> None:
    file = write(tmp_path, range(3))
    newer = read_page(file, Question())["newer"] or ""
    half = "[2026-11-21T17:47:56.123Z] [INFO] [TEST] entry 3"
    with file.open("a") as log:
        log.write(half)
        log.flush()
        assert read_page(file, Question(after=newer))["entries"] == []
        assert [number_of(entry) for entry in read_page(file, Question())["entries"]] == [0, 1, 2]
        log.write("\n")
    assert [number_of(entry) for entry in read_page(file, Question(after=newer))["entries"]] == [3]


def test_no_log_and_no_position(tmp_path: Path) -> None:
    empty = {"entries": [], "older": None, "newer": None, "more": False}
    assert read_page(tmp_path / "server.log", Question()) == empty
    file = write(tmp_path, range(2))
    for wrong in ("x", "0.5", "12345678.", "12345678.-1"):
        with pytest.raises(BadRequest, match="no position"):
            read_page(file, Question(before=wrong))
    gone = read_page(file, Question(after="00000000.5"))
    assert [number_of(entry) for entry in gone["entries"]] == [0, 1], "a file that has gone: the newest there are"


def test_a_246_ten_files_for_this_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """auth §16.2: 10 files of 5 MB, mode 0600, also one that was open to others before; nothing twice on a terminal."""
    monkeypatch.setattr("sovrium_tui.process.log.FILE_BYTES", 500)
    file = tmp_path / "server.log"
    file.touch(mode=0o644)
    log = logging.getLogger("sovrium.test")
    with (tmp_path / "terminal").open("w") as terminal:
        with logging_to(file, LogSettings.of({"LOG_LEVEL": "info"}), terminal=terminal):
            for number in range(200):
                log.info("entry %d", number)
            log.debug("a detail")
            log.info("was told", extra={"told": True})
            log.error("broken", exc_info=ValueError("why"))
        log.error("afterwards")
    files = sorted(each for each in tmp_path.iterdir() if each.name.startswith("server.log"))
    assert [each.name for each in files] == ["server.log", *(f"server.log.{number}" for number in range(1, 10))]
    assert {oct(each.stat().st_mode & 0o777) for each in files} == {"0o600"}
    written = "".join(each.read_text() for each in files)
    shown = (tmp_path / "terminal").read_text()
    assert "ValueError: why" in written
    assert "was told" in written
    assert "was told" not in shown
    assert "entry 0" in shown
    assert shown.endswith("[ERROR] [TEST] broken\n"), "no traceback, and nothing once the server has ended"
    assert "a detail" not in written + shown


def test_a_terminal_that_stands_still_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl+S, or a pipe that nobody reads: the lines wait, and neither the work nor its end does."""
    monkeypatch.setattr("sovrium_tui.process.log.LAST_WORDS", 0.01)
    reader, writer = pipe()
    log = logging.getLogger("sovrium.test")
    with fdopen(writer, "w") as terminal, fdopen(reader) as read:
        with logging_to(tmp_path / "server.log", LogSettings.of({}), terminal=terminal):
            for number in range(1500):
                log.info("%d %s", number, "x" * 100)
        assert (tmp_path / "server.log").read_text().count("\n") == 1500
        assert [" 0 x" in read.readline(), *(read.readline()[-5:] for _ in range(1499))] == [True] + ["xxxx\n"] * 1499


def test_a_thread_that_broke_is_told_as_everything_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback on a terminal at the level that nobody has chosen."""
    file, terminal = tmp_path / "server.log", StringIO()

    def broken() -> None:
        raise RuntimeError("why")

    with logging_to(file, LogSettings.of({}), terminal=terminal):
        thread = Thread(target=broken, name="mail")
        thread.start()
        thread.join()
    assert terminal.getvalue().endswith("[ERROR] [SERVER] The thread mail has ended by a defect\n")
    assert "RuntimeError: why" in file.read_text()
    assert capsys.readouterr().err == ""
