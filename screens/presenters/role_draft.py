"""A draft of who may do what: the rules of the app file with steps that nobody has written yet, and what they let whom do.

The steps are changes of `POST /api/console/schema/edit`. What is worked out here is for the eye; the server decides.
"""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any, Literal

from core.contract.access import AccessRules, RoleInfo, TableRules
from screens.presenters.draft import Change, Draft
from screens.presenters.format.line import one_line
from screens.services.text import t

OPERATIONS = ("read", "comment", "create", "update", "delete", "permanentDelete", "restore")
ROW_OPERATIONS = ("read", "create", "write", "delete")
FIELD_KEYS = {"read": "read", "update": "write"}
"""Operations of which fields have rules, and the keys of these."""
ADMIN, MEMBER, VIEWER, GUEST, GROUP = "admin", "member", "viewer", "", "group:"
LEVEL = 40
"""Of a role that names none."""
Mark = Literal["named", "passes", "closed", "unknown", "none"]
"""Its name stands in the rule; it passes without; it does not; the rule names somebody who is not there; no such cell."""
_BY_DEFAULT = ("read", "comment", "create", "update", "delete", "restore")
_OF_VIEWERS = ("read", "comment")
_BLOCKS = {"permissions": "permissions", "rowLevelPermissions": "rowRules", "rls": "rls"}


