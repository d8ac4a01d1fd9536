"""Every door against the oracle: what a caller may not see comes out of none of them, not as a value, not through a filter,
a sort, a search, a count, and not as the difference between two refusals.

Every cell of the tables holds a text or number that occurs nowhere else, so that a leak is a word in an answer.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.support import access_oracle as oracle
from tests.support.access_oracle import Who
from tests.support.databases import postgresql_schema
from tests.support.depth import DEPTH
from tests.support.principals import by_header, headers
from tests.support.server import RunningServer

ROWS = 24
CALLERS = (
    Who(),
    Who("ada", ("member",), email="ada@x.org", assignments={"clients": ("1", "3")}),
    Who("bob", ("viewer",), email="bob@x.org"),
    Who("cy", ("editor", "viewer"), ("finance",), assignments={"clients": ("2",)}),
    Who("dee", ("auditor",), ("field-team",)),
    Who("eve", ("left-long-ago",)),
    Who("root", ("admin",)),
)
OWNERS = ("ada", "bob", "cy", "dee")
FIELDS = ("title", "owner", "public", "stock", "tags", "cost", "note", "client")
HIDDEN_OFTEN = ("cost", "note")
MISSING = '{"success":false,"message":"Not found","code":"NOT_FOUND"}'


def random_when(rng: Random, depth: int = 0) -> dict[str, Any]:
    if depth < 2 and rng.random() < 0.45:
        parts = [random_when(rng, depth + 1) for _ in range(rng.randint(1, 3))]
        return {"logic": rng.choice(("and", "or")), "conditions": parts}
    field, operator, value = rng.choice(
        (
            ("owner", "eq", "$currentUser.id"),
            ("owner", "neq", "$currentUser.id"),
            ("owner", "in", ["ada", "cy"]),
            ("owner", "eq", "$currentUser.email"),
            ("owner", "eq", "$currentUser.activeAssignment"),
            ("public", "eq", True),
            ("public", "eq", "true"),
            ("public", "neq", True),
            ("public", "eq", "$currentUser.isUnrestricted"),
            ("stock", "eq", 3),
            ("stock", "eq", "3"),
            ("stock", "in", ["3", 4, "05"]),
            ("stock", "neq", 3),
            ("tags", "eq", "red"),
            ("tags", "neq", "red"),
            ("tags", "in", ["blue", "green"]),
            ("client", "in", "$currentUser.assignments.clients"),
            ("client.region", "eq", "north"),
            ("client.region", "neq", "north"),
            ("title", "eq", "$currentUser.role"),
            ("owner", "in", []),
        )
    )
    return {"field": field, "operator": operator, "value": value}


def random_app(seed: int) -> oracle.App:
    rng = Random(seed)

    def rule() -> Any:
        lists = (["member", "editor"], ["editor", "group:field-team"], ["auditor", "viewer"])
        return rng.choice(("all", "authenticated", {"minRole": "editor"}, *lists))

    def field_rules(names: tuple[str, ...]) -> list[dict[str, Any]]:
        return [{"field": name, "read": rng.choice((["editor"], ["admin"], ["member", "editor"]))} for name in names]

    when = random_when(rng)
    tickets: dict[str, Any] = {
        "id": 2,
        "name": "tickets",
        "fields": [
            {"id": 1, "name": "title", "type": "single-line-text"},
            {"id": 2, "name": "owner", "type": "single-line-text"},
            {"id": 3, "name": "public", "type": "checkbox"},
            {"id": 4, "name": "stock", "type": "integer"},
            {"id": 5, "name": "tags", "type": "multi-select", "options": ["red", "blue", "green"]},
            {"id": 6, "name": "cost", "type": "integer"},
            {"id": 7, "name": "note", "type": "long-text"},
            {
                "id": 8,
                "name": "client",
                "type": "relationship",
                "relatedTable": "clients",
                "relationType": "many-to-one",
            },
        ],
        "permissions": {
            "read": rule(),
            "create": rule(),
            "update": rule(),
            "delete": rule(),
            "fields": [
                *field_rules(HIDDEN_OFTEN),
                {"field": "stock", "write": ["editor"]},
            ],
        },
        "rowLevelPermissions": {
            "read": {"when": when},
            "write": {"when": random_when(rng)},
            "delete": {"when": random_when(rng)},
        },
    }
    clients: dict[str, Any] = {
        "id": 1,
        "name": "clients",
        "primaryKey": {"type": "auto-increment"},
        "fields": [
            {"id": 1, "name": "name", "type": "single-line-text"},
            {"id": 2, "name": "region", "type": "single-line-text"},
            {"id": 3, "name": "phone", "type": "single-line-text"},
        ],
        "permissions": {"read": rule(), "fields": field_rules(("phone",))},
        "rowLevelPermissions": {"read": {"when": {"field": "region", "operator": "neq", "value": "secret"}}},
    }
    return {
        "name": "doors",
        "auth": {
            "strategies": [{"type": "emailAndPassword"}],
            "roles": [{"name": "editor", "level": 30}, {"name": "auditor", "level": 15}],
            "groups": [{"name": "finance"}, {"name": "field-team"}],
            "scopeTables": ["clients"],
        },
        "tables": [clients, tickets],
    }


@dataclass
class Door:
    """A server over one random app, and what is in its tables."""

    server: RunningServer
    app: oracle.App
    rows: dict[str, dict[str, Any]]
    clients: dict[str, dict[str, Any]]

    def may_see(self, who: Who, row: dict[str, Any], *, trash: bool = False) -> bool:
        there = row["deleted"] == trash
        return there and self.may("read", who) and oracle.row_meets(self.app, "tickets", who, "read", row)

    def may(self, operation: str, who: Who) -> bool:
        return oracle.may(self.app, "tickets", who, operation)

    def hidden(self, who: Who, table: str = "tickets") -> set[str]:
        names = FIELDS if table == "tickets" else ("name", "region", "phone")
        return {name for name in names if not oracle.may_field(self.app, table, who, name, "read")}

    def secrets(self, who: Who) -> list[str]:
        """Words that this caller must not meet anywhere."""
        out: list[str] = []
        reads, hidden = self.may("read", who), self.hidden(who)
        for row in self.rows.values():
            seen = reads and oracle.row_meets(self.app, "tickets", who, "read", row)
            out += [str(row[name]) for name in ("title", "cost", "note") if not seen or name in hidden]
        reads, hidden = oracle.may(self.app, "clients", who, "read"), self.hidden(who, "clients")
        for client in self.clients.values():
            seen = reads and oracle.row_meets(self.app, "clients", who, "read", client)
            out += [str(client[name]) for name in ("name", "phone") if not seen or name in hidden]
        return out

    def ask(self, who: Who, method: str, path: str, **more: Any) -> httpx.Response:
        said = headers(
            who.id,
            " ".join(who.roles),
            groups=list(who.groups),
            email=who.email,
        )
        answer = self.server.http.request(method, path, headers=said, **more)
        for word in self.secrets(who):
            if word not in path and word not in json.dumps(more.get("json", "")):
                assert word not in answer.text, f"{who} {method} {path} {more} tells {word}: {answer.text[:500]}"
        return answer


APPS = [("duckdb", 1), ("postgresql", 6), ("duckdb", 6), ("postgresql", 1)][: 2 * DEPTH]
"""Two apps by chance, each on one database in every run: what rules become in SQL is compared on both by `test_rows`."""


@pytest.fixture(scope="module", params=APPS, ids=str)
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    database, seed = request.param
    app, folder = random_app(seed), tmp_path_factory.mktemp("doors")
    if database == "duckdb":
        yield from opened(app, folder, None)
        return
    with postgresql_schema(request.getfixturevalue("postgresql_address")) as settings:
        yield from opened(app, folder, settings.url)


def opened(app: oracle.App, folder: Path, url: str | None) -> Iterator[Door]:
    with RunningServer(json.dumps(app), folder, database_url=url, authenticate=by_header) as server:
        clients = [
            {"name": f"clientname{n}x", "region": region, "phone": f"phone{n}x"}
            for n, region in enumerate(("north", "south", "secret", None))
        ]
        made = server.local.post("/api/tables/clients/records/batch", json=body(clients)).json()["records"]
        ids = [record["id"] for record in made]
        rng = Random(5)
        rows = [
            {
                "title": f"titleof{n}x",
                "owner": rng.choice((*OWNERS, None)),
                "public": rng.choice((True, False, None)),
                "stock": rng.choice((3, 4, 5, None)),
                "tags": rng.choice((["red"], ["blue", "red"], ["green"], [], None)),
                "cost": 7_000_000 + n,
                "note": f"noteof{n}x",
                "client": rng.choice((*ids, None)),
            }
            for n in range(ROWS)
        ]
        found = server.local.post("/api/tables/tickets/records/batch", json=body(rows)).json()["records"]
        known = dict(zip(ids, clients, strict=True))
        kept = {}
        for number, record in enumerate(found):
            row = dict(rows[number])
            row["client.region"] = known[row["client"]]["region"] if row["client"] else None
            row["client"] = int(row["client"]) if row["client"] else None
            row["deleted"] = number % 6 == 5
            if row["deleted"]:
                assert server.local.delete(f"/api/tables/tickets/records/{record['id']}").status_code == 204
            kept[record["id"]] = row
        for who in CALLERS:
            for table, assigned in who.assignments.items():
                grant = {"user_id": who.id, "table_slug": table, "record_ids": list(assigned), "role": "viewer"}
                answer = server.local.post("/api/tables/user_access/records", json=grant)
                assert answer.status_code == 201, answer.text
        yield Door(server, app, kept, known)


def body(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"records": [{"fields": row} for row in rows], "returnRecords": True}


TICKETS = "/api/tables/tickets"
RECORDS = f"{TICKETS}/records"


@pytest.fixture(params=CALLERS, ids=lambda who: who.id or "nobody")
def who(request: pytest.FixtureRequest) -> Who:
    """The granted role of those who have assignments counts too (P-029)."""
    found: Who = request.param
    return Who(
        found.id,
        found.roles,
        found.groups,
        ("viewer",) if found.assignments else (),
        found.email,
        found.assignments,
    )


def refused(answer: httpx.Response, who: Who) -> None:
    """401 without a session, else the one body of all refusals (P-010, P-011, P-036)."""
    if who.id is None:
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED"), answer.text
    else:
        assert (answer.status_code, answer.text) == (404, MISSING)


def test_lists(door: Door, who: Who) -> None:
    """P-016, P-025, P-030, P-034, A-203: rows, totals, fields; the same in exports."""
    answer = door.ask(who, "GET", RECORDS, params={"limit": "100"})
    exported = door.ask(who, "GET", f"{TICKETS}/export", params={"format": "json"})
    as_csv = door.ask(who, "GET", f"{TICKETS}/export", params={"format": "csv"})
    if not door.may("read", who):
        for each in (answer, exported, as_csv):
            refused(each, who)
        return
    expected = {key for key, row in door.rows.items() if door.may_see(who, row)}
    names = set(FIELDS) - door.hidden(who)
    found = answer.json()
    assert {record["id"] for record in found["records"]} == expected
    assert found["pagination"]["total"] == len(expected)
    assert all(set(record["fields"]) == names for record in found["records"])
    assert [set(row) for row in exported.json()] == [names] * len(expected)
    assert len(as_csv.text.splitlines()) == len(expected) + 1
    assert set(as_csv.text.splitlines()[0].split(",")) == names
    paged = [door.ask(who, "GET", RECORDS, params={"limit": "5", "offset": str(n)}).json() for n in range(0, 30, 5)]
    assert {record["id"] for page in paged for record in page["records"]} == expected


def test_the_trash(door: Door, who: Who) -> None:
    """R-046, P-025"""
    answer = door.ask(who, "GET", f"{TICKETS}/trash", params={"limit": "100"})
    if not door.may("read", who):
        refused(answer, who)
        return
    expected = {key for key, row in door.rows.items() if door.may_see(who, row, trash=True)}
    assert {record["id"] for record in answer.json()["records"]} == expected


def test_single_records(door: Door, who: Who) -> None:
    """P-025, P-036: a row beyond reach and one that is not there are the same."""
    for key, row in door.rows.items():
        answer = door.ask(who, "GET", f"{RECORDS}/{key}", params={"expand": "client"})
        if not door.may("read", who):
            refused(answer, who)
        elif not door.may_see(who, row):
            assert (answer.status_code, answer.text) == (404, MISSING)
        else:
            assert set(answer.json()["fields"]) == set(FIELDS) - door.hidden(who)
    if door.may("read", who):
        nothing = door.ask(who, "GET", f"{RECORDS}/99999")
        assert (nothing.status_code, nothing.text) == (404, MISSING)


def test_hidden_fields_are_not_asked_about(door: Door, who: Who) -> None:
    """P-020: not by filter, sort, group, aggregate, fields or values; search does not look into them."""
    if not door.may("read", who):
        return
    hidden = door.hidden(who)
    seen = [row for row in door.rows.values() if door.may_see(who, row)]
    for name in HIDDEN_OFTEN:
        value = seen[0][name] if seen else "x"
        for params in (
            {"filter": f"{name}:{value}"},
            {"filter": json.dumps({"field": name, "operator": "isNotNull"})},
            {"sort": name},
            {"sort": f"{name}:desc,title"},
            {"groupBy": name},
            {"aggregate": f"{name}:count"},
            {"fields": f"title,{name}"},
            {"filterByFormula": f"{{{name.upper()}}} IS NOT NULL"},
        ):
            if "filter" in params and name == "cost" and value == "x":
                continue
            answer = door.ask(who, "GET", RECORDS, params=params)
            if name in hidden:
                assert (answer.status_code, answer.text) == (404, MISSING), params
            else:
                assert answer.status_code == 200, (params, answer.text)
        exported = door.ask(who, "GET", f"{TICKETS}/export", params={"format": "csv", "fields": name})
        assert exported.status_code == (404 if name in hidden else 200)
        if who.id is not None:
            values = door.ask(who, "GET", "/api/console/tables/tickets/values", params={"field": name})
            assert values.status_code == (404 if name in hidden else 200)
    for params in ({"filter": "costt:1"}, {"filterByFormula": "{costt} = 1"}):
        unknown = door.ask(who, "GET", RECORDS, params=params)
        assert unknown.status_code == 400
        assert "cost'" not in unknown.text or "cost" not in hidden


def test_searches_and_sums(door: Door, who: Who) -> None:
    """P-025: counts, groups and sums know no more rows than the list; `q` no more fields."""
    if not door.may("read", who):
        return
    seen = {key: row for key, row in door.rows.items() if door.may_see(who, row)}
    hidden = door.hidden(who)
    for key, row in list(door.rows.items())[:8]:
        for name in ("title", "note"):
            found = door.ask(who, "GET", RECORDS, params={"q": row[name]}).json()
            expected = [key] if key in seen and name not in hidden else []
            assert [record["id"] for record in found["records"]] == expected, (name, key)
    totals = door.ask(who, "GET", RECORDS, params={"aggregate": "count,stock:sum", "groupBy": "owner"}).json()
    assert totals["aggregations"]["count"] == len(seen)
    groups = {group["name"]: group["count"] for group in totals.get("groups", [])}
    by_owner: dict[str, int] = {}
    for row in seen.values():
        by_owner[row["owner"] or ""] = by_owner.get(row["owner"] or "", 0) + 1
    assert groups == by_owner


def test_ordered_views(door: Door, who: Who) -> None:
    """P-016, P-025: windows, finds, positions, pickers; and a view is its opener's."""
    opened = door.ask(
        who, "POST", "/api/console/views", json={"table": "tickets", "sort": [{"field": "title", "direction": "asc"}]}
    )
    if who.id is None or not door.may("read", who):
        refused(opened, who)
        return
    seen = {key: row for key, row in door.rows.items() if door.may_see(who, row)}
    view = opened.json()["id"]
    window = door.ask(who, "GET", f"/api/console/views/{view}/window").json()
    assert set(window["keys"]) == set(seen)
    assert all(len(row) == len(FIELDS) - len(door.hidden(who)) for row in window["rows"])
    for key, row in list(door.rows.items())[:8]:
        found = door.ask(who, "GET", f"/api/console/views/{view}/find", params={"text": row["note"]}).json()
        assert found["key"] == (key if key in seen and "note" not in door.hidden(who) else None)
        place = door.ask(who, "GET", f"/api/console/views/{view}/locate", params={"key": key}).json()
        assert (place["position"] is not None) == (key in seen)
    other = door.server.http.get(f"/api/console/views/{view}/window", headers=headers("zed", "admin"))
    assert other.status_code == 404
    values = door.ask(who, "GET", "/api/console/tables/tickets/values", params={"field": "title"}).json()["values"]
    assert {value for value, _ in values} == {row["title"] for row in seen.values()}
    hits = door.ask(who, "GET", "/api/console/tables/tickets/links/client").json()["hits"]
    reads = oracle.may(door.app, "clients", who, "read")
    expected = {
        key
        for key, client in door.clients.items()
        if reads and oracle.row_meets(door.app, "clients", who, "read", client)
    }
    assert {hit["id"] for hit in hits} == expected


