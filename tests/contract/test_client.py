"""The client against a real server, over the Unix socket and over TCP: every method of the port."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.client import Client, NotFound, Port, ServerGone, SovriumError
from core.client.reading import writes
from core.contract.console import Event
from core.http.routes import all_routes
from core.storage.database import Call
from tests.support.server import RunningServer

APP = """
name: contacts
version: 2.0.0
tables:
  - id: 1
    name: companies
    fields:
      - {id: 1, name: name, type: single-line-text, required: true, unique: true}
  - id: 2
    name: contacts
    fields:
      - {id: 1, name: name, type: single-line-text, required: true}
      - {id: 2, name: age, type: integer}
      - {id: 3, name: company, type: relationship, relatedTable: companies, relationType: many-to-one}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path_factory.mktemp("client")) as running:
        yield running


@pytest.fixture(params=["socket", "tcp"])
async def client(request: pytest.FixtureRequest, server: RunningServer) -> AsyncIterator[Client]:
    server.empty()
    async with Client(server.socket if request.param == "socket" else server.url) as client:
        yield client


async def add(client: Client, count: int) -> list[str]:
    """Contacts `p000`, `p001` … of age 0, 1, …; their ids."""
    rows = [{"fields": {"name": f"p{n:03}", "age": n}} for n in range(count)]
    answer = await client.request(
        "POST", "/api/tables/contacts/records/batch", json={"records": rows, "returnRecords": True}
    )
    return [record["id"] for record in answer["records"]]


async def event_of(events: AsyncIterator[Event], kind: str) -> Event:
    async with asyncio.timeout(10):
        while (event := await anext(events))["kind"] != kind:
            pass
    return event


async def until(ask: Callable[[], Awaitable[Any]], good: Callable[[Any], bool]) -> Any:
    """Ask again and again until the answer is good."""
    async with asyncio.timeout(20):
        while not good(found := await ask()):  # noqa: ASYNC110
            await asyncio.sleep(0.005)  # nothing tells of it
    return found


async def test_hello_and_schema(client: Client, server: RunningServer, request: pytest.FixtureRequest) -> None:
    hello = await client.hello()
    assert (hello["app"], hello["appVersion"], hello["dialect"]) == ("contacts", "2.0.0", "duckdb")
    assert hello["tcp"] == server.url
    is_owner = "socket" in request.node.callspec.params.values()
    assert hello["appFile"].endswith("app.yaml") == is_owner, "where files lie is the owner's business"
    schema = await client.schema()
    assert [table["sqlName"] for table in schema["tables"]] == ["companies", "contacts"]
    names = [field["name"] for field in schema["tables"][1]["fields"]]
    assert names == ["name", "age", "company", "id", "created_at", "updated_at", "deleted_at"]
    assert schema["version"] == hello["schemaVersion"]


async def test_record(client: Client) -> None:
    (key,) = await add(client, 1)
    record = await client.record("contacts", key)
    assert record["id"] == key
    assert record["fields"]["name"] == "p000"
    await client.request("DELETE", f"/api/tables/contacts/records/{key}")
    with pytest.raises(NotFound):
        await client.record("contacts", key)
    assert (await client.record("contacts", key, include_deleted=True))["deletedAt"]


async def test_views(client: Client) -> None:
    keys = await add(client, 30)
    view = await client.open_view({"table": "contacts", "sort": [{"field": "age", "direction": "desc"}]})
    view = await until(lambda: client.view(view["id"]), lambda found: found["ready"])
    assert view["count"] == 30
    window = await client.window(view["id"], 10, 5, ["name", "age"])
    assert window["rows"] == [[f"p{n:03}", n] for n in (19, 18, 17, 16, 15)]
    assert window["keys"] == [keys[n] for n in (19, 18, 17, 16, 15)]
    assert len(window["stamps"]) == 5
    found = await client.find(view["id"], "p010", 0, fields=["name"])
    assert (found["position"], found["key"]) == (19, keys[10])
    assert (await client.find(view["id"], "p010", 25, backward=True))["position"] == 19
    assert (await client.find(view["id"], "nobody", 0))["position"] is None
    assert (await client.locate(view["id"], keys[29]))["position"] == 0
    await client.close_view(view["id"])
    with pytest.raises(NotFound):
        await client.view(view["id"])


