"""Who asks. Every call into the engine carries a principal; there is no call without one."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of an operation.

    kind: `owner` is the OS user on the Unix socket, `guest` a caller without a session, `user` a signed-in account,
    `system` the engine itself (imports of `init`, schedules).
    """

    kind: Literal["owner", "guest", "user", "system"]
    id: str | None = None
    name: str = ""
    roles: frozenset[str] = frozenset()
    """All roles of the account; none means the app's default role (P-003)."""
    email: str | None = None
    groups: frozenset[str] = frozenset()
    """Names of groups, without `group:`."""
    granted: frozenset[str] = frozenset()
    """Roles that grants add on tables with row rules (P-029)."""
    assignments: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)
    """By SQL name of a table, the ids of its records that are granted to the account (P-042)."""
    active_assignment: str | None = None
    """The one of them that the account works with at the moment."""
    session: str | None = None
    """The id of the session that the call came with."""
    aal: Literal["aal1", "aal2"] = "aal1"
    """How surely the account is known: `aal2` with a second factor."""
    claims: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What else is said of the account, for `auth.jwt()` in policies."""
    impersonator: str | None = None
    """Id of the admin who acts as this user."""
    is_anonymous: bool = False
    """An account without an address, made by an anonymous sign-in."""
    key: str | None = None
    """Id of the API key that the caller has shown."""
    scopes: frozenset[str] | None = None
    """What that key leaves of the account's rights (`core.schema.scope`); None: all of them."""

    def owns(self, by: "Principal") -> bool:
        """Whether what `by` has begun is the caller's as well. What an account began is not that of a key with scopes, which
        might not have begun it."""
        is_narrow = self.scopes is not None and self.key != by.key
        return not is_narrow and (self.kind, self.id) == (by.kind, by.id)

    @property
    def actor(self) -> str:
        """Who a change is logged under."""
        return self.id or self.kind

    @property
    def keeper(self) -> str:
        """Whose the answers are that are kept for repeated requests. A key with scopes has its own: it may see less than its
        account."""
        return self.actor if self.scopes is None else f"{self.actor} by {self.key}"

    def has_rights_of(self, by: "Principal") -> bool:
        """Whether what `by` has found is still for the caller: an account may have lost since what it was found with. What
        it has won counts as a change, too."""
        mine, theirs = ((each.roles, each.groups, each.granted, each.assignments) for each in (self, by))
        return self.is_unrestricted or mine == theirs

    @property
    def is_unrestricted(self) -> bool:
        """Passes every permission: the local owner and the engine itself."""
        return self.kind in ("owner", "system")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a request comes from, for the audit log and for limits by address."""

    transport: Literal["api", "tui", "cli", "env", "config-file", "system"] = "api"
    address: str | None = None
    agent: str | None = None
    request: str | None = None
    """The id under which the answer and the log speak of it."""
    os_user: str | None = None
    """Login name of the local owner."""


ACTING: ContextVar[str | None] = ContextVar("acting", default=None)
"""Who really acts, while a request of a session that impersonates is answered: every change that is logged names both."""
_BY = "by:"


def credited(cause: str | None) -> str | None:
    """The cause of a change with the one who really acts, as the log keeps it."""
    by = ACTING.get()
    return cause if by is None else f"{_BY}{by} {cause or ''}".rstrip()


def credits_of(cause: str | None) -> tuple[str | None, str | None]:
    """Who really acted, and the cause by itself."""
    if cause is None or not cause.startswith(_BY):
        return None, cause
    by, _, rest = cause.removeprefix(_BY).partition(" ")
    return by, rest or None


OWNER = Principal("owner", name="owner", roles=frozenset({"admin"}))
GUEST = Principal("guest", name="guest")
SYSTEM = Principal("system", name="system", roles=frozenset({"admin"}))
