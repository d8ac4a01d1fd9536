"""Numbers in SQL. Sums, differences and products of whole and decimal numbers are exact while they fit into 38 digits;
beyond that, and after a division, numbers are doubles, which never fail: what leaves ±1e140 is NULL, what comes nearer to
zero than 1e-120 is cut.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from core.formulas.sql import Piece, Value, made

MAX_DIGITS = 38
NARROW = 18
"""Digits of DuckDB's decimals of 64 bits."""
_ROOM = 1e-120
"""Added and taken away: nothing is left of numbers so small that the product of two would be none to a database."""
LARGEST = "1e140"


def number(text: str) -> Value:
    """A number as the formula writes it."""
    value = Decimal(text)
    shown = f"{value:f}"
    whole, _, places = shown.lstrip("-").partition(".")
    digits = (max(len(whole.lstrip("0")), 1), len(places))
    if sum(digits) > MAX_DIGITS:
        return Value(made("number", f"CAST({value:E} AS FLOAT8)").sql, "number", None, float(value))
    return Value(
        made("number", f"CAST({shown} AS DECIMAL({sum(digits)}, {digits[1]}))").sql, "number", digits, float(value)
    )


def exact(value: Value, whole: int, places: int) -> Value:
    """The value as known to have so many digits at most."""
    return Value(value.sql, "number", (whole, places))


def as_decimal(value: Value, whole: int, places: int) -> Value:
    return exact(value.piece(f"CAST({{0}} AS DECIMAL({whole + places}, {places}))"), whole, places)


def widened(value: Value, whole: int, places: int) -> Value:
    """A decimal in a type wider than DuckDB's narrow ones: a result of narrow operands would stay in one, and fail for a row
    where it does not fit."""
    assert value.digits is not None
    return value if sum(value.digits) > NARROW else as_decimal(value, whole, places)


def as_double(value: Value) -> Value:
    """The number as a double."""
    return (
        value if value.digits is None else Value(value.piece("CAST({0} AS FLOAT8)").sql, "number", None, value.constant)
    )


def sure_digits(value: Value, dialect: str, places: int) -> Value:
    """A double by its 15 digits that are sure, as PostgreSQL makes decimals of it. DuckDB's own cast multiplies it first:
    half of 2147483646 would be 1073741823.0000001024."""
    return value.piece(_seen(places) if dialect == "duckdb" else "CAST({0} AS NUMERIC)")


def _seen(places: int) -> str:
    """DuckDB's template of that; NULL for what has more than 38 digits."""
    return f"TRY_CAST(FORMAT('{{{{:.15g}}}}', {{0}}) AS DECIMAL({MAX_DIGITS}, {places}))"


def doubles(values: Sequence[Value]) -> list[Value]:
    return [as_double(value) for value in values]


def bounded(value: Value) -> Value:
    """A double that was just computed, kept away from what the next step could fail with. NULL stays NULL: of it, `greatest`
    makes the lower limit, and `nullif` NULL again."""
    room = repr(_ROOM)
    inside = f"(({{0}} + CAST({room} AS FLOAT8)) - CAST({room} AS FLOAT8))"
    return limited(value.piece(inside), LARGEST)


def limited(value: Value, most: str, type_: str = "FLOAT8") -> Value:
    """NULL from ±`most` on.

    DuckDB binds what stands in NULLIF twice, so that the time to prepare a formula would grow by four with every step that
    is limited; of a list's member it is bound once.
    """
    low, high = f"CAST(-{most} AS {type_})", f"CAST({most} AS {type_})"
    inside = f"LEAST(GREATEST({{0}}, {low}), {high})"
    plain = f"NULLIF(NULLIF({inside}, {high}), {low})"
    once = f"list_transform([{inside}], lambda n: NULLIF(NULLIF(n, {high}), {low}))[1]"
    return Value(Piece(plain, (value.sql,), on_duckdb=once), value.kind)


