"""The engine: an app file at work on its database. The server process opens one (`core.assembly`), every door uses it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from core.bus import Bus
from core.clock import Clock
from core.storage.database import Database

if TYPE_CHECKING:
    from core.access.grant import Grants
    from core.analytics.service import Analytics
    from core.auth.people import People
    from core.auth.service import Auth
    from core.backup.service import Backups
    from core.comments.notification import Notifications
    from core.comments.service import Comments
    from core.fields.model import AppModel
    from core.files.service import Files
    from core.generation.service import Generated
    from core.generation.worker import Filler
    from core.history.activity import Activity
    from core.history.record_history import RecordHistory
    from core.history.retention import Retention
    from core.jobs.center import JobCenter
    from core.jobs.transfer import Transfers
    from core.migrations.deferred import IndexBuilder
    from core.migrations.lifetime import Lifetime
    from core.records.service import Records
    from core.schema.model import App
    from core.sql.completion import Completions
    from core.sql.run import SqlRuns
    from core.views.ordered import OrderedViews
    from core.views.personal import Personal
    from core.views.schema_view import SchemaViews
    from core.webhooks.service import Webhooks
    from core.webhooks.worker import Deliveries


@dataclass
class Engine:
    """All services of one app as its file was read. Close it to let go of the database.

    It is never changed to follow another version of the file: `succeed` makes a new engine on the same database, and
    whoever holds this one, a request that is under way, goes on with the app that it began with.
    """

    app: "App"
    model: "AppModel"
    database: Database
    data_dir: Path
    bus: Bus
    clock: Clock
    records: "Records"
    sql: "SqlRuns"
    completions: "Completions"
    jobs: "JobCenter"
    database_name: str
    """What people call the database: the file's name, or `database at host`."""
    lifetimes: "Mapping[str, Lifetime]"
    """By table id, when each was made and last changed."""
    notes: tuple[str, ...] = ()
    """Things a person should know: features accepted but not run."""
    files: "Files | None" = None
    """None where no table has a field of files."""
    auth: "Auth | None" = None
    """Accounts, where the app has them."""
    schema_version: int = 1
    deliveries: "Deliveries | None" = None
    """Calls webhooks, where tables have any."""
    filler: "Filler | None" = None
    """Has fields filled by a language model, where the app has such and a provider is set."""
    indexes: "IndexBuilder | None" = None
    """Builds indexes that the last migration has left for later."""
    retention: "Retention | None" = None
    """Forgets old changes, where the app file says so."""
    analytics: "Analytics | None" = None
    """Counts visits of pages, where the app file says so."""
    _closers: list[Callable[[], object]] = field(default_factory=list)

    @cached_property
    def views(self) -> "OrderedViews":
        """Made on first use: a server without a console needs none."""
        from core.views.ordered import OrderedViews

        return OrderedViews(self.records, self.bus.publish)

    @cached_property
    def schema_views(self) -> "SchemaViews":
        """The views of the app file."""
        from core.views.schema_view import SchemaViews

        return SchemaViews(self.records)

    @cached_property
    def personal(self) -> "Personal":
        """Views and preferences that people keep for themselves."""
        from core.views.personal import Personal

        return Personal(self.records)

    @cached_property
    def grants(self) -> "Grants":
        """Access to single records that users have been given."""
        from core.access.grant import Grants

        return Grants(self.database, self.model, self.clock)

    @cached_property
    def people(self) -> "People":
        """Names of accounts."""
        from core.auth.people import People

        return People()

    @cached_property
    def history(self) -> "RecordHistory":
        """What happened to single records."""
        from core.history.record_history import RecordHistory

        return RecordHistory(self.records, self.people, kept_days=self.app.history_days, clock=self.clock)

    @cached_property
    def activity(self) -> "Activity":
        """What happened in all tables."""
        from core.history.activity import Activity

        return Activity(self.records, self.people, self.history, self.clock)

    @cached_property
    def comments(self) -> "Comments":
        """What people say about records."""
        from core.comments.judge import Pace
        from core.comments.service import Comments

        return Comments(self.records, self.people, Pace())

    @cached_property
    def notifications(self) -> "Notifications":
        """What accounts were told of comments."""
        from core.comments.notification import Notifications

        return Notifications(self.records, self.people)

    @cached_property
    def webhooks(self) -> "Webhooks":
        """What people see of webhooks."""
        from core.webhooks.service import Webhooks

        return Webhooks(self.records, self.deliveries, self.clock)

    @cached_property
    def generated(self) -> "Generated":
        """What people see of fields that a language model fills."""
        from core.generation.service import Generated

        return Generated(self.records, self.filler)

    @cached_property
    def transfers(self) -> "Transfers":
        """Made on first use, as it brings the reading of files."""
        from core.jobs.transfer import Transfers

        return Transfers(self.records, self.jobs, self.exchange, self.clock)

    @cached_property
    def backups(self) -> "Backups":
        """Archives of everything that is kept."""
        from core.backup.service import Backups
        from core.files.store import LocalFiles

        return Backups(
            self.app,
            self.database,
            self.jobs,
            self.exchange,
            self.clock,
            store=LocalFiles(self.data_dir / "files"),
            files=self.files,
            secrets=self.auth.context.secrets if self.auth is not None else None,
        )

    @cached_property
    def exchange(self) -> Path:
        """The one folder in which the database reads and writes files."""
        return self.data_dir / "exchange"

    async def retire(self, successor: "Engine") -> None:
        """Give what goes on, jobs and SQL runs among it, to the successor. On the event loop, once the doors lead there."""
        self._closers.clear()
        upkeep = self.auth.upkeep if self.auth is not None else None
        for worker in (self.retention, self.deliveries, self.filler, self.indexes, upkeep):
            if worker is not None:
                await asyncio.to_thread(worker.stop)
        if self.auth is not None and successor.auth is None:
            await asyncio.to_thread(self.auth.close)
        if self.analytics is not None and successor.analytics is None:
            await asyncio.to_thread(self.analytics.stop)
        self.sql.follow(successor.model, successor.records)
        self.completions.forget()
        if "views" in self.__dict__:
            await self.views.close_all()

    def close(self) -> None:
        """Stop jobs and SQL runs, finish queued writes, let go of the database. Idempotent; any thread."""
        closers, self._closers = self._closers, []
        for worker in (self.retention, self.deliveries, self.filler, self.indexes, self.analytics):
            if worker is not None:
                worker.stop()
        if closers and "views" in self.__dict__:
            self.views.stop()
        if self.auth is not None:
            self.auth.close()
        for close in closers:
            close()
