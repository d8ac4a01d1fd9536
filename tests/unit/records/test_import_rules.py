"""What rows of a file must meet beyond their own fields: the same refusals on both databases, with their lines."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from core.clock import system_clock
from core.errors import BadRequest, Invalid
from core.principal import OWNER, Principal
from core.records.importing import import_file
from core.records.service import Records
from core.storage.database import Call, Cancel, Database, Settings
from core.storage.journal import CHANGES
from tests.support.apps import app_model
from tests.support.tables import create_tables

APP = """
auth: { strategies: [emailAndPassword] }
tables:
  - name: Halls
    permissions: { create: all, read: all, update: all, delete: all }
    rowLevelPermissions:
      read: { when: { field: open, operator: eq, value: true } }
    fields:
      - { name: title, type: single-line-text }
      - { name: open, type: checkbox, default: true }
      - { name: seats, type: integer }
      - { name: house, type: integer }
      - { name: floor, type: integer }
    unique: [{ fields: [house, floor] }]
    views: [{ id: "1", name: big, filters: { field: seats, operator: greaterThan, value: 5 } }]
  - name: Bookings
    uniqueIgnoresDeleted: true
    permissions: { create: all, read: all, update: all, delete: all }
    rowLevelPermissions:
      create: { when: { field: state, operator: in, value: [open, shut] } }
    fields:
      - { name: slot, type: integer }
      - { name: state, type: single-line-text }
      - { name: guests, type: integer }
      - { name: code, type: single-line-text, unique: true }
      - { name: hall, type: relationship, relatedTable: Halls, relationType: many-to-one }
      - { name: stage, type: relationship, relatedTable: Halls, relationType: many-to-one, limitToView: big }
      - { name: house, type: integer }
      - { name: floor, type: integer }
      - { name: seats, type: lookup, relationshipField: hall, relatedField: seats }
      - { name: twice, type: formula, formula: "guests * 2", resultType: integer }
    constraints:
      - { name: few_guests, check: "twice BETWEEN 2 AND 20" }
      - { name: fits_in, check: "guests <= seats" }
      - { name: made_now, check: "created_at > '2020-01-01'" }
    indexes:
      - { name: uq_open_slot, fields: [slot], unique: true, where: "state = 'open'" }
    foreignKeys:
      - { name: fk_place, fields: [house, floor], referencedTable: Halls, referencedFields: [house, floor] }
"""


class Heard:
    """The lines that were refused, with the first field and the words."""

    def __init__(self) -> None:
        self.cancel = Cancel()
        self.rejected: list[dict[str, Any]] = []

    def report(self, done: int, total: int | None = None, note: str | None = None) -> None: ...

    def warn(self, warning: str) -> None: ...

    def reject(self, rejected: dict[str, Any]) -> None:
        self.rejected.append(rejected)

    def lines(self) -> dict[int, str]:
        assert len({each["line"] for each in self.rejected}) == len(self.rejected)
        return {each["line"]: each["field"] for each in sorted(self.rejected, key=lambda each: each["line"])}


class Gate:
    def __init__(self, records: Records, folder: Path) -> None:
        self.records, self.folder = records, folder
        self.halls, self.bookings = records.model.tables
        self.heard = Heard()

    async def take(self, text: str, caller: Principal = OWNER, **more: Any) -> int:
        path = self.folder / "bookings.csv"
        path.write_text(text)
        self.heard = Heard()
        return await import_file(
            self.records.database,
            self.records.target(caller, self.bookings, "create"),
            path,
            "csv",
            self.heard,
            clock=system_clock,
            actor="test",
            **more,
        )

    async def refused(self, text: str, caller: Principal = OWNER) -> dict[int, str]:
        """The refused lines of a file that is imported as far as it fits; without leave to do so nothing is."""
        with pytest.raises(Invalid, match="nothing was imported"):
            await self.take(text, caller)
        told = self.heard.lines()
        taken = await self.take(text, caller, skip_errors=True)
        lines = self.heard.lines()
        assert told.items() <= lines.items()
        assert taken == text.count("\n") - 1 - len(lines)
        return lines


@pytest.fixture
async def gate(open_db: Callable[..., Database], database_settings: Settings, tmp_path: Path) -> Gate:
    folder = tmp_path / "exchange"
    folder.mkdir()
    database = open_db(replace(database_settings, exchange=str(folder)))
    model = app_model(APP)
    create_tables(database, model)
    records = Records(database, model)
    gate = Gate(records, folder)
    for number, (seats, is_open) in enumerate([(2, True), (9, False), (50, True)]):
        values = {"title": "h", "seats": seats, "open": is_open, "house": 1, "floor": number}
        await records.create(OWNER, gate.halls, values)
    return gate


async def test_constraints_of_the_table(gate: Gate) -> None:
    """T-141: through formulas, links to other records, and columns that only the engine fills; NULL passes."""
    text = "guests,hall\n4,\n11,\n0,3\n3,1\n2,1\n,\nx,\n"
    assert await gate.refused(text) == {3: "few_guests", 4: "few_guests", 5: "fits_in", 8: "guests"}


async def test_unique_keys_with_conditions(gate: Gate) -> None:
    """T-139: against stored rows and against earlier lines; a line that is out for another reason holds no key."""
    await gate.records.create(OWNER, gate.bookings, {"slot": 1, "state": "open"})
    text = "slot,state,guests\n1,open,1\n1,shut,1\n2,open,99\n2,open,1\n2,open,1\n,open,1\n,open,1\n"
    assert await gate.refused(text) == {2: "slot", 4: "few_guests", 6: "slot"}


async def test_unique_keys_without_the_trash(gate: Gate) -> None:
    """T-140"""
    kept = await gate.records.create(OWNER, gate.bookings, {"code": "a"})
    await gate.records.create(OWNER, gate.bookings, {"code": "b"})
    await gate.records.delete(OWNER, gate.bookings, str(kept["id"]))
    assert await gate.refused("code,guests\na,1\nb,1\na,1\n") == {3: "code", 4: "code"}


async def test_references_over_several_fields(gate: Gate) -> None:
    """T-117: a NULL in it is not asked about."""
    text = "house,floor\n1,0\n1,7\n2,\n1,2\n2,0\n"
    assert await gate.refused(text) == {3: "house", 6: "house"}


async def test_links_within_a_view(gate: Gate) -> None:
    """T-118"""
    assert await gate.refused("stage\n3\n1\n99\n") == {3: "stage", 4: "stage"}
    assert [each["message"].count("may be linked") for each in gate.heard.rejected] == [1, 0]


async def test_rows_that_the_caller_may_not_make(gate: Gate) -> None:
    """P-026: the rule for new records is asked of every line."""
    member = Principal("user", id="u", roles=frozenset({"member"}))
    assert await gate.refused("state,guests\nopen,3\nlost,1\n,1\nshut,7\n", member) == {3: "", 4: ""}
    assert "rule" in gate.heard.rejected[0]["message"]
    assert await gate.take("state\nlost\n") == 1


async def test_records_that_the_caller_cannot_see_are_not_linked(gate: Gate) -> None:
    """P-034: an unseen record is as if it were not there."""
    member = Principal("user", id="u", roles=frozenset({"member"}))
    assert await gate.refused("hall,guests,state\n3,1,open\n2,1,open\n", member) == {3: "hall"}
    assert await gate.take("hall,guests\n2,1\n") == 1


async def test_nothing_of_a_refused_file_is_left(gate: Gate) -> None:
    """R-090: also what waits for the next import is clean."""
    for _ in range(2):
        with pytest.raises(Invalid):
            await gate.take("guests,code\n1,a\n99,b\n")
    assert await gate.take("guests,code\n1,a\n") == 1
    with pytest.raises(BadRequest):
        await gate.take("nothing\n1\n")


STAFF = """
tables:
  - name: Staff
    fields:
      - { name: code, type: single-line-text, unique: true }
      - { name: age, type: integer, max: 99 }
      - { name: boss, type: relationship, relatedTable: Staff, relatedField: code }
