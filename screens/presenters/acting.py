"""Acting as somebody else in this console: as whom, and for how long yet. No Textual."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Acting:
    """`token` is the secret of the session that everything is asked with meanwhile."""

    name: str
    token: str
    until: datetime

    def seconds(self, now: datetime | None = None) -> int:
        """What is left of it."""
        return max(0, int((self.until - (now or datetime.now(UTC))).total_seconds()))


def clock_text(seconds: int) -> str:
    """`59:07`, `1:00:00`."""
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
