"""The `auth` section of an app file after loading: how people sign in, how long they stay, what is asked of them (§2.2).

Every key has its default here. Who there can be (roles, groups, scope tables) is `App.roles`. Times are whole seconds.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from core.schema.role import Roles

Cost = Literal["owasp", "strong", "max"]
CharacterClass = Literal["lower", "upper", "digit", "symbol"]
SmsProvider = Literal["console", "http", "twilio"]
Channel = Literal["sms", "whatsapp"]
Binding = Literal["none", "userAgent", "ip", "both"]
Algorithm = Literal["ES256", "RS256", "EdDSA", "HS256"]
FactorUse = Literal["on", "off", "verifyOnly"]
TemplateName = Literal[
    "verification",
    "resetPassword",
    "magicLink",
    "emailOtp",
    "twoFactorBackupCodes",
    "welcome",
    "accountDeletion",
    "invitation",
    "phoneOtp",
    "emailChange",
    "passwordChanged",
    "mfaChanged",
]
TEMPLATE_VARIABLES = ("name", "url", "email", "otp", "codes", "organizationName", "inviterName", "validity")
"""What a mail's words may hold, behind a dollar. `validity` is how long the link or code works."""

# ── Ways to sign in ──


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordStrategy:
    """`emailAndPassword`. Lengths are Unicode code points after NFKC."""

    min_length: int = 8
    max_length: int = 128
    require_verification: bool = False
    """Nobody signs in before the address is verified."""
    auto_sign_in: bool = True
    """Signing up begins a session; not while verification is required."""
    auto_sign_in_after_verification: bool = True
    cost: Cost = "owasp"
    """The argon2id profile of §5."""
    require_classes: tuple[CharacterClass, ...] = ()
    refuse_common: bool = True
    """Refuses the 10,000 most common passwords."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MagicLinkStrategy:
    """`magicLink`: a link, or a code, by mail."""

    seconds: int = 15 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthProvider:
    """`google`, or an OpenID Connect server of one's own with its `issuer`. Credentials come from the environment."""

    name: str
    issuer: str | None = None
    scopes: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """How its variables `…_CLIENT_ID` and `…_CLIENT_SECRET` begin."""
        return self.name.upper().replace("-", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthStrategy:
    """`oauth`"""

    providers: tuple[OAuthProvider, ...]
    store_tokens: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneStrategy:
    """`phone`: a code by SMS."""

    provider: SmsProvider = "console"
    otp_length: int = 6
    otp_seconds: int = 300
    channels: tuple[Channel, ...] = ("sms",)
    test_otps: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    """By number in digits, the code that always holds."""
    home_prefix: str | None = None
    """Digits of the country that one is in (`49`)."""
    countries: tuple[str, ...] = ()
    """Prefixes of the countries that messages may go to, in digits."""

    @property
    def prefixes(self) -> tuple[str, ...]:
        """How numbers that messages may go to begin; none: no number for real providers, any for `console` (A-109)."""
        home = () if self.home_prefix is None else (self.home_prefix,)
        return tuple(dict.fromkeys((*home, *self.countries)))

    def reaches(self, digits: str) -> bool:
        """Whether a message may go to a number."""
        return digits.startswith(self.prefixes) if self.prefixes else self.provider == "console"


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlStrategy:
    """`saml`. `sp_key_ref` None: a key of our own is made (RSA 2048)."""

    sp_key_ref: str | None = None
    allow_encrypted_assertions: bool = False
    allow_idp_initiated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AnonymousStrategy:
    """`anonymous`: an account without an address, which may get one later."""


Strategy = PasswordStrategy | MagicLinkStrategy | OAuthStrategy | PhoneStrategy | SamlStrategy | AnonymousStrategy
S = TypeVar("S", bound=Strategy)

# ── What is asked, and for how long it holds ──


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailOtp:
    """Codes by mail: signing in (with `magicLink`), verification, forgotten passwords."""

    length: int = 6
    seconds: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFactorSpec:
    """TOTP as a second factor. `issuer` None: the app's name. `period` in seconds."""

    issuer: str | None = None
    backup_codes: bool = True
    digits: int = 6
    period: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """`fresh_age`, `inactivity_timeout`, `timebox` and `max_per_user`: 0 is off."""

    expires_in: int = 604_800
    update_age: int = 86_400
    fresh_age: int = 86_400
    inactivity_timeout: int = 0
    timebox: int = 0
    max_per_user: int = 0
    bind: Binding = "none"
    cookie_name: str | None = None
    """None: `__Host-sid` over TLS, `sid` on plain loopback."""


@dataclass(frozen=True, slots=True)
class RateRule:
    """So many requests within a window of seconds."""

    max: int
    window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSpec:
    """Limits of the routes of accounts (§10.1). `window` and `max_attempts` are those of one identifier."""

    enabled: bool = True
    window: int = 60
    max_attempts: int = 5
    trusted_proxies: tuple[str, ...] = ()
    rules: Mapping[str, RateRule] = field(default_factory=dict, hash=False)
    """By pattern of a path (`/sign-in/*`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectSpec:
    """Where links may lead (§17.4). `site_url` None: `BASE_URL`."""

    site_url: str | None = None
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtSpec:
    algorithm: Algorithm = "ES256"
    expiry: int = 3600
    legacy_secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MfaSpec:
    """`require_for`: names of roles, and levels such as `>=60`."""

    totp: FactorUse = "on"
    phone: FactorUse = "off"
    max_factors: int = 10
    require_for: tuple[str, ...] = ()

    def demands(self, held: Collection[str], roles: Roles) -> bool:
        """Whether who holds these roles must have a second factor."""
        levels = [int(each.removeprefix(AT_LEAST)) for each in self.require_for if each.startswith(AT_LEAST)]
        return any(name in self.require_for for name in held) or (bool(levels) and roles.level(held) >= min(levels))


AT_LEAST = ">="


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpersonationSpec:
    enabled: bool = True
    duration: int = 3600
    allow_admins: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSpec:
    retention_days: int = 365
    hash_chain: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A mail of the app's own words; None: the built-in one."""

    subject: str
    text: str | None = None
    html: str | None = None


INVITATION_SECONDS = 72 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSpec:
    """How an app's people prove who they are. An app without accounts has none."""

    strategies: tuple[Strategy, ...]
    allow_sign_up: bool = True
    two_factor: TwoFactorSpec | None = None
    email_otp: EmailOtp = EmailOtp()
    invitation_seconds: int = INVITATION_SECONDS
    landing_path: str | None = None
    no_access_path: str = "/403"
    session: SessionSpec = SessionSpec()
    rate: RateSpec = RateSpec()
    redirects: RedirectSpec = RedirectSpec()
    trusted_origins: tuple[str, ...] = ()
    """Origins beside the app's own that may send a session's cookie (§17.2)."""
    jwt: JwtSpec = JwtSpec()
    mfa: MfaSpec = MfaSpec()
    enumeration_safe: bool = False
    """Nothing tells whether an address has an account (§17.3). Unless the file says, as `require_verification`."""
    admin_api: bool = True
    hide_admin_api: bool = True
    """Others than admins get 404 from it (D1); else 403."""
    confirm_links: bool = True
    """A link of a mail asks for one click before it is used up (§7.2)."""
    local_sign_in: bool = False
    """The console of the folder's owner asks for an account as well (A-002)."""
    impersonation: ImpersonationSpec = ImpersonationSpec()
    audit: AuditSpec = AuditSpec()
    templates: Mapping[TemplateName, Template] = field(default_factory=dict, hash=False)
    data: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False, compare=False)
    """The section as the file has it, as plain data."""

    def _of(self, kind: type[S]) -> S | None:
        return next((each for each in self.strategies if isinstance(each, kind)), None)

    @property
    def password(self) -> PasswordStrategy | None:
        return self._of(PasswordStrategy)

    @property
    def magic_link(self) -> MagicLinkStrategy | None:
        return self._of(MagicLinkStrategy)

    @property
    def oauth(self) -> OAuthStrategy | None:
        return self._of(OAuthStrategy)

    @property
    def phone(self) -> PhoneStrategy | None:
        return self._of(PhoneStrategy)

    @property
    def saml(self) -> SamlStrategy | None:
        return self._of(SamlStrategy)

    @property
    def anonymous(self) -> AnonymousStrategy | None:
        return self._of(AnonymousStrategy)

    def unfit_for_public(self) -> list[str]:
        """What other machines must not be able to reach, in sentences; a server that they can reach does not start."""
        found: list[str] = []
        number = next((n for n, each in enumerate(self.strategies) if isinstance(each, PhoneStrategy)), None)
        phone = self.phone
        if phone is not None and phone.provider == "console":
            found.append(f"auth.strategies[{number}].smsProvider: 'console' shows codes instead of sending them")
        if phone is not None and phone.test_otps:
            found.append(f"auth.strategies[{number}].testOtps: codes that everyone can know are for loopback only")
        if not self.rate.enabled:
            found.append("auth.rateLimit.enabled: without limits passwords can be tried at will")
        return found
