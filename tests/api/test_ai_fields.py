"""Fields that a language model fills (T-102, T-103), against a provider of our own, on both databases."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core.errors import BadRequest
from core.generation import worker
from core.generation.model import Model, NotAnswered, Question
from core.generation.service import ask_anew
from core.generation.setting import read_settings
from core.generation.store import FILLS
from core.outgoing import Line
from core.records.update import Edit, Update
from core.storage.database import Call, Cancel
from tests.support.clock import MovingClock
from tests.support.databases import postgresql_schema
from tests.support.models import FakeProvider, question
from tests.support.principals import by_header, headers
from tests.support.server import RunningServer, running_on
from tests.support.sink import Received

APP = """
name: desk
auth: {strategies: [{type: emailAndPassword}]}
tables:
  - id: 1
    name: Tickets
    fields:
      - {name: note, type: long-text}
      - {name: backstage, type: long-text}
      - {name: shout, type: formula, formula: "UPPER({note})"}
      - {name: kind, type: ai-categorize, sourceFields: [note], categories: [bug, wish]}
      - {name: labels, type: ai-tag, sourceFields: [shout], tags: [urgent, paid, old], maxTags: 2}
      - {name: digest, type: ai-summary, sourceFields: [note], maxLength: 12, computeOn: create}
      - {name: french, type: ai-translate, sourceFields: [digest], targetLanguage: fr, computeOn: create}
      - {name: facts, type: ai-extract, sourceFields: [note], schema: {type: object, required: [total]}}
      - {name: mood, type: ai-sentiment, sourceFields: [note], computeOn: update}
      - {name: reply, type: ai-generate, sourceFields: [note], prompt: "Answer {{note}} kindly", computeOn: manual}
      - {name: verdict, type: ai-generate, sourceFields: [backstage], prompt: "Judge {{ backstage }}", computeOn: manual}
      - {name: changed, type: updated-by}
      - {name: state, type: single-select, options: [open, shut], conditions: [{when: shut, then: {readOnly: true}}]}
    permissions:
      read: [member, viewer]
      create: [admin, member]
      update: [admin, member]
      delete: [admin]
      fields: [{field: backstage, read: [admin]}, {field: kind, write: [admin]}, {field: state, read: [admin]}]