"""


async def test_rows_may_lead_to_others_of_the_file(
    open_db: Callable[..., Database], database_settings: Settings, tmp_path: Path
) -> None:
    """T-104, T-108: before or behind them, in circles even; not to rows that are out"""
    database = open_db(replace(database_settings, exchange=str(tmp_path)))
    model = app_model(STAFF)
    create_tables(database, model)
    staff, heard = Records(database, model).target(OWNER, model.tables[0], "create"), Heard()
    path = tmp_path / "staff.csv"
    lines = ["a,1,b", "b,2,c", "c,3,", "d,4,e", "e,5,d", "f,500,", "g,7,f", "h,8,g", "i,9,nobody", "j,1,j"]
    path.write_text("code,age,boss\n" + "\n".join(lines) + "\n")
    taken = await import_file(database, staff, path, "csv", heard, clock=system_clock, actor="test", skip_errors=True)
    assert heard.lines() == {7: "age", 8: "boss", 9: "boss", 10: "boss"}
    assert taken == 6
    found = database.submit_read(
        Call(lambda reader: reader.rows("SELECT code, boss FROM staff ORDER BY code"))
    ).result()
    assert found == [("a", "b"), ("b", "c"), ("c", None), ("d", "e"), ("e", "d"), ("j", "j")]


WATCHED = """
tables:
  - name: parts
    webhooks: [{name: told, url: "https://example.org/", events: [create]}]
    fields:
      - {name: title, type: single-line-text}
      - {name: stock, type: integer}
      - {name: price, type: decimal, precision: 2}
      - {name: made, type: date}
      - {name: seen, type: datetime}
      - {name: tested, type: checkbox}
      - {name: tags, type: multi-select, options: [red, blue]}
      - {name: more, type: json}
      - {name: took, type: duration}
      - {name: number, type: autonumber, prefix: P-}
"""


async def test_a_watched_table_is_told_of_each_row(
    open_db: Callable[..., Database], database_settings: Settings, tmp_path: Path
) -> None:
    """R-099: rows that the database inserts by itself stand in the change log as records do that are created one by one."""
    database = open_db(replace(database_settings, exchange=str(tmp_path)))
    model = app_model(WATCHED)
    create_tables(database, model)
    records, table = Records(database, model), model.tables[0]
    values: dict[str, Any] = {
        "title": "a, b",
        "stock": 3,
        "price": 1.5,
        "made": "2026-01-02",
        "seen": "2026-01-02T03:04:05.000Z",
        "tested": True,
        "tags": ["red", "blue"],
        "more": {"k": [1]},
        "took": 90,
    }
    await records.create(OWNER, table, values)
    await records.create(OWNER, table, {})
    path = tmp_path / "parts.json"
    path.write_bytes(orjson.dumps([values, {}]))
    target = records.target(OWNER, table, "create")
    assert await import_file(database, target, path, "json", Heard(), clock=system_clock, actor="test") == 2
    told = database.submit_read(
        Call(lambda reader: reader.rows(select(CHANGES.c.record, CHANGES.c.operation, CHANGES.c.after)))
    ).result()
    by_hand, imported = told[:2], [row for row in told[2:] if row[1] == "create"]
    assert [row[0] for row in imported] == ["3", "4"]
    for one, other in zip(by_hand, imported, strict=True):
        assert {**other[2], "number": None} == {**one[2], "number": None}
    assert [row[2]["number"] for row in imported] == [3, 4]
    assert told[-1][1:] == ("import", {"rows": 2})
