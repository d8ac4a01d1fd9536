"""What editors ask about a table's fields, over the connection of the moment."""

from pathlib import Path

from core.client import NotFound, Port, ServerGone
from core.contract.console import Frequency, LinkHit, LinkHits, People, Person
from core.contract.files import UploadedFile
from core.contract.tables import FieldInfo, TableInfo
from screens.services.context import Context
from screens.services.text import t

ME = ("m", "me")


class Questions:
    """Lookups of a table. stored: only what is saved counts (conditions), so that nothing new can be linked."""

    def __init__(self, context: Context, table: str, *, stored: bool = False) -> None:
        self.context = context
        self.table = table
        self.stored = stored

    async def links(self, field: str, text: str) -> LinkHits:
        """Records that a link may name; those that are staged and not saved yet come first."""
        port = self.context.port
        if port is not None and self._is_person(field):
            return people_hits(await port.people("" if text in ME else text), text)
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

    async def upload(self, field: str, path: Path) -> UploadedFile:
        return await self._connected().upload_file(self.table, path, field)

    async def fetch(self, key: str, target: Path) -> int:
        try:
            return await self._connected().fetch_file(key, target)
        except NotFound as error:
            raise NotFound(t("files.gone")) from error

    def _connected(self) -> Port:
        if self.context.port is None:
            raise ServerGone(t("files.offline"))
        return self.context.port

    def _field(self, name: str) -> FieldInfo | None:
        info = self.context.table(self.table)
        return next((each for each in info["fields"] if each["name"] == name), None) if info else None

    def _is_person(self, name: str) -> bool:
        field = self._field(name)
        return field is not None and field["family"] == "user"

    def related(self, field: str) -> TableInfo | None:
        """The table that a link field points into, where a new record of it may be linked."""
        info = self.context.table(self.table)
        if info is None or self.stored:
            return None
        linked = self._field(field)
        return self.context.related(linked) if linked and linked["family"] == "link" else None


def people_hits(found: People, text: str) -> LinkHits:
    """Accounts as hits; oneself first where `m` or nothing was typed."""
    own = found["me"]
    people = sorted(found["people"], key=lambda person: person["id"] != own) if text in ("", *ME) else found["people"]
    hits = [LinkHit(id=p["id"], label=p["name"] or p["email"], detail=_detail(p, own)) for p in people]
    return LinkHits(hits=hits)


def _detail(person: Person, own: str | None) -> str:
    return f"{person['email']} · {t('edit.myself')}" if person["id"] == own else person["email"]
