"""Where a grid's rows come from: a view of a table, or the kept result of an SQL statement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from core.client import NotFound, Port
from core.contract.console import Blocks, Found, GroupSpec, SqlColumn, SqlStatement, View, ViewSpec, Window
from core.contract.records import Filter, SortKey
from core.contract.tables import FieldInfo, TableInfo

SEARCH_STEP = 1024
"""Rows read at a time when a result is searched from here."""
WHOLE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|int[248]", re.IGNORECASE)
SCALED = re.compile(r"(?:DECIMAL|NUMERIC)\(\d+,\s*(\d+)\)", re.IGNORECASE)
FAMILY_TYPES = {"number": "decimal", "date": "datetime", "checkbox": "checkbox", "json": "json"}


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of a source: conditions, order, and the trash instead of the live rows."""

    filter: Filter | None = None
    sort: tuple[SortKey, ...] = ()
    deleted: bool = False
    group: GroupSpec | None = None
    view: str = ""
    """A view of the app file whose filter holds as well, because it may not be told whole."""

    def order_of(self, name: str) -> tuple[str, int] | None:
        """Direction of a sorted field and its rank from 1."""
        for rank, key in enumerate(self.sort, 1):
            if key["field"] == name:
                return key["direction"], rank
        return None

    def turned(self, name: str, *, add: bool = False) -> Query:
        """With the next of ascending, descending, off for one field; `add` keeps the other sort keys."""
        now = self.order_of(name)
        others = tuple(key for key in self.sort if key["field"] != name) if add else ()
        if now is None:
            return replace(self, sort=(*others, SortKey(field=name, direction="asc")))
        return replace(self, sort=(*others, SortKey(field=name, direction="desc")) if now[0] == "asc" else others)


class RowSource(Protocol):
    """Rows by position. Errors are those of the port; NotFound: the view is gone, open it again."""

    @property
    def table(self) -> str:
        """SQL name of the table whose rows can be edited; "" for results that cannot."""
        ...

    @property
    def fields(self) -> Sequence[FieldInfo]: ...
    @property
    def key(self) -> str:
        """The field that names a row, shown first; "" when there is none."""
        ...

    @property
    def ordered(self) -> bool:
        """Sort and filter can be asked for."""
        ...

    async def open(self, query: Query) -> View: ...
    async def view(self, view: str) -> View: ...
    async def window(self, view: str, start: int, limit: int, names: Sequence[str]) -> Window: ...
    async def find(self, view: str, text: str, start: int, *, backward: bool, names: Sequence[str]) -> Found: ...
    async def locate(self, view: str, key: str) -> Found: ...
    async def groups(self, view: str, aggregate: str) -> Blocks:
        """The groups of a view that was opened with some, and aggregates (`points:sum,due:max`)."""
        ...

    async def close(self, view: str) -> None: ...


class TableSource:
    """A table, through a view that the server keeps in order."""

    ordered = True

    def __init__(self, port: Port, info: TableInfo) -> None:
        self.port = port
        self.info = info
        self.table = info["sqlName"]
        self.fields = info["fields"]
        self.key = info["primaryKey"].split("~")[0]

    async def open(self, query: Query) -> View:
        spec = ViewSpec(table=self.table)
        if query.filter:
            spec["filter"] = query.filter
        if query.sort:
            spec["sort"] = list(query.sort)
        if query.deleted:
            spec["deleted"] = True
        if query.group:
            spec["groupBy"] = query.group
        if query.view:
            spec["view"] = query.view
        return await self.port.open_view(spec)

    async def groups(self, view: str, aggregate: str) -> Blocks:
        return await self.port.groups(view, aggregate)

    async def view(self, view: str) -> View:
        return await self.port.view(view)

    async def window(self, view: str, start: int, limit: int, names: Sequence[str]) -> Window:
        asked = self._with_value(names)
        window = await self.port.window(view, start, limit, asked)
        if len(asked) == len(names):
            return window
        place = {name: at for at, name in enumerate(asked)}
        rows = [[row[place[name]] if name in place else "" for name in names] for row in window["rows"]]
        return {**window, "rows": rows}

    def _with_value(self, names: Sequence[str]) -> Sequence[str]:
        """Without buttons, which stand in the grid though there is nothing to read."""
        buttons = {field["name"] for field in self.fields if field["type"] == "button"}
        return [name for name in names if name not in buttons] if buttons else names

    async def find(self, view: str, text: str, start: int, *, backward: bool, names: Sequence[str]) -> Found:
        return await self.port.find(view, text, start, backward=backward, fields=self._with_value(names))

    async def locate(self, view: str, key: str) -> Found:
        return await self.port.locate(view, key)

    async def close(self, view: str) -> None:
        await self.port.close_view(view)


