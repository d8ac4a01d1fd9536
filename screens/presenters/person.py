"""Accounts, sessions and the like in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from core.contract.admin import AdminUser, AdminUserDetails, Identity, UserOverview
from core.contract.auth import SessionBody, Ways
from screens.presenters.format.line import one_line
from screens.presenters.migration import Line
from screens.presenters.refusal import Refusal
from screens.services.text import has, t


def moment(text: str | None) -> str:
    """An instant by the clock of this machine; "–" for none."""
    if not text:
        return "–"
    try:
        return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return one_line(text)


def state_of(user: AdminUser) -> str:
    """The one thing that an administrator should see first: a name of `people.state.…`, "" for nothing special."""
    if user["deletedAt"]:
        return "leaving"
    if user["banned"]:
        return "banned"
    if is_locked(user):
        return "locked"
    if user["invitedAt"] and not user["lastSignInAt"]:
        return "invited"
    return "" if user["emailVerified"] or not user["email"] else "unverified"


def is_locked(user: AdminUser) -> bool:
    until = user["lockedUntil"]
    return bool(until) and datetime.fromisoformat(str(until)) > datetime.now(UTC)


def user_lines(user: AdminUserDetails, sessions: Sequence[SessionBody], ways: Ways) -> list[Line]:
    """Everything of an account. ways: in which one can sign in to the app; of those it could use, they count."""
    lines: list[Line] = [(one_line(user["name"] or user["email"] or user["id"]), "title")]
    if state := state_of(user):
        reason = f": {one_line(user['banReason'] or '')}" if state == "banned" and user["banReason"] else ""
        until = user["banExpires"] if state == "banned" else user["lockedUntil"] if state == "locked" else None
        when = f"  → {moment(until)}" if until else ""
        lines.append((f"! {t(f'people.state.{state}')}{reason}{when}", "refused" if state != "invited" else "warn"))
    told = [
        ("email", user["email"] or "–"),
        ("role", user["role"]),
        ("groups", ", ".join(user["groups"]) or "–"),
        ("ways", ", ".join(way_text(each["provider"]) for each in user["identities"] if _is_open(each, ways)) or "–"),
        ("factors", ", ".join(each["name"] or each["type"] for each in user["factors"]) or "–"),
        ("since", moment(user["createdAt"])),
        ("last", moment(user["lastSignInAt"])),
    ]
    lines += [(f"{t(f'people.{name}'):<18} {one_line(value)}", "plain") for name, value in told]
    lines += [("", "plain"), (t("people.may"), "name")]
    lines += [
        (f"  {one_line(table)}: {', '.join(operations) or '–'}", "plain")
        for table, operations in user["permissions"].items()
    ]
    lines += [("", "plain"), (t("people.sessions", count=len(sessions)), "name")]
    lines += [(f"  {session_line(each)}", "plain") for each in sessions]
    return lines


def _is_open(identity: Identity, ways: Ways) -> bool:
    match identity["provider"]:
        case "credential":
            return ways["password"]
        case "email":
            return ways["emailCode"] or ways["magicLink"]
        case "phone":
            return ways["phone"]
    return True


def way_text(provider: str) -> str:
    """A way of signing in; a provider by its own name."""
    return t(f"people.way.{provider}") if has(f"people.way.{provider}") else provider


def session_line(session: SessionBody) -> str:
    """A session in a line."""
    here = f"  ← {t('people.this-session')}" if session["isCurrent"] else ""
    acting = f"  ! {t('people.acted')}" if session["impersonatedBy"] else ""
    where = session["ipAddress"] or t("people.local")
    return one_line(f"{session['device']}  {where}  {moment(session['lastSeenAt'])}{here}{acting}")


def session_lines(session: SessionBody) -> list[Line]:
    return [
        (session_line(session), "title"),
        (f"{t('account.began'):<18} {moment(session['createdAt'])}", "plain"),
        (f"{t('account.seen'):<18} {moment(session['lastSeenAt'])}", "plain"),
        (f"{t('account.until'):<18} {moment(session['expiresAt'])}", "plain"),
        (one_line(session["userAgent"] or ""), "muted"),
    ]


def overview_text(overview: UserOverview) -> str:
    """What stands behind the count of accounts: who was there, who is new."""
    totals = overview["totals"]
    return t("people.overview", active=totals["active_24h"], new=totals["new_in_period"])


def role_names(names: Iterable[str], typed: str) -> str:
    """The roles that were typed, as the server takes them. Raises Refusal for one that is not there."""
    known, asked = list(names), [each for each in typed.replace(",", " ").split() if each]
    for name in asked:
        if name not in known:
            raise Refusal(t("people.no-role", name=name, known=", ".join(known)), "role")
    return ",".join(asked)


def group_names(names: Iterable[str], typed: str) -> set[str]:
    """The groups that were typed. Raises Refusal for one that is not there."""
    known, asked = list(names), {each for each in typed.replace(",", " ").split() if each}
    if wrong := sorted(asked - set(known)):
        raise Refusal(t("people.no-group", name=wrong[0], known=", ".join(known)), "groups")
    return asked
