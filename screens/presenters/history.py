"""What became of a record, as lines for people: when, who, what, and field by field from what to what."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.contract.activity import HistoryEntry, Person
from core.contract.comments import Comment
from core.contract.tables import FieldInfo
from screens.presenters.format.line import one_line, plain
from screens.presenters.migration import Line, local
from screens.presenters.value import show, title_of
from screens.services.text import has, t

MARKS = {"create": "+", "update": "~", "delete": "-", "restore": "↩", "permanent_delete": "✕", "sql": "»"}
QUIET = ("updated_at", "created_at", "deleted_at")
"""Fields that every change moves."""


def entry_line(entry: HistoryEntry) -> str:
    """One change in a line: mark, when, who, what."""
    mark = MARKS.get(entry["action"], "·")
    return f"{mark} {local(entry['createdAt'])}  {what(entry['action'])}  {who(entry['user'])}"


def what(action: str) -> str:
    """The name of an action."""
    key = f"history.{action}"
    return t(key) if has(key) else one_line(action.replace("_", " "))


def who(user: Person | None) -> str:
    """The name of whoever did it."""
    if user is None:
        return t("history.nobody")
    return one_line(str(user["name"] or user["id"]))


def diff_lines(entry: HistoryEntry, fields: Sequence[FieldInfo]) -> list[Line]:
    """Field by field: what it was and what it became. Fields that are no more keep their names."""
    known = {field["name"]: field for field in fields}
    before, after = _side(entry, "before"), _side(entry, "after")
    names = [name for name in (*known, *before, *after) if name in before or name in after]
    lines: list[Line] = []
    for name in dict.fromkeys(names):
        old, new = before.get(name), after.get(name)
        if old == new or (name in QUIET and len(names) > 1):
            continue
        field = known.get(name)
        lines.append((one_line(title_of(field)) if field else one_line(name), "name"))
        if name in before and (old is not None or not after):
            lines += [(f"  - {text}", "destructive") for text in _texts(field, old)]
        if name in after and (new is not None or before):
            lines += [(f"  + {text}", "add") for text in _texts(field, new)]
    if cause := entry.get("cause"):
        lines += [("", "plain"), (plain(str(cause)), "muted")]
    return lines or [(t("history.no_change"), "muted")]


def _side(entry: HistoryEntry, name: str) -> Mapping[str, Any]:
    found = entry["changes"].get(name)
    return found if isinstance(found, dict) else {}


def _texts(field: FieldInfo | None, value: Any) -> list[str]:
    if isinstance(value, str) and "\n" in value:
        return [one_line(line) for line in value.splitlines()[:20]]
    return [one_line(show(field, value))]


def threads(comments: Sequence[Comment]) -> list[tuple[Comment, bool]]:
    """Comments in the order of reading: each with its answers below it (True), oldest first."""
    answers: dict[str, list[Comment]] = {}
    known = {comment["id"] for comment in comments}
    for comment in comments:
        if (parent := comment["parentCommentId"]) is not None and parent in known:
            answers.setdefault(parent, []).append(comment)
    tops = [c for c in comments if c["parentCommentId"] is None or c["parentCommentId"] not in known]
    return [pair for top in tops for pair in ((top, False), *((each, True) for each in answers.get(top["id"], ())))]


def author(comment: Comment) -> str:
    """Who wrote it."""
    if comment["guestName"]:
        return f"{one_line(comment['guestName'])} ({t('comments.guest')})"
    return who(comment["user"])
