"""What the goto line offers: places, tables, recent places, and records found by their label on the server."""

import asyncio
from collections.abc import Sequence
from functools import partial

from core.client import SovriumError
from core.contract.tables import TableInfo
from screens.actions.registry import BY_ID
from screens.presenters.finder import Hit, Search
from screens.presenters.place import Place
from screens.registry import PLACES
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.palette import table_hits, table_place

MOST_TABLES = 8
"""Tables that are searched for records at a time."""
PER_TABLE = 5


def goto_hits(context: Context) -> list[Hit]:
    """Places and tables."""
    places = [
        Hit(
            label=t(f"place.{place.mode}"),
            kind=t("kind.place"),
            key=context.keymap.label(BY_ID[f"go.{place.mode}"]),
            run=partial(context.go, Place(place.mode, "", t(f"place.{place.mode}"))),
        )
        for place in PLACES
    ]
    return [*table_hits(context), *places]


def record_search(context: Context) -> Search:
    """Finds records whose label contains what was typed, in each table."""

    async def search(typed: str) -> Sequence[Hit]:
        if context.schema is None or len(typed.strip()) < 2:
            return ()
        tables = context.schema["tables"][:MOST_TABLES]
        found = await asyncio.gather(*(records_of(context, table, typed.strip()) for table in tables))
        return [hit for hits in found for hit in hits]

    return search


async def records_of(context: Context, table: TableInfo, typed: str) -> list[Hit]:
    """The first records of a table whose label contains a text; none where the label is not a text."""
    field = next((f for f in table["fields"] if f["name"] == table["displayField"]), None)
    if context.port is None or field is None or field["family"] != "text":
        return []
    condition = {"field": field["name"], "operator": "contains", "value": typed}
    port = context.port
    try:
        view = await port.open_view({"table": table["sqlName"], "filter": condition})
        try:
            window = await port.window(view["id"], 0, PER_TABLE, [field["name"]])
        finally:
            await port.close_view(view["id"])
    except SovriumError:
        return []
    return [
        Hit(
            label=str(row[0]["cut"] if isinstance(row[0], dict) else row[0]),
            kind=table["name"],
            run=partial(context.go, table_place(table["sqlName"], table["name"], key)),
        )
        for key, row in zip(window["keys"], window["rows"], strict=True)
    ]
