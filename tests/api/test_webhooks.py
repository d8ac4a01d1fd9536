"""Webhooks (tables-records §10.14) against a server of our own, on both databases."""

import hashlib
import hmac
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from core import outgoing
from core.fields.registry import FIELD_TYPES
from core.outgoing import NotSent, Outgoing, is_public, send
from core.schema.loader import check_text
from core.schema.model import WebhookRetry
from core.storage.database import Call
from core.webhooks.delivery import delay_after
from tests.support.principals import by_header, headers
from tests.support.server import RunningServer, running_on
from tests.support.sink import Sink

APP = """
name: hooks
auth: {strategies: [{type: emailAndPassword}]}
webhooks: {allowPrivate: [127.0.0.1]}
tables:
  - id: 1
    name: Parts
    fields:
      - {name: part_no, type: single-line-text}
      - {name: stock, type: integer}
      - {name: secret, type: single-line-text}
    permissions: {read: [member, viewer], create: [admin], update: [admin, member], delete: [admin]}
    webhooks:
      - name: all
        url: "%(url)s/all?token=t"
        events: [create, update, delete]
        auth: {type: hmac, secret: $env.HOOK_SECRET}
        payload: {excludeFields: [secret], includePreviousValues: true, includeMetadata: true}
      - name: flaky
        url: "%(url)s/flaky"
        events: [create]
        auth: {type: bearer, token: plain-token}
        retry: {maxAttempts: 2, initialDelay: 10, backoff: fixed}
        payload: {includeFields: [stock]}
      - {name: asleep, url: "%(url)s/asleep", events: [create, update, delete], enabled: false}
  - id: 2
    name: Inside
    fields: [{name: a, type: integer}, {name: b, type: integer}]
    permissions: {read: [member], create: [admin], update: [admin, member], fields: [{field: b, read: [admin]}]}
    webhooks:
      - {name: local, url: "http://localhost:9/x", events: [create], retry: {maxAttempts: 0}}
      - name: keyless
        url: "%(url)s/keyless"
        events: [update]
        auth: {type: apiKey, key: $env.NOT_SET}
        retry: {maxAttempts: 0}
"""
ROOT, ADA, VIC = headers("root", "admin"), headers("ada", "member"), headers("vic", "viewer")
PARTS = "/api/tables/Parts/records"


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sink: Sink
) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("hooks")
    (folder / ".env").write_text("HOOK_SECRET=s3cret\n")
    with running_on(request, APP % {"url": sink.url}, folder, authenticate=by_header) as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(sink: Sink) -> None:
    sink.reply = lambda _: (200, {"x-sink": "y\0es"}, b"than\0ks")
    while not sink.received.empty():
        sink.received.get()


def make(server: RunningServer, **fields: Any) -> str:
    answer = server.http.post(PARTS, json={"fields": fields}, headers=ROOT)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def arrived(sink: Sink, *paths: str) -> dict[str, Any]:
    """One request for each path, in whatever order they come."""
    found: dict[str, Any] = {}
    while len(found) < len(paths):
        request = sink.next()
        path = request.path.partition("?")[0]
        assert path in paths, request
        found[path] = request
    return found


def settled(server: RunningServer, hook: str, status: str, table: str = "Parts") -> dict[str, Any]:
    """The newest delivery of a webhook, once it has that status."""
    for _ in range(400):
        listed = server.http.get(f"/api/tables/{table}/webhooks/{hook}/deliveries", headers=ROOT).json()["deliveries"]
        if listed and listed[0]["status"] == status:
            found: dict[str, Any] = listed[0]
            return found
        threading.Event().wait(0.02)
    raise AssertionError(f"{hook} is not {status}: {listed[:2]}")


