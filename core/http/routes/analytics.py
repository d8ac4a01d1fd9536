"""Visits of the app's pages: told by the pages' script, read by administrators (auth §16.3)."""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from core.analytics import report
from core.analytics.question import LIMIT, LIMIT_MOST, STEPS, Question, parse
from core.analytics.service import Analytics
from core.analytics.visit import Request
from core.contract.analytics import (
    Campaigns,
    Devices,
    Referrers,
    TrafficOverview,
    VisitBody,
    VisitedPages,
    VisitEvents,
)
from core.http.answer import Answer, as_json, empty
from core.http.call import Call
from core.http.error import AnalyticsOff
from core.http.language import languages_of
from core.http.origin import host_name
from core.http.page import VISIT_SCRIPT
from core.http.route import Parameter, RouteFamily
from core.storage.database import Reader

routes = RouteFamily("analytics")
PATH = "/api/analytics"
BODY_MOST = 16 * 1024
"""Bytes of a visit."""
SCRIPT_HEADERS = ((b"content-type", b"text/javascript; charset=utf-8"), (b"cache-control", b"public, max-age=3600"))
TIME = {
    "from": Parameter("since this day or instant", required=True),
    "to": Parameter("until the end of this day, or before this instant", required=True),
}
GRANULARITY = {"granularity": Parameter("length of the periods (day)", choices=tuple(STEPS))}
MOST = {"limit": Parameter(f"entries ({LIMIT}); at most {LIMIT_MOST} are given", "integer", least=1)}
ASKED: dict[str, Any] = {"errors": (400, 404), "admin": True}


@routes.add(
    "POST",
    f"{PATH}/collect",
    body=VisitBody,
    answers={204: None},
    errors=(404, 413),
    guests=True,
    unproven=True,
    counter="visits",
)
async def collect_visit(call: Call) -> Answer:
    """Count a visit of a page; what browsers and the app file keep out is answered alike"""
    analytics = analytics_of(call)
    languages = languages_of(call.header(b"accept-language") or "")
    request = Request(
        address=call.app.address(call.scope),
        agent=call.header(b"user-agent") or "",
        language=languages[0] if languages else None,
        host=host_name(call.header(b"host") or ""),
        refuses="1" in (call.header(b"dnt"), call.header(b"sec-gpc")),
    )
    analytics.collect(await call.json_object(BODY_MOST), request)
    return empty()


@routes.add(
    "GET",
    VISIT_SCRIPT,
    answers={200: bytes},
    answer_kinds=("text/javascript",),
    errors=(404,),
    guests=True,
    unproven=True,
)
async def get_visit_script(call: Call) -> Answer:
    """The script that tells of visits, for pages"""
    analytics_of(call)
    return Answer(200, script(), SCRIPT_HEADERS)


@routes.add("GET", f"{PATH}/overview", query=TIME | GRANULARITY, answers={200: TrafficOverview}, **ASKED)
async def get_traffic(call: Call) -> Answer:
    """How much was visited within a time, and in each of its periods"""
    return await _told(call, report.overview)


@routes.add("GET", f"{PATH}/pages", query=TIME | MOST, answers={200: VisitedPages}, **ASKED)
async def get_visited_pages(call: Call) -> Answer:
    """Pages, the most visited first"""
    return await _told(call, report.pages)


@routes.add("GET", f"{PATH}/referrers", query=TIME | MOST, answers={200: Referrers}, **ASKED)
async def get_referrers(call: Call) -> Answer:
    """Where visitors came from, the most frequent first"""
    return await _told(call, report.referrers)


@routes.add("GET", f"{PATH}/devices", query=TIME, answers={200: Devices}, **ASKED)
async def get_devices(call: Call) -> Answer:
    """Devices, browsers, operating systems and languages of the visits, with their shares"""
    return await _told(call, report.devices)


@routes.add("GET", f"{PATH}/campaigns", query=TIME | MOST, answers={200: Campaigns}, **ASKED)
async def get_campaigns(call: Call) -> Answer:
    """Campaigns that visitors came by, the most frequent first"""
    return await _told(call, report.campaigns)


@routes.add("GET", f"{PATH}/events", query=TIME | MOST, answers={200: VisitEvents}, **ASKED)
async def get_visits(call: Call) -> Answer:
    """Single visits, the newest first"""
    return await _told(call, report.events)


@cache
def script() -> bytes:
    """What pages load."""
    return files("core.analytics").joinpath("script.js").read_bytes()


def analytics_of(call: Call) -> Analytics:
    """Raises AnalyticsOff where nothing is counted."""
    analytics = call.engine.analytics
    if analytics is None:
        raise AnalyticsOff
    return analytics


async def _told(call: Call, work: Callable[[Reader, Question], Any]) -> Answer:
    return as_json(await analytics_of(call).report(work, parse(call.query)))
