"""The keys of an app file and what they hold, level by level. Behaviour is elsewhere: these models check shapes and make
the JSON Schema.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from core.schema.model import PrimaryKeyType
from core.schema.pattern import IDENTIFIER, NPM_NAME, ONE_LINE, SEMVER, VARIABLE

Identity = Annotated[int, Field(ge=1, le=2**53 - 1)] | Annotated[str, StringConstraints(min_length=1, max_length=64)]
"""A table's or field's `id`: a whole number or a short text."""
IndexName = Annotated[str, StringConstraints(pattern=IDENTIFIER, max_length=63)]
FieldNames = Annotated[list[str], Field(min_length=1)]
Anything = dict[str, Any]


class Form(BaseModel):
    """Base of the shapes: exact types, no unknown keys, camelCase in the file."""

    # Deferred: of most shapes an app file has none, and to build a validator takes longer than to read a file.
    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel, frozen=True, defer_build=True)


class EnvForm(Form):
    """One declared environment variable (pages-cli §2.5)."""

    key: Annotated[str, StringConstraints(pattern=VARIABLE)]
    description: str = ""
    required: bool = True
    default: str | None = None


class MigrationsForm(Form):
    """How migrations may treat data (D-23). Copies of what they drop are kept so many days (M-018)."""

    allow_destructive: bool = False
    keep_dropped_days: Annotated[int, Field(ge=0, le=36_500)] = 30


class HistoryForm(Form):
    """How long changes are remembered (R-085); without a number of days always."""

    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None


class PrimaryKeyForm(Form):
    """T-015 to T-021"""

    type: PrimaryKeyType
    field: Annotated[str, StringConstraints(pattern=IDENTIFIER, max_length=63)] | None = None
    fields: FieldNames | None = None


class IndexForm(Form):
    name: IndexName
    fields: FieldNames
    unique: bool = False
    where: str | None = None


class UniqueForm(Form):
    fields: FieldNames
    name: IndexName | None = None
    nulls_not_distinct: bool = False


class ConstraintForm(Form):
    name: IndexName
    check: str


def _spell(action: Any) -> Any:
    """`SET NULL` is `set-null`."""
    return action.strip().lower().replace(" ", "-").replace("_", "-") if isinstance(action, str) else action


_ACTIONS = ("cascade", "set-null", "restrict", "no-action")
_SPELLINGS = {each.replace("-", mark) for each in (*_ACTIONS, *map(str.upper, _ACTIONS)) for mark in "- _"}
ForeignAction = Annotated[
    Literal["cascade", "set-null", "restrict", "no-action"],
    BeforeValidator(_spell),
    WithJsonSchema({"type": "string", "enum": sorted(_SPELLINGS)}),
]


class ForeignKeyForm(Form):
    name: IndexName
    fields: FieldNames
    referenced_table: str
    referenced_fields: FieldNames
    on_delete: ForeignAction | None = None
    on_update: ForeignAction | None = None


class MinRoleForm(Form):
    """Every role of at least that one's level."""

    min_role: str


Who = Literal["all", "authenticated"] | Annotated[list[str], Field(min_length=1)] | MinRoleForm
"""Who may: anyone, any session, these roles (`group:<name>` among them), or the roles from a level on (§8.1)."""


class OperationsForm(Form):
    read: Who | None = None
    comment: Who | None = None
    create: Who | None = None
    update: Who | None = None
    delete: Who | None = None
    permanent_delete: Who | None = None
    restore: Who | None = None


class FieldRuleForm(Form):
    field: str
    read: Who | None = None
    write: Who | None = None


class OverrideForm(OperationsForm):
    admin: OperationsForm | None = None


class PermissionsForm(OperationsForm):
    """§8.1 to §8.4"""

    fields: list[FieldRuleForm] | None = None
    inherit: str | None = None
    override: OverrideForm | None = None


class CurrentUserForm(Form):
    """The long form of `$currentUser.…`."""

    kind: Literal["currentUser"]
    path: "ScalarPathForm | AssignmentPathForm | ActivePathForm"


class ScalarPathForm(Form):
    kind: Literal["scalar"]
    name: Literal["id", "email", "role", "isUnrestricted"]


class AssignmentPathForm(Form):
    kind: Literal["assignment"]
    table_slug: str


class ActivePathForm(Form):
    kind: Literal["activeAssignment"]


Scalar = str | int | float | bool


