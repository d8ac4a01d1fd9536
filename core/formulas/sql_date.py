"""Dates, times and intervals in SQL. An instant becomes a day or an hour in the formula's zone; what leaves the years 1 to
9999 is NULL."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from core.formulas.pattern import Piece, Reading
from core.formulas.sql import Value, joined, made, text
from core.formulas.sql_number import as_double, divided, exact, limited, minus, number, rounded, whole
from core.formulas.sql_text import Texts
from core.formulas.tree import Span

MAX_DAYS = 4_000_000
"""What may be added to a date at once."""
_DAY = ("CAST('0001-01-01' AS DATE)", "CAST('10000-01-01' AS DATE)")
_INSTANT = ("CAST('0001-01-01 00:00:00+00' AS TIMESTAMPTZ)", "CAST('9999-12-31 00:00:00+00' AS TIMESTAMPTZ)")

_ISO = r"^\s*(\d{4})-(\d{2})-(\d{2})"
_CLOCK = r"(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?"
_OFFSET = r"(Z|[+-]\d{2}(?::?\d{2})?)"
_ISO_DATE = rf"{_ISO}\s*$"
_ISO_INSTANT = rf"{_ISO}(?:[ T]{_CLOCK}\s?{_OFFSET}?)?\s*$"
_TIME = r"^\s*([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?\s*$"


def _inside(template: str, limits: tuple[str, str]) -> str:
    low, high = limits
    return f"NULLIF(NULLIF(LEAST(GREATEST({template}, {low}), {high}), {high}), {low})"


@dataclass(frozen=True)
class Dates:
    """`now` None: the database's clock."""

    dialect: str
    zone: str
    now: datetime | None
    texts: Texts

    @property
    def duckdb(self) -> bool:
        return self.dialect == "duckdb"

    # ── Constants ──

    def moment(self) -> Value:
        if self.now is None:
            return made("timestamp", "CURRENT_TIMESTAMP")
        return made(
            "timestamp", "CAST({0} AS TIMESTAMPTZ)", text(self.now.astimezone(UTC).isoformat(" ", "milliseconds"))
        )

    def today(self) -> Value:
        return self.to_date(self.moment())

    def time_of_day(self) -> Value:
        return self.local(self.moment()).piece("CAST({0} AS TIME)", kind="time")

    def written(self, value: str, kind: str) -> Value:
        """A date, time or instant that the formula writes as a text; the checker has read it."""
        value = value.strip()
        if kind == "date":
            return made("date", "CAST({0} AS DATE)", text(date.fromisoformat(value).isoformat()))
        if kind == "time":
            return made("time", "CAST({0} AS TIME)", text(time.fromisoformat(value).isoformat()))
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            return self.instant(made("timestamp", "CAST({0} AS TIMESTAMP)", text(moment.isoformat(" "))))
        return self.bounded(made("timestamp", "CAST({0} AS TIMESTAMPTZ)", text(moment.isoformat(" "))))

    def interval(self, span: Span) -> Value:
        shown = f"{span.months:d} months {span.days:d} days {span.seconds:.6f} seconds"
        return made("interval", "CAST({0} AS INTERVAL)", text(shown))

    # ── Turning one into the other ──

    def bounded(self, value: Value) -> Value:
        """Within the calendar that clients know."""
        return value.piece(_inside("{0}", _DAY if value.kind == "date" else _INSTANT))

    def local(self, value: Value) -> Value:
        """A date or instant as the clock on the wall shows it (TIMESTAMP)."""
        if value.kind == "date":
            return value.piece("CAST({0} AS TIMESTAMP)")
        return value.piece("TIMEZONE({1}, {0})", text(self.zone))

    def instant(self, local: Value) -> Value:
        """The moment at which the clock on the wall shows that."""
        template = _inside("TIMEZONE({1}, {0})", _INSTANT)
        return local.piece(template, text(self.zone), kind="timestamp")

    def to_instant(self, value: Value) -> Value:
        return self.instant(self.local(value)) if value.kind == "date" else value

    def to_date(self, value: Value) -> Value:
        return value if value.kind == "date" else self.local(value).piece("CAST({0} AS DATE)", kind="date")

    def to_time(self, value: Value) -> Value:
        return self.local(value).piece("CAST({0} AS TIME)", kind="time")

    def to_text(self, value: Value) -> Value:
        """F-012: ISO forms, instants in UTC."""
        if value.kind == "time":
            return value.piece("LEFT(CAST({0} AS VARCHAR), 8)", kind="text")
        if value.kind == "date":
            shape = "CAST({0} AS VARCHAR)" if self.duckdb else "TO_CHAR({0}, 'YYYY-MM-DD')"
            return value.piece(shape, kind="text")
        if self.duckdb:
            return value.piece("STRFTIME(TIMEZONE('UTC', {0}), '%Y-%m-%dT%H:%M:%SZ')", kind="text")
        return value.piece("TO_CHAR(TIMEZONE('UTC', {0}), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')", kind="text")

    def read_date(self, value: Value) -> Value:
        """NULL for what is no day of the calendar."""
        day = value if self.duckdb else self._parts(value, _ISO_DATE, _MAKE_DATE)
        if self.duckdb:
            day = value.piece(
                f"CASE WHEN {self.texts.matches()} THEN TRY_CAST(TRIM({{0}}) AS DATE) END", text(_ISO_DATE)
            )
        return self.bounded(Value(day.sql, "date"))

    def read_time(self, value: Value) -> Value:
        cast = "TRY_CAST(TRIM({0}) AS TIME)" if self.duckdb else "CAST({0} AS TIME)"
        return value.piece(f"CASE WHEN {self.texts.matches()} THEN {cast} END", text(_TIME), kind="time")

    def read_instant(self, value: Value) -> Value:
        """An ISO text; without an offset it is read in the formula's zone."""
        if self.duckdb:
            template = (
                f"CASE WHEN {self.texts.matches()} THEN CASE WHEN REGEXP_MATCHES({{0}}, {{2}}) "
                "THEN TRY_CAST(TRIM({0}) AS TIMESTAMPTZ) ELSE TIMEZONE({3}, TRY_CAST(TRIM({0}) AS TIMESTAMP)) END END"
            )
            parts = (text(_ISO_INSTANT), text(rf":\d\d(\.\d+)?\s?{_OFFSET}\s*$"), text(self.zone))
            return self.bounded(value.piece(template, *parts, kind="timestamp"))
        return self.bounded(self._parts(value, _ISO_INSTANT, _MAKE_INSTANT, text(self.zone), kind="timestamp"))

    def _parts(self, value: Value, regex: str, template: str, *others: object, kind: str = "date") -> Value:
        """PostgreSQL has no cast that answers NULL: take the text apart, look at the numbers, put them together."""
        found = value.piece(template, text(regex), *others)  # type: ignore[arg-type]
        return Value(found.sql, kind)  # type: ignore[arg-type]

    def read_pattern(self, value: Value, reading: Reading, kind: str) -> Value:
        """TO_DATE and its kin: the text is brought to the ISO form, and read as that."""
        at = reading.places

        def group(name: str, width: int = 2, missing: str = "0") -> str:
            place = at.get(name)
            return (
                f"LPAD(REGEXP_REPLACE({{0}}, {{1}}, '\\{place}'), {width}, '0')" if place else f"'{missing:0>{width}}'"
            )

        iso = f"{group('YYYY', 4)} || '-' || {group('MM', 2, '1')} || '-' || {group('DD', 2, '1')}"
        if kind == "timestamp":
            iso += f" || ' ' || {group('HH24')} || ':' || {group('MI')} || ':' || {group('SS')}"
        found = value.piece(f"CASE WHEN {self.texts.matches()} THEN {iso} END", text(reading.regex), kind="text")
        return self.read_date(found) if kind == "date" else self.read_instant(found)

    def of_epoch(self, value: Value) -> Value:
        """Seconds since 1970."""
        seconds = limited(as_double(value), "3e11")
        made_ = seconds.piece("TO_TIMESTAMP({0})", kind="timestamp")
        return self.bounded(made_)

    # ── Moving ──

    def moved(self, value: Value, interval: Value, sign: str, kind: str) -> Value:
        """A date or instant and an interval; days and months are those of the zone's calendar."""
        if value.kind == "time":
            return value.piece(f"({{0}} {sign} {{1}})", interval)
        there = self.local(value).piece(f"({{0}} {sign} {{1}})", self.fitting(interval))
        if kind == "date":
            return self.bounded(there.piece("CAST({0} AS DATE)", kind="date"))
        return self.instant(there)

    def fitting(self, interval: Value) -> Value:
        """No longer than the calendar."""
        longest = "CAST('10000 years' AS INTERVAL)"
        return interval.piece(_inside("{0}", ("CAST('-10000 years' AS INTERVAL)", longest)))

    def shifted(self, value: Value, days: Value, sign: str) -> Value:
        """A date and a number of days."""
        return self.bounded(value.piece(f"({{0}} {sign} {{1}})", whole(days, MAX_DAYS)))

    def days_between(self, later: Value, earlier: Value) -> Value:
        return exact(later.piece("CAST(({0} - {1}) AS DECIMAL(10, 0))", earlier), 10, 0)

    def units(self, count: Value, unit: str) -> Value:
        """So many units as an interval."""
        months = {"month": 1, "quarter": 3, "year": 12}.get(unit)
        size = {"second": "1 second", "minute": "1 minute", "hour": "1 hour", "day": "1 day", "week": "7 days"}.get(
            unit
        )
        one = f"{months} months" if months else size
        return whole(count, 1_000_000).piece(f"({{0}} * CAST('{one}' AS INTERVAL))", kind="interval")

    def multiplied(self, interval: Value, count: Value) -> Value:
        return self.fitting(interval).piece("({0} * {1})", whole(count, 500))

    def between(self, later: Value, earlier: Value) -> Value:
        """The interval between two instants or times."""
        if later.kind == "time":
            base = "CAST('2000-01-01' AS DATE)"
            return later.piece(f"(({base} + {{0}}) - ({base} + {{1}}))", earlier, kind="interval")
        return later.piece("({0} - {1})", earlier, kind="interval")

    def age(self, later: Value, earlier: Value) -> Value:
        return self.local(later).piece("AGE({0}, {1})", self.local(earlier), kind="interval")

    # ── Parts and units ──

    def part(self, name: str, value: Value) -> Value:
        """EXTRACT. Seconds are whole."""
        name = {"isoweek": "week"}.get(name, name)
        if value.kind == "interval":
            if name not in ("year", "month", "day", "hour", "minute", "second", "epoch", "quarter"):
                return Value(made("number", "CAST(NULL AS DECIMAL(19, 0))").sql, "number", (19, 0))
            return self._dated(name, value)
        if value.kind == "time":
            if name not in ("hour", "minute", "second", "epoch"):
                return Value(made("number", "CAST(NULL AS DECIMAL(19, 0))").sql, "number", (19, 0))
            return self._dated(name, value)
        if name == "epoch":
            return self._dated("epoch", self.to_instant(value))
        local = self.local(value)
        if name == "timezone":
            return minus(self._dated("epoch", local), self._dated("epoch", self.to_instant(value)))
        if name == "julian":
            return as_double(self._dated("epoch", local)).piece("({0} / 86400 + 2440588)")
        return self._dated(name, local)

    def _dated(self, name: str, value: Value) -> Value:
        found = value.piece(f"CAST(FLOOR(DATE_PART('{name}', {{0}})) AS DECIMAL(19, 0))", kind="number")
        return exact(found, 19, 0)

    def truncated(self, unit: str, value: Value) -> Value:
        begun = self.local(value).piece(f"DATE_TRUNC('{unit}', {{0}})")
        return begun.piece("CAST({0} AS DATE)", kind="date") if value.kind == "date" else self.instant(begun)

    def borders(self, unit: str, first: Value, last: Value) -> Value:
        """DATE_DIFF: how many beginnings of the unit lie between."""
        if unit in ("hour", "minute", "second"):
            size = {"hour": 3600, "minute": 60, "second": 1}[unit]
            ends = [self.part("epoch", value).piece(f"FLOOR({{0}} / {size})") for value in (last, first)]
            return exact(ends[0].piece("CAST(({0} - {1}) AS DECIMAL(19, 0))", ends[1]), 19, 0)
        if unit in ("day", "week"):
            days = [self.to_date(v if unit == "day" else self.truncated("week", v)) for v in (last, first)]
            between = self.days_between(*days)
            return between if unit == "day" else rounded(divided(between, number("7")), None, self.dialect)
        counts = [self._count(unit, self.local(value)) for value in (last, first)]
        return minus(*counts)

    def _count(self, unit: str, local: Value) -> Value:
        """Years, quarters or months since the year 0."""
        per_year = {"year": 1, "quarter": 4, "month": 12}[unit]
        name = {"year": "", "quarter": "QUARTER", "month": "MONTH"}[unit]
        more = f" + DATE_PART('{unit}', {{0}})" if name else ""
        found = local.piece(f"CAST((DATE_PART('year', {{0}}) * {per_year}{more}) AS DECIMAL(10, 0))", kind="number")
        return exact(found, 10, 0)

    def whole_units(self, unit: str, later: Value, earlier: Value) -> Value:
        """DATETIME_DIFF: how many whole units have passed."""
        if unit in ("month", "quarter", "year"):
            size = {"month": 1, "quarter": 3, "year": 12}[unit]
            months = "TRUNC((DATE_PART('year', {0}) * 12 + DATE_PART('month', {0})) / CAST(%d AS FLOAT8))" % size  # noqa: UP031
            return exact(self.age(later, earlier).piece(f"CAST({months} AS DECIMAL(10, 0))", kind="number"), 10, 0)
        size = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}[unit]
        if unit in ("day", "week"):
            ends = [self._dated("epoch", self.local(value)) for value in (later, earlier)]
        else:
            ends = [self.part("epoch", value) for value in (later, earlier)]
        return rounded(divided(minus(*ends), number(str(size))), None, self.dialect, "down")

    # ── Patterns ──

    def by_pattern(self, value: Value, pieces: tuple[Piece, ...]) -> Value:
        """TO_CHAR: neighbouring codes that both databases write alike go in one call."""
        local = value.piece("(CAST('2000-01-01' AS DATE) + {0})") if value.kind == "time" else self.local(value)
        known = _STRFTIME if self.duckdb else _TO_CHAR
        parts: list[Value] = []
        run = ""
        for piece in pieces:
            if not piece.code:
                run += piece.text.replace("%", "%%") if self.duckdb else _quoted(piece.text)
            elif piece.code in known:
                run += known[piece.code]
            else:
                parts += [self._written(local, run)] if run else []
                parts.append(local.piece(_SPECIAL[piece.code], kind="text"))
                run = ""
        parts += [self._written(local, run)] if run else []
        if not parts:
            return local.piece("CASE WHEN {0} IS NOT NULL THEN '' END", kind="text")
        return Value(joined([part.sql for part in parts], " || "), "text")

    def _written(self, local: Value, form: str) -> Value:
        return local.piece("STRFTIME({0}, {1})" if self.duckdb else "TO_CHAR({0}, {1})", text(form), kind="text")


