"""Page analytics of one version of an app: what is counted, and what is told of it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from core.analytics.agent import agent_of
from core.analytics.collector import Collector
from core.analytics.question import Question
from core.analytics.store import ensure_visits
from core.analytics.visit import Request, page_of, told_by
from core.clock import Clock
from core.schema.model import AnalyticsSpec, App
from core.storage.database import Call, Database, Reader

T = TypeVar("T")
DEADLINE = 30.0
"""Seconds that a report may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analytics:
    """The collector belongs to the database, and is handed on to the next version of the app."""

    app_name: str
    spec: AnalyticsSpec
    database: Database
    clock: Clock
    collector: Collector

    def collect(self, body: Mapping[str, Any], request: Request) -> None:
        """Count a visit, unless the page or the visitor is not to be counted. Never waits. Raises Invalid."""
        path, agent, now = page_of(body), agent_of(request.agent), self.clock()
        refused = request.refuses and self.spec.respects_refusal
        if refused or agent.is_robot or self.spec.excludes(path):
            return
        visitor, session = self.collector.visitors.recognise(
            now, self.app_name, request.address, request.agent, timedelta(minutes=self.spec.session_minutes)
        )
        told = told_by(body, request, agent)
        self.collector.put({"time": now, "visitor": visitor, "session": session, "path": path, **told})

    async def report(self, work: Callable[[Reader, Question], T], question: Question) -> T:
        """What one of the functions of `core.analytics.report` says, of all visits until now."""
        await asyncio.to_thread(self.collector.flush)
        return await self.database.read(Call(lambda reader: work(reader, question)), lane="long", deadline=DEADLINE)

    def stop(self) -> None:
        """Idempotent; returns when all visits are written."""
        self.collector.stop()


def open_analytics(app: App, database: Database, clock: Clock, before: Analytics | None) -> Analytics | None:
    """The analytics of an app that asks for them. They go on with the visitors of the version `before`. Blocks."""
    if app.analytics is None:
        return None
    if before is not None:
        collector = before.collector
        collector.keep_days = app.analytics.retention_days
    else:
        database.submit_write(Call(ensure_visits)).result()
        collector = Collector(database, clock, app.analytics.retention_days)
        collector.start()
    return Analytics(app_name=app.name, spec=app.analytics, database=database, clock=clock, collector=collector)