def test_neighbours_do_not_tell(door: Door, who: Who) -> None:
    """P-021, P-020: filters and sorts through a link see no more of the other table than its own list."""
    if not door.may("read", who):
        return
    reads = oracle.may(door.app, "clients", who, "read")
    for name in ("name", "phone"):
        answer = door.ask(who, "GET", RECORDS, params={"sort": f"client.{name}", "limit": "100"})
        closed = not reads or name in door.hidden(who, "clients")
        assert answer.status_code == (404 if closed else 200)
    if not reads:
        return
    for key, client in door.clients.items():
        found = door.ask(who, "GET", RECORDS, params={"filter": f"client.name:{client['name']}", "limit": "100"})
        visible = oracle.row_meets(door.app, "clients", who, "read", client)
        expected = {
            each for each, row in door.rows.items() if visible and row["client"] == int(key) and door.may_see(who, row)
        }
        assert found.status_code == (404 if "name" in door.hidden(who, "clients") else 200)
        assert {record["id"] for record in found.json()["records"]} == expected


def test_changes(door: Door, who: Who) -> None:
    """P-026, P-027, P-028, P-038: stored rows are judged in the writing transaction."""
    for key, row in door.rows.items():
        answer = door.ask(who, "PATCH", f"{RECORDS}/{key}", json={"fields": {"title": row["title"]}})
        if not door.may("update", who):
            refused(answer, who)
            continue
        reaches = all(oracle.row_meets(door.app, "tickets", who, rule, row) for rule in ("read", "write"))
        if row["deleted"] or not reaches:
            assert (answer.status_code, answer.text) == (404, MISSING), key
        else:
            assert answer.status_code == 200, (key, answer.text)
    if who.id is None:
        return
    changes = [{"ref": key, "op": "delete", "table": "tickets", "id": key} for key in door.rows]
    answer = door.ask(who, "POST", "/api/console/commit", json={"dryRun": True, "changes": changes})
    if not door.may("delete", who):
        refused(answer, who)
        return
    for outcome in answer.json()["outcomes"]:
        row = door.rows[outcome["ref"]]
        reaches = all(oracle.row_meets(door.app, "tickets", who, rule, row) for rule in ("read", "delete"))
        assert (outcome["status"] == "ok") == (reaches and not row["deleted"]), outcome


