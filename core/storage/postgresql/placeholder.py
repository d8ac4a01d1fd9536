"""`?` of SQL text to `$1`, `$2` … Quoted text, quoted names, comments and dollar quotes are left alone."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from psycopg import Connection
from psycopg.sql import Literal

MOST_VALUES = 65_535
"""Parameters that PostgreSQL takes beside one statement."""
_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ | (?P<mark>\?)
    | \$(?P<number>\d+)""",
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=1000)
def numbered(sql: str) -> str:
    """The text with its marks numbered."""
    count = 0

    def number(match: re.Match[str]) -> str:
        nonlocal count
        if match["mark"] is None:
            return match[0]
        count += 1
        return f"${count}"

    return _TOKEN.sub(number, sql)


def written_out(sql: str, values: Sequence[Any], connection: Connection[Any] | None) -> str:
    """A numbered text with the values in it, quoted by the driver: for statements that name more than `MOST_VALUES`.
    The connection tells how its server reads them."""

    def quoted(match: re.Match[str]) -> str:
        number = match["number"]
        return match[0] if number is None else Literal(values[int(number) - 1]).as_string(connection)

    return _TOKEN.sub(quoted, sql)
