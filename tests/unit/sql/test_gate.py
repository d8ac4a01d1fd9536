"""SQL of callers who are not above the rules, on both databases."""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from core.principal import OWNER, Principal
from core.records.service import Records
from core.sql.run import SqlRuns
from core.storage.database import Call, Settings, Transaction
from tests.conftest import OpenDatabase
from tests.support.apps import app_model
from tests.support.databases import duckdb_file, postgresql_schema
from tests.support.sql_gate import ADA, Chance, Desk, Desks, cases, clock, desks
from tests.support.tables import create_tables

NOT_READ = ("42501", "42601")
"""Of what one database knows, the other may not even read the words."""
HIDDEN = ("HIDDEN", "98765", "98.5", "1999-09-09")
"""What stands in rows and columns that the caller does not see, and nowhere else."""


@pytest.fixture
def other_settings(database_settings: Settings, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Another database of the same kind."""
    if database_settings.url.startswith("duckdb"):
        (tmp_path / "copy").mkdir()
        yield duckdb_file(tmp_path / "copy")
        return
    with postgresql_schema(request.getfixturevalue("postgresql_address")) as settings:
        yield settings


@pytest.fixture
async def both(open_db: OpenDatabase, other_settings: Settings) -> Desks:
    return await desks(open_db(clock=clock), open_db(other_settings, clock=clock))


def bag(rows: Any) -> list[str]:
    return sorted(map(repr, rows))


async def test_corpus(both: Desks) -> None:
    """A-196, A-198, T14: every statement gives what it gives on the copy, or is refused by its code; no hidden row, name
    or value is in any answer."""
    wrong = []
    total = 0
    for case in cases(both.records.database.dialect):
        total += 1
        found = await both.gated(case.sql)
        code = found["problem"]["code"] if "problem" in found else None
        told = repr(found.get("problem")) + repr(found.get("rows"))
        if any(word in told for word in HIDDEN) or ("vault" in told and "vault" not in case.sql.lower()):
            wrong.append((case, "LEAK", told))
        name, is_kind, _ = found.get("problem", {}).get("message", "").partition(" is not run here; ")
        if is_kind and not case.sql.lstrip("( ").upper().startswith(name):
            wrong.append((case, "NAMED ANOTHER WAY", name))
        if case.expected == "rows":
            copy = await both.copy(case.sql.replace("auth.uid()", "'ada'").replace("AUTH.UID()", "'ada'"))
            if "auth." in case.sql and "problem" in copy:
                continue
            if "problem" in copy and code is not None:
                wrong.append((case, "FAILS ON BOTH", found["problem"], copy["problem"]))
            elif bag(found.get("rows", ["none"])) != bag(copy.get("rows", ["missing"])):
                wrong.append((case, found.get("problem", found.get("rows")), copy.get("problem", copy.get("rows"))))
        elif case.expected == "0":
            if found.get("changed") != 0:
                wrong.append((case, found))
        elif code not in (NOT_READ if case.expected in NOT_READ else (case.expected,)):
            wrong.append((case, code, found.get("problem", found.get("rows"))))
    assert not wrong, f"{len(wrong)} of {total}:\n" + "\n".join(map(str, wrong))
    assert total >= (500 if both.records.database.dialect == "duckdb" else 250)


async def test_by_chance(both: Desks) -> None:
    """T14: statements put together at random give what they give on the copy. More with SOVRIUM_CHANCE=10000."""
    count = int(os.environ.get("SOVRIUM_CHANCE", "40"))
    chance = Chance(Random(int(os.environ.get("SOVRIUM_SEED", "5"))))
    failed = 0
    for _ in range(count):
        sql = chance.statement()
        found, copy = await both.gated(sql), await both.copy(sql)
        failed += "problem" in copy
        assert ("problem" in found) == ("problem" in copy), (sql, found, copy)
        assert bag(found.get("rows", ())) == bag(copy.get("rows", ())), sql
    assert failed <= count // 20, "nearly all of them must mean something"


async def test_failures_tell_nothing(open_duckdb: OpenDatabase) -> None:
    """A-197, T15: whatever fails on hidden rows, of which there are 400,000 behind a policy with a sub-select, does not
    fail: the rows are not looked at; and where a visible row fails it, no value is told."""
    database = open_duckdb()
    model = app_model(LEAKY)
    create_tables(database, model)

    def fill(tx: Transaction) -> None:
        seen = "i % 40000 = 7"
        rows = f"SELECT i, CASE WHEN {seen} THEN '5' ELSE 'HIDDEN ' || i END, CASE WHEN {seen} THEN 5 ELSE 9 END"
        tx.execute(
            f"INSERT INTO big (id, word, n, created_at, updated_at) {rows}, now(), now() FROM range(400000) r(i)"
        )
        # As many that the database does not narrow the rows down by them before anything else.
        words = "SELECT i, CASE WHEN i = 0 THEN '5' ELSE 'Z' || i END FROM range(3000) r(i)"
        tx.execute(f"INSERT INTO keys (id, word, created_at, updated_at) SELECT *, now(), now() FROM ({words})")

    await database.write(Call(fill))
    gated = Desk(SqlRuns(database, model, None, Records(database, model)), ADA)
    for sql in LEAKS:
        found = await gated(sql)
        assert "problem" not in found, (sql, found)
        assert "HIDDEN" not in repr(found["rows"])
        assert found["rows"] == [[10]] or len(found["rows"]) in (1, 10), (sql, found["rows"])
    for sql in ("SELECT CAST(word || 'x' AS INTEGER) FROM big", "SELECT error(word) FROM big"):
        problem = (await gated(sql))["problem"]
        assert problem["code"] in ("22000", "42501")
        said, _, _ = problem["message"].partition("(run_")  # the run's id may hold any letters
        assert "HIDDEN" not in said
        assert "5x" not in said


async def test_rules_of_rows_and_fields(open_db: OpenDatabase) -> None:
    """P-035: who types SQL has the rows and fields that `permissions` and `rowLevelPermissions` leave each role, in what it
    reads and in what it writes."""
    model, database = app_model(RULED), open_db()
    create_tables(database, model)
    records = Records(database, model)
    runs = SqlRuns(database, model, None, records)
    rows = [{"text": text, "owner": owner, "cost": 7} for text, owner in (("a", "ada"), ("b", "bob"), ("c", "eve"))]
    await records.batches.create(OWNER, model.by_sql_name["notes"], {"records": [{"fields": row} for row in rows]})

    def desk(who: str, *roles: str) -> Desk:
        return Desk(runs, Principal("user", id=who, roles=frozenset(roles)))

    ada, eve, both = desk("ada", "member"), desk("eve", "editor"), desk("ada", "member", "editor")
    for one, texts, cost in ((ada, "a", None), (eve, "abc", 7), (both, "abc", 7), (desk("x", "viewer"), None, None)):
        read = await one("SELECT text FROM notes ORDER BY id")
        assert (None if "problem" in read else "".join(row[0] for row in read["rows"])) == texts
        costs = await one("SELECT max(cost) FROM notes")
        assert (costs["rows"][0][0] if cost else costs["problem"]["code"]) == (cost or ("42703" if texts else "42P01"))
    for one, sql, outcome in (
        (ada, "UPDATE notes SET text = 'aa'", 1),
        (ada, "UPDATE notes SET owner = 'bob'", "42501"),
        (ada, "UPDATE notes SET cost = 1", "42703"),
        (ada, "INSERT INTO notes (text, owner) VALUES ('d', 'ada')", 1),
        (ada, "INSERT INTO notes (text, owner) VALUES ('d', 'bob')", "42501"),
        (ada, "DELETE FROM notes", "42501"),
        (eve, "UPDATE notes SET cost = 1 WHERE text = 'c'", 1),
        (eve, "UPDATE notes SET text = 'x' WHERE owner <> 'eve'", 0),
        (eve, "DELETE FROM notes WHERE text = 'b'", 1),
    ):
        found = await one(sql)
        assert found.get("changed", found.get("problem", {}).get("code")) == outcome, (sql, found)


RULED = """
auth: {strategies: [{type: emailAndPassword}], roles: [{name: editor, level: 30}]}
tables:
  - name: notes
    fields:
      - {name: text, type: single-line-text}
      - {name: owner, type: single-line-text}
      - {name: desk, type: single-line-text, default: editor}
      - {name: cost, type: integer}
    permissions:
      read: [member, editor]
      create: [member]
      update: [member, editor]
      delete: [editor]
      fields: [{field: cost, read: [editor], write: [editor]}]
    rowLevelPermissions:
      read:
        when:
          logic: or
          conditions:
            - {field: owner, operator: eq, value: $currentUser.id}
            - {field: desk, operator: eq, value: $currentUser.role}
      write: {when: {field: owner, operator: eq, value: $currentUser.id}}
      create: {when: {field: owner, operator: eq, value: $currentUser.id}}
"""
LEAKY = """
auth: {strategies: [{type: emailAndPassword}]}
tables:
  - name: big
    fields: [{name: word, type: single-line-text}, {name: n, type: integer}]
    rls: {policies: [{name: p, using: "word in (select word from keys)"}]}
  - name: keys
    fields: [{name: word, type: single-line-text}]
"""
LEAKS = (
    "SELECT count(*) FROM big WHERE CAST(word AS INTEGER) = 5",
    "SELECT count(*) FROM big WHERE word::INTEGER > 0",
    "SELECT CAST(word AS INTEGER) FROM big",
    "SELECT sum(CAST(word AS INTEGER)) FROM big",
    "SELECT max(CAST(word AS INTEGER)) OVER () FROM big",
    "SELECT count(*) FROM big GROUP BY CAST(word AS INTEGER)",
    "SELECT id FROM big ORDER BY CAST(word AS INTEGER), id LIMIT 10",
    "SELECT DISTINCT CAST(word AS INTEGER) FROM big",
    "SELECT count(*) FROM big WHERE CAST(word AS DATE) IS NULL OR true",
    "SELECT count(*) FROM big a JOIN (SELECT '5' AS word) k ON a.word = k.word AND CAST(a.word AS INTEGER) = 5",
    "SELECT count(*) FROM (SELECT 1) k LEFT JOIN big a ON CAST(a.word AS INTEGER) = 5",
    "SELECT 10 WHERE EXISTS (SELECT 1 FROM big a WHERE CAST(a.word AS INTEGER) = 5)",
    "SELECT (SELECT max(CAST(word AS INTEGER)) FROM big)",
    "SELECT count(*) FROM (SELECT CAST(word AS INTEGER) AS w FROM big) x WHERE w = 5",
    "WITH x AS (SELECT CAST(word AS INTEGER) AS w FROM big) SELECT count(*) FROM x WHERE w = 5",
    "WITH x AS MATERIALIZED (SELECT * FROM big) SELECT count(*) FROM x WHERE CAST(word AS INTEGER) = 5",
    "SELECT count(*) FROM big WHERE n * 1800000000000000000 > 0 OR word LIKE '5'",
    "SELECT count(*) FROM big WHERE 10 // n > 0 OR true",
    "SELECT count(*) FROM big WHERE 9223372036854775802 + n > 0",
    "SELECT count(*) FROM big WHERE word LIKE 'HIDDEN%' OR word = '5'",
    "SELECT count(*) FROM big WHERE regexp_matches(word, '^(HIDDEN|5)')",
    "SELECT count(*) FROM big WHERE CASE WHEN word LIKE 'HIDDEN%' THEN CAST(word AS INTEGER) ELSE 5 END = 5",
    "SELECT count(*) FROM big WHERE strptime(word, '%d') IS NOT NULL",
    "SELECT 10 WHERE NOT EXISTS (SELECT 1 FROM big WHERE word LIKE 'HIDDEN%')",
)