def test_changes_are_told_with_a_signature(server: RunningServer, sink: Sink) -> None:
    """R-099 R-014: after the commit; `id` always; previous values and changed fields; fields chosen; secrets hidden; what is
    answered is kept without the NUL that no database keeps."""
    id_ = make(server, part_no="M8", stock=4, secret="hush")
    requests = arrived(sink, "/all", "/flaky")
    told = requests["/all"]
    assert told.json["event"] == "record.create"
    assert told.json["record"] == {"id": id_, "part_no": "M8", "stock": 4}
    assert told.json["metadata"]["userId"] == "root"
    digest = hmac.new(b"s3cret", told.body, hashlib.sha256).hexdigest()
    assert told.headers["x-signature"] == f"sha256={digest}"
    assert requests["/flaky"].headers["authorization"] == "Bearer plain-token"
    assert requests["/flaky"].json["record"] == {"id": id_, "stock": 4}
    assert b"hush" not in told.body + requests["/flaky"].body
    server.http.patch(f"{PARTS}/{id_}", json={"stock": 5, "secret": "new"}, headers=ROOT)
    update = sink.next().json
    assert update["record"] == {"id": id_, "part_no": "M8", "stock": 5}
    assert (update["changedFields"], update["previousValues"]) == (["stock"], {"stock": 4})
    server.http.delete(f"{PARTS}/{id_}", headers=ROOT)
    gone = sink.next().json
    assert (gone["event"], gone["record"]) == ("record.delete", {"id": id_, "part_no": "M8", "stock": 5})
    delivery = settled(server, "all", "success")
    path = f"/api/tables/Parts/webhooks/all/deliveries/{delivery['id']}"
    detail = server.http.get(path, headers=ROOT)
    assert detail.json()["responseBody"] == "thanks"
    assert detail.json()["responseHeaders"]["x-sink"] == "yes"
    assert detail.json()["requestHeaders"]["X-Signature"] == "•••"
    assert "s3cret" not in detail.text


def test_the_record_is_told_as_the_change_left_it(server: RunningServer, sink: Sink) -> None:
    """R-099: a batch changes the same record twice before anybody is told."""
    entered, release = threading.Event(), threading.Event()

    def hold(tx: Any) -> None:
        entered.set()
        release.wait(20)

    id_ = make(server, part_no="a", stock=1)
    arrived(sink, "/all", "/flaky")
    settled(server, "all", "success")
    held = server.engine.database.submit_write(Call(hold))
    entered.wait(20)
    answers = []

    def change(stock: int) -> None:
        answers.append(server.local.patch(f"{PARTS}/{id_}", json={"stock": stock}).status_code)

    threads = [threading.Thread(target=change, args=(n,)) for n in (2, 3, 4)]
    for thread in threads:
        thread.start()
    release.set()
    held.result()
    for thread in threads:
        thread.join()
    assert answers == [200] * 3
    told = [sink.next().json for _ in range(3)]
    assert sorted(each["record"]["stock"] for each in told) == [2, 3, 4]
    chain = [1, *(each["record"]["stock"] for each in told)]
    assert [each["previousValues"]["stock"] for each in told] == chain[:-1]


def test_typed_sql_and_imports_are_told(server: RunningServer, sink: Sink) -> None:
    """R-099: every door through which a watched record changes"""
    id_ = make(server, part_no="A", stock=1, secret="x")
    arrived(sink, "/all", "/flaky")
    owner = {"sql": f"UPDATE parts SET stock = 5 WHERE id = {id_}"}
    assert server.local.post("/api/console/sql", json=owner).status_code == 202
    told = arrived(sink, "/all")["/all"].json
    assert (told["event"], told["record"]["stock"], told["previousValues"]) == ("record.update", 5, {"stock": 1})
    assert "secret" not in told["record"]
    assert server.local.post("/api/console/sql", json={"sql": f"DELETE FROM parts WHERE id = {id_}"}).status_code < 300
    told = arrived(sink, "/all")["/all"].json
    assert (told["event"], told["record"]["part_no"]) == ("record.delete", "A")
    job = server.local.post("/api/tables/Parts/import?format=csv", content=b"part_no,stock\nB,2\n").json()
    assert "id" in job
    found = arrived(sink, "/all", "/flaky")
    assert found["/all"].json["event"] == "record.create"
    assert found["/flaky"].json["record"]["stock"] == 2


def test_failures_are_tried_again_and_logged(server: RunningServer, sink: Sink) -> None:
    """R-099: so many attempts, every one logged with status, code, duration, error; a redirect is no success; retry by
    hand."""
    sink.reply = lambda request: (302, {"location": "/all"}, b"") if request.path == "/flaky" else (200, {}, b"")
    make(server, stock=1)
    delivery = settled(server, "flaky", "failed")
    assert (delivery["attemptCount"], delivery["httpStatus"], delivery["error"]) == (3, 302, "HTTP 302")
    path = f"/api/tables/Parts/webhooks/flaky/deliveries/{delivery['id']}"
    detail = server.http.get(path, headers=ROOT).json()
    assert [(each["status"], each["httpStatus"]) for each in detail["attempts"]] == [("failed", 302)] * 3
    assert all(each["duration"] >= 0 and each["error"] == "HTTP 302" for each in detail["attempts"])
    assert detail["attempts"][-1]["at"] == detail["requestedAt"]
    sink.reply = lambda _: (204, {}, b"")
    again = server.http.post(path + "/retry", headers=ROOT)
    assert again.json() == {"deliveryId": delivery["id"], "status": "pending"}
    assert settled(server, "flaky", "success")["attemptCount"] == 4
    counted = server.http.get("/api/tables/Parts/webhooks/flaky/deliveries?status=failed", headers=ROOT).json()
    assert delivery["id"] not in [each["id"] for each in counted["deliveries"]]


