"""What a start tells (auth §16.2)."""

import io
import re
import shlex
from pathlib import Path

import pytest

from core.assembly import open_engine
from sovrium_tui import __version__
from sovrium_tui.cli.main import execute
from sovrium_tui.process.start_report import StartReport, duration, phases_of, public_note, tell_token

TABLES = "tables: [{name: notes, fields: [{name: text, type: single-line-text}]}]\n"
ACCOUNTS = "auth: {strategies: [{type: emailAndPassword}, {type: magicLink}]}\n"


def test_a_246_warnings_come_first_and_the_address_last(capsys: pytest.CaptureFixture[str]) -> None:
    """A-246: the program with its version, what was found whenever, what is done, the time, the address."""
    report = StartReport("text")
    report.begin()
    report.done.append("Database: DuckDB, app.duckdb")
    report.warnings.append("No mail server is set (SMTP_HOST): mails stay in the outbox")
    report.done.append("Schema: desk, 2 tables")
    report.tell(0.3204, "http://127.0.0.1:3000", lambda: None)
    assert capsys.readouterr().err.splitlines() == [
        "",
        f"  sovrium-tui v{__version__}",
        "",
        "  ⚠ No mail server is set (SMTP_HOST): mails stay in the outbox",
        "",
        "  ✓ Database: DuckDB, app.duckdb",
        "  ✓ Schema: desk, 2 tables",
        "  ✓ Ready in 320ms",
        "",
        "  → http://127.0.0.1:3000",
        "",
    ]


@pytest.mark.parametrize(("reader", "told"), [("text", 1), ("json", 1), ("none", 0)])
def test_a_246_who_reads_nothing_is_told_nothing(reader: str, told: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A program is told on stdout; as JSON the log has it, and stderr holds nothing else."""
    announced: list[str] = []
    report = StartReport(reader)  # type: ignore[arg-type]
    report.begin()
    report.tell(1, "x", lambda: announced.append("ready"))
    assert len(announced) == told
    assert bool(capsys.readouterr().err) == (reader == "text")
    assert report.told["told"] == (reader == "text")


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.0004, "0ms"), (0.9994, "999ms"), (0.9996, "1.0s"), (1.24, "1.2s"), (75.0, "75.0s")]
)
def test_a_246_the_time_is_readable(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_a_246_a_247_only_what_was_done_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A-246, A-247: a small app has a database; tables and accounts are told where there are some; the file is named."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("SOVRIUM_ENCRYPTION_KEY", "x" * 40)
    file = f"Database: DuckDB, {tmp_path / 'app.duckdb'}"
    expected = [
        ("", [file]),
        (TABLES + ACCOUNTS, [file, "Migrations: version 2", "Schema: desk, 1 table", "Accounts: 2 ways to sign in"]),
    ]
    app = tmp_path / "app.yaml"
    for text, phases in expected:
        app.write_text("name: desk\n" + text)
        engine = open_engine(app, tmp_path)
        try:
            assert phases_of(engine) == phases
            assert public_note("127.0.0.1", engine) is None
            assert "nothing is encrypted" in (public_note("0.0.0.0", engine) or ""), "A-005"
        finally:
            engine.close()


def test_a_005_a_proxy_that_is_known_is_no_reason_to_warn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A-005: TLS ends there."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    app = tmp_path / "app.yaml"
    app.write_text(
        "name: desk\nrateLimit: {trustedProxies: [10.0.0.1]}\nserver: {host: 0.0.0.0, port: 8080, tls: {}}\n"
    )
    engine = open_engine(app, tmp_path)
    try:
        assert (engine.app.host, engine.app.port) == ("0.0.0.0", 8080)
        assert public_note("0.0.0.0", engine) is None
    finally:
        engine.close()


def test_a_236_the_first_administrator_can_be_made_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A-236: the command that the start tells is one that works, as it stands there but for the address."""
    app, elsewhere = tmp_path / "my desk" / "app.yaml", tmp_path / "elsewhere"
    app.parent.mkdir()
    elsewhere.mkdir()
    app.write_text(f"name: desk\n{ACCOUNTS}{TABLES}")
    tell_token("f00", app, tmp_path / "data")
    told = capsys.readouterr().out
    assert "Bearer f00" in told
    typed = re.search(r"sovrium-tui (admin create .*)", told)
    assert typed is not None
    monkeypatch.chdir(elsewhere)
    words = shlex.split(typed[1].replace("EMAIL", "ana@example.org"))
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert execute([*words, "--password-stdin"]) == 0
    assert (tmp_path / "data" / "app.duckdb").is_file()
