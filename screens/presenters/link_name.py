"""Records by what people call them: texts that are pasted into fields that link one record."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from core.client import Port, SovriumError
from core.contract.tables import FieldInfo, TableInfo
from screens.presenters.clipboard_block import copy_text
from screens.presenters.link import display_field
from screens.presenters.paste import PasteDraft

ASKED = 50
"""Names in one question."""
MOST = 2_000
"""Names of one field that are asked for. Of further ones the server tells when they are saved."""


async def learn_names(port: Port, draft: PasteDraft, related: Callable[[FieldInfo], TableInfo | None]) -> None:
    """Have the draft know the records that its texts name. Where that cannot be asked, texts stay as they are."""
    for at, field in enumerate(draft.mapping):
        table = related(field) if field is not None and field["editor"] == "link" else None
        if field is None or table is None:
            continue
        known = draft.names.setdefault(field["name"], {})
        texts = list(dict.fromkeys(copy_text(row[at]).strip() for row in draft.body if at < len(row)))
        wanted = [text for text in texts if text and text not in known and not _is_key(table, text)][:MOST]
        try:
            for start in range(0, len(wanted), ASKED):
                known.update(await _keys(port, table, wanted[start : start + ASKED]))
        except SovriumError:
            continue


def _is_key(table: TableInfo, text: str) -> bool:
    """It can be meant as the key of a record."""
    key = next((field for field in table["fields"] if field["name"] == table["primaryKey"]), None)
    return key is None or key["family"] != "number" or text.isdigit()


async def _keys(port: Port, table: TableInfo, names: list[str]) -> dict[str, str]:
    """The key of each name; "" for one that no record has, or several. Nothing where there are too many to be sure."""
    display = display_field(table)
    if display is None or display["family"] != "text":
        return {}
    condition = {"field": display["name"], "operator": "in", "value": names}
    query = urlencode({"filter": json.dumps(condition), "limit": 2 * ASKED, "ids": "string"})
    answer: Any = await port.request("GET", f"/api/tables/{table['sqlName']}/records?{query}")
    if int(answer["pagination"]["total"]) > len(answer["records"]):
        return {}
    found = dict.fromkeys(names, "")
    seen: set[str] = set()
    for record in answer["records"]:
        name = str(record["fields"].get(display["name"]))
        found[name] = "" if name in seen else str(record["id"])
        seen.add(name)
    return found
