"""What the visits of a time add up to (A-257). The database adds up; here its answer only gets its shape."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, cast, distinct, extract, func, or_, select
from sqlalchemy.types import Double

from core.analytics.question import Question
from core.analytics.store import VISITS
from core.clock import to_iso
from core.contract.analytics import (
    Campaigns,
    Devices,
    Referrers,
    Share,
    TrafficOverview,
    TrafficPoint,
    TrafficSummary,
    VisitedPages,
    VisitEvents,
)
from core.storage.database import Reader, Row

_V = VISITS.c
_EVENT = {
    "timestamp": _V.time,
    "session": _V.session,
    "path": _V.path,
    "title": _V.title,
    "referrer": _V.referrer,
    "device": _V.device,
    "browser": _V.browser,
    "operatingSystem": _V.system,
    "language": _V.language,
    "screenWidth": _V.screen_width,
    "screenHeight": _V.screen_height,
    "source": _V.utm_source,
    "medium": _V.utm_medium,
    "campaign": _V.utm_campaign,
    "content": _V.utm_content,
    "term": _V.utm_term,
}


def overview(reader: Reader, question: Question) -> TrafficOverview:
    """All of it, and period by period."""
    return {
        "from": to_iso(question.since),
        "to": to_iso(question.until),
        "granularity": question.granularity,
        "summary": _summary(reader, question),
        "timeSeries": _series(reader, question),
    }


def pages(reader: Reader, question: Question) -> VisitedPages:
    rows, total = _ranked(reader, question, [_V.path])
    return {
        "pages": [{"path": path, "pageViews": views, "uniqueVisitors": visitors} for path, views, visitors in rows],
        "total": total,
    }


def referrers(reader: Reader, question: Question) -> Referrers:
    rows, total = _ranked(reader, question, [_V.referrer])
    return {
        "referrers": [
            {"domain": name, "pageViews": views, "uniqueVisitors": visitors} for name, views, visitors in rows
        ],
        "total": total,
    }


def campaigns(reader: Reader, question: Question) -> Campaigns:
    columns = [_V.utm_source, _V.utm_medium, _V.utm_campaign]
    rows, total = _ranked(reader, question, columns, or_(*(column.is_not(None) for column in columns)))
    return {
        "campaigns": [
            {"source": source, "medium": medium, "campaign": campaign, "pageViews": views, "uniqueVisitors": visitors}
            for source, medium, campaign, views, visitors in rows
        ],
        "total": total,
    }


def devices(reader: Reader, question: Question) -> Devices:
    return {
        "deviceTypes": _shares(reader, question, _V.device),
        "browsers": _shares(reader, question, _V.browser),
        "operatingSystems": _shares(reader, question, _V.system),
        "languages": _shares(reader, question, _V.language),
    }


def events(reader: Reader, question: Question) -> VisitEvents:
    """Single visits, the newest first."""
    within = _within(question)
    rows = reader.rows(select(*_EVENT.values()).where(within).order_by(_V.time.desc(), _V.path).limit(question.limit))
    told: Any = [dict(zip(_EVENT, (to_iso(row[0]), *row[1:]), strict=True)) for row in rows]
    return {"events": told, "total": int(reader.scalar(select(func.count()).select_from(VISITS).where(within)))}


def _within(question: Question) -> ColumnElement[bool]:
    return and_(_V.time >= question.since, _V.time < question.until)


def _summary(reader: Reader, question: Question) -> TrafficSummary:
    lasted = cast(extract("epoch", func.max(_V.time)) - extract("epoch", func.min(_V.time)), Double)
    session = select(func.count().label("views"), lasted.label("lasted")).where(_within(question)).group_by(_V.session)
    each = session.subquery()
    single = func.sum(case((each.c.views == 1, 1), else_=0))
    ((sessions, views, seconds, bounced),) = reader.rows(
        select(func.count(), func.sum(each.c.views), func.avg(each.c.lasted), single).select_from(each)
    )
    visitors = reader.scalar(select(func.count(distinct(_V.visitor))).where(_within(question)))
    return {
        "pageViews": int(views or 0),
        "uniqueVisitors": int(visitors),
        "sessions": int(sessions),
        "avgSessionDuration": round(float(seconds or 0), 1),
        "bounceRate": _percent(bounced or 0, sessions),
    }


def _series(reader: Reader, question: Question) -> list[TrafficPoint]:
    periods = question.periods()
    begun = func.date_trunc(question.granularity, func.timezone("UTC", _V.time))
    each = select(begun.label("begun"), _V.visitor, _V.session).where(_within(question)).subquery()
    statement = select(
        each.c.begun, func.count(), func.count(distinct(each.c.visitor)), func.count(distinct(each.c.session))
    ).group_by(each.c.begun)
    found = {row[0].replace(tzinfo=UTC): row[1:] for row in reader.rows(statement)}
    points: list[TrafficPoint] = []
    for period in periods:
        views, visitors, sessions = found.get(period, (0, 0, 0))
        points.append(
            {
                "period": to_iso(period),
                "pageViews": int(views),
                "uniqueVisitors": int(visitors),
                "sessions": int(sessions),
            }
        )
    return points


def _ranked(
    reader: Reader, question: Question, columns: Sequence[ColumnElement[Any]], *conditions: ColumnElement[bool]
) -> tuple[list[Row], int]:
    """Rows of the columns with views and visitors, most views first, as many as are asked for; and how many there are."""
    rows = reader.rows(
        _counted(question, columns, func.count(distinct(_V.visitor)), func.count().over())
        .where(*conditions)
        .limit(question.limit)
    )
    return [row[:-1] for row in rows], int(rows[0][-1]) if rows else 0


def _shares(reader: Reader, question: Question, column: ColumnElement[Any]) -> list[Share]:
    rows = reader.rows(_counted(question, [column], func.sum(func.count()).over()))
    return [{"name": name, "count": int(count), "percentage": _percent(count, total)} for name, count, total in rows]


def _counted(question: Question, columns: Sequence[ColumnElement[Any]], *also: ColumnElement[Any]) -> Select[Any]:
    """Visits by what the columns say, the most first."""
    order = [func.count().desc(), *(column.nulls_first() for column in columns)]
    return select(*columns, func.count(), *also).where(_within(question)).group_by(*columns).order_by(*order)


def _percent(part: Any, whole: Any) -> float:
    return round(100 * float(part) / float(whole), 1) if whole else 0.0
