"""The keys of `auth` and what they hold (auth §2.2). `auth_check` and `role_check` read them part by part."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    Tag,
)
from pydantic_core import CoreSchema, core_schema

from core.schema.auth import (
    Algorithm,
    Binding,
    Channel,
    CharacterClass,
    Cost,
    FactorUse,
    SmsProvider,
)
from core.schema.form import Form
from core.schema.pattern import COOKIE_NAME, LOCAL_PATH, ONE_LINE, PHONE_PREFIX, ROLE_NAME
from core.sentence import say

YEAR = 365 * 86_400
SECONDS = "x-seconds"
"""Marks a number in the JSON Schema that counts seconds."""


class Within:
    """A number from `low` to `high`; the message tells both (A-013)."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def check(self, value: int) -> int:
        if not self.low <= value <= self.high:
            raise ValueError(say("{value} is outside {low}..{high}", value=value, low=self.low, high=self.high))
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "minimum": self.low, "maximum": self.high}


class Seconds(Within):
    """A length of time, which forms show and take in greater units as well."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**super().__get_pydantic_json_schema__(schema, handler), SECONDS: True}


class Named:
    """The form of a role's or group's name (A-022); the message tells it."""

    def check(self, value: str) -> str:
        if re.fullmatch(ROLE_NAME, value) is None or value.endswith("\n"):
            raise ValueError(say("'{value}' must match {form}", value=value, form=ROLE_NAME))
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": ROLE_NAME}


def _is_map(other: str) -> Callable[[Any], str]:
    """Which of two forms is meant, so that what is wrong is told of that one only."""
    return lambda value: "<map>" if isinstance(value, dict | Form) else other


Name = Annotated[str, StringConstraints(max_length=63), Named()]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=ONE_LINE)]
LocalPath = Annotated[str, StringConstraints(pattern=LOCAL_PATH, max_length=500)]
PhonePrefix = Annotated[str, StringConstraints(pattern=PHONE_PREFIX)]
NotEmpty = Field(json_schema_extra={"minItems": 1})
"""Said by a sentence of our own where it is read."""


# ── Who there can be ──


class RoleForm(Form):
    """§3.1"""

    name: Name = Field(description="Small letters, digits, `-`; a letter first")
    description: str = Field("", description="For people")
    level: Annotated[int, Within(0, 100)] | None = Field(
        None, description="0 to 100, else 40: sorts roles, says who `{minRole}` admits"
    )
    dashboard_tier: Literal["admin-viewer", "admin-editor"] | None = Field(
        None, description="Opens the dashboard to the role"
    )
    default_landing: LocalPath | None = Field(
        None, description="Where a holder arrives; may hold one `$currentUser.assignments.<table>[0]`"
    )
    picker_landing: LocalPath | None = Field(None, description="Where a holder with several assignments chooses one")


class GroupForm(Form):
    name: Name = Field(description="As of a role; permissions say `group:<name>`")
    description: str = Field("", description="For people")
    max_members: Annotated[int, Field(ge=1)] | None = Field(None, description="How many accounts may be in it")


class RolesForm(Form):
    """Those keys that say who there can be; the others say how people sign in."""

    roles: list[RoleForm] = Field([], description="Roles beside `admin` (80), `member` (40) and `viewer` (10)")
    groups: list[GroupForm] = Field([], description="Groups of accounts")
    default_role: str | None = Field(None, description="The role of a new account")
    scope_tables: Annotated[list[str], NotEmpty] | None = Field(
        None, description="Tables over whose records access is granted"
    )


# ── Ways to sign in ──


class EmailAndPasswordForm(Form):
    """An address and a password."""

    type: Literal["emailAndPassword"]
    min_password_length: Annotated[int, Within(6, 128)] = Field(8, description="Characters")
    max_password_length: Annotated[int, Within(8, 256)] = Field(128, description="Characters; not below the least")
    require_email_verification: bool = Field(False, description="Nobody signs in before the address is verified")
    auto_sign_in: bool = Field(True, description="Signing up begins a session, unless verification is required")
    auto_sign_in_after_verification: bool = Field(True, description="The link of the verification begins a session")
    hash_profile: Cost = Field(
        "owasp", description="Cost of the argon2id hash; a dearer one is taken up at the next sign-in"
    )
    require_classes: list[CharacterClass] = Field([], description="Kinds of characters that a password must have")
    refuse_common_passwords: bool = Field(True, description="Refuses the 10,000 most common ones")


class MagicLinkForm(Form):
    """A link by mail, or the code in it."""

    type: Literal["magicLink"]
    expiration_minutes: Annotated[int, Within(1, 1440)] = Field(
        15, description="How long the link holds; it opens once"
    )


class CustomProviderForm(Form):
    """An OpenID Connect server of one's own."""

    custom: Annotated[str, StringConstraints(pattern=ROLE_NAME, max_length=40)] = Field(
        description="Its name here; its variables begin with it, `MY_ID_CLIENT_ID`"
    )
    issuer: str = Field(description="Its address")
    scopes: list[Annotated[str, StringConstraints(pattern=r"^\S+$")]] = Field(
        ["openid", "email", "profile"], description="What is asked for"
    )


