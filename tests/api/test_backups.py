"""Backups through the door: who may make one, and what is in it while everybody works on."""

import errno
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.backup import service
from core.backup.archive import Archive
from core.storage.duckdb import database as duckdb_database
from tests.support.backups import APP, BACKUPS, JOBS, Gate, back_up, ended, put_back
from tests.support.principals import by_header, headers
from tests.support.server import RunningServer, check_envelope, running_on

RECORDS, UPLOADS = "/api/tables/papers/records", "/api/tables/papers/files"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server of its own for each test: what lies in its folders is counted."""
    (tmp_path / "first").mkdir()
    with RunningServer(APP, tmp_path / "first") as running:
        yield running


def create(server: RunningServer, **fields: Any) -> str:
    answer = server.local.post(RECORDS, json={"fields": fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def uploaded(server: RunningServer, data: bytes) -> str:
    return str(server.local.post(UPLOADS, params={"filename": "a.txt"}, content=data).json()["key"])


def titles(server: RunningServer) -> list[str]:
    found = server.local.get(RECORDS, params={"limit": 1000}).json()["records"]
    return [record["fields"]["title"] for record in found]


def exchanged(server: RunningServer) -> list[str]:
    return [path.name for path in server.engine.exchange.iterdir()]


def test_records_and_files_come_back(server: RunningServer, tmp_path: Path) -> None:
    """A-047: everything that is kept and nothing else: no key, no socket, no log, nothing under way."""
    key = uploaded(server, b"content of a scan")
    create(server, title="a", scan={"key": key})
    (server.folder / ".env").write_text("AUTH_SECRET=a-secret-of-the-process\n")
    made = back_up(server, tmp_path / "x.tar")
    with Archive(made) as archive:
        names = {member.name for member in archive.manifest.members}
        assert names - {"app.duckdb.wal"} == {"app.duckdb", f"files/{key[:2]}/{key}", "app/app.yaml"}
        assert (archive.manifest.app, archive.manifest.product) == ("papers", server.version)
        assert archive.manifest.instance is None
        assert archive.read("app/app.yaml").decode() == APP
    assert b"a-secret-of-the-process" not in made.read_bytes()
    with RunningServer(APP, put_back(made, tmp_path / "again")) as again:
        [record] = again.local.get(RECORDS).json()["records"]
        assert again.local.get(record["fields"]["scan"]["url"]).content == b"content of a scan"
        create(again, title="b")


def test_what_was_answered_before_is_in_it_and_writing_goes_on(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer would take a checkpoint after every write; none changes the file while it is copied."""
    monkeypatch.setattr(duckdb_database, "CHECKPOINT_AT", 1)
    before = [f"before {n}" for n in range(20)]
    for title in before:
        create(server, title=title)
    gate = Gate(monkeypatch)
    job = server.local.post(BACKUPS, json={}).json()
    gate.reached()
    stands = (server.folder / "data" / "app.duckdb").read_bytes()
    for n in range(20):
        create(server, title=f"after {n}" + "x" * 9_000)
    assert (server.folder / "data" / "app.duckdb").read_bytes() == stands
    gate.open()
    assert ended(server.local, job)["state"] == "done"
    made = tmp_path / "x.tar"
    made.write_bytes(server.local.get(f"{JOBS}/{job['id']}/file").content)
    create(server, title="a checkpoint is taken again")
    assert (server.folder / "data" / "app.duckdb").read_bytes() != stands
    with RunningServer(APP, put_back(made, tmp_path / "again")) as again:
        assert titles(again) == before, "as of one moment"


