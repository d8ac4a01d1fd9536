"""How one mail leaves: to a mail server, into a folder, or not at all. One connection serves many mails."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from core.messaging.mail import Mail, clean
from core.messaging.setting import MailServer, MessagingSettings

if TYPE_CHECKING:
    from aiosmtplib import SMTP

CONNECT_SECONDS = 10.0
SEND_SECONDS = 30.0
"""One mail, from the greeting to the server's word that it has it."""
Scope = Literal["server", "later", "never"]


class NotSent(Exception):
    """The mail has not left; the text, fit to be shown, says why.

    `scope`: `server`, nothing can leave at the moment; `later`, this mail may yet; `never`, nobody will take it.
    """

    def __init__(self, reason: str, scope: Scope) -> None:
        super().__init__(clean(reason, 300))
        self.scope = scope


class MailTransport(Protocol):
    """Used by one event loop at a time."""

    name: Literal["smtp", "folder", "console"]
    is_real: bool
    """Mails reach people; else they are kept in the outbox."""

    async def send(self, mail: Mail) -> None:
        """Raises NotSent."""

    async def rest(self) -> None:
        """There is nothing more to send for now."""

    async def check(self) -> None:
        """Whether a mail could leave. On any event loop. Raises NotSent."""


class Console:
    """Sends nothing: the outbox shows it."""

    name: Literal["smtp", "folder", "console"] = "console"
    is_real = False

    async def send(self, mail: Mail) -> None:
        return

    async def rest(self) -> None:
        return

    async def check(self) -> None:
        return


class Folder:
    """A folder of `.eml` files, for development: any mail program opens them."""

    name: Literal["smtp", "folder", "console"] = "folder"
    is_real = False

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, mail: Mail) -> None:
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside = self._path / f".{mail.id}.new"
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: ASYNC230
                file.write(mail.data())
            beside.replace(self._path / f"{mail.at:%Y%m%d-%H%M%S}-{mail.id}.eml")
        except OSError as error:
            raise self._trouble(error) from error

    async def rest(self) -> None:
        return

    async def check(self) -> None:
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._trouble(error) from error
        if not os.access(self._path, os.W_OK):
            raise NotSent(f"{self._path} cannot be written", "server")

    def _trouble(self, error: OSError) -> NotSent:
        return NotSent(f"{self._path} cannot be written: {error.strerror}", "server")


class Smtp:
    """A mail server. A user name is only told over TLS, or to this machine."""

    name: Literal["smtp", "folder", "console"] = "smtp"
    is_real = True

    def __init__(self, server: MailServer, *, connect: float = CONNECT_SECONDS, send: float = SEND_SECONDS) -> None:
        self._server = server
        self._connect_seconds = connect
        self._send_seconds = send
        self._client: SMTP | None = None

    async def send(self, mail: Mail) -> None:
        is_used = self._client is not None
        try:
            async with asyncio.timeout(self._send_seconds):
                try:
                    await self._hand_over(mail)
                except NotSent as error:
                    if error.scope != "server" or not is_used:
                        raise
                    # Servers end connections that have been idle, or have carried enough.
                    self._drop()
                    await self._hand_over(mail)
        except TimeoutError as error:
            self._drop()
            raise NotSent("the mail server took too long", "server") from error
        except BaseException as error:
            if not isinstance(error, NotSent) or error.scope == "server":
                self._drop()
            raise

    async def _hand_over(self, mail: Mail) -> None:
        async with self._trouble_told():
            client = await self._connected(mail.sender)
            options = ["SMTPUTF8"] if mail.needs_utf8 else []
            if options and not client.supports_extension("smtputf8"):
                raise NotSent("the mail server takes no address with such signs", "never")
            await client.sendmail(mail.sender, [mail.to], mail.data(), mail_options=options)

    async def rest(self) -> None:
        from aiosmtplib import SMTPException

        client, self._client = self._client, None
        if client is not None and client.is_connected:
            try:
                await client.quit(timeout=1)
            except (SMTPException, OSError):
                pass
            finally:
                client.close()

    async def check(self) -> None:
        async with self._trouble_told():
            try:
                async with asyncio.timeout(self._connect_seconds):
                    client = await self._open("localhost")
                    try:
                        await client.noop()
                    finally:
                        client.close()
            except TimeoutError as error:
                raise NotSent("the mail server does not answer in time", "server") from error

    async def _connected(self, sender: str) -> "SMTP":
        if self._client is None or not self._client.is_connected:
            self._client = await self._open(sender.rpartition("@")[2])
        return self._client

    async def _open(self, domain: str) -> "SMTP":
        from aiosmtplib import SMTP

        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            local_hostname=domain,
            timeout=self._connect_seconds,
            use_tls=server.security == "tls",
            start_tls=False if server.security == "tls" else None,
        )
        try:
            await client.connect()
            is_clear = client.get_transport_info("ssl_object") is None
            if is_clear and server.security == "starttls":
                raise NotSent("the mail server offers no TLS; SMTP_SECURE=false goes without", "server")
            if server.user is not None and server.password is not None:
                if is_clear and not server.is_local:
                    raise NotSent("the mail server offers no TLS, and a password is not sent in clear", "server")
                await client.login(server.user, server.password)
        except BaseException:
            client.close()
            raise
        return client

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @asynccontextmanager
    async def _trouble_told(self) -> AsyncIterator[None]:
        """What the library and the system raise, as NotSent."""
        import aiosmtplib as smtp

        try:
            yield
        except smtp.SMTPAuthenticationError as error:
            raise NotSent(f"the mail server refuses the user name or password ({error.code})", "server") from error
        except smtp.SMTPRecipientsRefused as error:
            first = error.recipients[0]
            raise NotSent(
                f"the mail server refuses the address: {first.code} {first.message}", _by(first.code)
            ) from error
        except smtp.SMTPSenderRefused as error:
            raise NotSent(f"the mail server refuses the sender: {error.code} {error.message}", "server") from error
        except smtp.SMTPDataError as error:
            raise NotSent(f"the mail server refuses the mail: {error.code} {error.message}", _by(error.code)) from error
        except smtp.SMTPResponseException as error:
            raise NotSent(f"the mail server says {error.code} {error.message}", "server") from error
        except smtp.SMTPTimeoutError as error:
            raise NotSent("the mail server does not answer in time", "server") from error
        except (smtp.SMTPException, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise NotSent(_reason(error), "server") from error


def transport_of(settings: MessagingSettings) -> MailTransport:
    """The way that the environment names."""
    if settings.server is not None:
        return Smtp(settings.server)
    return Folder(settings.folder) if settings.folder is not None else Console()


def _by(code: int) -> Scope:
    return "never" if code >= 500 else "later"


def _reason(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate of the mail server is not valid: {cause.verify_message}"
        if isinstance(cause, ConnectionRefusedError):
            return "the mail server refuses the connection"
        cause = cause.__cause__ or cause.__context__
    return f"the mail server cannot be reached: {error}"
