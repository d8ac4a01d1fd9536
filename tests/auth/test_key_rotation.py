"""Another master key: everything is sealed anew, nothing is lost on the way (auth §4.2, A-044)."""

import base64
from pathlib import Path

import pytest
from sqlalchemy import select

from core.auth.store import BACKUP_CODES, FACTORS, ensure_accounts
from core.errors import Conflict, StorageError
from core.secrets import rotation
from core.secrets.envelope import MasterKey, Secrets
from core.secrets.rotation import KeyedColumn, KeyRotation, SealedColumn
from core.secrets.store import BEFORE, SEALS, VARIABLE, KeyStore, open_secrets
from core.storage.database import Call, Database
from tests.conftest import OpenDatabase
from tests.support.accounts import Desk
from tests.support.mailbox import Mailbox

SEALED, KEYED = (SealedColumn(FACTORS, "secret"),), (KeyedColumn(BACKUP_CODES, "code_hash"),)


def no_ring() -> None:
    return None


def rotating(database: Database, secrets: Secrets, folder: Path, environ: dict[str, str] | None = None) -> KeyRotation:
    return KeyRotation(database, secrets, KeyStore(folder, environ or {}, no_ring), SEALED, KEYED)


def sealed_factors(database: Database, secrets: Secrets, count: int) -> None:
    """So many second factors, one that nothing opens, and a backup code that names its key."""

    def work(tx) -> None:
        ensure_accounts(tx)
        rows = [
            {"id": f"{n:04}", "secret": secrets.seal(b"%d" % n, f"auth_factor/{n:04}/secret")} for n in range(count)
        ]
        rows.append({"id": "broken", "secret": "v1.00000000.AAAA.AAAA"})
        same = {"user_id": "ana", "kind": "totp", "verified": True, "created_at": tx.time, "updated_at": tx.time}
        tx.insert(FACTORS, [{**same, **row} for row in rows])
        tx.insert(BACKUP_CODES, [{"id": "1", "user_id": "ana", "code_hash": secrets.mac("backup", "ana", "code")}])

    database.submit_write(Call(work)).result()


def opened(database: Database, secrets: Secrets) -> list[int]:
    rows = database.submit_read(Call(lambda reader: reader.rows(select(FACTORS.c.id, FACTORS.c.secret)))).result()
    return sorted(int(secrets.open(text, f"auth_factor/{id_}/secret")) for id_, text in rows if id_ != "broken")


def keys_known(database: Database) -> dict[str, str]:
    return dict(database.submit_read(Call(lambda reader: reader.rows(select(SEALS.c.id, SEALS.c.state)))).result())


def test_a_044_a_new_key_seals_everything_anew(
    open_db: OpenDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 7)
    database = open_db()
    secrets = open_secrets(database, tmp_path, environ={}, ring=no_ring)
    sealed_factors(database, secrets, 20)
    old, told = secrets.current.id, []
    keys = rotating(database, secrets, tmp_path)
    assert keys.rotate(lambda tx, before, after: told.append((before, after))) == 20
    new = secrets.current.id
    assert told == [(old, new)]
    assert new != old
    again = open_secrets(database, tmp_path, environ={}, ring=no_ring)
    assert again.current.id == new
    assert opened(database, again) == list(range(20))
    assert keys_known(database) == {new: "current", old: "previous"}, "a backup code names the old one"
    assert [(each.id, each.is_current, each.sealed, each.proofs) for each in keys.states()] == [
        (new, True, 20, 0),
        (old, False, 0, 1),
    ]
    database.submit_write(Call(lambda tx: tx.execute(BACKUP_CODES.delete()))).result()
    assert keys.resume() == 0
    assert keys_known(database) == {new: "current"}


