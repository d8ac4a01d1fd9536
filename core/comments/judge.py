"""What becomes of a comment before anybody reads it: shown, kept for a moderator, or refused (R-071, R-074)."""

import re
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Literal

from core.errors import RequestError
from core.schema.model import CommentRules

Status = Literal["approved", "pending", "rejected"]
ADDRESSES_KEPT = 10_000
NO_RULES = CommentRules()
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)
_MENTION = re.compile(r"(?<![\w@.])@([\w][\w.+-]{0,63})")


class TooFast(RequestError):
    """More comments from one address than its table allows. `retry_after` in whole seconds."""

    code = "RATE_LIMITED"
    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many comments", hint=f"try again in {retry_after} s")
        self.retry_after = retry_after


class Pace:
    """Comments of guests by address, within sliding windows. On one event loop; `clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def take(self, table: str, address: str, most: int, seconds: int) -> None:
        """Count one. Raises TooFast, and does not count then."""
        times = self._times.setdefault((table, address), deque())
        self._times.move_to_end((table, address))
        if len(self._times) > ADDRESSES_KEPT:
            self._times.popitem(last=False)
        now = self._clock()
        while times and times[0] <= now - seconds:
            times.popleft()
        if len(times) >= most:
            raise TooFast(max(1, int(times[0] + seconds - now) + 1))
        times.append(now)


def judge(rules: CommentRules, content: str, *, is_admin: bool, has_session: bool, is_known: bool) -> Status:
    """`is_known`: the author has had a comment approved before."""
    if is_admin:
        return "approved"
    words = content.casefold()
    if any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", words) for word in rules.blocked_words):
        return "rejected"
    if len(_LINK.findall(content)) > rules.links_most:
        return "pending"
    if rules.moderation != "manual":
        return "approved"
    by_session = has_session and "authenticated" in rules.auto_approved
    return "approved" if by_session or (is_known and "previouslyApproved" in rules.auto_approved) else "pending"


def mentions_in(content: str) -> list[tuple[str, int, int]]:
    """The names after an @ with their places; a full stop at the end is the sentence's."""
    found = []
    for each in _MENTION.finditer(content):
        name = each[1].rstrip(".-+")
        found.append((name, each.start(), each.start() + 1 + len(name)))
    return found