class ConditionForm(Form):
    field: str
    operator: Literal["eq", "neq", "in"]
    value: Scalar | list[Scalar] | CurrentUserForm


def _is_group(value: Any) -> str:
    """Which of the two forms is meant, so that what is wrong is told of that one only."""
    several = "conditions" in value if isinstance(value, dict) else isinstance(value, ConditionsForm)
    return "<group>" if several else "<condition>"


When = Annotated[
    Annotated[ConditionForm, Tag("<condition>")] | Annotated["ConditionsForm", Tag("<group>")], Discriminator(_is_group)
]


class ConditionsForm(Form):
    logic: Literal["and", "or"] = "and"
    conditions: Annotated[list[When], Field(min_length=1)]


class RowRuleForm(Form):
    when: When


class WriteRuleForm(RowRuleForm):
    check_result: bool = True


class RowRulesForm(Form):
    """§8.5"""

    read: RowRuleForm | None = None
    write: WriteRuleForm | None = None
    create: RowRuleForm | None = None
    delete: RowRuleForm | None = None


class PolicyForm(Form):
    """auth §13.1"""

    name: Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=ONE_LINE)]
    for_: Annotated[Literal["all", "select", "insert", "update", "delete"], Field(alias="for")] = "all"
    to: str | Annotated[list[str], Field(min_length=1)] = ["public"]
    as_: Annotated[Literal["permissive", "restrictive"], Field(alias="as")] = "permissive"
    using: str | None = None
    check: str | None = None


class RowSecurityForm(Form):
    """Which rows whom, by role. `force`: admins heed them, too."""

    enabled: bool = True
    force: bool = False
    policies: list[PolicyForm] = []


class TableRateLimitForm(Form):
    """L-007: requests within the window, for callers without a session; those with one have ten times as many."""

    read: Annotated[int, Field(ge=1)] | None = None
    write: Annotated[int, Field(ge=1)] | None = None
    delete: Annotated[int, Field(ge=1)] | None = None
    window_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None


class AppRateLimitForm(TableRateLimitForm):
    """The same for all tables. `trustedProxies` are addresses, or networks, whose `X-Forwarded-For` is believed."""

    enabled: bool = True
    trusted_proxies: list[str] = []


_HostName = Annotated[str, StringConstraints(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)$")]


class ServerForm(Form):
    """Where the HTTP API listens; the command line and the environment say otherwise (A-005). `allowedHosts` are names that
    it is called by beside those of this machine and `BASE_URL` (auth §17.2). More keys come later."""

    model_config = ConfigDict(extra="allow")

    host: Annotated[str, Field(min_length=1)] | None = None
    port: Annotated[int, Field(ge=0, le=65_535)] | None = None
    allowed_hosts: list[_HostName] = []


class AutoApproveForm(Form):
    """Whose comments need no moderator where there is one."""

    authenticated: bool = False
    previously_approved: bool = False


class RateForm(Form):
    max: Annotated[int, Field(ge=1)]
    window_seconds: Annotated[int, Field(ge=1, le=86_400)] = 60


class SpamProtectionForm(Form):
    honeypot: bool = True
    rate_limit_per_ip: Annotated[int, Field(ge=1)] | RateForm = 5
    max_links_before_moderation: Annotated[int, Field(ge=0)] = 2
    blocked_words: list[Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]] = []


class CommentsForm(Form):
    """§10.10"""

    guest_comments: bool = False
    guest_email_required: bool = True
    threading: bool = False
    read_tracking: bool = False
    moderation: bool | Literal["manual", "auto", "auth-required"] = False
    auto_approve: AutoApproveForm = AutoApproveForm()
    spam_protection: SpamProtectionForm = SpamProtectionForm()


_Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", max_length=100)]
_Secret = Annotated[str, StringConstraints(min_length=1)]


class HmacForm(Form):
    type: Literal["hmac"]
    secret: _Secret
    algorithm: Literal["sha256", "sha1"] = "sha256"
    header: _Header = "X-Signature"


class ApiKeyForm(Form):
    type: Literal["apiKey"]
    key: _Secret
    header: _Header = "X-Api-Key"


class BearerForm(Form):
    type: Literal["bearer"]
    token: _Secret


class RetryForm(Form):
    """So many attempts after the first; delays in milliseconds."""

    max_attempts: Annotated[int, Field(ge=0, le=20)] = 3
    backoff: Literal["exponential", "fixed"] = "exponential"
    initial_delay: Annotated[int, Field(ge=0, le=86_400_000)] = 1_000
    max_delay: Annotated[int, Field(ge=0, le=86_400_000)] = 60_000


