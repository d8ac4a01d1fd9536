"""Reads the permissions of an app file and checks them: roles, groups, fields and parents that are named but not there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.schema.form import (
    ConditionForm,
    ConditionsForm,
    CurrentUserForm,
    FieldRuleForm,
    MinRoleForm,
    OperationsForm,
    PermissionsForm,
    RowRuleForm,
    RowRulesForm,
    TableRateLimitForm,
    WriteRuleForm,
)
from core.schema.name import nearest, sql_name
from core.schema.permission import (
    LINKS_MOST,
    OPERATIONS,
    USER_PATHS,
    Condition,
    Conditions,
    CurrentUser,
    Cycle,
    FieldRule,
    Operation,
    Permissions,
    RateLimit,
    RowRule,
    RowRules,
    Rule,
    resolved,
)
from core.schema.role import GROUP, Roles
from core.schema.shape import Findings
from core.schema.tree import Path, path_text
from core.sentence import say

_ATTRIBUTES: tuple[tuple[Operation, str], ...] = tuple(
    (name, "permanent_delete" if name == "permanentDelete" else name) for name in OPERATIONS
)


# ── From the file's shapes ──


def permissions_of(form: PermissionsForm | None, path: Path) -> Permissions | None:
    """The block at a path (`("tables", 2, "permissions")`)."""
    if form is None:
        return None
    fields = None
    if form.fields is not None:
        here = (*path, "fields")
        fields = {each.field: _field_rule(each, (*here, index)) for index, each in enumerate(form.fields)}
    override = form.override
    return Permissions(
        operations=_operations(form, path),
        fields=fields,
        inherit=form.inherit,
        override=_operations(override, (*path, "override")),
        admin_only=_operations(override and override.admin, (*path, "override", "admin")),
        path=path_text(path),
    )


def _operations(form: OperationsForm | None, path: Path) -> dict[Operation, Rule]:
    if form is None:
        return {}
    said = ((name, getattr(form, attribute)) for name, attribute in _ATTRIBUTES)
    return {name: rule_of(who, (*path, name)) for name, who in said if who is not None}


def _field_rule(form: FieldRuleForm, path: Path) -> FieldRule:
    return FieldRule(
        read=None if form.read is None else rule_of(form.read, (*path, "read")),
        write=None if form.write is None else rule_of(form.write, (*path, "write")),
    )


def rule_of(who: str | Sequence[str] | MinRoleForm, path: Path) -> Rule:
    """Who may, as a value of the file says."""
    where = path_text(path)
    if isinstance(who, MinRoleForm):
        return Rule("least", (who.min_role,), where)
    if isinstance(who, str):
        return Rule("all" if who == "all" else "authenticated", path=where)
    return Rule("roles", tuple(who), where)


def row_rules_of(form: RowRulesForm | None, path: Path) -> RowRules | None:
    """The block at a path (`("tables", 2, "rowLevelPermissions")`)."""
    if form is None:
        return None
    return RowRules(
        read=_row_rule(form.read, (*path, "read")),
        write=_row_rule(form.write, (*path, "write")),
        create=_row_rule(form.create, (*path, "create")),
        delete=_row_rule(form.delete, (*path, "delete")),
    )


def _row_rule(form: RowRuleForm | None, path: Path) -> RowRule | None:
    if form is None:
        return None
    keep = form.check_result if isinstance(form, WriteRuleForm) else True
    return RowRule(_condition(form.when), keep, path_text(path))


def _condition(form: ConditionForm | ConditionsForm) -> Condition | Conditions:
    if isinstance(form, ConditionsForm):
        return Conditions(form.logic, tuple(_condition(each) for each in form.conditions))
    value: Any = form.value
    if isinstance(value, list):
        value = tuple(value)
    elif isinstance(value, CurrentUserForm):
        value = _long_path(value)
    elif isinstance(value, str) and value.startswith("$currentUser."):
        value = _short_path(value.removeprefix("$currentUser."))
    return Condition(form.field, form.operator, value)


def _long_path(form: CurrentUserForm) -> CurrentUser:
    path = form.path
    if path.kind == "scalar":
        return CurrentUser(path.name)
    return CurrentUser("activeAssignment") if path.kind == "activeAssignment" else _assigned(path.table_slug)


def _assigned(table: str) -> CurrentUser:
    return CurrentUser("assignments", sql_name(table))


def _short_path(text: str) -> Any:
    """The value of `$currentUser.<text>`; the text itself where it is none, which the check then reports."""
    head, _, table = text.partition(".")
    if head == "assignments" and table:
        return _assigned(table)
    return CurrentUser(text) if text in USER_PATHS else f"$currentUser.{text}"  # type: ignore[arg-type]


def rate_limit_of(form: TableRateLimitForm | None) -> RateLimit | None:
    if form is None:
        return None
    return RateLimit(form.read, form.write, form.delete, form.window_seconds)


# ── What can only be told with the whole app in sight ──


@dataclass(frozen=True, slots=True)
class TableNames:
    """A table as the checks see it: its fields, and the table that each relationship leads to (SQL names)."""

    number: int
    name: str
    sql_name: str
    fields: frozenset[str]
    links: Mapping[str, str]
    several: frozenset[str]
    """Relationships that lead to more than one record."""
    permissions: Permissions | None
    row_rules: RowRules | None
    entries: Any
    """`permissions.fields` as written, to find what is said twice."""


AUTOMATIC = frozenset({"id", "created_at", "updated_at", "deleted_at"})


def check_permissions(tables: Sequence[TableNames], roles: Roles | None, findings: Findings) -> None:
    """Roles, groups, fields and parents that are named but not there. `roles` None: the app has no accounts, so that no role
    can be told from another (T-027 asks for `auth`) and none admits anyone (auth A-151)."""
    by_name = {table.sql_name: table for table in tables}
    for table in tables:
        path: Path = ("tables", table.number, "permissions")
        if table.permissions is not None:
            _check_block(table, path, roles, findings)
            _check_parent(table, by_name, path, findings)
        if table.row_rules is not None:
            _check_row_rules(table, by_name, roles, findings)


def _check_block(table: TableNames, path: Path, roles: Roles | None, findings: Findings) -> None:
    block = table.permissions
    assert block is not None
    named: list[tuple[Rule, Path]] = [(rule, (*path, op)) for op, rule in block.operations.items()]
    named += [(rule, (*path, "override", op)) for op, rule in block.override.items()]
    named += [(rule, (*path, "override", "admin", op)) for op, rule in block.admin_only.items()]
    seen: set[str] = set()
    for index, entry in enumerate(table.entries or ()):
        name = entry["field"]
        here = (*path, "fields", index)
        if name in seen:
            text = say("there are two rules for the field `{name}`", name=name)
            findings.error("permission.duplicate-field", text, (*here, "field"))
        elif name not in table.fields:
            text = say("this table has no field `{name}`", name=name)
            findings.error("permission.unknown-field", text, (*here, "field"), hint=nearest(name, table.fields))
        seen.add(name)
        # Each entry is read anew: of two rules for one field, the block holds only the last.
        both = _field_rule(FieldRuleForm.model_validate(entry), here)
        named += [(each, (*here, key)) for key, each in (("read", both.read), ("write", both.write)) if each]
    for rule, where in named:
        if roles is not None:
            check_rule(rule, where, roles, findings)
        elif rule.who != "all":
            text = say("admits nobody: this app has no accounts")
            findings.warning("permission.no-accounts", text, where, hint="add an `auth` section, or say `all`")


def check_rule(rule: Rule, path: Path, roles: Roles, findings: Findings) -> None:
    """Roles and groups that a rule names but the app does not have."""
    groups = {group.name for group in roles.groups}
    for index, name in enumerate(rule.roles):
        here = (*path, "minRole") if rule.who == "least" else (*path, index)
        if name.startswith(GROUP) and rule.who == "roles":
            if name.removeprefix(GROUP) not in groups:
                text = say("group '{name}' is not in auth.groups", name=name)
                findings.error("permission.unknown-group", text, here, hint=nearest(name, roles.names()))
        elif name not in roles.by_name:
            text = say(
                "role '{name}' is not defined; there are {known}",
                name=name,
                known=", ".join(role.name for role in roles.ordered),
            )
            alone = (
                say("write `{name}` without brackets: it stands alone", name=name)
                if name in ("all", "authenticated")
                else None
            )
            findings.error("permission.unknown-role", text, here, hint=alone or nearest(name, roles.by_name))


def _check_parent(table: TableNames, by_name: Mapping[str, TableNames], path: Path, findings: Findings) -> None:
    assert table.permissions is not None
    parent = table.permissions.inherit
    if parent is None:
        return
    here = (*path, "inherit")
    if sql_name(parent) not in by_name:
        names = [each.name for each in by_name.values()]
        text = say("there is no table named `{parent}`", parent=parent)
        findings.error("permission.unknown-parent", text, here, hint=nearest(parent, names))
        return
    try:
        resolved(table.sql_name, {name: each.permissions for name, each in by_name.items()})
    except Cycle as cycle:
        if str(cycle).split(" → ")[-1] in by_name:
            findings.error("permission.cycle", say("permissions inherit in a circle: {cycle}", cycle=cycle), here)


def _check_row_rules(
    table: TableNames, by_name: Mapping[str, TableNames], roles: Roles | None, findings: Findings
) -> None:
    rules = table.row_rules
    assert rules is not None
    for key in ("read", "write", "create", "delete"):
        rule = getattr(rules, key)
        if rule is None:
            continue
        path: Path = ("tables", table.number, "rowLevelPermissions", key, "when")
        for condition, where in _leaves(rule.when, path):
            _check_condition(condition, where, table, by_name, roles, findings)


def _leaves(node: Condition | Conditions, path: Path) -> Iterator[tuple[Condition, Path]]:
    if isinstance(node, Condition):
        yield node, path
        return
    for index, part in enumerate(node.parts):
        yield from _leaves(part, (*path, "conditions", index))


def _check_condition(
    condition: Condition,
    path: Path,
    table: TableNames,
    by_name: Mapping[str, TableNames],
    roles: Roles | None,
    findings: Findings,
) -> None:
    _check_chain(condition.field, table, by_name, (*path, "field"), findings)
    value, here = condition.value, (*path, "value")
    if isinstance(value, str) and value.startswith("$"):
        known = [f"$currentUser.{each}" for each in (*USER_PATHS, "assignments.<table>")]
        findings.error(
            "permission.unknown-value",
            say("`{value}` means nothing here", value=value),
            here,
            hint=nearest(value, known),
        )
    assigned = isinstance(value, CurrentUser) and value.path == "assignments"
    several = isinstance(value, tuple) or assigned
    if several and condition.operator != "in":
        findings.error(
            "permission.operator",
            say("`{operator}` takes one value; use `in`", operator=condition.operator),
            (*path, "operator"),
        )
    if condition.operator == "in" and not several and not isinstance(value, CurrentUser):
        findings.error("permission.operator", "`in` takes a list", here)
    if isinstance(value, CurrentUser) and assigned and roles is not None and value.table not in roles.scope_tables:
        text = say("`{table}` is not in auth.scopeTables", table=value.table)
        findings.error("permission.scope-table", text, here, hint=nearest(value.table, roles.scope_tables))


def _check_chain(
    chain: str, table: TableNames, by_name: Mapping[str, TableNames], path: Path, findings: Findings
) -> None:
    """P-033: every step but the last is a relationship, to one record."""
    here = table
    *steps, last = chain.split(".")
    if len(steps) > LINKS_MOST:
        findings.error(
            "permission.chain",
            say("`{chain}` leads through more than {most} relationships", chain=chain, most=LINKS_MOST),
            path,
        )
        return
    for step in steps:
        target = by_name.get(here.links.get(step, ""))
        if target is None:
            text = say("`{step}` is no relationship of {table}", step=step, table=here.name)
            findings.error("permission.unknown-field", text, path, hint=nearest(step, here.links))
            return
        if step in here.several:
            text = say("`{step}` leads to several records of {table}; a rule follows one", step=step, table=target.name)
            findings.error("permission.chain", text, path)
            return
        here = target
    known = here.fields | AUTOMATIC
    if last not in known:
        findings.error(
            "permission.unknown-field",
            say("{table} has no field `{name}`", table=here.name, name=last),
            path,
            hint=nearest(last, known),
        )
