"""The worker that turns changes into deliveries and delivers them, in threads of its own (`core.storage.follower`): a change
is told at least once whatever breaks in between.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import orjson
from sqlalchemy import and_, delete, or_, update

from core.clock import Clock, system_clock
from core.errors import SovriumError
from core.fields.model import TableModel
from core.ids import uuid7
from core.outgoing import Transport, send
from core.records.writing import WritableTable
from core.schema.model import WebhookSpec
from core.storage.database import Call, Database, Reader, Row, Transaction
from core.storage.due import DueRows
from core.storage.follower import IDLE_SECONDS, Follower
from core.storage.journal import told_as
from core.webhooks.delivery import Attempt, attempt, delay_after
from core.webhooks.payload import EVENTS, payload, states
from core.webhooks.store import DELIVERIES, POSITION

SENT_AT_ONCE = 20
"""Deliveries of one webhook that are taken together; they go out one after the other, in their order."""
THREADS = 4
TAKEN_FOR = timedelta(minutes=10)
"""After that a delivery that was being sent is taken to be lost, and is sent again."""
KEPT_FOR = timedelta(days=30)
Hook = tuple[str, str]
"""SQL name of the table, name of the webhook."""


class Deliveries(Follower):
    """The webhooks of one app at work. `writable` gives the prepared form of a table."""

    def __init__(
        self,
        database: Database,
        tables: Iterable[TableModel],
        writable: Callable[[TableModel], WritableTable],
        *,
        private: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None,
        clock: Clock = system_clock,
        transport: Transport = send,
    ) -> None:
        hooked = {table.sql_name: table for table in tables if table.spec.webhooks}
        super().__init__("webhooks", database, hooked, POSITION, [DELIVERIES])
        self._writable = writable
        self.hooks = {(name, hook.name): hook for name, table in hooked.items() for hook in table.spec.webhooks}
        self._private = private
        self._environ = environ or {}
        self._clock = clock
        self._due = DueRows(DELIVERIES, TAKEN_FOR, clock)
        self._transport = transport
        self._busy: set[Hook] = set()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(THREADS, "webhook-sender")

    def stop(self) -> None:
        """Idempotent; returns when nothing of it runs. What is being sent is given its time."""
        super().stop()
        self._pool.shutdown(cancel_futures=True)

    def send_now(self, hook: WebhookSpec, event: str, delivery: str, body: str) -> Attempt:
        """One attempt, at once, on this thread."""
        return attempt(
            hook,
            event,
            delivery,
            body,
            transport=self._transport,
            private=self._private,
            environ=self._environ,
            clock=self._clock,
        )

    # ── From changes to deliveries ──

    def take_up(self, tx: Transaction, changes: Sequence[Row]) -> None:
        """Turn changes into deliveries."""
        told = [
            (*each[:2], operation, *each[3:])
            for each in changes
            if each[1] != "*" and (operation := told_as(*each[2:5]))
        ]
        made: list[dict[str, Any]] = []
        for name, table in self.tables.items():
            target = self._writable(table)
            own = [change[:7] for change in told if change[-1] == name]
            known = states(tx, target, own) if own else {}
            for change in own:
                for hook in table.spec.webhooks:
                    if hook.enabled and EVENTS[change[2]] in hook.events:
                        id_ = uuid7()
                        body = payload(hook, target, change, known.get(change[0], {}), id_)
                        row = delivery_row(id_, name, hook, body, tx.time, record=change[1], sequence=change[0])
                        made.append(row)
        if made:
            tx.insert(DELIVERIES, made)
        tx.execute(delete(DELIVERIES).where(DELIVERIES.c.completed_at < tx.time - KEPT_FOR))

    # ── Delivering ──

    def work(self) -> float:
        """Hand what is due to the senders."""
        with self._lock:
            free = [hook for hook, spec in self.hooks.items() if hook not in self._busy and spec.enabled]
        for hook in free:
            job: Call[list[Row]] = Call(partial(self._take, hook))
            rows = self.database.submit_write(job, actor="system").result() if self._is_due(hook) else []
            if rows and not self.stopping.is_set():
                with self._lock:
                    self._busy.add(hook)
                self._pool.submit(self._deliver, hook, rows)
        with self._lock:
            waiting = [hook for hook in self.hooks if hook not in self._busy]
        pause: Call[float] = Call(partial(self._pause, waiting))
        return self.database.submit_read(pause).result()

    def _is_due(self, hook: Hook) -> bool:
        return self.database.submit_read(Call[bool](lambda reader: self._due.is_any(reader, _of(hook)))).result()

    def _take(self, hook: Hook, tx: Transaction) -> list[Row]:
        d = DELIVERIES.c
        columns = d.id, d.event, d.request_body, d.attempts, d.log
        return self._due.take(tx, _of(hook), columns, order=(d.sequence, d.id), most=SENT_AT_ONCE)

    def _pause(self, hooks: list[Hook], reader: Reader) -> float:
        return self._due.rest(reader, or_(*map(_of, hooks))) if hooks else IDLE_SECONDS

    def _deliver(self, hook: Hook, rows: list[Row]) -> None:
        spec = self.hooks[hook]
        try:
            for id_, event, body, attempts, past in rows:
                if self.stopping.is_set():
                    # Not sent: due again at once for whoever comes next.
                    self._note(id_, {"due_at": self._clock()})
                    continue
                done = self.send_now(spec, event, id_, body)
                self._note(id_, outcome(spec, done, attempts + 1, past))
        except SovriumError as error:
            self._log.warning("What became of a delivery was not noted: %s", error)
        finally:
            with self._lock:
                self._busy.discard(hook)
            self.nudge()

    def _note(self, id_: str, values: Mapping[str, Any]) -> None:
        statement = update(DELIVERIES).where(DELIVERIES.c.id == id_).values(values)
        self.database.submit_write(Call(lambda tx: tx.execute(statement)), actor="system").result()


def delivery_row(
    id_: str, table: str, hook: WebhookSpec, body: Mapping[str, Any], now: Any, *, record: str | None, sequence: int = 0
) -> dict[str, Any]:
    """A new delivery, due at once."""
    empty = dict.fromkeys(
        (
            *("requested_at", "completed_at", "duration", "http_status", "error"),
            *("request_headers", "response_headers", "response_body", "log"),
        )
    )
    return {
        "id": id_,
        "table": table,
        "webhook": hook.name,
        "record": record,
        "sequence": sequence,
        "event": str(body["event"]),
        "status": "pending",
        "due_at": now,
        "attempts": 0,
        "created_at": now,
        **empty,
        "request_body": orjson.dumps(body).decode(),
    }


def outcome(hook: WebhookSpec, done: Attempt, attempts: int, past: Any, *, retry: bool = True) -> dict[str, Any]:
    """The columns of a delivery after an attempt."""
    delay = None if done.is_success or not retry else delay_after(hook.retry, attempts)
    finished = delay is None
    status = "success" if done.is_success else "failed" if finished else "pending"
    end = done.at + timedelta(milliseconds=done.duration)
    return {
        "status": status,
        "attempts": attempts,
        "due_at": None if delay is None else end + delay,
        "requested_at": done.at,
        "completed_at": end if finished else None,
        "duration": done.duration,
        "http_status": done.answer.status if done.answer else None,
        "error": done.error,
        "request_headers": dict(done.headers),
        "response_headers": dict(done.answer.headers) if done.answer else None,
        "response_body": done.answer.body if done.answer else None,
        "log": [*(past or []), done.told()],
    }


def _of(hook: Hook) -> Any:
    d = DELIVERIES.c
    return and_(d.status == "pending", d.table == hook[0], d.webhook == hook[1])
