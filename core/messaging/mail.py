"""One mail as it travels. Nothing that a person typed can become a header, a second recipient or markup of its own."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from core.errors import BadRequest
from core.messaging.address import LONGEST, is_local_part, is_unseen
from core.messaging.domain import in_ascii

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_JOINERS = "\u200c\u200d"
"""Invisible, and part of what some scripts and emoji look like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a mail says. A text message has `text` alone."""

    subject: str
    text: str
    html: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail to one person. `id` is ours and stays the same through all attempts, so that a receiver who gets it twice can
    tell. `sender` and `to` are addresses by `address_of`."""

    id: str
    sender: str
    sender_name: str | None
    to: str
    content: Content
    at: datetime

    @property
    def needs_utf8(self) -> bool:
        """An address has signs that only some servers take."""
        return not (self.to.isascii() and self.sender.isascii())

    def data(self) -> bytes:
        """As SMTP sends it and an `.eml` file holds it."""
        body = EmailMessage(policy=SMTP)
        body.set_content(self.content.text, cte="quoted-printable")
        if self.content.html is not None:
            body.add_alternative(self.content.html, subtype="html", cte="quoted-printable")
        headers = {
            "From": f"{_phrase('From', self.sender_name)} <{self.sender}>" if self.sender_name else self.sender,
            "To": self.to,
            "Subject": _encoded("Subject", clean(self.content.subject)),
            "Date": format_datetime(self.at),
            "Message-ID": f"<{self.id}@{self.sender.rpartition('@')[2]}>",
            "Auto-Submitted": "auto-generated",  # no answer by a machine whose owner is away
        }
        return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + body.as_bytes()


def address_of(text: str) -> str:
    """One plain address, its domain in ASCII. Raises BadRequest for anything else: names, lists, line breaks."""
    local, at, domain = text.strip().rpartition("@")
    ascii_domain = in_ascii(domain)
    address = f"{local}@{ascii_domain}"
    fits = at and is_local_part(local) and not is_unseen(domain) and _DOMAIN.fullmatch(ascii_domain)
    if not fits or len(address.encode()) > LONGEST:
        raise BadRequest("This is not a mail address")
    return address


def clean(text: str, longest: int = 200) -> str:
    """One line without control signs, marks that turn the direction of writing, and halves of signs."""
    kept = "".join(
        " " if unicodedata.category(sign) in ("Cc", "Zl", "Zp", "Zs") else sign
        for sign in text
        if sign in _JOINERS or unicodedata.category(sign) not in ("Cf", "Cs", "Co", "Cn")
    )
    line = " ".join(kept.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _phrase(header: str, name: str) -> str:
    name = clean(name)
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' if name.isascii() else _encoded(header, name)


def _encoded(header: str, text: str) -> str:
    """Folded, and in encoded words where it is not ASCII. `EmailMessage` by itself loses and adds blanks in long ones."""
    charset = "us-ascii" if text.isascii() and "=?" not in text else "utf-8"
    return Header(text, charset, header_name=header).encode(linesep="\r\n")