"""
ROOT, ADA, VIC = headers("root", "admin"), headers("ada", "member"), headers("vic", "viewer")
TICKETS = "/api/tables/Tickets/records"
ALL = {"kind", "labels", "digest", "french", "facts"}


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        yield running


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, provider: FakeProvider
) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("desk")
    (folder / ".env").write_text(provider.environment)
    with running_on(request, APP, folder, authenticate=by_header) as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "FIRST_DELAY", 0.01)
    provider.answer = sensible
    while not provider.received.empty():
        provider.received.get()


def sensible(request: Received) -> Any:
    """What a good model would say."""
    asked = question(request)
    schema = request.json.get("response_format", {}).get("json_schema", {}).get("schema", {})
    if "The categories" in asked:
        return {"value": "bug"}
    if "The tags" in asked:
        return {"value": ["urgent", "paid"]}
    if "label" in schema.get("properties", {}):
        return {"label": "neutral", "score": 0.5}
    if schema:
        return {"total": 12}
    return "Bonjour" if "translate into: fr" in asked else "Short"


def make(server: RunningServer, **fields: Any) -> str:
    answer = server.http.post(TICKETS, json={"fields": fields}, headers=ROOT)
    assert answer.status_code == 201, answer.text
    return f"{TICKETS}/{answer.json()['id']}"


def settled(server: RunningServer, where: str, *names: str, state: str = "done") -> dict[str, Any]:
    """The record, once these of its fields have that state."""
    for _ in range(500):
        record: dict[str, Any] = server.http.get(where, headers=ROOT).json()
        if all(record["_aiCompute"][name] == state for name in names):
            return record
        threading.Event().wait(0.01)
    raise AssertionError(record)


def test_a_provider_fills_every_type_after_the_commit(server: RunningServer, provider: FakeProvider) -> None:
    """T-102, T-103: one question a field, of a field made from another one's answer too; `computeOn` is heeded; who changed
    the record last, and its version, stay; the history says who filled it."""
    where = make(server, note="It breaks")
    before = server.http.get(where, headers=ROOT).json()
    found = settled(server, where, *ALL)
    assert found["_aiCompute"] == {
        **dict.fromkeys(ALL, "done"),
        **dict.fromkeys(("mood", "reply", "verdict"), "pending"),
    }
    assert [found[name] for name in ("kind", "labels", "digest", "french")] == [
        "bug",
        ["urgent", "paid"],
        "Short",
        "Bonjour",
    ]
    assert (found["facts"], found["mood"], found["reply"]) == ({"total": 12}, None, None)
    assert (found["updatedAt"], found["changed"]) == (before["updatedAt"], "root")
    entry = server.http.get(f"{where}/history", headers=ROOT).json()["history"][-1]
    assert (entry["user"], entry["cause"], entry["action"]) == (None, "ai", "update")
    requests = [provider.next() for _ in ALL]
    assert {request.headers["authorization"] for request in requests} == {"Bearer sk-secret"}
    assert {request.path for request in requests} == {"/v1/chat/completions"}
    assert any("IT BREAKS" in question(request) for request in requests)  # a computed source
    assert provider.received.empty()
    # A source's change asks anew what is to follow it, and leaves what is made once.
    assert server.http.patch(where, json={"note": "It works"}, headers=ROOT).status_code == 200
    settled(server, where, "mood", "kind", "labels", "facts")
    asked = [question(provider.next()) for _ in range(4)]
    assert not any("At most 12" in each for each in asked)


def test_what_a_hand_writes_is_kept(server: RunningServer, provider: FakeProvider) -> None:
    """T-102: at creation, after the model, and while the model thinks; until it is emptied, or somebody asks."""
    where = make(server, note="a", kind="wish", facts={"total": 1}, digest="mine", french="moi", labels=["old"])
    server.http.patch(where, json={"note": "b"}, headers=ROOT)
    found = settled(server, where, "mood")
    assert (found["kind"], found["digest"], found["labels"], found["facts"]) == ("wish", "mine", ["old"], {"total": 1})
    assert len([provider.next()]) == 1  # the mood alone
    assert provider.received.empty()
    entered, release = threading.Event(), threading.Event()

    def slow(request: Received) -> Any:
        entered.set()
        release.wait(20)
        return sensible(request)

    provider.answer = slow
    assert server.http.post(f"{where}/compute?fields=mood", headers=ROOT).json()["_aiCompute"] == {"mood": "pending"}
    assert entered.wait(20)
    server.http.patch(where, json={"mood": {"label": "positive"}}, headers=ROOT)
    release.set()
    provider.answer = sensible
    server.http.patch(where, json={"note": "c", "kind": None}, headers=ROOT)
    found = settled(server, where, "kind")
    assert (found["kind"], found["mood"]) == ("bug", {"label": "positive"})


def test_who_asks_after_a_hand_is_heard(server: RunningServer) -> None:
    """T-102: although what the hand has written is taken up after the question."""
    where = make(server, note="n")
    settled(server, where, *ALL)
    engine, key, release = server.engine, where.rpartition("/")[2], threading.Event()
    table, write = engine.model.by_address["tickets"], engine.database.submit_write
    # The writer takes them in this order, and only then what follows the change log.
    waiting = [
        write(Call(lambda _: release.wait(20))),
        write(Update(engine.records.writable(table), Edit((int(key),), {"kind": "wish"})), actor="owner"),
        write(
            Call(lambda tx: ask_anew(tx, table, key, ["kind"])), actor="owner", cancel=Cancel()
        ),  # in its own transaction
    ]
    release.set()
    for each in waiting:
        each.result()
    engine.filler.nudge()
    assert settled(server, where, "kind")["kind"] == "bug"


def test_the_trash_loses_no_question(server: RunningServer, provider: FakeProvider) -> None:
    """T-102: what was to be asked of a record in the trash is asked once it is back; what was made of it is known to be."""
    where = make(server, note="a")
    settled(server, where, *ALL)
    provider.answer = lambda _: (500, {}, b"")
    server.http.patch(where, json={"note": "b"}, headers=ROOT)
    server.http.delete(where, headers=ROOT)
    provider.answer = lambda request: {"value": "wish"} if "The categories" in question(request) else sensible(request)
    assert server.http.post(f"{where}/restore", headers=ROOT).status_code == 200
    assert settled(server, where, "kind", "mood")["kind"] == "wish"


def test_every_door_is_followed(server: RunningServer) -> None:
    """T-102: batches, upserts, imports, typed SQL, the way back from the trash."""
    body = {"records": [{"fields": {"note": "x"}}, {"fields": {"note": "y"}}], "returnRecords": True}
    made = [each["id"] for each in server.http.post(f"{TICKETS}/batch", json=body, headers=ROOT).json()["records"]]
    job = server.local.post("/api/tables/Tickets/import?format=csv", content=b"note\nimported\n").json()
    assert "id" in job
    for id_ in made:
        settled(server, f"{TICKETS}/{id_}", *ALL)
    sql = f"UPDATE tickets SET note = 'sql', kind = NULL WHERE id = {made[0]}"
    assert server.local.post("/api/console/sql", json={"sql": sql}).status_code == 202
    settled(server, f"{TICKETS}/{made[0]}", "kind", "mood")
    listed = server.http.get(TICKETS, params={"filter": "note:imported"}, headers=ROOT).json()["records"]
    settled(server, f"{TICKETS}/{listed[0]['id']}", *ALL)


@pytest.mark.parametrize(
    ("fault", "reason", "calls"),
    [
        ((401, {}, b'{"error": {"message": "no such key sk-secret"}}'), "refuses AI_API_KEY: HTTP 401", 1),
        ((400, {}, b'{"error": {"message": "no model\\nfor \\u0000sk-secret"}}'), "HTTP 400: no model for •••", 1),
        ((500, {}, b"oops"), "HTTP 500", 12),
        ((200, {}, b"<html>"), "not in its form", 3),
        ((400, {}, b'{"error": "' + b"x" * 296 + b'sk-secret"}'), f"HTTP 400: {'x' * 296}•••", 1),
        ((200, {}, b'{"choices": [{"message": {"content": "{"}}]}'), "not in its form", 3),
        ({"value": "praise"}, "does not fit", 3),
        ({"other": 1}, "not in the form", 3),
        ((200, {}, b'{"choices": [{"finish_reason": "length", "message": {}}]}'), "maxTokens", 1),
        ((200, {}, b'{"choices": [{"message": {"refusal": "no", "content": null}}]}'), "declines", 1),
    ],
)
def test_what_goes_wrong_is_told(
    server: RunningServer, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch, fault: Any, reason: str, calls: int
) -> None:
    """T-103: `failed`, with its reason and never the key, after as many attempts as may help; then it can be asked again."""
    monkeypatch.setattr(worker, "GROWTH", 1)
    where = make(server, digest="s", french="f", facts={"total": 0}, labels=["old"])
    settled(server, where, "kind")  # there is nothing to make it of
    provider.answer = lambda _: fault
    server.http.patch(where, json={"note": "x", "digest": "s", "mood": {"label": "n"}}, headers=ROOT)
    found = settled(server, where, "kind", state="failed")
    assert reason in found["_aiReasons"]["kind"]
    assert "sk-" not in str(found)
    assert provider.received.qsize() == calls
    provider.answer = sensible
    answer = server.http.post(f"{where}/compute?fields=kind", headers=ROOT)
    assert (answer.status_code, answer.json()["_aiCompute"]) == (202, {"kind": "pending"})
    found = settled(server, where, "kind")
    assert (found["kind"], "_aiReasons" in found) == ("bug", False)


def test_what_has_failed_is_tried_again_by_itself(
    server: RunningServer, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-102, T-103: some time later, as often as there are pauses; what would be answered the same is not."""
    monkeypatch.setattr(worker, "LATER", (timedelta(), timedelta(), timedelta()))
    where = make(server, digest="s", french="f", facts={"total": 0}, labels=["old"])
    refusals = [(404, {}, b"no such model"), (401, {}, b"")]
    provider.answer = lambda request: refusals.pop() if refusals else sensible(request)
    server.http.patch(where, json={"note": "x", "digest": "s", "mood": {"label": "n"}}, headers=ROOT)
    assert settled(server, where, "kind")["kind"] == "bug"
    assert (provider.received.qsize(), refusals) == (3, [])

    fills = select(FILLS.c.status, FILLS.c.attempts, FILLS.c.due_at).where(FILLS.c.record == where.rpartition("/")[2])
    for answer, attempts in (((401, {}, b""), 4), ((400, {}, b""), 1), ({"value": "praise"}, 3)):
        provider.answer = lambda _, answer=answer: answer
        server.http.post(f"{where}/compute?fields=kind", headers=ROOT)
        wanted, kept = ("failed", attempts, None), fills.where(FILLS.c.field == "kind")
        for _ in range(500):
            (found,) = server.engine.database.submit_read(Call(lambda reader, kept=kept: reader.rows(kept))).result()
            if found == wanted:
                break
            threading.Event().wait(0.01)
        assert found == wanted


