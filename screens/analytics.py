"""Analytics: how much the app's pages are visited, which, from where, with what (auth §16.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TypeVar

from textual import work
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from core.client import NotFound, Port, SovriumError
from core.contract.analytics import Granularity
from screens.actions.binding import bindings_of
from screens.presenters.traffic import (
    FIRST,
    KINDS,
    MEASURES,
    RANGES,
    TILES,
    UNITS,
    Ranked,
    Span,
    Traffic,
    figure,
    period_label,
    period_name,
    ranked_campaigns,
    ranked_pages,
    ranked_referrers,
    ranked_shares,
    read_span,
    today,
    trend,
)
from screens.services.context import Context
from screens.services.number import grouped
from screens.services.style import STYLES
from screens.services.text import t
from screens.widgets.form_sheet import Ask, FormSheet, Values
from screens.widgets.live_screen import ReadingScreen
from screens.widgets.ranking import Ranking
from screens.widgets.time_chart import TimeChart

T = TypeVar("T")
OFF = "ANALYTICS_OFF"
TONES = {"good": "$success", "bad": "$error"}
LISTS = ("pages", "referrers", "devices", "campaigns")


class AnalyticsScreen(ReadingScreen):
    """Figures and bars of a span of days, and below them four lists."""

    CSS_PATH = STYLES / "analytics.tcss"
    BINDINGS = bindings_of("analytics")
    AUTO_FOCUS = "#analytics-chart"
    action_context = "analytics"
    mode = "analytics"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.span = Span.latest(RANGES["week"], today())
        self.unit: Granularity = self.span.unit
        self.measure, self.kind = MEASURES[0], KINDS[0]
        self.traffic: Traffic | None = None
        self.problem = ""
        """Why there is nothing to see."""

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="analytics-head", markup=False)
        yield Static(id="analytics-empty", markup=False)
        with Horizontal(id="analytics-tiles"):
            for name in TILES:
                yield Static(id=f"tile-{name}", markup=False)
        yield TimeChart(id="analytics-chart", classes="pane")
        with Container(id="analytics-lists"):
            for name in LISTS:
                with Vertical(classes="analytics-card"):
                    yield Static(id=f"title-{name}", classes="analytics-title", markup=False)
                    yield Ranking(id=f"list-{name}")

    # ── Reading ──

    @work(exclusive=True, group="load", exit_on_error=False)
    async def load(self) -> None:
        """Everything of the span, asked at once; what is shown stays until it is there."""
        port = self.context.port
        if port is None:
            return
        try:
            self.traffic, self.problem = await self._fetch(port), ""
        except NotFound as error:
            self.traffic, self.problem = None, t("analytics.off" if error.code == OFF else "listing.not-yours")
        except SovriumError as error:
            self.problem = error.message
        self.paint()

    async def _fetch(self, port: Port) -> Traffic:
        time, before = _time(self.span), _time(self.span.moved(-1))
        overview, earlier, pages, referrers, devices, campaigns = await asyncio.gather(
            port.analytics.overview(*time, self.unit),
            port.analytics.overview(*before, self.unit),
            port.analytics.pages(*time),
            port.analytics.referrers(*time),
            port.analytics.devices(*time),
            port.analytics.campaigns(*time),
        )
        return Traffic(
            overview=overview, before=earlier, pages=pages, referrers=referrers, devices=devices, campaigns=campaigns
        )

    # ── Painting ──

    def paint(self) -> None:
        """Write everything that is known now."""
        if not self.is_mounted:
            return
        self._paint_head()
        traffic = self.traffic
        self.set_class(traffic is None, "blank")
        self.query_one("#analytics-empty", Static).update(self.problem or t("analytics.loading"))
        if traffic is not None:
            self._paint_tiles(traffic)
            self._paint_chart(traffic)
            self._paint_list("pages", ranked_pages(traffic.pages), traffic.pages["total"])
            self._paint_list("referrers", ranked_referrers(traffic.referrers), traffic.referrers["total"])
            self._paint_list("devices", ranked_shares(traffic.devices[self.kind]), 0)
            self._paint_list("campaigns", ranked_campaigns(traffic.campaigns), traffic.campaigns["total"])
        self.refresh_bindings()

    def _paint_head(self) -> None:
        parts = [(t("place.analytics"), "bold $primary"), (f"  {self.span.text()} UTC", "bold")]
        chosen = next((name for name, days in RANGES.items() if self.span == Span.latest(days, today())), "")
        if chosen:
            parts.append((f"  {t(f'analytics.range.{chosen}')}", "$foreground-muted"))
        if self.problem and self.traffic is not None:
            parts.append((f"  ! {self.problem}", "bold $error"))
        self.query_one("#analytics-head", Static).update(Content.assemble(*parts))

    def _paint_tiles(self, traffic: Traffic) -> None:
        now, before = traffic.overview["summary"], traffic.before["summary"]
        for name in TILES:
            change, tone = trend(name, now, before)
            chosen = name == self.measure
            text = Content.assemble(
                (figure(name, now), f"bold {'$primary' if chosen else ''}"),
                (f"  {change}", TONES.get(tone, "$foreground-muted")),
                ("\n", ""),
                (t(f"analytics.{name}"), "$primary" if chosen else "$foreground-muted"),
            )
            self.query_one(f"#tile-{name}", Static).update(text)

    def _paint_chart(self, traffic: Traffic) -> None:
        points, unit = traffic.overview["timeSeries"], traffic.overview["granularity"]

        def caption(at: int | None) -> str:
            if at is None:
                return f"{t(f'analytics.{self.measure}')} · {t(f'analytics.unit.{unit}')}"
            told = (f"{t(f'analytics.{name}')} {grouped(points[at][name])}" for name in MEASURES)
            return " · ".join((period_name(points[at], unit), *told))

        values = [point[self.measure] for point in points]
        labels = [period_label(point, unit) for point in points]
        self.query_one(TimeChart).show(values, labels, caption)

    def _paint_list(self, name: str, lines: Sequence[Ranked], total: int) -> None:
        self.query_one(f"#list-{name}", Ranking).show(lines)
        title = t(f"analytics.{self.kind}" if name == "devices" else f"analytics.{name}")
        note = t("analytics.shown", shown=len(lines), count=total) if total > len(lines) else ""
        self.query_one(f"#title-{name}", Static).update(Content.assemble(title, (f"  {note}", "dim")))

    # ── Doing ──

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "analytics_later":
            return self.span.until < today()
        if action == "analytics_earlier":
            return self.span.since > FIRST
        if action in ("analytics_measure", "analytics_unit", "analytics_kind"):
            return self.traffic is not None
        return super().check_action(action, parameters)

    def look_at(self, span: Span, unit: Granularity | None = None) -> None:
        """Another time."""
        self.span, self.unit = span, unit or span.unit
        self.load()
        self._paint_head()

    def action_analytics_today(self) -> None:
        self.look_at(Span.latest(RANGES["today"], today()))

    def action_analytics_week(self) -> None:
        self.look_at(Span.latest(RANGES["week"], today()))

    def action_analytics_month(self) -> None:
        self.look_at(Span.latest(RANGES["month"], today()))

    def action_analytics_quarter(self) -> None:
        self.look_at(Span.latest(RANGES["quarter"], today()))

    def action_analytics_earlier(self) -> None:
        self.look_at(self.span.moved(-1), self.unit)

    def action_analytics_later(self) -> None:
        self.look_at(self.span.moved(1), self.unit)

    def action_analytics_refresh(self) -> None:
        self.load()

    def action_analytics_measure(self) -> None:
        self.measure = _next(MEASURES, self.measure)
        self.paint()

    def action_analytics_kind(self) -> None:
        self.kind = _next(KINDS, self.kind)
        self.paint()

    def action_analytics_unit(self) -> None:
        self.unit = _next(UNITS, self.unit)
        self.load()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_analytics_custom(self) -> None:
        """Days of one's own."""
        asks = [
            Ask("since", t("analytics.since"), self.span.since.isoformat()),
            Ask("until", t("analytics.until"), self.span.until.isoformat()),
        ]

        async def send(values: Values) -> None:
            read_span(values["since"], values["until"])

        values = await self.app.push_screen_wait(FormSheet(self.context, t("analytics.custom"), asks, send=send))
        if values is not None:
            self.look_at(read_span(values["since"], values["until"]))


def _time(span: Span) -> tuple[str, str]:
    return span.since.isoformat(), span.until.isoformat()


def _next(all_: Sequence[T], one: T) -> T:
    return all_[(all_.index(one) + 1) % len(all_)]