def _quoted(literal: str) -> str:
    """A literal text in a pattern of PostgreSQL."""
    escaped = literal.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if literal else ""


_STRFTIME = {
    "YYYY": "%Y", "YY": "%y", "MM": "%m", "M": "%-m", "Mon": "%b", "Month": "%B", "DD": "%d", "D": "%-d", "DDD": "%j",
    "Dy": "%a", "Day": "%A", "ID": "%u", "HH24": "%H", "H": "%-H", "HH12": "%I", "h": "%-I", "MI": "%M", "m": "%-M",
    "SS": "%S", "s": "%-S", "MS": "%g", "US": "%f", "AM": "%p", "IW": "%V", "IYYY": "%G",
}  # fmt: skip
_TO_CHAR = {
    "YYYY": "YYYY", "YY": "YY", "MM": "MM", "M": "FMMM", "MON": "MON", "Mon": "Mon", "mon": "mon", "MONTH": "FMMONTH",
    "Month": "FMMonth", "month": "FMmonth", "DD": "DD", "D": "FMDD", "DDD": "DDD", "DY": "DY", "Dy": "Dy", "dy": "dy",
    "DAY": "FMDAY", "Day": "FMDay", "day": "FMday", "ID": "ID", "HH24": "HH24", "H": "FMHH24", "HH12": "HH12",
    "h": "FMHH12", "MI": "MI", "m": "FMMI", "SS": "SS", "s": "FMSS", "MS": "MS", "US": "US", "AM": "AM", "am": "am",
    "Q": "Q", "WW": "WW", "IW": "IW", "IYYY": "IYYY",
}  # fmt: skip
_SPECIAL = {
    "MON": "UPPER(STRFTIME({0}, '%b'))", "mon": "LOWER(STRFTIME({0}, '%b'))", "MONTH": "UPPER(STRFTIME({0}, '%B'))",
    "month": "LOWER(STRFTIME({0}, '%B'))", "DY": "UPPER(STRFTIME({0}, '%a'))", "dy": "LOWER(STRFTIME({0}, '%a'))",
    "DAY": "UPPER(STRFTIME({0}, '%A'))", "day": "LOWER(STRFTIME({0}, '%A'))", "am": "LOWER(STRFTIME({0}, '%p'))",
    "Q": "CAST(DATE_PART('quarter', {0}) AS VARCHAR)",
    "WW": "LPAD(CAST((DATE_PART('doy', {0}) - 1) // 7 + 1 AS VARCHAR), 2, '0')",
}  # fmt: skip
"""What DuckDB's STRFTIME has no code for."""

