"""Policies that ask for computed values, of rows that are read and of rows that are written."""

import pytest

from core.errors import NotFound
from core.principal import OWNER, Principal
from core.records.service import Records
from core.storage.database import Database
from tests.support.apps import app_model
from tests.support.tables import create_tables

APP = """
auth: {strategies: [{type: emailAndPassword}]}
tables:
  - name: teams
    fields:
      - {name: name, type: single-line-text}
      - {name: tickets, type: relationship, relatedTable: tickets, relationType: one-to-many, foreignKey: team}
  - name: tickets
    fields:
      - {name: title, type: single-line-text}
      - {name: n, type: integer}
      - {name: double, type: formula, formula: "n * 2", resultType: number}
      - {name: team, type: relationship, relatedTable: teams, relationType: many-to-one}
      - {name: team_name, type: lookup, relationshipField: team, relatedField: name}
    rls:
      policies: [{name: p, using: "double > 2 and (team_name = auth.uid() or team is null)"}]
"""
RED = Principal("user", id="red", roles=frozenset({"member"}))


async def test_computed_values_decide(db: Database) -> None:
    """§13.1: formulas and lookups are columns of an expression like any other."""
    model = app_model(APP)
    create_tables(db, model)
    records = Records(db, model)
    teams, tickets = model.tables
    keys = [(await records.create(OWNER, teams, {"name": name}))["id"] for name in ("red", "blue")]
    for title, n, team in (("a", 1, keys[0]), ("b", 2, keys[0]), ("c", 3, keys[1]), ("d", 4, None)):
        await records.create(OWNER, tickets, {"title": title, "n": n, "team": team})
    found = await records.list(RED, tickets, {"sort": "title"})
    assert [record["fields"]["title"] for record in found["records"]] == ["b", "d"]
    assert (await records.create(RED, tickets, {"title": "e", "n": 5}))["fields"]["title"] == "e"
    for row in ({"title": "f", "n": 1}, {"title": "f", "n": 5, "team": keys[1]}):
        with pytest.raises(NotFound):
            await records.create(RED, tickets, row)
    with pytest.raises(NotFound):
        await records.update(RED, tickets, "2", {"n": 0})
    counted = await records.list(RED, teams, {"sort": "name", "expand": "tickets"})
    assert len(counted["records"]) == 2
