"""Patterns inside formulas: of dates, of numbers, regular expressions. Each is read once, when the formula is checked, into
pieces that mean the same on both databases."""

import re
from dataclasses import dataclass
from functools import lru_cache

from core.formulas.kind import Kind
from core.sentence import say

MAX_REGEX = 500
_BEYOND_RE2 = re.compile(r"\(\?(?:[=!>]|<[=!]|P[=>]|\()|\\[1-9]|[*+?}]\+|\\[ZABbGzNuUpP]")
_REPEAT = re.compile(r"\{(\d*)(?:,(\d*))?\}")


def check_regex(text: str) -> str | None:
    """What is wrong with a regular expression; None for one that both databases take and read alike."""
    if len(text) > MAX_REGEX:
        return say("an expression has at most {most} characters", most=MAX_REGEX)
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        return say("not a regular expression: {reason}", reason=str(error))
    if _BEYOND_RE2.search(text.replace("\\\\", "")):
        return say("look-around, back references, possessive repeats and \\b \\A \\Z \\p are not supported")
    if any(int(number) > 255 for pair in _REPEAT.findall(text) for number in pair if number):
        return say("a repeat counts to 255 at most")
    return None


def check_replacement(regex: str, replacement: str) -> str | None:
    """Groups that a replacement names must be there."""
    groups = re.compile(regex).groups
    for escape in re.findall(r"\\(.?)", replacement, re.DOTALL):
        if escape == "\\":
            continue
        if not (escape.isdecimal() and int(escape) <= groups):
            return say("`\\{escape}` names no group of the expression; a backslash itself is `\\\\`", escape=escape)
    return None


def check_form(function: str, text: str) -> str | None:
    """The encodings of ENCODE, DECODE and CONVERT_FROM."""
    known = ("utf8", "utf-8") if function == "CONVERT_FROM" else ("base64", "hex")
    return None if text.lower() in known else say("'{text}' is not known; {known!r} is", text=text, known=known[0])


