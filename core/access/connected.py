"""A caller who is known only when SQL runs: whoever is connected to PostgreSQL. What rules and policies ask of it is
answered by functions of the database, which `native_function` writes."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Text, case, cast, func, literal_column, null
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, array

from core.fields.column import ColumnKind
from core.schema.permission import CurrentUser
from core.schema.policy_text import LISTS, Asked
from core.storage.ddl import literal, quote

WHOLE = r"^(0|-?[1-9][0-9]{0,17})$"
"""A whole number as it is written, so that `07` is none (P-031)."""


class Unsayable(Exception):
    """A rule that PostgreSQL's own row security cannot say; the message tells what of it."""


@dataclass(frozen=True, slots=True)
class Connected:
    """`schema` holds the functions."""

    schema: str

    def asked(self, term: Asked) -> ColumnElement[Any]:
        """What `auth.uid()` and its like stand for: a text, or an array of texts."""
        if term.name == "jwt":
            path = (self._ask("jwt"), *(literal_column(literal(step), Text) for step in term.path))
            if term.whole:
                return cast(func.jsonb_extract_path(*path, type_=JSONB), Text)
            return func.jsonb_extract_path_text(*path, type_=Text)
        found = self._ask(term.name, literal(term.argument) if term.argument else "")
        # `= ANY ((SELECT …))` would look among its rows, not in the array.
        return cast(found, ARRAY(Text)) if term.name in LISTS else found

    def values(self, value: CurrentUser) -> ColumnElement[Any]:
        """What a row rule compares with: an array of texts, empty where there is nothing. Raises Unsayable."""
        match value.path:
            case "assignments":
                return self.asked(Asked("assignments", value.table))
            case "role":
                return self.asked(Asked("roles"))
            case "id" | "email":
                name: Literal["uid", "email"] = "uid" if value.path == "id" else "email"
                return func.array_remove(array([self.asked(Asked(name))]), null(), type_=ARRAY(Text))
        raise Unsayable(f"$currentUser.{value.path}")

    def _ask(self, name: str, given: str = "") -> ColumnElement[Any]:
        # In a SELECT of its own it is asked once for a statement, not for every row.
        return literal_column(f"(SELECT {quote(self.schema)}.{name}({given}))", Text)


def of_kind(value: ColumnElement[Any], kind: ColumnKind | None) -> ColumnElement[Any]:
    """A text that the database answers, beside a column of that kind; NULL where no value is told so. Raises Unsayable."""
    if kind in (None, "text"):
        return value
    if kind in ("integer", "bigint"):
        return case((value.regexp_match(WHOLE), cast(value, BigInteger)))
    raise Unsayable(f"a {kind} compared with what is asked of the caller")


def as_text(column: ColumnElement[Any], kind: ColumnKind) -> ColumnElement[Any]:
    """A value as the texts of the caller tell it, a list as a list of them. Raises Unsayable."""
    item = kind.removesuffix("-list")
    if item not in ("text", "integer", "bigint", "boolean"):
        raise Unsayable(f"a {item} compared with what is asked of the caller")
    return cast(column, ARRAY(Text) if kind.endswith("-list") else Text)
