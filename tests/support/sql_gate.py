"""A caller behind the gate of typed SQL, and beside it a copy of the database that holds only what the caller may see."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from core.contract.console import SqlRun
from core.principal import OWNER, Principal
from core.records.service import Records
from core.sql.run import SqlRuns
from core.storage.database import Call, Database, Transaction
from tests.support.apps import app_model
from tests.support.tables import create_tables

APP = """
auth: {{strategies: [{{type: emailAndPassword}}]}}
tables:
  - name: tickets
    fields:
      - {{name: title, type: single-line-text}}
      - {{name: owner_id, type: single-line-text}}
      - {{name: n, type: integer}}
      - {{name: price, type: decimal}}
      - {{name: day, type: date}}
      - {{name: flag, type: checkbox}}
      - {{name: meta, type: json}}
      - {{name: tags, type: multi-select, options: [red, blue]}}
      {cost}
    {permissions}
    {policies}
  - name: members
    fields: [{{name: team, type: single-line-text}}, {{name: person, type: single-line-text}}]
    permissions: {{read: authenticated}}
  - name: notes
    fields:
      - {{name: text, type: single-line-text}}
      {amount}
    {note_permissions}
  - name: inbox
    fields: [{{name: text, type: single-line-text}}]
    {inbox}
  {vault}
