"""What happens to links when the records that they lead to go, come back or change; on both databases."""

from functools import partial
from typing import Any

import pytest

from core.errors import Conflict, Invalid
from core.principal import OWNER
from core.storage.database import Call, Transaction
from tests.unit.relations.conftest import Open, OpenApp


def posts(action: str) -> str:
    return f"""
tables:
  - name: Posts
    fields:
      - {{ name: title, type: single-line-text }}
      - name: tags
        type: relationship
        relatedTable: Tags
        relationType: many-to-many
        onDelete: {action}
        reciprocalField: posts
  - name: Tags
    fields:
      - {{ name: name, type: single-line-text }}
"""


async def filled(open_app: Open, action: str) -> OpenApp:
    app = open_app(posts(action))
    for name in ("red", "green"):
        await app.create("Tags", name=name)
    await app.create("Posts", title="One", tags=[1, 2])
    await app.create("Posts", title="Two", tags=[2])
    return app


def pairs(app: OpenApp) -> list[tuple[Any, ...]]:
    return sorted(app.rows("SELECT post_id, tag_id FROM posts_tags"))


async def test_pairs_of_the_trash_are_hidden_and_come_back(open_app: Open) -> None:
    """T-112, T-113: without an action nothing is taken apart."""
    app = await filled(open_app, "no-action")
    await app.delete("Tags", 2)
    assert await app.column("Posts", "tags") == [[1], []]
    await app.update("Posts", 1, tags=[])
    await app.restore("Tags", 2)
    assert await app.column("Posts", "tags") == [[2], [2]]
    await app.delete("Posts", 2)
    assert await app.column("Tags", "posts") == [[], [1]]
    await app.delete("Posts", 2, permanent=True)
    await app.delete("Tags", 2, permanent=True)
    assert pairs(app) == []


async def test_a_cascade_goes_and_comes_back_over_pairs(open_app: Open) -> None:
    """T-112, D-40"""
    app = await filled(open_app, "cascade")
    await app.delete("Tags", 1)
    assert await app.ids("Posts") == ["2"]
    await app.restore("Tags", 1)
    assert await app.column("Posts", "tags") == [[1, 2], [2]]
    await app.delete("Tags", 2, permanent=True)
    assert await app.ids("Posts") == []
    assert pairs(app) == []


async def test_set_null_lets_go_of_pairs(open_app: Open) -> None:
    """T-113, D-09"""
    app = await filled(open_app, "set-null")
    assert await app.delete("Tags", 2) is True
    assert await app.column("Posts", "tags") == [[1], []]
    assert pairs(app) == [(1, 1)]
    assert await app.delete("Posts", 1) is False


async def test_restrict_keeps_what_is_linked_by_pairs(open_app: Open) -> None:
    """T-114, T-116"""
    app = await filled(open_app, "restrict")
    with pytest.raises(Conflict) as refused:
        await app.delete("Tags", 1)
    assert refused.value.status == 400
    assert await app.ids("Tags") == ["1", "2"]
    await app.delete("Posts", 1)
    await app.delete("Tags", 1)
    assert await app.ids("Tags") == ["2"]


CIRCLE = """
tables:
  - name: Folders
    fields:
      - { name: part_of, type: relationship, relatedTable: Folders, onDelete: cascade }
      - { name: cover, type: relationship, relatedTable: Pictures, onDelete: cascade }
  - name: Pictures
    fields:
      - { name: folder, type: relationship, relatedTable: Folders, onDelete: cascade }
"""


async def test_cascades_go_round_in_circles_once(open_app: Open) -> None:
    """T-108, T-112, R-044, D-40: within a table and over two; every record is logged once."""
    app = open_app(CIRCLE)
    for part_of in (None, 1, 2):
        await app.create("Folders", part_of=part_of)
    await app.create("Pictures", folder=1)
    await app.update("Folders", 1, part_of=3, cover=1)
    await app.delete("Folders", 2)
    assert await app.ids("Folders") == await app.ids("Pictures") == []
    await app.restore("Folders", 3)
    assert (await app.ids("Folders"), await app.ids("Pictures")) == (["1", "2", "3"], ["1"])
    await app.delete("Pictures", 1, permanent=True)
    assert await app.ids("Folders", includeDeleted="true") == await app.ids("Pictures", includeDeleted="true") == []
    gone = "SELECT \"table\", record FROM system_change WHERE operation = 'permanent-delete' ORDER BY 1, 2"
    assert app.rows(gone) == [("folders", "1"), ("folders", "2"), ("folders", "3"), ("pictures", "1")]


