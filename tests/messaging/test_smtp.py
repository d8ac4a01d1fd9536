"""Mails through a real mail server: how they arrive, and what is said when they do not."""

import logging
from pathlib import Path

import pytest

from core.messaging.post import Post
from core.messaging.setting import MailServer as Address
from core.messaging.transport import Smtp
from core.storage.database import Database
from tests.messaging.conftest import OpenPost, at, until
from tests.support.mail_server import MailServer

LINK = "https://desk.harbour.test/verify?token=t0k3n"


async def send(post: Post, to: str = "ana@example.org", **variables: str) -> str:
    return await post.mail("magicLink", to, {"name": "Ana", "url": LINK, **variables})


async def failed(post: Post) -> str:
    """Why the newest mail has not left."""
    entry = await until(lambda: _newest_error(post))
    return str(entry)


async def _newest_error(post: Post) -> str | None:
    entries = await post.outbox(limit=1)
    return entries[0].error if entries else None


async def test_a_mail_arrives(duckdb: Database, open_a_post: OpenPost, mail_server: MailServer) -> None:
    """A-100: whole, to one person, from whom the settings say; afterwards nothing of it is kept."""
    post = open_a_post(duckdb, at(mail_server))
    name = "Ana\r\nBcc: all@example.org <script>"
    await send(post, "ana@bücher.example", name=name)
    mail = mail_server.next()
    assert (mail.sender, mail.to) == ("desk@harbour.test", ["ana@xn--bcher-kva.example"])
    assert mail.message["Subject"] == "Sign in to Harbour Desk"
    assert mail.message["From"] == "Harbour Desk <desk@harbour.test>"
    assert "bcc" not in {header.lower() for header in mail.message}
    assert LINK in mail.body("plain")
    assert f'href="{LINK}"' in mail.body("html")
    assert "<script>" not in mail.body("html")
    await until(lambda: _is_empty(post))
    assert mail_server.received.empty()


async def _is_empty(post: Post) -> bool:
    return not await post.outbox()


async def test_one_connection_serves_what_waits_together(
    duckdb: Database, open_a_post: OpenPost, mail_server: MailServer
) -> None:
    mail_server.hold.clear()
    post = open_a_post(duckdb, at(mail_server))
    for number in range(5):
        await send(post, f"p{number}@example.org")
    await until(mail_server.asked.is_set)
    mail_server.hold.set()
    assert [mail_server.next().to for _ in range(5)] == [[f"p{number}@example.org"] for number in range(5)]
    assert mail_server.connections == 1


