"""App files at an address: fetched, checked, kept as a copy that everything else reads as a file (CL-004, CL-009).

What is fetched decides about a database, so the way to it is narrow: http(s) only, a size and a time limit, a few
redirects. Addresses of this machine and of private networks are refused where the address itself did not come from the
person at the keyboard, and always as the target of a redirect from elsewhere; what counts is the address that the
connection really has, not what a name resolves to at another moment.
"""

import hashlib
import http.client
import ipaddress
import os
import socket
import ssl
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from core.errors import BadRequest, SovriumError
from sovrium_tui.settings import is_on

SIZE_LIMIT = 10 * 1024 * 1024
SECONDS = 30.0
REDIRECTS = 5
SCHEMES = ("http", "https")
JSON_KINDS = ("application/json",)
YAML_KINDS = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
WRONG_KINDS = ("text/html", "image/", "audio/", "video/", "application/zip", "application/pdf")
COPY = "remote-app"


class CannotFetch(SovriumError):
    """The address does not give an app file now; an older copy may do."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gave. `suffix` is that of a file with such content."""

    content: bytes
    suffix: str


def is_address(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


def local_copy(address: str, data_dir: Path, *, trusted: bool, tell: Callable[[str], None]) -> Path:
    """The copy of a remote app file in the data folder, brought up to date; the older copy, told with a warning, where the
    address does not answer. `trusted`: a person has typed the address.

    Raises:
        CannotFetch: it does not answer, and there is no copy of it.
        BadRequest: the address is not to be asked, or does not hold an app file.
    """
    mark = hashlib.sha256(address.encode()).hexdigest()[:12]
    known = next(
        (path for path in sorted(data_dir.glob(f"{COPY}-{mark}.*")) if path.suffix in (".yaml", ".json")), None
    )
    try:
        found = fetch(address, trusted=trusted)
    except CannotFetch as error:
        if known is None:
            raise
        moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(known.stat().st_mtime))
        tell(f"{error.message}; the copy of {moment} is used")
        return known
    target = data_dir / f"{COPY}-{mark}{found.suffix}"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != found.content:
            descriptor, beside = tempfile.mkstemp(dir=data_dir, prefix=f".{COPY}-")
            with os.fdopen(descriptor, "wb") as file:
                file.write(found.content)
            os.replace(beside, target)
        if known is not None and known != target:
            known.unlink()
    except OSError as error:
        raise SovriumError(f"{data_dir} cannot be written: {error.strerror}") from error
    return target


def fetch(address: str, *, trusted: bool) -> Fetched:
    """The content of an address, over redirects. Raises as `local_copy`."""
    if is_on("SOVRIUM_DISABLE_NETWORK"):
        raise CannotFetch(f"{shown(address)} is not fetched: SOVRIUM_DISABLE_NETWORK is set")
    deadline = time.monotonic() + SECONDS
    open_networks = is_on("SOVRIUM_ALLOW_PRIVATE_OUTBOUND")
    may_be_private = open_networks or trusted
    here = address
    for _ in range(REDIRECTS + 1):
        answer, was_private = _ask(here, may_be_private, deadline)
        if isinstance(answer, Fetched):
            return answer
        here = urljoin(here, answer)
        may_be_private = open_networks or (trusted and was_private)
    raise BadRequest(f"{shown(address)} redirects more than {REDIRECTS} times")


def _ask(address: str, may_be_private: bool, deadline: float) -> tuple[Fetched | str, bool]:
    """The content, or where the address redirects to; and whether it lies in a private network."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise BadRequest(f"{shown(address)} is not an address") from error
    if parts.scheme.lower() not in SCHEMES or not host:
        raise BadRequest(f"{shown(address)} is not an http or https address")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        stream, was_private = _connect(host, port, may_be_private, deadline, address)
        with stream:
            if parts.scheme.lower() == "https":
                stream = ssl.create_default_context().wrap_socket(stream, server_hostname=host)
            connection = http.client.HTTPConnection(host, port)
            connection.sock = stream
            accept = "application/yaml, application/json;q=0.9, text/yaml, */*;q=0.1"
            connection.request(
                "GET", target, headers={"Accept": accept, "User-Agent": "sovrium-tui", "Connection": "close"}
            )
            answer = connection.getresponse()
            return _content(answer, address, parts.path, stream, deadline), was_private
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = (
            "it took too long" if isinstance(error, TimeoutError) else getattr(error, "strerror", None) or str(error)
        )
        raise CannotFetch(f"{shown(address)} cannot be fetched: {reason or type(error).__name__}") from error


def _connect(host: str, port: int, may_be_private: bool, deadline: float, address: str) -> tuple[socket.socket, bool]:
    """A connection to one of the host's addresses that may be asked."""
    problem: OSError | None = None
    refused = False
    for family, kind, protocol, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        private = is_private(str(place[0]))
        if private and not may_be_private:
            refused = True
            continue
        stream = socket.socket(family, kind, protocol)
        try:
            stream.settimeout(_left(deadline))
            stream.connect(place)
        except OSError as error:
            stream.close()
            problem = error
        else:
            return stream, private
    if refused and problem is None:
        raise BadRequest(
            f"{shown(address)} lies in a private network and is not asked",
            hint="SOVRIUM_ALLOW_PRIVATE_OUTBOUND=1 allows it",
        )
    raise problem or OSError("the host has no address")


def is_private(address: str) -> bool:
    """Of this machine, of a private network, or otherwise not of the public internet."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found.sixtofour or found
    return not found.is_global or found.is_multicast


def _content(
    answer: http.client.HTTPResponse, address: str, path: str, stream: socket.socket, deadline: float
) -> Fetched | str:
    if answer.status in (301, 302, 303, 307, 308) and (target := answer.getheader("Location")):
        return target
    if answer.status != 200:
        raise CannotFetch(f"{shown(address)} answers {answer.status} {answer.reason}".rstrip())
    kind = (answer.getheader("Content-Type") or "").partition(";")[0].strip().lower()
    if kind.startswith(WRONG_KINDS):
        raise BadRequest(f"{shown(address)} is {kind}, not an app file", hint="give the address of the raw file")
    pieces: list[bytes] = []
    size = 0
    while True:
        stream.settimeout(_left(deadline))
        piece = answer.read1(65536)
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
        if size > SIZE_LIMIT:
            raise BadRequest(f"{shown(address)} is larger than {SIZE_LIMIT // 1024 // 1024} MB")
    expected = answer.getheader("Content-Length")
    if expected is not None and expected.isdigit() and int(expected) != size:
        raise CannotFetch(f"{shown(address)} ended before its end")
    content = b"".join(pieces)
    return Fetched(content, _suffix(kind, path, content))


def _suffix(kind: str, path: str, content: bytes) -> str:
    """By the content's declared type, else the end of the address, else what it begins with (§2.2)."""
    end = path.lower().rpartition(".")[2]
    if kind in JSON_KINDS or (kind not in YAML_KINDS and end == "json"):
        return ".json"
    if kind in YAML_KINDS or end in ("yaml", "yml"):
        return ".yaml"
    return ".json" if content.lstrip().startswith(b"{") else ".yaml"


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def shown(address: str) -> str:
    """The address without what may be secret in it: user, password, parameters."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