def test_what_a_model_made_of_a_hidden_field_is_hidden(server: RunningServer) -> None:
    """P-021, T-103: neither the value nor its state; asking anew needs what writing the field does."""
    where = make(server, backstage="they cheat", verdict="cheats", note="n")
    found = server.http.get(where, headers=ADA).json()
    assert {"verdict", "backstage"}.isdisjoint(found["fields"])
    assert "verdict" not in found["_aiCompute"]
    for caller, fields, status in (
        (VIC, "digest", 404),
        (ADA, "verdict", 404),  # hidden
        (ADA, "kind", 404),  # locked
        (ADA, "note", 404),  # nobody's but a hand's
        (ADA, "digest", 202),
        (None, "digest", 401),
    ):
        answer = server.http.post(f"{where}/compute?fields={fields}", headers=caller)
        assert answer.status_code == status, answer.text
    assert server.http.post(f"{TICKETS}/999999/compute", headers=ROOT).status_code == 404
    everything = server.http.post(f"{where}/compute", headers=ADA).json()["_aiCompute"]
    assert set(everything) == {"labels", "digest", "french", "facts", "mood", "reply"}
    assert settled(server, where, "reply")["reply"] == "Short"


def test_a_locked_record_is_not_changed_by_way_of_a_model(server: RunningServer) -> None:
    """T-082, T-103: nor is told what a hidden field locks it with; an administrator insists, as for any other change."""
    where = make(server, note="n", state="shut")
    settled(server, where, *ALL)
    refused = server.http.post(f"{where}/compute?force=true", headers=ADA)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "record.locked")
    assert "state" not in refused.text
    assert server.http.post(f"{where}/compute", headers=ROOT).status_code == 400
    assert server.http.post(f"{where}/compute?force=true", headers=ROOT).status_code == 202


