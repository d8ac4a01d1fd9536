"""Writes that are sent again under a key, because their first answer was lost (R-007 to R-067)."""

import re
from typing import Any

import httpx

from core.storage.database import Call
from tests.support.server import RunningServer

PARTS = "/api/tables/spare_parts/records"
WRITTEN = re.compile(r"/api/tables/[^/]+/(trash/empty$|records(?!.*/(comments|buttons|compute)))")


def changes(server: RunningServer) -> int:
    """How many the change log tells of."""
    job: Call[int] = Call(lambda reader: reader.scalar("SELECT count(*) FROM system_change"))
    return server.engine.database.submit_read(job).result()


def ask(server: RunningServer, key: str, method: str, path: str, body: Any = None) -> httpx.Response:
    return server.local.request(method, path, json=body, headers={"Idempotency-Key": key})


def form(server: RunningServer, key: str, path: str, fields: dict[str, str]) -> httpx.Response:
    return server.local.post(path, data=fields, headers={"Idempotency-Key": key})


def test_every_write_is_made_once_for_its_key(server: RunningServer) -> None:
    """R-007, R-030, R-040, R-042, R-050, R-054, R-060: the second answer is the first, and nothing is written for it."""
    server.empty()
    ids = [server.local.post(PARTS, json={"part_no": f"p{n}"}).json()["id"] for n in range(6)]
    entry = server.local.get(f"{PARTS}/{ids[0]}/history").json()["history"][0]["id"]
    spare = [{"fields": {"part_no": "new"}}, {"fields": {"part_no": "p0"}}]
    writes: list[tuple[str, str, Any]] = [
        ("POST", PARTS, {"part_no": "one", "price": 1.5}),
        ("PATCH", f"{PARTS}/{ids[0]}", {"stock": 5}),
        ("PUT", f"{PARTS}/{ids[0]}", {"stock": 6}),
        ("DELETE", f"{PARTS}/{ids[1]}", None),
        ("POST", f"{PARTS}/{ids[1]}/restore", None),
        ("DELETE", f"{PARTS}/{ids[1]}?permanent=true", None),
        ("POST", f"{PARTS}/batch", {"records": [{"fields": {"part_no": "two"}}], "returnRecords": True}),
        ("POST", f"{PARTS}/batch", {"records": spare, "continueOnError": True}),
        ("PATCH", f"{PARTS}/batch", {"records": [{"id": ids[2], "stock": 9}, {"id": 10**6, "stock": 1}]}),
        ("DELETE", f"{PARTS}/batch", {"ids": ids[2:4]}),
        ("POST", f"{PARTS}/batch/restore", {"ids": ids[2:4]}),
        ("POST", f"{PARTS}/batch/delete", {"ids": [*ids[2:4], 10**6], "continueOnError": True}),
        ("POST", f"{PARTS}/upsert", {"records": spare, "fieldsToMergeOn": ["part_no"]}),
        ("POST", f"{PARTS}/upsert", {"fields": {"part_no": "three"}, "matchFields": ["part_no"]}),
        ("POST", f"{PARTS}/{ids[0]}/history/{entry}/revert", None),
        ("POST", "/api/tables/spare_parts/trash/empty", None),
    ]
    for number, write in enumerate(writes):
        first, told = ask(server, f"k{number}", *write), changes(server)
        assert first.status_code < 300, (write, first.text)
        again = ask(server, f"k{number}", *write)
        assert (again.status_code, again.content) == (first.status_code, first.content), write
        assert changes(server) == told, write
    for path, fields in (
        (f"{PARTS}/{ids[4]}/update", {"stock": "3"}),
        (f"{PARTS}/{ids[5]}/delete", {"_redirect": "/"}),
    ):
        first, told = form(server, path, path, fields), changes(server)
        again = form(server, path, path, fields)
        assert (again.status_code, again.content, changes(server)) == (first.status_code, first.content, told)


def test_the_description_tells_which_requests_heed_a_key(server: RunningServer) -> None:
    """R-007: every write of records; not what is said about them, nor what only asks for something."""
    paths = server.local.get("/api/openapi.json").json()["paths"]
    told, writes = set(), set()
    for path, methods in paths.items():
        for method, described in methods.items():
            if any(each["name"] == "Idempotency-Key" for each in described["parameters"]):
                told.add((method, path))
            if WRITTEN.match(path) and method != "get":
                writes.add((method, path))
    assert told == writes
    assert len(told) > 20


def test_a_key_is_of_one_request(server: RunningServer) -> None:
    """R-007: another request under it is refused; one that was refused may be mended and sent again."""
    server.empty()
    wrong = ask(server, "k", "POST", PARTS, {"part_no": "a", "stock": "many"})
    made = ask(server, "k", "POST", PARTS, {"part_no": "a", "stock": 1})
    assert (wrong.status_code, made.status_code) == (400, 201)
    for method, path, body in (
        ("POST", PARTS, {"part_no": "b"}),
        ("POST", f"{PARTS}?x=1", {"part_no": "a", "stock": 2}),
        ("DELETE", f"{PARTS}/{made.json()['id']}", None),
    ):
        refused = ask(server, "k", method, path, body)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "Idempotency-Key")
    assert server.http.post(PARTS, json={"part_no": "c"}, headers={"Idempotency-Key": "k"}).status_code == 201
    assert ask(server, "k" * 256, "POST", PARTS, {"part_no": "d"}).status_code == 400
    found = server.local.get(PARTS, params={"sort": "part_no"}).json()["records"]
    assert [each["fields"]["part_no"] for each in found] == ["a", "c"]


def test_a_key_is_of_one_guest(server: RunningServer) -> None:
    """R-007: who has no session is told from others by the address, and gets nobody else's answer for a guessed key."""
    server.empty()

    def post(address: str, part: str) -> httpx.Response:
        told = {"Idempotency-Key": "guessed", "X-Forwarded-For": address}
        return server.http.post(PARTS, json={"part_no": part, "supplier": None}, headers=told)

    first = post("192.0.2.1", "a")
    assert (first.status_code, post("192.0.2.1", "a").content) == (201, first.content)
    assert post("192.0.2.2", "a").status_code == 409, "a request of its own, which the unique key refuses"
    assert post("192.0.2.2", "b").status_code == 201
    assert post("192.0.2.1", "b").status_code == 400
