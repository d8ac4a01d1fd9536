"""A statement that the gate has let in, and its refusal of others."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from core.errors import SovriumError
from core.storage.database import Reader
from core.storage.typed import render

Place = tuple[int, int]
"""Line and column, from 1."""
Put = Select[Any] | ColumnElement[Any]
"""What stands behind a mark: rows, or a value."""
_MARK = re.compile(r'"(gate_[0-9a-f]{32}_\d+)"')
_NUMBERED = re.compile(r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | \$(?P<number>\d+)""", re.VERBOSE)


class Refused(SovriumError):
    """The statement is not one that this caller may run. `code` is PostgreSQL's, `place` where in the text."""

    status = 403

    def __init__(self, code: str, message: str, hint: str | None = None, place: Place | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.place = place


@dataclass(frozen=True, slots=True)
class Typed:
    """Its text, with a mark for everything that is put in when the database is at hand, and what that is."""

    text: str
    parts: tuple[tuple[str, Put], ...]
    names: frozenset[str]
    """All that a column can be called in it."""
    columns: tuple[tuple[str, Place | None], ...]
    """The columns that it names."""
    is_bindable: bool = True
    """DuckDB's binder can be asked about it; it does not know lists in FROM without running the query."""

    def render(self, reader: Reader) -> "Rendered":
        by_mark: dict[str, tuple[str, Sequence[Any]]] = {}
        for mark, what in self.parts:
            sql, given = render(reader, what if isinstance(what, Select) else select(what))
            by_mark[mark] = f"({sql})", given
        values: list[Any] = []

        def put(match: re.Match[str]) -> str:
            sql, given = by_mark[match[1]]
            before = len(values)
            values.extend(given)
            if reader.dialect == "duckdb":
                return sql
            return _NUMBERED.sub(
                lambda each: each[0] if each["number"] is None else f"${int(each['number']) + before}", sql
            )

        sql = _MARK.sub(put, self.text)
        bare = _MARK.sub(lambda match: by_mark[match[1]][0].replace("?", "NULL"), self.text)
        return Rendered(sql, values, bare, tuple(each.replace("?", "NULL") for each, _ in by_mark.values()))

    def unknown(self) -> tuple[str, Place | None] | None:
        """The first column that nothing in the statement has."""
        return next((each for each in self.columns if each[0].lower() not in self.names), None)


@dataclass(frozen=True, slots=True)
class Rendered:
    """`bare` is the statement without values, and `parts` what was put into it, for the binder's eye alone."""

    sql: str
    values: list[Any]
    bare: str
    parts: tuple[str, ...]
