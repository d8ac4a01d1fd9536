"""Bodies and answers of `/api/auth`."""

from typing import NotRequired

from typing_extensions import TypedDict


class UserBody(TypedDict):
    """An account, as its owner and administrators see it."""

    id: str
    email: str | None
    emailVerified: bool
    name: str
    image: str | None
    role: str
    """Names with commas between them, the primary one first."""
    phoneNumber: str | None
    phoneNumberVerified: bool
    banned: bool
    banReason: str | None
    banExpires: str | None
    twoFactorEnabled: bool
    isAnonymous: bool
    createdAt: str
    updatedAt: str


class SessionBody(TypedDict):
    """A session. `token` is its handle, as `id`: it ends the session and opens nothing."""

    id: str
    token: str
    userId: str
    createdAt: str
    updatedAt: str
    lastSeenAt: str
    expiresAt: str
    ipAddress: str | None
    userAgent: str | None
    device: str
    assurance: str
    isCurrent: bool
    impersonatedBy: str | None


class SessionAndUser(TypedDict):
    session: SessionBody
    user: UserBody


class SignUpRequest(TypedDict):
    name: NotRequired[str]
    email: NotRequired[str]
    password: NotRequired[str]
    image: NotRequired[str | None]
    callbackURL: NotRequired[str]
    rememberMe: NotRequired[bool]


class SignInRequest(TypedDict):
    email: NotRequired[str]
    password: NotRequired[str]
    rememberMe: NotRequired[bool]
    callbackURL: NotRequired[str]


class TokenAndUser(TypedDict):
    """`token` null: there is no session yet."""

    token: str | None
    user: UserBody


class SignInAnswer(TypedDict, total=False):
    """Either a session, or `twoFactorRedirect` with the ways to show a second factor."""

    redirect: bool
    token: str
    url: str
    user: UserBody
    twoFactorRedirect: bool
    twoFactorMethods: list[str]


class Success(TypedDict):
    success: bool


class Status(TypedDict):
    status: bool


class Revoked(TypedDict):
    status: bool
    revoked: int


class RevokeRequest(TypedDict, total=False):
    token: str
    id: str
