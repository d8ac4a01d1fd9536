"""A server in memory: the console's `Port` over synthetic tables, for tests that need no engine."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.client import NotFound, ServerGone
from core.contract.access import TablePermissions
from core.contract.console import (
    Blocks,
    Change,
    CommitAnswer,
    CommitRequest,
    Completions,
    Event,
    ExportRequest,
    Found,
    Frequency,
    ImportPreview,
    Job,
    Jobs,
    LinkHits,
    Outcome,
    Schema,
    SqlRequest,
    SqlRun,
    SqlWindow,
    View,
    ViewSpec,
    Window,
)
from core.contract.records import Record
from core.contract.server import Hello
from core.contract.tables import FieldInfo, TableInfo
from core.contract.views import Preferences, PreferencesBody, UserView, UserViewBody
from core.sentence import Wording

MOMENT = "2026-01-05T09:00:00.000Z"
EDITORS = {
    "single-line-text": ("text", "line"),
    "long-text": ("text", "text"),
    "integer": ("number", "number"),
    "decimal": ("number", "number"),
    "date": ("date", "date"),
    "checkbox": ("checkbox", "checkbox"),
    "single-select": ("select", "choice"),
    "relationship": ("link", "link"),
    "json": ("json", "json"),
    "autonumber": ("number", "none"),
}


def field_info(name: str, kind: str = "single-line-text", **options: Any) -> FieldInfo:
    """A field of a synthetic table."""
    family, editor = EDITORS[kind]
    system = name in ("id", "created_at", "updated_at", "deleted_at")
    return FieldInfo(
        id=name,
        name=name,
        label="",
        description="",
        type=kind,
        family=family,
        editor="none" if system else editor,
        required=bool(options.pop("required", False)),
        unique=False,
        indexed=False,
        readOnly=system or editor == "none",
        system=system,
        numeric=family == "number",
        default=None,
        options=options,
        operators=["equals", "notEquals", "contains", "isEmpty", "isNotEmpty"],
    )


@dataclass
class MemoryTable:
    """Rows are dicts by field name with `id` and `updated_at`; `make(n)` builds row n (from 0) when it is first read, so
    that a table may have millions of rows."""

    name: str
    fields: list[FieldInfo]
    count: int
    make: Callable[[int], dict[str, Any]]
    display: str = "name"
    edited: dict[str, dict[str, Any]] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    _made: dict[str, Counter[Any]] = field(default_factory=dict)
    """By field, how often each value is among the rows as they are made: thousands of rows for a single key otherwise."""

    def info(self) -> TableInfo:
        return TableInfo(
            id=self.name,
            name=self.name,
            sqlName=self.name,
            primaryKey="id",
            displayField=self.display,
            fields=[*self.fields, field_info("id", "integer"), field_info("updated_at", "date")],
            views=[],
            permissions={},
            createdAt=MOMENT,
            updatedAt=MOMENT,
        )

    def row(self, key: str) -> dict[str, Any]:
        if key not in self.edited:
            number = int(key) - 1
            if not 0 <= number < self.count:
                raise NotFound()
            return self._fresh(number)
        return self.edited[key]

    def _fresh(self, number: int) -> dict[str, Any]:
        return {"id": str(number + 1), "updated_at": MOMENT, **self.make(number)}

    def frequencies(self, name: str) -> dict[Any, int]:
        """How often live rows have each value of a field."""
        if name not in self._made:
            self._made[name] = Counter(self._fresh(number).get(name) for number in range(self.count))
        counts = self._made[name].copy()
        for key in {*self.edited, *self.deleted}:
            if int(key) <= self.count:
                counts[self._fresh(int(key) - 1).get(name)] -= 1
            if key not in self.deleted:
                counts[self.row(key).get(name)] += 1
        return {value: count for value, count in counts.items() if count > 0}

    def live_keys(self) -> Sequence[str]:
        """Keys of live rows in key order; cheap while nothing was added or deleted."""
        if not self.added and not self.deleted:
            return _Numbers(self.count)
        keys = [str(n) for n in range(1, self.count + 1) if str(n) not in self.deleted]
        return [*keys, *(key for key in self.added if key not in self.deleted)]


class _Numbers(Sequence[str]):
    """ "1" to "n", without keeping them."""

    def __init__(self, count: int) -> None:
        self._range = range(1, count + 1)

    def __len__(self) -> int:
        return len(self._range)

    def __getitem__(self, index: Any) -> Any:
        found = self._range[index]
        return [str(n) for n in found] if isinstance(index, slice) else str(found)


def companies(count: int = 5000) -> MemoryTable:
    """A table with several types, synthetic and the same every time."""
    cities = ("Oslo", "Lyon", "Zürich", "Łódź", "東京", "São Paulo")
    stages = ("lead", "active", "dormant")

    def make(n: int) -> dict[str, Any]:
        return {
            "name": f"Company {n + 1:05d}",
            "city": cities[n % len(cities)],
            "stage": stages[n % 3],
            "employees": None if n % 11 == 0 else (n * 7919) % 5000,
            "revenue": f"{(n * 104729) % 10_000_000 / 100:.2f}",
            "founded": f"{1950 + n % 75}-{1 + n % 12:02d}-{1 + n % 28:02d}",
            "partner": n % 2 == 0,
            "note": f"Met at the fair in {cities[(n + 2) % 6]}." if n % 4 == 0 else None,
        }

    fields = [
        field_info("name", required=True),
        field_info("city"),
        field_info("stage", "single-select", options=[{"value": s, "label": s.title()} for s in stages]),
        field_info("employees", "integer"),
        field_info("revenue", "decimal", precision=2),
        field_info("founded", "date"),
        field_info("partner", "checkbox"),
        field_info("note", "long-text"),
    ]
    return MemoryTable("companies", fields, count, make)


def contacts(count: int = 800) -> MemoryTable:
    """People who link to companies."""
    first = ("Ada", "Grace", "Łukasz", "Zoë", "Óscar", "Mei")

    def make(n: int) -> dict[str, Any]:
        return {"name": f"{first[n % 6]} {n + 1}", "company": str(1 + n % 50), "email": f"person{n + 1}@example.org"}

    fields = [
        field_info("name", required=True),
        field_info("company", "relationship", relatedTable="companies"),
        field_info("email"),
    ]
    return MemoryTable("contacts", fields, count, make)


class MemoryPort:
    """`Port` over `MemoryTable`s. `break_off()` ends the stream of events as a lost server would; `tell` sends an event;
    `calls` are the names of the methods that were used."""

    def __init__(self, *tables: MemoryTable, version: str = "0.1.0") -> None:
        self.tables = {table.name: table for table in tables or (companies(), contacts())}
        self.version = version
        self.calls: list[str] = []
        self.job_list: list[Job] = []
        self.own_views: dict[str, UserView] = {}
        self.liked: dict[str, Preferences] = {}
        self.alive = True
        self._views: dict[str, tuple[ViewSpec, Sequence[str], int]] = {}
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()

    # ── Connection ─────────────────────────────────────────────────────────────────────────────────────────────────────

    token: str | None = None
    wording: Wording = str
    read_only = False
    may: dict[str, bool] = {}
    """What the caller may do; nothing said: everything."""

    async def hello(self) -> Hello:
        self._called("hello")
        return Hello(
            version=self.version,
            pid=4242,
            app="CRM",
            appVersion="1.0.0",
            description="Companies and the people in them",
            appFile="/srv/crm/app.yaml",
            checksum="0" * 64,
            database="DuckDB 2.0.0 · app.duckdb",
            dialect="duckdb",
            tcp="http://127.0.0.1:3000",
            schemaVersion=1,
            idleSeconds=0,
            notes=[],
        )

    async def schema(self) -> Schema:
        self._called("schema")
        return Schema(version=1, tables=[table.info() for table in self.tables.values()])

    async def events(self) -> AsyncIterator[Event]:
        self._called("events")
        while (event := await self._events.get()) is not None:
            yield event
        raise ServerGone("The server is gone")

    def tell(self, event: Event) -> None:
        """An event; open views follow rows that came or went, as a server's do."""
        self._events.put_nowait(event)
        if event["kind"] == "change" and event.get("operation") != "update":
            for view, (spec, order, version) in list(self._views.items()):
                if spec["table"] == event.get("table"):
                    self._views[view] = (spec, self._order(spec), version)
                    if len(self._views[view][1]) != len(order):
                        self._events.put_nowait(Event(kind="view", view=self._view(view)))

    def break_off(self) -> None:
        """The server dies."""
        self.alive = False
        self._events.put_nowait(None)

    async def close(self) -> None:
        return None

    # ── Views ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def open_view(self, spec: ViewSpec) -> View:
        self._called("open_view")
        view = f"view_{len(self._views) + 1}"
        self._views[view] = (spec, self._order(spec), 1)
        return self._view(view)

    async def view(self, view: str) -> View:
        self._called("view")
        return self._view(view)

    async def window(self, view: str, start: int, limit: int, fields: Sequence[str]) -> Window:
        self._called("window")
        spec, order, _ = self._views[view]
        table = self._table(spec["table"])
        keys = list(order[start : start + limit])
        rows = [table.row(key) for key in keys]
        return Window(
            start=start,
            keys=keys,
            stamps=[row["updated_at"] for row in rows],
            rows=[[row.get(name) for name in fields] for row in rows],
            labels=self._labels(table, rows, fields),
            view=self._view(view),
        )

    async def find(
        self, view: str, text: str, start: int, *, backward: bool = False, fields: Sequence[str] = ()
    ) -> Found:
        self._called("find")
        spec, order, _ = self._views[view]
        table = self._table(spec["table"])
        names = fields or [f["name"] for f in table.fields]
        positions = range(min(start, len(order) - 1), -1, -1) if backward else range(start, len(order))
        for position in positions:
            row = table.row(order[position])
            for name in names:
                if text.lower() in str(row.get(name) or "").lower():
                    return Found(position=position, key=order[position], field=name)
        return Found(position=None, key=None)

    async def locate(self, view: str, key: str) -> Found:
        self._called("locate")
        order = self._views[view][1]
        position = order.index(key) if key in order else None
        return Found(position=position, key=key if position is not None else None)

    async def groups(self, view: str, aggregate: str = "") -> Blocks:
        """Nothing is grouped here: the engine's own tests do that."""
        return Blocks(version=1, groups=[], aggregations={})

    async def user_views(self, table: str) -> list[UserView]:
        return [view for view in self.own_views.values() if view["tableName"] == table]

    async def keep_view(self, table: str, body: UserViewBody, view: str | None = None) -> UserView:
        id_ = view or f"v_{len(self.own_views) + 1}"
        empty = UserView(
            id=id_,
            name="",
            tableName=table,
            isDefault=False,
            filters=[],
            sorts=[],
            fields=[],
            groupBy=None,
            baseViewId=None,
            createdAt=MOMENT,
            updatedAt=MOMENT,
        )
        self.own_views[id_] = UserView(**{**self.own_views.get(id_, empty), **body})  # type: ignore[typeddict-item]
        return self.own_views[id_]

    async def delete_view(self, table: str, view: str) -> None:
        del self.own_views[view]

    async def preferences(self, table: str) -> Preferences:
        return self.liked.get(table, Preferences(tableName=table))

    async def prefer(self, table: str, body: PreferencesBody) -> None:
        self.liked[table] = Preferences(**{"tableName": table, **self.liked.get(table, {}), **body})  # type: ignore[typeddict-item]

    async def close_view(self, view: str) -> None:
        self._called("close_view")
        self._views.pop(view, None)

    async def values(self, table: str, field: str, *, prefix: str = "", limit: int = 50) -> Frequency:
        self._called("values")
        counts = self._table(table).frequencies(field)
        found = {value: n for value, n in counts.items() if str(value or "").lower().startswith(prefix.lower())}
        common = sorted(found.items(), key=lambda item: -item[1])[:limit]
        return Frequency(values=[[value, count] for value, count in common])

    async def links(self, table: str, field: str, q: str) -> LinkHits:
        self._called("links")
        info = next(f for f in self._table(table).fields if f["name"] == field)
        related = self._table(info["options"]["relatedTable"])
        hits = []
        for key in related.live_keys():
            label = str(related.row(key)[related.display])
            if q.lower() in label.lower():
                hits.append({"id": key, "label": label, "detail": str(related.row(key).get("city", ""))})
            if len(hits) == 200:
                break
        return LinkHits(hits=hits)

    # ── Records ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def record(self, table: str, key: str, *, include_deleted: bool = False) -> Record:
        self._called("record")
        held = self._table(table)
        if key in held.deleted and not include_deleted:
            raise NotFound()
        return self._record(held.row(key))

    async def commit(self, request: CommitRequest) -> CommitAnswer:
        self._called("commit")
        outcomes = [self._check(change) for change in request["changes"]]
        statements = [f"{c['op']} {c['table']} {c.get('id', '')}".strip() for c in request["changes"]]
        good = all(outcome["status"] == "ok" for outcome in outcomes)
        if good and not request.get("dryRun"):
            for change, outcome in zip(request["changes"], outcomes, strict=True):
                self._apply(change, outcome)
        return CommitAnswer(committed=good and not request.get("dryRun"), outcomes=outcomes, statements=statements)

    def _check(self, change: Change) -> Outcome:
        table = self._table(change["table"])
        required = [f["name"] for f in table.fields if f["required"]]
        given = change.get("fields", {})
        missing = [n for n in required if n in given and given[n] in (None, "")]
        if change["op"] == "create":
            missing += [n for n in required if n not in given]
        if missing:
            errors = [{"field": n, "code": "required", "message": "A value is needed"} for n in missing]
            return Outcome(ref=change["ref"], status="invalid", errors=errors)
        if change["op"] != "create":
            try:
                row = table.row(change["id"])
            except NotFound:
                return Outcome(ref=change["ref"], status="missing")
            if change.get("updatedAt", row["updated_at"]) != row["updated_at"]:
                return Outcome(ref=change["ref"], status="conflict", current=self._record(row))
        return Outcome(ref=change["ref"], status="ok", id=change.get("id", ""))

    def _apply(self, change: Change, outcome: Outcome) -> None:
        table = self._table(change["table"])
        if change["op"] == "create":
            key = str(table.count + len(table.added) + 1)
            table.added.append(key)
            row: dict[str, Any] = {"id": key, **{f["name"]: None for f in table.fields}}
        else:
            key = change["id"]
            row = dict(table.row(key))
        if change["op"] == "delete":
            table.deleted.add(key)
        if change["op"] == "restore":
            table.deleted.discard(key)
        step = len(self.calls)
        table.edited[key] = {**row, **change.get("fields", {}), "updated_at": f"2026-01-05T09:00:{step % 60:02d}.001Z"}
        outcome["id"] = key
        outcome["record"] = self._record(table.edited[key])
        self.tell(Event(kind="change", table=table.name, operation=change["op"], ids=[key], count=1))

    # ── The rest ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run_sql(self, request: SqlRequest) -> SqlRun:
        raise NotFound("This server runs no SQL")

    async def sql(self, run: str, *, wait: float = 0) -> SqlRun:
        raise NotFound()

    async def sql_window(self, run: str, index: int, start: int, limit: int, *, whole: bool = False) -> SqlWindow:
        raise NotFound()

    async def cancel_sql(self, run: str) -> None:
        raise NotFound()

    async def completions(self) -> Completions:
        tables = [
            {"name": table.name, "kind": "table", "columns": [[f["name"], f["type"]] for f in table.fields]}
            for table in self.tables.values()
        ]
        return Completions(version=1, tables=tables, functions=["count", "sum"], keywords=["select", "from"])

    async def permissions(self, table: str, record: str = "") -> TablePermissions:
        return TablePermissions(table=dict(self.may), fields={})

    async def jobs(self) -> Jobs:
        self._called("jobs")
        return Jobs(jobs=list(self.job_list))

    async def job(self, job: str) -> Job:
        return next(j for j in self.job_list if j["id"] == job)

    async def cancel_job(self, job: str) -> None:
        self._called("cancel_job")
        for held in self.job_list:
            if held["id"] == job and held["state"] in ("queued", "running"):
                held["state"] = "cancelled"
                self.tell(Event(kind="job", job=held))
                return
        self.job_list = [held for held in self.job_list if held["id"] != job]

    async def export(self, request: ExportRequest) -> Job:
        raise NotFound("This server exports nothing")

    async def download(self, job: str, target: Path) -> int:
        self._called("download")
        return await asyncio.to_thread(target.write_text, "id,name\n1,Company 00001\n", "utf-8")

    async def preview_import(self, table: str, file: Path) -> ImportPreview:
        raise NotFound("This server imports nothing")

    async def start_import(
        self, table: str, file: Path, *, mapping: dict[str, str] | None = None, skip_errors: bool = False
    ) -> Job:
        raise NotFound("This server imports nothing")

    async def request(self, method: str, path: str, *, json: Any = None) -> Any:
        self._called(f"{method} {path}")
        if path.split("?")[0] == "/api/tables":
            return [
                {"id": t.name, "name": t.name, "fieldCount": len(t.fields), "recordCount": len(t.live_keys())}
                for t in self.tables.values()
            ]
        raise NotFound()

    # ── Inside ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if not self.alive:
            raise ServerGone("The server is gone")

    def _table(self, name: str) -> MemoryTable:
        if name not in self.tables:
            raise NotFound()
        return self.tables[name]

    def _order(self, spec: ViewSpec) -> Sequence[str]:
        table = self._table(spec["table"])
        keys = sorted(table.deleted, key=int) if spec.get("deleted") else table.live_keys()
        condition, text = spec.get("filter"), spec.get("q", "").lower()
        if condition:
            keys = [key for key in keys if _holds(condition, table.row(key))]
        if text:
            keys = [key for key in keys if any(text in str(v).lower() for v in table.row(key).values())]
        for sort in reversed(spec.get("sort", [])):
            name = sort["field"]
            present = [key for key in keys if table.row(key).get(name) is not None]
            absent = [key for key in keys if table.row(key).get(name) is None]
            present.sort(key=lambda key, n=name: _comparable(table.row(key)[n]), reverse=sort["direction"] == "desc")
            keys = [*present, *absent]
        return keys

    def _view(self, view: str) -> View:
        if view not in self._views:
            raise NotFound()
        spec, order, version = self._views[view]
        return View(id=view, table=spec["table"], count=len(order), countKind="exact", ready=True, version=version)

    def _labels(
        self, table: MemoryTable, rows: list[dict[str, Any]], fields: Sequence[str]
    ) -> dict[str, dict[str, str]]:
        labels: dict[str, dict[str, str]] = {}
        for info in table.fields:
            related = self.tables.get(str(info["options"].get("relatedTable")))
            if info["family"] == "link" and info["name"] in fields and related:
                ids = {str(row[info["name"]]) for row in rows if row.get(info["name"]) is not None}
                labels[info["name"]] = {key: str(related.row(key)[related.display]) for key in ids}
        return labels

    def _record(self, row: dict[str, Any]) -> Record:
        fields = {name: value for name, value in row.items() if name not in ("id", "updated_at")}
        return Record(id=row["id"], fields=fields, createdAt=MOMENT, updatedAt=row["updated_at"])


def _comparable(value: Any) -> tuple[int, Any]:
    return (0, value) if isinstance(value, bool | int | float) else (1, str(value))


def _holds(condition: dict[str, Any], row: dict[str, Any]) -> bool:
    if "and" in condition:
        return all(_holds(part, row) for part in condition["and"])
    if "or" in condition:
        return any(_holds(part, row) for part in condition["or"])
    if "not" in condition:
        return not _holds(condition["not"], row)
    value, wanted = row.get(condition["field"]), condition.get("value")
    tests: dict[str, Callable[[], bool]] = {
        "equals": lambda: value == wanted,
        "notEquals": lambda: value != wanted,
        "contains": lambda: str(wanted).lower() in str(value or "").lower(),
        "isNull": lambda: value is None,
        "isNotNull": lambda: value is not None,
        "isEmpty": lambda: value in (None, "", []),
        "isNotEmpty": lambda: value not in (None, "", []),
        "greaterThan": lambda: value is not None and value > wanted,
        "lessThan": lambda: value is not None and value < wanted,
        "isTrue": lambda: value is True,
        "isFalse": lambda: value is False,
        "in": lambda: value in (wanted or ()),
    }
    return tests[condition["operator"]]()