def alike(values: Sequence[Value]) -> list[Value]:
    """Numbers of one type: decimals if all fit into one, else doubles."""
    shared = _shared([value.digits for value in values])
    if shared is None:
        return doubles(values)
    return [value if value.digits == shared else as_decimal(value, *shared) for value in values]


def _shared(digits: Sequence[tuple[int, int] | None]) -> tuple[int, int] | None:
    known = [each for each in digits if each is not None]
    if len(known) < len(digits) or not known:
        return None
    whole, places = max(w for w, _ in known), max(p for _, p in known)
    return (whole, places) if whole + places <= MAX_DIGITS else None


# ── Operators ──


def negative(value: Value) -> Value:
    return Value(value.piece("(- {0})").sql, "number", value.digits)


def plus(left: Value, right: Value, sign: str = "+") -> Value:
    """A sum or, with `-`, a difference."""
    shared = _shared([left.digits, right.digits])
    if shared is None or sum(shared) >= MAX_DIGITS:
        left, right = doubles((left, right))
        return left.piece(f"({{0}} {sign} {{1}})", right)
    if sum(shared) >= NARROW:
        left = widened(left, shared[0] + 1, shared[1])
    return exact(left.piece(f"({{0}} {sign} {{1}})", right), shared[0] + 1, shared[1])


def minus(left: Value, right: Value) -> Value:
    return plus(left, right, "-")


def times(left: Value, right: Value) -> Value:
    if left.digits and right.digits:
        whole, places = left.digits[0] + right.digits[0], left.digits[1] + right.digits[1]
        if whole + places <= MAX_DIGITS:
            if whole + places > NARROW:
                left = widened(left, NARROW + 1 - left.digits[1], left.digits[1])
            return exact(left.piece("({0} * {1})", right), whole, places)
    left, right = doubles((left, right))
    return bounded(left.piece("({0} * {1})", right))


def divided(left: Value, right: Value) -> Value:
    """F-011, F-013: a division by zero is NULL, and 5 / 2 is 2.5."""
    left, right = doubles((left, right))
    return bounded(left.piece("({0} / NULLIF({1}, 0))", right))


def rest(left: Value, right: Value) -> Value:
    """With the sign of the left side, as SQL's `%` of whole numbers."""
    shared = _shared([left.digits, right.digits])
    if shared is not None:
        return exact(left.piece("({0} % NULLIF({1}, 0))", right), *shared)
    left, right = doubles((left, right))
    return bounded(left.piece("({0} - {1} * TRUNC({0} / NULLIF({1}, 0)))", right))


OPERATORS: dict[str, Callable[[Value, Value], Value]] = {"+": plus, "-": minus, "*": times, "/": divided, "%": rest}


# ── Whole numbers for positions and counts ──


def whole(value: Value, most: int = 1_000_000_000) -> Value:
    """An INTEGER, cut towards zero; NULL from ±`most` on."""
    if value.constant is not None:
        inside = int(value.constant)
        return made("number", f"CAST({inside} AS INTEGER)" if abs(inside) < most else "CAST(NULL AS INTEGER)")
    return limited(as_double(value).piece("TRUNC({0})"), str(most)).piece("CAST({0} AS INTEGER)")


def counted(value: Value) -> Value:
    """What a database counted, as an exact number."""
    return as_decimal(value, 19, 0)


# ── Rounding ──


def rounded(value: Value, places: Value | None, dialect: str, how: str = "half") -> Value:
    """ROUND (halves away from zero), TRUNC (`down`) and ROUNDUP (`up`) to so many places."""
    count = 0 if places is None else places.constant
    if value.digits and count is not None and 0 <= count <= 20:
        return _rounded_exact(value, int(count), how)
    value = as_double(value)
    if count is not None:
        power = f"CAST(1e{max(min(int(count), 30), -30)} AS FLOAT8)"
        return _rounded_double(value, made("number", power), dialect, how)
    assert places is not None
    moved = limited(as_double(places).piece("TRUNC({0})"), "30").piece("POWER(CAST(10 AS FLOAT8), {0})")
    return _rounded_double(value, moved, dialect, how)