def test_what_a_model_made_of_rows_elsewhere_is_not_for_who_sees_some_of_them(tmp_path: Path) -> None:
    """P-021, P-030: a lookup is computed for its reader; what a model wrote of it stands for all."""
    app = """
name: a
auth: {strategies: [{type: emailAndPassword}]}
tables:
  - name: Firms
    fields: [{name: owner, type: user}, {name: secret, type: single-line-text}]
    permissions: {read: authenticated, create: [admin]}
    rowLevelPermissions: {read: {when: {field: owner, operator: eq, value: $currentUser.id}}}
  - name: Deals
    fields:
      - {name: firm, type: relationship, relatedTable: Firms}
      - {name: told, type: lookup, relationshipField: firm, relatedField: secret}
      - {name: loud, type: formula, formula: "UPPER({told})"}
      - {name: digest, type: ai-summary, sourceFields: [loud]}
      - {name: size, type: formula, formula: "LEN({digest})"}
    permissions: {read: authenticated, create: [admin]}
"""
    with RunningServer(app, tmp_path, authenticate=by_header) as server:
        firm = server.http.post("/api/tables/Firms/records", json={"secret": "s"}, headers=ROOT).json()["id"]
        deal = {"firm": firm, "digest": "they plan to sell"}
        made = server.http.post("/api/tables/Deals/records", json=deal, headers=ROOT).json()
        assert made["digest"] == deal["digest"]
        seen = server.http.get(f"/api/tables/Deals/records/{made['id']}", headers=ADA).json()["fields"]
        assert seen == {"firm": int(firm), "told": None, "loud": None}