async def test_values_and_links(client: Client) -> None:
    for name in ("Acme", "Apex", "Zenith"):
        await client.request("POST", "/api/tables/companies/records", json={"name": name})
    await add(client, 3)
    values = await client.values("contacts", "age", limit=2)
    assert len(values["values"]) == 2
    assert (await client.values("companies", "name", prefix="Ze"))["values"] == [["Zenith", 1]]
    links = await client.links("contacts", "company", "a")
    assert {hit["label"] for hit in links["hits"]} == {"Acme", "Apex"}


async def test_commit_writes_all_or_nothing_and_answers_what_became_of_each(client: Client) -> None:
    (key,) = await add(client, 1)
    stamp = (await client.record("contacts", key))["updatedAt"]
    answer = await client.commit(
        {
            "changes": [
                {"ref": "a", "op": "create", "table": "companies", "fields": {"name": "Acme"}},
                {
                    "ref": "b",
                    "op": "update",
                    "table": "contacts",
                    "id": key,
                    "updatedAt": stamp,
                    "fields": {"company": {"ref": "a"}},
                },
            ]
        }
    )
    assert answer["committed"] is True
    assert [outcome["status"] for outcome in answer["outcomes"]] == ["ok", "ok"]
    company = answer["outcomes"][0]["id"]
    assert str((await client.record("contacts", key))["fields"]["company"]) == company


async def test_a_commit_that_conflicts_is_an_answer_not_an_error(client: Client) -> None:
    (key,) = await add(client, 1)
    old = "2020-01-01T00:00:00.000Z"
    answer = await client.commit(
        {
            "changes": [
                {"ref": "a", "op": "create", "table": "companies", "fields": {"name": "Acme"}},
                {"ref": "b", "op": "update", "table": "contacts", "id": key, "updatedAt": old, "fields": {"age": 9}},
            ]
        }
    )
    assert answer["committed"] is False
    assert answer["outcomes"][1]["status"] == "conflict"
    assert answer["outcomes"][1]["current"]["fields"]["age"] == 0
    assert (await client.request("GET", "/api/tables/companies/records"))["pagination"]["total"] == 0


async def test_a_commit_that_is_not_valid_is_an_answer_and_a_dry_run_writes_nothing(client: Client) -> None:
    bad = await client.commit({"changes": [{"ref": "a", "op": "create", "table": "companies", "fields": {}}]})
    assert bad["outcomes"][0]["status"] == "invalid"
    assert bad["outcomes"][0]["errors"][0]["field"] == "name"
    good: Any = {
        "changes": [{"ref": "a", "op": "create", "table": "companies", "fields": {"name": "A"}}],
        "dryRun": True,
    }
    answer = await client.commit(good)
    assert answer["committed"] is False
    assert answer["outcomes"][0]["status"] == "ok"
    assert answer["statements"]
    assert (await client.request("GET", "/api/tables/companies/records"))["pagination"]["total"] == 0


async def test_sql(client: Client) -> None:
    await add(client, 3)
    run = await client.run_sql({"sql": "SELECT name, age FROM contacts ORDER BY age; SELECT 1/0 AS x; SELECT nope"})
    async with asyncio.timeout(10):
        while run["state"] == "running":
            run = await client.sql(run["id"], wait=1)
    assert [statement["state"] for statement in run["statements"]] == ["done", "done", "failed"]
    window = await client.sql_window(run["id"], 0, 1, 10)
    assert window["rows"] == [["p001", 1], ["p002", 2]]
    assert run["statements"][2]["problem"]["line"] == 1
    await client.cancel_sql(run["id"])
    with pytest.raises(NotFound):
        await client.sql(run["id"])


