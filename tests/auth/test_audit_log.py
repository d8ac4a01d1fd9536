"""The audit log as it is written and checked (auth §12.1)."""

import pytest

from core.audit.action import ACTIONS
from core.audit.log import AUDIT, AuditLog, Event
from core.errors import SovriumError
from core.principal import OWNER, Principal, Source
from core.secrets.envelope import MasterKey, Secrets
from core.storage.database import Call, Database
from tests.conftest import OpenDatabase

ANA = Principal("user", "u1", "Ana", frozenset({"admin"}), "ana@example.org", impersonator="u0")


def log_of(database: Database) -> AuditLog:
    log = AuditLog(Secrets(MasterKey(b"k" * 32)))
    database.submit_write(Call(log.ensure)).result()
    return log


def write(database: Database, log: AuditLog, *events: Event) -> None:
    database.submit_write(Call(lambda tx: log.write(tx, *events))).result()


def banned(name: str) -> Event:
    return Event(action="admin.user.banned", who=ANA, source=Source(), resource=("user", name, name))


def test_a_175_a_changed_or_missing_entry_is_named(open_db: OpenDatabase) -> None:
    database = open_db()
    log = log_of(database)
    write(database, log, banned("a"), banned("b"))
    write(database, log, banned("c"), banned("d"))

    def ids() -> list[str]:
        return [
            row[0]
            for row in database.submit_read(
                Call(lambda r: r.rows("SELECT id FROM auth_audit_log ORDER BY sequence"))
            ).result()
        ]

    def broken() -> str | None:
        return database.submit_read(Call(log.first_broken)).result()

    def run(sql: str, *values: object) -> None:
        database.submit_write(Call(lambda tx: tx.execute(sql, values))).result()

    assert broken() is None
    a, b, c, d = ids()
    entry = database.submit_read(
        Call(lambda r: r.scalar("SELECT entry FROM auth_audit_log WHERE id = ?", [c]))
    ).result()
    for sql, value, back, told in (
        (
            "UPDATE auth_audit_log SET entry = ? WHERE id = ?",
            entry.replace("Ana", "Eve").replace("ana@", "eve@"),
            entry,
            c,
        ),
        ("UPDATE auth_audit_log SET action = ? WHERE id = ?", "user.verified", "admin.user.banned", c),
        ("UPDATE auth_audit_log SET actor_id = ? WHERE id = ?", "u2", "u1", c),
    ):
        run(sql, value, c)
        assert broken() == told
        run(sql, back, c)
        assert broken() is None
    run("DELETE FROM auth_audit_log WHERE id = ?", b)
    assert broken() == c, "the one after the missing entry"
    assert d != a


def test_a_174_entries_tell_who_and_whence(open_db: OpenDatabase) -> None:
    database = open_db()
    log = log_of(database)
    source = Source(transport="tui", os_user="ana", request="r1", address="192.0.2.7", agent="curl/8")
    write(database, log, Event(action="key.rotated", who=OWNER, source=source), banned("x"))
    import json

    rows = database.submit_read(Call(lambda r: r.rows("SELECT entry FROM auth_audit_log ORDER BY sequence"))).result()
    local, other = (json.loads(row[0]) for row in rows)
    assert local["actor"] == {"id": None, "type": "local", "role": "admin", "osUser": "ana"}
    assert (local["severity"], local["transport"], local["ip"], local["requestId"]) == (
        "critical",
        "tui",
        "192.0.2.7",
        "r1",
    )
    assert other["actor"] == {
        "id": "u1", "type": "user", "role": "admin", "email": "ana@example.org", "impersonatorId": "u0"
    }  # fmt: skip
    assert other["resource"] == {"type": "user", "id": "x", "name": "x"}


def test_a_173_an_action_outside_the_catalogue_cannot_be_written(open_duckdb: OpenDatabase) -> None:
    database = open_duckdb()
    log = log_of(database)
    with pytest.raises((KeyError, SovriumError)):
        write(database, log, Event(action="user.invented", who=ANA, source=Source()))
    assert database.submit_read(Call(log.count)).result() == 0
    assert {"debug", "info", "warning", "error", "critical"} >= set(ACTIONS.values())


def test_a_177_an_entry_and_its_deed_stand_or_fall_together(open_db: OpenDatabase) -> None:
    database = open_db()
    log = log_of(database)

    def work(tx) -> None:
        log.write(tx, banned("a"))
        raise RuntimeError("the deed failed")

    with pytest.raises(Exception):  # noqa: B017
        database.submit_write(Call(work)).result()
    assert database.submit_read(Call(log.count)).result() == 0
    assert AUDIT.name == "auth_audit_log"