def test_inner_networks_are_refused_unless_allowed(server: RunningServer, sink: Sink) -> None:
    """R-099: `localhost` is not in `webhooks.allowPrivate`, 127.0.0.1 is; a secret that is not set is told by its name."""
    made = server.http.post("/api/tables/Inside/records", json={"a": 1}, headers=ROOT).json()["id"]
    refused = settled(server, "local", "failed", "Inside")
    assert "inside this network" in refused["error"]
    assert refused["attemptCount"] == 1
    whole, told = (
        server.http.get(f"/api/tables/Inside/webhooks/local/deliveries/{refused['id']}", headers=who).json()
        for who in (ROOT, ADA)
    )
    assert (whole["recordId"], "requestBody" in whole) == (str(made), True)
    kept = ("recordId", "requestBody", "responseHeaders", "responseBody")
    assert [told.get(name) for name in kept] == [None] * 4, "a field is kept from her"
    server.http.patch(f"/api/tables/Inside/records/{made}", json={"a": 2}, headers=ROOT)
    assert settled(server, "keyless", "failed", "Inside")["error"] == "the variable NOT_SET is not set"
    assert sink.received.empty()


def test_routes_of_webhooks(server: RunningServer, sink: Sink) -> None:
    """R-099: list, pages of deliveries, test; who may; unknown names are 404. The path of an address may be all that is
    secret of it."""
    seen = server.http.get("/api/tables/Parts/webhooks", headers=VIC).json()["webhooks"]
    assert {each["url"] for each in seen} == {f"{sink.url}/…"}
    listed = server.http.get("/api/tables/Parts/webhooks", headers=ADA).json()["webhooks"]
    assert listed[0] == {
        "name": "all",
        "url": f"{sink.url}/all",
        "events": ["create", "update", "delete"],
        "enabled": True,
    }
    assert "token" in server.http.get("/api/tables/Parts/webhooks", headers=ROOT).text
    assert "plain-token" not in server.http.get("/api/tables/Parts/webhooks", headers=ROOT).text
    done = server.http.post("/api/tables/Parts/webhooks/asleep/test", headers=ADA).json()
    assert (done["success"], done["httpStatus"], done["responseBody"]) == (True, 200, "thanks")
    assert sink.next().json["event"] == "webhook.test"
    sink.reply = lambda _: (500, {}, b"x" * 100_000)
    done = server.http.post("/api/tables/Parts/webhooks/asleep/test", headers=ADA).json()
    assert (done["success"], done["error"], len(done["responseBody"])) == (False, "HTTP 500", outgoing.ANSWER_BYTES)
    base = "/api/tables/Parts/webhooks/asleep/deliveries"
    first = server.http.get(base + "?limit=1", headers=ADA).json()
    assert (first["totalCount"], len(first["deliveries"])) == (2, 1)
    second = server.http.get(base, params={"limit": 1, "cursor": first["nextCursor"]}, headers=ADA).json()
    assert second["nextCursor"] is None
    assert second["deliveries"][0]["id"] != first["deliveries"][0]["id"]
    assert server.http.get(base, params={"cursor": "x"}, headers=ADA).status_code == 400
    assert server.http.get(base, params={"status": "odd"}, headers=ADA).status_code == 400
    for path in ("Parts/webhooks/none/deliveries", "Parts/webhooks/all/deliveries/none", "none/webhooks"):
        assert server.http.get(f"/api/tables/{path}", headers=ROOT).status_code == 404
    for path in ("all/test", f"asleep/deliveries/{first['deliveries'][0]['id']}/retry"):
        assert server.http.post(f"/api/tables/Parts/webhooks/{path}", headers=VIC).status_code == 404
        assert server.http.post(f"/api/tables/Parts/webhooks/{path}").status_code == 401


