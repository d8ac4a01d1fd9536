"""Sessions: begun, recognised at every request, slid, ended (auth §6).

Whoever shows the secret is the account. Only its hash is kept. A session that was recognised is remembered, so that a
request costs no read; ending one, or changing an account, forgets all of them at once (A-034, A-060, A-070). Another server
on the same database follows within a second.
"""

import base64
import hmac
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from sqlalchemy import ColumnElement, select

from core.auth.account import COLUMNS, Account, account_of, effective_roles, groups_of
from core.auth.error import AuthError
from core.auth.store import ACCOUNTS, CREDENTIALS, SESSIONS
from core.clock import Clock, to_iso
from core.errors import NotSignedIn
from core.ids import uuid7
from core.principal import Principal, Source
from core.remembered import Remembered
from core.schema.auth import SessionSpec
from core.schema.role import Roles
from core.secrets.envelope import Secrets
from core.storage.database import Call, Database, Reader, Transaction

SHORT_SECONDS = 86_400
"""How long a session lasts that was begun without `rememberMe` (A-079)."""
SEEN_SECONDS = 30.0
"""How often what was seen last is written down."""
SKEW_SECONDS = 60.0
"""By how much the clocks of servers on one database may differ; more, and the clock was put back."""
KEPT_MOST = 10_000
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as it is stored. `id` is its handle: whoever has it can end the session, not use it."""

    id: str
    user_id: str
    remember: bool
    assurance: Literal["aal1", "aal2"]
    methods: tuple[str, ...]
    ip: str | None
    user_agent: str | None
    created_at: datetime
    updated_at: datetime
    fresh_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    impersonated_by: str | None
    parent_id: str | None
    device_id: str | None

    def body(self, current: str | None = None) -> dict[str, Any]:
        """As answers tell it; `current` is the id of the session that asks."""
        return {
            "id": self.id,
            "token": self.id,
            "userId": self.user_id,
            "createdAt": to_iso(self.created_at),
            "updatedAt": to_iso(self.updated_at),
            "lastSeenAt": to_iso(self.last_seen_at),
            "expiresAt": to_iso(self.expires_at),
            "ipAddress": self.ip,
            "userAgent": self.user_agent,
            "device": device_text(self.user_agent),
            "assurance": self.assurance,
            "deviceId": self.device_id,
            "isCurrent": self.id == current,
            "impersonatedBy": self.impersonated_by,
        }


class BindingMismatch(AuthError):
    """A session is shown from elsewhere than it was given to: by somebody who has stolen it, perhaps."""

    def __init__(self, session: Session) -> None:
        super().__init__("SESSION_BINDING")
        self.session = session


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a secret belongs to, as a request sees it."""

    session: Session
    account: Account
    principal: Principal
    must_change: bool = False
    """An administrator has chosen its password: until it is another, the session is for changing it."""
    quiet: tuple[datetime, datetime] | None = None
    """From when until when it is live whatever comes, and has nothing to be done for it."""
    slid: bool = False
    """The request that shows it has let it last anew."""


