"""Row rules as the database answers them, against the oracle that judges row by row."""

import json
from random import Random
from typing import Any

from core.fields.build import build_app
from core.fields.registry import FIELD_TYPES
from core.principal import OWNER, Principal
from core.records.service import Records
from core.schema.loader import load_text
from core.storage.database import Database
from tests.support import access_oracle as oracle
from tests.support.access_oracle import Who
from tests.support.tables import create_tables

ROWS, RULES = 60, 40
TEXTS = ("ada", "bob", "3", "true", "5.5", "", None)
CALLERS = (
    Who("ada", ("member", "editor"), email="ada@x.org", assignments={"t": ("1", "2", "44", "x")}),
    Who("3", ("viewer",)),
    Who("bob", ("editor",), email="bob"),
    Who(),
)
LITERALS = ("ada", "3", "true", "5.5", "05", "3.0", "", 3, 5, 5.5, 3.0, True, False, "red", "2026-02-01")
REFERENCES = ("id", "email", "role", "isUnrestricted", "activeAssignment")
FIELDS = ("text", "whole", "part", "flag", "tags", "day", "id")


def random_when(rng: Random, depth: int = 0) -> dict[str, Any]:
    if depth < 3 and rng.random() < 0.4:
        parts = [random_when(rng, depth + 1) for _ in range(rng.randint(1, 3))]
        return {"conditions": parts, **({"logic": rng.choice(("and", "or"))} if rng.random() < 0.8 else {})}
    field, operator = rng.choice(FIELDS), rng.choice(("eq", "neq", "in"))
    if operator == "in":
        several = [rng.choice(LITERALS) for _ in range(rng.randint(0, 4))]
        value: Any = rng.choice((several, several, "$currentUser.assignments.t", "$currentUser.role"))
    else:
        value = rng.choice((*LITERALS, *(f"$currentUser.{name}" for name in REFERENCES)))
    return {"field": field, "operator": operator, "value": value}


def random_row(rng: Random) -> dict[str, Any]:
    return {
        "text": rng.choice(TEXTS),
        "whole": rng.choice((3, 5, 0, -7, None)),
        "part": rng.choice((5.5, 3, 0.25, None)),
        "flag": rng.choice((True, False, None)),
        "tags": rng.choice((["red"], ["red", "ada"], ["3"], [], None)),
        "day": rng.choice(("2026-02-01", "2026-02-02", None)),
    }


def app_of(rng: Random) -> dict[str, Any]:
    return {
        "name": "rows",
        "auth": {"strategies": [{"type": "emailAndPassword"}], "roles": [{"name": "editor"}], "scopeTables": ["t"]},
        "tables": [
            {
                "name": "t",
                "primaryKey": {"type": "auto-increment"},
                "fields": [
                    {"name": "text", "type": "single-line-text"},
                    {"name": "whole", "type": "integer"},
                    {"name": "part", "type": "decimal"},
                    {"name": "flag", "type": "checkbox"},
                    {"name": "tags", "type": "multi-select", "options": ["red", "ada", "3"]},
                    {"name": "day", "type": "date"},
                ],
                "rowLevelPermissions": {"read": {"when": random_when(rng)}},
            }
        ],
    }


async def test_rules_choose_the_oracles_rows(db: Database) -> None:
    """P-025, P-030, P-031, P-034: 40 rules × 4 callers × 60 rows on each database, of every type that a rule can ask of."""
    rng = Random(11)
    apps = [app_of(rng) for _ in range(RULES)]
    models = [build_app(load_text(json.dumps(app), FIELD_TYPES, "app.json")) for app in apps]
    create_tables(db, models[0])
    rows = [random_row(rng) for _ in range(ROWS)]
    body = {"records": [{"fields": row} for row in rows], "returnRecords": True}
    made = (await Records(db, models[0]).batches.create(OWNER, models[0].tables[0], body))["records"]
    ids = [record["id"] for record in made]
    kept = {key: {**row, "id": int(key)} for key, row in zip(ids, rows, strict=True)}
    for app, model in zip(apps, models, strict=True):
        records = Records(db, model)
        for who in CALLERS:
            if who.id is None:
                principal = Principal("user", roles=frozenset({"member"}))
            else:
                principal = Principal(
                    "user",
                    id=who.id,
                    email=who.email,
                    roles=frozenset(who.roles),
                    assignments={name: frozenset(each) for name, each in who.assignments.items()},
                )
            asked = who if who.id is not None else Who(None, ("member",))
            expected = {key for key, row in kept.items() if oracle.row_meets(app, "t", asked, "read", row)}
            found = await records.visible_keys(principal, model.tables[0], ids)
            assert set(found) == expected, (app["tables"][0]["rowLevelPermissions"], who, set(found) ^ expected)