def test_what_was_not_sent_before_the_end_is_sent_after_the_start(
    tmp_path_factory: pytest.TempPathFactory, sink: Sink
) -> None:
    """R-099: changes that an ended server did not tell are told by the next."""
    folder = tmp_path_factory.mktemp("again")
    (folder / ".env").write_text("HOOK_SECRET=s3cret\n")
    app = APP % {"url": sink.url}
    with RunningServer(app, folder, authenticate=by_header) as first:
        worker = first.engine.deliveries
        assert worker is not None
        worker.stop()
        make(first, stock=9)
    assert sink.received.empty()
    with RunningServer(app, folder, authenticate=by_header):
        assert arrived(sink, "/all", "/flaky")["/flaky"].json["record"]["stock"] == 9


ADDRESSES = [
    ("8.8.8.8", True),
    ("2606:4700::1111", True),
    ("127.0.0.1", False),
    ("10.1.2.3", False),
    ("172.16.0.1", False),
    ("192.168.1.1", False),
    ("169.254.169.254", False),
    ("100.64.0.1", False),
    ("0.0.0.0", False),
    ("224.0.0.1", False),
    ("255.255.255.255", False),
    ("::1", False),
    ("::", False),
    ("::127.0.0.1", False),
    ("fe80::1%eth0", False),
    ("fd00::1", False),
    ("ff02::1", False),
    ("::ffff:10.0.0.1", False),
    ("::ffff:8.8.8.8", True),
    ("64:ff9b::7f00:1", False),
    ("64:ff9b::808:808", True),
    ("2002:7f00:1::", False),
    ("2001:0:7f00:1::1", False),
]


@pytest.mark.parametrize(("address", "public"), ADDRESSES)
def test_public_addresses(address: str, public: bool) -> None:
    """R-099, T34: the ways to write an address inside one's own network."""
    assert is_public(address) is public


def test_a_name_that_leads_inside_is_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """R-099: one public address beside a private one does not help; the name is asked for once."""
    asked = []

    def both(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        return [(2, 1, 6, "", ("8.8.8.8", port)), (2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(outgoing.socket, "getaddrinfo", both)
    with pytest.raises(NotSent, match="inside this network"):
        send(Outgoing(url="http://evil.test/x", headers={}, body=b""))
    assert asked == ["evil.test"]


def test_a_slow_answer_is_given_up(sink: Sink) -> None:
    """R-099: the whole call has a limit, however the time is spent."""
    done = threading.Event()

    def slow(_: Any) -> Any:
        done.wait(20)
        return 200, {}, b""

    sink.reply = slow
    try:
        with pytest.raises(NotSent, match="no answer"):
            send(Outgoing(url=sink.url, headers={}, body=b"", private=("127.0.0.1",), seconds=0.2))
    finally:
        done.set()


def test_delays_grow_up_to_their_limit() -> None:
    """R-099: doubling per attempt up to the cap, or fixed; none after the last."""
    retry = WebhookRetry(attempts=4, first_delay=1, longest_delay=5)
    delays = [delay_after(retry, n) for n in range(1, 6)]
    assert delays == [timedelta(seconds=s) for s in (1, 2, 4, 5)] + [None]
    fixed = WebhookRetry(attempts=2, first_delay=1, is_fixed=True)
    assert delay_after(fixed, 2) == timedelta(seconds=1)
    assert delay_after(WebhookRetry(attempts=0), 1) is None


def test_webhooks_are_checked() -> None:
    """T-029: names once, fields that are there, one list of them, addresses of http."""
    text = """
name: x
tables:
  - name: t
    fields: [{name: a, type: integer}]
    webhooks:
      - {name: w, url: "ftp://x", events: [create]}
      - {name: w, url: "http://u:p@x", events: [create], payload: {includeFields: [a, id, b], excludeFields: [a]}}
      - {name: v, url: "http://x", events: [explode]}
"""
    _, problems = check_text(text, FIELD_TYPES)
    assert {problem.path for problem in problems if problem.severity == "error"} >= {
        "tables[0].webhooks[2].events[0]",
    }
    _, problems = check_text(text.replace('      - {name: v, url: "http://x", events: [explode]}\n', ""), FIELD_TYPES)
    assert {problem.path for problem in problems if problem.severity == "error"} == {
        "tables[0].webhooks[0].url",
        "tables[0].webhooks[1].name",
        "tables[0].webhooks[1].url",
        "tables[0].webhooks[1].payload.includeFields[2]",
        "tables[0].webhooks[1].payload.excludeFields",
    }
