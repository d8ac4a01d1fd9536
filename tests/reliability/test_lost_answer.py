"""A commit whose answer is lost: the server dies behind it, the client asks again, and there is one effect."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.client import Client, ServerGone
from sovrium_tui.process.discovery import ensure_server, reap, stop_server
from tests.support.lossy_proxy import LossyProxy

APP = """\
name: shop
tables:
  - id: 1
    name: items
    fields:
      - { id: 1, name: title, type: single-line-text, required: true }
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("SOVRIUM_PORT", "0")
    (tmp_path / "app.yaml").write_text(APP)
    yield tmp_path
    stop_server(tmp_path / "data")
    reap()


def change(number: int) -> dict:
    return {"ref": f"new-{number}", "op": "create", "table": "items", "fields": {"title": f"item {number}"}}


def test_a_commit_whose_answer_is_lost_is_applied_once_though_the_server_is_killed(home: Path) -> None:
    """The database has committed, the answer never comes, the process is killed; the same key gets the answer."""
    commit = {"changes": [change(1), change(2)], "idempotencyKey": "the-one-key"}
    first = ensure_server(home / "app.yaml", home / "data")

    async def lose_the_answer() -> None:
        async with LossyProxy(home / "lossy.sock", first.socket) as proxy:
            proxy.drop_answers_to("/api/console/commit", then=lambda: os.kill(first.pid, signal.SIGKILL))
            client = Client(home / "lossy.sock", timeout=10)
            with pytest.raises(ServerGone):
                await client.commit(commit)
            await client.close()
            assert proxy.dropped == 1

    asyncio.run(lose_the_answer())
    second = ensure_server(home / "app.yaml", home / "data")
    assert second.pid != first.pid

    async def ask_again() -> None:
        async with Client(second.socket) as client:
            answers = [await client.commit(commit) for _ in range(2)]
            assert answers[0] == answers[1]
            assert answers[0]["committed"]
            listed = await client.request("GET", "/api/tables/items/records")
            assert [row["fields"]["title"] for row in listed["records"]] == ["item 1", "item 2"]
            made = [str(outcome["id"]) for outcome in answers[0]["outcomes"]]
            assert made == [str(row["id"]) for row in listed["records"]]

    asyncio.run(ask_again())