class PayloadForm(Form):
    include_fields: list[str] | None = None
    exclude_fields: list[str] | None = None
    include_previous_values: bool = False
    include_metadata: bool = False


class WebhookForm(Form):
    """§10.14. Secrets may be `$env.NAME`."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=ONE_LINE)]
    url: str
    events: Annotated[list[Literal["create", "update", "delete"]], Field(min_length=1)]
    enabled: bool = True
    auth: Annotated[HmacForm | ApiKeyForm | BearerForm, Field(discriminator="type")] | None = None
    retry: RetryForm = RetryForm()
    payload: PayloadForm = PayloadForm()


class OutgoingForm(Form):
    """Hosts inside one's own network that webhooks may call; all others there are refused."""

    allow_private: list[str] = []


class TableForm(Form):
    """A table; `fields` are checked one by one against their types."""

    id: Identity | None = None
    name: str
    fields: list[Any]
    primary_key: PrimaryKeyForm | None = None
    indexes: list[IndexForm] = []
    unique: list[UniqueForm] = []
    constraints: list[ConstraintForm] = []
    foreign_keys: list[ForeignKeyForm] = []
    views: list[Any] = []
    permissions: PermissionsForm | None = None
    row_level_permissions: RowRulesForm | None = None
    rls: RowSecurityForm | None = None
    allow_destructive: bool = False
    allow_force_delete: bool = False
    allow_unvalidated: bool = False
    unique_ignores_deleted: bool = False
    physical_checks: bool = False
    webhooks: list[WebhookForm] = []
    comments: CommentsForm | None = None
    rate_limit: TableRateLimitForm | None = None
    ai_access: Any = None
    disabled: bool = False


TABLE_LATER = ("aiAccess",)
"""Keys of a table that are kept in `TableSpec.later`."""


class FieldForm(Form):
    """The keys that every field has; the others belong to its type. The last three tell migrations how to carry values
    over when the field changes."""

    id: Identity | None = None
    name: str
    type: str
    required: bool = False
    unique: bool = False
    indexed: bool = False
    default: Any = None
    label: str = ""
    description: str = ""
    search_weight: Literal["A", "B", "C", "D"] | None = None
    storage: Anything | None = None
    allow_truncate: bool = False
    split: Annotated[str, StringConstraints(min_length=1, max_length=20)] | None = None
    rename_options: dict[str, str] | None = None


FIELD_LATER = ("searchWeight", "storage")
"""Keys of a field that are accepted and do nothing yet."""

FIELD_KEYS = frozenset(field.alias or name for name, field in FieldForm.model_fields.items())


class AppForm(Form):
    """The root of an app file (pages-cli §1.1)."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=214, pattern=NPM_NAME)]
    version: Annotated[str, StringConstraints(pattern=SEMVER)] | None = None
    description: Annotated[str, StringConstraints(max_length=2000, pattern=ONE_LINE)] | None = None
    badge: bool = True
    tables: list[Any] = []
    env: list[Any] = []
    auth: Anything | Literal[False] | None = None
    migrations: MigrationsForm | None = None
    theme: Anything | None = None
    languages: Anything | None = None
    analytics: bool | Anything | None = None
    components: list[Any] | None = None
    pages: Annotated[list[Any], Field(min_length=1)] | None = None
    forms: Annotated[list[Any], Field(min_length=1)] | None = None
    connections: list[Any] | None = None
    actions: list[Any] | None = None
    automations: list[Any] | None = None
    agents: list[Any] | None = None
    buckets: list[Any] | None = None
    scripts: Anything | None = None
    llms: Anything | None = None
    palette: Anything | None = None
    system_sources: list[Any] | None = None
    api: Anything | None = None
    graphql: Anything | None = None
    storage: Anything | None = None
    realtime: Anything | None = None
    functions: Any = None
    logs: Anything | None = None
    backups: Anything | None = None
    history: HistoryForm | None = None
    rate_limit: AppRateLimitForm | Literal[False] | None = None
    webhooks: OutgoingForm | None = None
    server: ServerForm | None = None
    keys: Anything | None = None


ROOT_RUN = frozenset(
    {
        "name",
        "version",
        "description",
        "tables",
        "env",
        "auth",
        "migrations",
        "rateLimit",
        "history",
        "webhooks",
        "server",
        "analytics",
    }
)
"""Root keys that need no note: they work, or say nothing that could be missed."""
