"""The decision against the oracle: random apps, random callers, every operation on every table and field.

T-149 is this matrix: roles {none, viewer, member, custom, admin} × operations × {no block, block, row rules, field rules}.
"""

import json
from random import Random
from typing import Any, get_args

import pytest

from core.access.table import Access
from core.fields.build import build_app
from core.fields.model import AppModel
from core.fields.registry import FIELD_TYPES
from core.principal import GUEST, OWNER, SYSTEM, Principal
from core.schema.loader import load_text
from core.schema.permission import Operation
from tests.support import access_oracle as oracle
from tests.support.access_oracle import Who

OPERATIONS: tuple[Operation, ...] = get_args(Operation)
FIELDS = ("title", "cost", "owner", "stock")
ROLES = ("admin", "member", "viewer", "editor", "chief", "auditor")
GROUPS = ("finance", "field-team")


def random_rule(rng: Random) -> Any:
    return rng.choice(
        (
            "all",
            "authenticated",
            rng.sample(ROLES, rng.randint(1, 3)),
            [*rng.sample(ROLES, rng.randint(0, 2)), f"group:{rng.choice(GROUPS)}"],
            {"minRole": rng.choice(ROLES)},
        )
    )


def random_block(rng: Random, parents: list[str]) -> dict[str, Any]:
    def some(share: float) -> dict[str, Any]:
        return {name: random_rule(rng) for name in OPERATIONS if rng.random() < share}

    block: dict[str, Any] = some(0.6)
    if rng.random() < 0.6:
        rules = ({k: random_rule(rng) for k in ("read", "write") if rng.random() < 0.7} for _ in FIELDS)
        block["fields"] = [
            {"field": name, **rule} for name, rule in zip(FIELDS, rules, strict=True) if rng.random() < 0.5
        ]
    if parents and rng.random() < 0.6:
        block["inherit"] = rng.choice(parents)
        if rng.random() < 0.5:
            block["override"] = some(0.2)
            if rng.random() < 0.5:
                block["override"]["admin"] = some(0.2)
    return block


def random_app(rng: Random) -> dict[str, Any]:
    app: dict[str, Any] = {"name": "matrix", "tables": []}
    if rng.random() < 0.85:
        app["auth"] = {
            "strategies": [{"type": "emailAndPassword"}],
            "roles": [
                {"name": "editor", "level": 30},
                {"name": "auditor", **({"level": 15} if rng.random() < 0.5 else {})},
                {"name": "chief", "level": rng.choice((50, 80, 90))},
            ],
            "groups": [{"name": name} for name in GROUPS],
        }
        if rng.random() < 0.3:
            app["auth"]["defaultRole"] = rng.choice(("viewer", "editor"))
    for number in range(4):
        table: dict[str, Any] = {
            "id": number + 1,
            "name": f"t{number}",
            "fields": [
                {"id": place + 1, "name": name, "type": "integer" if name == "stock" else "single-line-text"}
                for place, name in enumerate(FIELDS)
            ],
        }
        if rng.random() < 0.8:
            table["permissions"] = random_block(rng, [each["name"] for each in app["tables"]])
        if rng.random() < 0.3:
            table["rowLevelPermissions"] = {
                "read": {"when": {"field": "owner", "operator": "eq", "value": "$currentUser.id"}}
            }
        if rng.random() < 0.3:
            table["comments"] = {"guestComments": rng.random() < 0.5}
        app["tables"].append(table)
    return app


def random_callers(rng: Random) -> list[Who]:
    """One without a session, one of each role, and some of several roles, groups, grants, and roles that are gone."""
    callers = [Who(), *(Who("u", (role,)) for role in ROLES), Who("u"), Who("u", ("left-long-ago",))]
    callers += [
        Who(
            "u",
            tuple(rng.sample(ROLES[1:], rng.randint(0, 3))),
            tuple(rng.sample(GROUPS, rng.randint(0, 2))),
            tuple(rng.sample(ROLES, rng.randint(0, 2))),
        )
        for _ in range(4)
    ]
    return callers


def principal_of(who: Who) -> Principal:
    if who.id is None:
        return GUEST
    return Principal(
        "user",
        id=who.id,
        email=who.email,
        roles=frozenset(who.roles),
        groups=frozenset(who.groups),
        granted=frozenset(who.granted),
        assignments={table: frozenset(ids) for table, ids in who.assignments.items()},
    )


