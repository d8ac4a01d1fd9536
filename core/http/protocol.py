"""HTTP/1.1 on one connection: uvicorn's httptools protocol with the deadlines, caps and refusals that it lacks.

Measured on uvicorn 0.54: a half-sent head or body, or nothing at all, holds a connection for ever; a 200 KB header and a
request without `Host` are taken. httptools rather than h11 because of speed (the same empty answer over TCP, one core,
16 connections: uvicorn with h11 9,500/s, with httptools 19,300/s, this protocol under our own router 46,200/s), and
because llhttp refuses Content-Length beside Transfer-Encoding, which h11 answers. What llhttp lets pass is refused
here; `tests/security` holds both to it.

Head and body of a small answer leave in one write, and a connection that breaks cancels the request's task: that is
how a reading whose reader has gone is stopped.
"""

import asyncio
import os
import socket
import struct
from asyncio import TimerHandle
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from core.http.answer import Header


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one connection may take. Times in seconds, sizes in bytes."""

    head_seconds: float = 10.0
    """From the connection, or the first byte of a request, to the end of its head."""
    body_seconds: float = 60.0
    """A body may take longer only while it comes faster than `body_floor`."""
    body_floor: int = 1024
    """Bytes a second."""
    idle_seconds: float = 75.0
    """Between two requests."""
    stall_seconds: float = 30.0
    """A client that does not read what it asked for."""
    linger_seconds: float = 2.0
    """After a refusal, what still comes in is read and dropped so long, else the client never sees the answer."""
    head_bytes: int = 64 * 1024
    url_bytes: int = 32 * 1024
    headers: int = 100
    connections: int = 2000


LIMITS = Limits()
REFUSALS: dict[int, tuple[str, str]] = {
    400: ("BAD_REQUEST", "The request is not well-formed HTTP/1.1"),
    408: ("REQUEST_TIMEOUT", "The request did not come in time"),
    414: ("URI_TOO_LONG", "The address is too long"),
    431: ("HEADERS_TOO_LARGE", "The request has too many or too long headers"),
    503: ("SERVICE_UNAVAILABLE", "Too many connections"),
}
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
SINGLE = {b"host", b"content-length", b"transfer-encoding", b"origin", b"authorization"}
"""Of two of them, whoever reads the request next might believe the other."""


def peer_of(connection: Any) -> int | None:
    """The user at the other end of a Unix socket, as the kernel knows it; None over TCP, and where no kernel tells."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None or connection is None or connection.family != socket.AF_UNIX:
        return None
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i")))
    return int(user)


@lru_cache(1000)
def header_line(header: Header) -> bytes:
    """A header as it travels. Kept one by one: most are the same in all answers, and some, as what is left of a limit, in
    none. The length stands last and is told by itself."""
    name, value = header
    if b"\r" in value or b"\n" in value:
        raise ValueError("a header value with a line break")
    assert name != b"content-length", "the length stands last"
    return b"%b: %b\r\n" % header


class Refusal(Exception):
    """Raised by a parser callback to end the connection with this status."""

    def __init__(self, status: int) -> None:
        self.status = status