RATES = """
tables:
  - name: Rates
    fields:
      - { name: code, type: single-line-text, unique: true }
      - { name: value, type: integer }
  - name: Sales
    fields:
      - { name: rate, type: relationship, relatedTable: Rates, relatedField: code, onUpdate: ACTION }
      - name: rates
        type: relationship
        relatedTable: Rates
        relatedField: code
        relationType: many-to-many
        onUpdate: ACTION
"""


LOCKERS = """
tables:
  - name: Keys
    fields:
      - { name: code, type: single-line-text, unique: true }
  - name: Lockers
    fields:
      - { name: number, type: integer }
      - { name: holder, type: relationship, relatedTable: Keys, relatedField: code, onDelete: set-null, onUpdate: cascade }
    constraints: [{ name: locked, check: "number > 9 OR (holder IS NOT NULL AND holder <> 'spare')" }]
    uniqueConstraints: [{ name: hung, fields: [holder], nullsNotDistinct: true }]
"""


@pytest.mark.parametrize(("number", "problem"), [(1, Invalid), (10, Conflict)])
async def test_a_record_that_would_break_a_rule_without_its_link_keeps_it(
    open_app: Open, number: int, problem: type[Exception]
) -> None:
    """T-113, T-116, T-136, T-141: by a constraint, and by a key of which there is one without a value already."""
    app = open_app(LOCKERS)
    await app.create("Keys", code="a")
    await app.create("Lockers", number=11)
    await app.create("Lockers", number=number, holder="a")
    for permanent in (False, True):
        with pytest.raises(problem):
            await app.delete("Keys", 1, permanent=permanent)
    assert await app.ids("Keys") == ["1"]
    assert await app.column("Lockers", "holder") == [None, "a"]
    await app.delete("Lockers", 1, permanent=True)
    await app.update("Lockers", 2, number=12)
    assert await app.delete("Keys", 1) is True
    assert await app.column("Lockers", "holder") == [None]


async def test_a_value_that_follows_meets_the_rules_of_its_record(open_app: Open) -> None:
    """T-115, T-141"""
    app = open_app(LOCKERS)
    await app.create("Keys", code="a")
    await app.create("Lockers", number=1, holder="a")
    with pytest.raises(Invalid):
        await app.update("Keys", 1, code="spare")
    assert (await app.column("Keys", "code"), await app.column("Lockers", "holder")) == (["a"], ["a"])
    await app.update("Keys", 1, code="b")
    assert await app.column("Lockers", "holder") == ["b"]


async def test_links_follow_a_value_that_changes(open_app: Open) -> None:
    """T-115"""
    app = open_app(RATES.replace("ACTION", "cascade"))
    await app.create("Rates", code="a", value=1)
    await app.create("Sales", rate="a", rates=["a"])
    await app.update("Rates", 1, code="b")
    assert await app.column("Sales", "rate", "rates") == [["b", ["b"]]]
    await app.update("Rates", 1, value=2)
    assert await app.column("Sales", "rate", "rates") == [["b", ["b"]]]


async def test_a_value_that_links_hold_may_be_kept_from_changing(open_app: Open) -> None:
    """T-115"""
    app = open_app(RATES.replace("ACTION", "restrict"))
    await app.create("Rates", code="a", value=1)
    await app.create("Sales", rate="a")
    with pytest.raises(Conflict):
        await app.update("Rates", 1, code="b")
    assert await app.column("Rates", "code") == ["a"]


ROOMS = """
tables:
  - name: Rooms
    fields:
      - { name: house, type: single-line-text }
      - { name: number, type: integer }
    unique: [ { fields: [house, number] } ]
  - name: Stays
    fields:
      - { name: guest, type: single-line-text }
      - { name: house, type: single-line-text }
      - { name: number, type: integer }
    foreignKeys:
      - name: fk_room
        fields: [house, number]
        referencedTable: Rooms
        referencedFields: [house, number]
        onDelete: ON_DELETE
        onUpdate: CASCADE
"""


