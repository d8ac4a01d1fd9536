"""Row policies as both databases answer them."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from core.errors import NotFound
from core.fields.model import AppModel
from core.principal import GUEST, OWNER, Principal
from core.records.service import Records
from core.storage.database import Database
from core.storage.session import SessionReader
from tests.support.apps import app_model
from tests.support.tables import create_tables

APP = """
auth:
  strategies: [{{type: emailAndPassword}}]
  roles: [{{name: editor, level: 30}}]
  groups: [{{name: finance}}]
  scopeTables: [clients]
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
      - {{name: tags, type: multi-select, options: [red, blue, ada]}}
    permissions: {{read: all, create: authenticated, update: authenticated, delete: authenticated}}
    {tickets}
  - name: members
    fields:
      - {{name: team, type: single-line-text}}
      - {{name: person, type: single-line-text}}
    {members}
  - name: clients
    fields: [{{name: name, type: single-line-text}}]
"""
ROWS: list[dict[str, Any]] = [
    {"title": "a", "owner_id": "ada", "n": 1, "price": 1.5, "day": "2026-01-01", "flag": True, "tags": ["red"]},
    {"title": "b", "owner_id": "bob", "n": 2, "price": 2.5, "day": "2026-02-01", "flag": False, "tags": ["ada"]},
    {"title": "Ab", "owner_id": "ada", "n": 3, "day": "2026-03-01", "meta": {"k": "v", "deep": {"x": "y"}}},
    {"title": "d", "n": 0, "price": 0, "flag": True, "tags": ["red", "ada"], "meta": {"k": "w"}},
]
ADA = Principal("user", id="ada", email="ada@x.org", roles=frozenset({"editor"}), groups=frozenset({"finance"}))
BOB = Principal("user", id="bob", roles=frozenset({"member"}), aal="aal2")
ADMIN = Principal("user", id="root", roles=frozenset({"admin"}))


def model_of(policies: Sequence[str] = (), *, members: Sequence[str] = (), rest: str = "enabled: true") -> AppModel:
    def block(lines: Sequence[str], more: str) -> str:
        listed = "".join(f"\n        - {{{line}}}" for line in lines)
        return f"rls:\n      {more}\n      policies:{listed or ' []'}"

    return app_model(
        APP.format(tickets=block(policies, rest), members=block(members, "enabled: true") if members else "")
    )


@pytest.fixture
async def kept(db: Database) -> Database:
    """The rows, of an app without policies."""
    plain = app_model(APP.format(tickets="", members=""))
    create_tables(db, plain)
    records = Records(db, plain)
    tickets, members, clients = plain.tables
    await records.batches.create(OWNER, tickets, {"records": [{"fields": row} for row in ROWS]})
    for team, person in (("a", "ada"), ("b", "bob"), ("Ab", "bob")):
        await records.create(OWNER, members, {"team": team, "person": person})
    await records.create(OWNER, clients, {"name": "x"})
    return db


async def titles(db: Database, model: AppModel, principal: Principal) -> str:
    """The titles that a caller sees, in the order of the rows."""
    found = await Records(db, model).list(principal, model.tables[0], {"sort": "id"})
    assert found["pagination"]["total"] == len(found["records"])
    return " ".join(record["fields"]["title"] for record in found["records"])


async def test_truth_table(kept: Database) -> None:
    """A-189: two permissive policies are OR, two restrictive ones AND on top: all 16 combinations."""
    for p, q, r, s in itertools.product((False, True), repeat=4):
        word = {False: "n < 0", True: "n >= 0"}
        model = model_of(
            [
                f"name: p, using: '{word[p]}'",
                f"name: q, using: '{word[q]}'",
                f"name: r, as: restrictive, using: '{word[r]}'",
                f"name: s, as: restrictive, using: '{word[s]}'",
            ]
        )
        seen = await titles(kept, model, ADA)
        assert bool(seen) is ((p or q) and r and s), (p, q, r, s)


async def test_without_policies(kept: Database) -> None:
    """A-188: in force and nobody permitted anything: no rows and no new ones, but for those above policies. A restrictive
    policy permits nothing either."""
    for policies in ([], ["name: r, as: restrictive, using: 'true'"], ["name: e, to: [viewer], using: 'true'"]):
        model = model_of(policies)
        records, tickets = Records(kept, model), model.tables[0]
        for principal in (ADA, BOB):
            assert await titles(kept, model, principal) == ""
            with pytest.raises(NotFound):
                await records.create(principal, tickets, {"title": "x"})
            for key in "1", "99":
                for change in (
                    records.update(principal, tickets, key, {"n": 5}),
                    records.delete(principal, tickets, key),
                ):
                    with pytest.raises(NotFound):
                        await change
        assert await titles(kept, model, ADMIN) == await titles(kept, model, OWNER) == "a b Ab d"
    assert await titles(kept, model_of([], rest="enabled: false"), BOB) == "a b Ab d"
    assert await titles(kept, model_of([], rest="force: true"), ADMIN) == ""
    assert await titles(kept, model_of([], rest="force: true"), OWNER) == "a b Ab d"


EXPRESSIONS = [
    ("owner_id = auth.uid()", "a Ab", "b"),
    ("tickets.owner_id = (select auth.uid())", "a Ab", "b"),
    ("owner_id <> auth.uid()", "b", "a Ab"),
    ("owner_id is distinct from auth.uid()", "b d", "a Ab d"),
    ("not (owner_id = auth.uid()) and n is not null", "b", "a Ab"),
    ("owner_id is null", "d", "d"),
    ("auth.app_role() = 'editor'", "a b Ab d", ""),
    ("'member' = any(auth.roles()) and n > 0", "", "a b Ab"),
    ("auth.role() = 'authenticated' and n in (1, '2')", "a b", "a b"),
    ("auth.email() = 'ada@x.org'", "a b Ab d", ""),
    ("'finance' = any(auth.groups())", "a b Ab d", ""),
    ("auth.jwt() ->> 'aal' = 'aal2'", "", "a b Ab d"),
    ("auth.jwt() -> 'app_metadata' ->> 'role' = 'member'", "", "a b Ab d"),
    ("auth.jwt() ->> 'nothing' is null and price is null", "Ab", "Ab"),
    ("auth.uid() = any(tags)", "b d", ""),
    ("title = any(auth.roles()) or 'red' = any(tags)", "a d", "a d"),
    ("meta ->> 'k' = 'v' or meta -> 'deep' ->> 'x' = 'z'", "Ab", "Ab"),
    ("flag", "a d", "a d"),
    ("flag is false or flag is not true and n = 3", "b Ab", "b Ab"),
    ("price > 1.5 and price * 2 <= 5.0", "b", "b"),
    ("n / 0 = 1 or n % 2 = 1", "a Ab", "a Ab"),
    ("day between '2026-01-15' and date '2026-03-01'", "b Ab", "b Ab"),
    ("day < current_date and created_at > now() - interval '1 day'", "a b Ab", "a b Ab"),
    ("created_at > '2999-01-01'", "", ""),
    ("lower(title) like 'a%' and length(title) = 2", "Ab", "Ab"),
    ("title ilike 'A%'", "a Ab", "a Ab"),
    ("coalesce(owner_id, 'nobody') || '!' = 'nobody!'", "d", "d"),
    ("nullif(n, 0) is null", "d", "d"),
    ("case when n > 2 then 'much' when n > 0 then 'little' end = 'little'", "a b", "a b"),
    ("n::text = '3'", "Ab", "Ab"),
    ("id = auth.uid()", "", ""),
    ("n = null", "", ""),
    ("not (n = null)", "", ""),
    ("n in (1, null)", "a", "a"),
    ("not (n in (1, null))", "", ""),
    ("title in (select team from members where person = auth.uid())", "a", "b Ab"),
    ("exists (select 1 from members m where m.team = tickets.title and m.person = auth.uid())", "a", "b Ab"),
    ("exists (select 1 from members m where team = title and person <> owner_id)", "Ab", "Ab"),
    ("(select count(*) from members m where m.person = owner_id) > 1", "b", "b"),
    ("exists (select 1 from members m join members o on o.person = m.person and o.id <> m.id where m.team = title)",
     "b Ab", "b Ab"),
    ("auth.uid() in (select person from members where team = 'b')", "", "a b Ab d"),
    ("'1' = any(auth.assignments('clients')) and n = any(auth.assignments('clients'))", "", "b"),
]  # fmt: skip


async def test_expressions(kept: Database) -> None:
    """§13.1: what an expression says, for two callers, alike on both databases; A-192: nobody's id equals nothing."""
    from dataclasses import replace

    bob = replace(BOB, assignments={"clients": frozenset({"1", "2"})})
    model = model_of([f'name: p{n}, to: [viewer], using: "{text}"' for n, (text, _, _) in enumerate(EXPRESSIONS)])
    assert model.tables[0].spec.rls is not None
    for text, of_ada, of_bob in EXPRESSIONS:
        model = model_of([f'name: p, using: "{text}"'])
        assert await titles(kept, model, ADA) == of_ada, text
        found = await titles(kept, model, bob)
        # The second number is the caller's, the first would be hers too.
        wanted = "a b" if "clients" in text else of_bob
        assert found == wanted, text
    model = model_of(["name: p, using: 'owner_id = auth.uid()'"])
    assert not await Records(kept, model).visible_keys(GUEST, model.tables[0], ["1", "2", "3", "4"])


