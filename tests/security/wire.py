"""Bytes on a socket: what the protocol tests send and see."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from core.http.protocol import LIMITS, GuardedProtocol


@dataclass
class Wire:
    """A listening protocol over an application that answers 200 with `METHOD path length`, and notes each request."""

    port: int
    state: ServerState
    seen: list[str]

    async def send(self, *parts: bytes, pause: float = 0.0, hang_up: bool = False) -> bytes:
        """Send the parts, `pause` seconds apart; everything that comes back until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in parts:
                try:
                    writer.write(part)
                    await writer.drain()
                except ConnectionError:
                    break
                await asyncio.sleep(pause)
            if hang_up:
                return b""
            async with asyncio.timeout(10):
                return await reader.read()
        except ConnectionError:
            return b"(reset)"
        finally:
            writer.close()


@asynccontextmanager
async def listening(application: Any = None, **limits: Any) -> AsyncIterator[Wire]:
    """A wire with the product's limits, except those given."""
    state, seen = ServerState(), []

    async def count(scope: Any, receive: Any, send: Any) -> None:
        length, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                seen.append("disconnected")
                return
            length, more = length + len(message.get("body", b"")), message.get("more_body", False)
        text = f"{scope['method']} {scope['path']} {length}"
        seen.append(text)
        headers = [(b"content-length", b"%d" % len(text))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})

    class Protocol(GuardedProtocol):
        pass

    Protocol.limits = replace(LIMITS, **{"linger_seconds": 0.2, "idle_seconds": 0.3, **limits})
    config = Config(application or count, lifespan="off", log_config=None, ws="none")
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Protocol(config=config, server_state=state, app_state={}, _loop=loop), "127.0.0.1", 0
    )
    try:
        yield Wire(server.sockets[0].getsockname()[1], state, seen)
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        if state.tasks:
            await asyncio.wait(state.tasks, timeout=2)


def request(method: str = "GET", path: str = "/", headers: Iterable[str] = (), body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
