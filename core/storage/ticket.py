"""A queued job with the place where its answer goes, and the delivery of many answers at once.

A caller waits on a thread (`concurrent.futures.Future`) or on an event loop (`asyncio.Future`). For loops, all answers
of a group travel in one `call_soon_threadsafe`: waking a loop costs as much as a small statement.
"""

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

from core.storage.database import Cancel, Job


class Ticket:
    """One job on its way. `loop` is None when a thread waits."""

    __slots__ = ("actor", "cancel", "cause", "deadline", "future", "job", "loop", "single")

    def __init__(
        self,
        job: Job[Any],
        future: "Future[Any] | asyncio.Future[Any]",
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        cancel: Cancel | None = None,
        deadline: float | None = None,
        actor: str | None = None,
        cause: str | None = None,
        single: bool = False,
    ) -> None:
        self.job = job
        self.future = future
        self.loop = loop
        self.cancel = cancel
        self.deadline = deadline
        self.actor = actor
        self.cause = cause
        self.single = single
        """It reads by one statement, which is a snapshot without a transaction around it."""

    @property
    def abandoned(self) -> bool:
        """Nobody waits for the answer any more, or the caller asked to stop."""
        return self.future.cancelled() or (self.cancel is not None and self.cancel.requested)


Outcome = tuple[Ticket, Any, BaseException | None]
"""A ticket with its result, or with its error."""


def deliver(outcomes: Iterable[Outcome]) -> None:
    """Hand every answer to its caller; each event loop is woken once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Outcome]] = {}
    for outcome in outcomes:
        loop = outcome[0].loop
        if loop is None:
            _settle(outcome)
        else:
            by_loop.setdefault(loop, []).append(outcome)
    for loop, group in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle_all, group)
        except RuntimeError:  # the loop has been closed: nobody waits
            continue


def _settle_all(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        _settle(outcome)


def _settle(outcome: Outcome) -> None:
    ticket, result, error = outcome
    future = ticket.future
    if isinstance(future, Future) and not future.set_running_or_notify_cancel():
        return
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
