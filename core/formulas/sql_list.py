"""Lists in SQL: DuckDB's list functions, PostgreSQL's arrays."""

from collections.abc import Sequence

from core.formulas.kind import Kind, is_list, item_of, list_of
from core.formulas.sql import Value, made, text
from core.formulas.sql_number import NARROW, alike, as_decimal, as_double, divided, whole, widened
from core.formulas.sql_text import Texts

TYPE_NAMES = {"text": "TEXT", "number": "FLOAT8", "boolean": "BOOLEAN", "date": "DATE", "timestamp": "TIMESTAMPTZ"}


class Lists:
    def __init__(self, dialect: str, texts: Texts) -> None:
        self.duckdb = dialect == "duckdb"
        self.texts = texts

    def of(self, values: Sequence[Value], kind: Kind) -> Value:
        """A list of single values."""
        name = TYPE_NAMES[item_of(kind)]
        cells = [as_double(value) if kind == "number-list" else value for value in values]
        holes = ", ".join(f"{{{i}}}" for i in range(len(cells)))
        if self.duckdb:
            return made(kind, f"CAST(LIST_VALUE({holes}) AS {name}[])", *cells)
        return made(kind, f"CAST(ARRAY[{holes}] AS {name}[])", *cells)

    @staticmethod
    def of_doubles(value: Value) -> Value:
        """PostgreSQL compares no list of whole numbers with one of decimals."""
        return value.piece("CAST({0} AS FLOAT8[])")

    def _selected(self, value: Value, items: str, where: str = "", order: str = "_i") -> str:
        """A template of PostgreSQL: an array of what a query of the values answers; NULL for NULL."""
        query = f"SELECT {items} FROM UNNEST({{0}}) WITH ORDINALITY AS _t(_v, _i){f' WHERE {where}' if where else ''}"
        return f"CASE WHEN {{0}} IS NOT NULL THEN ARRAY({query} ORDER BY {order}) END"

    def item(self, value: Value, index: Value) -> Value:
        """By its position from 1; NULL outside."""
        kind = item_of(value.kind)
        if self.duckdb:
            return value.piece("CASE WHEN {1} >= 1 THEN LIST_EXTRACT({0}, {1}) END", whole(index), kind=kind)
        return value.piece("({0})[{1}]", whole(index), kind=kind)

    def count(self, value: Value) -> Value:
        shape = "LEN({0})" if self.duckdb else "CARDINALITY({0})"
        return Value(value.piece(f"CAST({shape} AS DECIMAL(10, 0))").sql, "number", (10, 0))

    def removed(self, value: Value, item: Value) -> Value:
        """Without the values that equal one; to remove NULL, NULLs."""
        if self.duckdb:
            return value.piece("LIST_FILTER({0}, lambda _v: _v IS DISTINCT FROM {1})", item)
        return value.piece(self._selected(value, "_v", "_v IS DISTINCT FROM {1}"), item)

    def unique(self, value: Value) -> Value:
        """Each value once, where it stood first."""
        if self.duckdb:
            # Equal ones lie side by side once sorted: a look for each from the beginning would take the square of the time.
            # Each is paired with the one before it, as a lambda that names the list would get a copy for each value.
            by_value = "LIST_SORT(LIST_TRANSFORM({0}, lambda _v, _i: {{'v': _v, 'i': _i}}))"
            firsts = (
                f"LIST_FILTER(LIST_ZIP({by_value}, LIST_CONCAT([NULL], {by_value})), lambda _p: "
                "_p[1] IS NOT NULL AND (_p[2] IS NULL OR _p[1].v IS DISTINCT FROM _p[2].v))"
            )
            by_place = f"LIST_SORT(LIST_TRANSFORM({firsts}, lambda _p: {{{{'i': _p[1].i, 'v': _p[1].v}}}}))"
            shape = f"LIST_TRANSFORM({by_place}, lambda _x: _x.v)"
            return value.piece(f"CASE WHEN {{0}} IS NOT NULL THEN {shape} END")
        firsts = "SELECT _v, MIN(_i) AS _i FROM UNNEST({0}) WITH ORDINALITY AS _t(_v, _i) GROUP BY _v"
        shape = f"SELECT _v FROM ({firsts}) AS _u ORDER BY _i"
        return value.piece(f"CASE WHEN {{0}} IS NOT NULL THEN ARRAY({shape}) END")

    def compact(self, value: Value) -> Value:
        """Without NULLs and empty texts."""
        empty = " AND _v <> ''" if value.kind == "text-list" else ""
        if self.duckdb:
            return value.piece(f"LIST_FILTER({{0}}, lambda _v: _v IS NOT NULL{empty})")
        return value.piece(self._selected(value, "_v", f"_v IS NOT NULL{empty}"))

    def slice(self, value: Value, first: Value, last: Value | None) -> Value:
        """Positions from 1; negative ones from the end; None: to the end."""
        size = "LEN({0})" if self.duckdb else "CARDINALITY({0})"
        low = f"(CASE WHEN {{1}} < 0 THEN GREATEST({size} + {{1}} + 1, 1) ELSE GREATEST({{1}}, 1) END)"
        high = f"(CASE WHEN {{2}} < 0 THEN {size} + {{2}} + 1 ELSE {{2}} END)" if last is not None else size
        others = [whole(first), *([whole(last)] if last is not None else [])]
        known = " AND ".join(f"{{{i}}} IS NOT NULL" for i in range(len(others) + 1))
        if self.duckdb:
            shape = f"LIST_FILTER({{0}}, lambda _v, _i: _i >= {low} AND _i <= {high})"
            return value.piece(f"CASE WHEN {known} THEN {shape} END", *others)
        return value.piece(f"CASE WHEN {known} THEN ({{0}})[{low}:{high}] END", *others)

    def as_texts(self, value: Value) -> Value:
        """The same list with every value as a text."""
        if value.kind == "text-list":
            return value
        kind = item_of(value.kind)
        shape = (
            self.texts.of_number(made("number", "CAST(_v AS FLOAT8)")).sql  # a field may hold whole numbers
            if kind == "number"
            else made("text", "CAST(_v AS VARCHAR)").sql
        )
        if self.duckdb:
            return value.piece("LIST_TRANSFORM({0}, lambda _v: {1})", shape, kind="text-list")
        return value.piece(self._selected(value, "{1}"), shape, kind="text-list")

    def join(self, value: Value, separator: Value) -> Value:
        """NULLs are left out."""
        value = self.as_texts(value)
        if self.duckdb:
            # ARRAY_TO_STRING takes no separator but a constant, so each text brings its own; in linear time.
            behind = "LIST_TRANSFORM(LIST_FILTER({0}, lambda _v: _v IS NOT NULL), lambda _v: {1} || _v)"
            shape = f"SUBSTR(ARRAY_TO_STRING({behind}, ''), LENGTH({{1}}) + 1)"
            return value.piece(
                f"CASE WHEN {{0}} IS NOT NULL AND {{1}} IS NOT NULL THEN {shape} END", separator, kind="text"
            )
        return value.piece("ARRAY_TO_STRING({0}, {1})", separator, kind="text")

    def split(self, value: Value, separator: Value) -> Value:
        """An empty text has no parts; an empty separator parts nothing."""
        if not self.duckdb:
            return value.piece(
                "CASE WHEN {1} IS NOT NULL THEN STRING_TO_ARRAY({0}, {1}) END", separator, kind="text-list"
            )
        template = (
            "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL WHEN {0} = '' THEN CAST([] AS VARCHAR[]) "
            "WHEN {1} = '' THEN [{0}] ELSE STRING_SPLIT({0}, {1}) END"
        )
        return value.piece(template, separator, kind="text-list")

    # ── Aggregates ──

    def gathered(self, values: Sequence[Value]) -> Value:
        """Lists and single values as one list of one kind."""
        kinds = {item_of(v.kind) if is_list(v.kind) else v.kind for v in values} - {"null"}
        kind = list_of(kinds.pop()) if len(kinds) == 1 else "number-list" if kinds == {"number"} else "text-list"
        lists = [value if is_list(value.kind) else self.of([value], kind) for value in values]
        if len(lists) == 1:
            return lists[0]
        name = TYPE_NAMES[item_of(kind)]
        empty = f"CAST([] AS {name}[])" if self.duckdb else f"CAST(ARRAY[] AS {name}[])"
        cells = [f"COALESCE(CAST({{{i}}} AS {name}[]), {empty})" for i in range(len(lists))]
        return made(kind, "(" + " || ".join(cells) + ")", *lists)

    def total(self, function: str, values: Sequence[Value]) -> Value:
        """SUM and AVG; NULL when there is nothing to add."""
        if function == "SUM" and not any(is_list(value.kind) for value in values):
            cells = alike(values)
            holes = [f"COALESCE({{{i}}}, 0)" for i in range(len(cells))]
            known = f"COALESCE({', '.join(f'{{{i}}}' for i in range(len(cells)))}) IS NOT NULL"
            digits = cells[0].digits
            if digits is None or sum(digits) + len(cells) > 38:
                cells = [as_double(cell) for cell in cells]
                digits = None
            if digits is not None and sum(digits) + len(cells) > NARROW:
                cells = [widened(cell, digits[0] + len(cells), digits[1]) for cell in cells]
            found = made("number", f"CASE WHEN {known} THEN {' + '.join(holes)} END", *cells)
            return Value(found.sql, "number", (digits[0] + len(cells), digits[1]) if digits else None)
        if not any(is_list(value.kind) for value in values):
            # By the exact sum: doubles that nearly cancel out would leave their rounding behind.
            filled = " + ".join(f"CASE WHEN {{{i}}} IS NULL THEN 0 ELSE 1 END" for i in range(len(values)))
            return divided(
                self.total("SUM", values), Value(made("number", f"({filled})", *values).sql, "number", (4, 0))
            )
        gathered = self.gathered(values)
        if self.duckdb:
            shape = f"LIST_{function}(CAST({{0}} AS FLOAT8[]))"
        else:
            shape = f"(SELECT {function}(_v) FROM UNNEST(CAST({{0}} AS FLOAT8[])) AS _t(_v))"
        return gathered.piece(shape, kind="number")

    def extreme(self, function: str, values: Sequence[Value]) -> Value:
        """MAX and MIN."""
        if not any(is_list(value.kind) for value in values):
            name = "GREATEST" if function == "MAX" else "LEAST"
            cells = alike(values) if values[0].kind == "number" else list(values)
            holes = ", ".join(f"{{{i}}}" for i in range(len(cells)))
            return Value(made(values[0].kind, f"{name}({holes})", *cells).sql, values[0].kind, cells[0].digits)
        gathered = self.gathered(values)
        kind = item_of(gathered.kind)
        name = ("BOOL_OR" if function == "MAX" else "BOOL_AND") if kind == "boolean" else function
        shape = f"LIST_{function}({{0}})" if self.duckdb else f"(SELECT {name}(_v) FROM UNNEST({{0}}) AS _t(_v))"
        found = gathered.piece(shape, kind=kind)
        return as_double(Value(found.piece("CAST({0} AS FLOAT8)").sql, "number")) if kind == "number" else found

    def counted(self, function: str, values: Sequence[Value]) -> Value:
        """COUNT what is not NULL, COUNTA what is not empty either, COUNTALL everything."""
        counts = [self._counted(function, value) for value in values]
        holes = " + ".join(f"{{{i}}}" for i in range(len(counts)))
        return as_decimal(made("number", f"({holes})", *counts), 10, 0)

    def _counted(self, function: str, value: Value) -> Value:
        known = "_v IS NOT NULL"
        if function == "COUNTA" and value.kind in ("text", "text-list"):
            known = "_v IS NOT NULL AND _v <> ''"
        if not is_list(value.kind):
            if function == "COUNTALL":
                return made("number", "1")
            return value.piece(f"CASE WHEN {known.replace('_v ', '{0} ')} THEN 1 ELSE 0 END", kind="number")
        if function == "COUNTALL":
            return value.piece(
                "COALESCE(LEN({0}), 0)" if self.duckdb else "COALESCE(CARDINALITY({0}), 0)", kind="number"
            )
        if self.duckdb:
            return value.piece(f"COALESCE(LEN(LIST_FILTER({{0}}, lambda _v: {known})), 0)", kind="number")
        return value.piece(f"(SELECT COUNT(*) FROM UNNEST({{0}}) AS _t(_v) WHERE {known})", kind="number")


def comma() -> Value:
    return Value(text(", "), "text")