class SqlSource:
    """The kept rows of one statement of a run. Read-only, in the order of the statement; a row's key is its number."""

    ordered = False
    table = ""
    key = ""

    def __init__(self, port: Port, run: str, statement: SqlStatement) -> None:
        self.port = port
        self.run = run
        self.statement = statement
        self.fields = _fields_of(statement.get("columns", []))
        self._place = {field["name"]: place for place, field in enumerate(self.fields)}

    async def open(self, query: Query) -> View:
        return self._view()

    async def view(self, view: str) -> View:
        return self._view()

    def _view(self) -> View:
        more = self.statement.get("more", False)
        return View(
            id=f"{self.run}/{self.statement['index']}",
            table="",
            count=self.statement.get("rowCount", 0),
            countKind="at-least" if more else "exact",
            ready=True,
            version=1,
        )

    async def window(self, view: str, start: int, limit: int, names: Sequence[str]) -> Window:
        answer = await self.port.sql_window(self.run, self.statement["index"], start, limit)
        places = [self._place[name] for name in names]
        rows = answer["rows"]
        if places != list(range(len(self.fields))):
            rows = [[row[place] for place in places] for row in rows]
        keys = [str(number) for number in range(start, start + len(rows))]
        return Window(start=start, keys=keys, stamps=[], rows=rows, labels={}, view=self._view())

    async def whole(self, first: int, last: int, names: Sequence[str]) -> list[list[Any]]:
        """Rows first…last without anything cut."""
        places = [self._place[name] for name in names]
        rows: list[list[Any]] = []
        while first + len(rows) <= last:
            start = first + len(rows)
            answer = await self.port.sql_window(self.run, self.statement["index"], start, last + 1 - start, whole=True)
            if not answer["rows"]:
                break
            rows += [[row[place] for place in places] for row in answer["rows"]]
        return rows

    async def find(self, view: str, text: str, start: int, *, backward: bool, names: Sequence[str]) -> Found:
        """Reads on, window by window: a result is kept on the server but not indexed there."""
        needle, count, position = text.casefold(), self._view()["count"], start
        while 0 <= position < count:
            first = max(0, position - SEARCH_STEP + 1) if backward else position
            limit = position - first + 1 if backward else SEARCH_STEP
            window = await self.window(view, first, limit, names)
            places = range(len(window["rows"]))
            for place in reversed(places) if backward else places:
                for name, value in zip(names, window["rows"][place], strict=True):
                    if needle in _searched(value).casefold():
                        return Found(position=first + place, key=window["keys"][place], field=name)
            position = first - 1 if backward else first + limit
        return Found(position=None, key=None)

    async def locate(self, view: str, key: str) -> Found:
        if not key.isdecimal() or int(key) >= self._view()["count"]:
            raise NotFound()
        return Found(position=int(key), key=key)

    async def groups(self, view: str, aggregate: str) -> Blocks:
        return Blocks(version=1, groups=[], aggregations={})

    async def close(self, view: str) -> None:
        """The run belongs to the SQL screen, which forgets it."""


def _searched(value: Any) -> str:
    if isinstance(value, dict) and "cut" in value:
        return str(value["cut"])
    return "" if value is None else str(value)


def _type_of(column: SqlColumn) -> str:
    """The field type whose values read as those of the column."""
    native = column["type"]
    if native.upper() in ("DATE", "TIME"):
        return native.lower()
    if WHOLE.fullmatch(native):
        return "integer"
    return FAMILY_TYPES.get(column["family"], "single-line-text")


def _fields_of(columns: Sequence[SqlColumn]) -> list[FieldInfo]:
    """Columns of a result as fields. Equal names get a number, because a field is addressed by its name."""
    fields: list[FieldInfo] = []
    taken: set[str] = set()
    for column in columns:
        name, number = column["name"], 2
        while name in taken:
            name, number = f"{column['name']}:{number}", number + 1
        taken.add(name)
        scaled = SCALED.fullmatch(column["type"])
        fields.append(
            FieldInfo(
                id=name,
                name=name,
                label=column["name"],
                description=column["type"],
                type=_type_of(column),
                family=column["family"],
                editor="none",
                required=False,
                unique=False,
                indexed=False,
                readOnly=True,
                system=False,
                numeric=column["family"] == "number",
                default=None,
                options={"native": column["type"], **({"scale": int(scaled[1])} if scaled else {})},
                operators=[],
            )
        )
    return fields
