"""The last step of a server's life, which must come to an end whatever the database does."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable

CLOSING_MOST = 60.0
"""Seconds that the database may take to close, which is mostly to write its log into its file."""
LOG = logging.getLogger("sovrium_tui.server")


async def close_or_leave(
    close: Callable[[], object], *, seconds: float = CLOSING_MOST, leave: Callable[[int], object] = os._exit
) -> None:
    """Close on a thread of its own; when that has not ended in time, say so and `leave` the process at once. Nothing is lost
    then: every write that was acknowledged is in the database's log, which is read at the next start. Raises what `close`
    raises."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def end(error: BaseException | None) -> None:
        if not done.done():
            done.set_exception(error) if error is not None else done.set_result(None)

    def work() -> None:
        error: BaseException | None = None
        try:
            close()
        except BaseException as found:
            error = found
        if not loop.is_closed():
            loop.call_soon_threadsafe(end, error)

    # A daemon: the interpreter would wait for any other thread.
    threading.Thread(target=work, name="closing", daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            await done
    except TimeoutError:
        LOG.error(
            "the database did not close within %d s; nothing is lost, the next start reads what is left in its log",
            seconds,
        )
        leave(1)
