"""Files over HTTP on both databases: uploaded, put into records, read by who may, gone with their last record."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.principals import by_header, headers
from tests.support.server import RunningServer, running_on

APP = """
name: papers
auth:
  strategies: [{type: emailAndPassword}]
tables:
  - name: Papers
    fields:
      - { name: title, type: single-line-text }
      - { name: scan, type: single-attachment, allowedFileTypes: ["image/*", application/pdf], maxFileSize: 5242880 }
      - { name: more, type: multiple-attachments, maxFiles: 3 }
      - { name: private, type: single-attachment }
    permissions:
      read: authenticated
      create: authenticated
      update: authenticated
      fields: [{ field: private, read: [admin] }]
    rowLevelPermissions:
      read: { when: { field: title, operator: neq, value: secret } }
"""
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
RECORDS = "/api/tables/papers/records"
UPLOADS = "/api/tables/papers/files"


@pytest.fixture(params=["duckdb", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningServer]:
    """A server of its own for each test: what is collected is counted."""
    with running_on(request, APP, tmp_path, authenticate=by_header) as running:
        yield running


def upload(server: RunningServer, data: bytes = PNG, name: str = "scan.png", field: str = "") -> httpx.Response:
    query = {"filename": name, **({"field": field} if field else {})}
    return server.local.post(UPLOADS, params=query, content=data)


def key_of(server: RunningServer, data: bytes = PNG, name: str = "scan.png") -> str:
    answer = upload(server, data, name)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["key"])


def create(server: RunningServer, **fields: Any) -> dict[str, Any]:
    answer = server.local.post(RECORDS, json={"fields": fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def stored(server: RunningServer) -> set[str]:
    files = server.engine.files
    assert files is not None
    files.collect()
    return {key for key, _ in files.store.stored()}


def test_a_file_goes_in_and_comes_out(server: RunningServer) -> None:
    """T-090, T-092: a key into the record; the record tells what the store knows, not what the client says."""
    answer = upload(server, name='../a "b"/Übersicht.png').json()
    assert answer["filename"] == "Übersicht.png"
    assert answer["mimeType"] == "image/png"
    assert answer["sha256"] == hashlib.sha256(PNG).hexdigest()
    made = create(server, title="a", scan={"key": answer["key"], "mimeType": "text/html", "size": 1})
    scan = made["fields"]["scan"]
    assert (scan["mimeType"], scan["size"], scan["filename"]) == ("image/png", len(PNG), "Übersicht.png")
    got = server.local.get(scan["url"])
    assert got.content == PNG
    assert got.headers["content-type"] == "image/png"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-disposition"].startswith("inline;")
    assert "filename*=UTF-8''%C3%9Cbersicht.png" in got.headers["content-disposition"]
    assert server.local.get(scan["url"], params={"download": "true"}).headers["content-disposition"].startswith("att")


def test_parts_and_versions(server: RunningServer) -> None:
    """Ranges and etags, so that films can be sought and nothing is sent twice."""
    url = create(server, scan=key_of(server))["fields"]["scan"]["url"]
    for asked, status, content in (
        ("bytes=0-3", 206, PNG[:4]),
        ("bytes=10-", 206, PNG[10:]),
        ("bytes=-5", 206, PNG[-5:]),
        (f"bytes={len(PNG)}-", 416, b""),
        ("bytes=5-2", 200, PNG),
        ("lines=1-2", 200, PNG),
    ):
        got = server.local.get(url, headers={"range": asked})
        assert (got.status_code, got.content) == (status, content), asked
    tag = server.local.get(url).headers["etag"]
    assert server.local.get(url, headers={"if-none-match": tag}).status_code == 304
    assert server.local.head(url).headers["content-length"] == str(len(PNG))
    assert server.local.get(url, headers={"range": "bytes=0-3", "if-range": '"other"'}).status_code == 200


def test_a_form_carries_a_file(server: RunningServer) -> None:
    """T-090: multipart, with other parts before the file."""
    form = {
        "files": {"note": (None, "x" * 3000), "file": ("b.pdf", b"%PDF-1.7\r\n--not-the-boundary\r\n", "text/plain")}
    }
    answer = server.local.post(UPLOADS, **form)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["filename"], answer.json()["mimeType"]) == ("b.pdf", "application/pdf")
    assert server.local.post(UPLOADS, files={"note": (None, "x")}).status_code == 400
    empty = server.local.post(UPLOADS, files={"file": ("e.txt", b"")})
    assert empty.json()["size"] == 0
    cut = server.local.post(UPLOADS, content=b"--b\r\nContent-Disposition: form-data; filename=x\r\n\r\nabc",
                            headers={"content-type": "multipart/form-data; boundary=b"})  # fmt: skip
    assert cut.status_code == 400


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"MZ" + bytes(200), "photo.png", "file.type"),
        (b"just text", "photo.png", "file.type"),
        (b"\x89PNG\r\n\x1a\n" + bytes(5_242_880), "big.png", "file.too-large"),
    ],
)
def test_type_and_size_are_limited(server: RunningServer, data: bytes, name: str, code: str) -> None:
    """T-090: judged from the content; refused at the upload for a field, and again when it is put into one."""
    refused = upload(server, data, name, field="scan")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, code)
    answer = server.local.post(RECORDS, json={"fields": {"scan": key_of(server, data, name)}})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)
    assert "5 MB" in refused.text or "image/*" in refused.text


def test_content_in_the_value(server: RunningServer) -> None:
    """T-090: base64 in create, update and batches."""
    inline = {"name": "x.png", "content": base64.b64encode(PNG).decode()}
    made = create(server, scan=inline, more=[inline, key_of(server, b"text", "t.txt")])
    assert server.local.get(made["fields"]["scan"]["url"]).content == PNG
    assert [each["filename"] for each in made["fields"]["more"]] == ["x.png", "t.txt"]
    where = f"{RECORDS}/{made['id']}"
    assert (
        server.local.patch(where, json={"fields": {"scan": {**inline, "name": "y.png"}}}).json()["scan"]["filename"]
        == "y.png"
    )
    batch = server.local.post(
        f"{RECORDS}/batch", json={"records": [{"fields": {"scan": inline}}], "returnRecords": True}
    )
    assert batch.json()["records"][0]["fields"]["scan"]["size"] == len(PNG)
    for bad in ({"name": "x.png", "content": "***"}, {"content": "QQ=="}, {"name": "a.txt", "content": "QQ=="}):
        assert server.local.post(RECORDS, json={"fields": {"scan": bad}}).status_code == 400


def test_content_in_a_staged_commit_and_an_upsert(server: RunningServer) -> None:
    """T-090: files in the values of every door; one that does not fit is told with its change."""
    inline = {"name": "a.png", "content": base64.b64encode(PNG).decode()}
    staged = [
        {"ref": "1", "op": "create", "table": "papers", "fields": {"title": "a", "scan": inline}},
        {"ref": "2", "op": "create", "table": "papers", "fields": {"title": "b", "more": [inline, inline]}},
    ]
    outcomes = server.local.post("/api/console/commit", json={"changes": staged}).json()["outcomes"]
    assert outcomes[0]["record"]["fields"]["scan"]["size"] == len(PNG)
    assert [each["filename"] for each in outcomes[1]["record"]["fields"]["more"]] == ["a.png", "a.png"]
    text = {"name": "a.txt", "content": base64.b64encode(b"words").decode()}
    staged[0]["fields"]["scan"] = text
    answer = server.local.post("/api/console/commit", json={"changes": staged}).json()
    assert answer["committed"] is False
    assert answer["outcomes"][0]["errors"][0]["code"] == "file.type"

    body = {"records": [{"fields": {"title": "a", "scan": inline}}], "fieldsToMergeOn": ["title"]}
    record = server.local.post(f"{RECORDS}/upsert", json=body).json()["records"][0]
    assert server.local.get(record["fields"]["scan"]["url"]).content == PNG
    body["records"][0]["fields"]["scan"] = text  # type: ignore[index]
    assert server.local.post(f"{RECORDS}/upsert", json=body).status_code == 400


def test_files_for_people(server: RunningServer) -> None:
    """R-093: the limits of the field beside the form for people; null stays null"""
    create(server, scan=key_of(server, name="plan.png"), more=[key_of(server), key_of(server, b"ab", "b.txt")])
    shown = server.local.get(RECORDS, params={"format": "display"}).json()["records"][0]["fields"]
    assert shown["scan"]["displayValue"] == "plan.png (10.0 KB)"
    assert shown["scan"]["value"]["url"].startswith("/api/files/")
    limits = {key: value for key, value in shown["scan"].items() if "alue" not in key}
    assert limits == {
        "allowedFileTypes": ["image/*", "application/pdf"],
        "maxFileSize": 5242880,
        "maxFileSizeDisplay": "5 MB",
    }
    assert shown["more"]["displayValue"] == "scan.png (10.0 KB), b.txt (2 B)"
    assert shown["private"] is None


def test_files_of_the_trash_are_for_its_readers(server: RunningServer) -> None:
    """R-046, T-091: who sees the record in the trash may fetch what it refers to, and nobody else."""
    made = create(server, title="a", scan=key_of(server))
    hidden = create(server, title="secret", scan=key_of(server))
    for record in (made, hidden):
        assert server.local.delete(f"{RECORDS}/{record['id']}").status_code == 204
    member = headers("bob", "member")
    trashed = server.http.get("/api/tables/papers/trash", headers=member).json()["records"]
    assert [each["id"] for each in trashed] == [str(made["id"])]
    assert server.http.get(made["scan"]["url"], headers=member).content == PNG
    assert server.http.get(hidden["scan"]["url"], headers=member).status_code == 404
    assert server.http.get(made["scan"]["url"]).status_code in (401, 404)


def test_several_files(server: RunningServer) -> None:
    """T-093: counted, in their order, added and removed."""
    keys = [key_of(server, b"%d" % n, f"{n}.txt") for n in range(4)]
    assert server.local.post(RECORDS, json={"fields": {"more": keys}}).json()["errors"][0]["code"] == "file.too-many"
    made = create(server, more=keys[:3])
    where = f"{RECORDS}/{made['id']}"
    changed = server.local.patch(where, json={"fields": {"more": [keys[2], keys[0]]}}).json()
    assert [each["key"] for each in changed["more"]] == [keys[2], keys[0]]
    assert keys[1] not in stored(server)
    assert {keys[0], keys[2]} <= stored(server)
    missing = server.local.patch(where, json={"fields": {"more": ["a" * 26]}})
    assert (missing.status_code, missing.json()["errors"][0]["code"]) == (400, "file.missing")


def test_a_file_lives_as_long_as_a_record_refers_to_it(server: RunningServer) -> None:
    """T-091: replaced, unlinked, trashed, purged."""
    shared, other = key_of(server), key_of(server)
    one, two = create(server, title="1", scan=shared), create(server, title="2", scan=shared)
    here, there = f"{RECORDS}/{one['id']}", f"{RECORDS}/{two['id']}"
    server.local.patch(here, json={"fields": {"scan": other}})
    assert {shared, other} <= stored(server)  # the second record still refers to it
    assert server.local.patch(there, json={"fields": {"scan": None}}).status_code == 200
    assert shared not in stored(server)
    assert server.local.get(there).status_code == 200
    server.local.delete(here)
    assert other in stored(server)
    assert server.local.post(f"{here}/restore").status_code == 200
    assert server.local.delete(here, params={"purge": "true"}).status_code == 200
    assert other not in stored(server)
    assert server.local.get(f"/api/files/{other}").status_code == 404


def test_permanent_deletion_alone_keeps_the_file(server: RunningServer) -> None:
    """T-091, D-37"""
    key = key_of(server)
    made = create(server, scan=key)
    assert server.local.delete(f"{RECORDS}/{made['id']}", params={"permanent": "true"}).status_code == 200
    assert key in stored(server)


def test_only_who_may_read_the_record_may_read_its_files(server: RunningServer) -> None:
    """T-090, P-036: by the table, the field and the row; and an upload is its uploader's until then."""
    member, admin = headers("u1", "member"), headers("u2", "admin")
    open_, hidden, secret = key_of(server), key_of(server), key_of(server)
    create(server, title="open", scan=open_, private=hidden)
    create(server, title="secret", scan=secret)

    def status(key: str, caller: Any) -> int:
        return server.http.get(f"/api/files/{key}", headers=caller).status_code

    assert [status(key, member) for key in (open_, hidden, secret)] == [200, 404, 404]
    assert [status(key, admin) for key in (open_, hidden)] == [200, 200]
    assert [status(key, headers()) for key in (open_, "a" * 26)] == [401, 401]
    assert status("..%2fapp.duckdb", member) == 404
    own = server.http.post(UPLOADS, content=PNG, params={"filename": "a.png"}, headers=member).json()["key"]
    assert [status(own, member), status(own, headers("u9", "member"))] == [200, 404]
    assert server.http.post(UPLOADS, content=PNG, headers=headers()).status_code == 401


