"""R-09, R-10 in small: many clients at once read, write, follow and leave; nothing is lost, nothing is left behind."""

import asyncio
import os
import random
import threading
from pathlib import Path

import pytest

from core.client import Client, Conflict
from tests.support.server import RunningServer

APP = """
name: soak
tables:
  - id: 1
    name: counters
    fields:
      - {id: 1, name: name, type: single-line-text, required: true}
      - {id: 2, name: value, type: integer}
"""
RECORDS = "/api/tables/counters/records"


async def count_up(client: Client, key: str, times: int) -> None:
    """Add one, each time to the version that was read."""
    done = 0
    while done < times:
        record = await client.record("counters", key)
        body = {"fields": {"value": record["fields"]["value"] + 1}, "updatedAt": record["updatedAt"]}
        try:
            await client.request("PATCH", f"{RECORDS}/{key}", json=body)
            done += 1
        except Conflict:
            continue


async def create_many(client: Client, count: int) -> list[str]:
    return [str((await client.request("POST", RECORDS, json={"name": f"n{n}"}))["id"]) for n in range(count)]


async def read_and_leave(client: Client, chance: random.Random, times: int) -> None:
    """Lists that are given up at any moment."""
    for _ in range(times):
        reading = asyncio.ensure_future(client.request("GET", f"{RECORDS}?sort=value:desc&q=n&limit=100"))
        await asyncio.sleep(chance.random() * 0.004)
        reading.cancel()
        await asyncio.wait([reading])


async def follow(client: Client, seen: list[int]) -> None:
    async for event in client.events():
        if event["kind"] == "change" and event["operation"] == "create":
            seen[0] += event["count"]


@pytest.mark.slow
async def test_many_clients_at_once(tmp_path: Path) -> None:
    with RunningServer(APP, tmp_path) as server:
        clients = [Client(server.socket if number % 2 else server.url) for number in range(13)]
        key = str((await clients[0].request("POST", RECORDS, json={"name": "shared", "value": 0}))["id"])
        seen = [0]
        following = [asyncio.ensure_future(follow(client, seen)) for client in clients[11:]]
        while server.leases[-1:] != [2]:
            await clients[0].hello()
        files, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
        made, *_ = await asyncio.gather(
            asyncio.gather(*(create_many(client, 25) for client in clients[:4])),
            asyncio.gather(*(count_up(client, key, 10) for client in clients[4:8])),
            asyncio.gather(*(read_and_leave(c, random.Random(n), 25) for n, c in enumerate(clients[8:11]))),
        )
        ids = [each for some in made for each in some]
        assert len(set(ids)) == 100
        assert (await clients[0].record("counters", key))["fields"]["value"] == 40, "an update was lost"
        listed = await clients[0].request("GET", f"{RECORDS}?limit=1")
        assert listed["pagination"]["total"] == 101
        async with asyncio.timeout(5):
            while seen[0] < 200:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        for client in clients:
            await client.close()
        async with asyncio.timeout(5):
            while server.leases[-1] != 0 or len(os.listdir("/proc/self/fd")) > files:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert threading.active_count() <= threads + 8
