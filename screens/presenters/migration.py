"""Plans, versions and differences as lines for people: each with a mark, so that it reads without colour."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from core.contract.migrations import MigrationDetail, MigrationEntry, MigrationPlan, MigrationStatus
from screens.presenters.format.line import one_line
from screens.services.text import t
from screens.services.wording import in_words

Line = tuple[str, str]
"""A text and its tone: add, change, destructive, refused, warn, muted, title, plain."""
MARKS = {"add": "+", "change": "~", "destructive": "-"}


def plan_lines(plan: MigrationPlan) -> list[Line]:
    """What a plan does, table by table; then what stands in its way."""
    lines: list[Line] = []
    table = None
    for step in plan["steps"]:
        if step["table"] != table:
            table = step["table"]
            lines += [("", "plain")] if lines else []
            lines += [(one_line(table), "title")] if table else []
        loss = f"  · {t('migrations.loses')}" if step["kind"] == "destructive" else ""
        lines.append((f"{MARKS[step['kind']]} {one_line(in_words(step, 'text')['text'])}{loss}", step["kind"]))
    for refusal in (in_words(each, "message", "details", "hint") for each in plan["refusals"]):
        text = t("migrations.refusal", table=refusal["table"], problem=refusal["message"])
        lines += [("", "plain"), (f"✕ {one_line(text)}", "refused")]
        lines += [(f"    {one_line(detail)}", "plain") for detail in refusal["details"]]
        if refusal["hint"]:
            lines.append((f"    {one_line(refusal['hint'])}", "muted"))
    if plan["warnings"]:
        lines += [("", "plain"), *((f"! {one_line(text)}", "warn") for text in in_words(plan, "warnings")["warnings"])]
    if plan["undone"] is not None:
        lines += [("", "plain"), (f"! {t('migrations.undone', version=plan['undone'])}", "warn")]
    return lines


def is_empty(plan: MigrationPlan) -> bool:
    """Nothing is to be done."""
    return not plan["steps"] and not plan["refusals"]


def loses(plan: MigrationPlan) -> bool:
    """It drops something that holds values, and nothing in the app file allows that."""
    return any(not step["confirmed"] for step in plan["steps"])


def diff_lines(diff: Iterable[str]) -> list[Line]:
    """A difference as `diff -u` writes it."""
    tones = {"+": "add", "-": "destructive", "@": "muted"}
    return [(one_line(line), "title" if line[:3] in ("+++", "---") else tones.get(line[:1], "plain")) for line in diff]


def status_lines(status: MigrationStatus) -> list[Line]:
    """Whether file, snapshot and database agree."""
    lines: list[Line] = []
    if status["drift"]:
        lines.append((t("migrations.drift", count=len(status["drift"])), "warn"))
        lines += [(f"  {one_line(text)}", "plain") for text in in_words(status, "drift")["drift"]]
    if status["kept"]:
        lines.append((t("migrations.kept", names=", ".join(map(one_line, status["kept"]))), "muted"))
    return lines


def version_lines(detail: MigrationDetail) -> list[Line]:
    """One version: when, by whom, what it did, and what differs from another."""
    facts = [
        (t("migrations.applied"), f"{local(detail['appliedAt'])}  {detail['durationMs']} ms"),
        (t("migrations.by"), detail["appliedBy"] or ""),
        (t("migrations.checksum"), detail["checksum"][:16]),
    ]
    if detail["rolledBackAt"]:
        facts.append((t("migrations.rolled_back"), local(detail["rolledBackAt"])))
    wide = max(len(name) for name, _ in facts)
    lines: list[Line] = [(f"{name:<{wide}}  {one_line(value)}", "plain") for name, value in facts if value]
    if detail["steps"]:
        lines += [("", "plain"), (t("migrations.did"), "title")]
        lines += [(f"  {one_line(step)}", "plain") for step in detail["steps"]]
    lines += [("", "plain")]
    if detail["against"] is None:
        return lines
    lines.append((t("migrations.diff", version=detail["against"]), "title"))
    return lines + (diff_lines(detail["diff"]) or [(t("migrations.same"), "muted")])


def version_line(entry: MigrationEntry) -> tuple[str, str]:
    """Mark and text of a version in the list."""
    mark = "●" if entry["current"] else "↩" if entry["rolledBackAt"] else " "
    steps = t("migrations.steps", count=len(entry["steps"]))
    return mark, f"{t('migrations.version', version=entry['version'])}  {local(entry['appliedAt'])}  {steps}"


def local(instant: str) -> str:
    """An instant of the API as local time, to the minute."""
    try:
        return datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return one_line(instant)


def summary(plan: MigrationPlan) -> str:
    """A plan in a few words: `+3 ~1 -1`."""
    kinds: Sequence[str] = [step["kind"] for step in plan["steps"]]
    parts = [f"{MARKS[kind]}{kinds.count(kind)}" for kind in MARKS if kind in kinds]
    return " ".join([*parts, *([f"✕{len(plan['refusals'])}"] if plan["refusals"] else [])])
