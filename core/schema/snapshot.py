"""The normalised `tables` that migrations keep (M-001): what the app file says, in today's words, with every id filled in.

A snapshot is itself the `tables` of an app file: `loader.load_data` makes an app of it again.
"""

from collections.abc import Mapping
from typing import Any

from core.schema.model import TableSpec
from core.schema.tree import plain


def table_data(table: TableSpec, node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Plain JSON data of one table. Ids are texts."""
    data = plain(node)
    ids = {field.name: field.id for field in table.fields}
    fields = [{**entry, "id": ids[entry["name"]]} for entry in data["fields"] if entry.get("name") in ids]
    return {**data, "id": table.id, "name": table.name, "fields": fields}
