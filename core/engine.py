"""The engine: an app file at work on its database. Opened once by the server process, used by every door."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from core.bus import Bus
from core.clock import Clock
from core.storage.database import Database

if TYPE_CHECKING:
    from core.fields.model import AppModel
    from core.jobs.center import JobCenter
    from core.records.service import Records
    from core.schema.model import App
    from core.sql.completion import Completions
    from core.sql.run import SqlRuns
    from core.views.ordered import OrderedViews


@dataclass
class Engine:
    """All services of one app. Close it to let go of the database."""

    app: "App"
    model: "AppModel"
    database: Database
    database_name: str
    """What people call the database: the file's name, or `host/database`."""
    data_dir: Path
    bus: Bus
    clock: Clock
    records: "Records"
    views: "OrderedViews"
    sql: "SqlRuns"
    completions: "Completions"
    jobs: "JobCenter"
    opened_at: datetime
    notes: tuple[str, ...] = ()
    schema_version: int = 1
    closers: tuple[Callable[[], object], ...] = ()

    @cached_property
    def exchange(self) -> Path:
        """The folder in which the database reads and writes files."""
        return self.data_dir / "exchange"

    def close(self) -> None:
        """Stop jobs and SQL runs, finish queued writes, let go of the database. Idempotent."""
        closers, self.closers = self.closers, ()
        for close in closers:
            close()
