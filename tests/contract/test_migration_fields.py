"""Fields that come, change and go, on both databases: what becomes of old rows, and what holds for new ones."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import Invalid
from core.fields.model import AppModel
from core.migrations import Plan, plan, run
from core.principal import OWNER
from core.records.service import Records
from core.storage.catalog import read_catalog
from core.storage.database import Call, Database
from tests.support.apps import app_model

APP = """
tables:
  - id: 1
    name: Parts
    fields:
      - { id: 1, name: title, type: single-line-text }
      - { id: 2, name: stock, type: integer }
      - { id: 3, name: whole, type: relationship, relatedTable: Parts }
"""


class Desk:
    """An app that grows: `grow` adds lines to the fields of its table."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.text = APP
        self.apply()

    @property
    def model(self) -> AppModel:
        return app_model(self.text)

    def grow(self, *lines: str) -> Plan:
        self.text = APP + "".join(f"      - {{ {line} }}\n" for line in lines)
        return self.apply()

    def apply(self) -> Plan:
        found = plan(self.database, self.model)
        run(self.database, found)
        return found

    async def create(self, **fields: Any) -> dict[str, Any]:
        records = Records(self.database, self.model)
        made = await records.create(OWNER, self.model.tables[0], {"fields": fields})
        values: dict[str, Any] = dict(made["fields"])
        return values

    async def column(self, name: str) -> list[Any]:
        found = await Records(self.database, self.model).list(OWNER, self.model.tables[0], {"sort": "id:asc"})
        return [record["fields"][name] for record in found["records"]]

    def rows(self, sql: str) -> list[Any]:
        return self.database.submit_read(Call(lambda reader: reader.rows(sql))).result()

    def execute(self, *statements: str) -> None:
        for statement in statements:
            self.database.submit_write(Call(lambda tx, each=statement: tx.execute(each))).result()

    def shape(self) -> Any:
        table = self.database.submit_read(Call(read_catalog)).result().tables["parts"]
        return list(table.columns), sorted(table.indexes)


@pytest.fixture
def desk(open_db: Callable[..., Database]) -> Desk:
    found = Desk(open_db())
    found.execute("INSERT INTO parts (title, stock) VALUES ('a', 1), ('b', 2)")
    return found


async def test_options_hold_from_the_start(desk: Desk) -> None:
    """M-010"""
    desk.grow("id: 4, name: state, type: single-select, options: [new, used]")
    assert await desk.column("state") == [None, None]
    with pytest.raises(Invalid):
        await desk.create(title="c", state="broken")
    assert (await desk.create(title="c", state="used"))["state"] == "used"


async def test_an_older_table_gets_its_times(desk: Desk) -> None:
    """M-011: of now; its rows are alive, and the index of the trash is there."""
    before = desk.shape()
    names = ("created_at", "updated_at", "deleted_at")
    desk.execute(
        *(f"DROP INDEX {name}" for name in before[1]), *(f"ALTER TABLE parts DROP COLUMN {name}" for name in names)
    )
    started = datetime.now(UTC)
    desk.grow("id: 4, name: note, type: long-text")
    columns, indexes = desk.shape()
    assert (sorted(columns), indexes) == (sorted([*before[0], "note"]), before[1])
    for created, updated, deleted in desk.rows("SELECT created_at, updated_at, deleted_at FROM parts"):
        assert abs((created - started).total_seconds()) < 60
        assert updated == created
        assert deleted is None
    assert await desk.column("title") == ["a", "b"]
    desk.execute("INSERT INTO parts (title) VALUES ('c')")
    assert desk.rows("SELECT count(*) FROM parts WHERE created_at IS NULL OR updated_at IS NULL") == [(0,)]


COMPUTED = (
    "id: 4, name: twice, type: formula, formula: 'stock * 2', resultType: integer",
    "id: 5, name: of, type: lookup, relationshipField: whole, relatedField: title",
    "id: 6, name: sum, type: rollup, relationshipField: whole, relatedField: stock, aggregation: sum",
    "id: 7, name: parts, type: count, relationshipField: whole",
)


async def test_computed_fields_touch_no_table(desk: Desk) -> None:
    """M-013"""
    before = desk.shape()
    grown = desk.grow(*COMPUTED)
    assert [step.sql for step in grown.steps if step.sql] == []
    assert desk.shape() == before
    assert await desk.column("twice") == [2, 4]
    assert grown.after == grown.before + 1


async def test_what_is_no_column_goes_without_a_question(desk: Desk) -> None:
    """M-017"""
    button = "id: 8, name: open, type: button, label: Open, action: url, url: 'https://example.org'"
    desk.grow(*COMPUTED, button)
    gone = desk.grow()
    assert gone.unconfirmed == ()
    assert gone.after == 3
    stored = desk.grow("id: 4, name: note, type: long-text")
    assert stored.unconfirmed == ()
    desk.text = APP
    assert [step.text for step in plan(desk.database, desk.model).unconfirmed] == [
        "Drop column parts.note with its values"
    ]


async def test_a_default_is_for_rows_to_come(desk: Desk) -> None:
    """M-029: set, changed and dropped."""
    desk.grow("id: 4, name: place, type: single-line-text")
    made = [(await desk.create())["place"]]
    for default in (", default: here", ", default: there", ""):
        desk.grow(f"id: 4, name: place, type: single-line-text{default}")
        made.append((await desk.create())["place"])
    assert made == [None, "here", "there", None]
    assert await desk.column("place") == [None, None, *made]


async def test_numbers_go_on_behind_those_of_an_older_column(desk: Desk) -> None:
    """T-100: an integer column becomes the counter; a number that was lost with its record is not missed."""
    desk.grow("id: 4, name: number, type: integer, unique: true")
    for number in (7, 40, 12):
        await desk.create(number=number)
    desk.execute("UPDATE parts SET number = id WHERE number IS NULL")
    desk.grow("id: 4, name: number, type: autonumber")
    assert (await desk.create())["number"] == 41
    with pytest.raises(Invalid):
        await desk.create(title=5)
    following = (await desk.create())["number"]
    assert following > 41


def test_other_parts_of_the_file_make_no_version(desk: Desk) -> None:
    """M-050"""
    for more in (
        "theme: { colors: { primary: '#112233' } }\n",
        "auth: {strategies: [{type: emailAndPassword}]}\n",
        "pages: [{name: home, path: /}]\n",
    ):
        desk.text = more + APP
        found = desk.apply()
        assert found.is_empty
        assert found.after == 1
