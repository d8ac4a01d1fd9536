"""The server's own log, as it travels."""

from typing_extensions import TypedDict

from core.contract.log_level import LogLevel


class LogEntry(TypedDict):
    """One thing that the server has told. `at` is "" for what a crash has printed past the log."""

    at: str
    level: LogLevel
    area: str
    message: str
    details: str
    """Where it broke, of several lines; mostly ""."""


class LogPage(TypedDict):
    """Entries in the order of time. `older` and `newer` are where to go on; None: the log begins here, or there is none.
    `more`: it goes on after these already."""

    entries: list[LogEntry]
    older: str | None
    newer: str | None
    more: bool
