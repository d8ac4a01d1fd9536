"""One mail as it travels: addresses, headers, lines (auth T9)."""

import email
import email.policy
from datetime import UTC, datetime

import pytest

from core.errors import BadRequest
from core.messaging.mail import Content, Mail, address_of, clean

GOOD = {
    "ana@example.org": "ana@example.org",
    " Ana.B+x_1@Example.ORG ": "Ana.B+x_1@example.org",
    "ana@bücher.example": "ana@xn--bcher-kva.example",
    "ana@straße.example": "ana@xn--strae-oqa.example",
    "josé@example.org": "josé@example.org",
    "root@localhost": "root@localhost",
    "o'hara@example.org": "o'hara@example.org",
}
BAD = [
    "",
    "ana",
    "@example.org",
    "ana@",
    "ana@example..org",
    "ana@-example.org",
    "ana@exa mple.org",
    "ana@exa\u200bmple.org",
    "ana@\ud800.example.org",
    "a na@example.org",
    "ana@example.org, bo@example.org",
    "ana@example.org;bo@example.org",
    "Ana <ana@example.org>",
    "ana@example.org\r\nBcc: all@example.org",
    "ana\n@example.org",
    '"ana bo"@example.org',
    ".ana@example.org",
    "a..b@example.org",
    "ana@[127.0.0.1]",
    "ana\u202e@example.org",
    "ana\x00@example.org",
    "a@b@example.org",
    "a" * 65 + "@example.org",
    "a@" + "b." * 130 + "org",
    "ana>@example.org",
    "ana@example.org>",
    "ana\ud800@example.org",
]


def mail(**how: str) -> Mail:
    return Mail(
        id="0192",
        sender="desk@harbour.test",
        sender_name=how.get("sender_name"),
        to=how.get("to", "ana@example.org"),
        content=Content(subject=how.get("subject", "s"), text=how.get("text", "t"), html=how.get("html")),
        at=datetime(2026, 11, 21, 12, tzinfo=UTC),
    )


def test_addresses_in_one_form() -> None:
    assert {text: address_of(text) for text in GOOD} == GOOD


@pytest.mark.parametrize("text", BAD)
def test_what_is_not_one_address(text: str) -> None:
    """T9: neither a list, nor a name, nor a line of one's own."""
    with pytest.raises(BadRequest, match="not a mail address"):
        address_of(text)


@pytest.mark.parametrize(
    "attack", ["x\r\nBcc: all@example.org", "x\nBcc: a@b.c\n\n<h1>", "x\r\n\r\nbody", "x\u2028y\x85z"]
)
def test_headers_take_no_lines(attack: str) -> None:
    """T9: header injection by a subject or a name."""
    message = email.message_from_bytes(mail(subject=attack, sender_name=attack).data(), policy=email.policy.default)
    names = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"]
    assert [name for name in message.keys() if name in names or "cc" in name.lower()] == names  # noqa: SIM118
    assert message["To"] == "ana@example.org"
    assert message.get_content().strip() == "t"


def test_a_mail_reads_back_as_it_was_written() -> None:
    """Long lines, signs of all scripts, dots at the beginning of lines; on the way nothing but short ASCII lines."""
    text = "Grüße 🚢 שלום\n.\n..dot\nFrom here\n" + "x" * 3000 + "\nend \n"
    made = mail(subject="Grüße 🚢 " + "lang " * 40, sender_name="Hafen, „Büro“", text=text, html=f"<p>{text}</p>")
    data = made.data()
    assert data.isascii()
    assert max(len(line) for line in data.split(b"\r\n")) <= 998
    assert b"\n" not in data.replace(b"\r\n", b"")
    message = email.message_from_bytes(data, policy=email.policy.default)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n") == text
    assert html.get_content().strip().replace("\r\n", "\n") == f"<p>{text}</p>"
    assert message["Subject"] == clean(made.content.subject)
    assert message["From"].addresses[0].display_name == "Hafen, „Büro“"
    assert message["Date"].datetime == made.at
    assert message["Message-ID"] == "<0192@harbour.test>"
    assert message["Auto-Submitted"] == "auto-generated"


def test_lines_are_cleaned() -> None:
    """T10: what could move a cursor, ring a bell or turn the direction of writing."""
    assert clean("a\x1b[2J\x07b\u202ec\u2066d\r\n e\u00a0f") == "a [2J bcd e f"
    assert clean("👩\u200d🚀 नि\u200dष") == "👩\u200d🚀 नि\u200dष"
    assert clean("x" * 300) == "x" * 199 + "…"
