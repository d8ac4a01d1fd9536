"""The app's rules at hand: for any caller and table what may be done, seen and written."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from core.access.connected import Connected
from core.access.decision import Caller, Decision, FieldOperation, TableRules, admits, decide, decide_field, table_rules
from core.access.policy import RowsOf, Sides, all_of, term_node
from core.access.row import EVERYTHING as EVERY_ROW
from core.access.row import row_filter
from core.errors import NotFound, NotSignedIn
from core.fields.model import AppModel, TableModel
from core.principal import Principal
from core.query.filter import Node
from core.query.scope import EVERYTHING, Scope, Sight
from core.schema.permission import OPERATIONS, Operation, RowRule
from core.schema.policy import Policy, PolicyAction
from core.schema.scope import ADMIN as ADMIN_SCOPE
from core.schema.view import ViewSpec

RowOperation = Literal["read", "write", "create", "delete"]
ACTION_OF: dict[RowOperation, PolicyAction] = {
    "read": "select",
    "create": "insert",
    "write": "update",
    "delete": "delete",
}
CALLERS_KEPT = 1_000
"""Different sets of roles whose decisions are kept."""
GUARDED_FIELD = "user_id"
"""P-024: never taken from a client."""
_NONE: frozenset[str] = frozenset()


def judges_rows(rules: TableRules, caller: Caller, operation: RowOperation) -> bool:
    """Whether rules say which rows the caller may do that to."""
    ruled = None if rules.is_above_rules(caller) else rules.spec.row_rules
    if ruled is not None and getattr(ruled, operation) is not None:
        return True
    policies = rules.policies_of(caller)
    return policies is not None and not policies.is_open(ACTION_OF[operation], new=operation == "create")


class TableAccess:
    """One table for all callers of the same roles. What a principal's own id decides, its rows, is asked with it."""

    __slots__ = (
        "_all",
        "_allowed",
        "_caller",
        "_judged",
        "_policies",
        "_row_rules",
        "_rules",
        "_sees_all",
        "concealed",
        "hidden",
        "ignored",
        "is_whole",
        "locked",
        "table",
    )

    def __init__(
        self,
        table: TableModel,
        rules: TableRules,
        caller: Caller,
        hidden: frozenset[str],
        locked: frozenset[str],
        everything: "Mapping[str, TableAccess] | None" = None,
    ) -> None:
        """`everything`: the tables of the app for the same caller, which policies may ask of."""
        self.table = table
        self._rules = rules
        self._caller = caller
        self._all = {} if everything is None else everything
        above = rules.is_above_rules(caller)
        self._policies = rules.policies_of(caller)
        self._row_rules = None if above else table.spec.row_rules
        self._allowed = frozenset(op for op in OPERATIONS if decide(rules, caller, op).allowed)
        self._sees_all = (above and caller.scopes is None) or not rules.has_accounts
        self.hidden = hidden
        """Fields that the caller may not read, those computed from them included."""
        self.locked = locked
        """Fields that the caller may not write."""
        guarded = not above and rules.has_accounts and GUARDED_FIELD in table.fields
        self.ignored = frozenset({GUARDED_FIELD}) if guarded else _NONE
        """Fields that are dropped from what the caller sends, without a word."""
        self.concealed = hidden if "read" in self._allowed else frozenset(table.fields)
        """Fields that no answer shows the caller."""
        self._judged = frozenset(operation for operation in ACTION_OF if self._judges(operation))
        all_rows = self._row_rules is None and self._policies is None
        self.is_whole = "read" in self._allowed and all_rows and not (hidden or locked or self.ignored)
        """No field and no row is kept from the caller, of what may be done at all."""

    def may(self, operation: Operation) -> bool:
        return operation in self._allowed

    @property
    def may_anything(self) -> bool:
        return bool(self._allowed)

    def require(self, operation: Operation) -> "TableAccess":
        """Raises NotSignedIn where a session might help, else NotFound: the same as for a table that is not there (P-010,
        P-011)."""
        if operation not in self._allowed:
            raise self.refusal()
        return self

    def refusal(self) -> NotSignedIn | NotFound:
        return NotSignedIn() if self._rules.has_accounts and not self._caller.has_session else NotFound()

    def explain(self, operation: Operation, field: str | None = None) -> Decision:
        """What decides: the table's rule, or the field's where the table admits."""
        found = decide(self._rules, self._caller, operation)
        if field is None or not found.allowed:
            return found
        kind: FieldOperation = "read" if operation == "read" else "write"
        own = decide_field(self._rules, self._caller, kind, field)
        if own is None and kind == "read" and field in self.hidden:
            return Decision(False, "computed", found.rule)
        return found if own is None else own

    @property
    def fields_with_rules(self) -> frozenset[str]:
        """Fields that the file says something about, and those that are computed from hidden ones."""
        return frozenset((self._rules.block and self._rules.block.fields) or ()) | self.hidden

    def row_rule(self, operation: RowOperation) -> str | None:
        """Where the file says which rows; None: nowhere, or the caller is above it."""
        rule: RowRule | None = getattr(self._row_rules, operation) if self._row_rules else None
        return None if rule is None else rule.path

    def policies(self, operation: RowOperation) -> tuple[Policy, ...] | None:
        """The row policies that decide; None: the table has none in force, or the caller is above them."""
        return None if self._policies is None else self._policies.of_action(ACTION_OF[operation])

    def policy_node(self, policy: Policy, principal: Principal) -> Node:
        """The rows that one policy by itself speaks of."""
        term = policy.using or policy.check
        return EVERY_ROW if term is None else term_node(term, principal, self._rows_of(principal))

    def has_rows(self, operation: RowOperation) -> bool:
        """Some rows are beyond the caller's reach."""
        return operation in self._judged

    def _judges(self, operation: RowOperation) -> bool:
        return judges_rows(self._rules, self._caller, operation)

    def may_view(self, view: ViewSpec) -> bool:
        """V-015. A query answers with rows that no rule of fields or rows is asked about, so it is for those from whom
        nothing is kept (V-016)."""
        who = view.permissions
        if view.query is not None and not self._sees_all:
            return False
        if who is None:
            return self.may("read")
        return (who.public or self.may("read")) and (who.read is None or admits(who.read, self._rules, self._caller))

    def may_edit_through(self, view: ViewSpec) -> bool:
        """V-015: of those who may change records, who may do so in the view."""
        who = view.permissions
        return view.query is None and (who is None or who.write is None or admits(who.write, self._rules, self._caller))

    def rows(self, operation: RowOperation, principal: Principal, scope: Scope) -> Node | None:
        """The rows that the caller may do that to; None: all. What cannot be seen can be neither changed nor deleted
        (P-027)."""
        return all_of(self.sides(operation, principal, scope))

    def sides(self, operation: RowOperation, caller: Principal | Connected, scope: Scope) -> Sides:
        """What of `rows` lets through and what holds back: apart, for a database that joins several roles by itself."""
        names: tuple[RowOperation, ...] = (operation,) if operation in ("read", "create") else ("read", operation)
        permit, restrict = self._policed([(ACTION_OF[name], name == "create") for name in names], caller)
        return permit, all_of([*(self._ruled(name, caller, scope) for name in names), restrict])

    def result(self, principal: Principal, scope: Scope) -> Node | None:
        """What a row must still meet after a change (P-026): the rule of writing, the policies' checks, and nobody moves a
        row out of the own sight (auth A-190). None: nothing."""
        return all_of(self.result_sides(principal, scope))

    def result_sides(self, caller: Principal | Connected, scope: Scope) -> Sides:
        """`result`, as `sides` has it."""
        rule = self._row_rules and self._row_rules.write
        permit, restrict = self._policed([("update", True), ("select", False)], caller)
        return permit, all_of([row_filter(rule, caller, scope) if rule and rule.check_result else None, restrict])

    def _ruled(self, operation: RowOperation, caller: Principal | Connected, scope: Scope) -> Node | None:
        rule: RowRule | None = getattr(self._row_rules, operation) if self._row_rules else None
        return None if rule is None else row_filter(rule, caller, scope)

    def _policed(self, asked: Iterable[tuple[PolicyAction, bool]], caller: Principal | Connected) -> Sides:
        """What policies say of all these actions, each of rows as they are or as they become."""
        if self._policies is None:
            return None, None
        rows_of = self._rows_of(caller)
        sides = [self._policies.sides(action, caller, rows_of, new=new) for action, new in asked]
        return all_of(permit for permit, _ in sides), all_of(restrict for _, restrict in sides)

    def _rows_of(self, caller: Principal | Connected) -> RowsOf:
        """Sub-selects of policies see of other tables the rows that the caller may read, whatever the operations and
        fields that are open to it: these are the app's own questions."""
        return lambda there: all_of(self._all[there.table.sql_name].sides("read", caller, there))


