"""How often accounts may be tried (auth §10.1): by the client's address before anything is read, and by the identifier, the
address or number of a person, before anything is hashed. Callers over the Unix socket are not counted."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Literal

from core.http.limit import WINDOW_SECONDS, Limiter
from core.http.route import Throttle
from core.http.window import Taken
from core.schema.auth import RateRule, RateSpec

BASE = "/api/auth"
TOLD_EVERY = 60.0
"""Seconds in which one caller's refusals are one entry of the log."""
TOLD_MOST = 200
"""Entries within that time: a crowd must not fill the log."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`by_identifier`: `attempts` is what the app file says of one identifier."""

    by_address: RateRule
    by_identifier: RateRule | Literal["attempts"] | None = None


PACES: Mapping[Throttle, Pace] = {
    "sign-in": Pace(RateRule(20, 60), "attempts"),
    "sign-up": Pace(RateRule(20, 60)),
    "send": Pace(RateRule(10, 60), RateRule(3, 60)),
    "change": Pace(RateRule(10, 60)),
    "admin": Pace(RateRule(10, 1)),
    "bootstrap": Pace(RateRule(5, 60)),
}
BY_USER: frozenset[Throttle] = frozenset({"change"})
"""Counted by user where there is one, and not by address."""


class Told:
    """Which refusals the log was told of lately."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._known: set[tuple[str, ...]] = set()
        self._begun = seconds()

    def is_new(self, *key: str) -> bool:
        """Whether it is to be told now."""
        now = self._seconds()
        if now - self._begun >= TOLD_EVERY:
            self._known, self._begun = set(), now
        if key in self._known or len(self._known) >= TOLD_MOST:
            return False
        self._known.add(key)
        return True


def take(limiter: Limiter, throttle: Throttle | None, path: str, who: str, spec: RateSpec) -> Taken | None:
    """Count a request of `who`, an address or a user; None where neither its group nor the app file limits it. Raises
    TooMany."""
    found = _said(spec, path)
    if found is None and throttle is not None:
        found = throttle, PACES[throttle].by_address
    if found is None or not spec.enabled:
        return None
    group, rule = found
    return _take(limiter, ("address", group, who), rule)


def take_identifier(limiter: Limiter, throttle: Throttle, identifier: str, spec: RateSpec) -> None:
    """Count a try of one account, from wherever it comes (A-140). Raises TooMany."""
    rule = PACES[throttle].by_identifier
    if rule is None or not spec.enabled:
        return
    if rule == "attempts":
        rule = RateRule(spec.max_attempts, spec.window)
    digest = blake2b(identifier.encode(), digest_size=16).hexdigest()
    _take(limiter, ("identifier", throttle, digest), rule)


def _take(limiter: Limiter, key: tuple[str, str, str], rule: RateRule) -> Taken:
    seconds = rule.window if limiter.window == WINDOW_SECONDS else min(rule.window, limiter.window)
    return limiter.accounts.take(key, rule.max, seconds)


def _said(spec: RateSpec, path: str) -> tuple[str, RateRule] | None:
    """What the app file says of an address, in the first pattern that fits: what the pattern names is counted by itself."""
    rest = path.removeprefix(BASE)
    return next((each for each in spec.rules.items() if fnmatchcase(rest, each[0])), None)
