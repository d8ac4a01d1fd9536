"""Reads the row policies of a table and checks their form and their roles; what their expressions mean is checked with the
field types at hand (`core.fields.policy`)."""

from collections.abc import Sequence

from core.schema.form import PolicyForm, RowSecurityForm
from core.schema.name import nearest
from core.schema.policy import ACTIONS, TRUST, Policy, RowSecurity
from core.schema.policy_text import PolicyProblem, Term, parse_policy
from core.schema.role import GROUP, Roles
from core.schema.shape import Findings
from core.schema.tree import Path, path_text
from core.sentence import say


def row_security_of(form: RowSecurityForm | None, path: Path, findings: Findings) -> RowSecurity | None:
    """The block at a path (`("tables", 2, "rls")`)."""
    if form is None:
        return None
    names: set[str] = set()
    policies = []
    for place, each in enumerate(form.policies):
        here = (*path, "policies", place)
        if each.name in names:
            findings.error(
                "policy.duplicate", say("there are two policies named `{name}`", name=each.name), (*here, "name")
            )
        names.add(each.name)
        policies.append(_policy(each, here, findings))
    return RowSecurity(enabled=form.enabled, force=form.force, policies=tuple(policies))


def _policy(form: PolicyForm, path: Path, findings: Findings) -> Policy:
    wanted = "check" if form.for_ == "insert" else "using"
    if getattr(form, wanted) is None:
        findings.error(
            "policy.missing", say("a policy for {action} says `{wanted}`", action=form.for_, wanted=wanted), path
        )
    if form.for_ == "insert" and form.using is not None:
        findings.error("policy.using", "new rows are judged by `check`", (*path, "using"), key=True)
    if form.for_ in ("select", "delete") and form.check is not None:
        findings.error("policy.check", say("{action} makes no new row", action=form.for_), (*path, "check"), key=True)
    to = [form.to] if isinstance(form.to, str) else form.to
    return Policy(
        name=form.name,
        actions=frozenset(ACTIONS if form.for_ == "all" else (form.for_,)),
        to=tuple(to),
        restrictive=form.as_ == "restrictive",
        using=_expression(form.using, (*path, "using"), findings),
        check=_expression(form.check, (*path, "check"), findings),
        path=path_text(path),
    )


def _expression(text: str | None, path: Path, findings: Findings) -> Term | None:
    if text is None:
        return None
    try:
        return parse_policy(text)
    except PolicyProblem as problem:
        message = say("{problem} (column {column})", problem=say(problem.message), column=problem.position + 1)
        findings.error("policy.expression", message, path, hint=problem.hint)
        return None


def check_policy_roles(security: RowSecurity | None, path: Path, roles: Roles, findings: Findings) -> None:
    """Roles and groups that policies are for and the app does not have."""
    for place, policy in enumerate(security.policies if security else ()):
        for name, where in _named(policy, (*path, "policies", place, "to")):
            if name.startswith(GROUP):
                if name.removeprefix(GROUP) not in {group.name for group in roles.groups}:
                    text = say("the group `{name}` is not in auth.groups", name=name)
                    findings.error("policy.unknown-group", text, where, hint=nearest(name, roles.names()))
            elif name not in TRUST and name not in roles.by_name:
                known = [*TRUST, *roles.by_name]
                text = say(
                    "the role `{name}` is not defined; there are {known}",
                    name=name,
                    known=", ".join(role.name for role in roles.ordered),
                )
                findings.error("policy.unknown-role", text, where, hint=nearest(name, known))


def _named(policy: Policy, path: Path) -> Sequence[tuple[str, Path]]:
    return [(name, (*path, index)) for index, name in enumerate(policy.to)]
