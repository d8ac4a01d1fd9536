"""A draft of the app's tables: steps that the server has not been asked to write yet, and the tables as they would be.

The steps are the changes of `POST /api/console/schema/edit`; the server says what they mean for the file and for the data.
"""

import re
from collections.abc import Mapping, Sequence, Set
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from core.contract.tables import FieldInfo, TableInfo
from screens.presenters.draft import Change, Draft
from screens.presenters.format.line import one_line

TYPES: tuple[str, ...] = (
    *("single-line-text", "long-text", "rich-text", "email", "url", "phone-number"),
    *("integer", "decimal", "currency", "percentage", "rating", "progress"),
    *("date", "datetime", "time", "duration"),
    *("checkbox", "single-select", "multi-select", "status"),
    *("relationship", "lookup", "rollup", "count", "formula"),
    *("user", "created-by", "updated-by", "deleted-by", "created-at", "updated-at", "deleted-at"),
    *("single-attachment", "multiple-attachments", "barcode"),
    *("autonumber", "button", "color", "geolocation", "json", "array", "code"),
    *("ai-categorize", "ai-extract", "ai-generate", "ai-sentiment", "ai-summary", "ai-tag", "ai-translate"),
)
"""Names that an app file may write; a test compares them with the server's."""
FLAGS = ("required", "unique", "indexed")
SHARED = ("label", "description", "default")
_LIMITS = ("min", "max")
KEYS: Mapping[str, tuple[str, ...]] = {
    "single-line-text": ("minLength", "maxLength", "pattern"),
    "long-text": ("maxLength",),
    "rich-text": ("format",),
    "integer": _LIMITS,
    "decimal": (*_LIMITS, "precision"),
    "currency": (*_LIMITS, "currency", "precision", "symbolPosition", "thousandsSeparator"),
    "percentage": (*_LIMITS, "precision"),
    "rating": ("max", "style"),
    "progress": ("color",),
    "date": ("dateFormat",),
    "datetime": ("dateFormat", "timeFormat", "timeZone"),
    "time": ("timeFormat",),
    "duration": ("displayFormat",),
    "single-select": ("options",),
    "multi-select": ("options", "maxSelections"),
    "status": ("options", "transitions"),
    "relationship": (
        *("relatedTable", "relationType", "displayField", "reciprocalField", "foreignKey"),
        *("onDelete", "limitToView", "preventCycles"),
    ),
    "lookup": ("relationshipField", "relatedField"),
    "rollup": ("relationshipField", "relatedField", "aggregation"),
    "count": ("relationshipField",),
    "formula": ("formula", "resultType"),
    "autonumber": ("prefix", "digits"),
    "code": ("language",),
    "array": ("itemType", "maxItems"),
}
"""What can be said about a field of a type, besides what every field has."""
CHOICES: Mapping[str, tuple[str, ...]] = {
    "relationType": ("many-to-one", "one-to-one", "one-to-many", "many-to-many"),
    "onDelete": ("no-action", "cascade", "set-null", "restrict"),
    "aggregation": ("sum", "avg", "min", "max", "count"),
    "resultType": ("text", "number", "boolean", "date"),
    "dateFormat": ("US", "European", "ISO"),
    "timeFormat": ("24-hour", "12-hour"),
    "format": ("html", "markdown"),
}
NEEDED: Mapping[str, Change] = {
    "single-select": {"options": ["One", "Two"]},
    "multi-select": {"options": ["One", "Two"]},
    "status": {"options": ["Open", "Done"]},
    "formula": {"formula": "1", "resultType": "number"},
    "array": {"itemType": "text"},
}
"""Keys without which a type is not valid, with something to begin with."""

_WORD = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|[A-Za-z_][A-Za-z0-9_]*")


@dataclass
class DraftField:
    """A field as the draft has it. `spec` is its map in the app file, as far as it is known here."""

    name: str
    type: str
    spec: dict[str, Any]
    stored: str = ""
    """The name that the server knows; "" for a new field."""
    given: bool = False
    """Another table's link gives it; it is not written in this table."""

    @property
    def marks(self) -> str:
        """What holds for it, in one letter each: required, unique, indexed."""
        return "".join(
            letter for key, letter in (("required", "!"), ("unique", "u"), ("indexed", "i")) if self.spec.get(key)
        )


@dataclass
class DraftTable:
    name: str
    fields: list[DraftField] = field(default_factory=list)
    stored: str = ""

    def field(self, name: str) -> DraftField | None:
        return next((each for each in self.fields if each.name == name), None)


