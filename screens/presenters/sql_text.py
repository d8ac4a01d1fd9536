"""SQL as text under a cursor: tokens, statements, the word being typed, the tables in scope. No parser: it must work on
half-typed SQL, so it knows quotes, comments and words, and nothing of grammar.

Offsets are character positions in the whole text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

TokenKind = Literal[
    "word", "keyword", "function", "string", "name", "comment", "number", "operator", "parameter", "space"
]
LineState = str
"""What a line starts inside of: "" nothing, `/*` a comment, `'` a text, `"` a quoted name, `$tag$` a dollar-quoted text."""

KEYWORDS = frozenset(
    """add all alter analyze and any as asc asof attach begin between by cascade case cast check checkpoint cluster coalesce
    collate column columns comment commit constraint copy create cross cube current_date current_time current_timestamp
    cursor database deallocate default delete desc describe detach distinct do drop else end escape except exclude execute
    exists explain export extract false fetch filter first following for foreign from full function glob group grouping
    having if ilike import in index inner insert install intersect interval into is isnull join key last lateral left like
    limit load macro map materialized merge natural not notnull null nulls offset on only or order outer over overlaps
    partition pivot positional pragma preceding prepare primary qualify range recursive references rename replace returning
    right rollback row rows sample schema select semi sequence set sets show similar some struct summarize table
    tables tablesample temp temporary then to transaction trigger true truncate try_cast type unbounded union unique unpivot
    update use using vacuum values view when where window with within without""".split()
)
TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<comment>--[^\n]*)
    |(?P<block>/\*.*?(?:\*/|\Z))
    |(?P<string>[eE]?'(?:[^']|'')*(?:'|\Z))
    |(?P<name>"(?:[^"]|"")*(?:"|\Z))
    |(?P<dollar>\$(?P<tag>[A-Za-z_]*)\$.*?(?:\$(?P=tag)\$|\Z))
    |(?P<number>\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<parameter>\$\d+|:[A-Za-z_]\w*(?<!::)|\?)
    |(?P<word>[^\W\d]\w*)
    |(?P<operator>::|<=|>=|<>|!=|\|\||->>?|[^\w\s])""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text."""

    kind: TokenKind
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """A statement: from its first word to before its semicolon."""

    start: int
    end: int


def tokens(text: str) -> Iterator[Token]:
    """All tokens but white space, in order."""
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            position += 1
            continue
        kind = match.lastgroup if match.lastgroup != "tag" else "dollar"
        found = match.group()
        position = match.end()
        if kind == "space":
            continue
        yield Token(_kind(kind or "operator", found, text, position), match.start(), match.end(), found)


def _kind(group: str, found: str, text: str, after: int) -> TokenKind:
    if group in ("block", "comment"):
        return "comment"
    if group in ("string", "dollar"):
        return "string"
    if group == "word":
        if found.lower() in KEYWORDS:
            return "keyword"
        return "function" if text[after : after + 1] == "(" else "word"
    known: dict[str, TokenKind] = {"name": "name", "number": "number", "parameter": "parameter"}
    return known.get(group, "operator")


def statements(text: str) -> list[Span]:
    """The statements of a buffer; empty ones are left out."""
    found: list[Span] = []
    start: int | None = None
    end = 0
    for token in tokens(text):
        if token.kind == "operator" and token.text == ";":
            if start is not None:
                found.append(Span(start, end))
            start = None
        elif token.kind != "comment" or start is not None:
            start = token.start if start is None else start
            end = token.end
    if start is not None:
        found.append(Span(start, end))
    return found


def statement_at(text: str, offset: int) -> Span | None:
    """The statement that a cursor stands in, or right behind (also behind its semicolon, on the same line)."""
    found = statements(text)
    for span in found:
        if span.start <= offset <= span.end:
            return span
    before = [span for span in found if span.end <= offset]
    if before and "\n" not in text[before[-1].end : offset].rstrip(" \t"):
        return before[-1]
    after = [span for span in found if span.start >= offset]
    return after[0] if after else before[-1] if before else None


def word_before(text: str, offset: int) -> tuple[int, str]:
    """Where the word that is being typed begins, and its text up to the cursor. Qualified names give the last part."""
    start = offset
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    if start > 0 and text[start - 1] == '"':
        start -= 1
    return start, text[start:offset]


def inside_text_or_comment(text: str, offset: int) -> bool:
    """The cursor is in a string or comment, where nothing is completed."""
    for token in tokens(text[:offset]):
        if token.end == offset and token.kind in ("string", "comment"):
            closed = token.text.endswith(("'", "*/")) and len(token.text) > 1 and not token.text.startswith("--")
            return not closed
    return False


def tables_in_scope(text: str, offset: int) -> dict[str, str]:
    """Aliases and names of the tables in the statement at the cursor → table name (as typed, unquoted)."""
    span = statement_at(text, offset)
    if span is None:
        return {}
    words = [t for t in tokens(text[span.start : span.end]) if t.kind != "comment"]
    scope: dict[str, str] = {}
    for position, token in enumerate(words):
        if token.kind == "keyword" and token.text.lower() in ("from", "join", "update", "into", "table", "describe"):
            _read_tables(words, position + 1, scope)
    return scope


def _read_tables(words: list[Token], position: int, scope: dict[str, str]) -> None:
    """`a, b as x, main.c y` from a position on."""
    while position < len(words) and words[position].kind in ("word", "name"):
        table = _bare(words[position])
        position += 1
        while position + 1 < len(words) and words[position].text == ".":
            table = _bare(words[position + 1])
            position += 2
        alias = table
        if position < len(words) and words[position].text.lower() == "as":
            position += 1
        if position < len(words) and words[position].kind in ("word", "name"):
            alias = _bare(words[position])
            position += 1
        scope[alias.lower()] = table
        if position >= len(words) or words[position].text != ",":
            return
        position += 1


def _bare(token: Token) -> str:
    return token.text.strip('"').replace('""', '"') if token.kind == "name" else token.text


ENDS = {"/*": "*/", "'": "'", '"': '"'}


@lru_cache(maxsize=4096)
def line_tokens(line: str, state: LineState) -> tuple[tuple[Token, ...], LineState]:
    """Tokens of one line that begins inside `state`, and the state that the next line begins in. Offsets are the line's."""
    head: list[Token] = []
    begin = 0
    if state:
        end = line.find(ENDS.get(state, state))
        kind: TokenKind = "comment" if state == "/*" else "name" if state == '"' else "string"
        if end < 0:
            return (Token(kind, 0, len(line), line),), state
        begin = end + len(ENDS.get(state, state))
        head = [Token(kind, 0, begin, line[:begin])]
    rest = [Token(t.kind, t.start + begin, t.end + begin, t.text) for t in tokens(line[begin:])]
    return (*head, *rest), _open_state(rest[-1]) if rest else ""


def _open_state(last: Token) -> LineState:
    """What the last token of a line leaves open."""
    text = last.text
    if last.kind == "comment" and text.startswith("/*") and not (text.endswith("*/") and len(text) > 3):
        return "/*"
    if last.kind == "string" and text.startswith("$"):
        tag = text[: text.index("$", 1) + 1]
        return "" if text.endswith(tag) and len(text) >= 2 * len(tag) else tag
    if last.kind == "string" and (text.count("'") % 2):
        return "'"
    if last.kind == "name" and (text.count('"') % 2):
        return '"'
    return ""
