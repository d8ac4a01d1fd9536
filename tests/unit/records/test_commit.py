"""Staged edits: one transaction over several tables, an outcome for each change; on both databases."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from core.contract.console import CommitAnswer
from core.errors import BadRequest, Invalid, NotFound
from core.principal import GUEST, OWNER
from core.records.idempotency import ANSWERS, Answers
from core.records.remove import Removal
from core.records.service import Records
from core.records.writing import Stored, WritableTable
from core.storage.catalog import read_catalog
from core.storage.database import Call, Database, Settings, Transaction
from tests.support.apps import app_model
from tests.support.tables import create_tables

APP = """
tables:
  - name: Companies
    fields:
      - { name: name, type: single-line-text, required: true, unique: true }
      - { name: owner, type: relationship, relatedTable: Contacts, relationType: many-to-one }
  - name: Contacts
    fields:
      - { name: name, type: single-line-text, required: true }
      - { name: company, type: relationship, relatedTable: Companies, required: true, onDelete: restrict }
"""


class Staging:
    def __init__(self, database: Database) -> None:
        model = app_model(APP)
        create_tables(database, model)
        self.records = Records(database, model)
        self.companies, self.contacts = model.tables

    async def commit(self, *changes: dict[str, Any], **more: Any) -> CommitAnswer:
        return await self.records.commit(OWNER, {"changes": list(changes), **more})  # type: ignore[typeddict-item]

    async def names(self) -> list[str]:
        answer = await self.records.list(OWNER, self.companies, {"sort": "name"})
        return [record["fields"]["name"] for record in answer["records"]]


@pytest.fixture
def staging(open_db: Callable[..., Database]) -> Staging:
    return Staging(open_db())


def create(ref: str, table: str, **fields: Any) -> dict[str, Any]:
    return {"ref": ref, "op": "create", "table": table, "fields": fields}


async def test_new_records_link_to_each_other(staging: Staging) -> None:
    """A contact is written after its company, whatever the order of the changes."""
    answer = await staging.commit(
        create("b", "Contacts", name="Ada", company={"ref": "a"}), create("a", "Companies", name="Acme")
    )
    assert answer["committed"]
    assert [outcome["status"] for outcome in answer["outcomes"]] == ["ok", "ok"]
    assert answer["outcomes"][0]["record"]["fields"]["company"] == 1
    assert answer["statements"] == [
        """INSERT INTO "companies" ("name") VALUES ('Acme');""",
        """INSERT INTO "contacts" ("name", "company") VALUES ('Ada', 1);""",
    ]
    update = {"ref": "u", "op": "update", "table": "companies", "id": "1", "fields": {"owner": {"ref": "n"}}}
    answer = await staging.commit(update, create("n", "contacts", name="Bob", company=1))
    assert answer["outcomes"][0]["record"]["fields"]["owner"] == 2


async def test_one_bad_change_undoes_all_and_each_is_told(staging: Staging) -> None:
    await staging.commit(create("a", "Companies", name="Acme"), create("b", "Companies", name="Bolt"))
    stale = {
        "ref": "c",
        "op": "update",
        "table": "companies",
        "id": "1",
        "fields": {"name": "C"},
        "updatedAt": "2020-01-01T00:00:00.000Z",
    }
    answer = await staging.commit(
        create("ok", "Companies", name="Cog"),
        create("invalid", "Contacts", name="", company=9),
        create("taken", "Companies", name="Bolt"),
        stale,
        {"ref": "gone", "op": "delete", "table": "companies", "id": "77"},
        create("waits", "Contacts", name="Eve", company={"ref": "taken"}),
        {"ref": "live", "op": "restore", "table": "companies", "id": "2"},
    )
    by_ref = {outcome["ref"]: outcome for outcome in answer["outcomes"]}
    assert not answer["committed"]
    assert {ref: outcome["status"] for ref, outcome in by_ref.items()} == {
        "ok": "skipped", "invalid": "invalid", "taken": "invalid", "c": "conflict", "gone": "missing",
        "waits": "skipped", "live": "invalid",
    }  # fmt: skip
    assert by_ref["c"]["current"]["fields"]["name"] == "Acme"
    assert by_ref["taken"]["errors"][0]["field"] == "name"
    assert await staging.names() == ["Acme", "Bolt"]


async def test_a_dry_run_writes_nothing(staging: Staging) -> None:
    answer = await staging.commit(create("a", "Companies", name="O'Neil"), dryRun=True)
    assert not answer["committed"]
    assert answer["outcomes"][0]["status"] == "ok"
    assert answer["statements"] == ["""INSERT INTO "companies" ("name") VALUES ('O''Neil');"""]
    assert await staging.names() == []


async def test_a_repeated_commit_gets_the_first_answer(staging: Staging) -> None:
    """The connection broke before the answer came: also while the first is still on its way."""
    changes = [create("a", "Companies", name="Acme")]
    first, second = await asyncio.gather(*(staging.commit(*changes, idempotencyKey="k") for _ in range(2)))
    third = await staging.commit(*changes, idempotencyKey="k")
    assert first["committed"]
    assert first == second == third
    assert await staging.names() == ["Acme"]
    failed = await staging.commit(*changes, idempotencyKey="other")
    assert not failed["committed"]


async def test_another_commit_under_the_same_key_is_refused(staging: Staging) -> None:
    """It would be told of changes that it did not make; also while the first is still on its way."""
    acme, bolt = ([create("a", "Companies", name=name)] for name in ("Acme", "Bolt"))
    answers = await asyncio.gather(
        staging.commit(*acme, idempotencyKey="k"), staging.commit(*bolt, idempotencyKey="k"), return_exceptions=True
    )
    assert isinstance(answers[1], Invalid)
    with pytest.raises(Invalid) as refused:
        await staging.commit(*bolt, idempotencyKey="k")
    assert refused.value.errors[0].field == "idempotencyKey"
    assert await staging.names() == ["Acme"]


async def test_a_commit_repeated_after_a_restart_gets_the_first_answer(open_db: Callable[..., Database]) -> None:
    """The server was killed after the commit and before the answer left: nothing of its memory is there any more."""
    database = open_db()
    changes = [create("b", "Contacts", name="Ada", company={"ref": "a"}), create("a", "Companies", name="Acme")]
    first = await Staging(database).commit(*changes, idempotencyKey="k")
    database.close()
    again = Staging(open_db())
    assert await again.commit(*changes, idempotencyKey="k") == first
    assert await again.names() == ["Acme"]
    guest = await again.records.commit(GUEST, {"changes": changes, "idempotencyKey": "k"})  # type: ignore[typeddict-item]
    assert not guest["committed"], "another caller's key is another key"


async def test_two_servers_answer_one_request_once(
    open_duckdb: Callable[..., Database], postgresql_settings: Settings
) -> None:
    """PostgreSQL: the request was sent again, to another process, while the first was still at work."""
    first, second = (Staging(open_duckdb(postgresql_settings)) for _ in range(2))
    for number in range(5):
        changes = [create("a", "Companies", name=f"Acme {number}")]
        key = f"k{number}"
        one, other = await asyncio.gather(*(each.commit(*changes, idempotencyKey=key) for each in (first, second)))
        assert one["committed"]
        assert one == other
    assert len(await first.names()) == 5


async def test_an_answer_and_its_changes_are_kept_together(open_db: Callable[..., Database]) -> None:
    """A commit that is undone, or dry, leaves no answer behind; nor does one without a key cost a table."""
    staging = Staging(database := open_db())
    await staging.commit(create("a", "Companies", name="Acme"))
    assert not (await staging.commit(create("a", "Companies", name="Acme"), idempotencyKey="k"))["committed"]
    await staging.commit(create("a", "Companies", name="Bolt"), idempotencyKey="k", dryRun=True)
    job: Call[bool] = Call(lambda reader: ANSWERS.name in read_catalog(reader))
    assert not await database.read(job)
    assert (await staging.commit(create("a", "Companies", name="Bolt"), idempotencyKey="k"))["committed"]
    assert await database.read(job)


async def test_kept_answers_are_bounded(open_db: Callable[..., Database]) -> None:
    """In number, and to a day."""
    now = datetime(2026, 5, 1, tzinfo=UTC)
    database = open_db(clock=lambda: now)
    answers = Answers(at_most=3, pruned_every=1)
    empty: CommitAnswer = {"committed": True, "outcomes": [], "statements": []}

    async def keep(key: str) -> list[str]:
        def work(tx: Transaction) -> list[str]:
            answers.find(tx, "owner", key)
            answers.keep(tx, "owner", key, "changes", empty)
            return [name for (name,) in tx.rows(select(ANSWERS.c.key).order_by(ANSWERS.c.at))]

        return await database.write(Call(work))

    for minute in range(4):
        now = datetime(2026, 5, 1, 0, minute, tzinfo=UTC)
        found = await keep(f"k{minute}")
    assert found == ["k1", "k2", "k3"]
    now = datetime(2026, 5, 2, 0, 2, 30, tzinfo=UTC)
    assert await keep("late") == ["k3", "late"]


async def test_delete_and_restore_in_one_commit(staging: Staging) -> None:
    await staging.commit(create("a", "Companies", name="Acme"), create("b", "Companies", name="Bolt"))
    await staging.records.delete(OWNER, staging.companies, "1")
    answer = await staging.commit(
        {"ref": "r", "op": "restore", "table": "companies", "id": "1"},
        {"ref": "d", "op": "delete", "table": "companies", "id": "2"},
    )
    assert answer["committed"]
    assert await staging.names() == ["Acme"]


async def test_many_deletions_take_as_many_statements_as_one(staging: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo of a large paste that was saved: row by row it would outlast the patience of every client."""
    made = await staging.commit(*(create(f"n{n}", "companies", name=f"Firm {n}") for n in range(20)))
    ids = [str(outcome["id"]) for outcome in made["outcomes"]]
    calls: list[str] = []
    real = Removal.to_trash

    def counted(self: Removal, tx: Transaction, target: WritableTable, rows: Sequence[Stored]) -> bool:
        calls.append(target.table.sql_name)
        return real(self, tx, target, rows)

    monkeypatch.setattr(Removal, "to_trash", counted)
    deletions = [{"ref": f"d{key}", "op": "delete", "table": "companies", "id": key} for key in ids]
    assert (await staging.commit(*deletions))["committed"]
    assert calls == ["companies"]
    assert await staging.names() == []
    back = await staging.commit(*({**each, "op": "restore"} for each in deletions))
    assert back["committed"]
    assert len(await staging.names()) == 20


async def test_of_many_deletions_the_refused_one_is_named(staging: Staging) -> None:
    """Also what is named twice, and what is not there; nothing is deleted then."""
    made = await staging.commit(
        *(create(f"n{n}", "companies", name=f"Firm {n}") for n in range(3)),
        create("c", "contacts", name="Ada", company={"ref": "n1"}),
    )
    ids = [str(outcome["id"]) for outcome in made["outcomes"][:3]]
    wanted = [*ids, ids[0], "999"]
    answer = await staging.commit(
        *({"ref": f"d{n}", "op": "delete", "table": "companies", "id": key} for n, key in enumerate(wanted))
    )
    assert not answer["committed"]
    assert [outcome["status"] for outcome in answer["outcomes"]] == [
        "skipped",
        "invalid",
        "skipped",
        "missing",
        "missing",
    ]
    assert len(await staging.names()) == 3


async def test_requests_that_cannot_be_read(staging: Staging) -> None:
    for changes in ([], [{"ref": "a"}], [create("a", "companies"), create("a", "companies")], ["x"]):
        with pytest.raises(BadRequest):
            await staging.commit(*changes)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        await staging.commit(create("a", "nothing"))
