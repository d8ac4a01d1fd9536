"""The decision: may this caller do that, and which rule says so (tables-records §8). There is no other.

Everything here is a function of the app's rules and the caller's roles; rows are judged by the database (`row`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core.access.policy import CallerPolicies
from core.principal import Principal
from core.schema.model import App, TableSpec
from core.schema.permission import Cycle, Operation, Permissions, Rule, resolved
from core.schema.role import GROUP, VIEWER, Roles
from core.schema.scope import permits

FieldOperation = Literal["read", "write"]
Because = Literal[
    "owner",  # the local owner, or the engine itself
    "admin",  # P-006
    "open",  # an app without accounts, a table without a block (P-015)
    "no-block",  # the defaults of a table without a block (D-02)
    "rule",  # what a rule of the file says
    "omitted",  # the block does not name the operation (P-012)
    "admin-only",  # `override.admin` (P-041)
    "comments",  # no rule, but the table has comments (P-013)
    "reading",  # what cannot be read cannot be commented on
    "computed",  # a value made from one that may not be read (P-021)
    "broken",  # permissions that inherit in a circle (P-040)
    "scope",  # an API key that is for something else
]
_BY_DEFAULT: frozenset[Operation] = frozenset({"read", "create", "update", "delete", "restore", "comment"})
_OF_VIEWERS: frozenset[Operation] = frozenset({"read", "comment"})


@dataclass(frozen=True, slots=True)
class Decision:
    """`rule` is the place in the app file, `tables[2].permissions.update`; "" where no place says it."""

    allowed: bool
    because: Because
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """What of a principal counts for tables and fields: callers that are equal here are treated alike. `roles` holds
    `group:<name>` too."""

    is_owner: bool
    has_session: bool
    roles: frozenset[str]
    granted: frozenset[str]
    scopes: frozenset[str] | None = None
    """Of an API key; None: nothing is taken away."""

    @classmethod
    def of(cls, principal: Principal, roles: Roles) -> "Caller":
        """Roles that the app does not know (any more) count for nothing; who is left with none has the default (A-033)."""
        if principal.is_unrestricted:
            return _OWNER
        if principal.kind == "guest":
            return _GUEST
        own = frozenset(principal.roles & roles.by_name.keys()) or frozenset({roles.default})
        groups = frozenset(GROUP + name for name in principal.groups)
        return cls(False, True, own | groups, principal.granted - roles.unrestricted, principal.scopes)


_OWNER = Caller(True, True, frozenset(), frozenset())
_GUEST = Caller(False, False, frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class TableRules:
    """All that the app file says about one table, inheritance resolved. `block` None: it says nothing."""

    spec: TableSpec
    roles: Roles
    has_accounts: bool
    block: Permissions | None
    is_broken: bool = False

    def roles_of(self, caller: Caller) -> frozenset[str]:
        """P-029: grants count on tables with row rules."""
        has_rows = self.spec.row_rules is not None or self.is_policed
        return caller.roles | caller.granted if has_rows else caller.roles

    @property
    def is_policed(self) -> bool:
        """Row policies are in force."""
        return self.spec.rls is not None and self.spec.rls.enabled

    def policies_of(self, caller: Caller) -> CallerPolicies | None:
        """The row policies for a caller; None where there are none in force, or the caller is above them."""
        security = self.spec.rls
        if security is None or not security.enabled or caller.is_owner:
            return None
        if self.is_above_rules(caller) and not security.force:
            return None
        return CallerPolicies.of(security, self.roles_of(caller), has_session=caller.has_session)

    def is_above_rules(self, caller: Caller) -> bool:
        """The owner, admins and their equals (P-006, P-028)."""
        return caller.is_owner or not caller.roles.isdisjoint(self.roles.unrestricted)


def table_rules(app: App) -> Mapping[str, TableRules]:
    """By SQL name."""
    blocks = {table.sql_name: table.permissions for table in app.tables}
    found: dict[str, TableRules] = {}
    for table in app.tables:
        broken, block = False, None
        try:
            block = resolved(table.sql_name, blocks)
        except Cycle:
            broken = True
        found[table.sql_name] = TableRules(table, app.roles, app.auth is not None, block, broken)
    return found


def decide(table: TableRules, caller: Caller, operation: Operation) -> Decision:
    """May the caller do that to records of the table at all? Which records, is for row rules."""
    if caller.is_owner:
        return Decision(True, "owner")
    if caller.scopes is not None and not permits(caller.scopes, table.spec.sql_name, operation):
        return Decision(False, "scope")
    if table.is_above_rules(caller):
        return Decision(True, "admin")
    if table.is_broken:
        return Decision(False, "broken")
    if operation == "comment" and not (reading := decide(table, caller, "read")).allowed:
        return Decision(False, "reading", reading.rule)
    block = table.block
    if block is None:
        return _without_block(table, caller, operation)
    if operation in block.admin_only:
        return Decision(False, "admin-only", block.admin_only[operation].path)
    rule = block.override.get(operation) or block.operations.get(operation)
    if rule is not None:
        return Decision(_admits(rule, table, caller), "rule", rule.path)
    if operation == "restore":
        return decide(table, caller, "delete")  # D-38
    if operation == "comment" and (comments := table.spec.comments):
        return Decision(caller.has_session or comments.guests, "comments")
    return Decision(False, "omitted", block.path)


def decide_field(table: TableRules, caller: Caller, operation: FieldOperation, field: str) -> Decision | None:
    """What the field's own rule says; None: it has none and follows the table (P-019). It never opens a table that is
    closed (P-018)."""
    if table.block is None or table.is_above_rules(caller):
        return None
    rules = (table.block.fields or {}).get(field)
    rule = rules and (rules.read if operation == "read" else rules.write)
    return None if not rule else Decision(_admits(rule, table, caller), "rule", rule.path)


def admits(rule: Rule, table: TableRules, caller: Caller) -> bool:
    """Whether a rule beside the table's own, of a view, lets the caller in."""
    return table.is_above_rules(caller) or _admits(rule, table, caller)


def _without_block(table: TableRules, caller: Caller, operation: Operation) -> Decision:
    """D-02; P-015 where the app has no accounts."""
    if not table.has_accounts:
        return Decision(True, "open")
    if not caller.has_session:
        return Decision(False, "no-block")
    is_more = any(role != VIEWER and not role.startswith(GROUP) for role in table.roles_of(caller))
    return Decision(operation in (_BY_DEFAULT if is_more else _OF_VIEWERS), "no-block")


def _admits(rule: Rule, table: TableRules, caller: Caller) -> bool:
    match rule.who:
        case "all":
            return True
        case "authenticated":
            return caller.has_session
        case "roles":
            return not table.roles_of(caller).isdisjoint(rule.roles)
        case "least":
            return not table.roles_of(caller).isdisjoint(table.roles.at_least(rule.roles[0]))