class SchemaDraft(Draft):
    """`tables` are the tables with all steps made."""

    def __init__(self, tables: Sequence[TableInfo] = ()) -> None:
        super().__init__()
        self._named: set[str] = set()
        """Keys that were set by name, besides those that are listed for their type."""
        self._base = [_table(info, self._named) for info in tables]
        self.tables = deepcopy(self._base)

    def renew(self, tables: Sequence[TableInfo]) -> None:
        """The app file was taken up anew: the steps stay, on the tables as they are now."""
        self._base = [_table(info, self._named) for info in tables]
        self._replay()

    def table(self, name: str) -> DraftTable | None:
        return next((each for each in self.tables if each.name == name), None)

    # ── Steps ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def add_field(self, table: str, name: str, kind: str, at: int | None = None) -> None:
        spec = {"name": name, "type": kind, **deepcopy(NEEDED.get(kind, {}))}
        if kind == "relationship":
            spec |= {"relatedTable": table, "relationType": "many-to-one"}
        self.add({"op": "add-field", "table": table, "field": spec, **({"at": at} if at is not None else {})})

    def set_field(self, table: str, name: str, key: str, value: Any) -> None:
        """None, False for a flag: the key goes."""
        change: Change = {"op": "set-field", "table": table, "field": name, "key": key}
        self._named.add(key)
        if value is not None and not (value is False and key in FLAGS):
            change["value"] = value
        self.add(change)

    def retype(self, table: str, name: str, kind: str) -> None:
        """Another type: what only the old one knows goes, what the new one must have comes."""
        held = self.table(table)
        old = held.field(name) if held else None
        gone = (
            [key for key in KEYS.get(old.type, ()) if key in old.spec and key not in KEYS.get(kind, ())] if old else []
        )
        fresh = {key: value for key, value in NEEDED.get(kind, {}).items() if old is None or key not in old.spec}
        self.add({"op": "retype-field", "table": table, "field": name, "type": kind, "options": fresh, "drop": gone})

    # ── Replaying ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _replay(self) -> None:
        self.tables = deepcopy(self._base)
        for step in self.steps:
            self._make(step)

    def _make(self, step: Change) -> None:
        op = step["op"]
        if op == "add-table":
            spec = step["table"]
            self.tables.append(DraftTable(spec["name"], [_field(each) for each in spec.get("fields", ())]))
            return
        table = self.table(step["table"])
        if table is None:
            return
        if op == "rename-table":
            table.name = step["name"]
        elif op == "remove-table":
            self.tables.remove(table)
        elif op == "move-table":
            self.tables.remove(table)
            self.tables.insert(step["to"], table)
        elif op == "add-field":
            own = [each for each in table.fields if not each.given]
            table.fields.insert(step.get("at", len(own)), _field(step["field"]))
        else:
            self._make_field(table, step)

    @staticmethod
    def _make_field(table: DraftTable, step: Change) -> None:
        held = table.field(step["field"])
        if held is None:
            return
        match step["op"]:
            case "rename-field":
                _follow(table, held.name, step["name"])
                held.name = held.spec["name"] = step["name"]
            case "remove-field":
                table.fields.remove(held)
            case "move-field":
                table.fields.remove(held)
                table.fields.insert(step["to"], held)
            case "retype-field":
                held.type = held.spec["type"] = step["type"]
                for key in step.get("drop", ()):
                    held.spec.pop(key, None)
                held.spec |= step.get("options", {})
            case "set-field" if "value" in step:
                held.spec[step["key"]] = step["value"]
            case "set-field":
                held.spec.pop(step["key"], None)


def _follow(table: DraftTable, old: str, new: str) -> None:
    """What names a field in its table is renamed with it, as the server does it in the file."""
    for each in table.fields:
        for key in ("relationshipField", "foreignKey"):
            if each.spec.get(key) == old:
                each.spec[key] = new
        if isinstance(formula := each.spec.get("formula"), str):
            each.spec["formula"] = _WORD.sub(lambda word: new if word[0] == old else word[0], formula)


def _field(spec: Mapping[str, Any]) -> DraftField:
    return DraftField(str(spec["name"]), str(spec["type"]), dict(spec))


def _table(info: TableInfo, named: Set[str]) -> DraftTable:
    fields = [_stored(each, named) for each in info["fields"] if not each["system"]]
    return DraftTable(info["name"], fields, info["sqlName"])


def _stored(info: FieldInfo, named: Set[str]) -> DraftField:
    known = {*KEYS.get(info["type"], ()), *CHOICES, *named}
    spec: dict[str, Any] = {"name": info["name"], "type": info["type"]}
    spec |= {flag: True for flag in FLAGS if info[flag]}  # type: ignore[literal-required]
    spec |= {key: info[key] for key in SHARED if info[key] not in (None, "")}  # type: ignore[literal-required]
    spec |= {key: value for key, value in info["options"].items() if key in known and value is not None}
    given = info["id"].startswith("reciprocal:")
    return DraftField(info["name"], info["type"], spec, info["name"], given)


def keys_of(held: DraftField) -> list[str]:
    """What can be set of a field, in order: name and type first."""
    own = KEYS.get(held.type, ())
    more = [key for key in held.spec if key not in ("name", "type", *own, *FLAGS, *SHARED)]
    return ["name", "type", *own, *FLAGS, *SHARED, *more]


def told(step: Change) -> str:
    """A step in a line, for the list of steps."""
    match step["op"]:
        case "add-table":
            text = f"+ {step['table']['name']}"
        case "rename-table":
            text = f"~ {step['table']} → {step['name']}"
        case "remove-table":
            text = f"- {step['table']}"
        case "move-table":
            text = f"~ {step['table']} ↕ {step['to'] + 1}"
        case "add-field":
            text = f"+ {step['table']}.{step['field']['name']} ({step['field']['type']})"
        case "rename-field":
            text = f"~ {step['table']}.{step['field']} → {step['name']}"
        case "retype-field":
            text = f"~ {step['table']}.{step['field']}: {step['type']}"
        case "move-field":
            text = f"~ {step['table']}.{step['field']} ↕ {step['to'] + 1}"
        case "remove-field":
            text = f"- {step['table']}.{step['field']}"
        case "set-field":
            text = f"~ {step['table']}.{step['field']}.{step['key']} = {step.get('value', '∅')}"
        case other:
            text = other
    return one_line(text)


def line_of(diff: Sequence[str], number: int) -> str:
    """The text of a line of the new file, where the difference shows it; "" where not."""
    at = 0
    for line in diff:
        if line.startswith("@@"):
            at = int(line.split("+")[1].split(",")[0].split(" ")[0]) - 1
        elif line[:1] in (" ", "+") and not line.startswith("+++"):
            at += 1
            if at == number:
                return line[1:]
    return ""
