"""The visits that wait to be written, and the thread that writes them: a request only leaves a visit here and goes on.

What waits is lost when the process is killed, that is a second's visits; a server that stops writes them first.
"""

import logging
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from core.analytics.store import forget, keep
from core.analytics.visitor import Visitors
from core.clock import Clock
from core.errors import SovriumError
from core.storage.database import Call, Database

GATHER_SECONDS = 1.0
"""How long visits are gathered for one transaction."""
PAUSE_SECONDS = 5.0
"""After the database has refused."""
LOOK_SECONDS = 3600.0
"""How often it is looked whether a day has passed, where nobody visits."""
WAITING_MOST = 20_000
"""Visits that may wait; while the database refuses, further ones are not counted."""
BATCH = 5_000
FORGOTTEN_EVERY = timedelta(days=1)
log = logging.getLogger("sovrium.analytics")


class Collector:
    """Of one database. `keep_days`: how long visits are kept. Thread-safe."""

    def __init__(self, database: Database, clock: Clock, keep_days: int) -> None:
        self.keep_days = keep_days
        self.visitors = Visitors()
        self._database = database
        self._clock = clock
        self._waiting: list[dict[str, Any]] = []
        self._lost = 0
        self._forgotten: datetime | None = None
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="page-analytics", daemon=True)

    def start(self) -> None:
        """Begin by forgetting what is too old. Returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Idempotent; returns when what waited is written."""
        self._stopping.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()

    def put(self, visit: Mapping[str, Any]) -> None:
        """Leave a visit to be written. Never waits."""
        with self._lock:
            if len(self._waiting) < WAITING_MOST:
                self._waiting.append(dict(visit))
            else:
                self._lost += 1
        self._wake.set()

    def flush(self) -> bool:
        """Write what waits, and once a day forget what is too old; whether the database took it. Blocks."""
        try:
            self._flush()
        except SovriumError as error:
            log.warning("Visits wait to be written: %s", error)
            return False
        return True

    def _flush(self) -> None:
        with self._writing:
            self._forget()
            while batch := self._waiting[:BATCH]:
                self._write(partial(keep, visits=batch))
                with self._lock:
                    del self._waiting[: len(batch)]
                    lost, self._lost = self._lost, 0
                if lost:
                    log.warning("%d visits were not counted: the database took none for too long", lost)

    def _forget(self) -> None:
        now = self._clock()
        if self._forgotten is not None and now - self._forgotten < FORGOTTEN_EVERY:
            return
        before = now - timedelta(days=self.keep_days)
        while self._write(partial(forget, before=before)):
            if self._stopping.is_set():
                return
        self._forgotten = now

    def _write(self, work: Any) -> Any:
        return self._database.submit_write(Call(work), actor="system", cause="analytics").result()

    def _run(self) -> None:
        while True:
            refused = not self.flush()
            if self._stopping.is_set():
                return
            if not refused:
                self._wake.wait(LOOK_SECONDS)
            self._wake.clear()
            self._stopping.wait(PAUSE_SECONDS if refused else GATHER_SECONDS)
