"""The worker that has fields filled: it finds in the change log what is to be asked, asks, and writes the answers."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, or_, select, update

from core.clock import Clock
from core.errors import Invalid, NotFound, SovriumError
from core.fields.address import key_text
from core.fields.model import TableModel
from core.generation.fill import Fill
from core.generation.model import MISFITS, Model, NotAnswered
from core.generation.question import answer_of, is_empty, question_of
from core.generation.reason import DEFECT, EMPTY, MISFIT, NOT_ASKED_FOR, REFUSED
from core.generation.store import CAUSE, FILLS, POSITION, Value, ask, fills_of, release
from core.generation.wish import wishes_of
from core.outgoing import Line
from core.principal import SYSTEM
from core.records.key import KeyValue, parse_key
from core.records.reading import GetRow, SeenReading
from core.records.service import Records
from core.records.shape import Shape
from core.records.validate import accept_changes
from core.sentence import say
from core.storage.database import Call, Reader, Row, Transaction
from core.storage.due import DueRows
from core.storage.follower import IDLE_SECONDS, Follower
from core.storage.journal import told_as

THREADS = 4
"""Questions that are put at a time."""
TAKEN_FOR = timedelta(minutes=3)
"""After that a question that was being put is taken to be lost, and is put again. No question takes as long."""
FIRST_DELAY, LONGEST_DELAY, GROWTH = 2.0, 600.0, 5
"""Seconds until a question is put again, and what they are multiplied by each time."""
LATER = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=3))
"""After that a question that has failed is put once more, each time. In the end only somebody who asks has it put."""
_OPEN = FILLS.c.status != "done"
Told = Callable[[str, Sequence[str]], None]
"""Hears the SQL name of a table and the records whose values are in another state."""


class Filler(Follower):
    """The fields of one app that a model fills. `told` is called, on any thread, when values are in another state without
    a change of the record."""

    def __init__(self, records: Records, model: Model, *, clock: Clock, told: Told) -> None:
        tables = {table.sql_name: table for table in records.model if table.generated}
        super().__init__("generation", records.database, tables, POSITION, [FILLS])
        self._records = records
        self._model = model
        self._clock = clock
        self._due = DueRows(FILLS, TAKEN_FOR, clock)
        self._told = told
        self._wishes = {name: wishes_of(table) for name, table in tables.items()}
        self._lines: set[Line] = set()
        """Of the questions that are being put."""
        self._taken_up: list[tuple[str, Sequence[str]]] = []
        """What is to be told once it is committed."""
        self._quiet_until: datetime | None = None
        """The provider has asked for a rest."""
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(THREADS, "model")

    def prepare(self, tx: Transaction) -> None:
        """What could not be asked because of the key is asked again, for a start may come with another one; what a process
        was asking when it ended, too. What waited is looked at anew: it may have been for a field that is no more."""
        super().prepare(tx)
        f = FILLS.c
        fields = or_(*(and_(f.table == name, f.field.in_(table.generated)) for name, table in self.tables.items()))
        tx.execute(delete(FILLS).where(~fields))
        again = {"status": "pending", "due_at": tx.time, "attempts": 0}
        tx.execute(update(FILLS).where(f.status == "failed", f.reason.startswith(REFUSED)).values(again))
        tx.execute(update(FILLS).where(f.status == "pending", f.due_at.is_(None)).values(due_at=tx.time))
        if tx.dialect == "duckdb":  # whose only process this is
            tx.execute(update(FILLS).where(f.status == "pending", f.due_at > tx.time).values(due_at=tx.time))

    def stop(self) -> None:
        """Idempotent; returns when nothing of it runs. Questions that are being put are dropped, to be put again."""
        super().stop()
        with self._lock:
            for line in self._lines:
                line.cut()
        self._pool.shutdown(cancel_futures=True)

    def asked(self, table: str, record: str) -> None:
        """Somebody has asked for values of a record."""
        self._told(table, [record])
        self.nudge()

    # ── From changes to questions ──

    def take_up(self, tx: Transaction, changes: Sequence[Row]) -> None:
        for name, table in self.tables.items():
            own = [change for change in changes if change[-1] == name and change[1] != "*"]
            if own and (records := self._take_up(tx, table, own)):
                self._taken_up.append((name, records))

    def _take_up(self, tx: Transaction, table: TableModel, changes: Sequence[Row]) -> list[str]:
        """The records of which something is to be asked."""
        name, wishes = table.sql_name, self._wishes[table.sql_name]
        rows = self._rows_of(tx, table, {change[1] for change in changes})
        before = fills_of(tx, name, rows)
        known, asked = set(before), dict[Value, int]()
        for sequence, record, logged, old, new, _, _, cause, _ in changes:
            if record not in rows:
                continue
            operation, values = told_as(logged, old, new), new or {}
            for wish in wishes:
                value = (record, wish.name)
                if value in before and sequence <= before[value][1]:
                    continue  # somebody has asked since
                if operation == "update" and cause != CAUSE and wish.name in values:
                    known.discard(value)  # by hand
                    asked.pop(value, None)
                is_free = is_empty(rows[record][wish.name]) or (operation == "update" and value in known)
                if is_free and wish.is_due(operation, values):
                    asked[value] = sequence
                    known.add(value)
        by_hand = [id_ for value, (id_, _) in before.items() if value not in known]
        restored = {change[1] for change in changes if change[2] == "restore"}
        back = [before[value][0] for value in known & before.keys() if value[0] in restored]
        if by_hand:
            tx.execute(delete(FILLS).where(FILLS.c.id.in_(by_hand)))
            for record in {record for record, _ in before.keys() - known}:
                release(tx, name, record)
        if back:
            waiting = and_(FILLS.c.id.in_(back), FILLS.c.status == "pending")
            tx.execute(update(FILLS).where(waiting).values(due_at=tx.time))
        ask(tx, name, asked)
        return list(dict.fromkeys(record for record, _ in asked))

    def _rows_of(self, tx: Transaction, table: TableModel, records: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What the fields hold now, in the API's form, of records that are there, be it in the trash."""
        target, keys = self._records.writable(table), (key_of(table, record) for record in records)
        rows = target.load(tx, [key for key in keys if key is not None])
        return {key_text(key): target.json(row, table.generated) for key, row in rows.items()}

    # ── From questions to values ──

    def work(self) -> float:
        told, self._taken_up = self._taken_up, []
        for table, records in told:
            self._told(table, records)
        now = self._clock()
        if self._quiet_until is not None and now < self._quiet_until:
            return min((self._quiet_until - now).total_seconds(), IDLE_SECONDS)
        with self._lock:
            free = THREADS - len(self._lines)
        if free > 0 and self._is_due():
            for row in self.database.submit_write(Call(lambda tx: self._take(tx, free)), actor="system").result():
                line = Line()
                with self._lock:
                    self._lines.add(line)
                self._pool.submit(self._fill, line, *row)
        return self._pause()

    def _is_due(self) -> bool:
        return self.database.submit_read(Call[bool](lambda reader: self._due.is_any(reader, _OPEN))).result()

    def _take(self, tx: Transaction, count: int) -> list[Row]:
        f = FILLS.c
        columns = f.id, f.table, f.record, f.field, f.asked, f.attempts
        return self._due.take(tx, _OPEN, columns, order=(f.asked, f.id), most=count)

    def _pause(self) -> float:
        with self._lock:
            is_full = len(self._lines) >= THREADS
        if is_full:
            return IDLE_SECONDS  # who ends a question nudges
        return self.database.submit_read(Call[float](lambda reader: self._due.rest(reader, _OPEN))).result()

    def _fill(self, line: Line, id_: str, table: str, record: str, field: str, asked: int, attempts: int) -> None:
        """Put one question, on a thread of the pool."""
        mine = and_(FILLS.c.id == id_, FILLS.c.asked == asked, _OPEN)
        try:
            values = self._outcome(line, id_, self.tables[table], record, field, asked, attempts + 1)
            if values is not None:
                self._note(mine, values, table, record)
                self._told(table, [record])
        except SovriumError as error:
            self._log.warning("What became of a question to the model was not noted: %s", error)
        finally:
            with self._lock:
                self._lines.discard(line)
            self.nudge()

    def _outcome(
        self, line: Line, id_: str, table: TableModel, record: str, field: str, asked: int, attempts: int
    ) -> dict[str, Any] | None:
        """What is to be noted of an attempt; None: the value stands in its record, or nobody waits for it any more."""
        failed = {"status": "failed", "due_at": None, "attempts": attempts}
        try:
            self._ask_and_write(line, id_, table, record, field, asked)
        except NotAnswered as refusal:
            if self.stopping.is_set() and line.is_cut:
                return {"due_at": self._clock()}
            if attempts >= refusal.attempts:
                return failed | {"reason": str(refusal), "due_at": self._due_later(refusal, attempts)}
            return {"attempts": attempts, "reason": str(refusal), "due_at": self._due_after(refusal, attempts)}
        except NotFound:
            forget = delete(FILLS).where(FILLS.c.id == id_)
            self.database.submit_write(Call(lambda tx: tx.execute(forget)), actor="system").result()
        except SovriumError as error:
            return failed | {"reason": str(error.message)}
        except Exception:
            self._log.exception("A field was not filled")
            return failed | {"reason": DEFECT}
        return None

    def _unfollowing(self, table: TableModel, name: str) -> list[str]:
        wishes = self._wishes[table.sql_name]
        return [wish.name for wish in wishes if name in wish.first and not wish.on_update]

    def _sources(self, reader: Reader, table: TableModel, key: KeyValue, name: str) -> dict[str, Any] | None:
        """What the record says now, in the API's form, for the field and its sources; None: it is not the time to ask.
        Raises NotFound."""
        shape = Shape(table, list(dict.fromkeys((name, *table.fields[name].options.source_fields))))
        reading = SeenReading(shape, lambda: self._records.scope(SYSTEM, table))
        record = shape.record(GetRow(reading, key).run(reader))
        # Only then: what a hand wrote before the reading is known to be a hand's, and what it writes later is another value.
        is_behind = self.is_behind(reader, table.sql_name, key_text(key))
        is_early = is_behind or "deletedAt" in record or self._waits(reader, table, key, name)
        return None if is_early else record["fields"]

    def _waits(self, reader: Reader, table: TableModel, key: KeyValue, name: str) -> bool:
        """Another value is on its way that this one is to be made from."""
        first = next(wish.first for wish in self._wishes[table.sql_name] if wish.name == name)
        f = FILLS.c
        of_record = and_(f.table == table.sql_name, f.record == key_text(key), f.status == "pending")
        return bool(first) and bool(reader.rows(select(f.id).where(of_record, f.field.in_(first)).limit(1)))

    def _park(self, tx: Transaction, id_: str, table: TableModel, key: KeyValue, name: str) -> None:
        """Nothing is asked while the record is in the trash, or a source is on its way; unless that has changed since."""
        row = self._records.writable(table).load(tx, [key]).get(key)
        is_open = row is not None and row["deleted_at"] is None and not self._waits(tx, table, key, name)
        parked = {"status": "pending", "due_at": tx.time if is_open else None}
        tx.execute(update(FILLS).where(FILLS.c.id == id_, _OPEN).values(parked))

    def _due_after(self, refusal: NotAnswered, attempts: int) -> datetime:
        now, delay = self._clock(), min(FIRST_DELAY * GROWTH ** (attempts - 1), LONGEST_DELAY)
        if refusal.after is not None:
            self._quiet_until = now + timedelta(seconds=refusal.after)
        # Where the clocks differ, a provider's date may lie in the past.
        return now + timedelta(seconds=max(delay, refusal.after or 0.0))

    def _due_later(self, refusal: NotAnswered, attempts: int) -> datetime | None:
        """When what has failed is tried once more by itself."""
        tried = attempts - refusal.attempts
        return self._clock() + LATER[tried] if refusal.passes and tried < len(LATER) else None

    def _ask_and_write(self, line: Line, id_: str, table: TableModel, record: str, name: str, asked: int) -> None:
        """Raises NotAnswered, NotFound (the record is gone), and what speaks against the value."""
        field, key = table.fields[name], key_of(table, record)
        if key is None:
            raise NotFound
        told = self.database.submit_read(Call(lambda reader: self._sources(reader, table, key, name))).result()
        if told is None:
            park = Call[None](lambda tx: self._park(tx, id_, table, key, name))
            self.database.submit_write(park, actor="system").result()
            return
        question = question_of(field, told)
        value: Any = field.default()
        if question is not None:
            value = accepted(table, name, self._model.ask(question, line))
        target = self._records.writable(table).unsigned()
        fill = Fill(target, key, name, value, told[name], id_, asked, self._unfollowing(table, name))
        self.database.submit_write(fill, actor=SYSTEM.actor, cause=CAUSE).result()

    def _note(self, which: Any, values: Mapping[str, Any], table: str, record: str) -> None:
        def work(tx: Transaction) -> None:
            tx.execute(update(FILLS).where(which).values(values))
            if values.get("status") == "failed":
                release(tx, table, record)

        self.database.submit_write(Call(work), actor="system").result()


def accepted(table: TableModel, name: str, answer: Any) -> Any:
    """The value that an answer amounts to, held against the rules of its field. Raises NotAnswered."""
    try:
        raw = answer_of(table.fields[name], answer)
        if is_empty(raw) and isinstance(raw, str):
            raise NotAnswered(EMPTY, attempts=MISFITS)
        return accept_changes(table, {name: raw}, typed=True)[name]
    except (LookupError, TypeError) as error:
        raise NotAnswered(NOT_ASKED_FOR, attempts=MISFITS) from error
    except Invalid as error:
        raise NotAnswered(say(MISFIT, problem=error.message), attempts=MISFITS) from error


def key_of(table: TableModel, record: str) -> KeyValue | None:
    """None: the log names a record in a form that keys of the table no longer have."""
    try:
        return parse_key(table, record)
    except NotFound:
        return None
