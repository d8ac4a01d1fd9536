"""Passwords: what they must be, and their hashes (auth §5)."""

import asyncio
import os
import re
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from core.auth import firebase
from core.auth.error import AuthError
from core.auth.firebase import FirebaseHash
from core.errors import Busy
from core.schema.auth import Cost, PasswordStrategy
from core.sentence import say

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")
BYTES_MOST = 1024
COMMON = 10_000
WAITING_MOST = 64
"""Hashes that wait for a thread; more are refused, as nobody would wait so long."""
NICENESS = 10
"""Of the threads that hash: whoever asks for something small goes first."""
PROFILES: dict[Cost, tuple[int, int]] = {"owasp": (19_456, 2), "strong": (47_104, 1), "max": (65_536, 3)}
"""KiB of memory and passes of argon2id, one lane."""
EQUAL_TO_OWASP = frozenset({(12_288, 3), (9_216, 4), (7_168, 5)})
"""Other rows of OWASP's table: hashes made so are not made anew."""
FOREIGN_MOST = (262_144, 10)
"""KiB and passes that a hash of another system may cost."""
BCRYPT_ROUNDS_MOST = 14
_BCRYPT_HASH = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
BCRYPT = ("$2a$", "$2b$", "$2y$")
_CLASSES: dict[str, Callable[[str], bool]] = {
    "lower": str.islower,
    "upper": str.isupper,
    "digit": str.isdigit,
    "symbol": lambda c: not c.isalnum() and not c.isspace(),
}


def normal_password(text: str) -> bytes:
    """What is hashed: NFKC, UTF-8, nothing trimmed (A-052). Raises AuthError PASSWORD_TOO_LONG before any work (A-051)."""
    if len(text) > BYTES_MOST:
        raise AuthError("PASSWORD_TOO_LONG", say("A password has at most {most} bytes", most=BYTES_MOST))
    raw = unicodedata.normalize("NFKC", text).encode("utf-8", "surrogatepass")
    if len(raw) > BYTES_MOST:
        raise AuthError("PASSWORD_TOO_LONG", say("A password has at most {most} bytes", most=BYTES_MOST))
    return raw


def check_password(text: str, rules: PasswordStrategy, *, email: str | None = None, app: str = "") -> None:
    """Whether a new password will do. Raises AuthError PASSWORD_TOO_SHORT, _TOO_LONG, _TOO_WEAK or _COMPROMISED."""
    normal_password(text)
    normal = unicodedata.normalize("NFKC", text)
    if len(normal) < rules.min_length:
        raise AuthError("PASSWORD_TOO_SHORT", say("A password has at least {least} characters", least=rules.min_length))
    if len(normal) > rules.max_length:
        raise AuthError("PASSWORD_TOO_LONG", say("A password has at most {most} characters", most=rules.max_length))
    missing = [name for name in rules.require_classes if not any(map(_CLASSES[name], normal))]
    if missing:
        raise AuthError(
            "PASSWORD_TOO_WEAK",
            say("The password needs a character of each kind: {missing}", missing=", ".join(missing)),
        )
    folded = normal.casefold()
    local = (email or "").partition("@")[0]
    if folded in {name.casefold() for name in (local, email or "", app) if name}:
        raise AuthError("PASSWORD_COMPROMISED", "The password must not be your address or the name of the app")
    if rules.refuse_common and folded in common_passwords():
        raise AuthError("PASSWORD_COMPROMISED", "The password is one of the most used; choose another")


@cache
def common_passwords() -> frozenset[str]:
    """The most used passwords, of the list that `zxcvbn` brings."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"][:COMMON])


class Hasher:
    """Makes and checks hashes on threads of its own: as many as there are processors, so that memory stays bounded, and
    behind all others, so that other requests are answered meanwhile (A-054)."""

    def __init__(self, cost: Cost = "owasp", *, workers: int | None = None) -> None:
        self.cost: Cost = cost
        self._memory, self._passes = PROFILES[cost]
        self._workers = workers or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="password", initializer=_step_back)
        self._waiting = 0
        self._dummy: str | None = None

    async def hash(self, password: str) -> str:
        """The text to keep. Raises AuthError PASSWORD_TOO_LONG, Busy."""
        raw = normal_password(password)
        return await self._run(lambda: self._hasher().hash(raw))

    def hash_now(self, password: str) -> str:
        """The same on the thread that asks, for a start. Raises AuthError PASSWORD_TOO_LONG."""
        return self._hasher().hash(normal_password(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether it is the password of a hash. None takes as long as any other (A-053). Raises Busy."""
        try:
            raw = normal_password(password)
        except AuthError:
            return False
        if stored is None:
            await self._run(lambda: _is_argon2(self._hasher(), self._unknown(), raw))
            return False
        return await self._run(lambda: self._matches(stored, raw))

    def is_outdated(self, stored: str) -> bool:
        """It should be made anew when the password is at hand (A-049, A-050)."""
        from argon2 import Type, extract_parameters
        from argon2.exceptions import InvalidHashError

        try:
            found = extract_parameters(stored)
        except InvalidHashError:
            return True
        cost = (found.memory_cost, found.time_cost)
        wanted = (self._memory, self._passes)
        is_as_good = wanted == PROFILES["owasp"] and cost in EQUAL_TO_OWASP
        return found.type is not Type.ID or found.parallelism != 1 or (cost != wanted and not is_as_good)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _hasher(self) -> "PasswordHasher":
        from argon2 import PasswordHasher

        return PasswordHasher(time_cost=self._passes, memory_cost=self._memory, parallelism=1, hash_len=32, salt_len=16)

    def _unknown(self) -> str:
        """A hash that no password has, of the same cost."""
        if self._dummy is None:
            self._dummy = self._hasher().hash(os.urandom(16))
        return self._dummy

    def _matches(self, stored: str, raw: bytes) -> bool:
        if stored.startswith(BCRYPT):
            import bcrypt

            return bcrypt.checkpw(raw[:72], stored.replace("$2y$", "$2b$", 1).encode())
        if stored.startswith(firebase.MARK):
            found = FirebaseHash.read(stored)
            return found is not None and found.matches(raw)
        return _is_argon2(self._hasher(), stored, raw)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_MOST + self._workers:
            raise Busy("Too many people sign in at once", hint="try again in a second")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1


def _step_back() -> None:
    """Only Linux knows the priority of a single thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def is_hash(text: str) -> bool:
    """A hash of a kind that can be checked, for accounts that come from elsewhere; not one that costs a multiple of ours."""
    from argon2 import extract_parameters
    from argon2.exceptions import InvalidHashError

    if len(text) > 512:
        return False
    if (bcrypt := _BCRYPT_HASH.fullmatch(text)) is not None:
        return 4 <= int(bcrypt[1]) <= BCRYPT_ROUNDS_MOST
    if text.startswith(firebase.MARK):
        return FirebaseHash.read(text) is not None
    if not text.startswith(("$argon2id$", "$argon2i$")):
        return False
    try:
        found = extract_parameters(text)
    except (InvalidHashError, ValueError):
        return False
    memory, passes = FOREIGN_MOST
    return found.memory_cost <= memory and found.time_cost <= passes and found.parallelism <= 16


def _is_argon2(hasher: "PasswordHasher", stored: str, raw: bytes) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return hasher.verify(stored, raw)
    except (VerificationError, InvalidHashError):
        return False
