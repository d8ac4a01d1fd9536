"""A record's address: the values of its key as one text, `12`, or `berlin~7` for a composite key (T-018).

Where a key has several texts, a `\\` stands before each `~` and `\\` in them: `a~b~c` could else be two records. A key with
one text needs none of that: what is too much belongs to it.
"""

import re
from collections.abc import Sequence
from typing import Any

SEPARATOR = "~"
ESCAPE = "\\"
_WRITTEN = re.compile(r"([~\\])")
_PART = re.compile(r"((?:\\[~\\]|[^~])*)(~|$)", re.DOTALL)
_READ = re.compile(r"\\([~\\])")


def key_text(values: Sequence[Any]) -> str:
    """The address of a record from its key values."""
    if len(values) == 1:
        return str(values[0])
    several = sum(isinstance(value, str) for value in values) > 1
    return SEPARATOR.join(
        _WRITTEN.sub(r"\\\1", value) if several and isinstance(value, str) else str(value) for value in values
    )


def escaped_parts(text: str) -> list[str]:
    """The values of a key with several texts, as they were before they were joined."""
    parts, at = [], 0
    while found := _PART.match(text, at):
        parts.append(_READ.sub(r"\1", found[1]))
        if not found[2]:
            break
        at = found.end()
    return parts