_DAY_FITS = (
    "_p[1] <> '0000' AND CAST(_p[2] AS INTEGER) BETWEEN 1 AND 12 AND CAST(_p[3] AS INTEGER) >= 1 AND CAST(_p[3] AS INTEGER) "
    "<= DATE_PART('day', MAKE_DATE(CAST(_p[1] AS INTEGER), CAST(_p[2] AS INTEGER), 1) + CAST('1 month -1 day' AS INTERVAL))"
)
_MAKE_DATE = (
    "(SELECT CASE WHEN _p[1] <> '0000' AND CAST(_p[2] AS INTEGER) BETWEEN 1 AND 12 THEN CASE WHEN "
    f"{_DAY_FITS} THEN MAKE_DATE(CAST(_p[1] AS INTEGER), CAST(_p[2] AS INTEGER), CAST(_p[3] AS INTEGER)) END END "
    "FROM REGEXP_MATCH({0}, {1}) AS _m(_p))"
)
_LOCAL = (
    "MAKE_TIMESTAMP(CAST(_p[1] AS INTEGER), CAST(_p[2] AS INTEGER), CAST(_p[3] AS INTEGER), "
    "COALESCE(CAST(_p[4] AS INTEGER), 0), COALESCE(CAST(_p[5] AS INTEGER), 0), "
    "CAST(COALESCE(_p[6], '0') || '.' || COALESCE(_p[7], '0') AS FLOAT8))"
)
_SHIFT = (
    "CASE WHEN _p[8] = 'Z' THEN CAST('0 seconds' AS INTERVAL) ELSE (CASE WHEN LEFT(_p[8], 1) = '-' THEN -1 ELSE 1 END) * "
    "(CAST(SUBSTR(_p[8], 2, 2) AS INTEGER) * CAST('1 hour' AS INTERVAL) + "
    "CAST('0' || RIGHT(SUBSTR(REPLACE(_p[8], ':', ''), 4), 2) AS INTEGER) * CAST('1 minute' AS INTERVAL)) END"
)
_MAKE_INSTANT = (
    "(SELECT CASE WHEN _p[1] <> '0000' AND CAST(_p[2] AS INTEGER) BETWEEN 1 AND 12 THEN CASE WHEN "
    f"{_DAY_FITS} AND COALESCE(CAST(_p[4] AS INTEGER), 0) < 24 AND COALESCE(CAST(_p[5] AS INTEGER), 0) < 60 "
    "AND COALESCE(CAST(_p[6] AS INTEGER), 0) < 60 THEN CASE WHEN _p[8] IS NULL "
    f"THEN TIMEZONE({{2}}, {_LOCAL}) ELSE TIMEZONE('UTC', {_LOCAL} - ({_SHIFT})) END END END "
    "FROM REGEXP_MATCH({0}, {1}) AS _m(_p))"
)