ProviderForm = Annotated[
    Annotated[str, Tag("<name>")] | Annotated[CustomProviderForm, Tag("<map>")], Discriminator(_is_map("<name>"))
]


class OAuthForm(Form):
    """The account of another site."""

    model_config = ConfigDict(json_schema_extra={"required": ["type", "providers"]})

    type: Literal["oauth"]
    providers: Annotated[list[ProviderForm], NotEmpty] = Field(
        [], description="Names, or `{custom, issuer, scopes}` for an OpenID Connect server of one's own"
    )
    store_tokens: bool = Field(False, description="Keeps the provider's tokens, encrypted")


class PhoneForm(Form):
    """A code by SMS."""

    type: Literal["phone"]
    sms_provider: SmsProvider = Field(
        "console", description="`console` shows codes in the outbox, on this machine only"
    )
    otp_length: Annotated[int, Within(6, 10)] = Field(6, description="Digits of a code")
    otp_expiry_seconds: Annotated[int, Seconds(30, 3600)] = Field(300, description="How long a code holds")
    channels: Annotated[list[Channel], Field(min_length=1)] = Field(["sms"], description="How codes are sent")
    test_otps: dict[str, Annotated[str, StringConstraints(pattern=r"^[0-9]{4,10}$")]] = Field(
        {}, description="Numbers with a code that always holds, on this machine only"
    )
    home_prefix: PhonePrefix | None = Field(None, description="The country that one is in, such as `+49`")
    countries: list[PhonePrefix] = Field([], description="Prefixes of further countries that messages may go to")


class SamlForm(Form):
    """The sign-in of one's organisation."""

    type: Literal["saml"]
    sp_key_ref: Line | None = Field(None, description="The keyring's entry with the key; else one is made")
    allow_encrypted_assertions: bool = Field(False, description="Takes encrypted assertions")
    allow_idp_initiated: bool = Field(False, description="Takes sign-ins that the identity provider began")


class AnonymousForm(Form):
    """An account without an address, which may get one later."""

    type: Literal["anonymous"]


STRATEGIES: dict[str, type[Form]] = {
    "anonymous": AnonymousForm,
    "emailAndPassword": EmailAndPasswordForm,
    "magicLink": MagicLinkForm,
    "oauth": OAuthForm,
    "phone": PhoneForm,
    "saml": SamlForm,
}

# ── The rest ──


class EmailOtpForm(Form):
    length: Annotated[int, Within(6, 10)] = Field(6, description="Digits of a code")
    expiry_seconds: Annotated[int, Seconds(30, 3600)] = Field(300, description="How long it holds")


class TwoFactorForm(Form):
    issuer: Line | None = Field(None, description="What authenticator apps show; else the app's name")
    backup_codes: bool = Field(True, description="Gives ten codes for the day when the device is lost")
    digits: Annotated[int, Within(4, 8)] = Field(6, description="Of a code")
    period: Annotated[int, Seconds(1, 3600)] = Field(30, description="Seconds that a code holds")


class SessionForm(Form):
    """Seconds."""

    expires_in: Annotated[int, Seconds(60, 10 * YEAR)] = Field(
        604_800, description="How long a session lasts without use"
    )
    update_age: Annotated[int, Seconds(0, YEAR)] = Field(86_400, description="Age from which on use prolongs it")
    fresh_age: Annotated[int, Seconds(0, YEAR)] = Field(
        86_400, description="Age up to which it may change address, password, keys; 0: any"
    )
    inactivity_timeout: Annotated[int, Seconds(0, YEAR)] = Field(
        0, description="Ends a session that was not used so long; 0: none"
    )
    timebox: Annotated[int, Seconds(0, 10 * YEAR)] = Field(
        0, description="Ends a session so long after it began; 0: none"
    )
    max_per_user: Annotated[int, Within(0, 10_000)] = Field(
        0, description="Sessions of one account; the oldest makes room. 0: any number"
    )
    bind: Binding = Field("none", description="What a session is bound to")
    cookie_name: Annotated[str, StringConstraints(pattern=COOKIE_NAME, max_length=100)] | None = Field(
        None, description="Else `__Host-sid`, on plain loopback `sid`"
    )


class RateRuleForm(Form):
    window: Annotated[int, Seconds(1, 86_400)] = Field(60, description="Seconds")
    max: Annotated[int, Within(1, 1_000_000)] = Field(description="Requests within the window")


class RateLimitForm(Form):
    """§10.1"""

    enabled: bool = Field(True, description="`false` on this machine only")
    window: Annotated[int, Seconds(1, 86_400)] = Field(60, description="Seconds")
    max_attempts: Annotated[int, Within(1, 1_000_000)] = Field(5, description="Tries for one account within the window")
    trusted_proxies: list[str] = Field([], description="Addresses or networks whose `X-Forwarded-For` is believed")
    rules: dict[Annotated[str, StringConstraints(pattern=r"^/\S*$")], RateRuleForm] = Field(
        {}, description='`{"/sign-in/*": {window, max}}`: other limits of paths under `/api/auth`'
    )


