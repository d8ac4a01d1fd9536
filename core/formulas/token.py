"""The words of a formula."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from core.formulas.problem import FormulaProblem
from core.sentence import say

MAX_CHARACTERS = 8_000
MAX_TOKENS = 4_000

TokenKind = Literal["number", "text", "word", "name", "symbol", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """`name` is a field in quotes or braces; `word` a keyword, function or field as it stands."""

    kind: TokenKind
    text: str
    at: int

    @property
    def upper(self) -> str:
        """A word or symbol as the grammar compares it; a quoted name is never a keyword."""
        return self.text.upper() if self.kind in ("word", "symbol") else ""


_TOKEN = re.compile(
    r"(?P<space>\s+|--[^\n]*)"
    r"|(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<text>'(?:[^']|'')*')"
    r'|(?P<quoted>"(?:[^"]|"")+")'
    r"|(?P<braced>\{[^{}]+\})"
    r"|(?P<word>[^\W\d]\w*(?:\.[^\W\d]\w*)*)"
    r"|(?P<symbol>::|\|\||<>|!=|<=|>=|[-+*/%&=<>(),\[\]])"
)
_HINTS = {
    "^": say("write POWER(x, y)"),
    "!": say("write NOT, or <> for “not equal”"),
    "==": say("one = compares"),
    ";": say("a formula is one expression"),
    "`": say('names are quoted as "name" or {name}'),
    "“": say("use straight quotes: '…' for text"),
    "‘": say("use straight quotes: '…' for text"),
}


def tokens(text: str) -> list[Token]:
    """All words with their offsets, `end` last. Raises FormulaProblem."""
    if len(text) > MAX_CHARACTERS:
        message = say(
            "A formula has at most {most:,} characters, this one {count:,}", most=MAX_CHARACTERS, count=len(text)
        )
        raise FormulaProblem("formula.too-long", message, MAX_CHARACTERS)
    found = list(_tokens(text))
    if len(found) > MAX_TOKENS:
        message = say("A formula has at most {most:,} words and signs", most=MAX_TOKENS)
        raise FormulaProblem("formula.too-long", message, found[MAX_TOKENS].at)
    return found


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unreadable(text, at)
        kind, piece = str(match.lastgroup), match[0]
        if kind == "text":
            yield Token("text", piece[1:-1].replace("''", "'"), at)
        elif kind == "quoted":
            yield Token("name", piece[1:-1].replace('""', '"'), at)
        elif kind == "braced":
            yield Token("name", piece[1:-1].strip(), at)
        elif kind == "number":
            yield _number(text, piece, at)
        elif kind == "word":
            yield Token("word", piece, at)
        elif kind == "symbol":
            yield Token("symbol", piece, at)
        at = match.end()
    yield Token("end", "", len(text))


def _number(text: str, piece: str, at: int) -> Token:
    end = at + len(piece)
    if end < len(text) and (text[end].isalnum() or text[end] in "_."):
        raise FormulaProblem("formula.number", "This is not a number", at, "numbers are written like 1234.5")
    mantissa, _, exponent = piece.lower().partition("e")
    if len(mantissa) > 38 or (exponent and abs(int(exponent[:6])) > 99):
        raise FormulaProblem("formula.number", "This number has too many digits", at, "at most 38")
    return Token("number", piece, at)


def _unreadable(text: str, at: int) -> FormulaProblem:
    mark = text[at]
    if mark == "'":
        return FormulaProblem(
            "formula.text-end", "This text has no closing quote", at, "a quote in a text is doubled: ''"
        )
    if mark == '"':
        return FormulaProblem("formula.text-end", "This name has no closing quote", at)
    if mark in "{}":
        return FormulaProblem("formula.text-end", "Braces hold one field name: {name}", at)
    if mark == ";":
        return FormulaProblem("formula.separator", "A formula is one expression; `;` has no place in it", at)
    shown = mark if mark.isprintable() else f"U+{ord(mark):04X}"
    return FormulaProblem("formula.character", say("`{shown}` means nothing here", shown=shown), at, _HINTS.get(mark))
