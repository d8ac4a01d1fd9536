"""Noticing that an app file, or a file that it includes, has changed.

By looking, not by the kernel's notifications: editors replace files, folders come from network drives and containers, and
a look at the handful of files of an app costs microseconds.
"""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from sovrium_tui.process.record import file_stamp

LOOK_EVERY = 0.2
SETTLED = 0.15
"""Seconds without a further change after which a file counts as written: editors and generators write in pieces."""

Stamps = dict[Path, list[int]]


async def changes(app_file: Path, seen: Stamps) -> AsyncGenerator[None]:
    """Yields whenever the app is no longer as it was `seen`. Files are looked up anew each time: an include may be new, or
    missing."""
    while True:
        await asyncio.sleep(LOOK_EVERY)
        if not changed(seen):
            continue
        seen = {path: file_stamp(path) for path in seen}
        await asyncio.sleep(SETTLED)
        if not changed(seen):  # else it is still being written
            # Before it is read: what changes meanwhile is seen next time.
            seen = await asyncio.to_thread(stamps, app_file)
            yield


def changed(seen: Stamps) -> bool:
    return any(file_stamp(path) != stamp for path, stamp in seen.items())


def stamps(app_file: Path) -> Stamps:
    """The files of the app as they are."""
    from core.schema.source import read_source

    return {path: file_stamp(path) for path in (app_file, *read_source(app_file).files)}
