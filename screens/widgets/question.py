"""What editors ask about a table's fields, over the connection of the moment."""

from core.contract.console import Frequency, LinkHit, LinkHits
from core.contract.tables import FieldInfo, TableInfo
from screens.services.context import Context


class Questions:
    """Lookups of a table. stored: only what is saved counts (conditions), so that nothing new can be linked."""

    def __init__(self, context: Context, table: str, *, stored: bool = False) -> None:
        self.context = context
        self.table = table
        self.stored = stored

    async def links(self, field: str, text: str) -> LinkHits:
        """Records that a link may name; those that are staged and not saved yet come first."""
        port = self.context.port
        found = await port.links(self.table, field, text) if port else LinkHits(hits=[])
        return LinkHits(hits=[*self._staged(field, text), *found["hits"]])

    def _staged(self, field: str, text: str) -> list[LinkHit]:
        info = self.related(field)
        if info is None:
            return []
        named = ((ref, str(values.get(info["displayField"]) or "")) for ref, values in self._new_rows(info))
        return [LinkHit(id=ref, label=name, detail="") for ref, name in named if name and text.lower() in name.lower()]

    def _new_rows(self, info: TableInfo) -> list[tuple[str, dict[str, object]]]:
        return self.context.pending.new_rows(info["sqlName"])

    async def values(self, field: str, prefix: str) -> Frequency:
        port = self.context.port
        return await port.values(self.table, field, prefix=prefix, limit=5) if port else Frequency(values=[])

    def related(self, field: str) -> TableInfo | None:
        """The table that a link field points into, where a new record of it may be linked."""
        info = self.context.table(self.table)
        if info is None or self.stored:
            return None
        linked: FieldInfo | None = next((each for each in info["fields"] if each["name"] == field), None)
        return self.context.related(linked) if linked else None