def _rounded_exact(value: Value, count: int, how: str) -> Value:
    assert value.digits
    before, behind = value.digits
    if count >= behind:
        return value
    half, unit = f"0.{'0' * count}5", f"0.{'0' * (behind - 1)}1"
    move = {"half": "", "down": f" - SIGN({{0}}) * {half}", "up": f" + SIGN({{0}}) * ({half} - {unit})"}[how]
    template = f"ROUND({{0}}{move}, {count})"
    if before + behind >= NARROW:
        value = widened(value, before + 1, behind)
    digits = min(before + 1, MAX_DIGITS - count)
    return as_decimal(value.piece(template), digits, count)


def _rounded_double(value: Value, power: Value, dialect: str, how: str) -> Value:
    """The number times a power of ten, seen with the 15 digits that are sure: 1.005 × 100 is 100.5."""
    shape = {"half": "ROUND({0})", "down": "TRUNC({0})", "up": "(SIGN({0}) * CEIL(ABS({0})))"}[how]
    moved = value.piece("({0} * {1})", power)
    if dialect == "duckdb":
        shape = shape.replace("{0}", _seen(10))
        found = moved.piece(f"COALESCE(CAST({shape} AS FLOAT8), {{0}})")
    else:
        seen = moved.piece("CAST({0} AS NUMERIC)")
        found = seen.piece(f"CAST({shape} AS FLOAT8)")
    return bounded(found.piece("({0} / {1})", power))


# ── Functions ──


def next_whole(value: Value, function: str) -> Value:
    """CEIL and FLOOR."""
    if value.digits is None:
        return value.piece(f"{function}({{0}})")
    if not value.digits[1]:
        return value
    return as_decimal(value.piece(f"{function}({{0}})"), min(value.digits[0] + 1, MAX_DIGITS), 0)


def absolute(value: Value) -> Value:
    return Value(value.piece("ABS({0})").sql, "number", value.digits)


def sign(value: Value) -> Value:
    return as_decimal(value.piece("SIGN({0})"), 1, 0)


def power(base: Value, exponent: Value) -> Value:
    """NULL where there is no real number, or none that fits."""
    base, exponent = doubles((base, exponent))
    if exponent.constant is not None and exponent.constant in (2, 3):
        return bounded(base.piece(f"({' * '.join(['{0}'] * int(exponent.constant))})"))
    template = (
        "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL WHEN {1} = 0 THEN 1 WHEN {0} = 0 AND {1} > 0 THEN 0 WHEN {0} = 0 "
        "OR ({0} < 0 AND {1} <> FLOOR({1})) THEN NULL WHEN {1} * LN(ABS({0})) > 322 THEN NULL "
        "WHEN {1} * LN(ABS({0})) < -275 THEN 0 ELSE POWER({0}, {1}) END"
    )
    return bounded(base.piece(f"CAST({template} AS FLOAT8)", exponent))


def root(value: Value) -> Value:
    return as_double(value).piece("CASE WHEN {0} >= 0 THEN SQRT({0}) END")


def exponential(value: Value) -> Value:
    return bounded(
        as_double(value).piece("CAST(CASE WHEN {0} < -275 THEN 0 WHEN {0} < 322 THEN EXP({0}) END AS FLOAT8)")
    )


def natural_logarithm(value: Value) -> Value:
    return as_double(value).piece("CASE WHEN {0} > 0 THEN LN({0}) END")


def logarithm(base: Value | None, value: Value) -> Value:
    if base is None:
        return as_double(value).piece("CASE WHEN {0} > 0 THEN LOG({0}) END")
    return divided(natural_logarithm(value), natural_logarithm(base))


def even(value: Value, dialect: str) -> Value:
    return times(rounded(divided(value, number("2")), None, dialect, "up"), number("2"))


def odd(value: Value) -> Value:
    return as_double(value).piece("((CASE WHEN {0} < 0 THEN -1 ELSE 1 END) * (2 * CEIL((ABS({0}) + 1) / 2) - 1))")
