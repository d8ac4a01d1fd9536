"""Visits of the app's pages, and what is told of them (auth §16.3)."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

Granularity = Literal["hour", "day", "week", "month"]


class VisitBody(TypedDict):
    """What a page's script sends: the path and title of the page, where its visitor came from (`r`), the width and height of
    the screen, and the five `utm_…` of its address: source, medium, campaign, content (`ux`), term."""

    p: str
    t: NotRequired[str | None]
    r: NotRequired[str | None]
    sw: NotRequired[int | None]
    sh: NotRequired[int | None]
    us: NotRequired[str | None]
    um: NotRequired[str | None]
    uc: NotRequired[str | None]
    ux: NotRequired[str | None]
    ut: NotRequired[str | None]


class Traffic(TypedDict):
    """How much was visited."""

    pageViews: int
    uniqueVisitors: int
    sessions: int


class TrafficSummary(Traffic):
    """`avgSessionDuration`: seconds from the first page to the last. `bounceRate`: percent of the sessions with one page."""

    avgSessionDuration: float
    bounceRate: float


class TrafficPoint(Traffic):
    """`period` is the instant at which it begins."""

    period: str


TrafficOverview = TypedDict(
    "TrafficOverview",
    {
        "from": str,
        "to": str,
        "granularity": Granularity,
        "summary": TrafficSummary,
        "timeSeries": list[TrafficPoint],
    },
)
"""What was visited within a time, and in each of its hours, days, weeks or months; those without visits, too."""


class VisitedPage(TypedDict):
    path: str
    pageViews: int
    uniqueVisitors: int


class VisitedPages(TypedDict):
    """The most visited first. `total`: how many there are, those included that are not told."""

    pages: list[VisitedPage]
    total: int


class Referrer(TypedDict):
    """`domain` null: people who came by themselves, or within the app."""

    domain: str | None
    pageViews: int
    uniqueVisitors: int


class Referrers(TypedDict):
    referrers: list[Referrer]
    total: int


class Campaign(TypedDict):
    source: str | None
    medium: str | None
    campaign: str | None
    pageViews: int
    uniqueVisitors: int


class Campaigns(TypedDict):
    campaigns: list[Campaign]
    total: int


class Share(TypedDict):
    """`count` of visits, and how many percent of all that is. `name` null: it is not known."""

    name: str | None
    count: int
    percentage: float


class Devices(TypedDict):
    deviceTypes: list[Share]
    browsers: list[Share]
    operatingSystems: list[Share]
    languages: list[Share]


class VisitEvent(TypedDict):
    """One visit."""

    timestamp: str
    session: str
    path: str
    title: str | None
    referrer: str | None
    device: str
    browser: str
    operatingSystem: str
    language: str | None
    screenWidth: int | None
    screenHeight: int | None
    source: str | None
    medium: str | None
    campaign: str | None
    content: str | None
    term: str | None


class VisitEvents(TypedDict):
    """The newest first."""

    events: list[VisitEvent]
    total: int
