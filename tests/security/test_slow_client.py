"""S-23: a slow, silent, greedy or vanished client costs nobody else anything."""

import asyncio
import time
from typing import Any

import pytest

from tests.security.wire import listening, request

HEAD = b"POST /a HTTP/1.1\r\nHost: localhost\r\n"


async def test_half_a_head_is_answered_408() -> None:
    async with listening(head_seconds=0.2) as wire:
        answer = await wire.send(b"GET / HTTP/1.1\r\nHo")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"REQUEST_TIMEOUT"' in answer


async def test_a_head_that_trickles_is_cut_off_at_its_deadline() -> None:
    async with listening(head_seconds=0.3) as wire:
        begun = time.monotonic()
        answer = await wire.send(b"GET / HTTP/1.1\r\n", *[b"X: y\r\n"] * 100, pause=0.02)
        assert b"408" in answer or answer == b"(reset)"
        assert time.monotonic() - begun < 3
        assert wire.seen == []


async def test_a_silent_connection_is_closed() -> None:
    async with listening(head_seconds=0.2) as wire:
        assert await wire.send(b"") == b""


async def test_an_idle_connection_is_closed_after_its_answer() -> None:
    async with listening(idle_seconds=0.2) as wire:
        answer = await wire.send(b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answer.endswith(b"GET /a 0")


async def test_empty_lines_do_not_keep_a_connection() -> None:
    async with listening(head_seconds=0.2, idle_seconds=5) as wire:
        answer = await wire.send(b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n", *[b"\r\n"] * 30, pause=0.03)
        assert wire.seen == ["GET /a 0"]
        assert answer == b"(reset)" or answer.count(b"HTTP/1.1 ") == 2


async def test_a_body_that_does_not_come_is_answered_408() -> None:
    async with listening(body_seconds=0.2) as wire:
        answer = await wire.send(HEAD + b"Content-Length: 10\r\n\r\nabc")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert wire.seen in ([], ["disconnected"])


async def test_a_long_body_may_take_its_time_while_it_comes_fast_enough() -> None:
    async with listening(body_seconds=0.1, body_floor=1000) as wire:
        parts = [b"x" * 1000] * 20
        head = HEAD + b"Connection: close\r\nContent-Length: 20000\r\n\r\n"
        answer = await wire.send(head, *parts, pause=0.03)
        assert answer.endswith(b"POST /a 20000")


async def test_a_client_that_does_not_read_is_dropped() -> None:
    """Slow read: the server stops producing, then hangs up."""
    ended = asyncio.Event()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})
                await asyncio.sleep(0)
        finally:
            ended.set()

    async with listening(endless, stall_seconds=0.2) as wire:
        _, writer = await asyncio.open_connection("127.0.0.1", wire.port, limit=1024)
        writer.write(request())
        async with asyncio.timeout(10):
            await ended.wait()
        writer.close()


async def test_a_client_that_hangs_up_cancels_its_request() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with listening(slow) as wire:
        _, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(request())
        await begun.wait()
        writer.close()
        async with asyncio.timeout(5):
            await ended.wait()


GREEDY = {
    "one huge header": ([b"X-Big: " + b"a" * 200_000 + b"\r\n"], 431),
    "one header without an end": ([b"X-Big: " + b"a" * 20_000] * 20, 431),
    "many headers": ([b"X-%d: a\r\n" % number for number in range(200)], 431),
    "a long address": ([], 414),
}


@pytest.mark.parametrize("shape", GREEDY)
async def test_oversize_heads_are_refused(shape: str) -> None:
    parts, status = GREEDY[shape]
    path = b"/" + b"a" * 40_000 if shape == "a long address" else b"/"
    async with listening() as wire:
        answer = await wire.send(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + b"".join(parts) + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
        assert wire.seen == []


async def test_an_answer_before_the_end_of_the_body_reaches_the_client() -> None:
    """The rest is read and dropped for a while: closing at once would reset the connection before the answer is read."""

    async def hasty(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"no"})

    async with listening(hasty) as wire:
        answer = await wire.send(HEAD + b"Content-Length: 5000000\r\n\r\n", *[bytes(50_000)] * 100)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in answer
        assert answer.endswith(b"no")


async def test_connections_above_the_limit_are_told_so() -> None:
    async with listening(connections=3) as wire:
        held = [await asyncio.open_connection("127.0.0.1", wire.port) for _ in range(3)]
        await asyncio.sleep(0)
        assert (await wire.send(b"")).startswith(b"HTTP/1.1 503 ")
        for _, writer in held:
            writer.close()


async def test_slow_clients_do_not_delay_others() -> None:
    async with listening() as wire:
        held = [await asyncio.open_connection("127.0.0.1", wire.port) for _ in range(300)]
        for _, writer in held:
            writer.write(b"GET / HTTP/1.1\r\nHost: loc")
        async with asyncio.timeout(2):
            answer = await wire.send(request(path="/fresh"))
        assert answer.endswith(b"GET /fresh 0")
        for _, writer in held:
            writer.close()
