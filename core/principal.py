"""Who asks. Every call into the engine carries a principal; there is no call without one."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of an operation.

    kind: `owner` is the OS user on the Unix socket, `guest` a caller without a session, `user` a signed-in account,
    `system` the engine itself (imports of `init`, schedules).
    """

    kind: Literal["owner", "guest", "user", "system"]
    id: str | None = None
    name: str = ""
    roles: frozenset[str] = frozenset()

    @property
    def is_unrestricted(self) -> bool:
        """Passes every permission: the local owner and the engine itself."""
        return self.kind in ("owner", "system")


OWNER = Principal("owner", name="owner", roles=frozenset({"admin"}))
GUEST = Principal("guest", name="guest")
SYSTEM = Principal("system", name="system", roles=frozenset({"admin"}))
