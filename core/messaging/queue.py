"""Mails that wait to leave, and messages that nothing real sends: kept in the database, their words sealed.

A mail is written down before anybody is told that it is under way, and is taken off the list once a mail server has it: so
it leaves, whatever breaks in between. Should the server's last word be lost, it leaves twice, under the same Message-ID.
While nothing can leave, one mail is tried at a time; as soon as one gets through, all the others follow.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
from sqlalchemy import Boolean, Column, Integer, MetaData, Table, Text, and_, delete, func, or_, select, update

from core.clock import Clock, system_clock
from core.errors import Conflict, NotFound, SecretsError, SovriumError
from core.ids import uuid7
from core.messaging.mail import Content, Mail
from core.messaging.setting import MessagingSettings
from core.messaging.transport import MailTransport, NotSent
from core.secrets.envelope import Secrets
from core.storage.database import Call, Database, Reader, Transaction
from core.storage.own import OwnTables
from core.storage.table import instant_type

Kind = Literal["mail", "text"]
Status = Literal["waiting", "kept", "failed"]
OUTBOX = Table(
    "system_outbox",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", instant_type(), nullable=False),
    Column("until", instant_type()),
    Column("due_at", instant_type()),
    Column("attempts", Integer, nullable=False),
    Column("held", Boolean, nullable=False),
    Column("taken_by", Text),
    Column("error", Text),
)
"""`sealed`: subject, text and HTML, for links and codes are secrets. `until`: not sent any more after that. `held`: it waits
for the mail server rather than for anything of its own. `taken_by`: the process that is sending it, until `due_at`."""
SEALED = (OUTBOX.name, "id", "sealed")
"""Where envelopes are, for a change of the master key."""
_PROCESS = uuid7()
TAKEN_FOR = timedelta(minutes=2)
"""After that a mail that another process was sending is taken to be lost, and is sent again."""
TRIED_FOR = timedelta(hours=24)
"""How long a mail is tried for that says nothing else."""
KEPT_FOR = timedelta(days=7)
TIDIED_EVERY = timedelta(hours=1)
DELAYS = (5, 15, 60, 300)
"""Seconds after each attempt; the last one stays."""
IDLE_SECONDS = 60.0
PAUSE_SECONDS = 5.0
"""After the database has refused."""
GRACE_SECONDS = 5.0
"""What a mail that is being sent is given when the server stops."""
LISTED_MOST = 200
log = logging.getLogger("sovrium.mail")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A message of the outbox. `content` only of what nothing real sends: a link that waits for a mail server is the
    recipient's alone, one that has nowhere to go is for whoever runs this server."""

    id: str
    kind: Kind
    template: str
    to: str
    status: Status
    created_at: datetime
    attempts: int
    due_at: datetime | None
    error: str | None
    content: Content | None


