"""Bodies and answers of the admin API (auth §11, §12)."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from core.contract.auth import SessionBody, UserBody


class AdminUser(UserBody):
    """An account, as administrators see it in lists."""

    lastSignInAt: str | None
    invitedAt: str | None
    deletedAt: str | None
    eraseAt: str | None
    lockedUntil: str | None
    """Its password is not tried before that, after too many wrong ones."""


class Identity(TypedDict):
    provider: str
    """`credential` (a password), `email`, `phone`."""


class FactorBody(TypedDict):
    id: str
    type: str
    name: str | None
    verified: bool
    createdAt: str


class AdminUserDetails(AdminUser):
    """`permissions`: by table, the operations that are open to it."""

    groups: list[str]
    permissions: dict[str, list[str]]
    identities: list[Identity]
    factors: list[FactorBody]


class OneUser(TypedDict):
    user: AdminUser


class OneUserDetails(TypedDict):
    user: AdminUserDetails


class RoleSet(TypedDict):
    """`token`: of the session that asks, where somebody has changed their own roles; the former one opens nothing."""

    success: bool
    user: AdminUser
    token: NotRequired[str]


class UserPage(TypedDict):
    users: list[AdminUser]
    total: int
    limit: int
    offset: int
    page: int


class CreateUserRequest(TypedDict, total=False):
    """`data`: emailVerified, image, phone, phoneVerified. `sendInvitation`: a mail asks to choose the password."""

    email: str
    name: str
    password: str
    passwordHash: str
    role: str | list[str]
    data: dict[str, Any]
    sendInvitation: bool


class UpdateUserByAdmin(TypedDict, total=False):
    userId: str
    data: dict[str, Any]


class RoleRequest(TypedDict, total=False):
    """A name, names with commas between them, or a list; the first is the primary role."""

    userId: str
    role: str | list[str]


class PasswordByAdmin(TypedDict, total=False):
    userId: str
    newPassword: str
    mustChange: bool


class UserRequest(TypedDict, total=False):
    userId: str


class BanRequest(TypedDict, total=False):
    userId: str
    banReason: str | None
    banExpiresIn: int | None
    """Seconds; without it for good."""


class RemoveRequest(TypedDict, total=False):
    userId: str
    softDelete: bool


class RevokeByAdmin(TypedDict, total=False):
    """Handles, not secrets."""

    sessionToken: str
    sessionTokens: list[str]


class SessionsOfUser(TypedDict):
    sessions: list[SessionBody]


class RevokedByAdmin(TypedDict):
    success: bool
    revoked: int


class Owner(TypedDict):
    id: str
    name: str
    email: str | None


class SessionOfSomebody(SessionBody):
    user: Owner | None


class SessionPage(TypedDict):
    sessions: list[SessionOfSomebody]
    total: int
    limit: int
    offset: int


class InviteRequest(TypedDict, total=False):
    email: str
    name: str
    role: str | list[str]


class InvitedUser(TypedDict):
    id: str
    email: str | None
    name: str


class InvitationSent(TypedDict):
    """`mailId` is where the outbox has the mail."""

    user: InvitedUser
    invitationSent: bool
    mailId: str


class AcceptRequest(TypedDict, total=False):
    token: str
    password: str
    name: str


class Accepted(TypedDict):
    status: str
    token: str
    user: UserBody


class AcceptForm(TypedDict, total=False):
    token: str
    newPassword: str
    repeated: str


class HasPermissionRequest(TypedDict, total=False):
    """By table the operations. Of a user, of a role, or else of the caller."""

    permissions: dict[str, list[str]]
    userId: str
    role: str


class HasPermission(TypedDict):
    success: bool
    error: str | None


class AdminRole(TypedDict):
    name: str
    level: int
    description: str
    builtIn: bool
    users: int


class AdminRoles(TypedDict):
    roles: list[AdminRole]
    lost: dict[str, int]
    """Roles that users still hold and the app does not have; they count as the default role (A-033)."""
    defaultRole: str


class GroupBody(TypedDict):
    name: str
    description: str
    maxMembers: int | None
    members: int


class GroupList(TypedDict):
    groups: list[GroupBody]


class GroupMembers(TypedDict):
    members: list[Owner]


class DirectoryEntry(TypedDict):
    id: str
    email: str | None
    role: str
    banned: bool


class UserDirectory(TypedDict):
    users: list[DirectoryEntry]


class OverviewTotals(TypedDict):
    users: int
    active_24h: int
    new_in_period: int
    by_role: dict[str, int]


class OverviewPoint(TypedDict):
    timestamp: str
    signups: int
    sessions_started: int


class OverviewSeries(TypedDict):
    interval: str
    points: list[OverviewPoint]


class UserOverview(TypedDict):
    totals: OverviewTotals
    series: OverviewSeries


class Impersonated(TypedDict):
    """The session in which the caller acts as `user`; `token` is its secret, for who keeps no cookie."""

    token: str
    session: SessionBody
    user: UserBody


class ImpersonationEnded(TypedDict):
    """The caller's own session again; null where it has ended meanwhile."""

    session: SessionBody | None
    user: UserBody | None


