"""`kill -9` of the server under writes: what it has acknowledged is there afterwards, whatever it was doing."""

import asyncio
import contextlib
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from core.client import Client, ServerGone
from sovrium_tui.process import discovery
from sovrium_tui.process.discovery import Address, ensure_server, find_server, stop_server

APP = """\
name: kill
tables:
  - id: 1
    name: items
    fields:
      - { id: 1, name: title, type: single-line-text, required: true, unique: true }
      - { id: 2, name: size, type: integer }
"""
WRITERS = 4


async def write(client: Client, round_: int, writer: int, kept: dict[str, str], enough: asyncio.Event, at: int) -> None:
    """Create records, and change the last one, until the server is gone; keep what was acknowledged."""
    number = 0
    with contextlib.suppress(ServerGone):
        while True:
            title = f"{round_}-{writer}-{number}"
            made = await client.request("POST", "/api/tables/items/records", json={"fields": {"title": title}})
            kept[str(made["id"])] = title
            if number % 3 == 0:
                path = f"/api/tables/items/records/{made['id']}"
                changed = await client.request("PATCH", path, json={"fields": {"title": f"{title}!"}})
                kept[str(changed["id"])] = f"{title}!"
            number += 1
            if len(kept) >= at:
                enough.set()


async def kill_under_writes(
    address: Address, round_: int, kept: dict[str, str], chance: random.Random, how: int
) -> None:
    """End the server at a moment that nobody has chosen."""
    clients = [Client(address.socket) for _ in range(WRITERS)]
    enough = asyncio.Event()
    at = len(kept) + chance.randint(1, 60)
    writers = [
        asyncio.create_task(write(client, round_, number, kept, enough, at)) for number, client in enumerate(clients)
    ]
    await enough.wait()
    await asyncio.sleep(chance.random() * 0.004)  # anywhere within a commit
    os.kill(address.pid, how)
    await asyncio.gather(*writers)
    for client in clients:
        await client.close()


async def stored(address: Address) -> dict[str, str]:
    """Every record as the API tells it."""
    client = Client(address.socket)
    found: dict[str, str] = {}
    page = 1
    while True:
        path = f"/api/tables/items/records?limit=1000&page={page}&sort=id"
        answer: Any = await client.request("GET", path)
        found |= {str(record["id"]): record["fields"]["title"] for record in answer["records"]}
        if not answer["pagination"]["hasNextPage"]:
            await client.close()
            return found
        page += 1


def lost_after(rounds: int, folder: Path, how: int) -> None:
    chance = random.Random(int(os.environ.get("SOVRIUM_TEST_SEED", "7")))
    app, data = folder / "app.yaml", folder / "data"
    app.write_text(APP)
    kept: dict[str, str] = {}
    try:
        for round_ in range(rounds):
            address = ensure_server(app, data)
            asyncio.run(kill_under_writes(address, round_, kept, chance, how))
            child = next(process for process in discovery.CHILDREN if process.pid == address.pid)
            child.wait(30)
            assert find_server(data) is None
        found = asyncio.run(stored(ensure_server(app, data)))
        missing = {key: title for key, title in kept.items() if found.get(key, "").rstrip("!") != title.rstrip("!")}
        assert not missing
        undone = {key for key, title in kept.items() if title.endswith("!") and not found[key].endswith("!")}
        assert not undone
    finally:
        stop_server(data)
        discovery.reap()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOVRIUM_PORT", "0")
    monkeypatch.delenv("DATABASE_URL", raising=False)


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_by_a_kill(tmp_path: Path) -> None:
    lost_after(8, tmp_path, signal.SIGKILL)


def test_nothing_acknowledged_is_lost_by_a_polite_end(tmp_path: Path) -> None:
    lost_after(2, tmp_path, signal.SIGTERM)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif("SOVRIUM_TEST_FULL" not in os.environ, reason="the long run: set SOVRIUM_TEST_FULL=1")
def test_fifty_kills(tmp_path: Path) -> None:
    lost_after(50, tmp_path, signal.SIGKILL)
