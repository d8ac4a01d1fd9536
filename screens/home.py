"""Home: the tables with their sizes, where you were, what is staged, what runs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from textual import work
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import OptionList, Static

from core.contract.console import Event
from screens.actions.binding import bindings_of
from screens.presenters.finder import Hit
from screens.presenters.job_center import share
from screens.presenters.place import Place
from screens.presenters.size import sizes_of
from screens.services.context import Context
from screens.services.style import STYLES
from screens.services.text import t
from screens.services.wording import in_words
from screens.widgets.console_screen import ConsoleScreen
from screens.widgets.menu import Menu
from screens.widgets.palette import table_place
from screens.widgets.progress import bar

REST = 2.0
"""Seconds between a change of data and a new count."""


class HomeScreen(ConsoleScreen):
    """Paints from what the session remembers; the server's numbers replace that when they come."""

    CSS_PATH = STYLES / "home.tcss"
    BINDINGS = bindings_of("home")
    AUTO_FOCUS = "#home-tables"
    action_context = "home"
    mode = "home"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._summary: dict[str, Any] = context.session.get("home", {})
        self._recount: Timer | None = None

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="home-head", markup=False)
        with Horizontal(id="home-columns"):
            with Vertical(id="home-left", classes="pane"):
                yield Static(classes="heading", id="home-tables-title", markup=False)
                yield Menu(id="home-tables", key_style="")
                yield Static(id="home-empty", classes="empty", markup=False)
            with Vertical(id="home-right"):
                with Vertical(classes="pane home-card", id="home-recent-card"):
                    yield Static(classes="heading", id="home-recent-title", markup=False)
                    yield Menu(id="home-recent")
                    yield Static(id="home-recent-empty", classes="empty", markup=False)
                with Vertical(classes="home-card", id="home-pending-card"):
                    yield Static(classes="heading", id="home-pending-title", markup=False)
                    yield Static(id="home-pending", markup=False)
                with Vertical(classes="home-card", id="home-jobs-card"):
                    yield Static(classes="heading", id="home-jobs-title", markup=False)
                    yield Static(id="home-jobs", markup=False)
        yield Static(id="home-hints", markup=False)

    def on_mount(self) -> None:
        context = self.context
        self.until_closed(
            context.connected.listen(lambda online: self.load() if online else self.paint()),
            context.connection.changed.listen(lambda _: self._summary or self.paint()),
            context.schema_changed.listen(lambda _: self.load()),
            context.events.listen(self.hear),
            context.pending.changed.listen(lambda _: self.paint_pending()),
            context.jobs.changed.listen(lambda _: self.paint_jobs()),
        )
        self.paint()
        if context.port is not None:
            self.load()

    def on_screen_resume(self) -> None:
        if self.is_mounted:
            self.paint()
            if self.context.port is not None:
                self.load()

    def language_changed(self) -> None:
        super().language_changed()
        self.paint()

    @work(exclusive=True, group="home", exit_on_error=False)
    async def load(self) -> None:
        """Ask the server for the tables and their sizes."""
        self._recount = None
        port, schema, hello = self.context.port, self.context.schema, self.context.hello
        if port is None or schema is None or hello is None:
            return
        sizes = await sizes_of(port, schema["tables"])
        self._summary = {
            "app": hello["app"],
            "description": hello["description"],
            "database": hello["database"],
            "tcp": hello.get("tcp"),
            "notes": in_words(hello, "notes")["notes"],
            "tables": [
                {
                    "name": table["name"],
                    "sqlName": table["sqlName"],
                    "fields": [field["label"] or field["name"] for field in table["fields"] if not field["system"]],
                    "count": sizes.get(table["sqlName"], ""),
                }
                for table in schema["tables"]
            ],
        }
        self.context.session.put("home", self._summary)
        self.context.session.put("app", hello["app"])
        self.paint()

    def hear(self, event: Event) -> None:
        """Records have changed: count again, but not more often than every two seconds."""
        if event["kind"] == "change" and self.is_current and self._recount is None:
            self._recount = self.set_timer(REST, self.load)

    # ── Painting ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def paint(self) -> None:
        """Write everything that is known now."""
        self.paint_head()
        self.paint_tables()
        self.paint_recent()
        self.paint_pending()
        self.paint_jobs()

    def paint_head(self) -> None:
        known = self._summary
        name = known.get("app") or self._name_unknown()
        lines = [Content.assemble((name, "bold $primary"))]
        if known.get("description"):
            lines.append(Content.styled(known["description"], "$foreground"))
        where = " · ".join(str(part) for part in (known.get("database"), known.get("tcp")) if part)
        if where:
            lines.append(Content.styled(where, "$foreground-muted"))
        lines += [Content.assemble(("! ", "bold $warning"), note) for note in known.get("notes", ())[:2]]
        self.query_one("#home-head", Static).update(Content("\n").join(lines))

    def paint_tables(self) -> None:
        tables = self._summary.get("tables", [])
        self.query_one("#home-tables-title", Static).update(t("home.tables"))
        hits = [
            Hit(
                label=table["name"],
                detail=" · ".join(table["fields"]),
                key=table["count"],
                run=partial(self.context.go, table_place(table["sqlName"], table["name"])),
            )
            for table in tables
        ]
        self.query_one("#home-tables", Menu).show(hits)
        empty = "" if tables else t("home.no-tables") if self._summary else self._why_unknown()
        self.query_one("#home-empty", Static).update(empty)
        self.query_one("#home-empty").display = bool(empty)

    def _name_unknown(self) -> str:
        waits = self.context.connection.state in ("starting", "online", "lost")
        return t("home.opening") if waits else str(self.context.session.get("app") or "sovrium")

    def _why_unknown(self) -> str:
        """Why there is nothing to show yet."""
        state = self.context.connection.state
        return t(f"home.{state}") if state in ("signed-out", "refused") else t("home.starting")

    def paint_recent(self) -> None:
        places = [p for p in self.context.places.recent() if p.mode != "home"]
        self.query_one("#home-recent-title", Static).update(t("home.recent"))
        hits = [
            Hit(
                label=place.title if place.key else t(f"place.{place.mode}"),
                kind=t(f"place.{place.mode}") if place.key else "",
                detail=str(place.state.get("detail", "")),
                run=partial(self.context.go, place),
            )
            for place in places[:6]
        ]
        self.query_one("#home-recent", Menu).show(hits)
        self.query_one("#home-recent-empty", Static).update("" if hits else t("home.no-recent"))
        self.query_one("#home-recent-empty").display = not hits

    def paint_pending(self) -> None:
        pending = self.context.pending
        card = self.query_one("#home-pending-card")
        card.display = pending.count() > 0
        self.query_one("#home-pending-title", Static).update(t("home.pending"))
        lines = [
            Content.assemble(("* ", "bold $warning"), t("home.pending-in", count=count, table=self.table_name(table)))
            for table, count in pending.counts().items()
        ]
        self.query_one("#home-pending", Static).update(Content("\n").join(lines))

    def paint_jobs(self) -> None:
        jobs = self.context.jobs.all()[:3]
        self.query_one("#home-jobs-card").display = bool(jobs)
        self.query_one("#home-jobs-title", Static).update(t("home.jobs"))
        lines = []
        for job in jobs:
            running = job["state"] in ("queued", "running")
            tail = (
                bar(share(job), 12) if running else Content.styled(t(f"jobs.state.{job['state']}"), "$foreground-muted")
            )
            lines.append(Content.assemble(job["title"], "  ", tail))
        self.query_one("#home-jobs", Static).update(Content("\n").join(lines))

    def table_name(self, sql_name: str) -> str:
        """What people call a table."""
        table = self.context.table(sql_name)
        return table["name"] if table else sql_name

    # ── Doing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if isinstance(event.option_list, Menu):
            hit = event.option_list.hits[event.option_index]
            if hit.run is not None:
                hit.run()

    def action_home_open(self) -> None:
        if isinstance(self.focused, Menu):
            self.focused.action_select()

    def show_place(self, place: Place) -> None:
        self.query_one("#home-tables", Menu).focus()
