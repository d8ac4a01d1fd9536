"""What accounts need once an hour: expired sessions, links and locks go, accounts whose time is over are removed, a change
of the master key that was interrupted is finished (A-059, A-091, A-044)."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from core.errors import SovriumError

EVERY = timedelta(hours=1)
FIRST_AFTER = timedelta(seconds=30)
log = logging.getLogger("sovrium.auth")


class Upkeep:
    """Does `tasks`, one after the other, in a thread of its own; one that fails keeps no other from its turn."""

    def __init__(self, tasks: tuple[Callable[[], object], ...], *, first_after: timedelta = FIRST_AFTER) -> None:
        self._tasks = tasks
        self._first_after = first_after
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="accounts-upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def run(self) -> None:
        """Do all of it now. Blocks."""
        for task in self._tasks:
            if self._stopping.is_set():
                return
            try:
                task()
            except SovriumError as error:
                log.warning("Upkeep of accounts waits for another hour: %s", error)
            except Exception:
                log.exception("Upkeep of accounts has failed")

    def stop(self) -> None:
        """Idempotent; returns when the thread has ended."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        wait = self._first_after
        while not self._stopping.wait(wait.total_seconds()):
            wait = EVERY
            self.run()