async def test_a_client_that_only_reads_sends_nothing_that_writes(client: Client, tmp_path: Path) -> None:
    """Records, files, SQL, the app file, settings; whatever way it is asked. What reads is answered."""
    [key, *_] = await add(client, 3)
    client.read_only = True
    (tmp_path / "rows.csv").write_text("name\nnew\n")
    writing: list[Awaitable[Any]] = [
        client.commit({"tables": {"contacts": {"updates": [{"key": key, "stamp": "", "fields": {"name": "x"}}]}}}),
        client.start_import("contacts", tmp_path / "rows.csv"),
        client.prefer("contacts", {"rowDensity": "tall"}),
        client.delete_for_good("contacts", [key]),
        client.edit_schema({"changes": [], "apply": True}),
        client.request("POST", "/api/console/sql", json={"sql": "select 1"}),
        client.request("PATCH", f"/api/tables/contacts/records/{key}?x=/api/console/views", json={"fields": {}}),
        client.account.sign_up("Ada", "ada@example.org", "a password"),
    ]
    for each in writing:
        with pytest.raises(SovriumError) as refused:
            await each
        assert (refused.value.code, "read only" in refused.value.message) == ("READ_ONLY", True)
    run = await client.run_sql({"sql": "update contacts set name = 'x'"})
    while run["state"] == "running":
        run = await client.sql(run["id"], wait=5)
    assert run["statements"][0]["problem"]["code"] == "READ_ONLY"
    view = await client.open_view({"table": "contacts"})
    names = (await client.window(view["id"], 0, 9, ["name"]))["rows"]
    assert names == [["p000"], ["p001"], ["p002"]]
    assert (await client.export({"view": view["id"], "format": "csv"}))["kind"] == "export"
    await client.close_view(view["id"])


def test_a_client_that_only_reads_knows_no_other_way_in() -> None:
    """Every address that may change something is one that it refuses, but for these."""
    asked = {(route.method, route.path) for route in all_routes() if route.method not in ("GET", "HEAD")}
    allowed = {each for each in asked if not writes(*each, {"readOnly": True})}
    assert {path for method, path in allowed if method == "DELETE"} == {
        "/api/console/views/{view}", "/api/console/sql/{run}", "/api/console/jobs/{job}"
    }  # fmt: skip
    assert {path for method, path in allowed if method == "POST" and "/auth/" not in path} == {
        "/api/console/views", "/api/console/exports", "/api/console/formulas/preview", "/api/console/migrations/plan",
        "/api/console/schema/edit", "/api/access/explain", "/api/console/sql",
    }  # fmt: skip
    assert {path.rpartition("/auth/")[2] for method, path in allowed if "/auth/" in path} == {
        "sign-in/email", "sign-in/email-otp", "magic-link/verify", "email-otp/send-verification-otp", "two-factor/verify",
        "sign-out", "admin/list-user-sessions", "admin/stop-impersonating",
    }  # fmt: skip
    assert len({method for method, _ in allowed}) == 2


async def test_cancelling_sql_stops_it(client: Client) -> None:
    run = await client.run_sql({"sql": "SELECT count(*) FROM range(10000000000) a, range(1000) b"})
    async with asyncio.timeout(10):
        await client.cancel_sql(run["id"])


async def test_completions(client: Client) -> None:
    found = await client.completions()
    assert "contacts" in {table["name"] for table in found["tables"]}
    assert found["keywords"]


async def test_events_tell_of_changes(client: Client) -> None:
    events = client.events()
    await event_of(events, "ping")
    await add(client, 150)
    event = await event_of(events, "change")
    assert (event["table"], event["operation"], event["count"]) == ("contacts", "create", 150)
    assert len(event["ids"]) == 100
    await events.aclose()  # type: ignore[attr-defined]


async def test_an_open_stream_of_events_is_a_lease(client: Client, server: RunningServer) -> None:
    server.leases.clear()
    events = client.events()
    await event_of(events, "ping")
    assert server.leases == [1]
    await events.aclose()  # type: ignore[attr-defined]
    await until(client.hello, lambda _: server.leases == [1, 0])


