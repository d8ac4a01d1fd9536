"""SQL text as tokens: enough to find where statements end and what they are, in both databases' lexical rules.

It is not a parser. What it decides for safety is decided again by the database: reads run in read-only transactions, and
DuckDB's own parser must agree that a piece is one statement of the kind we took it for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

TokenKind = Literal["word", "quoted", "string", "number", "mark"]

_TOKEN = re.compile(
    r"""
      (?P<space>\s+ | --[^\n]*)
    | (?P<comment>/\*)
    | (?P<string>[eE]'(?:[^'\\]|\\.|'')*'? | [xXbB]?'(?:[^']|'')*'?)
    | (?P<quoted>"(?:[^"]|"")*"?)
    | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
    | (?P<word>[^\W\d][\w$]*)
    | (?P<number>\d[\w.]*)
    | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Token:
    """A significant piece of the text. `text` of a word is in upper case, that of a quoted name without its quotes."""

    kind: TokenKind
    text: str
    start: int
    end: int

    @property
    def is_name(self) -> bool:
        return self.kind in ("word", "quoted")


def tokens(sql: str) -> Iterator[Token]:
    """All significant tokens; comments and space are left out. Never fails: what is not closed reaches to the end."""
    position = 0
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        assert match is not None  # `mark` takes anything
        kind, start, end = match.lastgroup, position, match.end()
        if kind == "comment":
            end = _comment_end(sql, end)
        elif kind == "dollar":
            closing = sql.find(match[0], end)
            end = len(sql) if closing < 0 else closing + len(match[0])
            yield Token("string", sql[start:end], start, end)
        elif kind == "word":
            yield Token("word", match[0].upper(), start, end)
        elif kind == "quoted":
            yield Token("quoted", match[0][1:].removesuffix('"').replace('""', '"'), start, end)
        elif kind != "space":
            yield Token(kind, match[0], start, end)  # type: ignore[arg-type]
        position = end


def _comment_end(sql: str, position: int) -> int:
    """Comments nest, in both databases."""
    depth = 1
    while depth:
        mark = _COMMENT_MARK.search(sql, position)
        if mark is None:
            return len(sql)
        depth += 1 if mark[0] == "/*" else -1
        position = mark.end()
    return position
