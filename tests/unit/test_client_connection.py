"""The client's side of a connection, against servers that misbehave in known ways."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.client import Client, Conflict, NotFound, ServerGone
from core.errors import BadRequest, DeadlinePassed, SovriumError

Talk = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}'


@asynccontextmanager
async def server(talk: Talk) -> AsyncIterator[str]:
    """A server whose `talk` is given the number of the connection, from 0."""
    count = -1
    tasks: list[asyncio.Task[None]] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        tasks.append(asyncio.current_task())  # type: ignore[arg-type]
        try:
            await talk(count, reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


async def test_one_connection_serves_many_requests() -> None:
    connections = []

    async def talk(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(number)
        while await head(reader):
            writer.write(OK)

    async with server(talk) as url, Client(url) as client:
        for _ in range(5):
            assert await client.request("GET", "/a") == {"ok": True}
    assert connections == [0]


async def test_a_repeatable_request_survives_a_connection_that_was_closed_meanwhile() -> None:
    """The first connection answers once and dies on the second request."""

    async def talk(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(OK)
        if number == 0:
            await head(reader)
            writer.transport.abort()
        else:
            await head(reader)

    async with server(talk) as url, Client(url) as client:
        await client.request("GET", "/a")
        assert await client.request("GET", "/b") == {"ok": True}


async def test_a_write_is_not_sent_twice() -> None:
    requests = []

    async def talk(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await head(reader))
        writer.write(OK)
        requests.append(await head(reader))
        writer.transport.abort()

    async with server(talk) as url, Client(url) as client:
        await client.request("GET", "/a")
        with pytest.raises(ServerGone):
            await client.request("POST", "/b", json={})
    assert len(requests) == 2


async def test_a_commit_is_repeated_under_the_same_key() -> None:
    bodies = []

    async def talk(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if number == 0:
            await head(reader)
            writer.write(OK)
        request = await head(reader)
        length = int(request.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        bodies.append(await reader.readexactly(length))
        if number == 0:
            writer.transport.abort()
            return
        answer = b'{"committed":true,"outcomes":[],"statements":[]}'
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(answer) + answer)

    async with server(talk) as url, Client(url) as client:
        await client.request("GET", "/a")
        answer = await client.commit({"changes": []})
        assert answer["committed"] is True
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert b"idempotencyKey" in bodies[0]


async def test_no_server_is_server_gone(tmp_path: Path) -> None:
    for address in (tmp_path / "none.sock", "http://127.0.0.1:1"):
        with pytest.raises(ServerGone):
            await Client(address).hello()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{", b"SSH-2.0-nonsense\r\n"])
async def test_half_answers_and_other_protocols_are_server_gone(answer: bytes) -> None:
    async def talk(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(answer)

    async with server(talk) as url, Client(url) as client:
        with pytest.raises(ServerGone):
            await client.hello()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>",
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n",
    ],
)
async def test_another_servers_page_is_not_taken_for_an_answer(answer: bytes) -> None:
    """A redirect neither: a session goes nowhere but where it was given."""

    async def talk(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(answer)

    async with server(talk) as url, Client(url) as client:
        with pytest.raises(ServerGone, match="not a sovrium-tui server"):
            await client.hello()


async def test_nothing_is_saved_from_where_one_is_sent(tmp_path: Path) -> None:
    async def talk(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 5\r\n\r\nmoved")

    async with server(talk) as url, Client(url) as client:
        with pytest.raises(ServerGone, match="not a sovrium-tui server"):
            await client.fetch("/api/files/scan", tmp_path / "scan")
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


async def test_silence_is_bounded() -> None:
    async def talk(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with server(talk) as url, Client(url, timeout=0.1) as client:
        with pytest.raises(DeadlinePassed):
            await client.hello()


async def test_a_cancelled_call_hangs_up() -> None:
    asked, hung_up = asyncio.Event(), asyncio.Event()

    async def talk(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        asked.set()
        try:
            await reader.read()
        finally:
            hung_up.set()

    async with server(talk) as url, Client(url) as client:
        call = asyncio.ensure_future(client.hello())
        await asked.wait()
        call.cancel()
        async with asyncio.timeout(5):
            await hung_up.wait()


async def test_errors_are_rebuilt() -> None:
    answers = [
        (404, b'{"success":false,"message":"Not found","code":"NOT_FOUND"}'),
        (409, b'{"success":false,"message":"Taken","code":"CONFLICT","field":"email"}'),
    ]

    async def talk(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for status, body in answers:
            await head(reader)
            writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body)
        await reader.read()

    async with server(talk) as url, Client(url) as client:
        with pytest.raises(NotFound):
            await client.request("GET", "/a")
        with pytest.raises(Conflict) as caught:
            await client.request("GET", "/a")
        assert caught.value.extra == {"field": "email"}


async def test_an_answer_during_an_upload_is_heard(tmp_path: Path) -> None:
    """The server refuses a big file before it has read it."""
    file = tmp_path / "big.csv"
    file.write_bytes(bytes(20_000_000))

    async def talk(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        body = b'{"success":false,"message":"Not found","code":"NOT_FOUND"}'
        writer.write(b"HTTP/1.1 404 X\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        writer.write_eof()
        await reader.read(1_000_000)

    async with server(talk) as url, Client(url) as client:
        with pytest.raises((NotFound, ServerGone)):
            await client.start_import("contacts", file)


async def test_a_broken_download_leaves_nothing(tmp_path: Path) -> None:
    async def talk(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + bytes(500))

    async with server(talk) as url, Client(url) as client:
        with pytest.raises(ServerGone):
            await client.download("job_1", tmp_path / "out.csv")
    assert os.listdir(tmp_path) == []


async def test_a_download_is_saved_whole(tmp_path: Path) -> None:
    async def talk(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + bytes(1000))

    async with server(talk) as url, Client(url) as client:
        assert await client.download("job_1", tmp_path / "out.csv") == 1000
        with pytest.raises(SovriumError):
            await client.download("job_1", tmp_path / "missing" / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == bytes(1000)
    assert os.listdir(tmp_path) == ["out.csv"]


async def test_events_come_one_by_one_whatever_the_packets() -> None:
    async def talk(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        text = b'data: {"kind":"ping"}\n\n: note\n\ndata: {"kind":"schema","version":2}\n\n'
        for place in range(0, len(text), 7):
            piece = text[place : place + 7]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async with server(talk) as url, Client(url) as client:
        events = client.events()
        assert [await anext(events), await anext(events)] == [{"kind": "ping"}, {"kind": "schema", "version": 2}]
        with pytest.raises(ServerGone):
            await anext(events)


@pytest.mark.parametrize("address", ["http://", "https://host/path", "http:///x"])
def test_addresses_that_are_none_are_refused(address: str) -> None:
    with pytest.raises(BadRequest):
        Client(address)


async def test_a_file_whose_format_is_unknown_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    for name in ("notes.docx", "none.csv"):
        with pytest.raises(BadRequest):
            await Client("http://127.0.0.1:1").preview_import("contacts", tmp_path / name)