class RoleDraft(Draft):
    """`rules` are the rules with all steps made."""

    def __init__(self) -> None:
        super().__init__()
        self._base: AccessRules = {"accounts": False, "roles": [], "groups": [], "defaultRole": MEMBER, "tables": []}
        self.rules = self._base

    def renew(self, rules: AccessRules) -> None:
        """The rules as the server has them now; the steps stay."""
        self._base = rules
        self._replay()

    # ── Who there is ──

    def subjects(self) -> list[str]:
        """Roles, the highest first; groups; "" for guests."""
        roles = sorted(self.rules["roles"], key=lambda role: (-role["level"], role["name"]))
        return [*(role["name"] for role in roles), *(GROUP + name for name in self.rules["groups"]), GUEST]

    def role(self, name: str) -> RoleInfo | None:
        return next((each for each in self.rules["roles"] if each["name"] == name), None)

    def is_above(self, name: str) -> bool:
        """Passes every rule: admin, and declared roles of the highest level when that is as high as admin's."""
        admin, role = self.role(ADMIN), self.role(name)
        if name == ADMIN or role is None or admin is None or role["builtIn"]:
            return name == ADMIN
        top = max(each["level"] for each in self.rules["roles"] if not each["builtIn"])
        return role["level"] == top >= admin["level"]

    def undefined(self, rule: Any) -> list[str]:
        """Names in a rule that are no role and no group (A-040)."""
        known = set(self.subjects()) - {GUEST}
        return [name for name in named_in(rule) if name not in known]

    def problems(self) -> list[tuple[str, str]]:
        """Undefined names, each with the place that names it."""
        found: list[tuple[str, str]] = []
        for table in self.rules["tables"]:
            block = table["permissions"] or {}
            places = [(f"{table['name']}.{name}", block[name]) for name in OPERATIONS if name in block]
            for entry in block.get("fields") or ():
                where = f"{table['name']}.{entry['field']}"
                places += [(f"{where} {key}", entry[key]) for key in ("read", "write") if key in entry]
            for policy in (table["rls"] or {}).get("policies", ()):
                to = policy.get("to", "public")
                names = [each for each in ([to] if isinstance(to, str) else to) if each not in PUBLIC]
                places.append((f"{table['name']} · {policy['name']}", names))
            found += [(name, where) for where, rule in places for name in self.undefined(rule)]
        if self.role(self.rules["defaultRole"]) is None:
            found.append((self.rules["defaultRole"], "auth.defaultRole"))
        return found

    # ── What they may ──

    def table(self, name: str) -> TableRules | None:
        return next((each for each in self.rules["tables"] if each["name"] == name), None)

    def rule(self, table: TableRules, operation: str) -> Any:
        """The rule that holds for an operation: its own, or a parent's; None where none says it."""
        return self._block(table, ()).get(operation)

    def is_inherited(self, table: TableRules, operation: str) -> bool:
        return operation not in (table["permissions"] or {}) and self.rule(table, operation) is not None

    def _block(self, table: TableRules, on_the_way: tuple[str, ...]) -> dict[str, Any]:
        own = table["permissions"] or {}
        parent = self.table(str(own.get("inherit"))) if own.get("inherit") else None
        above: dict[str, Any] = {}
        if parent is not None and parent["name"] not in on_the_way:
            above = self._block(parent, (*on_the_way, table["name"]))
        override = {key: value for key, value in (own.get("override") or {}).items() if key in OPERATIONS}
        return {**above, **{key: own[key] for key in OPERATIONS if key in own}, **override}

    def field_rule(self, table: TableRules, field: str, key: str) -> Any:
        for entry in (table["permissions"] or {}).get("fields") or ():
            if entry["field"] == field:
                return entry.get(key)
        return None

    def ruled_fields(self, table: TableRules) -> list[str]:
        return [entry["field"] for entry in (table["permissions"] or {}).get("fields") or ()]

    def mark(self, who: str, table: TableRules, operation: str) -> Mark:
        """What somebody may do with a table."""
        rule = self.rule(table, operation)
        if self.undefined(rule):
            return "unknown"
        if who in named_in(rule):
            return "named"
        return "passes" if self.may(who, table, operation) else "closed"

    def field_mark(self, who: str, table: TableRules, field: str, key: str) -> Mark:
        """key: read, write. Without a rule the field follows its table."""
        rule = self.field_rule(table, field, key)
        if self.undefined(rule):
            return "unknown"
        operations = ("read",) if key == "read" else ("create", "update")
        if not any(self.may(who, table, operation) for operation in operations):
            return "closed"
        if who in named_in(rule):
            return "named"
        return "passes" if rule is None or self.admits(rule, who) else "closed"

    def may(self, who: str, table: TableRules, operation: str) -> bool:
        if who and self.is_above(who):
            return True
        if operation == "comment" and not self.may(who, table, "read"):
            return False
        rule = self.rule(table, operation)
        admins_alone = ((table["permissions"] or {}).get("override") or {}).get("admin") or {}
        if operation in admins_alone:
            return False
        if rule is not None:
            return self.admits(rule, who)
        if table["permissions"] is None:
            if not self.rules["accounts"]:
                return True
            most = _OF_VIEWERS if who == VIEWER or who.startswith(GROUP) else _BY_DEFAULT
            return who != GUEST and operation in most
        if operation == "restore":
            return self.may(who, table, "delete")
        if operation == "comment":
            return table["comments"] == "all" or (table["comments"] == "authenticated" and who != GUEST)
        return False

    def admits(self, rule: Any, who: str) -> bool:
        if who and self.is_above(who):
            return True
        if rule in ("all", "authenticated"):
            return rule == "all" or who != GUEST
        if isinstance(rule, dict):
            least, role = self.role(str(least_of(rule))), self.role(who)
            return least is not None and role is not None and role["level"] >= least["level"]
        return who in rule

    # ── Changing ──

    def toggled(self, rule: Any, who: str) -> Any:
        """The rule with somebody let in, or not any more: who else passes stays."""
        admitted = rule is not None and self.admits(rule, who)
        names = named_in(rule) if isinstance(rule, list) else []
        if rule is not None and not isinstance(rule, list):
            others = [each for each in self.subjects() if each and not self.is_above(each)]
            names = [each for each in others if self.admits(rule, each) and not each.startswith(GROUP)]
        if not admitted:
            return [*names, who]
        return [each for each in names if each != who] or [ADMIN]

    def toggle(self, who: str, table: TableRules, operation: str) -> list[Change]:
        """The steps that give somebody an operation, or take it."""
        if who == GUEST:
            value: Any = "authenticated" if self.may(who, table, operation) else "all"
        else:
            value = self.toggled(self._said(table, operation), who)
        return [*self._first_rules(table, operation), self.set_rule(table, operation, value)]

    def _said(self, table: TableRules, operation: str) -> Any:
        """The rule that holds, as it would have to be written where only a default says it."""
        rule = self.rule(table, operation)
        if rule is None and table["permissions"] is None:
            return default_rule(self, operation)
        if rule is None and operation == "restore":
            return self._said(table, "delete")
        if rule is None and operation == "comment":
            return table["comments"] or None
        return rule

    def _first_rules(self, table: TableRules, operation: str) -> list[Change]:
        """A table's first rule closes what is not named: what has held until now is written beside it."""
        if table["permissions"] is not None:
            return []
        rest = {each: default_rule(self, each) for each in _BY_DEFAULT if each not in (operation, "restore")}
        return [self.set_rule(table, each, rule) for each, rule in rest.items() if rule is not None]

    def set_rule(self, table: TableRules, operation: str, value: Any) -> Change:
        change: Change = {"op": "set-rule", "table": table["name"], "path": ["permissions", operation]}
        return {**change, "value": value} if value is not None else change

    def toggle_field(self, who: str, table: TableRules, field: str, key: str) -> Change:
        rule = self.field_rule(table, field, key)
        if rule is None:
            held = [each for each in self.subjects() if each and self.field_mark(each, table, field, key) != "closed"]
            rule = [each for each in held if not self.is_above(each)]
        value: Any = [*rule, who] if isinstance(rule, list) and who not in rule else self.toggled(rule, who)
        return self.set_field_rule(table, field, key, value)

    def set_field_rule(self, table: TableRules, field: str, key: str, value: Any) -> Change:
        change: Change = {"op": "set-field-rule", "table": table["name"], "field": field, "key": key}
        return {**change, "value": value} if value is not None else change

    def set_policy(self, table: TableRules, name: str, value: Any) -> Change:
        change: Change = {"op": "set-policy", "table": table["name"], "policy": name}
        return {**change, "value": value} if value is not None else change

    # ── Replaying ──

    def _replay(self) -> None:
        self.rules = deepcopy(self._base)
        for step in self.steps:
            self._make(step)

    def _make(self, step: Change) -> None:
        match step["op"]:
            case "add-role":
                role = step["role"]
                level = role.get("level", LEVEL)
                text = role.get("description", "")
                self.rules["roles"].append(RoleInfo(name=role["name"], level=level, description=text, builtIn=False))
            case "remove-role":
                self.rules["roles"] = [each for each in self.rules["roles"] if each["name"] != step["role"]]
            case "set-role":
                role = self.role(step["role"])
                if role is not None:
                    role[step["key"]] = step.get("value", LEVEL if step["key"] == "level" else "")  # type: ignore[literal-required]
            case "set":
                self.rules["defaultRole"] = step["value"]
            case _:
                table = self.table(step["table"])
                if table is not None:
                    _make_in(table, step)


