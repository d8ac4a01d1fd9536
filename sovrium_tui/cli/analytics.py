"""`analytics`: how much the pages of an app are visited (auth §16.3)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from sovrium_tui.cli.account import Where, asked, counted, tell_rows
from sovrium_tui.cli.app_file import app_argument, data_dir_option
from sovrium_tui.cli.result import json_option

DAYS = 7
PERIODS = ("hour", "day", "week", "month")
Report = Mapping[str, Any]
Rows = list[tuple[Any, ...]]


def listed(key: str, *columns: str) -> Callable[[Report], Rows]:
    """The columns of each entry of a list."""
    return lambda report: [tuple(each[name] for name in columns) for each in report[key]]


def periods(report: Report) -> Rows:
    """Days as days; hours of a day with their time."""
    end = len("2026-11-20T13:00" if report["granularity"] == "hour" else "2026-11-20")
    numbers = listed("timeSeries", "pageViews", "uniqueVisitors", "sessions")(report)
    begins = [each["period"][:end].replace("T", " ") for each in report["timeSeries"]]
    return [(begin, *row) for begin, row in zip(begins, numbers, strict=True)]


def referrers(report: Report) -> Rows:
    return [(each["domain"] or "direct", each["pageViews"], each["uniqueVisitors"]) for each in report["referrers"]]


def shares(report: Report) -> Rows:
    return [
        (kind, each["name"] or "not known", each["count"], each["percentage"])
        for kind, found in report.items()
        for each in found
    ]


SHOWN: Mapping[str, tuple[tuple[str, ...], Callable[[Report], Rows]]] = {
    "overview": (
        ("begins", "views", "visitors", "sessions"),
        periods,
    ),
    "pages": (("page", "views", "visitors"), listed("pages", "path", "pageViews", "uniqueVisitors")),
    "referrers": (("referrer", "views", "visitors"), referrers),
    "devices": (("kind", "name", "views", "percent"), shares),
    "campaigns": (
        ("source", "medium", "campaign", "views", "visitors"),
        listed("campaigns", "source", "medium", "campaign", "pageViews", "uniqueVisitors"),
    ),
    "events": (
        ("time", "page", "referrer", "device", "browser", "system", "language"),
        listed("events", "timestamp", "path", "referrer", "device", "browser", "operatingSystem", "language"),
    ),
}
"""Of each report the names of its columns, and its rows."""


@click.command()
@app_argument
@data_dir_option
@click.option("--show", type=click.Choice(list(SHOWN)), default="overview", show_default=True, help="What to tell.")
@click.option("--from", "since", metavar="DAY", help=f"Since this day or instant, of UTC.  [default: {DAYS} days]")
@click.option(
    "--to", "until", metavar="DAY", help="Until the end of this day, or before this instant.  [default: today]"
)
@click.option("--granularity", type=click.Choice(PERIODS), default="day", show_default=True, help="Of the overview.")
@json_option
def analytics(
    app: Path | None,
    data_dir: Path | None,
    show: str,
    since: str | None,
    until: str | None,
    granularity: str,
    as_json: bool,
) -> None:
    """Show how much the pages of APP are visited."""
    today = datetime.now(UTC).date()
    query = {"from": since or str(today - timedelta(days=DAYS - 1)), "to": until or str(today)}
    if show == "overview":
        query["granularity"] = granularity
    path = f"/api/analytics/{show}?{urlencode(query)}"
    report: dict[str, Any] = asked(Where(app, data_dir), "analytics", lambda client: client.request("GET", path))
    names, rows = SHOWN[show]
    numeric = "views visitors sessions percent"
    tell_rows(report, rows(report), names, sum_of(show, report), as_json=as_json, numeric=numeric)


def sum_of(show: str, report: Report) -> str:
    """What stands below the table."""
    if show == "devices":
        return counted(sum(each["count"] for each in report["deviceTypes"]), "page view")
    if show != "overview":
        return f"{report['total']} in all"
    summary = report["summary"]
    views, visitors = counted(summary["pageViews"], "page view"), counted(summary["uniqueVisitors"], "visitor")
    sessions, seconds = counted(summary["sessions"], "session"), summary["avgSessionDuration"]
    return f"{views}, {visitors}, {sessions} of {seconds:.0f} s, {summary['bounceRate']:.0f} % with one page"


COMMANDS = (analytics,)
