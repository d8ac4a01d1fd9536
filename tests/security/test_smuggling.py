"""S-24: a request that two servers could read differently is refused, and the connection with it."""

from typing import Any

import orjson
import pytest

from tests.security.wire import listening

HOST = b"Host: localhost\r\n"
CLOSE = b"Connection: close\r\n"
NEXT = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def post(headers: bytes, body: bytes = b"") -> bytes:
    return b"POST /first HTTP/1.1\r\n" + HOST + headers + b"\r\n" + body + NEXT


AMBIGUOUS = {
    "length beside chunked": post(b"Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n"),
    "chunked beside length": post(CHUNKED + b"Content-Length: 5\r\n", b"0\r\n\r\n"),
    "length zero beside chunked": post(b"Content-Length: 0\r\n" + CHUNKED, b"0\r\n\r\n"),
    "two lengths": post(b"Content-Length: 0\r\nContent-Length: 44\r\n"),
    "two equal lengths": post(b"Content-Length: 0\r\nContent-Length: 0\r\n"),
    "list of lengths": post(b"Content-Length: 0, 44\r\n"),
    "list of equal lengths": post(b"Content-Length: 0, 0\r\n"),
    "negative length": post(b"Content-Length: -1\r\n"),
    "signed length": post(b"Content-Length: +0\r\n"),
    "hexadecimal length": post(b"Content-Length: 0x0\r\n"),
    "length with a space inside": post(b"Content-Length: 0 0\r\n"),
    "empty length": post(b"Content-Length: \r\n"),
    "length beyond 64 bits": post(b"Content-Length: 18446744073709551616\r\n"),
    "length with an underscore": post(b"Content-Length: 1_0\r\n"),
    "two encodings": post(CHUNKED + CHUNKED, b"0\r\n\r\n"),
    "chunked not last": post(b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"),
    "gzip before chunked": post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    "identity": post(b"Transfer-Encoding: identity\r\n"),
    "unknown encoding": post(b"Transfer-Encoding: cow\r\n"),
    "chunked misspelt": post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
    "chunked with a vertical tab": post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"),
    "chunked after a comma": post(b"Transfer-Encoding: ,chunked\r\n", b"0\r\n\r\n"),
    "space before the colon": post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
    "tab before the colon": post(b"Content-Length\t: 0\r\n"),
    "folded header": post(b"X-Note: a\r\n b\r\nContent-Length: 0\r\n"),
    "folded encoding": post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"),
    "bare line feed between headers": post(b"X-Note: a\nContent-Length: 0\r\n"),
    "bare line feed at the end of the head": b"GET / HTTP/1.1\r\nHost: localhost\n\n" + NEXT,
    "bare carriage return in a value": post(b"X-Note: a\rContent-Length: 44\r\n"),
    "NUL in a value": post(b"X-Note: a\0b\r\nContent-Length: 0\r\n"),
    "NUL in a name": post(b"X-No\0te: a\r\nContent-Length: 0\r\n"),
    "name with a parenthesis": post(b"X(Note): a\r\nContent-Length: 0\r\n"),
    "empty name": post(b": a\r\nContent-Length: 0\r\n"),
    "line without a colon": post(b"X-Note\r\nContent-Length: 0\r\n"),
    "space before the first header": b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n" + NEXT,
    "no host": b"GET / HTTP/1.1\r\n\r\n" + NEXT,
    "two hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n" + NEXT,
    "two origins": post(b"Origin: http://localhost\r\nOrigin: https://evil.example\r\nContent-Length: 0\r\n"),
    "two authorizations": post(b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\nContent-Length: 0\r\n"),
    "absolute address": b"GET http://other/ HTTP/1.1\r\n" + HOST + b"\r\n" + NEXT,
    "asterisk address": b"GET * HTTP/1.1\r\n" + HOST + b"\r\n" + NEXT,
    "connect": b"CONNECT other:443 HTTP/1.1\r\n" + HOST + b"\r\n" + NEXT,
    "unknown method": b"FROB / HTTP/1.1\r\n" + HOST + b"\r\n" + NEXT,
    "lower-case method": b"get / HTTP/1.1\r\n" + HOST + b"\r\n" + NEXT,
    "HTTP/0.9": b"GET /\r\n" + NEXT,
    "HTTP/2.0 in words": b"GET / HTTP/2.0\r\n" + HOST + b"\r\n" + NEXT,
    "HTTP/1.2": b"GET / HTTP/1.2\r\n" + HOST + b"\r\n" + NEXT,
    "space in the address": b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n" + NEXT,
    "TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "chunked in HTTP/1.0": b"POST / HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n0\r\n\r\n" + NEXT,
    "chunk size signed": post(CHUNKED, b"+1\r\na\r\n0\r\n\r\n"),
    "chunk size with 0x": post(CHUNKED, b"0x1\r\na\r\n0\r\n\r\n"),
    "chunk size beyond 64 bits": post(CHUNKED, b"1ffffffffffffffff\r\na\r\n0\r\n\r\n"),
    "chunk size ended by a line feed": post(CHUNKED, b"1\na\r\n0\r\n\r\n"),
    "chunk without its line end": post(CHUNKED, b"1\r\nab0\r\n\r\n"),
}


@pytest.mark.parametrize("shape", AMBIGUOUS)
async def test_ambiguous_requests_are_refused_and_the_connection_closed(shape: str) -> None:
    """S-24"""
    async with listening() as wire:
        answer = await wire.send(AMBIGUOUS[shape])
        assert answer.startswith(b"HTTP/1.1 400 "), answer
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b"connection: close" in head
        assert orjson.loads(body)["success"] is False
        assert answer.count(b"HTTP/1.1 ") == 1, "what follows a refused request must never be read as another"
        assert all("smuggled" not in line for line in wire.seen)


GOOD = {
    "chunked": (b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"POST /first 5"),
    "chunked in capitals": (b"TRANSFER-ENCODING: Chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n", b"POST /first 3"),
    "chunk extension": (b"Transfer-Encoding: chunked\r\n", b"3;a=b\r\nabc\r\n0\r\n\r\n", b"POST /first 3"),
    "length": (b"Content-Length: 3\r\n", b"abc", b"POST /first 3"),
    "length with a space behind": (b"Content-Length: 3 \r\n", b"abc", b"POST /first 3"),
}


@pytest.mark.parametrize("shape", GOOD)
async def test_plain_requests_are_answered(shape: str) -> None:
    headers, body, expected = GOOD[shape]
    async with listening() as wire:
        answer = await wire.send(b"POST /first HTTP/1.1\r\n" + HOST + CLOSE + headers + b"\r\n" + body)
        assert answer.endswith(expected), answer


async def test_requests_in_one_packet_are_answered_in_order() -> None:
    first = b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n"
    async with listening() as wire:
        answer = await wire.send(first * 5 + b"GET /b HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
        assert answer.count(b"GET /a 0") == 5
        assert answer.endswith(b"GET /b 0")


async def test_an_offered_upgrade_is_passed_over() -> None:
    """curl offers h2c on its own account; the request is answered all the same, and the connection ends."""
    headers = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    async with listening() as wire:
        answer = await wire.send(b"GET /a HTTP/1.1\r\n" + HOST + headers + b"\r\n" + NEXT)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in answer
        assert wire.seen == ["GET /a 0"]


async def test_what_stands_behind_a_body_is_no_header() -> None:
    """S-24: whoever has judged the head has not seen it, and a proxy may let it pass."""
    heard: list[list[tuple[bytes, bytes]]] = []

    async def listen(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            continue
        heard.append(list(scope["headers"]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    head, body = CHUNKED + CLOSE, b"2\r\nab\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\nOrigin: https://evil.example\r\n\r\n"
    async with listening(listen) as wire:
        assert (await wire.send(b"POST /a HTTP/1.1\r\n" + HOST + head + b"\r\n" + body)).startswith(b"HTTP/1.1 204")
        assert (await wire.send(b"POST /a HTTP/1.1\r\n" + HOST + head + b"\r\n", body)).startswith(b"HTTP/1.1 204")
    names = [b"host", b"transfer-encoding", b"connection"]
    assert [[name for name, _ in headers] for headers in heard] == [names, names]


async def test_what_stands_behind_a_body_has_an_end() -> None:
    """S-24: neither one header without an end nor ever more of them, nor the size of a chunk."""
    begun = b"POST /a HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n2\r\nab\r\n"
    async with listening() as wire:
        for endless in (b"0\r\nX-Note: ", b"0\r\n" + b"X-Note: a\r\n" * 3000, b"2;a="):
            answer = await wire.send(begun + endless, *[b"a" * 40_000] * 4)
            assert answer.startswith(b"HTTP/1.1 431 "), answer
    assert wire.seen == []