class Access:
    """All tables of one app. Safe for any number of threads; decisions are made once for each set of roles."""

    def __init__(self, model: AppModel) -> None:
        self._model = model
        self._rules = table_rules(model.app)
        self._by_name = {table.sql_name: table for table in model.tables}
        self._made = [
            (name, field, inputs)
            for name, table in self._by_name.items()
            for field, field_type in table.fields.items()
            if (inputs := field_type.inputs())
        ]
        self._kept: dict[Caller, Mapping[str, TableAccess]] = {}
        self._callers: dict[tuple[Any, ...], Mapping[str, TableAccess]] = {}
        self.has_accounts = model.app.auth is not None
        """False: everybody is a guest, and no 401 is ever sent (P-015)."""
        self.has_rules = any(
            rules.block or rules.is_broken or rules.spec.row_rules or rules.is_policed for rules in self._rules.values()
        )
        """Some table is not open to everybody who may call at all."""
        self.has_forced = any(rules.is_policed and rules.spec.rls.force for rules in self._rules.values())  # type: ignore[union-attr]
        """Some table has policies that admins heed."""

    def table(self, principal: Principal, table: TableModel) -> TableAccess:
        return self._of(principal)[table.sql_name]

    def is_above_rules(self, principal: Principal) -> bool:
        """The owner, and the roles that pass every table and field rule (P-006); not by a key with scopes that is for
        something else."""
        if principal.is_unrestricted:
            return True
        has_scope = principal.scopes is None or ADMIN_SCOPE in principal.scopes
        return has_scope and not principal.roles.isdisjoint(self._model.app.roles.unrestricted)

    @staticmethod
    def is_admin(principal: Principal) -> bool:
        """Who administers: the owner and the role `admin`; equals of admin do not (P-006), nor does a key with scopes that
        leave it out."""
        has_scope = principal.scopes is None or ADMIN_SCOPE in principal.scopes
        return principal.is_unrestricted or ("admin" in principal.roles and has_scope)

    def sees_all(self, principal: Principal) -> bool:
        """An administrator; in an app without accounts and rules, where nothing is kept from anybody, everybody."""
        return self.is_admin(principal) or not (self.has_accounts or self.has_rules)

    def is_free(self, principal: Principal) -> bool:
        """Nothing is hidden from the caller in any table."""
        if principal.is_unrestricted or not (self.has_rules or self.has_accounts):
            return True
        return principal.scopes is None and not self.has_forced and self.is_above_rules(principal)

    def sights(self, principal: Principal, *, opened: TableModel | None = None) -> Callable[[Scope], Sight]:
        """What the caller sees of each table, made when it is asked for. `opened` may be read whatever the table's rule
        says, as far as those of its fields and rows allow."""
        found: dict[str, Sight] = {}

        def sight(scope: Scope) -> Sight:
            name = scope.table.sql_name
            known = found.get(name)
            if known is None:
                known = found[name] = self._sight(principal, scope, is_opened=scope.table is opened)
            return known

        return sight

    def _sight(self, principal: Principal, scope: Scope, *, is_opened: bool) -> Sight:
        access = self.table(principal, scope.table)
        if access.is_whole:
            return EVERYTHING
        return Sight(is_opened or access.may("read"), access.hidden, access.rows("read", principal, scope))

    def _of(self, principal: Principal) -> Mapping[str, TableAccess]:
        key = (principal.kind, principal.roles, principal.groups, principal.granted, principal.scopes)
        found = self._callers.get(key)
        if found is None:
            if len(self._callers) >= CALLERS_KEPT:
                self._callers.clear()
                self._kept.clear()
            found = self._callers[key] = self.of_caller(Caller.of(principal, self._model.app.roles))
        return found

    def of_caller(self, caller: Caller) -> Mapping[str, TableAccess]:
        """Every table, by SQL name, for callers of these roles."""
        found = self._kept.get(caller)
        if found is None:
            found = self._kept[caller] = self._decide_all(caller)
        return found

    def _decide_all(self, caller: Caller) -> Mapping[str, TableAccess]:
        hidden = self._hidden(caller)
        found: dict[str, TableAccess] = {}
        for name, rules in self._rules.items():
            locked = self._denied(rules, caller, "write")
            found[name] = TableAccess(self._by_name[name], rules, caller, hidden[name], locked, found)
        return found

    def _denied(self, rules: TableRules, caller: Caller, operation: FieldOperation) -> frozenset[str]:
        """Fields that their own rule keeps from the caller."""
        fields = self._by_name[rules.spec.sql_name].fields
        decisions = ((name, decide_field(rules, caller, operation, name)) for name in fields)
        return frozenset(name for name, decision in decisions if decision is not None and not decision.allowed)

    def _hidden(self, caller: Caller) -> Mapping[str, frozenset[str]]:
        """Unreadable fields of all tables, and what is made from them, however far away (P-021)."""
        rules = self._rules
        closed = [name for name in rules if not decide(rules[name], caller, "read").allowed]
        parted = [name for name in rules if judges_rows(rules[name], caller, "read")]
        # What is computed for a caller is computed from the rows that it sees. What a model has written is there for
        # all, whatever rows it was told of.
        mixed = self._made_from({name: set() for name in rules}, parted)
        hidden = {
            name: {*self._denied(rules[name], caller, "read"), *mixed[name].intersection(table.generated)}
            for name, table in self._by_name.items()
        }
        return {name: frozenset(fields) for name, fields in self._made_from(hidden, closed).items()}

    def _made_from(self, fields: dict[str, set[str]], tables: Sequence[str]) -> dict[str, set[str]]:
        """These fields, and all that is made from them or from records of these tables elsewhere."""
        growing = True
        while growing:
            growing = False
            for name, field, inputs in self._made:
                if field not in fields[name] and any(
                    far in tables or each in fields.get(far or name, ()) for far, each in inputs
                ):
                    fields[name].add(field)
                    growing = True
        return fields