def test_a_window_tells_what_is_on_its_way(server: RunningServer, provider: FakeProvider) -> None:
    """T-103: what the grid paints; a state that changes by itself is told of like a change."""
    where = make(server, note="n")
    settled(server, where, *ALL)
    provider.answer = lambda _: (401, {}, b"")
    key = where.rpartition("/")[2]
    assert server.http.post(f"{where}/compute?fields=kind,reply", headers=ROOT).status_code == 202
    settled(server, where, "kind", "reply", state="failed")
    view = server.http.post("/api/console/views", json={"table": "tickets"}, headers=ROOT).json()["id"]
    window = server.http.get(f"/api/console/views/{view}/window", headers=ROOT).json()
    said = {"reason": {"pattern": "the provider refuses AI_API_KEY: HTTP {status}", "values": {"status": "401"}}}
    refused = {"state": "failed", "reason": "the provider refuses AI_API_KEY: HTTP 401", "said": said}
    assert window["computing"][key] == {"kind": refused, "reply": refused}
    # What a provider says of its account is for those who may ask it.
    view_of_vic = server.http.post("/api/console/views", json={"table": "tickets"}, headers=VIC).json()["id"]
    told = server.http.get(f"/api/console/views/{view_of_vic}/window", headers=VIC).json()["computing"][key]
    assert told == {"kind": {"state": "failed"}, "reply": {"state": "failed"}}
    assert "_aiReasons" not in server.http.get(where, headers=VIC).json()
    assert set(server.http.get(where, headers=ADA).json()["_aiReasons"]) == {"reply"}
    server.http.delete(f"{where}?permanent=true", headers=ROOT)
    window = server.http.get(f"/api/console/views/{view}/window", headers=ROOT).json()
    assert key not in window.get("computing", {})