async def test_leaving_a_request_stops_its_scan(client: Client, server: RunningServer) -> None:
    """The client is cancelled, its connection breaks, and the database's thread is free again at once."""
    await add(client, 1000)
    fields = "a.age + b.age * c.age"
    slow = f"SELECT max({fields}) FROM contacts a, contacts b, contacts c, contacts d"
    database = server.engine.database
    reading = asyncio.ensure_future(slow_read(server, slow, client))
    async with asyncio.timeout(10):
        await reading
        for _ in range(4):  # more than there are threads: none of them may still be busy
            await asyncio.wrap_future(database.submit_read(Call(lambda reader: reader.scalar("SELECT 1"))))


async def slow_read(server: RunningServer, sql: str, client: Client) -> None:
    """Ask for a list whose reading takes minutes, and go away as soon as it runs."""
    records = server.engine.records
    begun = asyncio.Event()
    here = asyncio.get_running_loop()

    async def slow_list(*_: Any) -> Any:
        here.call_soon_threadsafe(begun.set)
        return await server.engine.database.read(Call(lambda reader: reader.rows(sql)), deadline=None)

    original, records.list = records.list, slow_list  # type: ignore[method-assign, assignment]
    try:
        asking = asyncio.ensure_future(client.request("GET", "/api/tables/contacts/records"))
        await begun.wait()
        asking.cancel()
        await asyncio.wait([asking])
    finally:
        records.list = original  # type: ignore[method-assign]


async def test_export_download_and_import(client: Client, tmp_path: Path) -> None:
    await add(client, 25)
    view = await client.open_view({"table": "contacts"})
    job = await finished(client, (await client.export({"format": "csv", "view": view["id"]}))["id"])
    assert (job["state"], job["rows"]) == ("done", 25)
    target = tmp_path / "contacts.csv"
    assert await client.download(job["id"], target) == job["size"]
    preview = await client.preview_import("contacts", target)
    assert "name" in [column["field"] for column in preview["columns"]]
    started = await client.start_import("contacts", target, mapping={"name": "name", "age": "age"})
    imported = await finished(client, started["id"])
    assert (imported["state"], imported["rows"]) == ("done", 25), imported
    listed = await client.request("GET", "/api/tables/contacts/records")
    assert listed["pagination"]["total"] == 50
    assert {each["id"] for each in (await client.jobs())["jobs"]} >= {job["id"], imported["id"]}
    await client.cancel_job(job["id"])
    with pytest.raises(NotFound):
        await client.job(job["id"])


async def finished(client: Client, job: str) -> Any:
    return await until(lambda: client.job(job), lambda found: found["state"] not in ("queued", "running"))


STUDIO = """
name: studio
auth: {strategies: [{type: emailAndPassword}]}
tables:
  - id: 1
    name: works
    fields:
      - {id: 1, name: title, type: single-line-text, required: true}
      - {id: 2, name: state, type: single-select, options: [new, done]}
      - {id: 3, name: sketch, type: single-attachment}
      - {id: 4, name: site, type: button, label: Open, action: url, url: "https://example.org"}
    comments: {threading: true}
"""


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Client]:
    with RunningServer(STUDIO, tmp_path) as running:
        async with Client(running.socket) as client:
            yield client


async def work(client: Client, title: str = "Tower", **fields: Any) -> str:
    answer = await client.request("POST", "/api/tables/works/records", json={"fields": {"title": title, **fields}})
    return str(answer["id"])


async def test_what_is_told_about_a_record(studio: Client) -> None:
    """History, comments, trash."""
    client = studio
    key = await work(client)
    await client.request("PATCH", f"/api/tables/works/records/{key}", json={"title": "Bridge"})
    entries = (await client.history("works", key))["history"]
    assert [entry["action"] for entry in entries] == ["update", "create"]
    await client.revert("works", key, entries[0]["id"])
    assert (await client.record("works", key))["fields"]["title"] == "Tower"
    first = await client.comment("works", key, "Well done")
    assert (await client.change_comment("works", key, first["id"], content="Well made"))["content"] == "Well made"
    assert [each["content"] for each in (await client.comments("works", key))["comments"]] == ["Well made"]
    await client.remove_comment("works", key, first["id"])
    assert (await client.comments("works", key))["comments"] == []
    assert await client.delete_for_good("works", [key]) == 1


