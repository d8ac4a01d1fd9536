"""The first file of a form (`multipart/form-data`), while it comes; nothing is kept but its headers."""

import re
from collections.abc import AsyncIterator
from email.message import Message
from urllib.parse import unquote

from core.errors import BadRequest

_HEAD_LIMIT = 16 * 1024
_BEFORE_LIMIT = 1024 * 1024
"""Bytes of other parts that may stand before the file."""


async def first_file(chunks: AsyncIterator[bytes], content_type: str) -> tuple[str, AsyncIterator[bytes]]:
    """The name of the file and its bytes. Raises BadRequest, also while the bytes are read, when the form is cut off."""
    boundary = _boundary(content_type)
    buffer = bytearray(b"\r\n")  # the first boundary stands at the beginning of a line like the others
    mark, passed = b"\r\n--" + boundary, 0
    while True:
        start = buffer.find(mark)
        end = buffer.find(b"\r\n\r\n", start + len(mark)) if start >= 0 else -1
        if start >= 0 and buffer[start + len(mark) : start + len(mark) + 2] == b"--":
            raise BadRequest("The form holds no file")
        if end >= 0:
            name = _filename(bytes(buffer[start + len(mark) + 2 : end]))
            del buffer[: end + 4]
            if name is not None:
                return name, _body(buffer, chunks, mark)
            buffer[:0] = b"\r\n"  # an empty part's boundary follows its headers at once
            continue
        if start >= 0 and len(buffer) - start > _HEAD_LIMIT:
            raise BadRequest("The headers of a part of the form are too long")
        if start < 0 and len(buffer) > len(mark):
            passed += len(buffer) - len(mark)
            del buffer[: -len(mark)]
        if passed > _BEFORE_LIMIT:
            raise BadRequest("Too much stands before the file in the form")
        buffer += await _next(chunks)


async def _body(buffer: bytearray, chunks: AsyncIterator[bytes], mark: bytes) -> AsyncIterator[bytes]:
    if buffer.startswith(mark[2:]):
        return  # an empty file
    while (end := buffer.find(mark)) < 0:
        safe = len(buffer) - len(mark)
        if safe > 0:
            yield bytes(buffer[:safe])
            del buffer[:safe]
        buffer += await _next(chunks)
    yield bytes(buffer[:end])
    async for _ in chunks:
        pass  # what follows is not ours, but must be taken off the line


async def _next(chunks: AsyncIterator[bytes]) -> bytes:
    async for chunk in chunks:
        return chunk
    raise BadRequest("The form ends before its file does")


def _boundary(content_type: str) -> bytes:
    message = Message()
    message["content-type"] = content_type
    boundary = message.get_param("boundary")
    if not isinstance(boundary, str) or not 0 < len(boundary) <= 200:
        raise BadRequest("The form has no boundary")
    return boundary.encode("latin-1", "replace")


def _filename(head: bytes) -> str | None:
    """The name of a part that is a file; None for others."""
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() != "content-disposition":
            continue
        if found := re.search(r"filename\*=(?:utf-8|UTF-8)''([^;]+)", value):
            return unquote(found[1])
        if found := re.search(r'filename="((?:[^"\\]|\\.)*)"', value) or re.search(r"filename=([^;]+)", value):
            return found[1].strip()
    return None