def check_pattern(function: str, kind: Kind, text: str) -> str | None:
    """What is wrong with the pattern of TO_CHAR and its kin."""
    try:
        if kind == "number" and function == "TO_CHAR":
            number_pattern(text)
        elif function.startswith("DATETIME"):
            pieces = moment_pieces(text)
        else:
            pieces = date_pieces(text)
        if function in ("TO_DATE", "TO_TIMESTAMP", "DATETIME_PARSE"):
            reading_form(pieces)
    except ValueError as error:
        problem: str = error.args[0]
        return problem
    return None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a date pattern: a code of TO_CHAR (`D`, `M`, `H`, `h`, `m`, `s`: without leading zeros), or a literal text
    with the code ""."""

    code: str
    text: str = ""


_TO_CHAR = (
    "HH24", "HH12", "MONTH", "Month", "month", "YYYY", "IYYY", "MON", "Mon", "mon", "DDD", "DAY", "Day", "day", "DY", "Dy",
    "dy", "MI", "MM", "MS", "US", "SS", "AM", "PM", "am", "pm", "HH", "DD", "ID", "IW", "WW", "YY", "Q",
)  # fmt: skip
"""Codes of TO_CHAR, longest first among those that begin alike."""
_TO_CHAR_CODE = {"PM": "AM", "pm": "am", "HH": "HH12"}
_SHORTER = {"MM": "M", "DD": "D", "HH24": "H", "HH12": "h"}
_MOMENT = {
    "YYYY": "YYYY", "YY": "YY", "MMMM": "Month", "MMM": "Mon", "MM": "MM", "M": "M", "DDDD": "DDD", "DD": "DD", "D": "D",
    "dddd": "Day", "ddd": "Dy", "E": "ID", "HH": "HH24", "H": "H", "hh": "HH12", "h": "h", "mm": "MI", "m": "m", "ss": "SS",
    "s": "s", "SSS": "MS", "A": "AM", "a": "am", "Q": "Q", "WW": "IW", "GGGG": "IYYY",
}  # fmt: skip
_MOMENT_WORD = re.compile(
    r"\[[^\]]*\]|YYYY|YY|GGGG|MMMM|MMM|MM|M|DDDD|DD|D|dddd|ddd|E|HH|H|hh|h|mm|m|ss|s|SSS|A|a|Q|WW|.", re.DOTALL
)


@lru_cache(maxsize=256)
def date_pieces(text: str) -> tuple[Piece, ...]:
    """A pattern of TO_CHAR: `YYYY-MM-DD HH24:MI`, `FMMonth`, `"text"`. Raises ValueError."""
    if len(text) > 200:
        raise ValueError("a pattern has at most 200 characters")
    pieces: list[Piece] = []
    at, short = 0, False
    while at < len(text):
        if text[at] == '"':
            end = text.find('"', at + 1)
            if end < 0:
                raise ValueError("a quote in the pattern is not closed")
            pieces.append(Piece("", text[at + 1 : end]))
            at = end + 1
            continue
        if text[at : at + 2] in ("FM", "fm"):
            short, at = True, at + 2
            continue
        code = next((each for each in _TO_CHAR if text.startswith(each, at)), None) or _folded(text, at)
        if code is None:
            if text[at].isalpha():
                raise ValueError(
                    say("`{code}` is no code of a date; text is put in double quotes", code=text[at : at + 6])
                )
            pieces.append(Piece("", text[at]))
            at += 1
            continue
        at += len(code)
        code = _TO_CHAR_CODE.get(code, code)
        pieces.append(Piece(_SHORTER.get(code, code) if short else code))
        short = False
    return tuple(pieces)


def _folded(text: str, at: int) -> str | None:
    """Codes of digits are the same in small letters."""
    digits = (
        "HH24",
        "HH12",
        "YYYY",
        "IYYY",
        "DDD",
        "MI",
        "MM",
        "MS",
        "US",
        "SS",
        "HH",
        "DD",
        "ID",
        "IW",
        "WW",
        "YY",
        "Q",
    )
    return next((code for code in digits if text[at : at + len(code)].upper() == code), None)


@lru_cache(maxsize=256)
def moment_pieces(text: str) -> tuple[Piece, ...]:
    """A pattern of DATETIME_FORMAT: `DD/MM/YYYY HH:mm`, `[text]`. Raises ValueError."""
    if len(text) > 200:
        raise ValueError("a pattern has at most 200 characters")
    pieces = []
    for match in _MOMENT_WORD.finditer(text):
        word = match[0]
        if word.startswith("[") and len(word) > 1:
            pieces.append(Piece("", word[1:-1]))
        elif word in _MOMENT:
            pieces.append(Piece(_MOMENT[word]))
        elif word.isalpha() and word != "T":
            raise ValueError(say("`{code}` is no code of a date; text is put in brackets: [{code}]", code=word))
        else:
            pieces.append(Piece("", word))
    return tuple(pieces)


_READ = {"YYYY": r"\d{4}", "MM": r"\d{2}", "M": r"\d{1,2}", "DD": r"\d{2}", "D": r"\d{1,2}", "HH24": r"\d{2}",
         "H": r"\d{1,2}", "MI": r"\d{2}", "SS": r"\d{2}"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """How a text is read: the whole must match `regex`; `places` tells which group holds what."""

    regex: str
    places: dict[str, int]


def reading_form(pieces: tuple[Piece, ...]) -> Reading:
    """The expression that takes a text apart. Raises ValueError for codes that cannot be read."""
    regex = ""
    places: dict[str, int] = {}
    for piece in pieces:
        if not piece.code:
            regex += re.sub(r"([^\w\s])", r"\\\1", piece.text, flags=re.ASCII)
            continue
        if piece.code not in _READ:
            raise ValueError(say("`{code}` can be written, but not read; YYYY MM DD HH24 MI SS can", code=piece.code))
        name = {"M": "MM", "D": "DD", "H": "HH24"}.get(piece.code, piece.code)
        if name in places:
            raise ValueError(say("`{code}` stands twice in the pattern", code=name))
        places[name] = len(places) + 1
        regex += f"({_READ[piece.code]})"
    if "YYYY" not in places:
        raise ValueError("the pattern needs a year, YYYY")
    return Reading(f"^\\s*{regex}\\s*$", places)


@dataclass(frozen=True, slots=True)
class NumberPattern:
    """`FM999,990.00`: digits before and behind the point, what is shown always, thousands."""

    prefix: str
    suffix: str
    whole: int
    """Digits before the point that are always shown."""
    room: int
    """Places for digits before the point; a larger number shows as #."""
    places: int
    always: int
    """Digits behind the point that are always shown."""
    groups: bool
    fills: bool
    """Padded with spaces (no FM)."""


_NUMBER = re.compile(
    r"(?P<fm>FM)?(?P<prefix>[^90.,A-Za-z]*)(?P<whole>[90,]*)(?:\.(?P<places>[90]*))?(?P<suffix>[^90.,A-Za-z]*)", re.I
)


@lru_cache(maxsize=256)
def number_pattern(text: str) -> NumberPattern:
    """A pattern of TO_CHAR for a number. Raises ValueError."""
    match = _NUMBER.fullmatch(text)
    if match is None or not (match["whole"] or match["places"]) or len(text) > 60:
        raise ValueError(say("a number's pattern is like FM999,990.00"))
    digits = match["whole"].replace(",", "")
    places = match["places"] or ""
    first = digits.find("0")
    return NumberPattern(
        prefix=match["prefix"],
        suffix=match["suffix"],
        whole=len(digits) - first if first >= 0 else 0,
        room=len(digits),
        places=len(places),
        always=places.rfind("0") + 1 if match["fm"] else len(places),
        groups="," in match["whole"],
        fills=not match["fm"],
    )
