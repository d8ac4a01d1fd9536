"""What the Analytics screen shows: a span of days, how it is divided, figures with what they were before, shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from core.contract.analytics import (
    Campaign,
    Campaigns,
    Devices,
    Granularity,
    Referrers,
    Share,
    TrafficOverview,
    TrafficPoint,
    TrafficSummary,
    VisitedPages,
)
from screens.presenters.format.line import one_line
from screens.presenters.refusal import Refusal
from screens.services.number import grouped
from screens.services.text import t

RANGES: dict[str, int] = {"today": 1, "week": 7, "month": 30, "quarter": 90}
"""Days of each."""
FIRST, LAST = date(2000, 1, 1), date(2999, 12, 31)
"""Days that may be looked at: from here nobody gets to where days end."""
UNITS: tuple[Granularity, ...] = ("hour", "day", "week", "month")
Measure = Literal["pageViews", "uniqueVisitors", "sessions"]
MEASURES: tuple[Measure, ...] = ("pageViews", "uniqueVisitors", "sessions")
Kind = Literal["deviceTypes", "browsers", "operatingSystems", "languages"]
KINDS: tuple[Kind, ...] = ("deviceTypes", "browsers", "operatingSystems", "languages")
TILES = ("pageViews", "uniqueVisitors", "sessions", "avgSessionDuration", "bounceRate")


@dataclass(frozen=True, slots=True)
class Span:
    """Days of UTC, both ends included."""

    since: date
    until: date

    @classmethod
    def latest(cls, days: int, today: date) -> Span:
        return cls(today - timedelta(days=days - 1), today)

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def unit(self) -> Granularity:
        """In what it is best divided."""
        return "hour" if self.days <= 2 else "day" if self.days <= 92 else "week" if self.days <= 400 else "month"

    def moved(self, spans: int) -> Span:
        """As long, so many spans later."""
        step = timedelta(days=self.days * spans)
        return Span(self.since + step, self.until + step)

    def text(self) -> str:
        return self.since.isoformat() if self.days == 1 else f"{self.since} – {self.until}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Everything that is known of a span; `before` is the overview of the span before it."""

    overview: TrafficOverview
    before: TrafficOverview
    pages: VisitedPages
    referrers: Referrers
    devices: Devices
    campaigns: Campaigns


@dataclass(frozen=True, slots=True)
class Ranked:
    """A line of a list: what, how often, and which share of the largest that is."""

    name: str
    count: str
    share: float
    is_dim: bool = False


def today() -> date:
    """The day of UTC that it is: visits are counted by such days."""
    return datetime.now(UTC).date()


def read_span(since: str, until: str) -> Span:
    """A span as it was typed. Raises Refusal."""
    found = Span(_read_day(since, "since"), _read_day(until, "until"))
    if found.days < 1:
        raise Refusal(t("analytics.backwards"), "until")
    if found.since < FIRST or found.until > LAST:
        raise Refusal(t("analytics.too-far", first=FIRST, last=LAST), "since" if found.since < FIRST else "until")
    return found


def _read_day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal(t("analytics.no-day"), name) from None


def figure(name: str, summary: TrafficSummary) -> str:
    """`1,234`, `2:05`, `43 %`"""
    value = summary[name]  # type: ignore[literal-required]
    if name == "bounceRate":
        return f"{value:.0f} %"
    return clock(value) if name == "avgSessionDuration" else grouped(value)


def clock(seconds: float) -> str:
    """`2:05`, `1:02:05`"""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def trend(name: str, now: TrafficSummary, before: TrafficSummary) -> tuple[str, str]:
    """How it has changed, `↑ 12 %`, and its tone: `good`, `bad` or nothing. "" where there is nothing to compare with."""
    new, old = now[name], before[name]  # type: ignore[literal-required]
    if not old or not now["pageViews"]:
        return "", ""
    percent = round(100 * (new - old) / old)
    if not percent:
        return "=", ""
    is_good = (percent > 0) is not (name == "bounceRate")
    return f"{'↑' if percent > 0 else '↓'} {grouped(abs(percent))} %", "good" if is_good else "bad"


def period_name(point: TrafficPoint, unit: Granularity) -> str:
    """`2026-11-21`, `2026-11-21 08:00`, `2026-11`; a week by its Monday."""
    text = point["period"]
    match unit:
        case "hour":
            return f"{text[:10]} {text[11:16]}"
        case "month":
            return text[:7]
        case _:
            return text[:10]


def period_label(point: TrafficPoint, unit: Granularity) -> str:
    """What stands below its bar: `08:00`, `11-21`, `2026-11`."""
    name = period_name(point, unit)
    return name[11:] if unit == "hour" else name if unit == "month" else name[5:]


def ranked_pages(found: VisitedPages) -> list[Ranked]:
    return _ranked([(one_line(each["path"]), each["pageViews"], False) for each in found["pages"]])


def ranked_referrers(found: Referrers) -> list[Ranked]:
    named = [
        (each["domain"] or t("analytics.direct"), each["pageViews"], not each["domain"]) for each in found["referrers"]
    ]
    return _ranked([(one_line(name), views, is_dim) for name, views, is_dim in named])


def ranked_campaigns(found: Campaigns) -> list[Ranked]:
    return _ranked([(_campaign(each), each["pageViews"], False) for each in found["campaigns"]])


def ranked_shares(found: Sequence[Share]) -> list[Ranked]:
    """With percent of all visits in place of their number."""
    lines = []
    for each in found:
        name = each["name"]
        known = name if name is None else t(f"analytics.device.{name}") if name in DEVICES else one_line(name)
        lines.append(
            Ranked(
                known or t("analytics.unknown"), f"{each['percentage']:.0f} %", each["percentage"] / 100, known is None
            )
        )
    return lines


DEVICES = ("desktop", "mobile", "tablet")


def _campaign(each: Campaign) -> str:
    """`spring · letter / mail`"""
    way = " / ".join(filter(None, (each["source"], each["medium"])))
    return one_line(" · ".join(filter(None, (each["campaign"], way))))


def _ranked(found: Sequence[tuple[str, int, bool]]) -> list[Ranked]:
    most = max((views for _, views, _ in found), default=1)
    return [Ranked(name, grouped(views), views / most, is_dim) for name, views, is_dim in found]
