"""Events of the engine on their way to the consoles: one stream in, any number of listeners out.

Publishing is done on any thread and must cost next to nothing, because the writer does it after each commit: an event
is put on a list and the event loop is woken once for all that pile up. Change events of the same table and operation
that meet there are merged, and again what waits for a listener that takes its time; one that falls behind all the same is
dropped rather than waited for, and reads anew.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock

from core.contract.console import Event
from core.storage.database import Commit

IDS_KEPT = 100
"""Record ids in one change event; `count` says how many there were."""
QUEUE_LIMIT = 256
GATHER_SECONDS = 0.02
"""How long events gather before they leave, so that a burst of commits is a few events."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and the commits that one of changes tells of: who may not see every row hears what becomes of them."""

    event: Event
    commits: tuple[Commit, ...] = ()


class Fallen(Exception):
    """The listener did not keep up; its stream ends."""


class Listener:
    """One stream of events. Made and read on the event loop."""

    def __init__(self, bus: "Bus") -> None:
        self._bus = bus
        self._queue: asyncio.Queue[Told | None] = asyncio.Queue(QUEUE_LIMIT)
        self._taken: deque[Told] = deque()
        self._fallen = False

    async def next(self, patience: float) -> Told | None:
        """The next event; None when none came for `patience` seconds.

        Raises:
            Fallen: events were lost, or the bus is closed.
        """
        if not self._taken:
            self._taken.extend(merged(await self._all(patience)))
        return self._taken.popleft() if self._taken else None

    async def _all(self, patience: float) -> list[Told]:
        """What waits, as soon as something does. Raises Fallen."""
        if self._fallen and self._queue.empty():
            raise Fallen
        try:
            async with asyncio.timeout(patience):
                waiting = [await self._queue.get()]
        except TimeoutError:
            return []
        while not self._queue.empty():
            waiting.append(self._queue.get_nowait())
        if not (told := [each for each in waiting if each is not None]):
            raise Fallen
        return told

    def put(self, told: Told) -> None:
        if self._fallen:
            return
        if self._queue.full():
            self._fallen = True
        else:
            self._queue.put_nowait(told)

    def end(self) -> None:
        """No more events; the reader gets those that wait first."""
        if not self._queue.full():
            self._queue.put_nowait(None)
        self._fallen = True

    def close(self) -> None:
        self._bus.forget(self)


class Bus:
    """The events of one engine. `on_count` hears the number of listeners whenever it changes (the lease)."""

    def __init__(self) -> None:
        self.on_count: Callable[[int], None] | None = None
        self._listeners: list[Listener] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[Told] = []
        self._lock = Lock()

    @property
    def has_listeners(self) -> bool:
        """Somebody hears what is published."""
        return bool(self._listeners)

    def publish(self, event: Event, *commits: Commit) -> None:
        """Send to all listeners. Any thread; returns at once."""
        if not self._listeners:
            return
        with self._lock:
            self._waiting.append(Told(event, commits))
            first, loop = len(self._waiting) == 1, self._loop
        if first and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(loop.call_later, GATHER_SECONDS, self._deliver)

    def listen(self) -> Listener:
        """A new listener, on the running event loop."""
        self._loop = asyncio.get_running_loop()
        listener = Listener(self)
        self._listeners.append(listener)
        self._counted()
        return listener

    def forget(self, listener: Listener) -> None:
        if listener in self._listeners:
            self._listeners.remove(listener)
            self._counted()

    def close(self) -> None:
        """Tell every listener that the server is stopping, and end their streams. On the event loop."""
        self._deliver()
        for listener in self._listeners:
            listener.put(Told({"kind": "server", "state": "stopping"}))
            listener.end()

    def _deliver(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for told in merged(waiting):
            for listener in self._listeners:
                listener.put(told)

    def _counted(self) -> None:
        if self.on_count is not None:
            self.on_count(len(self._listeners))


def merged(waiting: Iterable[Told]) -> list[Told]:
    """Changes of one table, operation and actor as one event, in the place of the first; of jobs and views only the
    last state of each."""
    found: dict[tuple[object, ...], Told] = {}
    for number, told in enumerate(waiting):
        event = told.event
        key: tuple[object, ...] = (number,)
        if event["kind"] == "change":
            key = ("change", event.get("table"), event.get("operation"), event.get("actor"))
        elif "job" in event:
            key = ("job", event["job"]["id"])
        elif "view" in event:
            key = ("view", event["view"]["id"])
        known = found.get(key)
        found[key] = told if known is None or event["kind"] != "change" else _together(known, told)
    return list(found.values())


def _together(one: Told, other: Told) -> Told:
    """Two events of changes as one."""
    before, event = one.event, one.event.copy()
    event["count"] = before.get("count", 0) + other.event.get("count", 0)
    event["ids"] = (before.get("ids", []) + other.event.get("ids", []))[:IDS_KEPT]
    event["sequence"] = max(before.get("sequence", 0), other.event.get("sequence", 0))
    return Told(event, one.commits + other.commits)


def announce(commit: Commit, bus: Bus) -> None:
    """Tell the consoles what a commit has changed. On the writer's thread."""
    if not bus.has_listeners:
        return
    by_kind: dict[tuple[str, str], list[str]] = {}
    for change in commit.changes:
        by_kind.setdefault((change.table, change.operation), []).append(change.record)
    for (table, operation), ids in by_kind.items():
        bus.publish(
            {
                "kind": "change",
                "table": table,
                "operation": operation,
                "ids": ids[:IDS_KEPT],
                "count": len(ids),
                "sequence": commit.sequence,
                "actor": commit.actor,
            },
            commit,
        )
