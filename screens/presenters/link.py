"""A link to a record that does not exist yet: what is typed into the picker becomes its display value."""

from dataclasses import dataclass
from typing import Any

from core.contract.tables import FieldInfo, TableInfo
from screens.presenters.value import ValueRefused, editable, parse, title_of
from screens.services.text import t

REF = "new-"
"""What the refs of staged new records begin with."""


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record of another table to stage together with the link to it. `title` is what people call it."""

    table: str
    fields: dict[str, Any]
    title: str
    beside: tuple[Any, ...] | None = None
    """Where several are linked: the others. None: the field links one record."""

    def linked(self, ref: str) -> Any:
        """The value of the link once the record is called `ref`."""
        return link_value(ref) if self.beside is None else [*self.beside, link_value(ref)]


def new_record(info: TableInfo, text: str) -> NewRecord:
    """A record of the table with this display value. Raises ValueRefused."""
    field = display_field(info)
    if field is None or not editable(field):
        raise ValueRefused(
            t("edit.no_new", table=info["name"], field=title_of(field) if field else info["displayField"])
        )
    value = parse(field, text.strip())
    if value in (None, ""):
        raise ValueRefused(t("edit.new_needs", field=title_of(field)))
    return NewRecord(info["sqlName"], {field["name"]: value}, text.strip())


def display_field(info: TableInfo) -> FieldInfo | None:
    """The field whose value people know a record of the table by."""
    return next((field for field in info["fields"] if field["name"] == info["displayField"]), None)


def link_value(key: str) -> Any:
    """The value of a link to a record by its key, or by the ref of one that is not saved yet."""
    return {"ref": key} if key.startswith(REF) else key


def key_of(value: Any) -> str:
    """Key or ref that one entry of a list of links names."""
    return str(value["ref"]) if isinstance(value, dict) else str(value)


def link_key(value: Any) -> str | None:
    """Key or ref of the record that a link's value names; the first one of several."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        return str(value["ref"]) if set(value) == {"ref"} else None
    return None if value is None else str(value)
