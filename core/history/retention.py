"""Forgetting old changes, once a day and little by little (R-085)."""

import logging
import threading
from datetime import timedelta

from core.clock import Clock, system_clock
from core.errors import SovriumError
from core.storage.database import Call, Database
from core.storage.journal import prune

EVERY = timedelta(days=1)
FIRST_AFTER = timedelta(minutes=1)
BATCH = 10_000
"""Changes in one transaction: others wait for it no longer than for a batch of their own."""
log = logging.getLogger("sovrium.history")


class Retention:
    """Purges what is older than `days`, in a thread of its own. None: everything is kept."""

    def __init__(
        self,
        database: Database,
        days: int | None,
        clock: Clock = system_clock,
        *,
        first_after: timedelta = FIRST_AFTER,
        batch: int = BATCH,
    ) -> None:
        self._database = database
        self.days = days
        self._clock = clock
        self._batch = batch
        self._stopping = threading.Event()
        self._first_after = first_after
        self._thread = threading.Thread(target=self._run, name="history-retention", daemon=True)
        self._thread.start()

    def purge(self) -> int:
        """Forget now; the number of changes forgotten. Ends early when it is stopped."""
        if self.days is None:
            return 0
        before, forgotten = self._clock() - timedelta(days=self.days), 0
        while not self._stopping.is_set():
            job = Call(lambda tx: prune(tx, before, self._batch))
            count = self._database.submit_write(job, actor="system", cause="retention").result()
            forgotten += count
            if not count:
                break
        return forgotten

    def stop(self) -> None:
        """Idempotent; returns when the thread has ended."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        wait = self._first_after
        while not self._stopping.wait(wait.total_seconds()):
            wait = EVERY
            try:
                if forgotten := self.purge():
                    log.info("%d changes older than %s days were forgotten", forgotten, self.days)
            except SovriumError as error:
                log.warning("Old changes were not forgotten: %s", error)