class MailQueue:
    """The outbox of a database, and the thread that empties it. Thread-safe."""

    def __init__(
        self,
        database: Database,
        secrets: Secrets,
        transport: MailTransport,
        settings: MessagingSettings,
        clock: Clock = system_clock,
    ) -> None:
        self._database = database
        self._secrets = secrets
        self.transport = transport
        self._settings = settings
        self._clock = clock
        self._own = OwnTables(OUTBOX)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mail", daemon=True)
        self._runner = asyncio.Runner()
        self._sending: asyncio.Task[None] | None = None
        self._tidied: datetime | None = None
        self._accepted: set[str] = set()
        """Mails that the server has and that could not be taken off the list: not to be sent again."""
        self.trouble: str | None = None
        """Why nothing leaves, while nothing does."""

    def start(self) -> None:
        """Begin with what an earlier process has left. Returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Idempotent; returns when nothing of it runs. What has not left is there for the next start."""
        self._stopping.set()
        self._wake.set()
        if self._thread.ident is None:
            self._runner.close()
            return
        if not self._done.wait(GRACE_SECONDS):
            self._give_up_sending()
        self._thread.join()

    def nudge(self) -> None:
        """Something may be due: called after the commit of what `put` has written."""
        self._wake.set()

    # ── What comes in ──

    def put(
        self, tx: Transaction, template: str, to: str, content: Content, *, kind: Kind = "mail", until: datetime | None
    ) -> str:
        """Write a message down in the caller's transaction; its id."""
        self._own.ensure(tx)
        id_ = uuid7()
        now = self._clock()
        is_kept = kind == "text" or self.transport.name == "console"
        plain = orjson.dumps({"subject": content.subject, "text": content.text, "html": content.html})
        row: dict[str, Any] = {
            "id": id_,
            "kind": kind,
            "template": template,
            "recipient": to,
            "sealed": self._secrets.seal(plain, _place(id_)),
            "status": "kept" if is_kept else "waiting",
            "created_at": now,
            "until": until,
            "due_at": None if is_kept else now,
            "attempts": 0,
            "held": False,
            "taken_by": None,
            "error": None,
        }
        tx.insert(OUTBOX, [row])
        return id_

    # ── What people see of it ──

    def entries(self, reader: Reader, limit: int, before: str | None) -> list[Entry]:
        """The newest first; `before` is the id that the page before ended with."""
        if not self._own.stand(reader):
            return []
        o = OUTBOX.c
        statement = select(*(o[name] for name in _COLUMNS)).order_by(o.id.desc()).limit(min(limit, LISTED_MOST))
        if before is not None:
            statement = statement.where(o.id < before)
        return [self._entry(dict(zip(_COLUMNS, row, strict=True))) for row in reader.rows(statement)]

    def entry(self, reader: Reader, id_: str) -> Entry:
        """One by its id. Raises NotFound."""
        o = OUTBOX.c
        statement = select(*(o[name] for name in _COLUMNS)).where(o.id == id_)
        rows = reader.rows(statement) if self._own.stand(reader) else []
        if not rows:
            raise NotFound()
        return self._entry(dict(zip(_COLUMNS, rows[0], strict=True)))

    def retry(self, tx: Transaction, id_: str) -> None:
        """Send it (again), as if it were new. Raises NotFound; Conflict where it cannot be sent."""
        o = OUTBOX.c
        rows = tx.rows(select(o.kind).where(o.id == id_)) if self._own.stand(tx) else []
        if not rows:
            raise NotFound()
        if rows[0][0] == "text":
            raise Conflict("A text message is sent at once or not at all", hint="ask for a new code")
        if self.transport.name == "console":
            raise Conflict("No mail server is set", hint="set SMTP_HOST and start again")
        now = self._clock()
        again = {"status": "waiting", "due_at": now, "until": now + TRIED_FOR, "attempts": 0, "held": False}
        tx.execute(update(OUTBOX).where(o.id == id_).values(**again, taken_by=None, error=None))

    def take_back(self, tx: Transaction, id_: str) -> None:
        """Undo a `put` of the same transaction; an id that is not there costs the same."""
        tx.execute(delete(OUTBOX).where(OUTBOX.c.id == id_))

    def forget(self, tx: Transaction, id_: str | None) -> int:
        """Take one off, or with None all that do not wait any more; how many. Raises NotFound for one that is not there."""
        if not self._own.stand(tx):
            found = 0
        elif id_ is None:
            found = len(tx.rows(select(OUTBOX.c.id).where(OUTBOX.c.status != "waiting")))
            tx.execute(delete(OUTBOX).where(OUTBOX.c.status != "waiting"))
        else:
            found = len(tx.rows(select(OUTBOX.c.id).where(OUTBOX.c.id == id_)))
            tx.execute(delete(OUTBOX).where(OUTBOX.c.id == id_))
        if id_ is not None and not found:
            raise NotFound()
        return found

    def _entry(self, row: dict[str, Any]) -> Entry:
        content, error = None, row["error"]
        if row["status"] == "kept":
            try:
                content = self._opened(row["id"], row["sealed"])
            except SecretsError as refusal:
                error = refusal.message
        return Entry(
            id=row["id"],
            kind=row["kind"],
            template=row["template"],
            to=row["recipient"],
            status=row["status"],
            created_at=row["created_at"],
            attempts=row["attempts"],
            due_at=row["due_at"],
            error=error,
            content=content,
        )

    def _opened(self, id_: str, sealed: str) -> Content:
        return Content(**orjson.loads(self._secrets.open(sealed, _place(id_))))

    # ── What goes out ──

    def _run(self) -> None:
        wait, is_begun = 0.0, False
        try:
            while not self._stopping.is_set():
                self._wake.wait(wait)
                self._wake.clear()
                try:
                    if not is_begun:
                        self._write(self._begin)
                        is_begun = True
                    wait = self._send_due()
                except SovriumError as error:
                    log.warning("Mails wait: %s", error)
                    wait = PAUSE_SECONDS
        finally:
            self._runner.close()
            self._done.set()

    def _begin(self, tx: Transaction) -> None:
        """On DuckDB nobody else is there: what another process has taken, it was killed over."""
        if self._own.stand(tx) and tx.dialect == "duckdb":
            taken = and_(OUTBOX.c.status == "waiting", OUTBOX.c.taken_by.is_not(None), OUTBOX.c.taken_by != _PROCESS)
            if tx.rows(select(OUTBOX.c.id).where(taken).limit(1)):
                tx.execute(update(OUTBOX).where(taken).values(taken_by=None, due_at=self._clock()))

    def _send_due(self) -> float:
        """Send what is due, one after the other; the seconds until more may be."""
        self._tidy()
        if self._read(self._is_due):
            try:
                while not self._stopping.is_set() and self._read(self._is_due):
                    row = self._write(self._take)
                    if row is not None and not self._send(row):
                        break
            finally:
                self._runner.run(self.transport.rest())
        return float(self._read(self._pause))

    def _send(self, row: dict[str, Any]) -> bool:
        """Whether the next may be tried at once."""
        id_ = row["id"]
        try:
            if id_ not in self._accepted:
                self._hand_over(row)
                self._accepted.add(id_)
        except asyncio.CancelledError:
            self._write(lambda tx: self._release(tx, id_))
            return False
        except NotSent as error:
            reason = error
            self._write(lambda tx: self._not_sent(tx, row, reason))
            told = str(reason).replace(row["recipient"], "…")  # servers like to repeat whom they refuse
            log.warning("A mail (%s, %s) has not left: %s", row["template"], id_, told)
            return reason.scope != "server"
        self._write(lambda tx: self._left(tx, row))
        self._accepted.discard(id_)
        log.info("A mail (%s, %s) has left by %s", row["template"], id_, self.transport.name)
        return True

    def _hand_over(self, row: dict[str, Any]) -> None:
        """Raises NotSent, CancelledError."""
        if row["until"] is not None and row["until"] < self._clock():
            raise NotSent("what it says does not hold any more", "never")
        try:
            content = self._opened(row["id"], row["sealed"])
        except SecretsError as error:
            raise NotSent(error.message, "never") from error
        mail = Mail(
            id=row["id"],
            sender=self._settings.sender,
            sender_name=self._settings.sender_name,
            to=row["recipient"],
            content=content,
            at=row["created_at"],
        )
        try:
            self._runner.run(self._sent(mail))
        except NotSent as error:
            self.trouble = str(error) if error.scope == "server" else None
            raise
        self.trouble = None

    async def _sent(self, mail: Mail) -> None:
        self._sending = asyncio.current_task()
        try:
            await self.transport.send(mail)
        finally:
            self._sending = None

    def _give_up_sending(self) -> None:
        def cancel() -> None:
            if self._sending is not None:
                self._sending.cancel()

        try:
            self._runner.get_loop().call_soon_threadsafe(cancel)
        except RuntimeError:  # it has ended meanwhile
            return

    def _is_due(self, reader: Reader) -> bool:
        return self._own.stand(reader) and bool(reader.rows(select(OUTBOX.c.id).where(self._due()).limit(1)))

    def _due(self) -> Any:
        return and_(OUTBOX.c.status == "waiting", OUTBOX.c.due_at <= self._clock())

    def _take(self, tx: Transaction) -> dict[str, Any] | None:
        """The next that is due, marked as ours; None where another server has it already."""
        names = ("id", "template", "recipient", "sealed", "created_at", "attempts", "until")
        o = OUTBOX.c
        rows = tx.rows(select(*(o[name] for name in names)).where(self._due()).order_by(o.due_at, o.id).limit(1))
        if not rows:
            return None
        row = dict(zip(names, rows[0], strict=True))
        marks = {"taken_by": _PROCESS, "due_at": self._clock() + TAKEN_FOR}
        tx.execute(update(OUTBOX).where(o.id == row["id"]).values(marks))
        return row

    def _left(self, tx: Transaction, row: dict[str, Any]) -> None:
        id_, attempts, o = row["id"], row["attempts"] + 1, OUTBOX.c
        if self.transport.is_real:
            tx.execute(delete(OUTBOX).where(o.id == id_))
        else:
            marks = {"status": "kept", "attempts": attempts, "due_at": None, "until": None, "error": None}
            tx.execute(update(OUTBOX).where(o.id == id_).values(**marks, held=False, taken_by=None))
        held = and_(o.status == "waiting", o.held.is_(True), o.taken_by.is_(None))
        if tx.rows(select(o.id).where(held).limit(1)):
            tx.execute(update(OUTBOX).where(held).values(held=False, due_at=self._clock()))

    def _not_sent(self, tx: Transaction, row: dict[str, Any], reason: NotSent) -> None:
        now, o = self._clock(), OUTBOX.c
        attempts = row["attempts"] + 1
        next_ = now + timedelta(seconds=DELAYS[min(attempts, len(DELAYS)) - 1])
        is_over = reason.scope == "never" or next_ > (row["until"] or row["created_at"] + TRIED_FOR)
        marks: dict[str, Any] = {"attempts": attempts, "error": str(reason), "taken_by": None}
        if is_over:
            marks |= {"status": "failed", "due_at": None, "held": False}
        else:
            marks |= {"due_at": next_, "held": reason.scope == "server"}
        tx.execute(update(OUTBOX).where(o.id == row["id"]).values(marks))
        if reason.scope == "server":
            # What else is due would meet the same; what is put in meanwhile tries again at once.
            others = and_(o.status == "waiting", o.due_at < next_, o.taken_by.is_(None))
            if tx.rows(select(o.id).where(others).limit(1)):
                tx.execute(update(OUTBOX).where(others).values(due_at=next_, held=True, error=str(reason)))

    def _release(self, tx: Transaction, id_: str) -> None:
        tx.execute(update(OUTBOX).where(OUTBOX.c.id == id_).values(taken_by=None, due_at=self._clock()))

    def _pause(self, reader: Reader) -> float:
        if not self._own.stand(reader):
            return IDLE_SECONDS
        first = reader.scalar(select(func.min(OUTBOX.c.due_at)).where(OUTBOX.c.status == "waiting"))
        if first is None:
            return IDLE_SECONDS
        return float(min(max((first - self._clock()).total_seconds(), 0.01), IDLE_SECONDS))

    def _tidy(self) -> None:
        """Forget what nobody has looked after for a week."""
        now = self._clock()
        if self._tidied is not None and now - self._tidied < TIDIED_EVERY:
            return
        self._tidied = now
        o = OUTBOX.c
        old = and_(o.status != "waiting", or_(o.created_at < now - KEPT_FOR, o.created_at > now + KEPT_FOR))

        def is_any(reader: Reader) -> bool:
            return self._own.stand(reader) and bool(reader.rows(select(o.id).where(old).limit(1)))

        if self._read(is_any):
            self._write(lambda tx: tx.execute(delete(OUTBOX).where(old)))

    def _read(self, work: Callable[[Reader], Any]) -> Any:
        return self._database.submit_read(Call(work)).result()

    def _write(self, work: Callable[[Transaction], Any]) -> Any:
        return self._database.submit_write(Call(work), actor="system").result()


_COLUMNS: Sequence[str] = (
    *("id", "kind", "template", "recipient", "sealed", "status"),
    *("created_at", "attempts", "due_at", "error"),
)


def _place(id_: str) -> str:
    return f"{OUTBOX.name}/{id_}/sealed"
