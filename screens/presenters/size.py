"""How many records tables have, as people read it."""

import asyncio
from collections.abc import Sequence

from core.client import Port, SovriumError
from core.contract.tables import TableInfo
from screens.services.number import grouped

MOST_COUNTED = 50
"""Tables whose sizes are shown."""
PATIENCE = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between looks at a count that is not finished."""


async def sizes_of(port: Port, tables: Sequence[TableInfo]) -> dict[str, str]:
    """Sizes of the first tables, by SQL name."""
    names = [table["sqlName"] for table in tables[:MOST_COUNTED]]
    counts = await asyncio.gather(*(count_of(port, name) for name in names))
    return dict(zip(names, counts, strict=True))


async def count_of(port: Port, table: str) -> str:
    """How many records a table has: `5,000`, `~5,000` for an estimate, `≥5,000`; "" when not told."""
    try:
        view = await port.open_view({"table": table})
        for pause in PATIENCE:  # a server that has just started still counts
            if view["countKind"] != "at-least":
                break
            await asyncio.sleep(pause)
            view = await port.view(view["id"])
        await port.close_view(view["id"])
    except SovriumError:
        return ""
    if view["countKind"] == "at-least" and not view["count"]:
        return "…"
    return {"exact": "", "estimate": "~", "at-least": "≥"}[view["countKind"]] + grouped(view["count"])