def test_backups_one_after_the_other_beside_writers(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every one opens, and holds a beginning of what was written that is not shorter than what had been answered."""
    monkeypatch.setattr(duckdb_database, "CHECKPOINT_AT", 20_000)
    answered, end = [0], threading.Event()

    def write() -> None:
        while not end.is_set():
            create(server, title=f"{answered[0]:06} {'x' * 500}")
            answered[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    made = []
    try:
        for n in range(4):
            least = answered[0]
            made.append((least, back_up(server, tmp_path / f"{n}.tar")))
    finally:
        end.set()
        writer.join()
    for least, archive in made:
        with RunningServer(APP, put_back(archive, tmp_path / archive.stem)) as again:
            found = [int(title.split()[0]) for title in titles(again)]
            assert found == list(range(len(found)))
            assert len(found) >= min(least, 1000)


def test_a_file_that_is_let_go_meanwhile_is_in_it(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = uploaded(server, b"let go")
    record, files = create(server, title="a", scan={"key": key}), server.engine.files
    assert files is not None
    gate = Gate(monkeypatch)
    job = server.local.post(BACKUPS, json={}).json()
    gate.reached()
    server.local.patch(f"{RECORDS}/{record}", json={"fields": {"scan": None}})
    assert files.collect() == 0
    gate.open()
    assert ended(server.local, job)["state"] == "done"
    made = tmp_path / "x.tar"
    made.write_bytes(server.local.get(f"{JOBS}/{job['id']}/file").content)
    with Archive(made) as archive:
        assert archive.read(f"files/{key[:2]}/{key}") == b"let go"
    files.collect()
    assert not [key for key, _ in files.store.stored()], "and goes afterwards"


def test_a_file_that_has_gone_is_told(server: RunningServer, tmp_path: Path) -> None:
    key = uploaded(server, b"gone")
    create(server, title="a", scan={"key": key})
    (server.folder / "data" / "files" / key[:2] / key).unlink()
    job = ended(server.local, server.local.post(BACKUPS, json={}).json())
    assert (job["state"], job["note"]) == ("done", service.MISSING)
    with Archive(back_up(server, tmp_path / "x.tar")) as archive:
        assert archive.manifest.missing == (key,)


def test_cancelled_it_leaves_nothing(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in ("app.duckdb", "app/app.yaml", "manifest.json"):
        with monkeypatch.context() as patch:
            gate = Gate(patch, at)
            job = server.local.post(BACKUPS, json={}).json()
            gate.reached()
            assert server.local.delete(f"{JOBS}/{job['id']}").status_code == 204
            gate.open()
            assert ended(server.local, job)["state"] == "cancelled", at
        assert exchanged(server) == []
        assert server.local.get(f"{JOBS}/{job['id']}/file").status_code == 404


def test_archives_do_not_fill_the_disk(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is made at a time; the next one takes the place of the last."""
    gate = Gate(monkeypatch)
    first = server.local.post(BACKUPS, json={}).json()
    gate.reached()
    refused = server.local.post(BACKUPS, json={})
    assert (refused.status_code, refused.json()["message"]) == (409, "A backup is being made already")
    gate.open()
    assert ended(server.local, first)["state"] == "done"
    assert len(exchanged(server)) == 1
    second = ended(server.local, server.local.post(BACKUPS, json={}).json())
    assert [job["id"] for job in server.local.get(JOBS).json()["jobs"]] == [second["id"]]
    assert len(exchanged(server)) == 1


def test_a_full_disk_leaves_nothing(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    real = service.create

    class Full:
        """Takes 20,000 bytes."""

        def __init__(self, file: Any) -> None:
            self._file, self._left = file, 20_000

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

        def write(self, data: bytes) -> int:
            self._left -= len(data)
            if self._left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return int(self._file.write(data))

    create(server, title="x" * 9_000)
    monkeypatch.setattr(service, "create", lambda target: Full(real(target)))
    job = ended(server.local, server.local.post(BACKUPS, json={}).json())
    assert (job["state"], job["error"]) == ("failed", "No space is left for the file")
    assert exchanged(server) == []
    monkeypatch.setattr(service, "create", real)
    assert ended(server.local, server.local.post(BACKUPS, json={}).json())["state"] == "done"


def test_a_database_that_was_opened_anew_meanwhile_voids_it(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    job = server.local.post(BACKUPS, json={}).json()
    gate.reached()
    database: Any = server.engine.database
    database.writer.sessions[0]._lost = True
    database._recover(database.writer.sessions[0])
    gate.open()
    job = ended(server.local, job)
    assert (job["state"], job["error"]) == ("failed", "The database had to be opened anew meanwhile")
    assert exchanged(server) == []


def test_what_a_killed_server_has_left_goes_at_the_next_start(tmp_path: Path) -> None:
    exchange = tmp_path / "data" / "exchange"
    exchange.mkdir(parents=True)
    (exchange / "backup_0123456789abcdef.tar").write_bytes(b"half")
    with RunningServer(APP, tmp_path) as server:
        assert exchanged(server) == []


def test_a_guest_of_an_open_app_makes_none(server: RunningServer) -> None:
    answer = server.http.post(BACKUPS, json={})
    assert answer.status_code == 404
    check_envelope(answer)
    refused = server.local.post(BACKUPS, json={"passphrase": "a long enough phrase"})
    assert refused.json()["message"] == "An app without accounts has no master key to take along"
    assert server.local.post(BACKUPS, json={"passphrase": 7}).status_code == 400
    assert server.local.get(JOBS).json()["jobs"] == []


@pytest.fixture(params=["postgresql"])
def on_postgresql(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningServer]:
    with running_on(request, APP, tmp_path, authenticate=by_header) as running:
        yield running


def test_postgresql_has_tools_of_its_own(on_postgresql: RunningServer) -> None:
    answer = on_postgresql.local.post(BACKUPS, json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "NOT_SUPPORTED")
    assert "pg_dump" in answer.json()["hint"]
    assert on_postgresql.http.post(BACKUPS, json={}, headers=headers("member")).status_code == 404
    assert on_postgresql.local.get(JOBS).json()["jobs"] == []
