"""HTTP to other servers whose address comes from an app file: never into one's own network unless the file says so.

The name is resolved once and the address that was judged is the one that is connected to. Redirects are answers like any
other, proxies of the environment are not used, and neither a slow nor a talkative server holds anything up.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
ANSWER_BYTES = 64 * 1024
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NotSent(Exception):
    """There is no answer; the text says why."""


class NotReached(NotSent):
    """There was nobody to send it to: nothing has left."""


class Line:
    """What a request goes over, for another thread to hang up: `send` then raises NotSent."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self.is_cut = False

    def open(self, raw: socket.socket) -> None:
        """Through a handle of its own: TLS takes the socket itself away."""
        with self._lock:
            self._socket = raw.dup()
        if self.is_cut:
            self.cut()

    def cut(self) -> None:
        """Any thread; idempotent."""
        with self._lock:
            self.is_cut = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            self._socket = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A POST. `private`: the hosts, in small letters, that may lie inside one's own network. `seconds` and `answer_bytes`
    bound the whole of it, and what is read of the answer's body."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    private: Collection[str] = ()
    seconds: float = TOTAL_SECONDS
    answer_bytes: int = ANSWER_BYTES
    line: Line = field(default_factory=Line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    status: int
    headers: Mapping[str, str]
    body: str


Transport = Callable[[Outgoing], Incoming]


def send(request: Outgoing) -> Incoming:
    """Send it and wait for the answer. Blocks. Raises NotSent."""
    parts = urlsplit(request.url)
    host, is_safe = str(parts.hostname), parts.scheme == "https"
    port = parts.port or (443 if is_safe else 80)
    addresses = _resolve(host, port, request.private)
    kind = http.client.HTTPSConnection if is_safe else http.client.HTTPConnection
    connection = kind(host, port, timeout=request.seconds)
    watch: threading.Timer | None = None
    late = threading.Event()
    deadline = time.monotonic() + request.seconds
    try:
        raw = _reach(addresses)
        request.line.open(raw)

        def give_up() -> None:
            late.set()
            request.line.cut()

        watch = threading.Timer(max(0.1, deadline - time.monotonic()), give_up)
        watch.daemon = True
        watch.start()
        raw.settimeout(request.seconds)
        connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=host) if is_safe else raw
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, request.body, {"Accept-Encoding": "identity", **request.headers})
        answer = connection.getresponse()
        body = answer.read(request.answer_bytes)
        if request.line.is_cut:
            raise ConnectionResetError("hung up")  # what came until then is no answer
        headers = {_kept(name.lower()): _kept(value[:1000]) for name, value in answer.getheaders()[:50]}
        return Incoming(status=answer.status, headers=headers, body=_kept(body.decode("utf-8", "replace")))
    except (OSError, http.client.HTTPException) as error:
        raise NotSent(f"no answer within {request.seconds:g} s" if late.is_set() else _reason(error)) from error
    finally:
        if watch is not None:
            watch.cancel()
        request.line.close()
        connection.close()


def _resolve(host: str, port: int, private: Collection[str]) -> list[tuple[Any, Any]]:
    """Where to connect. A host with one address that is out of bounds is refused whole. Raises NotReached."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotReached(f"the host {host} is not known") from error
    if host.lower() not in private and not all(is_public(str(place[0])) for *_, place in found):
        raise NotReached(f"{host} lies inside this network; name it in webhooks.allowPrivate to allow that")
    return [(family, place) for family, _, _, _, place in found]


def _kept(text: str) -> str:
    """As a database can keep it: what another server says may be noted."""
    return text.replace("\0", "")


def is_public(text: str) -> bool:
    """An address of the internet: not of this machine, of its networks, of the cloud around it; nor one of those in
    another form."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address.teredo is not None:
            inner = address.teredo[1]
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            address = inner
        elif int(address) >> 32 == 0:
            return False  # the old form of IPv4 within IPv6
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _reach(addresses: list[tuple[Any, Any]]) -> socket.socket:
    """A connection to one of them. Raises NotReached."""
    error: OSError | None = None
    for family, place in addresses[:4]:
        raw = socket.socket(family, socket.SOCK_STREAM)
        raw.settimeout(CONNECT_SECONDS)
        try:
            raw.connect(place)
            return raw
        except OSError as failed:
            raw.close()
            error = failed
    raise NotReached(_reason(error or OSError("no address")))


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not valid: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, http.client.HTTPException):
        return f"the answer is no HTTP: {type(error).__name__}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
