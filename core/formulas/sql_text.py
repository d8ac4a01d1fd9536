"""Texts in SQL. Positions count characters from 1. What grows a text is cut at `LONGEST` characters."""

from collections.abc import Sequence

from sqlalchemy import Text

from core.formulas.pattern import NumberPattern
from core.formulas.sql import Element, Piece, Value, made, text
from core.formulas.sql_number import as_decimal, as_double, limited, rounded, sure_digits, whole

LONGEST = 100_000

_NUMBER = r"^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?\s*$"
_BASE64 = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_HEX = r"^([0-9a-fA-F]{2})*$"
_UTF8 = (
    "^(0[1-9a-f]|[1-7].|(c[2-9a-f]|d.)[89ab].|e0[ab].[89ab].|e[1-9a-cef][89ab].[89ab].|ed[89].[89ab].|f0[9ab].[89ab].[89ab]."
    "|f[123][89ab].[89ab].[89ab].|f48.[89ab].[89ab].)*$"
)
"""The bytes of a UTF-8 text in hexadecimal digits, without the zero byte, which PostgreSQL cannot keep."""


JSON_TEXT = r"""regexp_replace(CAST({0} AS TEXT), '("(?:[^"\\]|\\.)*")|([:,]) ', '\1\2', 'g')"""
"""PostgreSQL's JSON without the space that it puts behind every comma and colon outside of texts."""


def json_text(column: Element) -> Element:
    """JSON as its shortest text."""
    return Piece(JSON_TEXT, (column,), Text(), on_duckdb="CAST({0} AS VARCHAR)")


