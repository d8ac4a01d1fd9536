"""The post as the engine holds it: opened with the app, kept through reloads, closed with it."""

import threading
from pathlib import Path

import pytest

from core.assembly import open_engine
from core.http.app import build_app
from core.messaging.post import Post
from core.secrets.store import FILE
from sovrium_tui.server import start_notes
from tests.messaging.conftest import at
from tests.support.mail_server import MailServer

APP = """
name: harbour-desk
languages: {default: fr}
auth:
  strategies: [{type: emailAndPassword}, {type: phone, smsProvider: http, homePrefix: "+49"}]
  emailTemplates:
    welcome: {subject: "%s, $name ($organizationName)"}
"""


def mail_threads() -> int:
    return sum(thread.name == "mail" for thread in threading.enumerate())


@pytest.fixture(autouse=True)
def no_keyring(tmp_path: Path) -> None:
    """The master key of these engines lies in their folder."""
    (tmp_path / "data").mkdir(mode=0o700)
    key = tmp_path / "data" / FILE
    key.write_text('["' + "A" * 43 + '="]')
    key.chmod(0o600)


async def test_mails_of_an_app(tmp_path: Path, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A-100: words and language are those of the app file as it is; the queue goes on when it changes, and ends with it."""
    for name, value in at(mail_server).items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "app.yaml"
    file.write_text(APP % "Bienvenue")
    engine = open_engine(file, tmp_path / "data")
    app = build_app(engine, version="1")
    try:
        post = post_of(app.engine)
        await post.mail("welcome", "ana@example.org", {"name": "Ana"})
        first = mail_server.next()
        assert first.message["Subject"] == "Bienvenue, Ana (Harbour Desk)"
        assert "Bonjour Ana" in first.body("plain")
        file.write_text(APP % "Ahoi")
        assert (await app.reloading.run())["changed"]
        assert post_of(app.engine).queue is post.queue
        await post_of(app.engine).mail("welcome", "ana@example.org", {})
        assert mail_server.next().message["Subject"] == "Ahoi, à vous (Harbour Desk)"
        assert mail_threads() == 1
    finally:
        assert app.engine is not None
        app.engine.close()
    assert mail_threads() == 0


def post_of(engine: object) -> Post:
    post: Post = engine.auth.context.post  # type: ignore[attr-defined]
    return post


def test_a_247_what_is_not_set_is_said_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A-247, A-167: no mail server, with what happens instead; a provider without its account."""
    for name in ("SMTP_HOST", "SMTP_FOLDER", "SMS_WEBHOOK_URL", "SMS_WEBHOOK_SECRET"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "app.yaml"
    file.write_text(APP % "x")
    engine = open_engine(file, tmp_path / "data")
    try:
        notes = start_notes(engine)
    finally:
        engine.close()
    assert notes[-2:] == [
        "No mail server is set (SMTP_HOST): mails stay in the outbox",
        "Text messages do not leave; not set: SMS_WEBHOOK_URL, SMS_WEBHOOK_SECRET",
    ]