class BackupRequest(TypedDict, total=False):
    """With a `passphrase` the master key is in the backup, sealed with it."""

    passphrase: str


class ApiKeyRequest(TypedDict, total=False):
    """`userId` and `roles` are for administrators: a key of somebody else, or of nobody with roles of its own. `expiresIn`
    in seconds."""

    name: str
    scopes: list[str]
    expiresIn: int
    userId: str
    roles: list[str]


class ApiKeyRotation(TypedDict, total=False):
    """`grace`: seconds that the former key holds beside the new one; 0 where it is left out."""

    grace: int


class ApiKeyBody(TypedDict):
    """`prefix`: how its secret begins. `userId` null: it has `roles` of its own."""

    id: str
    name: str
    prefix: str
    userId: str | None
    roles: list[str] | None
    scopes: list[str] | None
    createdBy: str | None
    createdAt: str
    expiresAt: str | None
    lastUsedAt: str | None
    revokedAt: str | None
    state: Literal["live", "expired", "revoked"]


class ApiKeyCreated(TypedDict):
    """`key` is the secret; nobody can read it again."""

    key: str
    apiKey: ApiKeyBody


class ApiKeyList(TypedDict):
    apiKeys: list[ApiKeyBody]


class ClaimRequest(TypedDict, total=False):
    email: str
    password: str
    name: str


class Claimed(TypedDict):
    success: bool
    userId: str
    email: str


class AuditActor(TypedDict):
    id: str | None
    type: str
    role: str | None
    email: NotRequired[str]
    impersonatorId: NotRequired[str]
    keyId: NotRequired[str]
    """The API key that was shown."""
    osUser: NotRequired[str]


class AuditResource(TypedDict):
    type: str
    id: str
    name: NotRequired[str]


class AuditEntry(TypedDict):
    id: str
    timestamp: str
    action: str
    severity: str
    result: str
    actor: AuditActor
    resource: AuditResource | None
    transport: str
    ip: str | None
    userAgent: str | None
    requestId: str | None
    metadata: dict[str, Any]
    prevHash: str
    hash: str


class AuditPage(TypedDict):
    items: list[AuditEntry]
    nextCursor: str | None
    limit: int


class AuditCheck(TypedDict):
    """`broken`: the first entry that is not as it was written, or follows one that is missing."""

    ok: bool
    entries: int
    broken: str | None
    reason: str | None


class OutboxContent(TypedDict):
    subject: str
    text: str
    html: str | None


class OutboxEntry(TypedDict):
    """A message that has not left by a real transport. `content` only of what nothing real sends, and only for who runs this
    server: it holds links and codes of others."""

    id: str
    kind: str
    template: str
    to: str
    status: str
    createdAt: str
    attempts: int
    dueAt: str | None
    error: str | None
    content: OutboxContent | None


class OutboxPage(TypedDict):
    messages: list[OutboxEntry]
    nextCursor: str | None


class OutboxForgotten(TypedDict):
    success: bool
    forgotten: int
