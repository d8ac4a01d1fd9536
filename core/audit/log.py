"""Writing and checking of the audit log. Each entry carries a keyed hash over itself and the one before: one changed byte,
or an entry taken out, breaks the chain at a place that can be named (A-175)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text, func, select

from core.audit.action import ACTIONS, Result
from core.clock import to_iso
from core.ids import uuid7
from core.principal import Principal, Source
from core.secrets.envelope import Secrets
from core.storage.catalog import table_names
from core.storage.database import Reader, Transaction
from core.storage.own import ensure
from core.storage.table import instant_type

AUDIT = Table(
    "auth_audit_log",
    MetaData(),
    Column("sequence", BigInteger, nullable=False),
    Column("id", Text, nullable=False),
    Column("time", instant_type(), nullable=False),
    Column("action", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("transport", Text, nullable=False),
    Column("actor_id", Text),
    Column("resource_type", Text),
    Column("resource_id", Text),
    Column("entry", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
"""`entry` is the canonical JSON of the whole; the other columns repeat parts of it, to be looked for by."""
Index("idx_auth_audit_log_sequence", AUDIT.c.sequence, unique=True)
_LOCK = 0x5375_6469  # of PostgreSQL's advisory locks: one entry after another, also from several servers


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened. `who` did it, from where `source` says; `metadata` never holds secrets."""

    action: str
    who: Principal
    source: Source
    resource: tuple[str, str, str] | None = None
    """Type, id and name of what it was done to."""
    result: Result = "success"
    metadata: Mapping[str, Any] = field(default_factory=dict)


class AuditLog:
    """The log of one database. `hash_chain` false leaves the hashes out (`auth.audit.hashChain`)."""

    def __init__(self, secrets: Secrets, *, hash_chain: bool = True) -> None:
        self._secrets = secrets
        self._chained = hash_chain
        self._stands = False

    def ensure(self, tx: Transaction) -> None:
        """Make the table where it is not there."""
        if not self._stands:
            ensure(tx, table_names(tx), AUDIT)

    def write(self, tx: Transaction, *events: Event) -> None:
        """Add entries in the transaction of what they tell of: neither stands without the other (A-177).

        Raises KeyError for an action that is not in the catalogue."""
        if tx.dialect == "postgresql":
            tx.rows("SELECT pg_advisory_xact_lock(?)", [_LOCK])
        latest = tx.rows(select(AUDIT.c.sequence, AUDIT.c.hash).order_by(AUDIT.c.sequence.desc()).limit(1))
        sequence, previous = latest[0] if latest else (0, "")
        rows = []
        for event in events:
            sequence += 1
            entry = self._entry(tx, event, previous)
            text = orjson.dumps(entry, option=orjson.OPT_SORT_KEYS).decode()
            previous = self._hash(sequence, text) if self._chained else ""
            rows.append(
                {
                    "sequence": sequence,
                    "id": entry["id"],
                    "time": tx.time,
                    "action": event.action,
                    "severity": entry["severity"],
                    "result": event.result,
                    "transport": event.source.transport,
                    "actor_id": event.who.id,
                    "resource_type": event.resource and event.resource[0],
                    "resource_id": event.resource and event.resource[1],
                    "entry": text,
                    "hash": previous,
                }
            )
        tx.insert(AUDIT, rows)

    def first_broken(self, reader: Reader, latest: int | None = None) -> str | None:
        """The id of the first entry, of the `latest` or of all, that is not as it was written, or follows one that is
        missing; None: all is well."""
        c = AUDIT.c
        statement = select(c.sequence, c.id, c.action, c.result, c.actor_id, c.resource_id, c.entry, c.hash)
        expected, previous = None, None
        if latest is not None:
            newest = reader.scalar(select(func.max(c.sequence))) or 0
            statement = statement.where(c.sequence > newest - latest)
        for block in reader.stream(statement.order_by(c.sequence)):
            for sequence, id_, action, result, actor, resource, text, hashed in block:
                follows = expected is None or sequence == expected
                if hashed:
                    entry = orjson.loads(text) if self._is_hash(hashed, sequence, text) else {}
                    told = (entry.get("id"), entry.get("action"), entry.get("result"))
                    about = ((entry.get("actor") or {}).get("id"), (entry.get("resource") or {}).get("id"))
                    follows = follows and previous in (None, entry.get("prevHash"))
                    follows = follows and (*told, *about) == (id_, action, result, actor, resource)
                if not follows:
                    return str(id_)
                expected, previous = sequence + 1, hashed
        return None

    def count(self, reader: Reader) -> int:
        return int(reader.scalar(select(func.count()).select_from(AUDIT)))

    def _entry(self, tx: Transaction, event: Event, previous: str) -> dict[str, Any]:
        who, source = event.who, event.source
        kinds = {"owner": "local", "guest": "anon", "user": "user", "system": "system"}
        actor: dict[str, Any] = {"id": who.id, "type": kinds[who.kind], "role": ",".join(sorted(who.roles)) or None}
        if who.key:
            actor |= {"type": "api-token", "keyId": who.key}
        if who.email:
            actor["email"] = who.email
        if who.impersonator:
            actor["impersonatorId"] = who.impersonator
        if source.os_user and who.kind == "owner":
            actor["osUser"] = source.os_user
        resource = None
        if event.resource is not None:
            type_, id_, name = event.resource
            resource = {"type": type_, "id": id_, **({"name": name} if name else {})}
        return {
            "id": uuid7(),
            "timestamp": to_iso(tx.time),
            "action": event.action,
            "severity": ACTIONS[event.action],
            "result": event.result,
            "actor": actor,
            "resource": resource,
            "transport": source.transport,
            "ip": source.address,
            "userAgent": source.agent,
            "requestId": source.request,
            "metadata": dict(event.metadata),
            "prevHash": previous,
        }

    def _hash(self, sequence: int, text: str) -> str:
        return self._secrets.mac("audit", str(sequence), text)

    def _is_hash(self, hashed: str, sequence: int, text: str) -> bool:
        return self._secrets.is_mac(hashed, "audit", str(sequence), text)
