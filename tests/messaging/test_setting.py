"""The environment of mails and text messages (auth §2.2)."""

import pytest

from core.errors import BadRequest
from core.messaging.setting import MailServer, read_settings

HOST = {"SMTP_HOST": "mail.example.org", "SMTP_FROM": "a@example.org"}


def test_nothing_is_set() -> None:
    """A-247: mails stay in the outbox, and that is said."""
    settings = read_settings({"PORT": "4000"})
    assert (settings.base_url, settings.server, settings.folder) == ("http://localhost:4000", None, None)
    assert settings.sender == "no-reply@localhost"
    assert settings.note == "No mail server is set (SMTP_HOST): mails stay in the outbox"


@pytest.mark.parametrize(
    ("more", "server"),
    [
        ({}, (587, "starttls")),
        ({"SMTP_SECURE": "true"}, (465, "tls")),
        ({"SMTP_PORT": "465"}, (465, "tls")),
        ({"SMTP_SECURE": "false"}, (587, "offered")),
        ({"SMTP_SECURE": "STARTTLS", "SMTP_PORT": "25"}, (25, "starttls")),
        ({"SMTP_HOST": "localhost"}, (587, "offered")),
        ({"SMTP_HOST": "::1", "SMTP_PORT": "1025"}, (1025, "offered")),
    ],
)
def test_how_a_server_is_spoken_to(more: dict[str, str], server: tuple[int, str]) -> None:
    """Without a word nothing goes in clear beyond this machine."""
    found = read_settings({**HOST, **more}).server
    assert found is not None
    assert (found.port, found.security) == server


def test_who_sends() -> None:
    """SMTP_FROM, else the user if that is an address, else the host of BASE_URL."""
    assert read_settings(HOST).sender == "a@example.org"
    user = {"SMTP_HOST": "m.example.org", "SMTP_USER": "b@example.org", "SMTP_PASS": "x"}
    assert read_settings(user).sender == "b@example.org"
    base = {"SMTP_HOST": "m.example.org", "BASE_URL": "https://desk.example.org/app/"}
    assert read_settings(base).sender == "no-reply@desk.example.org"
    assert read_settings(base).base_url == "https://desk.example.org/app"
    named = read_settings({**HOST, "SMTP_FROM_NAME": "Harbour\r\nBcc: x"})
    assert named.sender_name == "Harbour Bcc: x"


def test_secrets_are_not_shown() -> None:
    """T25"""
    environ = {**HOST, "SMTP_USER": "u", "SMTP_PASS": "s3cret1", "SMS_WEBHOOK_SECRET": "s3cret2"}
    shown = repr(read_settings({**environ, "TWILIO_AUTH_TOKEN": "s3cret3"}))
    assert "s3cret" not in shown
    assert "s3cret" not in repr(MailServer(host="h", port=1, security="tls", user="u", password="s3cret"))


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"BASE_URL": "desk.example.org"}, "BASE_URL"),
        ({"BASE_URL": "ftp://desk.example.org"}, "BASE_URL"),
        ({"BASE_URL": "https://a:b@desk.example.org"}, "BASE_URL"),
        ({"BASE_URL": "https://desk.example.org?x=1"}, "BASE_URL"),
        ({"BASE_URL": "https://desk.example.org:99999"}, "BASE_URL"),
        ({"BASE_URL": 'https://desk.example.org/"x'}, "BASE_URL"),
        ({"SMTP_HOST": "mail example"}, "SMTP_HOST"),
        ({"SMTP_HOST": "smtp://mail.example.org"}, "SMTP_HOST"),
        ({"SMTP_HOST": "mail.example.org"}, "SMTP_FROM"),
        ({**HOST, "SMTP_FROM": "Ana <a@example.org>"}, "SMTP_FROM"),
        ({**HOST, "SMTP_PORT": "0"}, "SMTP_PORT"),
        ({**HOST, "SMTP_PORT": "70000"}, "SMTP_PORT"),
        ({**HOST, "SMTP_PORT": "smtp"}, "SMTP_PORT"),
        ({**HOST, "SMTP_SECURE": "maybe"}, "SMTP_SECURE"),
        ({**HOST, "SMTP_USER": "u"}, "SMTP_PASS"),
        ({**HOST, "SMTP_PASS": "s3cret"}, "SMTP_USER"),
        ({**HOST, "SMTP_FOLDER": "/tmp/x"}, "SMTP_FOLDER"),
        ({"SMS_WEBHOOK_URL": "javascript:x"}, "SMS_WEBHOOK_URL"),
    ],
)
def test_what_is_wrong_is_named(environ: dict[str, str], name: str) -> None:
    with pytest.raises(BadRequest, match=name) as refusal:
        read_settings(environ)
    assert "s3cret" not in str(refusal.value)
