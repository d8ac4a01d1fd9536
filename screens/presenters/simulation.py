"""Asking as somebody else: who can be asked as, and what the server's answer says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from core.contract.access import Explained, ExplainRequest, Explanation
from core.contract.admin import AdminUser, AdminUserDetails
from screens.presenters.finder import Hit
from screens.presenters.format.line import one_line
from screens.presenters.migration import Line
from screens.presenters.role_draft import GROUP, GUEST
from screens.services.text import has, labelled, t

Somebody = dict[str, Any]
"""The part of an `ExplainRequest` that says as whom."""


def as_subject(name: str) -> Somebody:
    """Somebody with one role or in one group; "" for a guest."""
    if name == GUEST:
        return {"guest": True}
    return {"groups": [name.removeprefix(GROUP)]} if name.startswith(GROUP) else {"roles": [name]}


def as_person(user: AdminUserDetails) -> Somebody:
    """That very account."""
    roles = [each for each in user["role"].split(",") if each]
    return {"roles": roles, "groups": user["groups"], "user": user["id"], "email": user["email"] or ""}


def subject_hits(names: list[str]) -> list[Hit]:
    """Roles, groups, guests to choose from."""
    return [Hit(label=name or t("roles.guest"), detail=t("roles.any-of"), value=as_subject(name)) for name in names]


def people_hits(users: Sequence[AdminUser]) -> list[Hit]:
    """Accounts to choose from; their details are asked for once one is chosen."""
    return [Hit(label=each["email"] or each["name"], detail=each["role"], value={"id": each["id"]}) for each in users]


def request_of(table: str, somebody: Somebody, record: str = "") -> ExplainRequest:
    return cast(ExplainRequest, {"table": table, **somebody, **({"record": record} if record else {})})


def simulated_lines(who: str, found: Explanation, record: str = "") -> list[Line]:
    """What somebody may do, the rule that decides, and what each policy says."""
    lines: list[Line] = [(t("access.as", who=one_line(who), table=one_line(found["table"])), "title")]
    if record:
        lines.append((t("roles.record", record=one_line(record)), "muted"))
    for each in found["decisions"]:
        lines += _decision(each)
    for name in ("unreadable", "unwritable"):
        names: list[str] = found[name]  # type: ignore[literal-required]
        if names:
            lines.append((labelled(t(f"access.{name}"), ", ".join(map(one_line, names))), "warn"))
    return lines


def _decision(each: Explained) -> list[Line]:
    passes = each["allowed"] and each.get("record", True)
    mark, tone = ("✓", "add") if passes else ("✗", "destructive")
    why_key, name_key = f"access.because.{each['because']}", f"access.may.{each['operation']}"
    why = t(why_key) if has(why_key) else one_line(each["because"])
    name = t(name_key) if has(name_key) else one_line(each["operation"])
    lines: list[Line] = [(f"{mark} {name:<22} {why}{'  ' if each['rule'] else ''}{one_line(each['rule'])}", tone)]
    if not each["allowed"]:
        return lines
    lines += [(f"    {labelled(t('access.rows'), one_line(rule))}", "muted") for rule in each["rows"]]
    if "record" in each and not each["record"]:
        lines.append((f"    {t('roles.out-of-reach')}", "destructive"))
    policies = each.get("policies")
    if policies == []:
        lines.append((f"    {t('roles.policies.nobody')}", "destructive"))
    for policy in policies or ():
        met = {True: "✓ ", False: "✗ "}.get(policy.get("met"), "")  # type: ignore[arg-type]
        kind = t("roles.policies.restrictive") if policy["restrictive"] else t("roles.policies.permissive")
        lines.append((f"    § {met}{one_line(policy['name'])} ({kind})  {one_line(policy['path'])}", "muted"))
    return lines
