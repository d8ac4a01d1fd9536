"""Any sequence of schema changes and rollbacks keeps the surviving data, on both databases."""

import copy
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.errors import MigrationRefused
from core.fields.build import build_app
from core.fields.model import AppModel
from core.fields.registry import FIELD_TYPES
from core.migrations import history, plan, run, status
from core.migrations.run import plan_rollback
from core.schema.loader import load_data
from core.storage.database import Call, Database
from tests.support.depth import examples, patient
from tests.support.tables import remove_tables

NAMES = ["alpha", "beta", "gamma", "delta"]
TYPES = ["single-line-text", "integer", "decimal", "checkbox", "date", "datetime"]
TEXTS = ["7", "-1", "x", "true", "2026-02-28", "", None]

Tables = list[dict[str, Any]]
Values = dict[tuple[int, int, int], Any]
"""By table id, field id and record id."""


def model(tables: Tables) -> AppModel:
    return build_app(load_data({"name": "app", "tables": tables}, FIELD_TYPES))


class SchemaMachine(RuleBasedStateMachine):
    """`versions`: the tables of each version that is in force."""

    database: ClassVar[Database]

    def __init__(self) -> None:
        super().__init__()
        super().__init__()
        self.tables: Tables = []
        self.versions: dict[int, Tables] = {}
        self.next_id = 10

    @initialize()
    def begin(self) -> None:
        remove_tables(self.database)
        self.tables = [{"id": 1, "name": "one", "fields": [{"id": 1, "name": "alpha", "type": "single-line-text"}]}]
        run(self.database, plan(self.database, model(self.tables)))
        self.versions = {1: copy.deepcopy(self.tables)}

    def read(self) -> Values:
        found: Values = {}
        for table in self.tables:
            for field in table["fields"]:
                sql = f'SELECT id, CAST("{field["name"]}" AS VARCHAR) FROM "{table["name"]}"'
                for id_, value in rows(self.database, sql):
                    found[table["id"], field["id"], id_] = value
        return found

    def migrate(self, tables: Tables) -> None:
        """To these tables; a refusal must change nothing."""
        before = self.read()
        try:
            planned = plan(self.database, model(tables))
            applied = run(self.database, planned, allow_destructive=True, reapply=True)
        except MigrationRefused:
            assert self.read() == before
            return
        self.tables = tables
        self.versions[applied.version] = copy.deepcopy(tables)
        now = self.read()
        types = {(t["id"], f["id"]): f["type"] for t in tables for f in t["fields"]}
        for key in before.keys() & now.keys():
            assert now[key] is not None or before[key] in (None, ""), (key, before[key])
            if types[key[:2]] == "single-line-text" and self.types.get(key[:2]) == "single-line-text":
                assert now[key] == before[key]
        expected = {key[:2] for key in before} & {(t["id"], f["id"]) for t in tables for f in t["fields"]}
        assert {key for key in before if key[:2] in expected} <= now.keys()

    @property
    def types(self) -> dict[tuple[int, int], str]:
        return {(t["id"], f["id"]): f["type"] for t in self.tables for f in t["fields"]}

    @rule(values=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3))
    def enter(self, values: list[str | None]) -> None:
        for table in self.tables:
            names = [f["name"] for f in table["fields"] if f["type"] == "single-line-text"]
            for value in values:
                listed = ", ".join(f'"{name}"' for name in names)
                marks = ", ".join("?" for _ in names)
                sql = f'INSERT INTO "{table["name"]}" ({listed}) VALUES ({marks})'
                if names:
                    execute(self.database, sql, [value] * len(names))

    @rule(table=st.integers(0, 9), name=st.sampled_from(NAMES), kind=st.sampled_from(TYPES))
    def add_field(self, table: int, name: str, kind: str) -> None:
        tables = copy.deepcopy(self.tables)
        fields = tables[table % len(tables)]["fields"]
        if name not in [field["name"] for field in fields]:
            self.next_id += 1
            fields.append({"id": self.next_id, "name": name, "type": kind})
            self.migrate(tables)

    @rule(table=st.integers(0, 9), field=st.integers(0, 9))
    def remove_field(self, table: int, field: int) -> None:
        tables = copy.deepcopy(self.tables)
        fields = tables[table % len(tables)]["fields"]
        if len(fields) > 1:
            del fields[field % len(fields)]
            self.migrate(tables)

    @rule(table=st.integers(0, 9), field=st.integers(0, 9), kind=st.sampled_from(TYPES))
    def retype_field(self, table: int, field: int, kind: str) -> None:
        tables = copy.deepcopy(self.tables)
        fields = tables[table % len(tables)]["fields"]
        fields[field % len(fields)]["type"] = kind
        self.migrate(tables)

    @rule(table=st.integers(0, 9), names=st.permutations(NAMES))
    def rename_fields(self, table: int, names: list[str]) -> None:
        tables = copy.deepcopy(self.tables)
        for field, name in zip(tables[table % len(tables)]["fields"], names, strict=False):
            field["name"] = name
        self.migrate(tables)

    @rule(name=st.sampled_from(["one", "two", "three"]), rename=st.booleans())
    def add_or_rename_table(self, name: str, rename: bool) -> None:
        tables = copy.deepcopy(self.tables)
        if name in [table["name"] for table in tables]:
            return
        if rename:
            tables[0]["name"] = name
        else:
            self.next_id += 1
            tables.append({"id": self.next_id, "name": name, "fields": [{"id": 1, "name": "alpha", "type": "integer"}]})
        self.migrate(tables)

    @precondition(lambda self: len(self.tables) > 1)
    @rule(table=st.integers(0, 9))
    def remove_table(self, table: int) -> None:
        tables = copy.deepcopy(self.tables)
        del tables[table % len(tables)]
        self.migrate(tables)

    @precondition(lambda self: len(self.versions) > 1)
    @rule(force=st.booleans(), steps=st.integers(1, 3))
    def go_back(self, force: bool, steps: int) -> None:
        live = sorted(self.versions)
        target = live[max(0, len(live) - 1 - steps)]
        before = self.read()
        planned = plan_rollback(self.database, model(self.tables), target, force=force)
        try:
            run(self.database, planned, allow_destructive=force)
        except MigrationRefused:
            assert not force or planned.refusals
            assert self.read() == before
            return
        types = self.types
        self.tables = copy.deepcopy(self.versions[target])
        self.versions = {number: tables for number, tables in self.versions.items() if number <= target}
        now = self.read()
        for key in before.keys() & now.keys():
            if types[key[:2]] == self.types[key[:2]]:
                assert now[key] == before[key]

    @invariant()
    def the_database_is_as_its_version_says(self) -> None:
        if self.tables:
            found = status(self.database, model(self.tables))
            assert (found.is_current, found.drift) == (True, ())
            assert [each.version for each in history(self.database) if each.is_live] == sorted(
                self.versions, reverse=True
            )


@patient
def test_schema_changes_and_rollbacks_keep_the_data(open_db: Callable[..., Database]) -> None:
    """M-019, M-020, M-021, M-025, M-036, M-044, M-045"""

    class Machine(SchemaMachine):
        database = open_db()

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples(6),
            stateful_step_count=10,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


def rows(database: Database, sql: str) -> list[Any]:
    return database.submit_read(Call(lambda reader: reader.rows(sql))).result()


def execute(database: Database, sql: str, values: list[Any]) -> None:
    database.submit_write(Call(lambda tx: tx.execute(sql, values))).result()
