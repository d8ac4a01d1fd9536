"""Link fields: relationship. A link keeps the key of one record of another table; links keep those of several, in columns
over there or in a table of pairs."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from core.contract.records import Operator
from core.fields.base import FieldType, ValueProblem
from core.fields.column import ColumnType
from core.fields.number import BIGINT_LIMIT, whole_of
from core.fields.operator import LINKS_OPERATORS
from core.fields.relation import Relation
from core.fields.relation_check import check_relationship
from core.fields.relationship import RelationshipOptions
from core.fields.text import text_of
from core.schema.model import App, FieldSpec, TableSpec
from core.schema.shape import show
from core.schema.vocabulary import OptionProblem
from core.sentence import say


def _key_of(raw: Any, key: ColumnType) -> int | str:
    """What names one record of the other table. Raises ValueProblem."""
    if key.kind == "text":
        text = text_of(raw).strip()
        if not text:
            raise ValueProblem("link.malformed", "The id of a record is expected, not a blank")
        return text
    try:
        return whole_of(raw, BIGINT_LIMIT)
    except ValueProblem:
        raise ValueProblem(
            "link.malformed", say("The id of a record is a number, not {value}", value=show(raw))
        ) from None


class RelationshipField(FieldType[int | str]):
    """A link to one record of another table, or of its own; with `relationType` one-to-many or many-to-many to several.

    `key` is the column type of what the link points at and `relation` how it leads there; both are known when the app is
    built.
    """

    name = "relationship"
    family = "link"
    editor = "link"
    takes_default = False
    Options = RelationshipOptions

    def __init__(self, spec: FieldSpec, key: ColumnType | None = None, relation: Relation | None = None) -> None:
        super().__init__(spec)
        self.key = key or ColumnType("bigint")
        self.relation = relation

    def column(self) -> ColumnType | None:
        return self.key

    def accept(self, raw: Any) -> int | str | None:
        """A key, `[]` or null; whether the record exists is checked when it is written (T-104)."""
        if raw is None or (isinstance(raw, list) and not raw):
            return None
        if isinstance(raw, list | dict):
            raise ValueProblem(
                "link.one", say("This field links one record: its id is expected, not {value}", value=show(raw))
            )
        return _key_of(raw, self.key)

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        yield from check_relationship(field, table, app)

    def example(self, rng: Random) -> int | str:
        number = rng.randint(1, 50)
        return str(number) if self.key.kind == "text" else number


@dataclass(frozen=True, slots=True)
class LinkEdit:
    """Records to link and to unlink, the others left as they are."""

    add: tuple[int | str, ...] = ()
    remove: tuple[int | str, ...] = ()


Links = list[int] | list[str] | LinkEdit


class LinksField(FieldType[Links]):
    """A link to several records. A value is the whole set, or a `LinkEdit`; it is kept elsewhere than in the record."""

    name = "relationship"
    family = "link"
    editor = "links"
    takes_default = False
    Options = RelationshipOptions

    def __init__(self, spec: FieldSpec, key: ColumnType, relation: Relation) -> None:
        super().__init__(spec)
        self.key = key
        self.relation = relation

    def column(self) -> None:
        return None

    def result(self) -> ColumnType:
        return self.key.list or ColumnType("text-list")

    def operators(self) -> tuple[Operator, ...]:
        return LINKS_OPERATORS

    @property
    def takes_several(self) -> bool:
        return self.options.allow_multiple is not False

    def accept(self, raw: Any) -> Links | None:
        """Keys as a list, as JSON text, as text between `;` or `,`, or one alone; `{"add", "remove"}`; null is the empty
        set (T-106)."""
        if raw is None:
            return None
        if isinstance(raw, dict):
            return self._edit(raw)
        keys = self._keys(_split(raw) if isinstance(raw, str) else raw if isinstance(raw, list | tuple) else [raw])
        if len(keys) > 1 and not self.takes_several:
            raise ValueProblem("link.one", say("This field links one record, {count} are given", count=len(keys)))
        return keys  # type: ignore[return-value]

    def accept_json(self, raw: Any) -> Links | None:
        """A text is one id: ids of text keys may hold the marks that part a cell's."""
        return self.accept([raw] if isinstance(raw, str) else raw)

    def _keys(self, raw: Any) -> list[int | str]:
        if not isinstance(raw, list | tuple):
            raise ValueProblem("link.malformed", say("A list of ids is expected, not {value}", value=show(raw)))
        for each in raw:
            if each is None or isinstance(each, list | dict):
                raise ValueProblem("link.malformed", say("A list of ids is expected; {each} is none", each=show(each)))
        return sorted({_key_of(each, self.key) for each in raw})

    def _edit(self, raw: dict[str, Any]) -> LinkEdit:
        if not raw or not raw.keys() <= {"add", "remove"}:
            raise ValueProblem("link.malformed", "A list of ids is expected, or {add: [ids], remove: [ids]}")
        add, remove = (tuple(self._keys(raw.get(name) or [])) for name in ("add", "remove"))
        if set(add) & set(remove):
            raise ValueProblem("link.malformed", "An id is both to be added and to be removed")
        return LinkEdit(add, remove)

    def to_text(self, value: Links | None) -> str:
        """`1;2;3`; as JSON where an id holds what would not be read back."""
        if not value or isinstance(value, LinkEdit):
            return ""
        text = ";".join(map(str, value))
        return text if _split(text) == [str(each) for each in value] else json.dumps(value, ensure_ascii=False)

    def example(self, rng: Random) -> Links:
        numbers = sorted(rng.sample(range(1, 50), 2))
        return list(map(str, numbers)) if self.key.kind == "text" else numbers


def _split(text: str) -> list[Any]:
    text = text.strip()
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list):
            return found
    return [part.strip() for part in re.split("[;,]", text) if part.strip()]