PUBLIC = ("public", "anon", "authenticated")


def _make_in(table: TableRules, step: Change) -> None:
    if step["op"] == "set-rule":
        first, *path = step["path"]
        key = _BLOCKS[first]
        held: Any = table[key]  # type: ignore[literal-required]
        if held is None:
            held = table[key] = {}  # type: ignore[literal-required]
        for name in path[:-1]:
            held = held.setdefault(name, {})
        _put(held, path[-1], step.get("value"))
        return
    name, at = ("field", "permissions") if step["op"] == "set-field-rule" else ("name", "rls")
    if table[at] is None:  # type: ignore[literal-required]
        table[at] = {}  # type: ignore[literal-required]
    entries: list[Any] = table[at].setdefault("fields" if at == "permissions" else "policies", [])  # type: ignore[literal-required]
    wanted = step["field" if name == "field" else "policy"]
    entry = next((each for each in entries if each[name] == wanted), None)
    if step["op"] == "set-policy":
        if entry is None:
            entries.append(step["value"])
        elif step.get("value") is None:
            entries.remove(entry)
        else:
            entries[entries.index(entry)] = step["value"]
        return
    if entry is None:
        entry = {"field": wanted}
        entries.append(entry)
    _put(entry, step["key"], step.get("value"))
    if len(entry) == 1:
        entries.remove(entry)


