"""When a console under test has nothing more to do.

Textual's own answer is the processor time of the whole process, in steps of 20 ms, twice for each key; it makes most of the
time of a test a sleep, and on a busy machine it is wrong. The event loop knows: nothing is ready to run, no callback is due
within one frame, and no thread works for it.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any
from weakref import WeakSet

import textual.app
import textual.pilot
from textual.screen import Screen

SOON = 0.02
"""Seconds; a callback that is due sooner is waited for. Textual's own step."""
ROUNDS = 3
"""Rounds of the loop in a row that must find nothing: sockets are asked once in each."""


async def wait_for_idle(min_sleep: float = 0, max_sleep: float = 1) -> None:
    """Return when the loop is at rest and what has changed is painted, after `max_sleep` seconds at the latest."""
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
        elif _paint():
            quiet = 0  # a grid that is painted may ask for the rows that it lacks


def _next_due(loop: Any) -> float:
    """Seconds until the next callback of a timer; infinite without one."""
    now = loop.time()
    return min((handle.when() - now for handle in loop._scheduled if not handle.cancelled()), default=float("inf"))


def _threads_work(loop: Any) -> bool:
    executor: ThreadPoolExecutor | None = loop._default_executor
    if executor is None:
        return False
    return bool(executor._work_queue.qsize()) or executor._idle_semaphore._value < len(executor._threads)


paint_at_once = Screen._compositor_refresh
"""As Textual paints: for tests of frames."""
_unpainted: WeakSet[Screen[Any]] = WeakSet()


def _refresh_later(screen: Screen[Any]) -> None:
    """Remember that there is something to paint."""
    app = screen.app
    if not app.is_headless or app.is_inline or screen is not app.screen:
        paint_at_once(screen)
        return
    _unpainted.add(screen)
    screen._dirty_widgets.clear()
    app._update_mouse_over(screen)


def _paint() -> bool:
    """Paint what has changed since the console was at rest; whether there was anything. An error in it is the test's."""
    screens = [screen for screen in _unpainted if screen.is_running and screen.is_current]
    _unpainted.clear()
    for screen in screens:
        with screen._context():
            screen._compositor.render_update(screen_stack=screen.app._background_screens)
    return bool(screens)


def install() -> None:
    """Let Textual's pilot wait this way."""
    textual.app.wait_for_idle = wait_for_idle
    textual.pilot.wait_for_idle = wait_for_idle


_sleep = textual.pilot.Pilot.pause


async def _pause(pilot: textual.pilot.Pilot[Any], delay: float | None = None) -> None:
    """Textual's own, at the end of which frames are due: they are painted, and what that sets going is waited for."""
    await _sleep(pilot, delay)
    if _paint():
        await wait_for_idle()


def paint_at_rest() -> None:
    """Let a console under test paint when it is at rest, and not sixty times a second: nobody sees what is between, and it
    was a third of the time of the tests."""
    Screen._compositor_refresh = _refresh_later  # type: ignore[method-assign]
    textual.pilot.Pilot.pause = _pause  # type: ignore[method-assign]
