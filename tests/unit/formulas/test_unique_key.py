"""Unique keys that look at the trash, at a condition, at what is missing: in the engine, and in PostgreSQL's own indexes."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from core.errors import Conflict, StorageError
from core.principal import OWNER
from core.records.row_check import check_rows
from core.records.service import Records
from core.records.writing import WritableTable
from core.storage.catalog import read_catalog
from core.storage.database import Call, Database
from core.storage.index_condition import index_condition
from tests.support.apps import app_model
from tests.support.tables import create_tables

APP = """
tables:
  - name: Members
    uniqueIgnoresDeleted: true
    fields:
      - { name: email, type: email, unique: true }
      - { name: club, type: single-line-text }
      - { name: number, type: integer }
      - { name: state, type: single-line-text }
      - { name: team, type: relationship, relatedTable: Teams, relationType: many-to-one, onDelete: cascade }
    unique:
      - { name: uq_club_number, fields: [club, number], nullsNotDistinct: true }
    indexes:
      - { name: uq_active, fields: [number], unique: true, where: "state = 'active'" }
      - { name: uq_today, fields: [number], unique: true, where: "created_at > NOW() AND state = 'today'" }
      - { name: idx_state, fields: [state], where: "number > 5" }
  - name: Teams
    fields:
      - { name: title, type: single-line-text, unique: true }
"""


class Office:
    def __init__(self, records: Records) -> None:
        self.records = records
        self.members, self.teams = records.model.tables
        self.number = 100

    async def join(self, **values: Any) -> str:
        self.number += 1
        values = {"club": "c", "number": self.number, **values}
        return str((await self.records.create(OWNER, self.members, values))["id"])

    async def leave(self, id: str) -> None:
        await self.records.delete(OWNER, self.members, id)

    async def come_back(self, id: str) -> None:
        await self.records.restore(OWNER, self.members, id)


@pytest.fixture
def database(open_db: Callable[..., Database]) -> Database:
    return open_db()


@pytest.fixture
def office(database: Database) -> Office:
    model = app_model(APP)
    create_tables(database, model)
    return Office(Records(database, model))


async def test_unique_ignores_deleted(office: Office) -> None:
    """T-140: rows in the trash do not count; a restore that would collide is a conflict."""
    one = await office.join(email="a@example.org")
    with pytest.raises(Conflict):
        await office.join(email="a@example.org")
    await office.leave(one)
    two = await office.join(email="a@example.org")
    with pytest.raises(Conflict) as failure:
        await office.come_back(one)
    assert failure.value.status == 409
    assert failure.value.extra["fields"] == ["email"]
    with pytest.raises(Conflict):
        await office.join(email="a@example.org")
    await office.leave(two)
    await office.come_back(one)
    with pytest.raises(Conflict):
        await office.come_back(two)


async def test_a_batch_that_collides_with_itself_stays_in_the_trash(office: Office) -> None:
    """T-140: all or nothing, what a cascade took along among it."""
    team = str((await office.records.create(OWNER, office.teams, {"title": "t"}))["id"])
    one = await office.join(email="a@example.org")
    await office.leave(one)
    two = await office.join(email="a@example.org", team=int(team))
    await office.records.delete(OWNER, office.teams, team)
    with pytest.raises(Conflict):
        await office.records.batches.restore(OWNER, office.members, [one, two])
    three = await office.join(email="a@example.org")
    with pytest.raises(Conflict):
        await office.records.restore(OWNER, office.teams, team)
    await office.leave(three)
    await office.records.restore(OWNER, office.teams, team)


async def test_without_the_key_the_trash_counts(office: Office) -> None:
    """T-140: as in v0.18."""
    team = (await office.records.create(OWNER, office.teams, {"title": "t"}))["id"]
    await office.records.delete(OWNER, office.teams, str(team))
    with pytest.raises(Conflict):
        await office.records.create(OWNER, office.teams, {"title": "t"})


async def test_a_condition_and_missing_values_leave_out_the_trash_too(office: Office) -> None:
    """T-136, T-139, T-140"""
    one = await office.join(club=None, number=7, state="active")
    await office.leave(one)
    two = await office.join(club=None, number=7)
    with pytest.raises(Conflict):
        await office.come_back(one)
    await office.records.update(OWNER, office.members, two, {"club": "d", "state": "active"})
    with pytest.raises(Conflict):
        await office.come_back(one)
    await office.records.update(OWNER, office.members, two, {"state": "resting"})
    await office.come_back(one)


async def test_what_the_database_itself_keeps(office: Office, database: Database) -> None:
    """T-136, T-139, T-140: PostgreSQL knows the same keys, for servers that write at once."""
    catalog = database.submit_read(Call(read_catalog)).result()
    indexes = catalog.tables["members"].indexes
    if database.dialect == "duckdb":
        assert not any(index.unique for index in indexes.values())
        return
    assert "uq_today" not in indexes
    assert "NULLS NOT DISTINCT WHERE (deleted_at IS NULL)" in indexes["uq_club_number"].definition
    assert "(deleted_at IS NULL) AND (state = 'active'::text)" in indexes["uq_active"].definition
    assert not indexes["idx_state"].unique
    await office.join(number=1)

    def twice(tx: Any) -> None:
        tx.execute("INSERT INTO members (club, number) VALUES ('c', 1)")

    with pytest.raises((Conflict, StorageError)):
        database.submit_write(Call(twice)).result()


@pytest.mark.parametrize(
    "where",
    ["note = 'x'); DROP TABLE members; --", "n = 1 OR", "UPPER(note) = 'A'", "day < TODAY()", "moment > '2026-01-01'"],
)
def test_no_text_of_the_app_file_becomes_sql(where: str) -> None:
    """T-139: what a database's index cannot hold is left to the engine."""
    from core.fields.column import ColumnType
    from core.fields.model import Column

    kinds = {"note": "text", "n": "integer", "day": "date", "moment": "timestamp"}
    columns = [Column(name, ColumnType(kind)) for name, kind in kinds.items()]  # type: ignore[arg-type]
    assert index_condition(where, columns) is None
    assert index_condition("note = 'it''s' AND moment IS NOT NULL", columns) == (
        "((note = 'it''s') AND (moment IS NOT NULL))"
    )


async def test_servers_that_write_at_once_keep_a_key_that_only_the_engine_knows(
    office: Office, open_db: Callable[..., Database], database: Database
) -> None:
    """T-139, S-007: two servers on one PostgreSQL find nothing in each other's way, and only one of them is heard"""
    if database.dialect == "duckdb":
        return  # one server at a time opens a file
    other = Office(Records(open_db(), office.records.model))
    asked, go_on = threading.Event(), threading.Event()
    values = {"number": 1, "state": "today", "club": "x"}
    model = app_model(APP.replace("created_at > NOW() AND", "lower(club) = 'x' AND"))
    here, there = (Records(each.records.database, model) for each in (office, other))

    def held(target: WritableTable, *asking: Any) -> Any:
        found = check_rows(target, *asking)
        if target is here.writable(model.tables[0]) and not asked.is_set():
            asked.set()
            assert go_on.wait(30)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.records.create.check_rows", held)
        first = asyncio.create_task(here.create(OWNER, model.tables[0], {**values, "email": "a@example.org"}))
        assert await asyncio.to_thread(asked.wait, 30)
        await there.create(OWNER, model.tables[0], {**values, "club": "X", "email": "b@example.org"})
        go_on.set()
        with pytest.raises(Conflict) as failure:
            await first
    assert failure.value.extra["fields"] == ["number"]
    count = await database.read(Call(lambda reader: reader.scalar("SELECT count(*) FROM members")))
    assert count == 1
