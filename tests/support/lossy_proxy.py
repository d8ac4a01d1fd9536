"""A proxy between a client and a server on Unix sockets that swallows the answers to chosen requests."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Self


class LossyProxy:
    """Listens on `path`, speaks for `target`. `dropped` counts the answers that it has swallowed."""

    def __init__(self, path: Path, target: Path) -> None:
        self.path, self.target = path, target
        self.dropped = 0
        self._victim = b""
        self._then: Callable[[], None] = lambda: None
        self._server: asyncio.Server | None = None

    def drop_answers_to(self, address: str, *, then: Callable[[], None]) -> None:
        """From the first byte of the answer on nothing is passed, `then` is called, and both sides are hung up. Once: the
        server has committed by then, or it would have nothing to say; what comes later finds nobody."""
        self._victim, self._then = address.encode(), then

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, self.path)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self.target)
        except OSError:
            writer.close()
            return
        marked = False

        async def up() -> None:
            nonlocal marked
            while data := await reader.read(65536):
                marked = marked or (bool(self._victim) and self._victim in data)
                far_writer.write(data)

        async def down() -> None:
            while data := await far_reader.read(65536):
                if marked:
                    self.dropped += 1
                    self._then()
                    return
                writer.write(data)

        tasks = [asyncio.create_task(up()), asyncio.create_task(down())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in (writer, far_writer):
            each.close()
