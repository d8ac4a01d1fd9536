"""Ctrl+C on `sovrium-tui sql`, on a terminal: it ends at once whatever it is at, with status 130."""

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sovrium_tui.cli import sql
from sovrium_tui.cli.session import stopped_at_once
from tests.support.terminal import Terminal

APP = "name: shop\ntables:\n  - {id: 1, name: items, fields: [{id: 1, name: title, type: single-line-text}]}\n"
ENDLESS = "select count(*) from range(100000000) a cross join range(100000000) b where hash(a.range, b.range) = 7"
HOSTILE = "select chr(27) || ']52;c;ZXZpbA==' || chr(7) || chr(155) || '31m' || chr(8238) || chr(13) || 'end' as x"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "app.yaml").write_text(APP)
    return tmp_path / "app.yaml"


@pytest.mark.parametrize("sign", ["run", "app.duckdb"], ids=["while it starts", "with the database open"])
def test_ctrl_c_ends_it(shop: Path, sign: str) -> None:
    """It is pressed when a file of the data folder has appeared: before and after the statement has begun."""
    terminal = Terminal("sql", str(shop), ENDLESS)
    while terminal.look() and not (shop.parent / ".sovrium" / sign).exists():
        continue
    began = time.monotonic()
    terminal.press(b"\x03")
    output = terminal.end()
    assert (terminal.status, b"Traceback" in output) == (130, False), output
    assert time.monotonic() - began < 10  # the aim is 0.5 s on a free machine; the statement would take days


def swallow() -> None:
    with suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def rename() -> None:
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt as error:
        raise ValueError("The model is wrong") from error


@pytest.mark.parametrize("library", [swallow, rename])
def test_ctrl_c_counts_whatever_a_library_makes_of_it(library: Callable[[], None]) -> None:
    """What builds validators out of models takes it for a failure of the model, or for nothing."""
    with pytest.raises(KeyboardInterrupt), stopped_at_once():
        library()


async def test_a_server_that_does_not_answer_is_not_waited_for() -> None:
    class Deaf:
        async def sql(self, run: str, *, wait: float) -> Any:
            raise KeyboardInterrupt

        async def cancel_sql(self, run: str) -> None:
            await asyncio.Event().wait()

    client: Any = Deaf()
    run: Any = {"id": "run_1", "state": "running", "statements": []}
    with pytest.raises(KeyboardInterrupt):
        await sql.finished(client, run)


def test_data_never_steers_the_terminal(shop: Path) -> None:
    """Escape sequences, the clipboard's among them, 8-bit controls and direction marks are shown, not sent."""
    terminal = Terminal("sql", str(shop), HOSTILE)
    output = terminal.end()
    assert terminal.status == 0
    text = output.decode()
    assert "]52;c;ZXZpbA==" in text
    assert not {c for c in text if not c.isprintable()} - {"\r", "\n"}
    assert text.count("\r") == text.count("\r\n")
