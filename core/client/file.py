"""Files on the client's side: read for an upload, written by a download, their format told by their name."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from core.client.connection import READ_SIZE
from core.errors import BadRequest, SovriumError
from core.sentence import say

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".json": "json",
    ".ndjson": "json",
    ".jsonl": "json",
    ".parquet": "parquet",
}


def format_of(file: Path) -> str:
    """`csv`, `json` or `parquet`, by the file's name."""
    known = FORMATS.get(file.suffix.lower())
    if known is None:
        raise BadRequest(
            say("{file}: the name does not tell the format", file=file.name),
            hint=say("known: {names}", names=", ".join(FORMATS)),
        )
    return known


def open_for_upload(file: Path) -> IO[bytes]:
    try:
        return file.open("rb")
    except OSError as error:
        raise BadRequest(say("{file}: {reason}", file=str(file), reason=error.strerror)) from error


async def chunks_of(source: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(source.read, READ_SIZE):
        yield chunk


async def save(chunks: AsyncIterator[bytes], target: Path) -> int:
    """Write beside the target, then rename. Returns the bytes written.

    Raises SovriumError when the target cannot be written, or is no file: a rename would replace a device or a pipe.
    """
    if await asyncio.to_thread(is_something_else, target):
        raise SovriumError(say("{file} is not a file", file=str(target)))
    size = 0
    with writing(target):
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            async for chunk in chunks:
                with writing(target):
                    size += await asyncio.to_thread(file.write, chunk)
            with writing(target):
                await asyncio.to_thread(file.flush)
                await asyncio.to_thread(os.fsync, file.fileno())
        with writing(target):
            os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
    return size


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """A failure of the disk here is told as one of `target`, not as one of the connection."""
    try:
        yield
    except OSError as error:
        raise SovriumError(say("{file}: {reason}", file=str(target), reason=error.strerror)) from error


def is_something_else(target: Path) -> bool:
    """There is something of that name, and it is no file."""
    return target.exists() and not target.is_file()
