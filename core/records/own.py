"""Records that somebody has made, as far as they may read them: for an export of what is kept of a person."""

from collections.abc import AsyncIterator

import orjson

from core.contract.records import Record
from core.fields.person import CreatedByField
from core.principal import Principal
from core.records.service import Records

PAGE = 100


async def own_records(records: Records, principal: Principal) -> AsyncIterator[tuple[str, list[Record]]]:
    """By name of the table, a page at a time; tables that do not say who has made a record have none."""
    for table in records.model:
        access = records.access.table(principal, table)
        fields = [name for name, field in table.fields.items() if isinstance(field, CreatedByField)]
        fields = [name for name in fields if access.may("read") and name not in access.hidden]
        if not fields:
            continue
        condition = [{"field": name, "operator": "equals", "value": principal.id} for name in fields]
        number = 1
        while True:
            params = {"filter": orjson.dumps({"or": condition}).decode(), "page": str(number), "limit": str(PAGE)}
            found = (await records.list(principal, table, params))["records"]
            if found:
                yield table.name, found
            if len(found) < PAGE:
                break
            number += 1
