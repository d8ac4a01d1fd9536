"""Jobs that wait together are served together only where the callers are told and allowed the same."""

import asyncio
import threading
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import ColumnElement, FromClause

from core.errors import Conflict, Invalid, NotFound
from core.principal import OWNER, Principal
from core.query.scope import Scope
from core.records.guard import GuardedTable
from core.records.key import KeyValue
from core.records.service import Records
from core.records.writing import Stored
from core.storage.database import Call, Database, Reader, Transaction
from tests.support.apps import app_model
from tests.support.tables import create_tables

MODEL = app_model("""
auth: {strategies: [{type: emailAndPassword}], roles: [{name: chief, level: 30}]}
tables:
  - name: clients
    fields: [{name: name, type: single-line-text}]
    permissions: {read: authenticated}
  - name: tasks
    fields:
      - {name: title, type: single-line-text}
      - {name: cost, type: integer}
      - {name: client, type: relationship, relatedTable: clients, relationType: many-to-one}
    permissions:
      read: authenticated
      create: authenticated
      update: authenticated
      fields: [{field: cost, read: [chief]}]
  - name: logs
    fields: [{name: aal, type: single-line-text}, {name: n, type: integer}]
    permissions: {read: authenticated, create: authenticated, update: authenticated}
    rls: {policies: [{name: proof, using: "aal = auth.jwt() ->> 'aal'"}]}
  - name: news
    fields: [{name: due, type: datetime}]
    permissions: {read: authenticated}
    rls: {policies: [{name: out, using: "due <= now()"}]}
  - name: pairs
    fields: [{name: a, type: integer}, {name: b, type: single-line-text}, {name: n, type: integer}]
    primaryKey: {type: composite, fields: [a, b]}
    permissions: {read: authenticated}
    rls: {policies: [{name: some, using: "n > 0"}]}
  - name: days
    fields: [{name: due, type: date}]
    permissions: {read: authenticated}
    rls: {policies: [{name: out, using: "due <= current_date"}]}
  - name: notes
    fields: [{name: title, type: single-line-text}, {name: n, type: integer}]
    permissions: {read: authenticated, create: authenticated, update: authenticated}
""")
CHIEF = Principal("user", id="ada", roles=frozenset({"chief"}))
MEMBER = Principal("user", id="ada", roles=frozenset({"member"}))
KEY = Principal("user", id="ada", roles=frozenset({"chief"}), key="k", scopes=frozenset({"tasks:write"}))
"""One account as a session knows it, as one did before its role was taken away, and by a key that is for less."""


async def test_one_account_by_two_ways_in(db: Database) -> None:
    """P-016, P-032: writes of a session and of a narrower key of the same account each heed their own rules."""
    create_tables(db, MODEL)
    records, (clients, tasks, *_) = Records(db, MODEL), MODEL.tables
    client = (await records.create(OWNER, clients, {"name": "x"}))["id"]
    one, two = [(await records.create(OWNER, tasks, {"title": "t", "cost": 7}))["id"] for _ in range(2)]
    _, refused = await asyncio.gather(
        records.update(CHIEF, tasks, one, {"client": client}),
        records.update(KEY, tasks, two, {"client": client}),
        return_exceptions=True,
    )
    assert isinstance(refused, Invalid)
    assert refused.errors[0].code == "link.missing"
    _, refused = await asyncio.gather(
        records.create(CHIEF, tasks, {"client": client}),
        records.create(KEY, tasks, {"client": client}),
        return_exceptions=True,
    )
    assert isinstance(refused, Invalid)
    stale = {"fields": {"title": "n"}, "updatedAt": "2020-01-01T00:00:00.000Z"}
    told = await asyncio.gather(
        *(records.update(who, tasks, two, stale) for who in (CHIEF, MEMBER)), return_exceptions=True
    )
    shown = [each.extra["current"]["fields"] for each in told if isinstance(each, Conflict)]
    assert shown == [{"title": "t", "cost": 7, "client": None}, {"title": "t", "client": None}]


async def test_upserts_of_one_account_by_two_ways_in(db: Database) -> None:
    """R-065: a key that may only create changes nothing, though it waits together with a session that may update."""
    create_tables(db, MODEL)
    records, notes = Records(db, MODEL), MODEL.by_address["notes"]
    for title in ("a", "b"):
        await records.create(OWNER, notes, {"title": title, "n": 1})
    held, release = threading.Event(), threading.Event()

    def hold(_: Transaction) -> None:
        held.set()
        release.wait(20)

    def upsert(principal: Principal, title: str) -> asyncio.Task[object]:
        body = {"records": [{"fields": {"title": title, "n": 2}}], "fieldsToMergeOn": ["title"]}
        return asyncio.ensure_future(records.batches.upsert(principal, notes, body))

    holding = db.submit_write(Call(hold))
    await asyncio.to_thread(held.wait, 20)
    creator = replace(KEY, scopes=frozenset({"notes:read", "notes:create"}))
    asked = [upsert(CHIEF, "a"), upsert(creator, "b"), upsert(CHIEF, "c"), upsert(creator, "d")]
    await asyncio.sleep(0)
    release.set()
    told = await asyncio.gather(*asked, return_exceptions=True)
    holding.result()
    assert [type(each) for each in told] == [dict, NotFound, dict, dict]
    found = (await records.list(OWNER, notes, {"sort": "title"}))["records"]
    assert [tuple(each["fields"].values()) for each in found] == [("a", 2), ("b", 1), ("c", 2), ("d", 2)]


