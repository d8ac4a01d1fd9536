"""A mail server that keeps what it is sent and behaves as it is told: the other side of mails."""

import asyncio
import datetime
import email
import email.policy
import ipaddress
import queue
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult


@dataclass
class ReceivedMail:
    sender: str
    to: list[str]
    data: bytes
    over_tls: bool
    user: str | None
    message: EmailMessage = field(init=False)

    def __post_init__(self) -> None:
        parsed = email.message_from_bytes(self.data, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.message = parsed

    def body(self, kind: str) -> str:
        """`plain` or `html`."""
        part = self.message.get_body((kind,))
        assert part is not None
        return str(part.get_content())


class _Connection(SMTP):
    def __init__(self, handler: "MailServer", stop: asyncio.Event, **settings: Any) -> None:
        super().__init__(handler, **settings)
        self._stop = stop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._stop.is_set():
            assert isinstance(transport, asyncio.Transport)
            transport.abort()


class MailServer:
    """Use as a context manager. What it answers is set by attributes, at any time; it may be closed and opened again on the
    same port. `tls` is a certificate with its key: STARTTLS is then offered, or with `from_start` TLS is spoken at once."""

    def __init__(
        self,
        *,
        user: str | None = None,
        password: str = "",
        tls: Path | None = None,
        from_start: bool = False,
        takes_utf8: bool = True,
    ) -> None:
        self.received: queue.Queue[ReceivedMail] = queue.Queue()
        self.refuse_to: str | None = None
        self.refuse_data: str | None = None
        self.hold = threading.Event()
        """While it is not set, the word that a mail was taken does not come."""
        self.hold.set()
        self.asked = threading.Event()
        """A mail has come, whatever is answered."""
        self.connections = 0
        self._user, self._password = user, password
        self._tls = None
        if tls is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(tls)
        self._from_start = from_start
        self._takes_utf8 = takes_utf8
        self._thread: threading.Thread | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])

    def __enter__(self) -> "MailServer":
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), name="mail-server", daemon=True)
        self._thread.start()
        assert ready.wait(20)

    def close(self) -> None:
        """Idempotent. Connections are cut."""
        if self._thread is not None:
            self.hold.set()
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._thread = None

    def next(self, timeout: float = 20) -> ReceivedMail:
        return self.received.get(timeout=timeout)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._open: set[SMTP] = set()
        server = await self._loop.create_server(
            self._connection, "127.0.0.1", self.port, ssl=self._tls if self._from_start else None
        )
        ready.set()
        await self._stop.wait()
        for listening in server.sockets:
            self._loop.remove_reader(listening.fileno())
        await asyncio.sleep(0)  # what was accepted last becomes a connection, which a closed server would lose
        server.close()
        for connection in self._open:
            if connection.transport is not None:
                with suppress(AttributeError):  # asyncio's, over TLS, has none to abort once it has been closed
                    connection.transport.abort()
            if connection._handler_coroutine is not None:
                connection._handler_coroutine.cancel()
        await asyncio.sleep(0)

    def _connection(self) -> SMTP:
        self.connections += 1
        made = _Connection(
            self,
            self._stop,
            hostname="mail.test",
            loop=self._loop,
            tls_context=None if self._from_start else self._tls,
            enable_SMTPUTF8=self._takes_utf8,
            auth_require_tls=False,
            authenticator=self._authenticate if self._user is not None else None,
        )
        self._open.add(made)
        return made

    def _authenticate(self, _server: Any, session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        is_right = (data.login.decode(), data.password.decode()) == (self._user, self._password)
        session.user = data.login.decode()
        return AuthResult(success=is_right, handled=False)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.refuse_to is not None:
            return self.refuse_to
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:
        self.asked.set()
        await asyncio.to_thread(self.hold.wait, 60)
        if self.refuse_data is not None:
            return self.refuse_data
        over_tls = session.ssl is not None or self._from_start
        user = getattr(session, "user", None)
        self.received.put(ReceivedMail(envelope.mail_from, envelope.rcpt_tos, envelope.content, over_tls, user))
        return "250 Taken"


def make_certificate(path: Path) -> Path:
    """A certificate for this machine with its key, in one file; it is its own authority."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path
