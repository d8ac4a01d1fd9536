"""Reading the audit log (auth §12.1): pages by filters, all of it as a file, whether it is whole, and what is too old."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, func, select

from core.audit.action import ACTIONS
from core.audit.log import AUDIT, AuditLog, Event
from core.clock import from_day
from core.errors import FieldError, Invalid
from core.principal import SYSTEM, Source
from core.storage.database import Reader, Transaction

PAGE, PAGE_MOST = 20, 100
TRIMMED = "audit.trimmed"
EVERY = timedelta(days=1)
"""How often the old end is cut off: each time leaves an entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is looked for; None: anything. `action` may end in `*`. `cursor` is where the page before ended."""

    actor: str | None = None
    action: str | None = None
    resource: str | None = None
    transport: str | None = None
    severity: str | None = None
    result: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    cursor: int | None = None
    limit: int = PAGE

    def where(self) -> ColumnElement[bool]:
        c = AUDIT.c
        parts: list[ColumnElement[bool]] = [c.sequence > 0]
        if self.action is not None:
            begins = self.action.endswith("*")
            parts.append(c.action.startswith(self.action[:-1], autoescape=True) if begins else c.action == self.action)
        for column, value in (
            (c.actor_id, self.actor),
            (c.resource_type, self.resource),
            (c.transport, self.transport),
            (c.severity, self.severity),
            (c.result, self.result),
        ):
            if value is not None:
                parts.append(column == value)
        if self.since is not None:
            parts.append(c.time >= self.since)
        if self.until is not None:
            parts.append(c.time < self.until)
        if self.cursor is not None:
            parts.append(c.sequence < self.cursor)
        return and_(*parts)


@dataclass(frozen=True, slots=True)
class Check:
    """Whether the log is whole. `broken` is the id of the first entry that is not, `reason` what is wrong there."""

    entries: int
    broken: str | None
    reason: str | None = None


def page(reader: Reader, question: Question) -> tuple[list[dict[str, Any]], str | None]:
    """Entries, the newest first, and where the next page begins."""
    c = AUDIT.c
    statement = select(c.sequence, c.entry, c.hash).where(question.where()).order_by(c.sequence.desc())
    rows = reader.rows(statement.limit(question.limit + 1))
    following = str(rows[question.limit - 1][0]) if len(rows) > question.limit else None
    return [told(entry, hashed) for _, entry, hashed in rows[: question.limit]], following


def block(reader: Reader, question: Question, after: int) -> list[tuple[int, dict[str, Any]]]:
    """The entries that follow a place in the log, the oldest first, with their places."""
    c = AUDIT.c
    statement = select(c.sequence, c.entry, c.hash).where(question.where(), c.sequence > after).order_by(c.sequence)
    return [(int(at), told(entry, hashed)) for at, entry, hashed in reader.rows(statement.limit(question.limit))]


def told(entry: str, hashed: str) -> dict[str, Any]:
    return {**orjson.loads(entry), "hash": hashed}


def check(reader: Reader, log: AuditLog) -> Check:
    """Look through all of it: every entry is as it was written and follows the one before, and the first follows what was
    cut off last (A-175)."""
    count = log.count(reader)
    broken = log.first_broken(reader)
    if broken is not None:
        return Check(count, broken, "it was changed, or the entry before it is missing")
    c = AUDIT.c
    first = reader.rows(select(c.sequence, c.id, c.entry, c.hash).order_by(c.sequence).limit(1))
    if not first:
        return Check(count, None)
    sequence, id_, text, hashed = first[0]
    cuts = reader.rows(select(c.entry).where(c.action == TRIMMED).order_by(c.sequence.desc()).limit(1))
    cut: dict[str, Any] = orjson.loads(cuts[0][0])["metadata"] if cuts else {"through": 0, "hash": ""}
    follows = sequence == cut["through"] + 1 and (not hashed or orjson.loads(text)["prevHash"] == cut["hash"])
    return Check(count, None) if follows else Check(count, id_, "what was before it is missing")


def trim(tx: Transaction, log: AuditLog, days: int) -> int:
    """Forget what is older than so many days, once a day; how many entries. An entry stays that tells where the log begins
    from then on, so that what is left can still be checked."""
    c, cutoff = AUDIT.c, tx.time - timedelta(days=days)
    oldest = tx.scalar(select(c.time).order_by(c.sequence).limit(1))
    if oldest is None or oldest >= cutoff - EVERY:
        return 0
    # What was written while the clock was wrong takes nothing along that is not old enough itself.
    kept, newest = tx.rows(select(func.min(c.sequence).filter(c.time >= cutoff), func.max(c.sequence)))[0]
    through = newest if kept is None else kept - 1
    hashed = tx.scalar(select(c.hash).where(c.sequence == through))
    count = int(tx.scalar(select(func.count()).select_from(AUDIT).where(c.sequence <= through)))
    metadata = {"through": int(through), "hash": hashed, "count": count, "days": days}
    log.write(tx, Event(action=TRIMMED, who=SYSTEM, source=Source("system"), metadata=metadata))
    tx.execute(AUDIT.delete().where(c.sequence <= through))
    return count


def parse(params: dict[str, str], limit: int) -> Question:
    """A question from parameters. Raises Invalid."""
    action, cursor = params.get("action"), params.get("cursor")
    if action is not None and not action.endswith("*") and action not in ACTIONS:
        raise _wrong("action", f"There is no action {action[:100]!r}; `session.*` stands for all that begin so")
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise _wrong("cursor", "cursor is the nextCursor of the page before")
    return Question(
        actor=params.get("actorId"),
        action=action,
        resource=params.get("resourceType"),
        transport=params.get("transport"),
        severity=params.get("severity"),
        result=params.get("result"),
        since=_instant(params, "from"),
        until=_instant(params, "to", end=True),
        cursor=int(cursor) if cursor else None,
        limit=limit,
    )


def _instant(params: dict[str, str], name: str, *, end: bool = False) -> datetime | None:
    text = params.get(name)
    if not text:
        return None
    try:
        return from_day(text, end=end)
    except ValueError:
        raise _wrong(name, f"{name} is a day or an instant, such as 2026-02-01") from None


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(field, "parameter.wrong", message)])