def test_a_044_interrupted_half_way_it_is_finished_after_the_next_start(
    open_db: OpenDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 5)
    database = open_db()
    secrets = open_secrets(database, tmp_path, environ={}, ring=no_ring)
    sealed_factors(database, secrets, 20)
    real, count = Secrets.seal, 0

    def failing(self: Secrets, plain: bytes, place: str) -> str:
        nonlocal count
        count += place.startswith("auth_factor/")
        if count == 13:
            raise StorageError("the disk is gone")
        return real(self, plain, place)

    monkeypatch.setattr(Secrets, "seal", failing)
    with pytest.raises(StorageError):
        rotating(database, secrets, tmp_path).rotate(lambda tx, before, after: None)
    monkeypatch.setattr(Secrets, "seal", real)
    again = open_secrets(database, tmp_path, environ={}, ring=no_ring)
    assert opened(database, again) == list(range(20)), "both keys are there"
    keys = rotating(database, again, tmp_path)
    assert keys.states()[1].sealed == 10
    assert keys.resume() == 10
    assert opened(database, again) == list(range(20))


def test_a_044_what_was_saved_before_opens_with_the_old_key(open_duckdb: OpenDatabase, tmp_path: Path) -> None:
    database = open_duckdb()
    secrets = open_secrets(database, tmp_path, environ={}, ring=no_ring)
    sealed_factors(database, secrets, 3)
    saved = {
        table: database.submit_read(Call(lambda reader, table=table: reader.rows(select(table)))).result()
        for table in (SEALS, FACTORS)
    }
    rotating(database, secrets, tmp_path).rotate(lambda tx, before, after: None)

    def restore(tx) -> None:
        for table, rows in saved.items():
            tx.execute(table.delete())
            tx.insert(table, [dict(zip(table.c.keys(), row, strict=True)) for row in rows])

    database.submit_write(Call(restore)).result()
    assert opened(database, open_secrets(database, tmp_path, environ={}, ring=no_ring)) == [0, 1, 2]


def test_a_044_where_the_environment_names_the_key_it_names_the_next_one(
    open_duckdb: OpenDatabase, tmp_path: Path
) -> None:
    first, second = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
    database = open_duckdb()
    secrets = open_secrets(database, tmp_path, environ={VARIABLE: first}, ring=no_ring)
    sealed_factors(database, secrets, 3)
    with pytest.raises(Conflict, match=VARIABLE):
        rotating(database, secrets, tmp_path, {VARIABLE: first}).rotate(lambda tx, before, after: None)
    both = {VARIABLE: second, BEFORE: first}
    secrets = open_secrets(database, tmp_path, environ=both, ring=no_ring)
    assert opened(database, secrets) == [0, 1, 2], "the present key is in use until it is rotated"
    assert rotating(database, secrets, tmp_path, both).rotate(lambda tx, before, after: None) == 3
    database.submit_write(Call(lambda tx: tx.execute(BACKUP_CODES.delete()))).result()
    rotating(database, secrets, tmp_path, both).resume()
    alone = open_secrets(database, tmp_path, environ={VARIABLE: second}, ring=no_ring)
    assert alone.current.id == MasterKey(bytes([2]) * 32).id
    assert opened(database, alone) == [0, 1, 2]
    assert not (tmp_path / "master.key").exists()


def test_a_044_everybody_works_on_meanwhile(desk: Desk) -> None:
    """Through the door: cookies, links and mails of before hold; the log tells of it and is whole."""
    mails = Mailbox(desk)
    ana, admin = desk.sign_up("ana"), desk.sign_up("root", roles=("admin",))
    desk.guest.post("/api/auth/request-password-reset", json={"email": "ana@example.org"})
    old = desk.server.local.get("/api/admin/master-key").json()[0]["id"]
    assert ana.post("/api/admin/master-key/rotate").status_code == 404
    assert desk.guest.post("/api/admin/master-key/rotate", json={}).status_code == 401
    rotated = admin.post("/api/admin/master-key/rotate")
    assert rotated.status_code == 200, rotated.text
    assert rotated.json()["id"] != old
    assert rotated.json()["resealed"] == 1
    assert ana.get("/api/tables/notes/records").status_code == 200, "a cookie that the old key has signed"
    token = mails.link("resetPassword", "ana").partition("token=")[2]
    done = desk.guest.post("/api/auth/reset-password", json={"token": token, "newPassword": "a louder harbour"})
    assert done.status_code == 200
    assert "key.rotated" in desk.audited()
    auth = desk.server.engine.auth
    assert auth is not None
    assert desk.read(auth.context.audit.first_broken) is None
