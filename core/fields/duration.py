"""Duration fields: a length of time in whole seconds, so that it sorts, sums and compares like the number it is."""

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any, Literal

from core.fields.base import Format, ValueProblem
from core.fields.column import ColumnType
from core.fields.number import NumberField, decimal_of
from core.schema.model import FieldOptions
from core.schema.shape import show
from core.sentence import say

_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600}
_CLOCK = re.compile(r"([0-9]{1,9}):([0-5]?[0-9])(?::([0-5]?[0-9]))?")
LETTERS: Mapping[str, tuple[str, str, str, str]] = {
    "en": ("d", "h", "m", "s"),
    "de": ("T", "Std", "Min", "Sek"),
    "es": ("d", "h", "min", "s"),
    "fr": ("j", "h", "min", "s"),
    "it": ("g", "h", "min", "s"),
    "nl": ("d", "u", "min", "s"),
    "pt": ("d", "h", "min", "s"),
}
"""Days, hours, minutes, seconds, by the language of an app (R-092). All of them are read, whatever the app's is."""
_WORDS = re.compile(
    r"(?:([0-9]{1,9}) ?(?:d(?:ays?)?|[jtg]))? ?(?:([0-9]{1,9}) ?(?:h(?:ours?|rs?)?|u|std))? ?"
    r"(?:([0-9]{1,9}) ?m(?:in(?:ute)?s?)?)? ?(?:([0-9]{1,9}) ?s(?:ec(?:ond)?s?|ek)?)?",
    re.IGNORECASE,
)
_ISO = re.compile(
    r"P(?:([0-9]{1,9})D)?(?:T(?=[0-9])(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?", re.IGNORECASE
)
_LIMIT = 10**12
"""About 31,000 years; sums of a million rows still fit."""


class DurationOptions(FieldOptions):
    display_format: Literal["h:mm", "h:mm:ss", "decimal", "human", "days", "compact"] = "h:mm"
    format: Literal["seconds", "minutes", "hours"] = "seconds"
    allow_negative: bool = False


class DurationField(NumberField[int]):
    """A length of time. `2h 30m`, `2:30`, `PT2H30M` and 9000 are the same (T-075).

    A JSON number is always seconds, as the API answers it; a number written as text is in the unit of `format`.
    """

    name = "duration"
    editor = "duration"
    Options = DurationOptions
    letters = LETTERS["en"]
    """Of the units, in the app's language."""

    def info(self) -> Mapping[str, Any]:
        """With the letters, where they are not the English ones."""
        found = super().info()
        return found if self.letters == LETTERS["en"] else {**found, "letters": list(self.letters)}

    def column(self) -> ColumnType:
        return ColumnType("bigint")

    def accept(self, raw: Any) -> int | None:
        if raw is None:
            return None
        seconds = self._parse(raw)
        if seconds != seconds.to_integral_value():
            raise ValueProblem("duration.not-whole", say("{value} is not a whole number of seconds", value=show(raw)))
        if abs(seconds) > _LIMIT:
            raise ValueProblem("duration.out-of-range", say("{value} is too long", value=show(raw)))
        if seconds < 0 and not self.options.allow_negative:
            raise ValueProblem(
                "duration.negative", say("{value} is negative; a duration is 0 or more", value=show(raw))
            )
        return int(seconds)

    def accept_json(self, raw: Any) -> int | None:
        """Its text has forms of its own, which are no mistaken number (T-075)."""
        return self.accept(raw)

    def _parse(self, raw: Any) -> Decimal:
        if isinstance(raw, timedelta):
            return Decimal(raw.days * 86400 + raw.seconds) + Decimal(raw.microseconds) / 1_000_000
        if not isinstance(raw, str):
            return _in_reach(decimal_of(raw))
        text = " ".join(raw.split())
        sign = -1 if text.startswith("-") else 1
        text = text.lstrip("+-").strip() if text[:1] in "+-" else text
        clock = _CLOCK.fullmatch(text)
        if clock:
            hours, minutes, seconds = (int(part or 0) for part in clock.groups())
            return Decimal(sign * (hours * 3600 + minutes * 60 + seconds))
        named = _ISO.fullmatch(text) or _WORDS.fullmatch(text)
        if named and any(named.groups()):
            days, hours, minutes, seconds = (int(part or 0) for part in named.groups())
            return Decimal(sign * (days * 86400 + hours * 3600 + minutes * 60 + seconds))
        try:
            return sign * _in_reach(decimal_of(text)) * _UNITS[self.options.format]
        except ValueProblem:
            message = say(
                "{value} is not a duration such as 2:30, 2h 30m, PT2H30M or a number of {unit}",
                value=show(raw),
                unit=say(self.options.format),
            )
            raise ValueProblem("duration.malformed", message) from None

    def to_text(self, value: int | None) -> str:
        return "" if value is None else _clock(value, with_seconds=True)

    def present(self, value: int | None, how: Format) -> str:
        """R-092"""
        if value is None:
            return ""
        match self.options.display_format:
            case "h:mm":
                return _clock(value, with_seconds=False)
            case "h:mm:ss":
                return _clock(value, with_seconds=True)
            case "decimal":
                hours = f"{Decimal(value) / 3600:.2f}".rstrip("0")
                return hours + "0" if hours.endswith(".") else hours
            case "days":
                return self._named(value, " ", with_days=True)
            case "compact":
                return self._named(value, "", with_days=False)
            case _:
                return self._named(value, " ", with_days=False)

    def _named(self, value: int, gap: str, *, with_days: bool) -> str:
        minutes, seconds = divmod(abs(value), 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24) if with_days else (0, hours)
        counts = zip((days, hours, minutes, seconds), self.letters, strict=True)
        parts = [f"{count}{letter}" for count, letter in counts if count]
        return ("-" if value < 0 else "") + (gap.join(parts) or f"0{self.letters[2]}")

    def beside(self, value: int, how: Format) -> Mapping[str, Any]:
        return {"iso": self.iso(value)}

    def iso(self, value: int) -> str:
        """`PT2H30M`, the exact form of `format=display`."""
        minutes, seconds = divmod(abs(value), 60)
        hours, minutes = divmod(minutes, 60)
        parts = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if count)
        return ("-" if value < 0 else "") + "PT" + (parts or "0S")

    def example(self, rng: Random) -> int:
        return rng.randint(0, 600) * 60


def _in_reach(value: Decimal) -> Decimal:
    if value and value.adjusted() > 30:
        raise ValueProblem("duration.out-of-range", "The duration is too long")
    return value


def _clock(value: int, *, with_seconds: bool) -> str:
    minutes, seconds = divmod(abs(value), 60)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if value < 0 else ""
    return f"{sign}{hours}:{minutes:02d}" + (f":{seconds:02d}" if with_seconds else "")


def letters_of(languages: Any) -> tuple[str, str, str, str]:
    """The letters of an app's `languages`: of its default one (`fr-CA` is `fr`), the English ones where we have none."""
    default = languages.get("default") if isinstance(languages, Mapping) else None
    code = default.partition("-")[0].lower() if isinstance(default, str) else "en"
    return LETTERS.get(code, LETTERS["en"])
