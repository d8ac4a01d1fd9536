"""Ids that we make ourselves: random, sortable by time where it helps, never guessable."""

import secrets
import time
import uuid


def uuid7() -> str:
    """A time-ordered UUID (RFC 9562, version 7). The 12 bits behind its milliseconds are their fraction (method 3 of §6.2):
    what one process makes is in the order in which it was made."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    value = (
        (milliseconds & (1 << 48) - 1) << 80
        | 0x7 << 76
        | (rest << 12) // 1_000_000 << 64
        | 0b10 << 62
        | secrets.randbits(62)
    )
    return str(uuid.UUID(int=value))


def short_id(prefix: str) -> str:
    """`run_k3x9…`: an opaque handle for things that live in memory (views, runs, jobs)."""
    return f"{prefix}_{secrets.token_urlsafe(12)}"