async def test_references_over_several_fields(open_app: Open) -> None:
    """T-117"""
    app = open_app(ROOMS.replace("ON_DELETE", "SET NULL"))
    await app.create("Rooms", house="A", number=1)
    await app.create("Stays", guest="Ann", house="A", number=1)
    await app.create("Stays", guest="Ben", house="B", number=None)
    with pytest.raises(Invalid, match="no such record of Rooms"):
        await app.create("Stays", guest="Cid", house="A", number=2)
    with pytest.raises(Invalid, match="no such record of Rooms"):
        await app.update("Stays", 2, number=1)
    await app.update("Rooms", 1, number=7)
    assert await app.column("Stays", "house", "number") == [["A", 7], ["B", None]]
    assert await app.delete("Rooms", 1) is True
    assert await app.column("Stays", "house", "number") == [[None, None], ["B", None]]


async def test_references_over_several_fields_restrict(open_app: Open) -> None:
    """T-117, T-114"""
    app = open_app(ROOMS.replace("ON_DELETE", "restrict"))
    await app.create("Rooms", house="A", number=1)
    await app.create("Stays", guest="Ann", house="A", number=1)
    with pytest.raises(Conflict):
        await app.delete("Rooms", 1)


FIRMS = """
tables:
  - name: Firms
    allowForceDelete: true
    fields:
      - { name: code, type: single-line-text, unique: true }
      - { name: above, type: relationship, relatedTable: Firms, onDelete: restrict }
    uniqueIgnoresDeleted: true
  - name: People
    fields:
      - { name: name, type: single-line-text }
      - { name: firm, type: relationship, relatedTable: Firms, onDelete: restrict }
      - { name: payer, type: relationship, relatedTable: Firms, onDelete: restrict, required: true }
"""


async def test_a_batch_goes_on_without_what_cannot_be_done(open_app: Open) -> None:
    """R-054, D-16: deleting and restoring those that can be, in one transaction"""
    app = open_app(FIRMS)
    firms = app.table("Firms")
    for code in "abcdef":
        await app.create("Firms", code=code)
    await app.update("Firms", 2, above=1)
    await app.create("People", name="Ada", firm=3, payer=6)

    # 1 can go because 2 does, wherever it stands in the batch; nobody knows 99 and "x"; 3 and 6 are held.
    done = await app.records.batches.delete(OWNER, firms, [1, 99, 3, 5, "x", 6, 2], sparing=True)
    assert done["deleted"] == 3
    assert [(each["record"], each["id"], each["code"]) for each in done["errors"]] == [
        (1, "99", "NOT_FOUND"),
        (2, "3", "CONFLICT"),
        (4, "x", "NOT_FOUND"),
        (5, "6", "CONFLICT"),
    ]
    assert await app.ids("Firms") == ["3", "4", "6"]
    log = app.rows("SELECT DISTINCT \"transaction\" FROM system_change WHERE operation = 'delete'")
    assert len(log) == 1

    await app.create("Firms", code="a")  # taken meanwhile
    back = await app.records.batches.restore(OWNER, firms, ["1", 2, 5, 99, 3], sparing=True)
    assert back["restored"] == 2  # 3 is not deleted, and passed over
    assert [(each["id"], each["code"]) for each in back["errors"]] == [("1", "CONFLICT"), ("99", "NOT_FOUND")]
    nothing = await app.records.batches.delete(OWNER, firms, [98, 99], sparing=True)
    assert (nothing["deleted"], len(nothing["errors"])) == (0, 2)


async def test_a_restricted_record_may_be_forced_out_of_existence(open_app: Open) -> None:
    """allowForceDelete (§2.1): what may be empty is cleared, what may not still stands in the way"""
    app = open_app(FIRMS)
    for code in "ab":
        await app.create("Firms", code=code)
    await app.create("People", name="Ada", firm=1, payer=2)
    with pytest.raises(Conflict):
        await app.delete("Firms", 1)
    await app.delete("Firms", 1, permanent=True)
    assert (await app.get("People", 1))["fields"]["firm"] is None
    with pytest.raises(Conflict):
        await app.delete("Firms", 2, permanent=True)


FAMILY = """
tables:
  - name: Firms
    fields: [{ name: name, type: single-line-text }]
  - name: Teams
    fields:
      - { name: name, type: single-line-text }
      - { name: firm, type: relationship, relatedTable: Firms, onDelete: cascade }
  - name: People
    fields:
      - { name: name, type: single-line-text }
      - { name: team, type: relationship, relatedTable: Teams, onDelete: cascade }
      - { name: first_team, type: relationship, relatedTable: Teams, onDelete: set-null }
  - name: Contracts
    fields: [{ name: person, type: relationship, relatedTable: People, onDelete: restrict }]
"""