async def test_to_whom(kept: Database) -> None:
    """§13.1 `to`: roles, groups, sessions, everybody."""
    policies = [
        "name: a, to: [editor], using: 'n = 1'",
        "name: b, to: ['group:finance'], using: 'n = 2'",
        "name: c, to: authenticated, using: 'n = 3'",
        "name: d, to: [anon], using: 'n = 0'",
    ]
    model = model_of(policies)
    assert await titles(kept, model, ADA) == "a b Ab"
    assert await titles(kept, model, BOB) == "Ab"
    assert list(await Records(kept, model).visible_keys(GUEST, model.tables[0], ["1", "2", "3", "4"])) == ["4"]


async def test_writes(kept: Database) -> None:
    """A-190, A-191, A-195: what may be changed is what is seen and `using` admits; what becomes of it meets `check`, or else
    `using`, and stays in sight; a batch fails as a whole."""
    model = model_of(
        [
            "name: own, for: select, to: [member, editor], using: 'owner_id = auth.uid()'",
            "name: add, for: insert, to: [editor], check: 'owner_id = auth.uid()'",
            "name: change, for: update, to: [member, editor], using: 'n < 3'",
            "name: shut, for: update, as: restrictive, using: 'true', check: \"title <> 'closed'\"",
        ]
    )
    records, tickets = Records(kept, model), model.tables[0]
    assert (await records.update(ADA, tickets, "1", {"title": "new"}))["fields"]["title"] == "new"
    refused = [
        ("1", {"owner_id": "bob"}),  # out of sight
        ("1", {"n": 3}),  # `check` is `using`
        ("1", {"title": "closed"}),  # the restrictive check
        ("3", {"title": "x"}),  # seen, not to be changed
        ("2", {"title": "x"}),  # not seen
        ("77", {"title": "x"}),  # not there
    ]
    for key, change in refused:
        with pytest.raises(NotFound) as error:
            await records.update(ADA, tickets, key, change)
        assert error.value.body() == NotFound().body()
    for key in "1", "2", "77":
        with pytest.raises(NotFound):
            await records.delete(ADA, tickets, key)  # nothing permits it
    assert (await records.create(ADA, tickets, {"title": "mine", "owner_id": "ada"}))["fields"]["title"] == "mine"
    for who, row in ((ADA, {"owner_id": "bob"}), (BOB, {"owner_id": "bob"})):
        with pytest.raises(NotFound):
            await records.create(who, tickets, {"title": "x", **row})
    batch = [{"fields": {"title": "y", "owner_id": each}} for each in ("ada", "ada", "bob", "eve")]
    with pytest.raises(NotFound) as error:
        await records.batches.create(ADA, tickets, {"records": batch})
    assert error.value.extra == {"record": 2}
    with pytest.raises(NotFound):
        await records.batches.update(ADA, tickets, {"records": [{"id": "1", "n": 1}, {"id": "2", "n": 1}]})
    assert await titles(kept, model, OWNER) == "new b Ab d mine"