class GuardedProtocol(HttpToolsProtocol):
    """One connection. `limits` is a class attribute so that tests can have small ones in a subclass."""

    limits = LIMITS

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.timeout_keep_alive = self.limits.idle_seconds  # type: ignore[assignment]
        self.phase: Literal["idle", "head", "body"] = "idle"
        self._seen = 0
        """Bytes since the last request; while a body comes, bytes of it since the timer was set."""
        self._framing = 0
        """Bytes since the last data of a body: sizes of chunks, and what stands behind the last of them."""
        self._names: set[bytes] = set()
        """Of the headers so far."""
        self._refused = False
        self._timer: TimerHandle | None = None
        self._stall: TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        peer = peer_of(transport.get_extra_info("socket"))
        if peer is not None and peer not in (os.getuid(), 0):
            transport.abort()  # who may open the socket by a mistake of its modes is still not its owner
        elif len(self.connections) > self.limits.connections:
            self.refuse(503)
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_watching()
        self.resume_writing()
        self.pipeline.clear()
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._unset_keepalive_if_required()
        self._seen += len(data)
        self._framing += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # not offered: the request is answered as it is, and the connection ends with it
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            self.refuse(cause.status if isinstance(cause, Refusal) else 400)
        except (httptools.HttpParserError, httptools.HttpParserInvalidURLError):
            self.refuse(400)
        if (self._framing if self.phase == "body" else self._seen) > self.limits.head_bytes:
            self.refuse(431)
        self._watch()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.phase = "head"
        self._names = set()

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > self.limits.url_bytes:
            raise Refusal(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.phase == "body":
            return  # it stands behind the body: whoever has judged the head, a proxy too, has not seen it
        name = name.lower()
        if len(self.headers) >= self.limits.headers:
            raise Refusal(431)
        if name in self._names and name in SINGLE:
            raise Refusal(400)
        self._names.add(name)
        if name == b"transfer-encoding" and value.lower() != b"chunked":
            raise Refusal(400)
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        names = self._names
        version = self.parser.get_http_version()
        if version not in ("1.1", "1.0") or (version == "1.1" and b"host" not in names):
            raise Refusal(400)
        if b"transfer-encoding" in names and (b"content-length" in names or version == "1.0"):
            raise Refusal(400)
        scope = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        if not self.url.startswith(b"/"):
            raise Refusal(400)
        raw_path, _, query = self.url.partition(b"?")
        scope["raw_path"], scope["query_string"] = raw_path, query.partition(b"#")[0]
        path = unquote_to_bytes(raw_path) if b"%" in raw_path else raw_path
        scope["path"] = path.decode("utf-8", "replace")
        self._stop_watching()  # the head's deadline; the body gets its own
        self.phase, self._seen, self._framing = "body", 0, 0
        before, upgrade = self.cycle, self.parser.should_upgrade()
        self.cycle = Exchange(self, keep_alive=version == "1.1" and self.parser.should_keep_alive() and not upgrade)
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._framing = 0

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.phase, self._seen = "idle", 0

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall = self.loop.call_later(self.limits.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def timeout_keep_alive_handler(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()  # the last answer was never read: closing would wait for it
        else:
            super().timeout_keep_alive_handler()

    def refuse(self, status: int) -> None:
        """Answer in the envelope of the API and end the connection; once."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if self._task is not None:
                self._task.cancel()
            if cycle.response_started:
                self.transport.abort()
                return
        code, message = REFUSALS[status]
        body = orjson.dumps({"success": False, "message": message, "code": code})
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINES[status] + head + body)
        self.linger()

    def linger(self) -> None:
        """Close after the client has had time to read: closing with unread input resets the connection."""
        self._refused = True
        self._stop_watching()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(self.limits.linger_seconds, self.transport.abort)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._task = task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _watch(self) -> None:
        """Have a timer exactly while we wait for the client. Whole requests in one packet never set one."""
        waiting = self.phase != "idle" or self.cycle is None or self.cycle.response_complete
        if not waiting or self._refused or self.transport.is_closing():
            self._stop_watching()
        elif self._timer is None:
            seconds = self.limits.body_seconds if self.phase == "body" else self.limits.head_seconds
            self._timer = self.loop.call_later(seconds, self._late, self.phase == "body")

    def _stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self, body: bool) -> None:
        self._timer = None
        paused = self.flow.read_paused or (body and self.phase != "body")
        enough = body and self._seen >= self.limits.body_floor * self.limits.body_seconds
        if paused or enough:
            self._seen = 0
            self._watch()
        elif self.phase == "idle" and not self._seen:
            self.transport.close()  # has never asked for anything
        else:
            self.refuse(408)


class Exchange(RequestResponseCycle):
    """One request and its answer."""

    def __init__(self, protocol: GuardedProtocol, *, keep_alive: bool) -> None:
        super().__init__(
            scope=protocol.scope,
            transport=protocol.transport,
            flow=protocol.flow,
            logger=protocol.logger,
            access_logger=protocol.access_logger,
            access_log=False,
            default_headers=protocol.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=protocol.expect_100_continue,
            keep_alive=keep_alive,
            on_response=protocol.on_response_complete,
        )
        self.protocol = protocol
        self._head = b""
        """Held back until the first part of the body is there."""

    async def run_asgi(self, app: Any) -> None:
        try:
            await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            if not self.disconnected:
                self.transport.abort()
        except Exception as error:
            # The application answers its own errors; what comes here broke while an answer was on its way.
            self.logger.error("An answer was cut short", exc_info=error)
            self.transport.abort()
        else:
            if not self.response_complete and not self.disconnected:
                self.transport.abort()

    async def send(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self.response_started = True
            self.waiting_for_100_continue = False
            self._head = self._head_of(message)
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if self.scope["method"] == "HEAD":
            body = b""
        elif self.chunked_encoding:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"" if more else b"0\r\n\r\n")
        else:
            self.expected_content_length -= len(body)
        self.transport.write(self._head + body)
        self._head = b""
        if not more:
            self._complete()

    def _head_of(self, message: Any) -> bytes:
        status = message["status"]
        headers = message.get("headers", ())
        self.chunked_encoding = self.scope["method"] != "HEAD" and status not in (204, 304)
        parts = [STATUS_LINES[status], *map(header_line, self.default_headers)]
        if headers and headers[-1][0] == b"content-length":
            length = headers[-1][1]
            self.chunked_encoding, self.expected_content_length = False, int(length)
            parts += (*map(header_line, headers[:-1]), b"content-length: ", length, b"\r\n")
        else:
            parts += map(header_line, headers)
        if self.chunked_encoding:
            if self.scope["http_version"] == "1.0":
                self.chunked_encoding, self.keep_alive = False, False  # the end of the connection ends the body
            else:
                parts.append(b"transfer-encoding: chunked\r\n")
        if self.more_body:
            self.keep_alive = False  # answered before all was read: what follows is not a request
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        parts.append(b"\r\n")
        return b"".join(parts)

    def _complete(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if self.more_body:
            self.protocol.linger()
        elif not self.keep_alive:
            self.transport.close()
        self.on_response()