def model_of(app: dict[str, Any]) -> AppModel:
    return build_app(load_text(json.dumps(app), FIELD_TYPES, "app.json"))


@pytest.mark.parametrize("seed", range(8))
def test_decisions_are_the_oracles(seed: int) -> None:
    """T-149, P-004…P-019, P-040, P-041, D-32, A-205: more than 40,000 decisions on tables and fields, none different."""
    rng, compared = Random(seed), 0
    for _ in range(18):
        app = random_app(rng)
        model = model_of(app)
        access = Access(model)
        # Without accounts nobody can have signed in.
        callers = random_callers(rng) if "auth" in app else [Who()]
        for table in model:
            for who in callers:
                mine = access.table(principal_of(who), table)
                for operation in OPERATIONS:
                    expected = oracle.may(app, table.name, who, operation)
                    assert mine.may(operation) == expected, (app, table.name, who, operation)
                    assert mine.explain(operation).allowed == expected
                    compared += 1
                for name in FIELDS:
                    readable = oracle.may_field(app, table.name, who, name, "read")
                    writable = oracle.may_field(app, table.name, who, name, "write")
                    assert (name not in mine.hidden) == readable, (app, table.name, who, name)
                    assert (name not in mine.locked) == writable, (app, table.name, who, name)
                    compared += 2
    assert compared > 5_000


def test_the_owner_and_the_engine_pass_everything() -> None:
    """P-006: and so do they on tables that deny everybody."""
    app = {"name": "x", "tables": [{"name": "t", "fields": [{"name": "a", "type": "integer"}], "permissions": {}}]}
    access = Access(model := model_of(app))
    for principal in (OWNER, SYSTEM):
        found = access.table(principal, model.tables[0])
        assert found.is_whole
        assert all(map(found.may, OPERATIONS))


def test_every_decision_names_its_rule() -> None:
    """The explanation is the path in the file, or says why there is none."""
    app = {
        "name": "x",
        "auth": {"strategies": [{"type": "emailAndPassword"}], "roles": [{"name": "editor"}]},
        "tables": [
            {
                "name": "parent",
                "fields": [{"name": "cost", "type": "integer"}],
                "permissions": {
                    "read": "all",
                    "update": ["editor"],
                    "fields": [{"field": "cost", "read": ["editor"]}],
                },
            },
            {
                "name": "child",
                "fields": [{"name": "cost", "type": "integer"}],
                "permissions": {"inherit": "parent", "override": {"admin": {"delete": "authenticated"}}},
            },
            {"name": "plain", "fields": []},
        ],
    }
    model = model_of(app)
    access = Access(model)
    parent, child, plain = model.tables

    def said(table: Any, principal: Principal, operation: Operation, field: str | None = None) -> tuple[bool, str, str]:
        found = access.table(principal, table).explain(operation, field)
        return found.allowed, found.because, found.rule

    member, editor = (
        Principal("user", id="m", roles=frozenset({"member"})),
        Principal("user", roles=frozenset({"editor"})),
    )
    admin = Principal("user", id="a", roles=frozenset({"admin"}))
    assert said(parent, member, "update") == (False, "rule", "tables[0].permissions.update")
    assert said(parent, editor, "update") == (True, "rule", "tables[0].permissions.update")
    assert said(parent, member, "read", "cost") == (False, "rule", "tables[0].permissions.fields[0].read")
    assert said(child, editor, "update") == (True, "rule", "tables[0].permissions.update")
    assert said(child, editor, "delete") == (False, "admin-only", "tables[1].permissions.override.admin.delete")
    assert said(child, admin, "delete") == (True, "admin", "")
    assert said(parent, editor, "create") == (False, "omitted", "tables[0].permissions")
    assert said(plain, editor, "permanentDelete") == (False, "no-block", "")
    assert said(parent, OWNER, "create") == (True, "owner", "")


def test_a_circle_denies_at_run_time() -> None:
    """P-040: should one get past the loader, nobody but admins passes."""
    from dataclasses import replace

    app = {"name": "x", "tables": [{"name": "t", "fields": [], "permissions": {"read": "all"}}]}
    model = model_of(app)
    spec = model.tables[0].spec
    assert spec.permissions is not None
    circle = replace(spec, permissions=replace(spec.permissions, inherit="t"))
    broken = AppModel(replace(model.app, tables=(circle,)), (replace(model.tables[0], spec=circle),))
    access = Access(broken).table(GUEST, broken.tables[0])
    assert not access.may("read")
    assert access.explain("read").because == "broken"
