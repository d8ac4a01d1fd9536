"""Who may do what: `/api/tables/{t}/permissions`, `/api/access/…`."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict


class FieldAccess(TypedDict):
    read: bool
    write: bool


class TablePermissions(TypedDict):
    """What the caller may do (P-039). `table` has read, create, update, delete, comment, restore, permanentDelete, export;
    `fields` those with rules, or all. `rows`: operations that are not open for every row; `record`: whether they are for the
    one that was asked about."""

    table: dict[str, bool]
    fields: dict[str, FieldAccess]
    rows: NotRequired[list[str]]
    record: NotRequired[dict[str, bool]]


class WhoAmI(TypedDict):
    """The caller as the server knows it. `admin`: may administer; `unrestricted`: passes every table and field rule."""

    kind: str
    id: str | None
    name: str
    email: str | None
    roles: list[str]
    groups: list[str]
    admin: bool
    unrestricted: bool
    accounts: bool
    """The app has accounts; else everybody is a guest."""


class ExplainRequest(TypedDict):
    """`roles` and `groups`: as somebody who has them; without them as the caller. `user` and `email` are what row rules call
    the current user, `assignments` the record ids by table. `operation` None: all of them."""

    table: str
    operation: NotRequired[str]
    field: NotRequired[str]
    record: NotRequired[str]
    roles: NotRequired[list[str]]
    groups: NotRequired[list[str]]
    user: NotRequired[str]
    email: NotRequired[str]
    assignments: NotRequired[dict[str, list[str]]]
    guest: NotRequired[bool]


class PolicyFound(TypedDict):
    """A row policy that is for the caller. `met`: what it says of the asked record."""

    name: str
    path: str
    restrictive: bool
    met: NotRequired[bool]


class Explained(TypedDict):
    """One decision. `rule` is the place in the app file that decides, "" where none does; `because` is a code of
    `core.access.decision`. `rows`: the row rules that hold for it; `record`: whether the asked record meets them."""

    operation: str
    allowed: bool
    because: str
    rule: str
    rows: list[str]
    policies: NotRequired[list[PolicyFound]]
    """Those that decide on rows; absent where there are none in force, or the caller is above them."""
    record: NotRequired[bool]


class Explanation(TypedDict):
    table: str
    decisions: list[Explained]
    unreadable: list[str]
    unwritable: list[str]


class RoleInfo(TypedDict):
    name: str
    level: int
    description: str
    builtIn: bool


class RoleList(TypedDict):
    roles: list[RoleInfo]
    groups: list[dict[str, Any]]
    defaultRole: str


class TableRules(TypedDict):
    """What the app file says of a table: `permissions`, `rowLevelPermissions` (as `rowRules`) and `rls`, as written.
    `comments`: who may comment where no rule says it, "" for nobody."""

    name: str
    sqlName: str
    fields: list[str]
    permissions: dict[str, Any] | None
    rowRules: dict[str, Any]
    rls: dict[str, Any] | None
    comments: Literal["", "authenticated", "all"]


class AccessRules(TypedDict):
    """`GET /api/access/rules`."""

    accounts: bool
    roles: list[RoleInfo]
    groups: list[str]
    defaultRole: str
    tables: list[TableRules]
