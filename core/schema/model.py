"""The app file after loading: every key known, every alias resolved, every name checked.

Shapes only; what a field's options mean is the business of `core.fields`. Keys whose feature is not built yet are kept
as data in `App.later` and reported by `validate` as notes, so that a Sovrium app file loads whole.
Source of the rules: spec tables-records §2, §3.0 and pages-cli §1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from core.schema.auth import AuthSpec
from core.schema.permission import Permissions, RateLimit, RowRules
from core.schema.policy import RowSecurity
from core.schema.role import Roles
from core.schema.view import ViewSpec

PrimaryKeyType = Literal["auto-increment", "bigserial", "uuid", "text", "composite"]


class FieldOptions(BaseModel):
    """Base of every field type's own keys. A subclass per type stands beside the type in `core.fields`."""

    # Deferred: an app has fields of a few types.
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, populate_by_name=True, alias_generator=to_camel, defer_build=True
    )

    @property
    def is_stored(self) -> bool:
        """The field is a column of its table."""
        return True

    @property
    def is_unique(self) -> bool:
        """The options themselves ask for a unique index."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """One field of a table as the app file says it."""

    id: str
    name: str
    type: str
    required: bool = False
    unique: bool = False
    indexed: bool = False
    default: Any = None
    """Raw value from the file; None = no default."""
    label: str = ""
    description: str = ""
    options: FieldOptions = field(default_factory=FieldOptions)
    has_id: bool = field(default=True, compare=False)
    """The file writes it; else it follows from the place in the list (M-022)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimaryKey:
    """How records are addressed. `fields` has one name (`id` unless the file says otherwise), several for composite."""

    type: PrimaryKeyType = "auto-increment"
    fields: tuple[str, ...] = ("id",)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSpec:
    """An index of the file, `indexed: true` fields and `unique` entries included, under its final name (T-041, T-134)."""

    name: str
    fields: tuple[str, ...]
    unique: bool = False
    where: str | None = None
    """A condition in the formula language; the index holds for the rows that meet it (T-139)."""
    nulls_not_distinct: bool = False
    """No two rows may lack the values either (T-136)."""
    live: bool = False
    """Rows in the trash do not count (`uniqueIgnoresDeleted`, T-140)."""
    places: bool = False
    """Over places, which are looked for by nearness (T-042)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintSpec:
    """A condition in the formula language that every row meets (T-141)."""

    name: str
    check: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """A reference over several fields (T-117). `table` is the SQL name of the table that is pointed at."""

    name: str
    fields: tuple[str, ...]
    table: str
    columns: tuple[str, ...]
    on_delete: str = "no-action"
    on_update: str = "no-action"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentRules:
    """How records of a table are commented on (§10.10). Moderation `manual`: an administrator approves each comment,
    save those of `auto_approved` callers (`authenticated`, `previouslyApproved`)."""

    guests: bool = False
    guest_email_required: bool = True
    threading: bool = False
    read_tracking: bool = False
    moderation: Literal["auto", "manual", "auth-required"] = "auto"
    auto_approved: frozenset[str] = frozenset()
    honeypot: bool = True
    guest_rate: tuple[int, int] = (5, 60)
    """So many comments within so many seconds from one address of guests."""
    links_most: int = 2
    blocked_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WebhookAuth:
    """How a webhook shows who it is. `secret` may be `$env.NAME`; it is told to nobody."""

    kind: Literal["hmac", "apiKey", "bearer"]
    secret: str = field(repr=False)
    header: str
    algorithm: Literal["sha256", "sha1"] = "sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRetry:
    """So many `attempts` after the first; delays in seconds, doubling unless `is_fixed`."""

    attempts: int = 3
    is_fixed: bool = False
    first_delay: float = 1.0
    longest_delay: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSpec:
    """A call to another server when records change. `include` None: all fields but those of `exclude`."""

    name: str
    url: str
    events: frozenset[str]
    enabled: bool = True
    auth: WebhookAuth | None = None
    retry: WebhookRetry = WebhookRetry()
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    previous: bool = False
    metadata: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """One table. `sql_name` is the sanitised name: the database's and an API address (T-004)."""

    id: str
    name: str
    sql_name: str
    fields: tuple[FieldSpec, ...]
    primary_key: PrimaryKey = PrimaryKey()
    indexes: tuple[IndexSpec, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    constraints: tuple[ConstraintSpec, ...] = ()
    allow_destructive: bool = False
    allow_force_delete: bool = False
    """A permanent delete clears `restrict` links to the record instead of being refused by them."""
    physical_checks: bool = False
    """What the engine checks stands in the database, too, as far as its CHECK can say it (S-006)."""
    has_id: bool = field(default=True, compare=False)
    """The file writes it; else it follows from the place in the list (M-022)."""
    disabled: bool = False
    permissions: Permissions | None = None
    row_rules: RowRules | None = None
    rls: RowSecurity | None = None
    rate_limit: RateLimit | None = None
    comments: CommentRules | None = None
    webhooks: tuple[WebhookSpec, ...] = ()
    views: tuple[ViewSpec, ...] = ()
    later: Mapping[str, Any] = field(default_factory=dict)
    """Keys kept for features that come later: comments, webhooks, …"""

    def field(self, name: str) -> FieldSpec:
        """The field of that name; KeyError when there is none."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyticsSpec:
    """How visits are counted. `session_minutes`: without a page for so long, a visitor's next one begins another session."""

    retention_days: int = 365
    excluded_paths: tuple[str, ...] = ()
    respects_refusal: bool = True
    """Nothing is stored of browsers that ask not to be tracked (`DNT`, `Sec-GPC`)."""
    session_minutes: int = 30

    def excludes(self, path: str) -> bool:
        """Whether visits of that page are not counted."""
        return any(fnmatchcase(path, pattern) for pattern in self.excluded_paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A loaded app file."""

    name: str
    version: str | None = None
    description: str = ""
    tables: tuple[TableSpec, ...] = ()
    auth: AuthSpec | None = None
    """None: there are no accounts, everybody is a guest (P-015)."""
    roles: Roles = field(default_factory=Roles)
    rate_limit: RateLimit | None = None
    """For all tables that say nothing else."""
    limited: bool = True
    """False: `rateLimit: false`."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose `X-Forwarded-For` is believed, for tables and for accounts."""
    private_hosts: tuple[str, ...] = ()
    """Hosts inside one's own network that webhooks may call."""
    history_days: int | None = None
    """How long changes are remembered; None: always (R-085)."""
    analytics: AnalyticsSpec | None = None
    """None: visits of pages are not counted."""
    env: tuple[Mapping[str, Any], ...] = ()
    host: str | None = None
    port: int | None = None
    """Where the HTTP API listens when whoever starts it says nothing."""
    allowed_hosts: tuple[str, ...] = ()
    """Names that it is called by, beside those of this machine and of `BASE_URL`."""
    later: Mapping[str, Any] = field(default_factory=dict)
    """Root keys kept for features that come later (pages, theme, languages, …), as plain data."""
    source: Path | None = None
    files: tuple[Path, ...] = ()
    """The root file and every file it included."""
    checksum: str = ""
    """SHA-256 of all source text, for the header and the lock file."""
    tables_data: tuple[Mapping[str, Any], ...] = ()
    """The normalised `tables` as plain JSON data, with every id filled in: the snapshot that migrations keep (M-001)."""
