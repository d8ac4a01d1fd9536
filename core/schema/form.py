"""The keys of an app file and what they hold, level by level. Behaviour is elsewhere: these models check shapes and make
the JSON Schema.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
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

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel, frozen=True)


class EnvForm(Form):
    """One declared environment variable (pages-cli §2.5)."""

    key: Annotated[str, StringConstraints(pattern=VARIABLE)]
    description: str = ""
    required: bool = True
    default: str | None = None


class MigrationsForm(Form):
    """How migrations may treat data (D-23)."""

    allow_destructive: bool = False


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


class ForeignKeyForm(Form):
    name: IndexName
    fields: FieldNames
    referenced_table: str
    referenced_fields: FieldNames
    on_delete: str | None = None
    on_update: str | None = None


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
    permissions: Anything | None = None
    row_level_permissions: Anything | None = None
    allow_destructive: bool = False
    allow_force_delete: bool = False
    allow_unvalidated: bool = False
    unique_ignores_deleted: bool = False
    physical_checks: bool = False
    webhooks: list[Any] = []
    comments: Anything | None = None
    rate_limit: Anything | None = None
    ai_access: Any = None
    disabled: bool = False


TABLE_LATER = (
    "constraints",
    "foreignKeys",
    "views",
    "permissions",
    "rowLevelPermissions",
    "allowForceDelete",
    "allowUnvalidated",
    "uniqueIgnoresDeleted",
    "physicalChecks",
    "webhooks",
    "comments",
    "rateLimit",
    "aiAccess",
)
"""Keys of a table that are kept in `TableSpec.later`."""


class FieldForm(Form):
    """The keys that every field has; the others belong to its type."""

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


FIELD_KEYS = frozenset(field.alias or name for name, field in FieldForm.model_fields.items())


class AppForm(Form):
    """The root of an app file (pages-cli §1.1)."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=214, pattern=NPM_NAME)]
    version: Annotated[str, StringConstraints(min_length=5, pattern=SEMVER)] | None = None
    description: Annotated[str, StringConstraints(max_length=2000, pattern=ONE_LINE)] | None = None
    badge: bool = True
    tables: list[Any] = []
    env: list[Any] = []
    auth: Anything | None = None
    migrations: MigrationsForm | None = None
    theme: Anything | None = None
    languages: Anything | None = None
    analytics: bool | Anything | list[Any] | None = None
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
    history: Anything | None = None
    rate_limit: Any = None
    server: Anything | None = None
    keys: Anything | None = None


ROOT_RUN = frozenset({"name", "version", "description", "tables", "env", "auth", "migrations", "badge"})
"""Root keys that need no note: they work, or say nothing that could be missed."""
