"""Records through their service, on both databases: values, versions, trash, batches, links, uniqueness."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from core.errors import BadRequest, Conflict, Invalid, NotFound, SovriumError, TooLarge
from core.fields.model import TableModel
from core.principal import OWNER
from core.query.address import address as address_of
from core.records.key import parse_key
from core.records.service import Records
from core.storage.database import Call, Database, Transaction
from core.storage.journal import CHANGES
from tests.support.apps import app_model
from tests.support.tables import create_tables

APP = """
tables:
  - name: Suppliers
    fields:
      - { name: name, type: single-line-text, required: true }
  - name: Parts
    fields:
      - { name: part_no, type: single-line-text, required: true, unique: true }
      - { name: stock, type: integer, min: 0, default: 7 }
      - { name: price, type: decimal, precision: 2 }
      - { name: state, type: single-select, options: [open, closed] }
      - { name: tags, type: multi-select, options: [a, b] }
      - { name: site, type: url }
      - { name: number, type: autonumber }
      - { name: supplier, type: relationship, relatedTable: Suppliers, relationType: many-to-one }
    unique:
      - fields: [stock, state]
  - name: Orders
    fields:
      - { name: title, type: single-line-text }
      - { name: slug, type: single-line-text }
      - { name: status, type: single-select, options: [draft, published] }
      - { name: published_at, type: datetime }
      - { name: part, type: relationship, relatedTable: Parts, relationType: many-to-one, onDelete: cascade }
      - { name: spare, type: relationship, relatedTable: Parts, relationType: many-to-one, onDelete: set-null }
  - name: Locks
    fields:
      - { name: part, type: relationship, relatedTable: Parts, relationType: many-to-one, onDelete: restrict }
  - name: Codes
    fields:
      - { name: code, type: single-line-text, unique: true }
  - name: Slots
    uniqueIgnoresDeleted: true
    fields:
      - { name: number, type: integer, unique: true }