def test_batches(door: Door, who: Who) -> None:
    """P-032: one row out of reach refuses the batch; a row that is not there as well, so that none can be told."""
    if not door.may("update", who) or who.id is None:
        return
    reached = [
        key
        for key, row in door.rows.items()
        if not row["deleted"] and all(oracle.row_meets(door.app, "tickets", who, r, row) for r in ("read", "write"))
    ]

    def change(keys: list[str]) -> httpx.Response:
        items = [{"id": key, "fields": {"title": door.rows[key]["title"] if key in door.rows else "x"}} for key in keys]
        return door.ask(who, "PATCH", f"{RECORDS}/batch", json={"records": items, "returnRecords": True})

    beyond = next((key for key in door.rows if key not in reached and not door.rows[key]["deleted"]), None)
    if reached:
        answer = change(reached)
        assert answer.json()["updated"] == len(reached)
        told = set(FIELDS) - door.hidden(who) if door.may("read", who) else set()
        assert all(set(record["fields"]) == told for record in answer.json()["records"])
    if beyond is not None:
        answer = change([*reached, beyond])
        place = f',"record":{len(reached)}}}' if reached else "}"  # auth A-191
        assert (answer.status_code, answer.text) == (404, MISSING.removesuffix("}") + place)
        assert change([*reached, "99999"]).text == answer.text
    fresh = door.server.local.get(f"{RECORDS}/{reached[0]}").json()["fields"] if reached else {}
    assert fresh.get("title", "") == (door.rows[reached[0]]["title"] if reached else "")