def test_to_know_a_key_is_not_to_have_the_file(server: RunningServer) -> None:
    """A-187, T13: a record of one's own does not open a file that one may not read, by any door."""
    ada, bob = headers("ada", "member"), headers("bob", "member")
    secret, fresh = (
        key_of(server),
        str(server.http.post(UPLOADS, content=PNG, params={"filename": "b.png"}, headers=bob).json()["key"]),
    )
    create(server, title="secret", scan=secret)
    mine = create(server, title="open", scan=key_of(server))
    held, path = mine["scan"]["key"], f"{RECORDS}/{mine['id']}"
    assert server.http.patch(path, json={"fields": {"more": [held]}}, headers=ada).status_code == 200, "she sees it"
    for key in (secret, fresh, "a" * 26):
        body = {"fields": {"title": "x", "scan": key}}
        staged = {"table": "papers", "kind": "create", "fields": body["fields"]}
        for method, address, asked in (
            ("POST", RECORDS, body),
            ("PATCH", path, {"fields": {"scan": key}}),
            ("POST", f"{RECORDS}/batch", {"records": [body]}),
            ("POST", "/api/console/commit", {"changes": [staged]}),
        ):
            answer = server.http.request(method, address, json=asked, headers=ada)
            assert answer.status_code == 400, (address, answer.text)
            assert server.http.get(f"/api/files/{key}", headers=ada).status_code == 404
    assert server.http.patch(path, json={"fields": {"scan": fresh}}, headers=bob).status_code == 200


def test_what_nobody_refers_to_goes_after_a_day(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """T-091: uploads that were never used, and what a crash left in the folder."""
    from datetime import timedelta

    key = key_of(server)
    files = server.engine.files
    assert files is not None
    assert key in stored(server)
    stray = files.store.put(b"nobody knows me").key
    later: Callable[[], Any] = lambda: server.engine.clock() + timedelta(days=2)  # noqa: E731
    monkeypatch.setattr(files, "_clock", later)
    files.sweep()
    assert stored(server) == set()
    assert stray not in stored(server)
