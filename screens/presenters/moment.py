"""Days, instants and durations as people type them: `today`, `+3d`, `monday`, `2h 30m`, and every usual written form."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from screens.services.text import t

STEP = re.compile(r"([+-])\s*(\d{1,5})\s*([a-z]*)")
UNITS = {"d": 1, "j": 1, "w": 7, "s": 7}


def zone_of(name: str | None) -> tzinfo:
    """The zone of a field's `timeZone`; the machine's for `local`, none, or one that it does not know."""
    if name and name != "local":
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            pass
    return datetime.now().astimezone().tzinfo or UTC


def parse_day(text: str, today: date) -> date:
    """A calendar day. Raises ValueError."""
    word = text.strip().lower()
    if (offset := _named_day(word, today)) is not None:
        return offset
    if step := STEP.fullmatch(word):
        return _stepped(today, int(step[1] + step[2]), step[3])
    if match := re.fullmatch(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", word):
        return date(int(match[1]), int(match[2]), int(match[3]))
    if match := re.fullmatch(r"(\d{4})(\d{2})(\d{2})", word):
        return date(int(match[1]), int(match[2]), int(match[3]))
    if match := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})?", word):
        return date(int(match[3] or today.year), int(match[2]), int(match[1]))
    if match := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", word):
        return _slashed(int(match[1]), int(match[2]), int(match[3]))
    raise ValueError(text)


def _slashed(first: int, second: int, year: int) -> date:
    """`3/4/2026`: the language decides which is the month, unless only one can be."""
    day_first = first > 12 or (second <= 12 and t("value.day_first") == "yes")
    return date(year, second, first) if day_first else date(year, first, second)


def _named_day(word: str, today: date) -> date | None:
    for key, offset in (("today", 0), ("tomorrow", 1), ("yesterday", -1)):
        if word in (key, *t(f"value.words.{key}").split()):
            return today + timedelta(days=offset)
    english = "monday tuesday wednesday thursday friday saturday sunday".split()
    for names in (english, t("value.words.weekdays").split()):
        for number, name in enumerate(names):
            if len(word) >= 3 and name.startswith(word):
                return today + timedelta(days=(number - today.weekday()) % 7)
    return None


def _stepped(day: date, count: int, unit: str) -> date:
    try:
        if unit in ("", "d", "j", "w", "s"):
            return day + timedelta(days=count * UNITS.get(unit, 1))
        if unit in ("m", "mo", "y", "a"):
            months = day.year * 12 + day.month - 1 + count * (12 if unit in ("y", "a") else 1)
            year, month = divmod(months, 12)
            last = (date(year + month // 11, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
            return date(year, month + 1, min(day.day, last))
    except (OverflowError, ValueError) as error:
        raise ValueError(unit) from error
    raise ValueError(unit)


def parse_time(text: str) -> time:
    """`9:5`, `09:05:30`, `9h30`, `930`, `9 pm`. Raises ValueError."""
    match = re.fullmatch(r"(\d{1,2})(?:[:h](\d{1,2}))?(?:[:m](\d{1,2}))?h?\s*([ap]m)?", text.strip().lower())
    if match is None and (short := re.fullmatch(r"(\d{1,2})(\d{2})", text.strip())):
        return time(int(short[1]), int(short[2]))
    if match is None:
        raise ValueError(text)
    hour = int(match[1])
    if match[4]:
        if not 1 <= hour <= 12:
            raise ValueError(text)
        hour = hour % 12 + (12 if match[4] == "pm" else 0)
    return time(hour, int(match[2] or 0), int(match[3] or 0))


def parse_instant(text: str, now: datetime, zone: tzinfo) -> datetime:
    """An aware instant; a wall time is read in `zone`. A day alone is its midnight. Raises ValueError."""
    word = text.strip()
    if word.lower() in ("now", "n", *t("value.words.now").split()):
        return now.replace(microsecond=0)
    if re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", word):
        try:
            found = datetime.fromisoformat(word.replace("Z", "+00:00"))
        except ValueError:
            pass
        else:
            return found if found.tzinfo else found.replace(tzinfo=zone)
    here = now.astimezone(zone)
    if step := re.fullmatch(r"([+-])\s*(\d{1,5})\s*(h|min)", word.lower()):
        unit = timedelta(hours=1) if step[3] == "h" else timedelta(minutes=1)
        return (here + int(step[1] + step[2]) * unit).replace(second=0, microsecond=0)
    day_text, _, time_text = word.partition(" ")
    try:
        day = parse_day(day_text, here.date())
        clock = parse_time(time_text) if time_text.strip() else time(0)
    except ValueError:
        day, clock = here.date(), parse_time(word)
    return datetime.combine(day, clock, zone)


def parse_duration(text: str, unit: str = "seconds") -> int:
    """Seconds from `2h 30m`, `2:30`, `1:02:03`, `PT2H30M`, `1d 2h`; a bare number counts `unit`. Raises ValueError."""
    word = text.strip().lower().replace(",", ".")
    if match := re.fullmatch(r"(-?)(\d+):([0-5]?\d)(?::([0-5]?\d))?", word):
        seconds = int(match[2]) * 3600 + int(match[3]) * 60 + int(match[4] or 0)
        return -seconds if match[1] else seconds
    if re.fullmatch(r"-?\d+(\.\d+)?", word):
        return round(float(word) * {"seconds": 1, "minutes": 60, "hours": 3600}.get(unit, 1))
    sizes = {**dict.fromkeys("djtg", 86400), "h": 3600, "u": 3600, "std": 3600, "m": 60, "min": 60, "s": 1}
    body = re.fullmatch(r"p?((?:\d+d)?)t?(.*)", word) if word.startswith("p") else None
    word = f"{body[1]} {body[2]}" if body else word
    part = r"(\d+(?:\.\d+)?)\s*(std|min|[djtghums])[a-z]*"
    parts = re.findall(part, word)
    rest = re.sub(part, "", word).strip()
    if not parts or rest:
        raise ValueError(text)
    return round(sum(float(number) * sizes[size] for number, size in parts))


def duration_text(seconds: float, display: str = "h:mm") -> str:
    """`2:30`, `2:30:15` where there are seconds to show, `2.5` for `decimal`."""
    sign, whole = ("-" if seconds < 0 else ""), abs(int(seconds))
    if display == "decimal":
        return f"{sign}{whole / 3600:.10g}h"
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    tail = f":{left:02d}" if left or display == "h:mm:ss" else ""
    return f"{sign}{hours}:{minutes:02d}{tail}"
