"""HTTP/1.1 to one server, over a Unix socket or TCP: kept-alive connections, streamed bodies both ways.

Written on h11 because a console must show its first frame within 0.7 s: importing httpx costs 0.25 s of that, this 0.02 s.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import h11

from core.client.port import ServerGone
from core.errors import BadRequest, DeadlinePassed, SovriumError
from core.sentence import ASKED, Wording, say

Body = bytes | AsyncIterator[bytes]
Headers = Sequence[tuple[str, str]]
IDLE_KEPT = 8
"""Connections kept open while nothing is asked."""
STEP = "two_factor"
READ_SIZE = 128 * 1024
AGENT = "sovrium-tui"


class Connection:
    """One connection. After any failure, or a cancelled exchange, it is closed and never used again: an answer that
    nobody waits for must not be taken for the next one's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=64 * 1024)

    @property
    def reusable(self) -> bool:
        """Nothing is under way and the server has not hung up."""
        return (
            self._http.our_state is h11.IDLE
            and self._http.their_state is h11.IDLE
            and not self._reader.at_eof()
            and not self._writer.is_closing()
        )

    async def send(self, method: str, target: str, headers: Headers, body: Body) -> None:
        """Send a whole request. A server that answers before it has read all may stop listening: not an error here."""
        try:
            self._write(h11.Request(method=method, target=target, headers=list(headers)))
            if isinstance(body, bytes):
                if body:
                    self._write(h11.Data(data=body))
            else:
                async for chunk in body:
                    self._write(h11.Data(data=chunk))
                    await self._writer.drain()
            self._write(h11.EndOfMessage())
            await self._writer.drain()
        except ConnectionError:
            if isinstance(body, bytes):
                raise

    async def head(self) -> h11.Response:
        """The status and headers of the answer."""
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                return event
            if isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("closed before an answer came")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body of the answer as it comes."""
        while not isinstance(event := await self._event(), h11.EndOfMessage):
            if isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("closed within an answer")
            if isinstance(event, h11.Data):
                yield bytes(event.data)
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()

    def abort(self) -> None:
        """Hang up at once; the server takes it as a cancel."""
        self._writer.transport.abort()

    def _write(self, event: h11.Event) -> None:
        self._writer.write(self._http.send(event) or b"")

    async def _event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(READ_SIZE))
        return event


class Answer:
    """An answer under way: `status` and `headers` are known, the body is read once."""

    def __init__(self, connection: Connection, head: h11.Response) -> None:
        self.status = head.status_code
        self.headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        self._connection = connection

    async def read(self) -> bytes:
        return b"".join([chunk async for chunk in self._connection.chunks()])

    def chunks(self) -> AsyncIterator[bytes]:
        return self._connection.chunks()


class Transport:
    """The way to one server. `address` is the path of a Unix socket or an `http(s)://host[:port]` URL."""

    def __init__(self, address: Path | str, agent: str = AGENT) -> None:
        url = str(address)
        self._socket = None if url.startswith(("http://", "https://")) else Path(url.removeprefix("unix:"))
        parts = urlsplit(url if self._socket is None else "http://localhost")
        if not parts.hostname or parts.path.strip("/"):
            raise BadRequest(
                say("Not the address of a server: {url}", url=url), hint="https://host, http://host:port or a socket"
            )
        self._host, self._tls = parts.hostname, parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self.token: str | None = None
        """Secret of the session that everything is asked with."""
        self.is_acting = False
        """That session counts even where the socket alone tells who one is."""
        self.wording: Wording = str
        """From what is said against a call to the words in which it is raised."""
        self._step: str | None = None
        """What proves the first step of signing in, while the second is asked for: the only cookie that is kept."""
        self._headers = [("Host", parts.netloc.rpartition("@")[2]), ("User-Agent", agent), ("Prefer", ASKED)]
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._closed = False

    @asynccontextmanager
    async def exchange(
        self, method: str, target: str, *, headers: Headers = (), body: Body = b"", patience: float, repeatable: bool
    ) -> AsyncIterator[Answer]:
        """Ask, and read the answer inside the block. `patience` in seconds covers asking and the answer's head; bodies
        are the caller's to bound. A repeatable request whose connection broke is sent once more over a new one.

        Raises:
            ServerGone: no connection, or it broke.
            DeadlinePassed: no answer in time.

        What is raised inside the block is put in the client's words as well.
        """
        try:
            async with self._exchange(method, target, headers, body, patience, repeatable) as answer:
                yield answer
        except SovriumError as error:
            error.put(self.wording)
            raise

    @asynccontextmanager
    async def _exchange(
        self, method: str, target: str, headers: Headers, body: Body, patience: float, repeatable: bool
    ) -> AsyncIterator[Answer]:
        connection = None
        try:
            async with asyncio.timeout(patience):
                connection, answer = await self._ask(method, target, headers, body, repeatable)
            yield answer
        except TimeoutError as error:
            raise DeadlinePassed(
                say("The server did not answer within {seconds} s", seconds=f"{patience:g}")
            ) from error
        except (OSError, h11.RemoteProtocolError) as error:
            raise ServerGone("The connection to the server broke") from error
        finally:
            if connection is not None:
                self._give_back(connection)

    def close(self) -> None:
        """Hang up all connections, those in use as well. What is asked later has a connection for itself alone."""
        self._closed = True
        for connection in list(self._open):
            connection.abort()
        self._open.clear()
        self._idle.clear()

    async def _ask(
        self, method: str, target: str, headers: Headers, body: Body, repeatable: bool
    ) -> tuple[Connection, Answer]:
        while True:
            connection, fresh = await self._connection()
            try:
                await connection.send(method, target, [*self._headers, *self._proof(), *headers], body)
                answer = Answer(connection, await connection.head())
                self._take_step(answer.headers.get("set-cookie", ""))
                return connection, answer
            except BaseException as error:
                self._give_back(connection, broken=True)
                broke = isinstance(error, OSError | h11.RemoteProtocolError)
                if fresh or not (repeatable and broke):
                    raise

    async def _connection(self) -> tuple[Connection, bool]:
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable:
                return connection, False
            self._give_back(connection, broken=True)
        try:
            if self._socket is not None:
                streams = await asyncio.open_unix_connection(self._socket)
            else:
                tls = ssl.create_default_context() if self._tls else None
                streams = await asyncio.open_connection(self._host, self._port, ssl=tls)
        except OSError as error:
            raise ServerGone(say("No server answers at {address}", address=str(self._socket or self._host))) from error
        connection = Connection(*streams)
        self._open.add(connection)
        return connection, True

    def _proof(self) -> Headers:
        if self.token is not None:
            acting = [("X-Acting", "1")] if self.is_acting else []
            return [("Authorization", f"Bearer {self.token}"), *acting]
        if self._step is not None:
            return [("Cookie", self._step), ("Sec-Fetch-Site", "none")]
        return ()

    def _take_step(self, cookie: str) -> None:
        name, _, rest = cookie.partition("=")
        if name.removeprefix("__Host-") == STEP:
            value = rest.partition(";")[0]
            self._step = f"{name}={value}" if value.strip('"') else None

    def _give_back(self, connection: Connection, *, broken: bool = False) -> None:
        kept = not (broken or self._closed) and connection.reusable and connection in self._open
        if kept and len(self._idle) < IDLE_KEPT:
            self._idle.append(connection)
        else:
            self._open.discard(connection)
            connection.abort()
