"""Upsert (tables-records §10.9) through the door, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.principals import by_header, headers
from tests.support.server import ApiScenario, RunningServer, run, running_on

PARTS = "/api/tables/Spare%20Parts/records"
UPSERT = PARTS + "/upsert"
M8 = ("Spare Parts", {"part_no": "M8-20", "stock": 40, "state": "new"})
M6 = ("Spare Parts", {"part_no": "M6-10", "stock": 7, "state": "new"})


def body(*fields: dict[str, object], on: tuple[str, ...] = ("part_no",)) -> dict[str, object]:
    return {"records": [{"fields": each} for each in fields], "fieldsToMergeOn": list(on)}


SCENARIOS = [
    ApiScenario(
        name="R-060 one is there and is updated, one is not and is created; the order is the request's",
        method="POST",
        path=UPSERT,
        given=[M8],
        body=body({"part_no": "M10", "stock": 1}, {"part_no": "M8-20", "stock": 12}),
        json={
            "created": 1,
            "updated": 1,
            "records.0.fields.part_no": "M10",
            "records.1.id": "{0}",
            "records.1.fields.stock": 12,
            "records.1.fields.state": "new",
        },
        changes=2,
    ),
    ApiScenario(
        name="R-062 several merge fields must all match",
        method="POST",
        path=UPSERT,
        given=[M8, M6],
        body=body(
            {"state": "new", "stock": 7, "price": "2", "part_no": "M6-10"},
            {"state": "used", "stock": 7, "part_no": "M7"},
            on=("state", "stock"),
        ),
        json={"created": 1, "updated": 1, "records.0.id": "{1}", "records.0.fields.price": "2"},
        changes=2,
    ),
    ApiScenario(
        name="R-066 the second of two with the same match updates the first",
        method="POST",
        path=UPSERT,
        body=body({"part_no": "M8", "stock": 1}, {"part_no": "M8", "stock": 2}, {"part_no": "M8", "state": "used"}),
        json={"created": 1, "updated": 2, "records.2.fields.stock": 2, "records.2.fields.state": "used"},
        changes=3,
    ),
    ApiScenario(
        name="R-054 with continueOnError those that can be written are, and the others told",
        method="POST",
        path=UPSERT,
        given=[M8],
        body={
            **body(
                {"part_no": "M8-20", "stock": 1},
                {"part_no": "M6-10", "stock": "many"},
                {"stock": 3},
                {"part_no": "M6-10", "supplier": 77},
                {"part_no": "M6-10", "stock": 5},
            ),
            "continueOnError": True,
        },
        json={"created": 1, "updated": 1, "errors.0.record": 1, "errors.1.record": 2, "records.1.fields.stock": 5},
        changes=2,
    ),
    ApiScenario(
        name="R-063 a match without other fields counts as updated and changes nothing",
        method="POST",
        path=UPSERT,
        given=[M8],
        body=body({"part_no": "M8-20"}),
        json={"created": 0, "updated": 1, "records.0.fields.stock": 40},
    ),
    ApiScenario(
        name="D-17 the single form",
        method="POST",
        path=UPSERT,
        given=[M8],
        body={"fields": {"part_no": "M8-20", "stock": 3}, "matchFields": ["part_no"]},
        json={"id": "{0}", "operation": "updated", "record.fields.stock": 3},
        changes=1,
    ),
    ApiScenario(
        name="R-061 an empty merge list is 400",
        method="POST",
        path=UPSERT,
        body=body({"part_no": "M8"}, on=()),
        status=400,
        json={"errors.0.field": "fieldsToMergeOn"},
    ),
    ApiScenario(
        name="R-061 an unknown merge field is 400",
        method="POST",
        path=UPSERT,
        body=body({"part_no": "M8"}, on=("colour",)),
        status=400,
        json={"errors.0.field": "fieldsToMergeOn"},
    ),
    ApiScenario(
        name="R-061 a record without a merge field is 400 with its position",
        method="POST",
        path=UPSERT,
        body=body({"part_no": "M8", "stock": 1}, {"part_no": "M9"}, on=("stock",)),
        status=400,
        json={"errors.0.field": "stock", "errors.0.record": 1},
    ),
    ApiScenario(
        name="R-061 fields that hold no single value tell nothing apart",
        method="POST",
        path=UPSERT,
        body=body({"part_no": "M8", "notes": {"a": 1}}, on=("notes",)),
        status=400,
    ),
    ApiScenario(
        name="R-064 an id is 400",
        method="POST",
        path=UPSERT,
        body=body({"part_no": "M8", "id": 7}),
        status=400,
        json={"errors.0.field": "id"},
    ),
    ApiScenario(
        name="R-064 what the engine fills is 400",
        method="POST",
        path=UPSERT,
        body=body({"part_no": "M8", "number": 7}),
        status=400,
        json={"errors.0.field": "number"},
    ),
    ApiScenario(
        name="R-064 created_at is dropped",
        method="POST",
        path=UPSERT,
        body=body({"part_no": "M8", "created_at": "1999-01-01T00:00:00.000Z"}),
        json={"created": 1},
        lacks=["1999"],
        changes=1,
    ),
    ApiScenario(
        name="R-067 one bad record undoes all",
        method="POST",
        path=UPSERT,
        given=[M8],
        body=body({"part_no": "M9", "stock": 1}, {"part_no": "M8-20", "stock": 5000}),
        status=400,
        json={"errors.0.field": "stock", "errors.0.record": 1},
    ),
    ApiScenario(
        name="R-067 a duplicate undoes all",
        method="POST",
        path=UPSERT,
        given=[M8],
        body=body({"part_no": "M9", "stock": 1}, {"part_no": "M8-20", "stock": 2}, on=("stock",)),
        status=409,
        json={"field": "part_no", "record": 1},
    ),
    ApiScenario(name="R-060 an empty list is 400", method="POST", path=UPSERT, body=body(), status=400),
    ApiScenario(
        name="R-060 more than a hundred is 400",
        method="POST",
        path=UPSERT,
        body=body(*({"part_no": f"p{n}"} for n in range(101))),
        status=400,
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_upsert(scenario: ApiScenario, server: RunningServer) -> None:
    """R-060 R-061 R-062 R-063 R-064 R-066 R-067 D-17"""
    run(scenario, server)


def test_upsert_heeds_live_rows_only(server: RunningServer) -> None:
    """R-062: a trashed record is none; its number is free again where no unique key holds it."""
    server.empty()
    made = server.http.post(PARTS, json={"part_no": "gone", "stock": 5}).json()
    server.http.delete(f"{PARTS}/{made['id']}")
    answer = server.http.post(UPSERT, json=body({"part_no": "new", "stock": 5}, on=("stock",))).json()
    assert (answer["created"], answer["updated"]) == (1, 0)
    refused = server.http.post(UPSERT, json=body({"part_no": "free"}, {"part_no": "gone"}))
    assert (refused.status_code, refused.json()["field"], refused.json()["record"]) == (409, "part_no", 1)
    assert server.http.get(PARTS).json()["pagination"]["total"] == 1


RULES = """
name: rules
auth: {strategies: [{type: emailAndPassword}]}
tables:
  - name: notes
    fields:
      - {name: code, type: single-line-text, unique: true}
      - {name: owner, type: single-line-text}
      - {name: secret, type: single-line-text}
      - {name: text, type: single-line-text}
    permissions:
      read: [member, viewer, admin]
      create: [member, viewer]
      update: [member]
      fields: [{field: secret, read: [admin], write: [admin]}]
    rowLevelPermissions:
      read: {when: {field: owner, operator: eq, value: $currentUser.id}}
  - name: days
    fields:
      - {name: price, type: decimal, precision: 2, unique: true}
      - {name: day, type: date, unique: true}
      - {name: moment, type: datetime, unique: true}
      - {name: number, type: integer, unique: true}
      - {name: text, type: single-line-text}
