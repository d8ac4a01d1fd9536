"""The roles editor in words: the rule under the cursor, what is wrong, and what the draft would write."""

from __future__ import annotations

from core.contract.access import TableRules
from screens.presenters.format.line import one_line
from screens.presenters.migration import Line, diff_lines, plan_lines
from screens.presenters.role_draft import FIELD_KEYS, RoleDraft, access_lines, rule_text, told
from screens.presenters.schema_problem import problem_lines
from screens.services.text import t


def draft_lines(draft: RoleDraft, place: tuple[TableRules, str, str] | None) -> list[Line]:
    """All of it; `place` is table, field ("" for the table itself) and column."""
    lines: list[Line] = [
        (t("roles.undefined-at", name=one_line(name), where=one_line(where)), "refused")
        for name, where in draft.problems()
    ]
    if place is not None:
        lines += rule_lines(draft, *place)
    verdict = draft.verdict
    if draft.steps:
        lines += [("", "plain"), *((told(step), "change") for step in draft.steps)]
    if verdict is not None:
        lines += [("", "plain"), *(each for p in verdict["problems"] for each in problem_lines(p, verdict["diff"]))]
        lines += [*(plan_lines(verdict["plan"]) if verdict["plan"] else ()), *diff_lines(verdict["diff"])]
    return lines


def rule_lines(draft: RoleDraft, table: TableRules, field: str, column: str) -> list[Line]:
    """A rule, where it comes from, and the rows that are left."""
    name = f"{table['name']}.{field}" if field else table["name"]
    lines: list[Line] = [(one_line(f"{name} · {t(f'roles.column-long.{column}')}"), "title")]
    if column == "rows":
        rules = list(access_lines(draft, table))
        return [*lines, *(rules or [(t("roles.rows.none"), "muted")])]
    rule = draft.field_rule(table, field, FIELD_KEYS[column]) if field else draft.rule(table, column)
    undefined = draft.undefined(rule)
    if rule is None:
        key = "field" if field else "omitted" if table["permissions"] is not None else "default"
        lines.append((t(f"roles.rule.{key}"), "muted"))
    else:
        inherited = not field and draft.is_inherited(table, column)
        parent = (table["permissions"] or {}).get("inherit", "")
        source = f"  ({t('roles.inherited', table=parent)})" if inherited else ""
        lines.append((f"{rule_text(rule)}{source}", "refused" if undefined else "plain"))
    return [*lines, *access_lines(draft, table)] if not field else lines
