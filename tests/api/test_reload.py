"""The app file taken up anew under a running server."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.client import Client
from core.errors import MigrationRefused, SchemaError
from tests.support.server import RunningServer, running_on

APP = """
name: shop
tables:
  - id: 1
    name: items
    fields:
      - {id: 1, name: title, type: single-line-text, required: true}
      - {id: 2, name: stock, type: integer}
"""
MORE = APP + "      - {id: 3, name: colour, type: single-line-text}\n"
RENAMED = APP.replace("name: stock", "name: amount")
LESS = APP.replace("      - {id: 2, name: stock, type: integer}\n", "")
BROKEN = APP.replace("type: integer", "type: intger")


@pytest.fixture(params=["duckdb", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningServer]:
    with running_on(request, APP, tmp_path) as server:
        yield server


def reload(server: RunningServer, **body: object) -> dict:
    answer = server.local.post("/api/console/reload", json=body)
    return {"status": answer.status_code, **answer.json()}


def add(server: RunningServer, **fields: object) -> int:
    answer = server.local.post("/api/tables/items/records", json={"fields": fields})
    return answer.status_code


def test_an_addition_is_taken_up_at_once(shop: RunningServer) -> None:
    """C-008 reload: connections stay, the new field can be written, the record of before is there."""
    assert add(shop, title="lamp", stock=3) == 201
    shop.app_file.write_text(MORE)
    done = reload(shop)
    assert (done["status"], done["changed"], done["schemaVersion"]) == (200, True, 2)
    assert add(shop, title="chair", colour="red") == 201
    rows = shop.local.get("/api/tables/items/records").json()["records"]
    assert [row["fields"].get("colour") for row in rows] == [None, "red"]
    assert [field["name"] for field in shop.local.get("/api/tables/items").json()["fields"]][-1:] != ["stock"]
    assert reload(shop)["changed"] is False


def test_a_broken_file_changes_nothing_and_says_where(shop: RunningServer) -> None:
    """C-003: an invalid file keeps the running version."""
    shop.app_file.write_text(BROKEN)
    refused = reload(shop)
    assert (refused["status"], refused["code"]) == (422, "SCHEMA_ERROR")
    assert "app.yaml:8:" in refused["message"]
    assert add(shop, title="lamp", stock=3) == 201
    shop.app_file.write_text(MORE)
    assert reload(shop)["changed"] is True


def test_what_would_lose_data_needs_a_word_and_keeps_the_old_version_running(shop: RunningServer) -> None:
    """C-008 M-021: refused with the steps; confirmed for this very file it is done."""
    assert add(shop, title="lamp", stock=3) == 201
    shop.app_file.write_text(LESS)
    refused = reload(shop)
    assert (refused["status"], refused["code"], refused["unconfirmed"]) == (409, "MIGRATION_REFUSED", True)
    assert any("stock" in step for step in refused["details"])
    assert add(shop, title="chair", stock=4) == 201
    stale = reload(shop, allowDestructive=True, checksum="0" * 64)
    assert (stale["status"], stale["code"]) == (409, "CONFLICT")
    assert reload(shop, allowDestructive=True, checksum=refused["checksum"])["changed"] is True
    rows = shop.local.get("/api/tables/items/records").json()["records"]
    assert [sorted(row["fields"]) for row in rows if "stock" in row["fields"]] == []
    assert len(rows) == 2


def test_a_guest_cannot_reload(shop: RunningServer) -> None:
    shop.app_file.write_text(MORE)
    assert shop.http.post("/api/console/reload", json={"allowDestructive": True}).status_code == 404
    assert shop.engine.schema_version == 1


def test_consoles_hear_of_it_and_open_views_are_opened_again(shop: RunningServer) -> None:
    """The event stream stays open over a reload and carries the new version; windows of old views are told to reopen."""
    add(shop, title="lamp", stock=3)

    async def follow() -> tuple[list[dict], int]:
        client = Client(shop.socket)
        view = await client.open_view({"table": "items", "sort": [{"field": "title", "direction": "asc"}]})
        stream = client.events()
        heard = [dict(await anext(stream))]
        shop.app_file.write_text(RENAMED)
        await client.request("POST", "/api/console/reload", json={})
        while heard[-1]["kind"] != "schema":
            heard.append(dict(await anext(stream)))
        gone = shop.local.get(f"/api/console/views/{view['id']}").status_code
        again = await client.open_view({"table": "items", "sort": [{"field": "amount", "direction": "asc"}]})
        window = await client.window(again["id"], 0, 10, ["amount"])
        assert window["rows"] == [[3]]
        await client.close()
        return heard, gone

    heard, gone = asyncio.run(follow())
    assert heard[-1] == {"kind": "schema", "version": 2, "state": "reloaded"}
    assert gone == 404


@pytest.mark.parametrize("texts", [[MORE, APP + "# again\n", MORE], [RENAMED, APP, RENAMED]], ids=["add", "rename"])
def test_no_acknowledged_write_is_lost_while_the_app_is_reloaded(shop: RunningServer, texts: list[str]) -> None:
    """Writers go on while the file changes under them: each write that was answered with 201 is in the table, once."""
    stop = threading.Event()
    answered: list[list[str]] = [[] for _ in range(4)]
    odd: list[tuple[int, str]] = []

    def write(number: int) -> None:
        count = 0
        while not stop.is_set() or count < 20:
            title = f"{number}-{count}"
            answer = shop.local.post("/api/tables/items/records", json={"fields": {"title": title}})
            if answer.status_code == 201:
                answered[number].append(title)
            else:
                odd.append((answer.status_code, answer.text))
            count += 1

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    statuses = []
    for text in texts:
        shop.app_file.write_text(text)
        statuses.append(reload(shop, allowDestructive=True)["status"])
    stop.set()
    for writer in writers:
        writer.join()
    assert statuses == [200] * len(texts)
    assert odd == []
    found = [row["fields"]["title"] for row in everything(shop)]
    assert sorted(found) == sorted(title for each in answered for title in each)


def everything(server: RunningServer) -> list[dict]:
    rows: list[dict] = []
    page = 1
    while True:
        answer = server.local.get("/api/tables/items/records", params={"limit": "1000", "page": str(page)}).json()
        rows += answer["records"]
        if len(rows) >= answer["pagination"]["total"] or not answer["records"]:
            return rows
        page += 1


def test_the_client_rebuilds_the_refusals(shop: RunningServer) -> None:
    """Problems and steps reach who asked through the client."""

    async def ask() -> None:
        async with Client(shop.socket) as client:
            await client.request("POST", "/api/console/reload", json={})

    shop.app_file.write_text(BROKEN)
    with pytest.raises(SchemaError) as broken:
        asyncio.run(ask())
    assert any("app.yaml:8:" in str(problem) for problem in broken.value.problems)
    shop.app_file.write_text(LESS)
    with pytest.raises(MigrationRefused) as refused:
        asyncio.run(ask())
    assert any("stock" in step for step in json.loads(json.dumps(refused.value.details)))