class Texts:
    """What differs between the databases is said where it is written."""

    def __init__(self, dialect: str) -> None:
        self.duckdb = dialect == "duckdb"
        self.dialect = dialect

    # ── To and from texts ──

    def of_number(self, value: Value) -> Value:
        """Without zeros at the end; of a double the 15 digits that are sure. NULL from 1e23 on."""
        if value.digits is not None and not value.digits[1]:
            return value.piece("CAST({0} AS VARCHAR)", kind="text")
        if value.digits is None:
            near = value if self.duckdb else limited(value, "1e23")
            value = as_decimal(sure_digits(near, self.dialect, 15), 23, 15)
        return value.piece("RTRIM(RTRIM(CAST({0} AS VARCHAR), '0'), '.')", kind="text")

    def to_number(self, value: Value) -> Value:
        """F-003: NULL for a text that is no number."""
        # A view has texts of its formula written out, and PostgreSQL reads a bare one as what it is cast to.
        cast = "TRY_CAST(TRIM({0}) AS FLOAT8)" if self.duckdb else "CAST(CAST({0} AS TEXT) AS FLOAT8)"
        shape = f"CASE WHEN LENGTH({{0}}) <= 60 AND {self.matches()} THEN {cast} END"
        return limited(value.piece(shape, text(_NUMBER), kind="number"), "1e140")

    def to_boolean(self, value: Value) -> Value:
        template = (
            "CASE LOWER(TRIM({0})) WHEN 'true' THEN TRUE WHEN 'yes' THEN TRUE WHEN '1' THEN TRUE "
            "WHEN 'false' THEN FALSE WHEN 'no' THEN FALSE WHEN '0' THEN FALSE END"
        )
        return value.piece(template, kind="boolean")

    def matches(self) -> str:
        """A template: {0} holds a match of the expression {1}."""
        return "REGEXP_MATCHES({0}, {1})" if self.duckdb else "({0} ~ {1})"

    # ── Parts ──

    def join(self, parts: Sequence[Value]) -> Value:
        """NULLs are left out."""
        return made("text", f"CONCAT({_holes(len(parts))})", *parts)

    def trimmed(self, value: Value, marks: Value | None) -> Value:
        return value.piece(f"{'TRIM' if self.duckdb else 'BTRIM'}({{0}}, {{1}})", marks or text(" "))

    def in_capitals(self, value: Value) -> Value:
        """`ß` has no capital of one letter: PostgreSQL lets it stand, and so do we where DuckDB would write `ẞ`."""
        if not self.duckdb:
            return value.piece("UPPER({0})")
        return value.piece("ARRAY_TO_STRING(LIST_TRANSFORM(STRING_SPLIT({0}, 'ß'), lambda _w: UPPER(_w)), 'ß')")

    def capitalised(self, value: Value) -> Value:
        if not self.duckdb:
            return value.piece("INITCAP({0})")
        word = "CONCAT(UPPER(LEFT(_w, 1)), LOWER(SUBSTRING(_w, 2)))"
        words = f"LIST_TRANSFORM(REGEXP_EXTRACT_ALL({{0}}, {{1}}), lambda _w: {word})"
        return value.piece(f"ARRAY_TO_STRING({words}, '')", text(r"[\p{L}\p{N}]+|[^\p{L}\p{N}]+"))

    def length(self, value: Value) -> Value:
        return Value(value.piece("CAST(LENGTH({0}) AS DECIMAL(10, 0))").sql, "number", (10, 0))

    def part(self, value: Value, start: Value, count: Value | None) -> Value:
        """Characters from a position; positions before the first count, but hold none."""
        if start.constant is not None and (count is None or count.constant is not None):
            first = int(start.constant)
            if count is None:
                return value.piece(f"SUBSTR({{0}}, {max(first, 1)})")
            assert count.constant is not None
            end = first + int(count.constant)
            return value.piece(f"SUBSTR({{0}}, {max(first, 1)}, {max(end - max(first, 1), 0)})")
        first_at = whole(start)
        if count is None:
            return value.piece("CASE WHEN {1} IS NOT NULL THEN SUBSTR({0}, GREATEST({1}, 1)) END", first_at)
        return value.piece(
            "CASE WHEN {1} IS NOT NULL AND {2} IS NOT NULL THEN "
            "SUBSTR({0}, GREATEST({1}, 1), GREATEST({1} + {2} - GREATEST({1}, 1), 0)) END",
            first_at,
            whole(count),
        )

    def edge(self, function: str, value: Value, count: Value) -> Value:
        """LEFT and RIGHT."""
        return value.piece(f"{function}({{0}}, {{1}})", whole(count))

    def overlaid(self, value: Value, other: Value, start: Value, count: Value | None) -> Value:
        """NULL for a position before the first."""
        length = whole(count) if count is not None else other.piece("LENGTH({0})")
        return value.piece(
            "CASE WHEN {2} >= 1 AND {3} >= 0 THEN SUBSTR({0}, 1, {2} - 1) || {1} || SUBSTR({0}, {2} + {3}) END",
            other,
            whole(start),
            length,
        )

    def replaced(self, value: Value, old: Value, new: Value) -> Value:
        return value.piece(f"REPLACE(LEFT({{0}}, {LONGEST}), {{1}}, LEFT({{2}}, 1000))", old, new)

    def repeated(self, value: Value, count: Value) -> Value:
        template = (
            f"LEFT(REPEAT({{0}}, CAST(LEAST({{1}}, {LONGEST} / GREATEST(LENGTH({{0}}), 1) + 1) AS INTEGER)), {LONGEST})"
        )
        return value.piece(f"CASE WHEN {{1}} IS NOT NULL THEN {template} END", whole(count))

    def position(self, value: Value, wanted: Value) -> Value:
        return Value(value.piece("CAST(STRPOS({0}, {1}) AS DECIMAL(10, 0))", wanted).sql, "number", (10, 0))

    def position_from(self, value: Value, wanted: Value, start: Value) -> Value:
        """FIND with a place to begin at."""
        behind = self.part(value, start, None)
        template = "CASE WHEN STRPOS({0}, {1}) = 0 THEN 0 ELSE STRPOS({0}, {1}) + GREATEST({2}, 1) - 1 END"
        found = behind.piece(f"CAST({template} AS DECIMAL(10, 0))", wanted, whole(start))
        return Value(found.sql, "number", (10, 0))

    # ── Characters and bytes ──

    def character(self, code: Value) -> Value:
        """NULL for what is no character."""
        template = "CASE WHEN {0} BETWEEN 1 AND 55295 OR {0} BETWEEN 57344 AND 1114111 THEN CHR({0}) END"
        return whole(code).piece(template, kind="text")

    def code(self, value: Value) -> Value:
        function = "GREATEST(UNICODE({0}), 0)" if self.duckdb else "ASCII({0})"
        template = f"CASE WHEN {{0}} IS NOT NULL THEN CAST({function} AS DECIMAL(10, 0)) END"
        return Value(value.piece(template).sql, "number", (10, 0))

    def as_bytes(self, value: Value) -> Value:
        return value.piece("ENCODE({0})" if self.duckdb else "CONVERT_TO({0}, 'UTF8')", kind="bytes")

    def encoded(self, value: Value, form: str) -> Value:
        if value.kind != "bytes":
            value = self.as_bytes(value)
        if form.lower() == "hex":
            return value.piece("LOWER(HEX({0}))" if self.duckdb else "ENCODE({0}, 'hex')", kind="text")
        shape = "BASE64({0})" if self.duckdb else "REPLACE(ENCODE({0}, 'base64'), CHR(10), '')"
        return value.piece(shape, kind="text")

    def decoded(self, value: Value, form: str) -> Value:
        """NULL for a text that is not of the form."""
        if form.lower() == "hex":
            shape, regex = ("UNHEX({0})" if self.duckdb else "DECODE({0}, 'hex')"), _HEX
        else:
            shape, regex = ("FROM_BASE64({0})" if self.duckdb else "DECODE({0}, 'base64')"), _BASE64
        return value.piece(f"CASE WHEN {self.matches()} THEN {shape} END", text(regex), kind="bytes")

    def of_bytes(self, value: Value) -> Value:
        """NULL for bytes that are no UTF-8."""
        digits = "LOWER(HEX({0}))" if self.duckdb else "ENCODE({0}, 'hex')"
        shape = "DECODE({0})" if self.duckdb else "CONVERT_FROM({0}, 'UTF8')"
        test = self.matches().replace("{0}", digits)
        return value.piece(f"CASE WHEN {test} THEN {shape} END", text(_UTF8), kind="text")

    def url_encoded(self, value: Value) -> Value:
        if self.duckdb:
            return value.piece("URL_ENCODE({0})")
        character = (
            "CASE WHEN _c ~ '^[A-Za-z0-9_.~-]$' THEN _c "
            "ELSE REGEXP_REPLACE(UPPER(ENCODE(CONVERT_TO(_c, 'UTF8'), 'hex')), '(..)', '%\\1', 'g') END"
        )
        characters = "REGEXP_SPLIT_TO_TABLE({0}, '') WITH ORDINALITY AS _t(_c, _i)"
        template = f"(SELECT STRING_AGG({character}, '' ORDER BY _i) FROM {characters})"
        return value.piece(template)

    # ── Regular expressions ──

    def found(self, value: Value, regex: str, *, groups: bool) -> Value:
        """The first group, else the whole match."""
        if self.duckdb:
            shape = f"REGEXP_EXTRACT({{0}}, {{1}}, {int(groups)})"
            return value.piece(f"CASE WHEN {self.matches()} THEN {shape} END", text(regex))
        return value.piece("(REGEXP_MATCH({0}, {1}))[1]", text(regex))

    def regex_replaced(self, value: Value, regex: str, new: Value, flags: str, *, literal: bool) -> Value:
        """A replacement that comes from a field has no groups."""
        if not literal:
            new = new.piece("REPLACE({0}, {1}, {2})", text("\\"), text("\\\\"))
        shape = f"REGEXP_REPLACE(LEFT({{0}}, {LONGEST}), {{1}}, LEFT({{2}}, 1000), {{3}})"
        return value.piece(shape, text(regex), new, text(flags))

    # ── Numbers by a pattern ──

    def by_pattern(self, value: Value, pattern: NumberPattern) -> Value:
        """TO_CHAR of a number; one that has more digits than the pattern shows as #."""
        amount = as_double(rounded(value, made_count(pattern.places), self.dialect))
        width = pattern.room + (pattern.room - 1) // 3 * pattern.groups + (pattern.places + 1) * (pattern.places > 0)
        hashes = "#" * width
        body = self._grouped(pattern) if self.duckdb else self._grouped_elsewhere(pattern)
        signed = f"CASE WHEN {{0}} < 0 THEN '-' ELSE '' END || {{1}} || {body} || {{2}}"
        full = f"CASE WHEN ABS({{0}}) < 1e{pattern.room} THEN {signed} ELSE {{3}} END"
        full = f"CASE WHEN {{0}} IS NOT NULL THEN {full} END"
        if pattern.fills:
            full = f"LPAD({full}, {width + 1 + len(pattern.prefix) + len(pattern.suffix)}, ' ')"
        return amount.piece(full, text(pattern.prefix), text(pattern.suffix), text(hashes), kind="text")

    def _grouped(self, pattern: NumberPattern) -> str:
        comma = "," if pattern.groups else ""
        shape = f"FORMAT('{{{{:{comma}.{pattern.places}f}}}}', ABS({{0}}))"
        return _dressed(shape, pattern)

    def _grouped_elsewhere(self, pattern: NumberPattern) -> str:
        whole_part = "999,999,999,999,999,999,999,990" if pattern.groups else "999999999999999999999990"
        places = "." + "0" * pattern.places if pattern.places else ""
        return _dressed(f"TO_CHAR(CAST(ABS({{0}}) AS NUMERIC), 'FM{whole_part}{places}')", pattern)


def made_count(count: int) -> Value:
    return Value(made("number", str(count)).sql, "number", (2, 0), float(count))


def _dressed(shape: str, pattern: NumberPattern) -> str:
    """Zeros before the number as the pattern wants them, none behind it that it does not show."""
    if pattern.always < pattern.places:
        shape = f"REGEXP_REPLACE({shape}, '0{{{{0,{pattern.places - pattern.always}}}}}$', '')"
        shape = f"RTRIM({shape}, '.')"
    if pattern.whole == 0:
        shape = f"REGEXP_REPLACE({shape}, '^0([.]|$)', '\\1')"
    if pattern.whole > 1:
        behind = pattern.always + 1 if pattern.always else 0
        shape = f"LPAD({shape}, CAST(GREATEST(LENGTH({shape}), {pattern.whole + behind}) AS INTEGER), '0')"
    return shape


def _holes(count: int) -> str:
    return ", ".join(f"{{{i}}}" for i in range(count))
