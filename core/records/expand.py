"""`expand`: linked records in the place of their ids, read by one statement for each link (R-028)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from core.auth.store import people
from core.contract.records import Record
from core.fields.computed import LookupField
from core.fields.link import LinksField, RelationshipField
from core.query.scope import Scope
from core.records.computed import with_computed
from core.records.guard import shape_of
from core.records.label import Label, labels
from core.records.shape import Shape
from core.storage.database import Reader, Row


def expand_links(
    reader: Reader, records: Sequence[Record], rows: Sequence[Row], shape: Shape, names: Sequence[str], scope: Scope
) -> None:
    """Replace the ids of the named link fields by `{id, display, fields}`; a link without a record becomes null, links
    become a list of those that are there."""
    for name in names:
        if name not in shape.fields:
            continue
        place = shape.place(name)
        is_list = isinstance(scope.table.fields[name], LinksField)
        held = [row[place] for row in rows]
        if scope.table.fields[name].family == "user":
            _expand_people(reader, records, held, name)
            continue
        wanted = {key for value in held if value is not None for key in (value if is_list else (value,))}
        found = _linked(reader, Label(scope, name), list(wanted))
        for record, value in zip(records, held, strict=True):
            if is_list:
                record["fields"][name] = [found[key] for key in value or () if key in found]
            else:
                record["fields"][name] = found.get(value)


def display_links(
    reader: Reader, records: Sequence[Record], rows: Sequence[Row], shape: Shape, scope: Scope, *, wrapped: bool
) -> None:
    """Put what stands for linked records and accounts, looked-up ones among them, beside their ids (§10.12), or in a single
    record in their place."""
    for name in shape.fields:
        field = scope.table.fields.get(name)
        is_person = field is not None and field.family == "user"
        is_lookup = isinstance(field, LookupField) and field.shows_link
        if not is_person and not is_lookup and not isinstance(field, RelationshipField | LinksField):
            continue
        held = [row[shape.place(name)] for row in rows]
        wanted = {
            each for value in held if value is not None for each in (value if isinstance(value, list) else [value])
        }
        if is_person:
            shown = {key: each["name"] or each["email"] for key, each in people(reader, wanted).items()}
        elif is_lookup:
            texts = labels(reader, scope, name, held)
            shown = {each: texts[str(each)] for each in wanted if str(each) in texts}
        else:
            found = _linked(reader, Label(scope, name), list(wanted))
            shown = {key: str(each["display"]) for key, each in found.items() if each["display"] is not None}
        for record, value in zip(records, held, strict=True):
            if value is None:
                continue
            text = ", ".join(shown.get(each, str(each)) for each in (value if isinstance(value, list) else [value]))
            record["fields"][name] = {"value": record["fields"][name], "displayValue": text} if wrapped else text


def _expand_people(reader: Reader, records: Sequence[Record], held: Sequence[Any], name: str) -> None:
    """`{id, name, email, image}` for each account that there is (§3.5)."""
    lists = [value if isinstance(value, list) else [value] for value in held if value is not None]
    found = people(reader, {each for ids in lists for each in ids})
    for record, value in zip(records, held, strict=True):
        if isinstance(value, list):
            record["fields"][name] = [found[each] for each in value if each in found]
        else:
            record["fields"][name] = found.get(value)


def _linked(reader: Reader, label: Label, keys: Sequence[Any]) -> dict[Any, dict[str, Any]]:
    """What stands for the linked records, by what the link holds."""
    if not keys:
        return {}
    there = label.there
    source, far = there.source, shape_of(there.table, there.hidden)
    held = label.held(source)
    shown = label.columns(source)
    statement = select(held, *shown, *(source.c[each] for each in far.columns)).where(held.in_(keys))
    if (seen := there.visible(source)) is not None:
        statement = statement.where(seen)
    rows, width = reader.rows(statement), 1 + len(shown)
    linked = with_computed(reader, there, far, [row[width:] for row in rows])
    out: dict[Any, dict[str, Any]] = {}
    for row, values in zip(rows, linked, strict=True):
        record = far.record(values)
        out[row[0]] = {"id": record["id"], "display": _display(label, row[1:width], record), "fields": record["fields"]}
    return out


def _display(label: Label, values: Sequence[Any], record: Record) -> Any:
    """One field is shown as the API tells it."""
    names = label.names
    is_template = isinstance(label.display, str) and "{" in label.display
    if len(names) == 1 and not is_template and names[0] in record["fields"]:
        return record["fields"][names[0]]
    return label.text(values) if names else record["id"]
