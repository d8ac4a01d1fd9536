"""What could come next at the cursor of an SQL buffer: tables, columns, functions, keywords, the nearest first.

The index is immutable and swapped whole when the schema changes; a look-up touches sorted arrays only.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from core.contract.console import Completions
from screens.presenters.sql_text import inside_text_or_comment, tables_in_scope, tokens, word_before

Kind = Literal["column", "table", "function", "keyword", "person"]
LIMIT = 40
AFTER_TABLE_WORDS = frozenset({"from", "join", "into", "update", "table", "describe", "summarize"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """One suggestion. `insert` replaces the text from `start` to the cursor."""

    label: str
    kind: Kind
    detail: str
    insert: str
    start: int


@dataclass(frozen=True)
class CompletionIndex:
    """Sorted names per kind; `columns` by table."""

    tables: tuple[tuple[str, str], ...] = ()
    """(name, kind of table), sorted."""
    columns: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    functions: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()

    @classmethod
    def of(cls, found: Completions) -> "CompletionIndex":
        """Built once per version of the schema."""
        own_first = sorted(found["tables"], key=lambda table: (table["kind"] == "system", table["name"]))
        return cls(
            tables=tuple((table["name"], table["kind"]) for table in own_first),
            columns={table["name"].lower(): tuple((c[0], c[1]) for c in table["columns"]) for table in own_first},
            functions=tuple(sorted(set(found["functions"]))),
            keywords=tuple(sorted({word.lower() for word in found["keywords"]})),
        )


def complete(text: str, offset: int, index: CompletionIndex) -> list[Candidate]:
    """Suggestions for the word before the cursor, at most 40; [] inside of texts and comments."""
    start, word = word_before(text, offset)
    typed = word.strip('"').lower()
    if inside_text_or_comment(text, offset) and not word.startswith('"'):
        return []
    if start > 0 and text[start - 1] == ".":
        return _columns_of(text, start, typed, index)
    before = _word_ahead(text, start)
    if before in AFTER_TABLE_WORDS:
        return _ranked(_tables(index, start), typed)
    found = [*_scope_columns(text, offset, index, start), *_tables(index, start)]
    found += _prefixed(index.functions, typed, "function", start)
    found += _prefixed(index.keywords, typed, "keyword", start)
    return _ranked(found, typed) if typed or before in ("select", "where", "by", "and", "or", "on", "set", ",") else []


def quoted(name: str) -> str:
    """A name as SQL needs it: quoted where it is not plain lower case."""
    plain = name.isidentifier() and name.isascii() and name == name.lower()
    return name if plain else '"' + name.replace('"', '""') + '"'


def _word_ahead(text: str, start: int) -> str:
    """The token before the word being typed, lower case."""
    last = ""
    for token in tokens(text[:start]):
        last = token.text.lower()
    return last


def _columns_of(text: str, start: int, typed: str, index: CompletionIndex) -> list[Candidate]:
    """Columns after `alias.`."""
    _, owner = word_before(text, start - 1)
    if text[start - 2 : start - 1] == '"':
        owner = text[text.rfind('"', 0, start - 2) + 1 : start - 2]
    table = tables_in_scope(text, start).get(owner.lower(), owner)
    columns = index.columns.get(table.lower(), ())
    return _ranked([Candidate(name, "column", kind, quoted(name), start) for name, kind in columns], typed)


def _scope_columns(text: str, offset: int, index: CompletionIndex, start: int) -> Iterable[Candidate]:
    seen: set[str] = set()
    for table in tables_in_scope(text, offset).values():
        for name, kind in index.columns.get(table.lower(), ()):
            if name not in seen:
                seen.add(name)
                yield Candidate(name, "column", f"{table} · {kind}", quoted(name), start)


def _tables(index: CompletionIndex, start: int) -> list[Candidate]:
    return [Candidate(name, "table", kind, quoted(name), start) for name, kind in index.tables]


def _prefixed(names: tuple[str, ...], typed: str, kind: Kind, start: int) -> list[Candidate]:
    """Names that begin so, by bisection."""
    if not typed:
        return []
    at = bisect_left(names, typed)
    found: list[Candidate] = []
    while at < len(names) and names[at].startswith(typed) and len(found) < LIMIT:
        name = names[at]
        found.append(Candidate(name, kind, "", f"{name}(" if kind == "function" else name, start))
        at += 1
    return found


def _ranked(candidates: Iterable[Candidate], typed: str) -> list[Candidate]:
    """Begins so, before begins a part of it so, before holds it; the rest is dropped. Order within is kept."""
    ranks: tuple[list[Candidate], ...] = ([], [], [])
    for candidate in candidates:
        name = candidate.label.lower()
        if name == typed and candidate.kind != "column":
            continue
        if name.startswith(typed):
            ranks[0].append(candidate)
        elif f"_{typed}" in name:
            ranks[1].append(candidate)
        elif len(typed) > 2 and typed in name:
            ranks[2].append(candidate)
    return [candidate for rank in ranks for candidate in rank][:LIMIT]
