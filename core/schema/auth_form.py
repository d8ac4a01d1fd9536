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

YEAR = 365 * 86_400


class Within:
    """A number from `low` to `high`; the message tells both (A-013)."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def check(self, value: int) -> int:
        if not self.low <= value <= self.high:
            raise ValueError(f"{value} is outside {self.low}..{self.high}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "minimum": self.low, "maximum": self.high}


class Named:
    """The form of a role's or group's name (A-022); the message tells it."""

    def check(self, value: str) -> str:
        if re.fullmatch(ROLE_NAME, value) is None or value.endswith("\n"):
            raise ValueError(f"'{value}' must match {ROLE_NAME}")
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

    name: Name
    description: str = ""
    level: Annotated[int, Within(0, 100)] | None = None
    dashboard_tier: Literal["admin-viewer", "admin-editor"] | None = None
    default_landing: LocalPath | None = None
    picker_landing: LocalPath | None = None


class GroupForm(Form):
    name: Name
    description: str = ""
    max_members: Annotated[int, Field(ge=1)] | None = None


class RolesForm(Form):
    """Those keys that say who there can be; the others say how people sign in."""

    roles: list[RoleForm] = []
    groups: list[GroupForm] = []
    default_role: str | None = None
    scope_tables: Annotated[list[str], NotEmpty] | None = None


# ── Ways to sign in ──


class EmailAndPasswordForm(Form):
    type: Literal["emailAndPassword"]
    min_password_length: Annotated[int, Within(6, 128)] = 8
    max_password_length: Annotated[int, Within(8, 256)] = 128
    require_email_verification: bool = False
    auto_sign_in: bool = True
    auto_sign_in_after_verification: bool = True
    hash_profile: Cost = "owasp"
    require_classes: list[CharacterClass] = []
    refuse_common_passwords: bool = True


class MagicLinkForm(Form):
    type: Literal["magicLink"]
    expiration_minutes: Annotated[int, Within(1, 1440)] = 15


class CustomProviderForm(Form):
    """An OpenID Connect server of one's own."""

    custom: Annotated[str, StringConstraints(pattern=ROLE_NAME, max_length=40)]
    issuer: str
    scopes: list[Annotated[str, StringConstraints(pattern=r"^\S+$")]] = ["openid", "email", "profile"]


ProviderForm = Annotated[
    Annotated[str, Tag("<name>")] | Annotated[CustomProviderForm, Tag("<map>")], Discriminator(_is_map("<name>"))
]


class OAuthForm(Form):
    model_config = ConfigDict(json_schema_extra={"required": ["type", "providers"]})

    type: Literal["oauth"]
    providers: Annotated[list[ProviderForm], NotEmpty] = []
    store_tokens: bool = False


class PhoneForm(Form):
    type: Literal["phone"]
    sms_provider: SmsProvider = "console"
    otp_length: Annotated[int, Within(6, 10)] = 6
    otp_expiry_seconds: Annotated[int, Within(30, 3600)] = 300
    channels: Annotated[list[Channel], Field(min_length=1)] = ["sms"]
    test_otps: dict[str, Annotated[str, StringConstraints(pattern=r"^[0-9]{4,10}$")]] = {}
    home_prefix: PhonePrefix | None = None
    countries: list[PhonePrefix] = []


class SamlForm(Form):
    type: Literal["saml"]
    sp_key_ref: Line | None = None
    allow_encrypted_assertions: bool = False
    allow_idp_initiated: bool = False


class AnonymousForm(Form):
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
    length: Annotated[int, Within(6, 10)] = 6
    expiry_seconds: Annotated[int, Within(30, 3600)] = 300


class TwoFactorForm(Form):
    issuer: Line | None = None
    backup_codes: bool = True
    digits: Annotated[int, Within(4, 8)] = 6
    period: Annotated[int, Within(1, 3600)] = 30


class SessionForm(Form):
    """Seconds."""

    expires_in: Annotated[int, Within(60, 10 * YEAR)] = 604_800
    update_age: Annotated[int, Within(0, YEAR)] = 86_400
    fresh_age: Annotated[int, Within(0, YEAR)] = 86_400
    inactivity_timeout: Annotated[int, Within(0, YEAR)] = 0
    timebox: Annotated[int, Within(0, 10 * YEAR)] = 0
    max_per_user: Annotated[int, Within(0, 10_000)] = 0
    bind: Binding = "none"
    cookie_name: Annotated[str, StringConstraints(pattern=COOKIE_NAME, max_length=100)] | None = None


class RateRuleForm(Form):
    window: Annotated[int, Within(1, 86_400)] = 60
    max: Annotated[int, Within(1, 1_000_000)]


class RateLimitForm(Form):
    """§10.1"""

    enabled: bool = True
    window: Annotated[int, Within(1, 86_400)] = 60
    max_attempts: Annotated[int, Within(1, 1_000_000)] = 5
    trusted_proxies: list[str] = []
    rules: dict[Annotated[str, StringConstraints(pattern=r"^/\S*$")], RateRuleForm] = {}


class RedirectsForm(Form):
    """§17.4"""

    site_url: str | None = None
    allow: list[str] = []


class JwtForm(Form):
    algorithm: Algorithm = "ES256"
    expiry_seconds: Annotated[int, Within(60, 604_800)] = 3600
    legacy_secret: bool = False


class MfaForm(Form):
    """`true` and `false` stand for `on` and `off`: YAML of other programs reads those words so."""

    totp: FactorUse | bool = "on"
    phone: FactorUse | bool = "off"
    max_factors: Annotated[int, Within(1, 10)] = 10
    require_for: list[str] = []


class ImpersonationForm(Form):
    enabled: bool = True
    duration_seconds: Annotated[int, Within(60, 86_400)] = 3600
    allow_admins: bool = False


class AuditForm(Form):
    retention_days: Annotated[int, Within(1, 36_500)] = 365
    hash_chain: bool = True


class LinksForm(Form):
    confirm_page: bool = True


class LocalForm(Form):
    require_sign_in: bool = False


class TemplateForm(Form):
    subject: Line
    text: str | None = None
    html: str | None = None


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

    enabled: bool = True
    strategies: list[Any] = []
    allow_sign_up: bool = True
    two_factor: Annotated[
        Annotated[bool, Tag("<switch>")] | Annotated[TwoFactorForm, Tag("<map>")], Discriminator(_is_map("<switch>"))
    ] = False
    email_otp: EmailOtpForm = EmailOtpForm()
    invitation_token_expiry: int | str = "72h"
    landing_path: LocalPath | None = None
    no_access_path: LocalPath = "/403"
    session: SessionForm = SessionForm()
    rate_limit: RateLimitForm = RateLimitForm()
    redirects: RedirectsForm = RedirectsForm()
    trusted_origins: list[str] = []
    jwt: JwtForm = JwtForm()
    mfa: MfaForm = MfaForm()
    enumeration_safe: bool | None = None
    admin_api: bool = True
    hide_admin_api: bool = True
    links: LinksForm = LinksForm()
    local: LocalForm = LocalForm()
    impersonation: ImpersonationForm = ImpersonationForm()
    audit: AuditForm = AuditForm()
    email_templates: TemplatesForm = TemplatesForm()