async def test_row_rules_among_jobs_of_one_caller(db: Database) -> None:
    """P-026, P-032: one that is refused undoes no other, and one that the rules admit opens nothing to the next."""
    create_tables(db, MODEL)
    records, logs = Records(db, MODEL), MODEL.tables[2]
    mine, other = [(await records.create(OWNER, logs, {"aal": aal, "n": 0}))["id"] for aal in ("aal1", "aal2")]
    changed, hidden, moved = await asyncio.gather(
        records.update(CHIEF, logs, mine, {"n": 1}),
        records.update(CHIEF, logs, other, {"n": 1}),
        records.update(CHIEF, logs, mine, {"aal": "aal2"}),
        return_exceptions=True,
    )
    assert not isinstance(changed, BaseException)
    assert changed["fields"]["n"] == 1
    assert isinstance(hidden, NotFound)
    assert isinstance(moved, NotFound)
    made, refused = await asyncio.gather(
        records.create(CHIEF, logs, {"aal": "aal1"}),
        records.create(CHIEF, logs, {"aal": "aal2"}),
        return_exceptions=True,
    )
    assert not isinstance(made, BaseException)
    assert isinstance(refused, NotFound)
    left = [each["fields"] for each in (await records.list(OWNER, logs, {"sort": "id"}))["records"]]
    assert left == [{"aal": "aal1", "n": 1}, {"aal": "aal2", "n": 0}, {"aal": "aal1", "n": None}]


async def test_jobs_of_one_caller_share_statements(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where rows are judged, six updates that come together are judged by one statement."""
    create_tables(db, MODEL)
    records, logs = Records(db, MODEL), MODEL.tables[2]
    keys = [(await records.create(OWNER, logs, {"aal": "aal1", "n": 0}))["id"] for _ in range(6)]
    load, loaded = GuardedTable.load, []

    def told(self: GuardedTable, reader: Reader, wanted: Collection[KeyValue], **how: bool) -> dict[KeyValue, Stored]:
        loaded.append(len(wanted))
        return load(self, reader, wanted, **how)

    monkeypatch.setattr(GuardedTable, "load", told)
    await asyncio.gather(*(records.update(CHIEF, logs, key, {"n": 2}) for key in keys))
    assert loaded == [6]


async def test_a_rule_of_time_is_asked_at_each_reading(db: Database) -> None:
    """A-190: what a caller's reading is kept for does not hold for rules that ask what time it is."""
    create_tables(db, MODEL)
    moments = [datetime(2026, 1, 1, 12, tzinfo=UTC)]
    records = Records(db, MODEL, clock=lambda: moments[-1])
    news, days = MODEL.by_address["news"], MODEL.by_address["days"]
    one = str((await records.create(OWNER, news, {"due": "2026-01-01T12:00:01Z"}))["id"])
    other = str((await records.create(OWNER, days, {"due": "2026-01-02"}))["id"])
    for table, key in ((news, one), (days, other)):
        with pytest.raises(NotFound):
            await records.get(MEMBER, table, key)
    moments.append(datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC))
    assert (await records.get(MEMBER, news, one))["id"] == int(one)
    with pytest.raises(NotFound):
        await records.get(MEMBER, days, other)
    moments.append(datetime(2026, 1, 2, tzinfo=UTC))
    assert (await records.get(MEMBER, days, other))["id"] == int(other)


async def test_a_reading_is_built_once_for_a_caller(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """P-025: and each caller has its own, of each session."""
    create_tables(db, MODEL)
    records, logs = Records(db, MODEL), MODEL.tables[2]
    key = str((await records.create(OWNER, logs, {"aal": "aal1"}))["id"])
    visible, asked = Scope.visible, []

    def told(self: Scope, source: FromClause | None = None) -> ColumnElement[bool] | None:
        asked.append(source)
        return visible(self, source)

    monkeypatch.setattr(Scope, "visible", told)
    for _ in range(5):
        assert (await records.get(MEMBER, logs, key))["id"] == int(key)
    assert len(asked) == 2
    with pytest.raises(NotFound):
        await records.get(replace(MEMBER, aal="aal2"), logs, key)


async def test_a_key_of_two_fields_under_a_policy(db: Database) -> None:
    """T-018, P-025: some of several that are asked for together."""
    create_tables(db, MODEL)
    records, pairs = Records(db, MODEL), MODEL.by_address["pairs"]
    for n in (0, 1, 2):
        await records.create(OWNER, pairs, {"a": n, "b": "x", "n": n})
    found = await asyncio.gather(*(records.get(MEMBER, pairs, f"{n}~x") for n in (2, 0, 1, 3)), return_exceptions=True)
    assert [None if isinstance(each, NotFound) else each["id"] for each in found] == ["2~x", None, "1~x", None]  # type: ignore[index]