async def test_neighbours(kept: Database) -> None:
    """A sub-select of a policy sees of another table what that table's policies leave of it."""
    policies = ['name: p, using: "title in (select team from members)"']
    assert await titles(kept, model_of(policies), ADA) == "a b Ab"
    model = model_of(policies, members=["name: m, using: 'person = auth.uid()'"])
    assert await titles(kept, model, ADA) == "a"
    assert await titles(kept, model, BOB) == "b Ab"


async def test_upsert(kept: Database) -> None:
    """A-191: an upsert makes what an insert policy admits and changes what an update policy does, all of it or nothing."""
    see = "name: see, for: select, using: 'true'"
    change = "name: change, for: update, using: 'owner_id = auth.uid()'"
    add = "name: add, for: insert, check: 'owner_id = auth.uid()'"

    async def upsert(policies: Sequence[str], *titles: str) -> tuple[int, int]:
        model = model_of([see, *policies])
        rows = [{"fields": {"title": title, "owner_id": "ada", "n": 2}} for title in titles]
        body = {"records": rows, "fieldsToMergeOn": ["title"]}
        done = await Records(kept, model).batches.upsert(ADA, model.tables[0], body)
        return done["created"], done["updated"]

    for policies, titles in (([change], ("new",)), ([add], ("a",)), ([change, add], ("new", "b"))):
        with pytest.raises(NotFound):
            await upsert(policies, *titles)
    assert await upsert([change, add], "new", "a") == (1, 1)


async def test_a_page_asks_no_more(kept: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A-201: policies are a part of the statements of a list, and make no further ones; the times: `bench/policies.py`."""
    counts = []
    for policies in ([], ["name: p, using: 'owner_id = auth.uid()'", "name: q, as: restrictive, using: 'n > 0'"]):
        model = model_of(policies, rest="enabled: true" if policies else "enabled: false")
        asked: list[str] = []
        rows = SessionReader.rows

        def counted(reader: SessionReader, statement: Any, parameters: Any = ()) -> Any:
            asked.append(str(statement))  # noqa: B023
            return rows(reader, statement, parameters)  # noqa: B023

        with monkeypatch.context() as patch:
            patch.setattr(SessionReader, "rows", counted)
            await titles(kept, model, ADA)
        counts.append(len(asked))
    assert counts[0] == counts[1] > 0
