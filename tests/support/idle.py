"""When a console under test has nothing more to do.

Textual's own answer is the processor time of the whole process, in steps of 20 ms, twice for each key; it makes most of the
time of a test a sleep, and on a busy machine it is wrong. The event loop knows: nothing is ready to run, no callback is due
within one frame, and no thread works for it.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import textual.app
import textual.pilot

SOON = 0.02
"""Seconds; a callback that is due sooner is waited for. Textual's own step."""
ROUNDS = 3
"""Rounds of the loop in a row that must find nothing: sockets are asked once in each."""


async def wait_for_idle(min_sleep: float = 0, max_sleep: float = 1) -> None:
    """Return when the loop is at rest, after `max_sleep` seconds at the latest."""
    loop: Any = asyncio.get_running_loop()
    start = monotonic()
    quiet = 0
    while quiet < ROUNDS or monotonic() - start < min_sleep:
        await asyncio.sleep(0)
        quiet = 0 if loop._ready else quiet + 1
        if quiet < ROUNDS:
            continue
        if monotonic() - start >= max_sleep:
            return
        due = _next_due(loop)
        if due < SOON:
            await asyncio.sleep(max(due, 0))
            quiet = 0
        elif _threads_work(loop):
            await asyncio.sleep(0.001)
            quiet = 0


def _next_due(loop: Any) -> float:
    """Seconds until the next callback of a timer; infinite without one."""
    now = loop.time()
    return min((handle.when() - now for handle in loop._scheduled if not handle.cancelled()), default=float("inf"))


def _threads_work(loop: Any) -> bool:
    executor: ThreadPoolExecutor | None = loop._default_executor
    if executor is None:
        return False
    return bool(executor._work_queue.qsize()) or executor._idle_semaphore._value < len(executor._threads)


def install() -> None:
    """Let Textual's pilot wait this way."""
    textual.app.wait_for_idle = wait_for_idle
    textual.pilot.wait_for_idle = wait_for_idle
