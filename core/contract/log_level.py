"""How grave something is that the server tells."""

from typing import Literal

LogLevel = Literal["debug", "info", "warn", "error"]
LEVELS: tuple[LogLevel, ...] = ("debug", "info", "warn", "error")
"""From the least grave one."""
