"""Every field type on its whole way, over HTTP on both databases (T-146)."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from core.auth.store import ACCOUNTS
from core.fields.attachment import AttachmentField
from core.fields.base import FieldType
from core.fields.registry import FIELD_TYPES
from core.storage.database import Call
from tests.support.fields import BESIDE, OTHER, VARIANTS
from tests.support.server import RunningServer, running_on

KINDS = [kind.name for kind in FIELD_TYPES]
PEOPLE = ("u_1", "u_2", "u_3")


def name_of(kind: str) -> str:
    return "f_" + kind.replace("-", "_")


def app_text() -> str:
    fields = [{"name": name_of(kind), "type": kind, **VARIANTS.get(kind, [{}])[0]} for kind in KINDS]
    auth = {"strategies": [{"type": "emailAndPassword"}]}
    tables = [{"name": "everything", "fields": [*fields, *BESIDE]}, OTHER]
    return json.dumps({"name": "everything", "auth": auth, "tables": tables})


@pytest.fixture(params=["duckdb", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningServer]:
    with running_on(request, app_text(), tmp_path) as running:
        yield running


class Walk:
    """The records of the table with a field of each type."""

    def __init__(self, server: RunningServer) -> None:
        self.server, self.rng = server, Random(7)
        self.table = server.engine.model.by_address["everything"]
        self.fields = {kind: self.table.fields[name_of(kind)] for kind in KINDS}
        self.writable = [kind for kind, field in self.fields.items() if not field.read_only]
        self.with_value = [kind for kind, field in self.fields.items() if field.result() is not None]
        server.engine.database.submit_write(Call(self._people)).result()
        self.other = [self._post("other", {"title": f"o{n}", "n": n})["id"] for n in (1, 5)]

    @staticmethod
    def _people(tx: Any) -> None:
        shared = {"email_verified": True, "image": None, "roles": None, "banned": False}
        times = {"created_at": tx.time, "updated_at": tx.time}
        people = [{"id": each, "email": f"{each}@example.org", "name": each, **shared, **times} for each in PEOPLE]
        tx.insert(ACCOUNTS, people)

    def _post(self, table: str, fields: dict[str, Any]) -> dict[str, Any]:
        answer = self.server.local.post(f"/api/tables/{table}/records", json={"fields": fields})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def value(self, kind: str) -> Any:
        """A value as a client would send it."""
        field: FieldType[Any] = self.fields[kind]
        if isinstance(field, AttachmentField):
            sent = self.server.local.post(
                "/api/tables/everything/files", params={"filename": "a.txt"}, content=self.rng.randbytes(9)
            )
            return sent.json()["key"]
        if kind == "user":
            return self.rng.choice(PEOPLE)
        if kind == "relationship":
            return self.rng.choice(self.other)
        return field.to_json(field.example(self.rng))

    def values(self) -> dict[str, Any]:
        return {name_of(kind): self.value(kind) for kind in self.writable} | {"note": "a note", "link": self.other[0]}

    def create(self) -> dict[str, Any]:
        made: dict[str, Any] = self._post("everything", self.values())["fields"] | {}
        return made

    def ids(self, **params: Any) -> list[str]:
        answer = self.server.local.get("/api/tables/everything/records", params=params)
        assert answer.status_code == 200, f"{params}: {answer.text}"
        return [each["id"] for each in answer.json()["records"]]


def as_told(kind: str, sent: Any, told: Any) -> bool:
    """The answer is what was sent; of files, that it names them."""
    if kind == "single-attachment":
        return bool(told["key"] == sent and told["size"] == 9)
    if kind == "multiple-attachments":
        return [each["key"] for each in told] == [sent]
    return bool(str(told) == str(sent) if kind == "relationship" else told == sent)


def test_every_type_goes_all_the_way(server: RunningServer) -> None:
    """T-146: create, read, filter, sort, edit, export and import of all types."""
    walk = Walk(server)
    sent = [walk.values() for _ in range(3)]
    made = [walk._post("everything", each) for each in sent]
    ids = [each["id"] for each in made]
    # Read.
    for given, record in zip(sent, made, strict=True):
        read = server.local.get(f"/api/tables/everything/records/{record['id']}").json()["fields"]
        assert "f_button" not in read
        assert read == record["fields"]
        for kind in walk.writable:
            assert as_told(kind, given[name_of(kind)], read[name_of(kind)]), kind
    # Filter: every type by whether there is a value, and those that can be equal by their own one.
    for kind in walk.with_value:
        name, value = name_of(kind), made[0]["fields"].get(name_of(kind))
        present = {"field": name, "operator": "isNotNull"}
        expected = {each["id"] for each in made if each["fields"].get(name) is not None}
        assert set(walk.ids(filter=json.dumps(present))) == expected, kind
        if "equals" in walk.fields[kind].operators() and value is not None and not kind.endswith("attachments"):
            if kind == "single-attachment":
                continue
            equal = {"field": name, "operator": "equals", "value": value}
            assert ids[0] in walk.ids(filter=json.dumps(equal)), f"{kind} = {value!r}"
    refused = server.local.get("/api/tables/everything/records", params={"filter": "f_button:x"})
    assert refused.status_code == 400
    # Sort: a total order that turns round, rows without a value last in both directions.
    for kind in walk.with_value:
        name = name_of(kind)
        upwards, downwards = walk.ids(sort=f"{name}:asc"), walk.ids(sort=f"{name}:desc")
        assert sorted(upwards) == sorted(downwards) == sorted(ids), kind
    # Edit.
    for kind in walk.writable:
        value = walk.value(kind)
        answer = server.local.patch(f"/api/tables/everything/records/{ids[0]}", json={"fields": {name_of(kind): value}})
        assert answer.status_code == 200, f"{kind}: {answer.text}"
        assert as_told(kind, value, answer.json()["fields"][name_of(kind)]), kind
    # Export and import: what comes out goes in again.
    mapping = {name_of(kind): name_of(kind) for kind in walk.writable}
    before = records_of(server, mapping)
    for form in ("csv", "json", "parquet"):
        file = server.local.get("/api/tables/everything/export", params={"format": form})
        assert file.status_code == 200, file.text
        server.local.request("DELETE", "/api/tables/everything/records/batch", json={"ids": walk.ids(limit=100)})
        query = {"format": form, "mapping": json.dumps(mapping)}
        job = server.local.post("/api/tables/everything/import", params=query, content=file.content).json()
        done = server.call_in_loop(finished(server, job["id"]))
        assert done["state"] == "done", f"{form}: {done}"
        assert records_of(server, mapping) == before, form


def records_of(server: RunningServer, names: Any) -> list[str]:
    found = server.local.get("/api/tables/everything/records", params={"limit": 100}).json()["records"]
    return sorted(json.dumps({name: each["fields"][name] for name in names}, sort_keys=True) for each in found)


async def finished(server: RunningServer, job: str) -> Any:
    """The job, when it has ended."""
    while (found := server.engine.jobs.get(job))["state"] not in ("done", "failed", "cancelled"):  # noqa: ASYNC110
        await asyncio.sleep(0)
    return found