async def test_what_a_delete_brings_with_it_is_one_with_it(open_app: Open) -> None:
    """T-112, T-113, T-116, R-043, D-40: somebody two tables away who may not go keeps all of it; else all goes in one
    transaction, and what went with it comes back with it, and nothing else."""
    app = open_app(FAMILY)
    await app.create("Firms", name="f")
    for name in ("a", "b"):
        await app.create("Teams", name=name, firm=1)
    for name, team in (("x", 1), ("y", 2), ("z", 2)):
        await app.create("People", name=name, team=team, first_team=1)
    await app.create("Contracts", person=1)
    before = app.rows("SELECT count(*) FROM system_change")
    with pytest.raises(Conflict) as refused:
        await app.delete("Firms", 1)
    assert refused.value.status == 400
    assert (await app.ids("Firms"), await app.ids("Teams"), await app.ids("People")) == (
        ["1"],
        ["1", "2"],
        ["1", "2", "3"],
    )
    assert await app.column("People", "first_team") == [1, 1, 1]
    assert app.rows("SELECT count(*) FROM system_change") == before

    await app.delete("Contracts", 1)
    await app.delete("People", 3)  # by itself, before
    await app.delete("Firms", 1)
    assert (await app.ids("Firms"), await app.ids("Teams"), await app.ids("People")) == ([], [], [])
    transactions = app.rows("SELECT count(DISTINCT transaction) FROM system_change WHERE operation = 'delete'")
    assert transactions == [(3,)], "the contract, the person, and all the others at once"
    await app.restore("Firms", 1)
    assert (await app.ids("Firms"), await app.ids("Teams"), await app.ids("People")) == (["1"], ["1", "2"], ["1", "2"])


LADDER = """
tables:
  - name: Rungs
    fields: [{ name: rail, type: relationship, relatedTable: Rails, onDelete: cascade }]
  - name: Rails
    fields: [{ name: rung, type: relationship, relatedTable: Rungs, onDelete: cascade }]
"""


async def test_a_chain_through_two_tables_goes_however_long_it_is(open_app: Open) -> None:
    """T-112: longer than calls can stand within calls."""
    app, last = open_app(LADDER), 520
    values = f"now(), now() FROM generate_series(1, {last}) AS t(i)"
    for sql in (
        f"INSERT INTO rungs (rail, created_at, updated_at) SELECT nullif(i - 1, 0), {values}",
        f"INSERT INTO rails (rung, created_at, updated_at) SELECT i, {values}",
    ):
        app.database.submit_write(Call(partial(_run, sql))).result()
    await app.delete("Rungs", 1)
    assert app.rows("SELECT count(*), count(deleted_at) FROM rails") == [(last, last)]


def _run(sql: str, tx: Transaction) -> None:
    tx.execute(sql)


DIAMOND = """
tables:
  - name: Lines
    fields:
      - { name: firm, type: relationship, relatedTable: Firms, onDelete: restrict }
      - { name: bill, type: relationship, relatedTable: Bills, onDelete: cascade }
  - name: Firms
    fields: [{ name: code, type: single-line-text }]
  - name: Bills
    fields: [{ name: firm, type: relationship, relatedTable: Firms, onDelete: cascade }]
"""


async def test_what_goes_along_stands_in_nobodys_way(open_app: Open) -> None:
    """T-114: in whatever order the tables are written; what stays does."""
    app = open_app(DIAMOND)
    for code in "ab":
        await app.create("Firms", code=code)
    await app.create("Bills", firm=1)
    for bill, firm in ((1, 1), (1, 2)):
        await app.create("Lines", bill=bill, firm=firm)
    with pytest.raises(Conflict):
        await app.delete("Firms", 2)
    await app.delete("Firms", 1)
    assert [await app.ids(name) for name in ("Firms", "Bills", "Lines")] == [["2"], [], []]
    await app.restore("Firms", 1)
    assert await app.ids("Lines") == ["1", "2"]
    await app.delete("Firms", 1, permanent=True)
    assert app.rows("SELECT count(*) FROM lines") == [(0,)]
