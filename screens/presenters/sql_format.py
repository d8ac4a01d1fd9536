"""A statement laid out anew: white space moves, and key words become lower case; nothing else, which is checked.

sqlparse rather than a parser that prints its own tree: such a one writes `x::int` as `CAST(x AS INT)` and loses the place
of comments, and somebody's statement is theirs.
"""

from screens.presenters.sql_text import tokens

LONGEST = 50_000
"""Characters of a statement that is laid out; the time grows faster than the text."""


class NotFormatted(Exception):
    """The statement stays as it is."""


def format_statement(text: str) -> str:
    """The statement on lines of its clauses. Raises NotFormatted when it cannot be laid out without changing it."""
    import sqlparse  # here: the console starts without it

    if len(text) > LONGEST:
        raise NotFormatted
    try:
        found = sqlparse.format(text, reindent=True, keyword_case="lower", indent_width=2)
    except sqlparse.exceptions.SQLParseError as error:
        raise NotFormatted from error
    found = "\n".join(line.rstrip() for line in found.strip().split("\n")) if _quiet(text) else found.strip()
    if _words(found) != _words(text):
        raise NotFormatted
    return found


def moved(text: str, formatted: str, offset: int) -> int:
    """Where a cursor at `offset` of the text goes: to the same token."""
    before = sum(1 for token in tokens(text) if token.start <= offset)
    starts = [token.start for token in tokens(formatted)]
    if not before or not starts:
        return 0
    old = list(tokens(text))[before - 1]
    return min(starts[before - 1] + min(offset - old.start, old.end - old.start), len(formatted))


def _quiet(text: str) -> bool:
    """No text in it goes over lines: spaces at their ends can go."""
    return not any("\n" in token.text for token in tokens(text) if token.kind in ("string", "name", "comment"))


def _words(text: str) -> list[str]:
    """What the statement says, white space and the case of words apart."""
    return [
        " ".join(token.text.split())
        if token.kind == "comment"
        else token.text.lower()
        if token.kind in ("keyword", "word", "function")
        else token.text
        for token in tokens(text)
    ]