class RedirectsForm(Form):
    """§17.4"""

    site_url: str | None = Field(None, description="Where links lead unless they say; else `BASE_URL`")
    allow: list[str] = Field(
        [], description="Addresses that links may lead to; `*` stops at `.` and `/`, `**` does not"
    )


class JwtForm(Form):
    algorithm: Algorithm = Field("ES256", description="`HS256` needs `JWT_SECRET`")
    expiry_seconds: Annotated[int, Seconds(60, 604_800)] = Field(3600, description="How long an access token holds")
    legacy_secret: bool = Field(False, description="Takes keys made with `JWT_SECRET`")


class MfaForm(Form):
    """`true` and `false` stand for `on` and `off`: YAML of other programs reads those words so."""

    totp: FactorUse | bool = Field("on", description="Codes of an authenticator app")
    phone: FactorUse | bool = Field("off", description="Codes by SMS as a second factor")
    max_factors: Annotated[int, Within(1, 10)] = Field(10, description="Of one account")
    require_for: list[str] = Field([], description="Roles, or levels such as `>=60`, that need a second factor")


class ImpersonationForm(Form):
    enabled: bool = Field(True, description="Admins may act as another account")
    duration_seconds: Annotated[int, Seconds(60, 86_400)] = Field(3600, description="How long")
    allow_admins: bool = Field(False, description="As another admin, too")


class AuditForm(Form):
    retention_days: Annotated[int, Within(1, 36_500)] = Field(365, description="How long the audit log is kept")
    hash_chain: bool = Field(True, description="Each entry proves the one before it")


class LinksForm(Form):
    confirm_page: bool = Field(True, description="A link of a mail asks for one click before it is used up")


class LocalForm(Form):
    require_sign_in: bool = Field(False, description="The console of the folder's owner asks for an account, too")


class TemplateForm(Form):
    subject: Line = Field(description="One line")
    text: str | None = Field(
        None,
        json_schema_extra={"contentMediaType": "text/plain"},
        description="With `$name`, `$url`, `$email`, `$otp`, `$codes`, `$organizationName`, `$inviterName`, `$validity`",
    )
    html: str | None = Field(
        None, json_schema_extra={"contentMediaType": "text/html"}, description="The same; values are escaped"
    )


class TemplatesForm(Form):
    verification: TemplateForm | None = None
    reset_password: TemplateForm | None = None
    magic_link: TemplateForm | None = None
    email_otp: TemplateForm | None = None
    two_factor_backup_codes: TemplateForm | None = None
    welcome: TemplateForm | None = None
    account_deletion: TemplateForm | None = None
    invitation: TemplateForm | None = None
    phone_otp: TemplateForm | None = None
    email_change: TemplateForm | None = None
    password_changed: TemplateForm | None = None
    mfa_changed: TemplateForm | None = None


class AuthForm(RolesForm):
    """The whole section. `strategies` are read one by one, by their `type`."""

    enabled: bool = Field(True, description="`false`: no accounts")
    strategies: list[Any] = Field([], description="How people sign in; one at least")
    allow_sign_up: bool = Field(True, description="`false`: accounts are made by admins and invitations only")
    two_factor: Annotated[
        Annotated[bool, Tag("<switch>")] | Annotated[TwoFactorForm, Tag("<map>")], Discriminator(_is_map("<switch>"))
    ] = Field(False, description="A code of an authenticator app as a second step; needs `emailAndPassword`")
    email_otp: EmailOtpForm = Field(EmailOtpForm(), description="Codes by mail")
    invitation_token_expiry: int | str = Field("72h", description="`90s`, `30m`, `72h`, `7d`, or milliseconds")
    landing_path: LocalPath | None = Field(None, description="Where people arrive who have signed in")
    no_access_path: LocalPath = Field("/403", description="Where they arrive who may not")
    session: SessionForm = SessionForm()
    rate_limit: RateLimitForm = RateLimitForm()
    redirects: RedirectsForm = RedirectsForm()
    trusted_origins: list[str] = Field([], description="Origins beside the app's own that may send its cookie")
    jwt: JwtForm = JwtForm()
    mfa: MfaForm = MfaForm()
    enumeration_safe: bool | None = Field(
        None, description="Nothing tells whether an address has an account. Else as `requireEmailVerification`"
    )
    admin_api: bool = Field(True, description="`false`: the API of admins answers 404 to everybody")
    hide_admin_api: bool = Field(True, description="Who is no admin gets 404 from it, else 403")
    links: LinksForm = LinksForm()
    local: LocalForm = LocalForm()
    impersonation: ImpersonationForm = ImpersonationForm()
    audit: AuditForm = AuditForm()
    email_templates: TemplatesForm = TemplatesForm()
