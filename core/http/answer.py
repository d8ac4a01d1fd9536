"""What a handler gives back: JSON, bytes, or a stream."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import lru_cache
from typing import Any

import orjson

Send = Callable[[dict[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

JSON: Header = (b"content-type", b"application/json; charset=utf-8")
# Answers are data of one caller: never kept by a cache, never taken for something else by a browser, never framed.
GUARDS: tuple[Header, ...] = (
    (b"cache-control", b"no-store"),
    (b"vary", b"Cookie, Authorization, Origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'"),
    (
        b"permissions-policy",
        b"camera=(), microphone=(), geolocation=(), payment=(), usb=(), accelerometer=(), gyroscope=(), magnetometer=()",
    ),
)
"""Of every answer (auth §17.1). One that has a header of the same name itself keeps its own."""
HSTS: Header = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
"""Over TLS."""


def guarded(headers: Sequence[Header]) -> tuple[Header, ...]:
    """The headers of an answer with those that every answer has."""
    return (*headers, *guards_beside(tuple([name for name, _ in headers])))


@lru_cache(1000)
def guards_beside(names: tuple[bytes, ...]) -> tuple[Header, ...]:
    """Those of the guards that an answer with such headers does not have itself."""
    return tuple(guard for guard in GUARDS if guard[0] not in names)


class Answer:
    """A whole answer. `body` None is an empty one (204)."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes | None, headers: Sequence[Header] = (JSON,)) -> None:
        self.status = status
        self.body = body
        self.headers = list(headers)

    async def send(self, send: Send) -> None:
        body = self.body
        await send(self.start(None if body is None else len(body)))
        await send({"type": "http.response.body", "body": body or b""})

    def start(self, length: int | None) -> dict[str, Any]:
        """The message that begins the answer. The length stands last (`Exchange`)."""
        headers = guarded(self.headers)
        if length is not None:
            headers = (*headers, (b"content-length", b"%d" % length))
        return {"type": "http.response.start", "status": self.status, "headers": headers}


class Stream(Answer):
    """An answer whose body is made while it is sent. `size` in bytes, where it is known."""

    __slots__ = ("chunks", "size")

    def __init__(
        self, chunks: AsyncGenerator[bytes], headers: Sequence[Header], *, status: int = 200, size: int | None = None
    ) -> None:
        super().__init__(status, None, headers)
        self.chunks = chunks
        self.size = size

    async def send(self, send: Send) -> None:
        await send(self.start(self.size))
        async with aclosing(self.chunks) as chunks:  # its clean-up must not wait for the garbage collector
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def begun(chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """The same body, once its first chunk is made: what fails before is answered as an error, and not by a body that ends
    where it began."""
    first = await anext(chunks, b"")

    async def body() -> AsyncGenerator[bytes]:
        async with aclosing(chunks) as rest:
            yield first
            async for chunk in rest:
                yield chunk

    return body()


def as_json(value: Any, status: int = 200) -> Answer:
    """JSON of plain data: dicts, lists, text, numbers, None, and dates."""
    return Answer(status, orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))


NO_CONTENT = 204


def empty() -> Answer:
    """204."""
    return Answer(NO_CONTENT, None, ())
