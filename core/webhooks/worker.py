"""The worker that turns changes into deliveries and delivers them, in threads of its own.

It reads the change log behind the position that is kept in the database; deliveries and position move in one transaction.
So a change is told at least once whatever breaks in between, and writing records costs nothing for it.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import orjson
from sqlalchemy import and_, delete, func, or_, select, update

from core.clock import Clock, system_clock
from core.errors import SovriumError
from core.fields.model import TableModel
from core.ids import uuid7
from core.outgoing import Transport, send
from core.records.writing import WritableTable
from core.schema.model import WebhookSpec
from core.storage.database import Call, Commit, Database, Reader, Row, Transaction
from core.storage.journal import CHANGES
from core.storage.own import OwnTables
from core.webhooks.delivery import Attempt, attempt, delay_after
from core.webhooks.payload import EVENTS, payload, states, told_as
from core.webhooks.store import DELIVERIES, POSITION

READER = "deliveries"
CHANGES_AT_ONCE = 200
SENT_AT_ONCE = 20
"""Deliveries of one webhook that are taken together; they go out one after the other, in their order."""
THREADS = 4
IDLE_SECONDS = 15.0
TAKEN_FOR = timedelta(minutes=10)
"""After that a delivery that was being sent is taken to be lost, and is sent again."""
KEPT_FOR = timedelta(days=30)
log = logging.getLogger("sovrium.webhooks")
Hook = tuple[str, str]
"""SQL name of the table, name of the webhook."""


class Deliveries:
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
        self._database = database
        self._writable = writable
        self._tables = {table.sql_name: table for table in tables if table.spec.webhooks}
        self.hooks = {(name, hook.name): hook for name, table in self._tables.items() for hook in table.spec.webhooks}
        self._private = private
        self._environ = environ or {}
        self._clock = clock
        self._transport = transport
        self.own = OwnTables(POSITION, DELIVERIES)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._busy: set[Hook] = set()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(THREADS, "webhook-sender")
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._unlisten: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin with the changes from now on, or from where an earlier process left off. Blocks."""
        self._database.submit_write(Call(self._prepare), actor="system").result()
        self._unlisten = self._database.listen(self._hear)
        self._thread.start()
        self._wake.set()

    def stop(self) -> None:
        """Idempotent; returns when nothing of it runs. What is being sent is given its time."""
        self._stopping.set()
        self._wake.set()
        self._unlisten()
        if self._thread.ident is not None:
            self._thread.join()
        self._pool.shutdown(cancel_futures=True)

    def nudge(self) -> None:
        """Something may be due."""
        self._wake.set()

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

    def _hear(self, commit: Commit) -> None:
        if any(change.table in self._tables for change in commit.changes):
            self._wake.set()

    def _prepare(self, tx: Transaction) -> None:
        self.own.ensure(tx)
        if not tx.rows(select(POSITION.c.sequence).where(POSITION.c.reader == READER)):
            newest = tx.scalar(select(func.max(CHANGES.c.sequence))) or 0
            tx.insert(POSITION, [{"reader": READER, "sequence": newest}])

    def _queue(self, tx: Transaction) -> int:
        """Turn the next changes into deliveries; how many changes there were."""
        position = tx.scalar(select(POSITION.c.sequence).where(POSITION.c.reader == READER))
        c = CHANGES.c
        columns = (c.sequence, c.record, c.operation, c.before, c.after, c.time, c.actor, c.table)
        new = and_(c.sequence > position, c.table.in_(self._tables), c.operation.in_((*EVENTS, "sql")))
        changes = tx.rows(select(*columns).where(new).order_by(c.sequence).limit(CHANGES_AT_ONCE))
        if not changes:
            return 0
        count, newest = len(changes), changes[-1][0]
        changes = [
            (*each[:2], operation, *each[3:])
            for each in changes
            if each[1] != "*" and (operation := told_as(*each[2:5]))
        ]
        made: list[dict[str, Any]] = []
        for name, table in self._tables.items():
            target = self._writable(table)
            own = [change[:-1] for change in changes if change[-1] == name]
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
        tx.execute(update(POSITION).where(POSITION.c.reader == READER).values(sequence=newest))
        d = DELIVERIES.c
        tx.execute(delete(DELIVERIES).where(d.completed_at < tx.time - KEPT_FOR))
        return count

    # ── Delivering ──

    def _run(self) -> None:
        wait = 0.0
        while not self._stopping.is_set():
            self._wake.wait(wait)
            self._wake.clear()
            if self._stopping.is_set():
                return
            try:
                while self._database.submit_write(Call(self._queue), actor="system").result() == CHANGES_AT_ONCE:
                    pass
                wait = self._deliver_due()
            except SovriumError as error:
                log.warning("Webhooks wait: %s", error)
                wait = IDLE_SECONDS

    def _deliver_due(self) -> float:
        """Hand what is due to the senders; the seconds until more may be."""
        with self._lock:
            free = [hook for hook, spec in self.hooks.items() if hook not in self._busy and spec.enabled]
        for hook in free:
            job: Call[list[Row]] = Call(partial(self._take, hook))
            rows = self._database.submit_write(job, actor="system").result() if self._is_due(hook) else []
            if rows and not self._stopping.is_set():
                with self._lock:
                    self._busy.add(hook)
                self._pool.submit(self._deliver, hook, rows)
        with self._lock:
            waiting = [hook for hook in self.hooks if hook not in self._busy]
        pause: Call[float] = Call(partial(self._pause, waiting))
        return self._database.submit_read(pause).result()

    def _is_due(self, hook: Hook) -> bool:
        where = and_(_of(hook), DELIVERIES.c.due_at <= self._clock())
        statement = select(DELIVERIES.c.id).where(where).limit(1)
        return bool(self._database.submit_read(Call(lambda reader: reader.rows(statement))).result())

    def _take(self, hook: Hook, tx: Transaction) -> list[Row]:
        d = DELIVERIES.c
        now = self._clock()
        due = select(d.id, d.event, d.request_body, d.attempts, d.log).where(_of(hook), d.due_at <= now)
        rows = tx.rows(due.order_by(d.sequence, d.id).limit(SENT_AT_ONCE))
        if rows:
            taken = update(DELIVERIES).where(d.id.in_([row[0] for row in rows]))
            tx.execute(taken.values(due_at=now + TAKEN_FOR))
        return rows

    def _pause(self, hooks: list[Hook], reader: Reader) -> float:
        if not hooks:
            return IDLE_SECONDS
        first = reader.scalar(select(func.min(DELIVERIES.c.due_at)).where(or_(*map(_of, hooks))))
        if first is None:
            return IDLE_SECONDS
        return float(min(max((first - self._clock()).total_seconds(), 0.01), IDLE_SECONDS))

    def _deliver(self, hook: Hook, rows: list[Row]) -> None:
        spec = self.hooks[hook]
        try:
            for id_, event, body, attempts, past in rows:
                if self._stopping.is_set():
                    # Not sent: due again at once for whoever comes next.
                    self._note(id_, {"due_at": self._clock()})
                    continue
                done = self.send_now(spec, event, id_, body)
                self._note(id_, outcome(spec, done, attempts + 1, past))
        except SovriumError as error:
            log.warning("What became of a delivery was not noted: %s", error)
        finally:
            with self._lock:
                self._busy.discard(hook)
            self._wake.set()

    def _note(self, id_: str, values: Mapping[str, Any]) -> None:
        statement = update(DELIVERIES).where(DELIVERIES.c.id == id_).values(values)
        self._database.submit_write(Call(lambda tx: tx.execute(statement)), actor="system").result()


def forget_position(database: Database) -> None:
    """An app without webhooks: when it gets some, they begin with what happens then. Blocks."""
    own = OwnTables(POSITION)
    there = select(POSITION.c.sequence)
    if database.submit_read(Call(lambda reader: own.stand(reader) and bool(reader.rows(there)))).result():
        database.submit_write(Call(lambda tx: tx.execute(delete(POSITION))), actor="system").result()


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