def test_lists_of_tables(door: Door, who: Who) -> None:
    """T-032, T-033: only what may be read, without hidden fields; the description of the API likewise."""
    listed = door.ask(who, "GET", "/api/tables")
    if who.id is None:
        refused(listed, who)
        refused(door.ask(who, "GET", "/api/tables/nothing"), who)
        return
    expected = {name for name in ("clients", "tickets") if oracle.may(door.app, name, who, "read")}
    assert {table["name"] for table in listed.json()} == expected
    schema = door.ask(who, "GET", "/api/console/schema").json()["tables"]
    assert {table["name"] for table in schema} == expected
    for table in schema:
        declared = {field["name"] for field in table["fields"] if not field["system"]}
        assert not declared & door.hidden(who, table["name"])
    glance = door.ask(who, "GET", "/api/console/tables").json()
    assert {table["name"] for table in glance} == expected
    for table in glance:
        listed = door.ask(who, "GET", f"/api/tables/{table['name']}/records?limit=1").json()
        assert table["records"] == listed["pagination"]["total"]
    for name in ("clients", "tickets"):
        detail = door.ask(who, "GET", f"/api/tables/{name}")
        unknown = door.ask(who, "GET", "/api/tables/nothing")
        if name not in expected:
            assert (detail.status_code, detail.text) == (404, MISSING)
        assert (unknown.status_code, unknown.text) == (404, MISSING)
    described = door.ask(who, "GET", "/api/openapi.json").json()["components"]["schemas"]
    if "tickets.Fields" in described:
        assert not set(described["tickets.Fields"]["properties"]) & door.hidden(who) or not door.may("read", who)
