"""Which rows an UPDATE, DELETE or TRUNCATE is about to touch: the same condition as a SELECT of their keys.

Read from tokens, so it may be wrong about odd statements. Nothing is decided by it: a record gets a before-image only if
the statement itself answers that it has touched it, and a statement that cannot be read so simply has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.sql.statement import Statement
from core.sql.token import Token
from core.storage.ddl import quote


@dataclass(frozen=True, slots=True)
class Reach:
    """`name` is how the statement calls its table (its alias, where it gives one), as written."""

    name: str
    source: str
    """What stands behind FROM."""
    condition: str
    prefix: str = ""
    """Common tables, with their WITH."""
    joined: bool = False

    def columns(self, key: Sequence[str]) -> str:
        """The key's columns, told apart from those of joined tables."""
        return ", ".join(f"{self.name}.{quote(name)}" for name in key)

    def select(self, key: Sequence[str], limit: int) -> str:
        """A SELECT of the keys, at most `limit`."""
        distinct = "DISTINCT " if self.joined else ""
        where = f" WHERE {self.condition}" if self.condition else ""
        return f"{self.prefix}SELECT {distinct}{self.columns(key)} FROM {self.source}{where} LIMIT {limit}"


def reach_of(statement: Statement, text: str) -> Reach | None:
    """The reach of a statement of one table; None where it has none or is more than this can read. `text` is the
    statement's, as it is sent."""
    if len(statement.targets) != 1 or statement.verb not in ("UPDATE", "DELETE", "TRUNCATE"):
        return None
    outer = list(statement.outer())
    begin = next(i for i, token in enumerate(outer) if token.kind == "word" and token.text == statement.verb)
    offset = statement.start

    def between(start: Token, end: Token) -> str:
        return text[start.start - offset : end.end - offset]

    place = begin + 1
    while place < len(outer) and outer[place].kind == "word" and outer[place].text in ("FROM", "TABLE", "ONLY"):
        place += 1
    first = place
    while place + 2 < len(outer) and outer[place].is_name and outer[place + 1].text == ".":
        place += 2
    if place >= len(outer) or not outer[place].is_name:
        return None
    table_end = place
    name = outer[place]
    following = place + 1
    if following < len(outer) and outer[following].kind == "word" and outer[following].text == "AS":
        following += 1
    if following < len(outer) and outer[following].is_name and not _is_clause(outer[following]):
        name, table_end = outer[following], following
        following += 1
    clauses = _clauses(outer, following)
    source = between(outer[first], outer[table_end])
    more = clauses.get("USING" if statement.verb == "DELETE" else "FROM")
    if more:
        source += ", " + between(more[0], more[-1])
    where = clauses.get("WHERE")
    if where and where[0].text == "CURRENT":
        return None
    return Reach(
        name=between(name, name),
        source=source,
        condition=between(where[0], where[-1]) if where else "",
        prefix=text[: outer[begin].start - offset],
        joined=bool(more),
    )


def _is_clause(token: Token) -> bool:
    return token.kind == "word" and token.text in ("SET", "FROM", "USING", "WHERE", "RETURNING", "CASCADE", "RESTART")


def _clauses(outer: Sequence[Token], start: int) -> dict[str, list[Token]]:
    """The tokens of each clause, by the word that opens it."""
    found: dict[str, list[Token]] = {}
    current: list[Token] = []
    before = ""
    for token in outer[start:]:
        # IS DISTINCT FROM is no clause; nor is anything behind WHERE but RETURNING.
        opens = _is_clause(token) and before != "DISTINCT" and ("WHERE" not in found or token.text == "RETURNING")
        if opens:
            current = found.setdefault(token.text, [])
        else:
            current.append(token)
        before = token.text if token.kind == "word" else ""
    return found
