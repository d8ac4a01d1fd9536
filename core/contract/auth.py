"""Bodies and answers of `/api/auth`."""

from typing import Any, Literal, NotRequired

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
    deviceId: str | None
    """The trusted device that it began on: ending the session ends the trust."""
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

    status: bool
    session: SessionBody
    redirect: bool
    token: str
    url: str
    user: UserBody
    twoFactorRedirect: bool
    twoFactorMethods: list[str]


class PasswordRequest(TypedDict, total=False):
    password: str


class EnableRequest(TypedDict, total=False):
    """`issuer` is what the authenticator app shows, in place of the app file's."""

    password: str
    method: Literal["totp"]
    issuer: str


class EnrolmentBody(TypedDict):
    """A second factor that holds once its first code was shown. `qrCode` is SVG. What is here is told once."""

    method: str
    totpURI: str
    secret: str
    qrCode: str
    backupCodes: NotRequired[list[str]]


class TotpUri(TypedDict):
    totpURI: str


class CodeRequest(TypedDict, total=False):
    """`trustDevice`: this browser is not asked again for thirty days."""

    code: str
    trustDevice: bool
    disableSession: bool


class CodeForm(TypedDict, total=False):
    """What the page of the second step sends."""

    code: str
    callbackURL: str


class BackupCodes(TypedDict):
    status: bool
    backupCodes: list[str]


class DeviceBody(TypedDict):
    """A device that skips the second step."""

    id: str
    device: str
    userAgent: str | None
    createdAt: str
    expiresAt: str
    isCurrent: bool


class DeviceRequest(TypedDict, total=False):
    id: str


class MagicLinkRequest(TypedDict, total=False):
    """`name` is what somebody without an account is called then."""

    email: str
    name: str
    callbackURL: str
    newUserCallbackURL: str
    errorCallbackURL: str


class EmailCodeRequest(TypedDict, total=False):
    email: str
    type: Literal["sign-in", "email-verification", "forget-password"]


class EmailCodeSignIn(TypedDict, total=False):
    email: str
    otp: str


class EmailCodeVerification(TypedDict, total=False):
    email: str
    otp: str


class ResetByCodeRequest(TypedDict, total=False):
    email: str
    otp: str
    password: str


class PhoneCodeRequest(TypedDict, total=False):
    phoneNumber: str


class PhoneCodeVerification(TypedDict, total=False):
    """`updatePhoneNumber`: the number is for the account that asks. `disableSession`: no session begins."""

    phoneNumber: str
    code: str
    updatePhoneNumber: bool
    disableSession: bool


class PhoneSignInRequest(TypedDict, total=False):
    phoneNumber: str
    password: str
    rememberMe: bool


class Message(TypedDict):
    message: str


class StatusTokenAndUser(TypedDict):
    """`token` null: no session has begun."""

    status: bool
    token: str | None
    user: UserBody


class VerificationRequest(TypedDict, total=False):
    email: str
    callbackURL: str


class LinkRequest(TypedDict, total=False):
    """What the button of a page sends, as a form or as JSON."""

    token: str
    callbackURL: str


class ChangeEmailRequest(TypedDict, total=False):
    newEmail: str
    callbackURL: str


class UpdateUserRequest(TypedDict, total=False):
    name: str
    image: str | None


class StatusAndUser(TypedDict):
    status: bool
    user: UserBody


class ForgottenRequest(TypedDict, total=False):
    email: str
    redirectTo: str


class StatusAndMessage(TypedDict):
    status: bool
    message: str


class ResetRequest(TypedDict, total=False):
    token: str
    newPassword: str


class ResetForm(TypedDict, total=False):
    """What the page for forgotten passwords sends: an address, or the link's secret with the new password twice."""

    email: str
    token: str
    newPassword: str
    repeated: str


class ChangePasswordRequest(TypedDict, total=False):
    currentPassword: str
    newPassword: str
    revokeOtherSessions: bool


class SetPasswordRequest(TypedDict, total=False):
    newPassword: str


class DeleteAccountRequest(TypedDict, total=False):
    """`confirm` must be true."""

    confirm: bool
    password: str


class Scheduled(TypedDict):
    """The account is removed at `eraseAt`."""

    status: bool
    eraseAt: str


class PersonalExport(TypedDict):
    """What is kept of a person. `kept` and `records` are by name of the table, `log` is what the audit log tells of their
    doings."""

    user: dict[str, Any]
    groups: list[str]
    sessions: list[SessionBody]
    devices: list[dict[str, Any]]
    secondFactors: list[dict[str, Any]]
    apiKeys: list[dict[str, Any]]
    log: list[dict[str, Any]]
    kept: dict[str, list[dict[str, Any]]]
    records: dict[str, list[dict[str, Any]]]


class KeepRequest(TypedDict, total=False):
    """Either the secret of the mail's link, or address and password."""

    token: str
    email: str
    password: str


class KeyStateBody(TypedDict):
    """A master key by its id; nothing of the key itself. `sealed` rows wait to be sealed with the current one, `proofs` stay
    with this one."""

    id: str
    isCurrent: bool
    sealed: int
    proofs: int


class Rotated(TypedDict):
    """`id` is the new key's, `resealed` the number of rows that are sealed with it now."""

    id: str
    resealed: int


class Success(TypedDict):
    success: bool


class Status(TypedDict):
    status: bool


class StatusAndToken(Status):
    """`token`: the session's new secret, for who keeps no cookie."""

    token: str


class Revoked(TypedDict):
    status: bool
    revoked: int


class RevokeRequest(TypedDict, total=False):
    token: str
    id: str


class Ways(TypedDict):
    """How one can sign in to an app, and what it is called."""

    app: str
    password: bool
    emailCode: bool
    magicLink: bool
    phone: bool
    anonymous: bool
    signUp: bool