class Sessions:
    """The sessions of one app on one database."""

    def __init__(
        self,
        database: Database,
        spec: SessionSpec,
        roles: Roles,
        keys: Secrets,
        clock: Clock,
        *,
        seconds: Callable[[], float] = time.monotonic,
        cookie_secret: str | None = None,
    ) -> None:
        self._database = database
        self.spec = spec
        self._roles = roles
        self._keys = keys
        self._cookie_key = cookie_secret and hmac.digest(b"cookie", cookie_secret.encode(), "sha256")
        """Of `AUTH_SECRET`, which several servers share; None: a sub-key of the master key."""
        self._clock = clock
        self._seconds = seconds
        self._kept: Remembered[str, SignedIn] = Remembered(database.fresh_seconds, KEPT_MOST, seconds)
        self._generation = 0
        self._seen: dict[str, datetime] = {}
        self._written = seconds()

    # ── In the transaction of a flow ──

    def begin(
        self,
        tx: Transaction,
        account: Account,
        source: Source,
        *,
        methods: Sequence[str],
        remember: bool = True,
        assurance: Literal["aal1", "aal2"] = "aal1",
        lasts: int | None = None,
        impersonated_by: str | None = None,
        parent: str | None = None,
        device: str | None = None,
    ) -> tuple[str, Session]:
        """A new session: its secret, which nobody can read again, and the session. `lasts` in seconds, where it is not the
        app's usual time. The oldest ones beyond `maxPerUser` end (A-068)."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        row: dict[str, Any] = {
            "id": uuid7(),
            "user_id": account.id,
            "token_hash": hash_of(secret),
            "remember": remember,
            "assurance": assurance,
            "methods": list(methods),
            "ip": source.address,
            "user_agent": source.agent and source.agent[:400],
            "created_at": tx.time,
            "updated_at": tx.time,
            "fresh_at": tx.time,
            "last_seen_at": tx.time,
            "expires_at": tx.time + timedelta(seconds=lasts or self._lasts(remember)),
            "impersonated_by": impersonated_by,
            "parent_id": parent,
            "device_id": device,
        }
        tx.insert(SESSIONS, [row])
        if self.spec.max_per_user and impersonated_by is None:
            own = [each for each in self.of(tx, account.id) if each.impersonated_by is None]
            self.end(tx, [each.id for each in own[self.spec.max_per_user :]])
        return secret, _session(row)

    def rotate(self, tx: Transaction, session: str) -> str:
        """A new secret for a session, so that one that was known before opens nothing (A-071)."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        tx.execute(
            SESSIONS.update().where(SESSIONS.c.id == session).values(token_hash=hash_of(secret), updated_at=tx.time)
        )
        return secret

    def refresh(self, tx: Transaction, session: str) -> None:
        """The person has just shown who they are once more (A-067)."""
        tx.execute(SESSIONS.update().where(SESSIONS.c.id == session).values(fresh_at=tx.time))

    def slide(self, tx: Transaction, session: Session) -> Session:
        """Let a session last from now on as long as a new one. Raises NotSignedIn: it was ended meanwhile."""
        expires = self._slid(session, tx.time)
        tx.execute(SESSIONS.update().where(SESSIONS.c.id == session.id).values(expires_at=expires, updated_at=tx.time))
        found = self.find(tx, session.id)
        if found is None:
            raise NotSignedIn
        return found

    def end(self, tx: Transaction, ids: Collection[str]) -> int:
        """End sessions, and those that were begun from them to impersonate; how many."""
        if not ids:
            return 0
        c = SESSIONS.c
        which = c.id.in_(list(ids)) | c.parent_id.in_(list(ids))
        count = len(tx.rows(select(c.id).where(which)))
        tx.execute(SESSIONS.delete().where(which))
        return count

    def end_all(self, tx: Transaction, user: str, *, but: str | None = None) -> int:
        """End the sessions of an account, `but` one, and those in which it acts as somebody else (A-172)."""
        c = SESSIONS.c
        rows = tx.rows(select(c.id).where((c.user_id == user) | (c.impersonated_by == user)))
        return self.end(tx, [id_ for (id_,) in rows if id_ != but])

    def sweep(self, tx: Transaction) -> int:
        """Remove expired sessions; how many (A-059). Those that were begun or used in what is the future, since the clock
        was put back, last no longer than from now on: one that is never shown again would stand open until then."""
        c = SESSIONS.c
        ahead = tx.time + timedelta(seconds=SKEW_SECONDS)
        for remember in (True, False):
            values = {"expires_at": tx.time + timedelta(seconds=self._lasts(remember)), "updated_at": tx.time}
            put_off = SESSIONS.update().where(c.updated_at > ahead, c.remember == remember, c.impersonated_by.is_(None))
            tx.execute(put_off.values(values))
        is_over = (c.expires_at <= tx.time) | (c.impersonated_by.is_not(None) & (c.created_at > ahead))
        rows = tx.rows(select(c.id).where(is_over))
        return self.end(tx, [id_ for (id_,) in rows])

    # ── Reading ──

    def of(self, reader: Reader, user: str) -> list[Session]:
        """The live sessions of an account, the newest first."""
        c = SESSIONS.c
        statement = select(*_STORED).where(c.user_id == user, c.expires_at > self._clock())
        return [_session_of(row) for row in reader.rows(statement.order_by(c.created_at.desc(), c.id.desc()))]

    def find(self, reader: Reader, id_: str) -> Session | None:
        """A live session by its handle."""
        c = SESSIONS.c
        rows = reader.rows(select(*_STORED).where(c.id == id_, c.expires_at > self._clock()))
        return _session_of(rows[0]) if rows else None

    # ── At every request ──

    def at_hand(self, secret: str) -> SignedIn | None:
        """Who shows a secret, where that is remembered and nothing needs to be looked at: nearly always, and sooner than by
        `recognise`, which is to be asked else."""
        found = self._kept.known(hash_of(secret))
        if found is None or found.quiet is None or self._seconds() - self._written >= SEEN_SECONDS:
            return None
        now, (begin, end) = self._clock(), found.quiet
        if not begin <= now < end:
            return None
        self._seen[found.session.id] = now
        return found

    async def recognise(self, secret: str, source: Callable[[], Source]) -> SignedIn | None:
        """Who shows a secret; None for one that opens nothing. From where is asked only when sessions are bound to it.

        Raises:
            BindingMismatch: it is shown from elsewhere than it was given to (A-069).
        """
        hashed = hash_of(secret)
        found = self._kept.known(hashed)
        if found is None:
            found = await self._kept.get(hashed, lambda: self._read(SESSIONS.c.token_hash == hashed))
        now = self._clock()
        if found is None or not self._is_live(found, now):
            return None
        session = found.session
        if self.spec.bind != "none":
            self._check_binding(session, source())
        self._seen[session.id] = now
        if self._seconds() - self._written >= SEEN_SECONDS:
            await self.write_down()
        age = (now - session.updated_at).total_seconds()
        if -SKEW_SECONDS <= age < self.spec.update_age or session.impersonated_by is not None:
            return found  # below that the clock was put back: what is used from then on lasts no longer for it
        return await self._slide_on(found)

    async def still(self, found: SignedIn) -> SignedIn | None:
        """The session of a request that goes on, as it is now: None once it has ended. At most one read a second."""
        id_ = found.session.id
        seen = await self._kept.get(f"id {id_}", lambda: self._read(SESSIONS.c.id == id_))
        return seen if seen is not None and self._is_live(seen, self._clock()) else None

    def forget(self) -> None:
        """What was remembered holds no more: called after every commit that concerns accounts."""
        self._generation += 1
        self._kept.forget()

    @property
    def generation(self) -> int:
        """Another number after each change that concerns accounts: what was recognised before holds no more."""
        return self._generation

    def sign(self, secret: str) -> str:
        """The value of a cookie: what others have made up is refused without a look into the database."""
        return f"{secret}.{next(self._proofs(secret))}"

    def unsign(self, value: str) -> str | None:
        """The secret in a cookie; None where it is not ours."""
        secret, _, proof = value.rpartition(".")
        if not secret:
            return None
        shown = proof.encode()
        for each in self._proofs(secret):
            if hmac.compare_digest(shown, each.encode()):
                return secret
        return None

    def require_fresh(self, session: Session) -> None:
        """Raises AuthError SESSION_NOT_FRESH when the last proof is longer ago than `freshAge` (A-067)."""
        age = self.spec.fresh_age
        if age and (self._clock() - session.fresh_at).total_seconds() > age:
            raise AuthError("SESSION_NOT_FRESH")

    async def write_down(self) -> None:
        """Keep when sessions were last seen."""
        await self._database.write(Call(self.keep_seen), actor="system")

    def keep_seen(self, tx: Transaction) -> None:
        """The same in a transaction of the caller's."""
        seen, self._seen, self._written = dict(self._seen), {}, self._seconds()
        if seen:
            tx.update(SESSIONS, "id", [{"id": id_, "last_seen_at": moment} for id_, moment in seen.items()])

    async def _read(self, which: ColumnElement[bool]) -> SignedIn | None:
        def work(reader: Reader) -> SignedIn | None:
            statement = select(*_STORED, CREDENTIALS.c.must_change, *ACCOUNTS.c)
            statement = statement.join(ACCOUNTS, ACCOUNTS.c.id == SESSIONS.c.user_id)
            statement = statement.outerjoin(CREDENTIALS, CREDENTIALS.c.user_id == SESSIONS.c.user_id)
            rows = reader.rows(statement.where(which))
            if not rows:
                return None
            session, account = _session_of(rows[0][: len(_STORED)]), account_of(rows[0][-len(COLUMNS) :])
            who = self.principal(account, groups_of(reader, account.id), session)
            must_change = bool(rows[0][len(_STORED)])
            return SignedIn(session, account, who, must_change=must_change, quiet=self._quiet(session, account))

        return await self._database.read(Call(work), lane="point")

    def principal(self, account: Account, groups: frozenset[str], session: Session | None) -> Principal:
        """The account as the caller of an operation."""
        return Principal(
            "user",
            account.id,
            account.name,
            frozenset(effective_roles(account.roles, self._roles)),
            account.email,
            groups,
            session=session.id if session else None,
            aal=session.assurance if session else "aal1",
            impersonator=session.impersonated_by if session else None,
            is_anonymous=account.is_anonymous,
        )

    def _is_live(self, found: SignedIn, now: datetime) -> bool:
        session, spec = found.session, self.spec
        return not (
            session.expires_at <= now
            or (session.impersonated_by is not None and (session.created_at - now).total_seconds() > SKEW_SECONDS)
            or (spec.inactivity_timeout and self._idle(session, now) > spec.inactivity_timeout)
            or (spec.timebox and (now - session.created_at).total_seconds() > spec.timebox)
            or found.account.is_banned(now)
            or found.account.deleted_at is not None
        )

    def _quiet(self, session: Session, account: Account) -> tuple[datetime, datetime] | None:
        """What `recognise` asks of the moment, asked once; None: it asks more than that."""
        if self.spec.bind != "none" or self.spec.inactivity_timeout or account.banned or account.deleted_at is not None:
            return None
        skew, ends = timedelta(seconds=SKEW_SECONDS), [session.expires_at]
        if session.impersonated_by is None:
            ends.append(session.updated_at + timedelta(seconds=self.spec.update_age))
        if self.spec.timebox:
            ends.append(session.created_at + timedelta(seconds=self.spec.timebox))
        return max(session.created_at, session.updated_at) - skew, min(ends)

    def _idle(self, session: Session, now: datetime) -> float:
        """Seconds since it was used last."""
        return (now - max(session.last_seen_at, self._seen.get(session.id, session.last_seen_at))).total_seconds()

    def _check_binding(self, session: Session, source: Source) -> None:
        bind = self.spec.bind
        elsewhere = bind in ("ip", "both") and session.ip != source.address
        other = bind in ("userAgent", "both") and session.user_agent != (source.agent and source.agent[:400])
        if elsewhere or other:
            raise BindingMismatch(session)

    async def _slide_on(self, found: SignedIn) -> SignedIn:
        """Once every `updateAge` a session that is used lasts anew (A-067)."""
        slid = await self._database.write(Call(lambda tx: self.slide(tx, found.session)), actor="system")
        self.forget()
        return replace(found, session=slid, slid=True)

    def _slid(self, session: Session, now: datetime) -> datetime:
        expires = now + timedelta(seconds=self._lasts(session.remember))
        if self.spec.timebox:
            expires = min(expires, session.created_at + timedelta(seconds=self.spec.timebox))
        if session.impersonated_by is not None:
            return session.expires_at
        return max(expires, session.expires_at) if session.updated_at <= now else expires

    def _lasts(self, remember: bool) -> int:
        return self.spec.expires_in if remember else min(SHORT_SECONDS, self.spec.expires_in)

    def _proofs(self, secret: str) -> Iterator[str]:
        """By each key that is here, the one in use first."""
        keys = (
            [self._cookie_key] if self._cookie_key else [self._keys.subkey("cookie", id_) for id_ in self._keys.key_ids]
        )
        for key in keys:
            yield base64.urlsafe_b64encode(hmac.digest(key, secret.encode(), "sha256")[:24]).decode()


def hash_of(secret: str) -> str:
    """What is kept of a secret of 32 random bytes: nothing that leads back to it."""
    return sha256(secret.encode()).hexdigest()


def device_text(agent: str | None) -> str:
    """`Firefox on Linux`, as far as a User-Agent tells."""
    text = agent or ""
    kinds = {
        "sovrium-tui": "Console", "Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome",
        "Safari/": "Safari", "curl/": "curl", "python": "Python",
    }  # fmt: skip
    systems = {
        "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS", "Linux": "Linux"
    }  # fmt: skip
    kind = next((name for mark, name in kinds.items() if mark.lower() in text.lower()), None)
    system = next((name for mark, name in systems.items() if mark in text), None)
    return " on ".join(part for part in (kind, system) if part) or "Unknown device"


_STORED = tuple(column for column in SESSIONS.c if column.name != "token_hash")


def _session(row: dict[str, Any]) -> Session:
    return Session(
        **{name: value for name, value in row.items() if name not in ("token_hash", "methods", "remember")},
        methods=tuple(row["methods"] or ()),
        remember=bool(row["remember"]),
    )


def _session_of(values: Sequence[Any]) -> Session:
    return _session(dict(zip((column.name for column in _STORED), values, strict=True)))