async def test_views_of_ones_own(studio: Client) -> None:
    client = studio
    await work(client, state="new")
    await work(client, state="done")
    kept = await client.keep_view("works", {"name": "Mine", "fields": ["title"]})
    assert [view["name"] for view in await client.user_views("works")] == ["Mine"]
    await client.delete_view("works", kept["id"])
    assert await client.user_views("works") == []
    await client.prefer("works", {"columnWidths": {"title": 18}})
    assert (await client.preferences("works"))["columnWidths"] == {"title": 18}
    view = await client.open_view({"table": "works", "groupBy": {"field": "state"}})
    groups = (await client.groups(view["id"]))["groups"]
    assert [group["count"] for group in groups] == [1, 1]


async def test_files_people_and_buttons(studio: Client, tmp_path: Path) -> None:
    client = studio
    (tmp_path / "a.txt").write_bytes(b"lines")
    sent = await client.upload_file("works", tmp_path / "a.txt", "sketch")
    key = await work(client, sketch=sent["key"])
    assert await client.fetch_file(sent["key"], tmp_path / "b.txt") == 5
    assert (tmp_path / "b.txt").read_bytes() == b"lines"
    assert (await client.people(""))["people"] == []
    assert (await client.press("works", key, "site"))["url"] == "https://example.org"
    with pytest.raises(NotFound):  # a field of the hand's alone
        await client.compute("works", key, ["title"])


async def test_who_may_what(studio: Client) -> None:
    client = studio
    assert (await client.whoami())["kind"] == "owner"
    assert (await client.permissions("works"))["table"]["update"] is True
    assert {"admin", "member", "viewer"} <= {role["name"] for role in (await client.roles())["roles"]}
    told = await client.explain({"table": "works", "operation": "update", "roles": ["viewer"]})
    assert [each["allowed"] for each in told["decisions"]] == [False]


async def test_formulas_and_versions(studio: Client) -> None:
    client = studio
    await work(client)
    tried = await client.preview_formula({"table": "works", "formula": "UPPER(title)"})
    assert (tried["kind"], len(tried["samples"])) == ("text", 1)
    assert "UPPER" in {function["name"] for function in (await client.formula_functions())["functions"]}
    assert (await client.migration_status())["current"]
    assert (await client.migrations())["total"] == 1
    assert (await client.migration(1))["version"] == 1
    assert (await client.plan_migration({"operation": "migrate"}))["steps"] == []
    change = {"op": "add-field", "table": "works", "field": {"name": "note", "type": "long-text"}}
    assert (await client.edit_schema({"changes": [change]}))["applied"] is False
    job = await client.migrate({"operation": "migrate"})
    assert job["kind"] == "migrate"


def test_every_method_of_the_port_is_tried_here() -> None:
    source = inspect.getsource(inspect.getmodule(test_every_method_of_the_port_is_tried_here))  # type: ignore[arg-type]
    methods = [name for name in vars(Port) if not name.startswith("_") and callable(getattr(Port, name))]
    missing = [name for name in methods if f"client.{name}(" not in source and name != "close"]
    assert missing == []
    assert not [name for name in methods if not hasattr(Client, name)]


async def test_the_end_of_the_server_is_told(tmp_path: Path) -> None:
    with RunningServer(APP, tmp_path) as server:
        client = Client(server.socket)
        events = client.events()
        await event_of(events, "ping")
        stopping = asyncio.get_running_loop().run_in_executor(None, server.stop)
        event = await event_of(events, "server")
        assert event["state"] == "stopping"
        with pytest.raises(ServerGone):
            await anext(events)
        await stopping
        with pytest.raises(SovriumError):
            await client.hello()
        await client.close()