@pytest.mark.parametrize("from_start", [False, True], ids=["starttls", "tls"])
async def test_tls_with_user_name(
    duckdb: Database, open_a_post: OpenPost, certificate: Path, from_start: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Encrypted and signed in; a certificate of one's own is trusted by SSL_CERT_FILE, and otherwise refused."""
    with MailServer(user="desk", password="pä ss", tls=certificate, from_start=from_start) as server:
        secure = {"SMTP_SECURE": "true" if from_start else "starttls", "SMTP_USER": "desk", "SMTP_PASS": "pä ss"}
        post = open_a_post(duckdb, at(server, **secure))
        await send(post)
        assert "certificate of the mail server is not valid" in await failed(post)
        health = await post.check()
        assert (health.status, "certificate" in str(health.note)) == ("failed", True)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        await post.retry((await post.outbox())[0].id)
        mail = server.next()
        assert (mail.over_tls, mail.user) == (True, "desk")
        assert (await post.check()).status == "ok"
        assert server.received.empty(), "asking sends nothing"


async def test_a_wrong_password_is_said(
    duckdb: Database, open_a_post: OpenPost, caplog: pytest.LogCaptureFixture
) -> None:
    """The mail waits until the password is mended; the log names neither password, person nor link (A-167)."""
    with MailServer(user="desk", password="right") as server, caplog.at_level(logging.DEBUG, "sovrium"):
        wrong = at(server, SMTP_USER="desk", SMTP_PASS="wr0ng-pass")
        post = open_a_post(duckdb, wrong)
        await send(post, "anastasia@example.org")
        assert await failed(post) == "the mail server refuses the user name or password (535)"
        assert (await post.outbox())[0].status == "waiting"
        assert (await post.check()).note == "the mail server refuses the user name or password (535)"
        assert post.queue.trouble
        post.queue.stop()
        mended = open_a_post(duckdb, at(server, SMTP_USER="desk", SMTP_PASS="right"))
        await mended.retry((await mended.outbox())[0].id)
        assert server.next().user == "desk"
        await until(lambda: _is_empty(mended))
        assert mended.queue.trouble is None
    assert "has not left" in caplog.text
    for secret in ("wr0ng-pass", "anastasia", "t0k3n", "desk.harbour"):
        assert secret not in caplog.text


async def test_without_tls_nothing_is_told(duckdb: Database, open_a_post: OpenPost, mail_server: MailServer) -> None:
    """STARTTLS that is asked for and not offered: no mail in clear."""
    post = open_a_post(duckdb, at(mail_server, SMTP_SECURE="starttls"))
    await send(post)
    assert await failed(post) == "the mail server offers no TLS; SMTP_SECURE=false goes without"
    assert mail_server.received.empty()


async def test_a_refused_address_is_not_tried_again(
    duckdb: Database, open_a_post: OpenPost, mail_server: MailServer
) -> None:
    """For good and for now: `550` ends it, `451` is tried again; neither holds up others. Its words are cleaned."""
    post = open_a_post(duckdb, at(mail_server))
    mail_server.refuse_to = "550 no such \x1b[2Juser <ana@example.org>"
    await send(post)
    assert await failed(post) == "the mail server refuses the address: 550 no such [2Juser <ana@example.org>"
    assert (await post.outbox())[0].status == "failed"
    mail_server.refuse_to = "451 later"
    await send(post, "bo@example.org")
    assert await failed(post) == "the mail server refuses the address: 451 later"
    entry = (await post.outbox())[0]
    assert (entry.status, entry.attempts, entry.content) == ("waiting", 1, None)
    mail_server.refuse_to = None
    await send(post, "cy@example.org")
    assert mail_server.next().to == ["cy@example.org"]
    mail_server.refuse_data = "554 looks like advertising"
    await send(post, "di@example.org")
    assert await failed(post) == "the mail server refuses the mail: 554 looks like advertising"
    assert {entry.to: entry.status for entry in await post.outbox()} == {
        "ana@example.org": "failed",
        "bo@example.org": "waiting",
        "di@example.org": "failed",
    }


async def test_an_address_that_only_some_servers_take(duckdb: Database, open_a_post: OpenPost) -> None:
    with MailServer(takes_utf8=False) as old:
        post = open_a_post(duckdb, at(old))
        await send(post, "josé@example.org")
        assert await failed(post) == "the mail server takes no address with such signs"
        assert (await post.outbox())[0].status == "failed"
    with MailServer() as new:
        post = open_a_post(duckdb, at(new))
        await send(post, "josé@example.org")
        mail = new.next()
        assert mail.to == ["josé@example.org"]
        assert mail.message["To"] == "josé@example.org"


async def test_a_slow_server_is_given_up(duckdb: Database, open_a_post: OpenPost, mail_server: MailServer) -> None:
    """Neither the request waits nor the queue for ever; the mail is tried again later."""
    mail_server.hold.clear()
    post = open_a_post(duckdb, at(mail_server))
    address = Address(host="127.0.0.1", port=mail_server.port, security="offered")
    post.queue.transport = Smtp(address, send=0.2)
    await send(post)
    assert await failed(post) == "the mail server took too long"
    assert (await post.outbox())[0].status == "waiting"


async def test_a_folder_of_mails(duckdb: Database, open_a_post: OpenPost, tmp_path: Path) -> None:
    """For development: files that mail programs open, for their owner alone; the outbox shows them too."""
    folder = tmp_path / "mails"
    post = open_a_post(duckdb, {"SMTP_FOLDER": str(folder)})
    await post.mail("welcome", "ana@example.org", {"url": post.link("/")})
    (file,) = await until(lambda: list(folder.glob("*.eml")))
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"Subject: Welcome to Harbour Desk\r\n" in file.read_bytes()
    entry = await until(lambda: _kept(post))
    assert entry.content.subject == "Welcome to Harbour Desk"
    assert (await post.check()).status == "ok"
    assert "SMTP_FOLDER" in str(post.notes)


async def _kept(post: Post) -> object:
    return next((entry for entry in await post.outbox() if entry.status == "kept"), None)