"""


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def ruled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder: Path = tmp_path_factory.mktemp("ruled")
    with running_on(request, RULES, folder, authenticate=by_header) as running:
        yield running


def test_upsert_needs_create_and_where_a_record_is_there_update(ruled: RunningServer) -> None:
    """R-065: create always, update where a record is there; rows of others and hidden fields stay unknown."""
    ruled.empty()
    path = "/api/tables/notes/records/upsert"
    mine = {"code": "a", "owner": "vic", "text": "1"}

    def ask(who: str, role: str, on: str, **fields: str) -> int:
        sent = {"records": [{"fields": fields}], "fieldsToMergeOn": [on]}
        return ruled.http.post(path, json=sent, headers=headers(who, role)).status_code

    assert ask("vic", "viewer", "code", **mine) == 200
    assert ask("vic", "viewer", "code", **mine) == 404
    assert ask("vic", "member", "code", **mine) == 200
    assert ask("mo", "member", "code", **mine) == 404
    assert ask("mo", "member", "text", **mine) == 404
    assert ask("vic", "member", "secret", secret="x", owner="vic") == 404
    assert ask("root", "admin", "secret", secret="x", owner="vic") == 200
    listed = ruled.local.get("/api/tables/notes/records").json()["records"]

    assert len(listed) == 2


@pytest.mark.parametrize(
    ("field", "given", "again"),
    [
        ("price", "1.50", 1.5),
        ("day", "2026-02-01", "2026-02-01T00:00:00Z"),
        ("moment", "2026-02-01T08:00:00.123Z", "2026-02-01T09:00:00.123+01:00"),
        ("number", 7, 7.0),
    ],
)
def test_upsert_finds_unique_values_of_every_kind(
    ruled: RunningServer, field: str, given: object, again: object
) -> None:
    """R-060: however the value is written, and whatever it is stored as."""
    ruled.empty()
    path = "/api/tables/days/records/upsert"
    first = ruled.local.post(path, json=body({field: given, "text": "a"}, on=(field,))).json()
    second = ruled.local.post(path, json=body({field: again, "text": "b"}, on=(field,))).json()
    assert (first["created"], second["updated"]) == (1, 1)
    assert second["records"][0]["fields"] == {**first["records"][0]["fields"], "text": "b"}