"""


class Desk:
    """Records with short names for the tests."""

    def __init__(self, database: Database) -> None:
        model = app_model(APP)
        create_tables(database, model)
        self.database = database
        self.records = Records(database, model)
        self.suppliers, self.parts, self.orders, self.locks, self.codes, self.slots = model.tables

    async def part(self, number: str, **fields: Any) -> dict[str, Any]:
        # A stock of its own, because stock and state are unique together.
        return {
            **await self.records.create(OWNER, self.parts, {"fields": {"part_no": number, "stock": None, **fields}})
        }

    async def get(self, key: str) -> dict[str, Any]:
        return {**await self.records.get(OWNER, self.parts, key)}

    async def refused(self, table: TableModel, body: dict[str, Any]) -> SovriumError:
        with pytest.raises(SovriumError) as caught:
            await self.records.create(OWNER, table, body)
        return caught.value

    def log(self) -> list[tuple[Any, ...]]:
        columns = (CHANGES.c.table, CHANGES.c.record, CHANGES.c.operation, CHANGES.c.before, CHANGES.c.after)
        from sqlalchemy import select

        statement = select(*columns).order_by(CHANGES.c.sequence)
        return self.database.submit_read(Call(lambda reader: reader.rows(statement))).result()


@pytest.fixture
def desk(open_db: Callable[..., Database]) -> Desk:
    return Desk(open_db())


# ── Reading ──


async def test_a_single_reading_stands_in_no_transaction(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """BEGIN and COMMIT would be two of its three statements. A list is several statements over one snapshot."""
    await desk.part("1")
    session: Any = type(desk.database.writer.sessions[0])  # type: ignore[attr-defined]
    begin, begun = session.begin, []

    def told(self: Any, *, read_only: bool) -> None:
        begun.append(read_only)
        begin(self, read_only=read_only)

    monkeypatch.setattr(session, "begin", told)
    await desk.get("1")
    assert begun == []
    await desk.records.list(OWNER, desk.parts, {})
    assert begun == [True]


# ── Create ──


async def test_create_answers_the_stored_record(desk: Desk) -> None:
    """R-007, R-010, R-001, T-099: id as text, defaults, times, numbers."""
    record = await desk.records.create(OWNER, desk.parts, {"fields": {"part_no": " M8 ", "price": "1.255"}})
    assert record["id"] == "1"
    assert record["fields"] == {
        "part_no": "M8", "stock": 7, "price": "1.26", "state": None, "tags": None, "site": None, "number": 1,
        "supplier": None,
    }  # fmt: skip
    assert record["createdAt"] == record["updatedAt"]
    assert await desk.get("1") == {**record, "id": 1}


async def test_bare_bodies_and_explicit_nulls(desk: Desk) -> None:
    """R-003, R-010: an explicit null is kept, no default in its place."""
    record = await desk.records.create(OWNER, desk.parts, {"part_no": "A", "stock": None})
    assert record["fields"]["stock"] is None


async def test_all_errors_of_a_record_are_told(desk: Desk) -> None:
    """T-038, T-044, R-008, R-011, D-08."""
    error = await desk.refused(
        desk.parts, {"fields": {"stock": -1, "state": "gone", "nunber": 1, "id": 4, "number": 3, "site": "nowhere"}}
    )
    assert isinstance(error, Invalid)
    assert error.status == 400
    assert {each.field for each in error.errors} == {"part_no", "stock", "state", "nunber", "id", "number", "site"}
    assert error.body()["details"] == [{"record": 0, "field": "part_no", "error": "part_no is required"}]


async def test_a_malformed_address_is_422(desk: Desk) -> None:
    """D-08: the envelope with `error` and `field`."""
    error = await desk.refused(desk.parts, {"fields": {"part_no": "A", "site": "nowhere"}})
    assert (error.status, error.body()["field"], error.body()["code"]) == (422, "site", "VALIDATION_ERROR")


async def test_null_and_blank_into_required(desk: Desk) -> None:
    """T-038, T-049."""
    for value in (None, "  "):
        error = await desk.refused(desk.parts, {"fields": {"part_no": value}})
        assert isinstance(error, Invalid)
        assert error.errors[0].code == "field.required"


async def test_unique_violation_names_the_field(desk: Desk) -> None:
    """T-040, D-05, T-132: alone and together."""
    await desk.part("A", stock=1, state="open")
    assert (await desk.refused(desk.parts, {"part_no": "A", "stock": None})).body()["field"] == "part_no"
    both = await desk.refused(desk.parts, {"part_no": "B", "stock": 1, "state": "open"})
    assert (both.status, both.body()["fields"]) == (409, ["stock", "state"])
    await desk.part("C", stock=1)  # a NULL in any field exempts the row (T-136)
    await desk.part("D", stock=1)


async def test_records_take_each_others_unique_keys(desk: Desk) -> None:
    """T-040, T-132, R-050: in one batch, whatever the order; what nobody gives up stays taken."""
    for stock, code in ((1, "a"), (2, "b"), (3, "c")):
        await desk.part(code, stock=stock, state="open")
        await desk.records.create(OWNER, desk.codes, {"code": code})

    async def update(table: Any, **values: Any) -> Any:
        records = [{"id": key[1:], "fields": fields} for key, fields in values.items()]
        return await desk.records.batches.update(OWNER, table, {"records": records, "returnRecords": True})

    codes = await update(desk.codes, r1={"code": "b"}, r2={"code": "c"}, r3={"code": "a"})
    assert [each["fields"]["code"] for each in codes["records"]] == ["b", "c", "a"]
    parts = await update(desk.parts, r1={"stock": 2}, r2={"stock": 1})
    assert [each["fields"]["stock"] for each in parts["records"]] == [2, 1]
    for number in (1, 2):
        await desk.records.create(OWNER, desk.slots, {"number": number})
    moved = await update(desk.slots, r1={"number": 2}, r2={"number": 1})
    assert [each["fields"]["number"] for each in moved["records"]] == [2, 1]
    with pytest.raises(Conflict):
        await update(desk.codes, r1={"code": "c"}, r2={"code": "a"})


async def test_a_unique_field_through_every_change(desk: Desk) -> None:
    """T-040: small and large letters are other values, empty ones as many as there are; what is there already is refused on
    update as well, from a value and from none, and a value may go."""
    one, two, three = [
        str((await desk.records.create(OWNER, desk.codes, {"code": code}))["id"]) for code in ("a", None, None)
    ]
    await desk.records.create(OWNER, desk.codes, {"code": "A"})
    for key, value in ((two, "a"), (three, "A"), (one, "A")):
        with pytest.raises(Conflict) as taken:
            await desk.records.update(OWNER, desk.codes, key, {"fields": {"code": value}})
        assert (taken.value.status, taken.value.body()["field"]) == (409, "code")
    await desk.records.update(OWNER, desk.codes, one, {"fields": {"code": None}})
    changed = await desk.records.update(OWNER, desk.codes, two, {"fields": {"code": "a"}})
    assert changed["fields"]["code"] == "a"
    with pytest.raises(Conflict):
        await desk.records.batches.create(OWNER, desk.codes, {"records": [{"fields": {"code": "x"}}] * 2})


async def test_numbers_of_what_was_refused_may_be_missing(desk: Desk) -> None:
    """T-100: a batch that is rolled back keeps no record; those that follow have numbers of their own."""
    await desk.part("A")
    with pytest.raises(Conflict):
        await desk.records.batches.create(
            OWNER, desk.parts, {"records": [{"fields": {"part_no": part}} for part in ("B", "A")]}
        )
    numbers = [(await desk.part(part))["fields"]["number"] for part in ("C", "D")]
    assert 1 < numbers[0] < numbers[1]


async def test_links_must_lead_to_a_live_record(desk: Desk) -> None:
    """T-104, D-06."""
    error = await desk.refused(desk.parts, {"part_no": "A", "supplier": 1})
    assert (error.status, error.body()["field"]) == (400, "supplier")
    supplier = await desk.records.create(OWNER, desk.suppliers, {"name": "S"})
    assert (await desk.part("A", supplier=supplier["id"]))["fields"]["supplier"] == 1
    await desk.records.delete(OWNER, desk.suppliers, "1")
    assert (await desk.refused(desk.parts, {"part_no": "B", "supplier": 1})).status == 400


async def test_slug_and_publication(desk: Desk) -> None:
    """T-053, T-083."""
    order = await desk.records.create(OWNER, desk.orders, {"title": "Éclair  &  Thé!"})
    assert order["fields"]["slug"] == "eclair-the"
    assert (await desk.refused(desk.orders, {"title": "x", "slug": "No Slug"})).status == 422
    assert order["fields"]["published_at"] is None
    order = await desk.records.update(OWNER, desk.orders, "1", {"fields": {"status": "published"}})
    assert order["fields"]["published_at"] is not None


async def test_one_bad_of_sixteen_harms_nobody(desk: Desk) -> None:
    """Writes that wait together share one statement, never their fate."""
    bodies = [
        {"part_no": "same" if n in (3, 9) else f"P{n}", "stock": None, "supplier": 99 if n == 5 else None}
        for n in range(16)
    ]
    results = await asyncio.gather(
        *(desk.records.create(OWNER, desk.parts, body) for body in bodies), return_exceptions=True
    )
    bad = [n for n, result in enumerate(results) if isinstance(result, Exception)]
    assert bad == [5, 9]
    assert isinstance(results[5], Invalid)
    assert isinstance(results[9], Conflict)
    assert (await desk.records.list(OWNER, desk.parts, {}))["pagination"]["total"] == 14
    assert len(desk.log()) == 14


# ── Update ──


async def test_update_changes_only_what_is_given(desk: Desk) -> None:
    """R-030, R-035, R-014: the log has the changed fields alone."""
    before = await desk.part("A", price="2.00", tags=["a"])
    after = await desk.records.update(OWNER, desk.parts, "1", {"fields": {"price": 3, "tags": ["a"]}})
    assert after["fields"] == {**before["fields"], "price": "3.00"}
    assert after["updatedAt"] > before["updatedAt"]
    assert desk.log()[-1] == ("parts", "1", "update", {"price": "2.00"}, {"price": "3.00"})


async def test_an_update_without_effect_is_no_write(desk: Desk) -> None:
    """R-034, R-035."""
    before = await desk.part("A")
    for fields in ({}, {"part_no": "A"}):
        same = await desk.records.update(OWNER, desk.parts, "1", {"fields": fields})
        assert same["updatedAt"] == before["updatedAt"]
    assert len(desk.log()) == 1


async def test_stale_versions_are_refused(desk: Desk) -> None:
    """R-036: `current` is the record as it is."""
    first = await desk.part("A")
    second = await desk.records.update(
        OWNER, desk.parts, "1", {"fields": {"stock": 1}, "updatedAt": first["updatedAt"]}
    )
    with pytest.raises(Conflict) as caught:
        await desk.records.update(OWNER, desk.parts, "1", {"fields": {"stock": 2}, "updatedAt": first["updatedAt"]})
    assert caught.value.extra["current"] == second
    assert (await desk.get("1"))["fields"]["stock"] == 1


async def test_what_cannot_be_updated(desk: Desk) -> None:
    """R-031, R-032, R-033, T-099."""
    await desk.part("A")
    await desk.part("B")
    for fields in ({"id": 3}, {"created_at": "2026-01-01"}, {"updatedAt": "x"}, {"number": 9}, {"part_no": None}):
        with pytest.raises(Invalid):
            await desk.records.update(OWNER, desk.parts, "1", {"fields": fields})
    with pytest.raises(Conflict):
        await desk.records.update(OWNER, desk.parts, "1", {"fields": {"part_no": "B"}})
    for key in ("99", "x", "1~2", "99999999999999999999"):
        with pytest.raises(NotFound):
            await desk.records.update(OWNER, desk.parts, key, {"fields": {}})


async def test_twenty_writers_lose_no_update(desk: Desk) -> None:
    """Each reads, adds one, writes under the version that it read, and begins again when somebody was faster."""
    for name in "AB":
        await desk.part(name, stock=0 if name == "A" else None)

    async def add_one(key: str) -> None:
        while True:
            record = await desk.get(key)
            body = {"fields": {"stock": (record["fields"]["stock"] or 0) + 1}, "updatedAt": record["updatedAt"]}
            try:
                await desk.records.update(OWNER, desk.parts, key, body)
            except Conflict:
                continue
            return

    await asyncio.gather(*(add_one("12"[n % 2]) for n in range(20)))
    assert [(await desk.get(key))["fields"]["stock"] for key in "12"] == [10, 10]


async def test_updates_of_one_group_follow_each_other(desk: Desk) -> None:
    """Without a version the last write wins, and each answer shows its own."""
    await desk.part("A")
    answers = await asyncio.gather(
        *(desk.records.update(OWNER, desk.parts, "1", {"fields": {"stock": n}}) for n in range(1, 9))
    )
    assert [answer["fields"]["stock"] for answer in answers] == list(range(1, 9))
    assert len({answer["updatedAt"] for answer in answers}) == 8
    assert (await desk.get("1"))["fields"]["stock"] == 8


# ── Trash ──


async def test_delete_and_restore(desk: Desk) -> None:
    """R-040, R-041, R-042, R-045, R-021."""
    first = await desk.part("A")
    assert await desk.records.delete(OWNER, desk.parts, "1") is False
    with pytest.raises(NotFound):
        await desk.get("1")
    with pytest.raises(NotFound):
        await desk.records.delete(OWNER, desk.parts, "1")
    assert (await desk.records.list(OWNER, desk.parts, {}))["records"] == []
    (trashed,) = (await desk.records.trash(OWNER, desk.parts, {}))["records"]
    assert trashed["fields"]["deleted_at"] == trashed["deletedAt"]
    restored = await desk.records.restore(OWNER, desk.parts, "1")
    assert restored["updatedAt"] > first["updatedAt"]
    with pytest.raises(BadRequest):
        await desk.records.restore(OWNER, desk.parts, "1")
    assert [entry[2] for entry in desk.log()] == ["create", "delete", "restore"]


async def test_permanent_delete_keeps_the_last_values(desk: Desk) -> None:
    """R-044."""
    await desk.part("A")
    await desk.records.delete(OWNER, desk.parts, "1")
    await desk.records.delete(OWNER, desk.parts, "1", permanent=True)
    assert (await desk.records.trash(OWNER, desk.parts, {}))["records"] == []
    assert desk.log()[-1][2:4] == ("permanent-delete", {"part_no": "A", "number": 1})


async def test_deleting_follows_clears_or_minds_links(desk: Desk) -> None:
    """T-112, T-113, T-114, D-09, D-40."""
    await desk.part("A")
    await desk.part("B")
    await desk.records.create(OWNER, desk.orders, {"title": "x", "part": 1, "spare": 2})
    assert await desk.records.delete(OWNER, desk.parts, "2") is True
    assert (await desk.records.get(OWNER, desk.orders, "1"))["fields"]["spare"] is None
    await desk.records.delete(OWNER, desk.parts, "1")
    with pytest.raises(NotFound):
        await desk.records.get(OWNER, desk.orders, "1")
    await desk.records.restore(OWNER, desk.parts, "1")
    assert (await desk.records.get(OWNER, desk.orders, "1"))["fields"]["part"] == 1
    await desk.records.create(OWNER, desk.locks, {"part": 1})
    with pytest.raises(Conflict) as caught:
        await desk.records.delete(OWNER, desk.parts, "1")
    assert caught.value.status == 400
    await desk.get("1")
    await desk.records.get(OWNER, desk.orders, "1")


# ── Batches ──


async def test_batch_create_is_all_or_nothing(desk: Desk) -> None:
    """R-050, R-051, R-052, D-15."""
    answer = await desk.records.batches.create(
        OWNER, desk.parts, {"records": [{"fields": {"part_no": n, "stock": None}} for n in "AB"], "returnRecords": True}
    )
    assert [record["fields"]["part_no"] for record in answer["records"]] == ["A", "B"]
    with pytest.raises(Conflict) as caught:
        await desk.records.batches.create(
            OWNER, desk.parts, {"records": [{"part_no": "C", "stock": None}, {"part_no": "A"}]}
        )
    assert caught.value.extra["record"] == 1
    with pytest.raises(Invalid) as invalid:
        await desk.records.batches.create(OWNER, desk.parts, {"records": [{"part_no": "D"}, {"stock": -1}, {"x": 1}]})
    assert [(e.record, e.field) for e in invalid.value.errors] == [
        (1, "stock"),
        (1, "part_no"),
        (2, "x"),
        (2, "part_no"),
    ]
    assert (await desk.records.list(OWNER, desk.parts, {}))["pagination"]["total"] == 2
    for records in ([], "x"):
        with pytest.raises(Invalid):
            await desk.records.batches.create(OWNER, desk.parts, {"records": records})
    with pytest.raises(TooLarge):
        await desk.records.batches.create(OWNER, desk.parts, {"records": [{}] * 1001})


async def test_a_bad_batch_does_not_harm_those_that_wait_with_it(desk: Desk) -> None:
    """R-050: batches that are written together fail alone; the second with a key taken by the first, too."""

    def batch(*names: str) -> dict[str, Any]:
        return {"records": [{"fields": {"part_no": name, "stock": 100 + int(name[1:])}} for name in names]}

    answers = await asyncio.gather(
        *(
            desk.records.batches.create(OWNER, desk.parts, batch(*names))
            for names in (("b1", "b2"), ("b3", "b1"), ("b4", "b5"), ("b6", "b3"))
        ),
        return_exceptions=True,
    )
    assert [isinstance(answer, Conflict) for answer in answers] == [False, True, False, False]
    found = await desk.records.list(OWNER, desk.parts, {"limit": "100"})
    names = [record["fields"]["part_no"] for record in found["records"]]
    assert {"b1", "b2", "b3", "b4", "b5", "b6"} <= set(names)
    assert len(names) == len(set(names))


async def test_upserts_that_wait_together_are_as_if_one_by_one(desk: Desk) -> None:
    """R-060, R-066: looked up and written together, each gets its own answer; one that fails does so alone, and leaves
    nothing."""
    held, release = threading.Event(), threading.Event()

    def hold(_: Transaction) -> None:
        held.set()
        release.wait(20)

    def upsert(*records: dict[str, Any]) -> Any:
        body = {"records": [{"fields": each} for each in records], "fieldsToMergeOn": ["part_no"]}
        return asyncio.ensure_future(desk.records.batches.upsert(OWNER, desk.parts, body))

    await desk.part("A", stock=1)
    holding = desk.records.database.submit_write(Call(hold))
    await asyncio.to_thread(held.wait, 20)
    asked = [
        upsert({"part_no": "A", "stock": 2}, {"part_no": "B", "stock": 3}),
        upsert({"part_no": "C", "stock": 4}, {"part_no": "D", "site": 999}),
        upsert({"part_no": "B", "stock": 5}, {"part_no": "A", "price": "7"}),
    ]
    await asyncio.sleep(0)
    release.set()
    first, refused, last = await asyncio.gather(*asked, return_exceptions=True)
    holding.result()
    assert (first["created"], first["updated"], last["created"], last["updated"]) == (1, 1, 0, 2)
    assert [each["fields"]["stock"] for each in first["records"]] == [2, 3]
    assert [each["fields"]["stock"] for each in last["records"]] == [5, 2]
    assert isinstance(refused, Invalid)
    assert refused.errors[0].record == 1
    found = await desk.records.list(OWNER, desk.parts, {"sort": "part_no"})
    assert [each["fields"]["part_no"] for each in found["records"]] == ["A", "B"]


async def test_batch_create_goes_on_where_it_may(desk: Desk) -> None:
    """R-054."""
    body = {"records": [{"part_no": "A"}, {"stock": 1}, {"part_no": "A"}, {"part_no": "B"}], "continueOnError": True}
    answer = await desk.records.batches.create(OWNER, desk.parts, body)
    assert answer["created"] == 2
    assert [(error["record"], error["code"]) for error in answer["errors"]] == [
        (1, "VALIDATION_ERROR"),
        (2, "CONFLICT"),
    ]


async def test_batch_update_tells_unknown_ids(desk: Desk) -> None:
    """R-055, D-16."""
    await desk.part("A")
    body = {"records": [{"id": 1, "fields": {"stock": 3}}, {"id": "77", "fields": {"stock": 4}}], "returnRecords": True}
    answer = await desk.records.batches.update(OWNER, desk.parts, body)
    assert (answer["updated"], answer["errors"][0]["id"], answer["errors"][0]["code"]) == (1, "77", "NOT_FOUND")
    assert answer["records"][0]["fields"]["stock"] == 3
    with pytest.raises(Invalid):
        await desk.records.batches.update(OWNER, desk.parts, {"records": [{"fields": {}}]})


async def test_batch_update_goes_on_past_items_that_name_no_record(desk: Desk) -> None:
    """R-054: an item without an id, and one that is no item at all, are errors of their own."""
    await desk.part("A")
    items = [{"fields": {"stock": 1}}, {"id": 1, "fields": {"stock": 3}}, "x", {"id": "77", "fields": {}}]
    answer = await desk.records.batches.update(OWNER, desk.parts, {"records": items, "continueOnError": True})
    assert answer["updated"] == 1
    assert [(error["record"], error.get("id"), error["code"]) for error in answer["errors"]] == [
        (0, None, "VALIDATION_ERROR"),
        (2, None, "VALIDATION_ERROR"),
        (3, "77", "NOT_FOUND"),
    ]


async def test_batch_update_may_swap_unique_values(desk: Desk) -> None:
    """D-05: the state after the batch is what must be unique, also where the value is required."""
    before = [await desk.part(name) for name in "ABC"]
    moved = zip((1, 2, 3), "BCD", strict=True)
    chain = {"records": [{"id": key, "fields": {"part_no": name}} for key, name in moved], "returnRecords": True}
    done = (await desk.records.batches.update(OWNER, desk.parts, chain))["records"]
    assert [each["fields"]["part_no"] for each in done] == ["B", "C", "D"]
    body = {"records": [{"id": 1, "fields": {"part_no": "C", "stock": 3}}, {"id": 2, "fields": {"part_no": "B"}}]}
    assert (await desk.records.batches.update(OWNER, desk.parts, body))["updated"] == 2
    stored = [await desk.records.get(OWNER, desk.parts, str(key)) for key in (1, 2, 3)]
    assert [each["fields"]["part_no"] for each in stored] == ["C", "B", "D"]
    assert [each["createdAt"] for each in stored] == [each["createdAt"] for each in before]
    taken = {"records": [{"id": 1, "fields": {"part_no": "D"}}, {"id": 2, "fields": {"part_no": "C"}}]}
    with pytest.raises(Conflict):
        await desk.records.batches.update(OWNER, desk.parts, taken)


async def test_batch_delete_and_restore(desk: Desk) -> None:
    """R-056, R-057."""
    for name in "ABC":
        await desk.part(name)
    with pytest.raises(NotFound) as caught:
        await desk.records.batches.delete(OWNER, desk.parts, [1, 99])
    assert caught.value.extra["recordId"] == "99"
    assert await desk.records.batches.delete(OWNER, desk.parts, ["1", 2]) == {"deleted": 2}
    assert await desk.records.batches.delete(OWNER, desk.parts, [2, 3]) == {"deleted": 1}
    assert await desk.records.batches.restore(OWNER, desk.parts, [1, 2]) == {"restored": 2}
    assert (await desk.records.list(OWNER, desk.parts, {}))["pagination"]["total"] == 2


async def test_a_record_has_one_address(open_db: Callable[..., Database]) -> None:
    """`+1`, ` 1` and `01` name no record: 404, not record 1."""
    table = app_model("name: a\ntables: [{id: 1, name: t, fields: [{id: 1, name: n, type: integer}]}]").tables[0]
    assert parse_key(table, "1") == (1,)
    for text in ("+1", " 1", "01", "1.0", "1e0", ""):
        with pytest.raises(NotFound):
            parse_key(table, text)


async def test_composite_keys(open_db: Callable[..., Database]) -> None:
    """T-017, T-018: addressed by their values joined with `~`."""
    database = open_db()
    model = app_model(
        """
        tables:
          - name: Seats
            primaryKey: { type: composite, fields: [hall, seat] }
            fields:
              - { name: hall, type: single-line-text, required: true }
              - { name: seat, type: integer, required: true }
              - { name: guest, type: single-line-text }
        """
    )
    create_tables(database, model)
    records, (seats,) = Records(database, model), model.tables
    for seat in (1, 2):
        await records.create(OWNER, seats, {"hall": "A", "seat": seat})
    with pytest.raises(Conflict):
        await records.create(OWNER, seats, {"hall": "A", "seat": 1})
    updated = await asyncio.gather(
        *(records.update(OWNER, seats, f"A~{seat}", {"fields": {"guest": f"G{seat}"}}) for seat in (1, 2))
    )
    assert [(record["id"], record["fields"]["guest"]) for record in updated] == [("A~1", "G1"), ("A~2", "G2")]
    assert (await records.get(OWNER, seats, "A~2"))["fields"]["guest"] == "G2"
    with pytest.raises(Invalid):
        await records.update(OWNER, seats, "A~1", {"fields": {"seat": 7}})
    await records.delete(OWNER, seats, "A~1")
    with pytest.raises(NotFound):
        await records.get(OWNER, seats, "A~1")
    odd = await records.create(OWNER, seats, {"hall": "~A~1~", "seat": 3})
    assert (await records.get(OWNER, seats, str(odd["id"])))["fields"]["hall"] == "~A~1~"
    for address in ("A", "A~x", "A~2~x", "~"):
        with pytest.raises(NotFound):
            await records.get(OWNER, seats, address)


async def test_a_key_of_several_texts_is_an_address(open_db: Callable[..., Database]) -> None:
    """T-018: whatever the texts hold, a record has one address and an address one record."""
    database = open_db()
    model = app_model(
        """
        tables:
          - name: Files
            primaryKey: { type: composite, fields: [disk, path] }
            fields:
              - { name: disk, type: single-line-text, required: true }
              - { name: path, type: single-line-text, required: true }
              - { name: size, type: integer }
        """
    )
    create_tables(database, model)
    records, (files,) = Records(database, model), model.tables
    keys = [("a~b", "c"), ("a", "b~c"), ("a\\", "b~c"), ("a\\~b", "c"), ("C:", "\\x"), ("~", "~")]
    made = [await records.create(OWNER, files, {"disk": disk, "path": path}) for disk, path in keys]
    assert len({record["id"] for record in made}) == len(keys)
    for key, record in zip(keys, made, strict=True):
        read = await records.update(OWNER, files, str(record["id"]), {"fields": {"size": 1}})
        assert (read["id"], read["fields"]["disk"], read["fields"]["path"]) == (record["id"], *key)
    assert (await records.get(OWNER, files, "C:~\\x"))["id"] == "C:~\\\\x"
    # What SQL makes of the columns is what the change log holds.
    source = records.scope(OWNER, files).source
    statement = select(address_of([source.c.disk, source.c.path]))
    told = await database.read(Call(lambda reader: {text for (text,) in reader.rows(statement)}))
    assert told == {record["id"] for record in made}


async def test_edits_of_different_fields_in_one_group(desk: Desk) -> None:
    """Edits that wait together change no field of each other."""
    for name in "ABC":
        await desk.part(name, price=1)
    edits = [{"stock": 1}, {"price": 2}, {"state": "open", "part_no": "Z"}]
    await asyncio.gather(
        *(desk.records.update(OWNER, desk.parts, str(n), {"fields": fields}) for n, fields in enumerate(edits, 1))
    )
    found = [(await desk.get(key))["fields"] for key in "123"]
    assert [(row["part_no"], row["stock"], row["price"], row["state"]) for row in found] == [
        ("A", 1, "1.00", None), ("B", None, "2.00", None), ("Z", None, "1.00", "open"),
    ]  # fmt: skip
