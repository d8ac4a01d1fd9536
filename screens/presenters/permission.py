"""What the caller may do with a table, put where the console looks: fields that may not be written are read-only (P-043).

Never the protection itself: the server asks again.
"""

from collections.abc import Mapping
from typing import Literal

from core.client import Port, SovriumError
from core.contract.tables import FieldInfo, TableInfo

BY_ROW = "byRow"
"""Among the operations: not every row may be changed, the server is asked about the one that is meant."""

EVERYTHING: Mapping[str, bool] = {}
"""No word of the server: nothing is greyed."""

CLOSED: Mapping[str, bool] = dict.fromkeys(("create", "update", "delete", "restore", "permanentDelete"), False)
"""Where all that one can do is read."""


async def permitted(port: Port, info: TableInfo) -> tuple[TableInfo, Mapping[str, bool]]:
    """The table as the caller may change it, and the operations that it may do."""
    try:
        mine = await port.permissions(info["sqlName"])
    except SovriumError:
        return info, EVERYTHING
    table, fields = {**mine["table"], BY_ROW: "update" in mine.get("rows", ())}, mine["fields"]
    writes = table.get("create", True) or table.get("update", True)

    def seen(field: FieldInfo) -> FieldInfo:
        known = fields.get(field["name"])
        if field["readOnly"] or (writes and (known is None or known["write"])):
            return field
        return {**field, "readOnly": True, "options": {**field["options"], "denied": True}}

    return {**info, "fields": [seen(field) for field in info["fields"]]}, table


async def is_closed(port: Port, table: str, record: str) -> bool:
    """The caller reads that record and may not change it. A server that does not answer is asked again with the edit."""
    try:
        mine = await port.permissions(table, record)
    except SovriumError:
        return False
    return not mine.get("record", {}).get("update", True)


def closed(info: TableInfo, by: Literal["view", "console"]) -> tuple[TableInfo, Mapping[str, bool]]:
    """The table where nothing of it may be written by whatever way: in a view that is only read (V-015), in a console that
    was opened to read."""
    fields = [{**each, "readOnly": True, "options": {**each["options"], "denied": by}} for each in info["fields"]]
    return {**info, "fields": fields}, CLOSED  # type: ignore[typeddict-item]


def is_read_only(may: Mapping[str, bool]) -> bool:
    """Nothing in the table may be changed."""
    return not any(may.get(operation, True) for operation in ("create", "update", "delete"))
