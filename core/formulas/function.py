"""The functions of the language: what each takes and gives, and one line for people.

A signature lists the arguments' kinds; `?` marks one that may be left out, `+` one or more of a kind. Beside the kinds:
`any`; `same`: all such arguments are of one kind, which the result may name too; `scalar`: anything but a list; `moment`:
a date or a date with time; `list`: any list; `unit`, `part`, `pattern`, `regex`, `flags`, `form`: a text written in the
formula itself. A result may also be `first`, the kind of the first argument, or `item`, that of its values.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Literal

Group = Literal["Control", "Text", "Numbers", "Dates", "Lists", "Regex", "Record"]


@dataclass(frozen=True)
class Function:
    """`grammar` replaces the signature where the arguments are not separated by commas alone."""

    name: str
    group: Group
    signature: str
    result: str
    doc: str
    example: str
    grammar: str = ""

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        return tuple(self.signature.split())

    @property
    def fewest(self) -> int:
        return sum(not each.endswith("?") for each in self.arguments)

    @property
    def most(self) -> int | None:
        """None: any number."""
        return None if self.arguments and self.arguments[-1].endswith("+") else len(self.arguments)

    def argument(self, index: int) -> str:
        """What the argument at an index is to be."""
        return self.arguments[min(index, len(self.arguments) - 1)].rstrip("?+")

    @property
    def usage(self) -> str:
        """`ROUND(number, [number])`"""
        if self.grammar:
            return self.grammar
        shown = [f"[{a[:-1]}]" if a.endswith("?") else f"{a[:-1]}, …" if a.endswith("+") else a for a in self.arguments]
        return f"{self.name}({', '.join(shown)})"


def _f(name: str, group: Group, signature: str, result: str, doc: str, example: str, grammar: str = "") -> Function:
    return Function(name, group, signature, result, doc, example, grammar)


_TABLE: tuple[Function, ...] = (
    # ── Control ──
    _f("IF", "Control", "boolean same same?", "same", "One of two values, by a condition",
       "IF(stock > 0, 'yes', 'no')"),
    _f("SWITCH", "Control", "any any+", "same", "The value beside the first match, else the last, odd one",
       "SWITCH(state, 'o', 'open', 'c', 'closed', '?')", "SWITCH(x, match, value, …, [otherwise])"),
    _f("COALESCE", "Control", "same+", "same", "The first value that is not NULL", "COALESCE(nick, name)"),
    _f("NULLIF", "Control", "same same", "same", "NULL where both are equal, else the first",
       "NULLIF(STRPOS(a, 'x'), 0)"),
    _f("GREATEST", "Control", "same+", "same", "The largest; NULLs are left out", "GREATEST(a, b, 0)"),
    _f("LEAST", "Control", "same+", "same", "The smallest; NULLs are left out", "LEAST(a, b)"),
    _f("AND", "Control", "boolean+", "boolean", "All are true", "AND(a > 1, b > 1)"),
    _f("OR", "Control", "boolean+", "boolean", "At least one is true", "OR(a > 1, b > 1)"),
    _f("XOR", "Control", "boolean+", "boolean", "An odd number of them is true", "XOR(a > 1, b > 1)"),
    _f("NOT", "Control", "boolean", "boolean", "The opposite", "NOT(done)"),
    _f("TRUE", "Control", "", "boolean", "True", "TRUE()"),
    _f("FALSE", "Control", "", "boolean", "False", "FALSE()"),
    _f("BLANK", "Control", "", "null", "NULL", "IF(a = 0, BLANK(), a)"),
    _f("IFERROR", "Control", "same same", "same", "The second where the first cannot be computed or is NULL",
       "IFERROR(a / b, 0)"),
    _f("ISERROR", "Control", "any", "boolean", "The value cannot be computed or is NULL", "ISERROR(a / b)"),
    # ── Text ──
    _f("CONCAT", "Text", "scalar+", "text", "All joined; NULLs are left out", "CONCAT(first, ' ', last)"),
    _f("CONCATENATE", "Text", "scalar+", "text", "As CONCAT", "CONCATENATE(first, ' ', last)"),
    _f("UPPER", "Text", "text", "text", "In capitals", "UPPER(name)"),
    _f("LOWER", "Text", "text", "text", "In small letters", "LOWER(name)"),
    _f("INITCAP", "Text", "text", "text", "Each Word With A Capital", "INITCAP(name)"),
    _f("TRIM", "Text", "text text?", "text", "Without spaces (or the given characters) at both ends", "TRIM(name)"),
    _f("LENGTH", "Text", "text", "number", "How many characters", "LENGTH(name)"),
    _f("LEN", "Text", "text", "number", "As LENGTH", "LEN(name)"),
    _f("SUBSTRING", "Text", "text number number?", "text", "From a position (1 is the first), so many characters",
       "SUBSTRING(code, 2, 3)"),
    _f("SUBSTR", "Text", "text number number?", "text", "As SUBSTRING", "SUBSTR(code, 2, 3)"),
    _f("MID", "Text", "text number number", "text", "As SUBSTRING", "MID(code, 2, 3)"),
    _f("LEFT", "Text", "text number", "text", "The first characters; a negative count leaves out the last",
       "LEFT(code, 2)"),
    _f("RIGHT", "Text", "text number", "text", "The last characters; a negative count leaves out the first",
       "RIGHT(code, 2)"),
    _f("REPLACE", "Text", "text text text", "text", "Every occurrence replaced", "REPLACE(name, ' ', '-')"),
    _f("SUBSTITUTE", "Text", "text text text", "text", "As REPLACE", "SUBSTITUTE(name, ' ', '-')"),
    _f("OVERLAY", "Text", "text text number number?", "text", "A part replaced by its position",
       "OVERLAY(code PLACING 'XX' FROM 2 FOR 2)", "OVERLAY(text PLACING text FROM number [FOR number])"),
    _f("REPEAT", "Text", "text number", "text", "So many times, at most 100,000 characters", "REPEAT('*', stars)"),
    _f("REPT", "Text", "text number", "text", "As REPEAT", "REPT('*', stars)"),
    _f("STRPOS", "Text", "text text", "number", "Where the second begins in the first, 0 if it does not",
       "STRPOS(email, '@')"),
    _f("FIND", "Text", "text text number?", "number", "Where the first begins in the second, 0 if it does not",
       "FIND('@', email)"),
    _f("SEARCH", "Text", "text text", "number", "As FIND whatever the letters' case, NULL if it is not there",
       "SEARCH('a', name)"),
    _f("STRING_TO_ARRAY", "Text", "text text", "text-list", "Split at every separator", "STRING_TO_ARRAY(name, ',')"),
    _f("ARRAY_TO_STRING", "Text", "list text", "text", "The values joined; NULLs are left out",
       "ARRAY_TO_STRING(tags, ', ')"),
    _f("CHR", "Text", "number", "text", "The character of a code", "CHR(65)"),
    _f("ASCII", "Text", "text", "number", "The code of the first character", "ASCII(code)"),
    _f("ENCODE", "Text", "text|bytes form", "text", "As `base64` or `hex`", "ENCODE(code, 'base64')"),
    _f("DECODE", "Text", "text form", "bytes", "Bytes of `base64` or `hex` text",
       "CONVERT_FROM(DECODE(x, 'base64'), 'UTF8')"),
    _f("CONVERT_FROM", "Text", "bytes form", "text", "Bytes as UTF-8 text",
       "CONVERT_FROM(DECODE(x, 'base64'), 'UTF8')"),
    _f("ENCODE_URL", "Text", "text", "text", "Fit to be part of an address", "ENCODE_URL(name)"),
    _f("T", "Text", "any", "text", "The value if it is a text, else NULL", "T(note)"),
    _f("VALUE", "Text", "text", "number", "The number that a text says, else NULL", "VALUE(code)"),
    # ── Numbers ──
    _f("ROUND", "Numbers", "number number?", "number", "To so many places, halves away from zero", "ROUND(price, 2)"),
    _f("ROUNDUP", "Numbers", "number number?", "number", "Away from zero, to so many places", "ROUNDUP(price, 1)"),
    _f("ROUNDDOWN", "Numbers", "number number?", "number", "Towards zero, to so many places", "ROUNDDOWN(price, 1)"),
    _f("TRUNC", "Numbers", "number number?", "number", "As ROUNDDOWN", "TRUNC(price)"),
    _f("CEIL", "Numbers", "number", "number", "The next whole number above", "CEIL(hours)"),
    _f("FLOOR", "Numbers", "number", "number", "The next whole number below", "FLOOR(hours)"),
    _f("ABS", "Numbers", "number", "number", "Without its sign", "ABS(balance)"),
    _f("SIGN", "Numbers", "number", "number", "-1, 0 or 1", "SIGN(balance)"),
    _f("MOD", "Numbers", "number number", "number", "The rest of a division, with the first number's sign",
       "MOD(id, 10)"),
    _f("POWER", "Numbers", "number number", "number", "One to the power of the other", "POWER(2, 10)"),
    _f("SQRT", "Numbers", "number", "number", "The square root", "SQRT(area)"),
    _f("EXP", "Numbers", "number", "number", "e to a power", "EXP(1)"),
    _f("LN", "Numbers", "number", "number", "The natural logarithm", "LN(a)"),
    _f("LOG", "Numbers", "number number?", "number", "The logarithm, base 10; LOG(b, x) has base b", "LOG(1000)"),
    _f("EVEN", "Numbers", "number", "number", "The next even number away from zero", "EVEN(a)"),
    _f("ODD", "Numbers", "number", "number", "The next odd number away from zero", "ODD(a)"),
    _f("SUM", "Numbers", "number|number-list+", "number", "The sum; NULLs are left out", "SUM(a, b, c)"),
    _f("AVG", "Numbers", "number|number-list+", "number", "The average; NULLs are left out", "AVG(a, b, c)"),
    _f("MAX", "Numbers", "number|date|timestamp|text|list+", "item", "The largest; NULLs are left out", "MAX(a, b)"),
    _f("MIN", "Numbers", "number|date|timestamp|text|list+", "item", "The smallest; NULLs are left out", "MIN(a, b)"),
    _f("COUNT", "Numbers", "any+", "number", "How many numbers are given", "COUNT(a, b, c)"),
    _f("COUNTA", "Numbers", "any+", "number", "How many values are neither NULL nor empty", "COUNTA(a, b)"),
    _f("COUNTALL", "Numbers", "any+", "number", "How many values, NULLs too", "COUNTALL(tags)"),
    # ── Dates ──
    _f("CURRENT_DATE", "Dates", "", "date", "Today", "due < CURRENT_DATE", "CURRENT_DATE"),
    _f("CURRENT_TIME", "Dates", "", "time", "The time of day", "CURRENT_TIME", "CURRENT_TIME"),
    _f("CURRENT_TIMESTAMP", "Dates", "", "timestamp", "This moment", "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP"),
    _f("NOW", "Dates", "", "timestamp", "This moment", "NOW()"),
    _f("TODAY", "Dates", "", "date", "Today", "TODAY()"),
    _f("EXTRACT", "Dates", "part moment|time|interval", "number", "A part of a date",
       "EXTRACT(YEAR FROM due)", "EXTRACT(part FROM x)"),
    _f("YEAR", "Dates", "moment", "number", "The year", "YEAR(due)"),
    _f("MONTH", "Dates", "moment", "number", "The month, 1 to 12", "MONTH(due)"),
    _f("DAY", "Dates", "moment", "number", "The day of the month", "DAY(due)"),
    _f("HOUR", "Dates", "timestamp|date|time", "number", "The hour, 0 to 23", "HOUR(created_at)"),
    _f("MINUTE", "Dates", "timestamp|date|time", "number", "The minute", "MINUTE(created_at)"),
    _f("SECOND", "Dates", "timestamp|date|time", "number", "The second", "SECOND(created_at)"),
    _f("WEEKDAY", "Dates", "moment", "number", "The day of the week, 0 (Sunday) to 6", "WEEKDAY(due)"),
    _f("WEEKNUM", "Dates", "moment", "number", "The ISO week", "WEEKNUM(due)"),
    _f("DATE_TRUNC", "Dates", "unit moment", "second", "The beginning of the month, day, …",
       "DATE_TRUNC('month', due)"),
    _f("DATE_ADD", "Dates", "moment interval|number unit?", "moved", "Later by an interval, or by so many units",
       "DATE_ADD(due, INTERVAL '1 week')"),
    _f("DATE_SUB", "Dates", "moment interval|number unit?", "moved", "Earlier by an interval, or by so many units",
       "DATE_SUB(due, 3, 'days')"),
    _f("DATE_DIFF", "Dates", "unit moment moment", "number",
       "How many borders of the unit lie from the first to the second",
       "DATE_DIFF('day', start, due)"),
    _f("DATETIME_DIFF", "Dates", "moment moment unit?", "number",
       "Whole units from the second to the first (days if not told)",
       "DATETIME_DIFF(due, start, 'hours')"),
    _f("AGE", "Dates", "moment moment?", "interval", "Years, months and days from the second (or until today)",
       "EXTRACT(YEAR FROM AGE(born))"),
    _f("TO_CHAR", "Dates", "moment|time|number pattern", "text",
       "A date or number by a pattern: `YYYY-MM-DD`, `FM999,990.00`",
       "TO_CHAR(due, 'DD Mon YYYY')"),
    _f("TO_DATE", "Dates", "text pattern?", "date", "The date that a text says by a pattern",
       "TO_DATE(x, 'DD/MM/YYYY')"),
    _f("TO_TIMESTAMP", "Dates", "text|number pattern?", "timestamp",
       "The moment of a text by a pattern, or of seconds since 1970",
       "TO_TIMESTAMP(x, 'YYYY-MM-DD HH24:MI')"),
    _f("DATETIME_FORMAT", "Dates", "moment pattern?", "text", "A date by a pattern, `DD/MM/YYYY HH:mm`",
       "DATETIME_FORMAT(due, 'D MMMM YYYY')"),
    _f("DATETIME_PARSE", "Dates", "text pattern?", "timestamp", "The moment that a text says",
       "DATETIME_PARSE(x, 'DD/MM/YYYY')"),
    _f("IS_BEFORE", "Dates", "moment moment", "boolean", "The first is earlier", "IS_BEFORE(due, TODAY())"),
    _f("IS_AFTER", "Dates", "moment moment", "boolean", "The first is later", "IS_AFTER(due, TODAY())"),
    _f("IS_SAME", "Dates", "moment moment unit?", "boolean", "Both lie in the same unit",
       "IS_SAME(due, TODAY(), 'month')"),
    # ── Lists ──
    _f("ARRAY_LENGTH", "Lists", "list number?", "number", "How many values; NULL for an empty list",
       "ARRAY_LENGTH(tags, 1)"),
    _f("CARDINALITY", "Lists", "list", "number", "How many values", "CARDINALITY(tags)"),
    _f("ARRAY_REMOVE", "Lists", "list any", "first", "Without one value", "ARRAY_REMOVE(tags, 'old')"),
    _f("ARRAYUNIQUE", "Lists", "list", "first", "Each value once, in its order", "ARRAYUNIQUE(tags)"),
    _f("ARRAYCOMPACT", "Lists", "list", "first", "Without NULLs and empty texts", "ARRAYCOMPACT(tags)"),
    _f("ARRAYFLATTEN", "Lists", "list", "first", "Lists of lists as one list", "ARRAYFLATTEN(tags)"),
    _f("FLATTEN", "Lists", "list", "first", "As ARRAYFLATTEN", "FLATTEN(tags)"),
    _f("UNNEST", "Lists", "list", "first", "The list's values, for SUM and its like", "SUM(UNNEST(amounts))"),
    _f("ARRAYSLICE", "Lists", "list number number?", "first", "From a position to another; negative ones count from the end",
       "ARRAYSLICE(tags, 1, 2)"),
    _f("ARRAYJOIN", "Lists", "list text?", "text", "The values joined, by `, ` if not told", "ARRAYJOIN(tags, '; ')"),
    # ── Regex ──
    _f("REGEXP_MATCH", "Regex", "text regex", "text", "The first group, else the whole match; NULL without one",
       "REGEXP_MATCH(code, '[0-9]+')"),
    _f("REGEX_MATCH", "Regex", "text regex", "boolean", "The pattern occurs", "REGEX_MATCH(code, '^[A-Z]')"),
    _f("REGEX_EXTRACT", "Regex", "text regex", "text", "As REGEXP_MATCH", "REGEX_EXTRACT(code, '[0-9]+')"),
    _f("REGEXP_REPLACE", "Regex", "text regex text flags?", "text", "The first match replaced, all with the flag `g`",
       r"REGEXP_REPLACE(name, '\s+', '-', 'g')"),
    _f("REGEX_REPLACE", "Regex", "text regex text", "text", "Every match replaced",
       "REGEX_REPLACE(name, '[^a-z]', '')"),
    # ── Record ──
    _f("RECORD_ID", "Record", "", "any", "The record's id", "RECORD_ID()"),
    _f("CREATED_TIME", "Record", "", "timestamp", "When the record was made", "CREATED_TIME()"),
    _f("LAST_MODIFIED_TIME", "Record", "", "timestamp", "When the record was changed last", "LAST_MODIFIED_TIME()"),
)  # fmt: skip

FUNCTIONS: dict[str, Function] = {function.name: function for function in _TABLE}

_OTHER_NAMES = {"CEILING": "CEIL", "POW": "POWER", "CHAR_LENGTH": "LENGTH", "DATEADD": "DATE_ADD", "DATEDIFF": "DATE_DIFF",
                "AVERAGE": "AVG", "POSITION": "STRPOS", "IFNULL": "COALESCE", "SPLIT": "STRING_TO_ARRAY",
                "TRUNCATE": "TRUNC", "IF_ERROR": "IFERROR", "PROPER": "INITCAP", "CASEWHEN": "IF"}  # fmt: skip


def like(name: str) -> str | None:
    """The function that an unknown name probably means."""
    if name.upper() in _OTHER_NAMES:
        return _OTHER_NAMES[name.upper()]
    near = get_close_matches(name.upper(), FUNCTIONS, 1, 0.7)
    return near[0] if near else None


PARTS = (
    "year", "month", "day", "hour", "minute", "second", "dow", "isodow", "doy", "week", "isoweek", "isoyear", "quarter",
    "epoch", "julian", "timezone",
)  # fmt: skip
"""What EXTRACT can take."""

_UNITS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")


def unit_of(text: str) -> str | None:
    """The unit that a word means: `day`, `days`, `Days`; None when it means none."""
    word = text.strip().lower()
    for unit in _UNITS:
        if word in (unit, f"{unit}s"):
            return unit
    return None
