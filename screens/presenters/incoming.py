"""Records that link to a record: by which field, how many, the first of them; and what it belongs to in its own table."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from core.client import Port, SovriumError
from core.contract.tables import FieldInfo, TableInfo
from screens.presenters.format.line import one_line
from screens.presenters.value import show, title_of
from screens.services.text import t

FIRST = 5
"""Records shown of each list before more are asked for."""
MORE = 25
DEEPEST = 12
"""Ancestors that are named."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """The records of one table that link here by one field. `records`: keys and names of the first. `shown`: a field of
    the table that they link to shows them already."""

    table: TableInfo
    field: FieldInfo
    total: int
    records: tuple[tuple[str, str], ...]
    shown: bool = False

    @property
    def title(self) -> str:
        return f"← {one_line(self.table['name'])}"


def pointing_here(tables: Sequence[TableInfo], info: TableInfo) -> list[tuple[TableInfo, FieldInfo]]:
    """Fields that link one record of this table."""
    names = (info["name"], info["sqlName"])
    return [
        (table, field)
        for table in tables
        for field in table["fields"]
        if field["family"] == "link" and field["editor"] == "link" and field["options"].get("relatedTable") in names
    ]


def shows(info: TableInfo, table: TableInfo, field: FieldInfo) -> bool:
    """Whether a field of this table is the way back of one that links to it."""
    return any(
        each["editor"] == "links"
        and each["options"].get("relatedTable") in (table["name"], table["sqlName"])
        and each["options"].get("foreignKey") == field["name"]
        for each in info["fields"]
    )


async def linking_to(port: Port, tables: Sequence[TableInfo], info: TableInfo, key: str) -> list[Incoming]:
    """Everything that links to a record, as far as it can be read; the first records of each list."""
    asked = pointing_here(tables, info)
    found = await asyncio.gather(*(read_incoming(port, table, field, key) for table, field in asked))
    return [
        replace(each, shown=shows(info, table, field))
        for each, (table, field) in zip(found, asked, strict=True)
        if each is not None
    ]


async def read_incoming(
    port: Port, table: TableInfo, field: FieldInfo, key: str, limit: int = FIRST
) -> Incoming | None:
    """The first records that link to the key; None where they cannot be read."""
    condition = {"field": field["name"], "operator": "equals", "value": key}
    query = urlencode({"filter": json.dumps(condition), "limit": limit, "ids": "string"})
    try:
        answer: Any = await port.request("GET", f"/api/tables/{table['sqlName']}/records?{query}")
    except SovriumError:
        return None
    display = next((each for each in table["fields"] if each["name"] == table["displayField"]), None)
    records = tuple((str(each["id"]), name_of(display, each)) for each in answer["records"])
    return Incoming(table, field, int(answer["pagination"]["total"]), records)


async def names_of(port: Port, table: TableInfo, keys: Sequence[str]) -> dict[str, str]:
    """What records are called, by their keys; without those that cannot be read."""
    condition = {"field": table["primaryKey"], "operator": "in", "value": list(keys)}
    query = urlencode({"filter": json.dumps(condition), "limit": len(keys), "ids": "string"})
    try:
        answer: Any = await port.request("GET", f"/api/tables/{table['sqlName']}/records?{query}")
    except SovriumError:
        return {}
    display = next((each for each in table["fields"] if each["name"] == table["displayField"]), None)
    return {str(each["id"]): name_of(display, each) for each in answer["records"]}


async def shown_values(port: Port, table: TableInfo, key: str) -> dict[str, Any]:
    """The values of a record as people read them: keys that it looks up by the names of their records."""
    try:
        answer: Any = await port.request("GET", f"/api/tables/{table['sqlName']}/records/{quote(key)}?format=display")
    except SovriumError:
        return {}
    return dict(answer["fields"])


def name_of(display: FieldInfo | None, record: Any) -> str:
    """What a record is called."""
    value = record["fields"].get(display["name"]) if display is not None else None
    return str(record["id"]) if value is None else show(display, value)


async def ancestors(port: Port, info: TableInfo, key: str) -> list[tuple[str, str]]:
    """What a record belongs to through a link to its own table: keys and names, the outermost first."""
    names = (info["name"], info["sqlName"])
    up = next(
        (f for f in info["fields"] if f["editor"] == "link" and f["options"].get("relatedTable") in names),
        None,
    )
    if up is None:
        return []
    display = next((each for each in info["fields"] if each["name"] == info["displayField"]), None)
    found: list[tuple[str, str]] = []
    seen, here = {key}, key
    try:
        value = (await port.record(info["sqlName"], here))["fields"].get(up["name"])
        while value is not None and str(value) not in seen and len(found) < DEEPEST:
            here = str(value)
            seen.add(here)
            record = await port.record(info["sqlName"], here)
            found.insert(0, (here, name_of(display, record)))
            value = record["fields"].get(up["name"])
    except SovriumError:
        return found
    return found


def computed_text(field: FieldInfo, values: dict[str, Any], fields: Sequence[FieldInfo]) -> str:
    """How a computed field comes about, with the values that it is made of; "" for others."""
    options = field["options"]
    if formula := options.get("formula"):
        words = set("".join(c if c.isalnum() or c == "_" else " " for c in str(formula)).split())
        used = [each for each in fields if each["name"] in words and each is not field]
        lines = [f"ƒ {one_line(str(formula))}"]
        return "\n".join([*lines, *(f"  {title_of(each)} = {show(each, values.get(each['name']))}" for each in used)])
    if link := options.get("relationshipField"):
        way = f"{link} → {options['relatedField']}" if options.get("relatedField") else str(link)
        how = options.get("aggregation") or field["type"]
        return t("record.computed", how=one_line(str(how)), way=one_line(way))
    return ""
