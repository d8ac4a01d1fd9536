"""Uploads on their way to a file of the exchange folder, in constant memory."""

import asyncio
import errno
import os
from pathlib import Path
from typing import IO

from core.errors import DiskFull, StorageError, TooLarge
from core.http.call import Call
from core.ids import short_id
from core.sentence import say

UPLOAD_LIMIT = 16 * 1024**3
"""Bytes of one import."""
BLOCK = 1024 * 1024


async def spool(call: Call, folder: Path, suffix: str, limit: int = UPLOAD_LIMIT) -> Path:
    """The body as a file, which is the caller's to remove.

    Raises:
        TooLarge: more than `limit` bytes.
        DiskFull: no room for it.
    """
    announced = call.header(b"content-length")
    if announced is not None and int(announced) > limit:
        raise too_large(limit)
    target = folder / f"{short_id('upload')}{suffix}"
    try:
        await _write(call, target, limit)
    except BaseException as error:
        target.unlink(missing_ok=True)
        if isinstance(error, OSError):
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            kind = DiskFull if full else StorageError
            raise kind("No space is left for the file" if full else "The file cannot be kept") from error
        raise
    return target


async def _write(call: Call, target: Path, limit: int) -> None:
    size, waiting = 0, bytearray()
    with create(target) as file:
        async for chunk in call.chunks():
            size += len(chunk)
            if size > limit:
                raise too_large(limit)
            waiting += chunk
            if len(waiting) >= BLOCK:
                await asyncio.to_thread(file.write, bytes(waiting))
                waiting.clear()
        if waiting:
            await asyncio.to_thread(file.write, bytes(waiting))


def create(target: Path) -> IO[bytes]:
    return os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def too_large(limit: int) -> TooLarge:
    return TooLarge(say("The file has more than {most:,} bytes", most=limit), limit=limit)