def _put(held: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        held.pop(key, None)
    else:
        held[key] = value


def default_rule(draft: RoleDraft, operation: str) -> Any:
    """What holds for a table without a word about permissions, as a rule."""
    if not draft.rules["accounts"]:
        return "all" if operation in _BY_DEFAULT else None
    if operation in _OF_VIEWERS:
        return "authenticated"
    if operation not in _BY_DEFAULT:
        return None
    return [each["name"] for each in draft.rules["roles"] if each["name"] not in (ADMIN, VIEWER)]


def least_of(rule: Any) -> Any:
    """The role of `{minRole: …}`."""
    return rule.get("minRole", rule.get("min_role"))


def named_in(rule: Any) -> list[str]:
    """The names that a rule names."""
    if isinstance(rule, dict):
        return [str(least_of(rule))]
    return [str(each) for each in rule] if isinstance(rule, list | tuple) else []


def rule_text(rule: Any) -> str:
    """A rule in words."""
    if rule is None:
        return t("roles.rule.none")
    if rule in ("all", "authenticated"):
        return t(f"roles.rule.{rule}")
    if isinstance(rule, dict):
        return t("roles.rule.least", role=one_line(str(least_of(rule))))
    return ", ".join(map(one_line, named_in(rule)))


def read_names(text: str) -> list[str]:
    """Names with commas or spaces between them."""
    return list(dict.fromkeys(text.replace(",", " ").split()))


def told(step: Change) -> str:
    """A step in a line."""
    value = step.get("value")
    match step["op"]:
        case "add-role":
            text = f"+ {step['role']['name']}"
        case "remove-role":
            text = f"- {step['role']}"
        case "set-role":
            text = f"~ {step['role']}.{step['key']} = {'∅' if value is None else value}"
        case "set":
            text = f"~ {'.'.join(map(str, step['path']))} = {value}"
        case "set-field-rule":
            text = f"~ {step['table']}.{step['field']} {step['key']}: {rule_text(value)}"
        case "set-policy":
            text = f"{'-' if value is None else '~'} {step['table']} · {step['policy']}"
        case _:
            path = step["path"]
            what = rule_text(value) if path[0] == "permissions" else "∅" if value is None else row_text(value)
            text = f"~ {step['table']} {path[-1]}: {what}"
    return one_line(text)


# ── Row rules and policies in words ──

_SIGNS = {"eq": "=", "neq": "!=", "in": "in"}
_OPERATORS = {sign: name for name, sign in _SIGNS.items()}


class RowRuleError(ValueError):
    """What was typed is no condition."""


def row_text(rule: Any) -> str:
    """`owner = $currentUser.id and state in [open, late]`; nested groups in brackets."""
    if not isinstance(rule, dict):
        return str(rule)
    return _when_text(rule["when"]) if "when" in rule else ", ".join(f"{k}: {v}" for k, v in rule.items())


def _when_text(when: dict[str, Any], *, inside: bool = False) -> str:
    if "conditions" in when:
        word = f" {when.get('logic', 'and')} "
        text = word.join(_when_text(each, inside=True) for each in when["conditions"])
        return f"({text})" if inside else text
    return f"{when['field']} {_SIGNS.get(when['operator'], when['operator'])} {_value_text(when['value'])}"


def _value_text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value_text, value))}]"
    if isinstance(value, dict):
        path = value.get("path") or {}
        name = path.get("tableSlug") or path.get("table_slug")
        return f"$currentUser.assignments.{name}" if name else f"$currentUser.{path.get('name', path.get('kind', ''))}"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def read_row_rule(text: str) -> dict[str, Any] | None:
    """The rule that a line says; None for an empty one. Conditions are joined by `and`, or by `or`, not by both.

    Raises RowRuleError.
    """
    words = text.strip()
    if not words:
        return None
    if " and " in words and " or " in words:
        raise RowRuleError(t("roles.rows.mixed"))
    logic = "or" if " or " in words else "and"
    parts = [_read_condition(part) for part in words.split(f" {logic} ")]
    return {"when": parts[0] if len(parts) == 1 else {"logic": logic, "conditions": parts}}


def _read_condition(text: str) -> dict[str, Any]:
    field, _, rest = text.strip().partition(" ")
    sign, _, value = rest.strip().partition(" ")
    operator = _OPERATORS.get(sign, sign if sign in _SIGNS else "")
    if not operator or not value.strip():
        raise RowRuleError(t("roles.rows.form", text=text.strip()))
    return {"field": field, "operator": operator, "value": _read_value(value.strip())}


def _read_value(text: str) -> Any:
    if text.startswith("[") and text.endswith("]"):
        return [_read_value(each.strip()) for each in text[1:-1].split(",") if each.strip()]
    if text in ("true", "false"):
        return text == "true"
    if text.lstrip("-").isdigit():
        return int(text)
    return text.strip("'\"")


def policy_line(policy: dict[str, Any]) -> str:
    """A policy in a line."""
    to = policy.get("to", "public")
    names = ", ".join([to] if isinstance(to, str) else to)
    kind = f" ({policy['as']})" if policy.get("as") == "restrictive" else ""
    using, check = policy.get("using"), policy.get("check")
    says = " · ".join(filter(None, [using, f"✎ {check}" if check else ""]))
    return one_line(f"{policy['name']}{kind}  {policy.get('for', 'all')} → {names}:  {says}")


def access_lines(draft: RoleDraft, table: TableRules) -> Iterable[tuple[str, str]]:
    """The rows that the rules of a table leave, for reading."""
    rls = table["rls"]
    for name in ROW_OPERATIONS:
        if name in table["rowRules"]:
            yield (f"≡ {t(f'roles.rows.{name}')}: {one_line(row_text(table['rowRules'][name]))}", "plain")
    if rls is None:
        return
    policies: Sequence[dict[str, Any]] = rls.get("policies") or ()
    if rls.get("enabled") is False:
        yield (t("roles.policies.off"), "warn")
    elif not policies:
        yield (t("roles.policies.empty"), "warn")
    for policy in policies:
        to = policy.get("to", "public")
        names = [each for each in ([to] if isinstance(to, str) else to) if each not in PUBLIC]
        yield (f"§ {policy_line(policy)}", "refused" if draft.undefined(names) else "plain")