"""
WHOLE = APP.format(
    cost="- {name: cost, type: integer}",
    permissions="permissions: {read: authenticated, create: authenticated, update: authenticated, "
    "delete: authenticated, fields: [{field: cost, read: [admin], write: [admin]}]}",
    policies="""rls:
      policies:
        - {name: own, using: "owner_id = auth.uid()"}
        - {name: quiet, as: restrictive, using: "title not in (select person from members where team = 'shut')"}""",
    amount="- {name: amount, type: integer}",
    note_permissions="permissions: {read: authenticated, create: authenticated, update: authenticated, "
    "delete: authenticated, fields: [{field: amount, read: [admin], write: [admin]}]}",
    inbox="rls: {}",
    vault="- {name: vault, fields: [{name: secret, type: single-line-text}], permissions: {read: [admin]}}",
)
VISIBLE = APP.format(cost="", permissions="", policies="", amount="", note_permissions="", inbox="", vault="")
ADA = Principal("user", id="ada", email="ada@x.org", roles=frozenset({"member"}))
TICKETS: list[dict[str, Any]] = [
    {"title": "Ab", "owner_id": "ada", "n": 1, "price": 1.5, "day": "2026-01-01", "flag": True, "tags": ["red"]},
    {"title": "HIDDEN one", "owner_id": "bob", "n": 987654, "price": 98.5, "day": "1999-09-09", "tags": ["blue"]},
    {"title": "b", "owner_id": "ada", "n": 2, "price": 2.5, "day": "2026-02-01", "flag": False, "meta": {"k": "v"}},
    {"title": "HIDDEN two", "n": 987655, "flag": True, "meta": {"k": "HIDDEN"}},
    {"title": "c", "owner_id": "ada", "tags": ["red", "blue"], "meta": {"k": "w", "deep": {"x": "y"}}},
    {"title": "HIDDEN three", "owner_id": "ada", "n": 987656},
]
MEMBERS = [("Ab", "ada"), ("b", "bob"), ("x", "eve"), ("shut", "HIDDEN three"), ("b", "ada")]
NOTES = [("Ab", 987657), ("other", 987658)]
MOMENT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def clock() -> datetime:
    return MOMENT


@dataclass
class Desks:
    """`gated` runs a statement as Ada, `copy` on the copy as its owner."""

    gated: Callable[[str], Any]
    copy: Callable[[str], Any]
    records: Records


class Desk:
    def __init__(self, runs: SqlRuns, principal: Principal) -> None:
        self.runs = runs
        self.principal = principal

    async def __call__(self, sql: str) -> dict[str, Any]:
        """`rows`, or `changed`, or the `problem`."""
        run: SqlRun = await self.runs.start({"sql": sql, "confirmed": True}, self.principal)
        while run["state"] == "running":
            run = await self.runs.get(run["id"], 5, self.principal)
        found: dict[str, Any] = dict(run["statements"][0])
        if "columns" in found:
            window = await self.runs.window(run["id"], 0, 0, 1000, self.principal)
            found["rows"] = window["rows"]
        await self.runs.cancel(run["id"], self.principal)
        return found


async def fill(database: Database, records: Records, *, visible: bool) -> None:
    model = records.model
    by_name = {table.sql_name: table for table in model}
    listed = {
        "tickets": [{**row, **({} if visible else {"cost": 987659})} for row in TICKETS],
        "members": [{"team": team, "person": person} for team, person in MEMBERS],
        "notes": [{"text": text, **({} if visible else {"amount": amount})} for text, amount in NOTES],
        "inbox": [{"text": "HIDDEN letter"}],
        "vault": [{"secret": "HIDDEN secret"}],
    }
    for name, rows in listed.items():
        if name in by_name:
            body = {"records": [{"fields": row} for row in rows]}
            await records.batches.create(OWNER, by_name[name], body)
    if visible:

        def narrow(tx: Transaction) -> None:
            tx.execute("DELETE FROM tickets WHERE title LIKE 'HIDDEN%'")
            tx.execute("DELETE FROM inbox")

        await database.write(Call(narrow))


async def desks(whole: Database, copy: Database) -> Desks:
    both = []
    for database, text in ((whole, WHOLE), (copy, VISIBLE)):
        model = app_model(text)
        create_tables(database, model)
        records = Records(database, model)
        await fill(database, records, visible=database is copy)
        both.append((SqlRuns(database, model, None, records), records))
    (runs, records), (other, _) = both
    return Desks(Desk(runs, ADA), Desk(other, OWNER), records)


@dataclass(frozen=True)
class Case:
    expected: str
    sql: str
    line: int


def cases(dialect: str) -> Iterator[Case]:
    """The corpus, those for another database left out. What is refused before any database is asked is refused by the same
    lists on both: of that PostgreSQL gets every third."""
    text = (Path(__file__).parents[1] / "corpora" / "sql_gate.txt").read_text()
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        expected, _, sql = line.partition(" ")
        sql = sql.strip()
        for each in ("duckdb", "postgresql"):
            if sql.endswith(f" [{each}]"):
                if each != dialect:
                    break
                sql = sql.removesuffix(f" [{each}]")
        else:
            if dialect == "duckdb" or expected not in ("42501", "42P01", "42601") or number % 3 == 0:
                yield Case(expected, sql, number)


# ── Statements by chance ──


class Chance:
    """Statements over the tables of the app, of every form that is let in, nested at random."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.names = 0

    def statement(self) -> str:
        sql = self.query(2)
        if self.rng.random() < 0.25:
            return f"WITH c AS ({self.query(1)}) SELECT count(*), (SELECT count(*) FROM c) FROM c, ({sql}) q"
        return sql

    def query(self, depth: int) -> str:
        rng = self.rng
        if depth and rng.random() < 0.2:
            word = rng.choice(("UNION", "UNION ALL", "INTERSECT", "EXCEPT"))
            return f"SELECT {self.text('a')} AS v FROM tickets a {word} SELECT {self.text('b')} FROM tickets b"
        one = self.name()
        source, aliases = self.table(one, depth), [one]
        for _ in range(rng.choice((0, 0, 1))):
            alias = self.name()
            join = rng.choice(("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
            source += f" {join} {self.table(alias, depth)} ON {one}.title = {alias}.title"
            aliases.append(alias)
        where = f" WHERE {self.condition(aliases, depth)}" if rng.random() < 0.7 else ""
        if rng.random() < 0.3:
            key = self.text(aliases[0])
            return f"SELECT {key} AS title, count(*) AS n, max({aliases[0]}.n) AS m FROM {source}{where} GROUP BY {key}"
        shown = ", ".join(f"{self.value(aliases)} AS v{place}" for place in range(rng.randint(1, 3)))
        return f"SELECT {aliases[0]}.title, {aliases[0]}.n, {shown} FROM {source}{where}"

    def table(self, alias: str, depth: int) -> str:
        if depth and self.rng.random() < 0.3:
            return (
                f"(SELECT title, n, owner_id, flag, price FROM tickets WHERE {self.condition(['tickets'], 0)}) {alias}"
            )
        return f"tickets {alias}"

    def condition(self, aliases: list[str], depth: int) -> str:
        rng, alias = self.rng, self.rng.choice(aliases)
        kind = rng.randrange(9)
        if kind == 0 and depth:
            return f"({self.condition(aliases, depth - 1)} {rng.choice(('AND', 'OR'))} {self.condition(aliases, depth - 1)})"
        if kind == 1:
            return f"NOT ({self.condition(aliases, 0)})"
        if kind == 2 and depth:
            inner = self.name()
            return f"EXISTS (SELECT 1 FROM {rng.choice(('tickets', 'members'))} {inner} WHERE {inner}.id = {alias}.n)"
        if kind == 3 and depth:
            return f"{alias}.title IN (SELECT {rng.choice(('team', 'person'))} FROM members)"
        if kind == 4:
            return f"{alias}.n {rng.choice(('=', '<>', '<', '>='))} {rng.choice(('1', '2', '987654', '987655'))}"
        if kind == 5:
            return f"{alias}.title LIKE {rng.choice(QUOTED)}"
        if kind == 6:
            return f"{alias}.{rng.choice(('n', 'price', 'flag', 'owner_id'))} IS {rng.choice(('', 'NOT '))}NULL"
        if kind == 7:
            return f"{alias}.n > (SELECT {rng.choice(('min', 'max', 'avg'))}(n) FROM tickets)"
        return f"CAST({alias}.n AS VARCHAR) = '1'"

    def value(self, aliases: list[str]) -> str:
        alias = self.rng.choice(aliases)
        return self.rng.choice(
            (
                f"{alias}.n + 1",
                self.text(alias),
                f"coalesce({alias}.price, 0)",
                f"CASE WHEN {self.condition(aliases, 0)} THEN 1 ELSE 0 END",
                f"(SELECT count(*) FROM tickets x WHERE x.n <= {alias}.n)",
                "(SELECT max(title) FROM tickets)",
                f"count(*) OVER (PARTITION BY {alias}.flag)",
                f"rank() OVER (ORDER BY {alias}.n)",
            )
        )

    def text(self, alias: str) -> str:
        return self.rng.choice((f"{alias}.title", f"lower({alias}.title)", f"coalesce({alias}.title, '-')"))

    def name(self) -> str:
        self.names += 1
        return f"t{self.names}"


QUOTED = ("'HIDDEN%'", "'%b'", "'A_'")