def test_a_restart_loses_no_question(
    tmp_path: Path, provider: FakeProvider, postgresql_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-102, M-019: a stop drops what is being asked, at once, and the next start asks it again; a provider that wants a
    rest gets it; under another name of the field it is still known what a model made."""
    clock, entered, release = MovingClock(), threading.Event(), threading.Event()

    def slow(request: Received) -> Any:
        entered.set()
        release.wait(20)
        return sensible(request)

    (tmp_path / ".env").write_text(provider.environment)
    app = "name: a\ntables:\n  - id: 1\n    name: T\n    fields:\n      - {id: 1, name: n, type: long-text}\n"
    app += "      - {id: 2, name: s, type: ai-summary, sourceFields: [n]}\n"
    app += "      - {id: 3, name: e, type: ai-summary, sourceFields: [s]}\n"
    provider.answer = slow
    with postgresql_schema(postgresql_address) as settings:
        with RunningServer(app, tmp_path, database_url=settings.url, clock=clock) as first:
            where = f"/api/tables/T/records/{first.local.post('/api/tables/T/records', json={'n': 'x'}).json()['id']}"
            assert entered.wait(20)
        assert not release.is_set()
        provider.next()
        provider.answer = lambda _: (429, {"retry-after": "60"}, b"")
        with RunningServer(app, tmp_path, database_url=settings.url, clock=clock) as second:
            provider.next()
            assert second.local.get(where).json()["_aiCompute"]["s"] == "pending"
            provider.answer = sensible
            for _ in range(500):
                clock.forward(61)
                second.engine.filler.nudge()
                if second.local.get(where).json()["s"] == "Short":
                    break
                threading.Event().wait(0.01)
            assert second.local.get(where).json()["s"] == "Short"
        provider.answer = lambda _: "Anew"
        renamed = app.replace("name: s", "name: gist").replace("[s]", "[gist]")
        with RunningServer(renamed, tmp_path, database_url=settings.url, clock=clock) as third:
            third.local.patch(where, json={"n": "y"})
            for _ in range(500):
                found = third.local.get(where).json()
                if (found["gist"], found["e"]) == ("Anew", "Anew"):
                    break
                threading.Event().wait(0.01)
            assert (found["gist"], found["e"]) == ("Anew", "Anew"), found
    release.set()


def test_a_rest_that_is_over_already_is_none(tmp_path: Path, provider: FakeProvider) -> None:
    """T-102: a provider whose clock is behind ours names a moment of the past, and is asked no sooner for it."""
    app = "name: a\ntables:\n  - id: 1\n    name: Tickets\n    fields:\n      - {id: 1, name: n, type: long-text}\n"
    app += "      - {id: 2, name: s, type: ai-summary, sourceFields: [n]}\n"
    busy = 429, {"retry-after": "Sat, 01 Jan 2000 00:00:00 GMT"}, b""
    provider.answer = lambda request: busy if "first" in question(request) else "Short"
    (tmp_path / ".env").write_text(provider.environment)
    with RunningServer(app, tmp_path, clock=MovingClock()) as server:
        first = make(server, n="first")
        assert "first" in question(provider.next())
        settled(server, make(server, n="second"), "s")
        assert "second" in question(provider.next())
        assert provider.received.empty()
        assert server.http.get(first).json()["_aiCompute"] == {"s": "pending"}


def test_without_a_provider_nothing_fails(tmp_path: Path) -> None:
    """T-102: the start says so, and asking is refused with what to do; an import is one entry of the log, as elsewhere."""
    app = "name: a\ntables:\n  - id: 1\n    name: T\n    fields:\n      - {id: 1, name: n, type: long-text}\n"
    summary = "      - {id: 2, name: s, type: ai-summary, sourceFields: [n]}\n"
    with RunningServer(app + summary, tmp_path) as server:
        assert "AI_PROVIDER is not set" in server.engine.notes[0]
        id_ = server.local.post("/api/tables/T/records", json={"n": "x"}).json()["id"]
        refused = server.local.post(f"/api/tables/T/records/{id_}/compute").json()
        assert (refused["code"], "AI_PROVIDER" in refused["hint"]) == ("BAD_REQUEST", True)
        assert server.local.get(f"/api/tables/T/records/{id_}").json()["_aiCompute"] == {"s": "pending"}
        lines = {"content": "n\na\nb\n", "headers": {"content-type": "text/csv"}}
        job = server.local.post("/api/tables/T/import?format=csv", **lines).json()["id"]
        while server.local.get(f"/api/console/jobs/{job}").json()["state"] == "running":
            threading.Event().wait(0.01)
        assert [change.operation for change in server.commits[-1].changes] == ["import"]


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_both_forms_of_asking(provider: FakeProvider, name: str) -> None:
    """T-102: the text, and the object that a schema asks for."""
    settings = read_settings(
        {"AI_PROVIDER": name, "AI_API_KEY": "k", "AI_BASE_URL": f"{provider.url}/", "AI_MODEL": "m"}
    )
    assert settings is not None
    model = Model(settings)
    provider.answer = lambda _: "Hello"
    asked = Question(system="Be brief", text="Greet", temperature=0.2, max_tokens=9)
    assert model.ask(asked, Line()) == "Hello"
    sent = provider.next()
    assert (sent.json["model"], sent.json["temperature"]) == ("m", 0.2)
    limit, key = ("max_completion_tokens", "authorization") if name == "openai" else ("max_tokens", "x-api-key")
    assert (sent.json[limit], sent.headers[key].removeprefix("Bearer ")) == (9, "k")
    provider.answer = lambda _: {"a": 1}
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    assert model.ask(Question(system="", text="?", schema=schema, model="own"), Line()) == {"a": 1}
    sent = provider.next().json
    assert sent["model"] == "own"
    assert schema in (sent.get("response_format", {}).get("json_schema", {}).get("schema"), *_tool_schemas(sent))
    with pytest.raises(NotAnswered, match="not reached"):
        Model(replace(settings, url="http://127.0.0.1:9/v1")).ask(asked, Line())


def _tool_schemas(sent: dict[str, Any]) -> list[Any]:
    return [tool["input_schema"] for tool in sent.get("tools", ())]


def test_what_the_environment_may_say() -> None:
    """T-102"""
    assert read_settings({}) is None
    assert read_settings({"AI_PROVIDER": "off", "AI_API_KEY": "k"}) is None
    assert read_settings({"AI_PROVIDER": "openai"}) is None  # nobody to pay for it
    found = read_settings({"AI_PROVIDER": "Ollama", "AI_BASE_URL": "http://10.0.0.5:11434"})
    assert found is not None
    assert (found.url, found.host, found.model) == ("http://10.0.0.5:11434/v1", "10.0.0.5", "llama3.2")
    for environ, word in (
        ({"AI_PROVIDER": "skynet"}, "AI_PROVIDER"),
        ({"AI_PROVIDER": "ollama", "AI_BASE_URL": "ftp://x"}, "AI_BASE_URL"),
        ({"AI_PROVIDER": "openai", "AI_API_KEY": "schlüssel"}, "AI_API_KEY"),
    ):
        with pytest.raises(BadRequest, match=word):
            read_settings(environ)
