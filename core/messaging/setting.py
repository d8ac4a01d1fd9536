"""How mails and text messages leave, from the environment: a mail server, a folder, or neither; and the accounts of SMS."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from core.errors import BadRequest
from core.messaging.mail import address_of, clean
from core.schema.environment import http_url

Security = Literal["tls", "starttls", "offered"]
"""TLS from the start; STARTTLS or nothing; STARTTLS where it is offered."""
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+")
_SECURITY: Mapping[str, Security] = {
    **dict.fromkeys(("true", "1", "tls"), "tls"),
    **dict.fromkeys(("false", "0"), "offered"),
    "starttls": "starttls",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    host: str
    port: int
    security: Security
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def is_local(self) -> bool:
        return is_loopback(self.host)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAccounts:
    """What the SMS providers need; the one that an app names may lack some of it, which is said when it is to send."""

    url: str | None = None
    """Where the `http` provider posts to."""
    secret: str | None = field(default=None, repr=False)
    twilio_account: str | None = None
    twilio_token: str | None = field(default=None, repr=False)
    twilio_from: str | None = None
    """A number, or the id of a messaging service (`MG…`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagingSettings:
    """`server` and `folder` None: mails stay in the outbox."""

    base_url: str
    """Where people reach this server, without a slash at the end: what every link begins with."""
    sender: str
    sender_name: str | None = None
    server: MailServer | None = None
    folder: Path | None = None
    texts: TextAccounts = TextAccounts()

    @property
    def note(self) -> str | None:
        """What a person should know at the start."""
        if self.server is not None:
            return None
        if self.folder is not None:
            return f"Mails are written to {self.folder} and leave for nobody (SMTP_FOLDER)"
        return "No mail server is set (SMTP_HOST): mails stay in the outbox"


def read_settings(environ: Mapping[str, str], port: int | None = None) -> MessagingSettings:
    """`port`: the one that the app file names. Raises BadRequest for the first variable whose value is not allowed; a
    secret's is never shown."""

    def given(name: str) -> str | None:
        return environ.get(name, "").strip() or None

    base_url = named_url(environ) or f"http://localhost:{given('SOVRIUM_PORT') or given('PORT') or port or 3000}"
    host, folder = given("SMTP_HOST"), given("SMTP_FOLDER")
    if host and folder:
        raise BadRequest("SMTP_HOST and SMTP_FOLDER are set: mails go to a server or to a folder, not to both")
    server = _server(host, given) if host else None
    name = given("SMTP_FROM_NAME")
    return MessagingSettings(
        base_url=base_url,
        sender=_sender(given("SMTP_FROM"), server, base_url),
        sender_name=clean(name) if name else None,
        server=server,
        folder=Path(folder).expanduser().absolute() if folder else None,
        texts=TextAccounts(
            url=http_url("SMS_WEBHOOK_URL", given("SMS_WEBHOOK_URL")),
            secret=given("SMS_WEBHOOK_SECRET"),
            twilio_account=given("TWILIO_ACCOUNT_SID"),
            twilio_token=given("TWILIO_AUTH_TOKEN"),
            twilio_from=given("TWILIO_FROM"),
        ),
    )


def is_loopback(host: str) -> bool:
    """A name or address of this machine."""
    if host.lower() in ("localhost", "ip6-localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _server(host: str, given: Callable[[str], str | None]) -> MailServer:
    if not _HOST.fullmatch(host):
        raise BadRequest("SMTP_HOST must be the name or address of a machine")
    port_text = given("SMTP_PORT")
    if port_text is not None and not (port_text.isascii() and port_text.isdigit() and 0 < int(port_text[:6]) <= 65535):
        raise BadRequest("SMTP_PORT must be a number from 1 to 65535")
    secure = (given("SMTP_SECURE") or "").lower()
    if secure and secure not in _SECURITY:
        raise BadRequest(f"SMTP_SECURE must be one of {', '.join(_SECURITY)}")
    port = int(port_text) if port_text else 465 if _SECURITY.get(secure) == "tls" else 587
    # Where nothing is said a password or a link must not travel for all to read.
    unsaid: Security = "tls" if port == 465 else "offered" if is_loopback(host) else "starttls"
    user, password = given("SMTP_USER"), given("SMTP_PASS")
    if (user is None) != (password is None):
        raise BadRequest("SMTP_USER and SMTP_PASS are set together or not at all")
    return MailServer(host=host, port=port, security=_SECURITY.get(secure, unsaid), user=user, password=password)


def _sender(given: str | None, server: MailServer | None, base_url: str) -> str:
    if given is not None:
        try:
            return address_of(given)
        except BadRequest as error:
            raise BadRequest("SMTP_FROM must be a mail address") from error
    if server is not None and server.user and "@" in server.user:
        try:
            return address_of(server.user)
        except BadRequest:
            pass
    host = str(urlsplit(base_url).hostname)
    if server is not None and (is_loopback(host) or not re.search(r"\.[a-z-]{2,}$", host)):
        raise BadRequest("SMTP_FROM is needed: the address that mails come from")
    return f"no-reply@{host}" if not host.count(":") else "no-reply@localhost"


def named_url(environ: Mapping[str, str]) -> str | None:
    """Where people reach this server, if anybody has said so. Raises BadRequest."""
    url = http_url("BASE_URL", environ.get("BASE_URL", "").strip() or None)
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        raise BadRequest("BASE_URL must end with the host or a path")
    return url.rstrip("/")
