"""The outbox: what waits, is tried again, is kept and forgotten; on both databases."""

import asyncio
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from core.errors import BadRequest, Conflict, DiskFull, NotFound
from core.messaging import queue as module
from core.messaging.post import Post
from core.messaging.queue import OUTBOX, Entry
from core.secrets.envelope import MasterKey, Secrets
from core.storage.database import Call, Database, Settings, Transaction
from tests.conftest import OpenDatabase
from tests.messaging.conftest import Hands, OpenPost, at, until
from tests.support.mail_server import MailServer

LINK = "https://desk.harbour.test/x?token=t0k3n-marker"


async def send(post: Post, to: str, **how: timedelta) -> str:
    return await post.mail("magicLink", to, {"url": LINK}, **how)


async def statuses(post: Post) -> dict[str, tuple[str, int]]:
    return {entry.to: (entry.status, entry.attempts) for entry in await post.outbox()}


async def entry_when(post: Post, id_: str, **wanted: object) -> Entry:
    """The entry once its fields are so."""

    async def look() -> Entry | None:
        for entry in await post.outbox():
            if entry.id == id_ and all(getattr(entry, name) == value for name, value in wanted.items()):
                return entry
        return None

    found: Entry = await until(look)
    return found


async def is_empty(post: Post) -> bool:
    return not await post.outbox()


async def test_a_server_that_is_down(
    db: Database, open_a_post: OpenPost, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    """Mails wait, it is said why, pauses grow; when the server is back the next attempt takes all of them along (§17.3)."""
    server = MailServer()
    post = open_a_post(db, at(server))
    begun = hands.now
    first = await send(post, "a@example.org")
    entry = await entry_when(post, first, attempts=1)
    assert (entry.error, entry.due_at) == ("the mail server refuses the connection", begun + timedelta(seconds=5))
    assert post.queue.trouble == "the mail server refuses the connection"
    assert (await post.check()).status == "failed"
    second = await send(post, "b@example.org")
    await entry_when(post, second, attempts=1)
    for attempts, pause in ((2, 15), (3, 60), (4, 300), (5, 300)):
        hands.move(seconds=300)
        post.nudge()
        entry = await entry_when(post, first, attempts=attempts)
        assert entry.due_at == hands.now + timedelta(seconds=pause)
        assert (await entry_when(post, second, status="waiting")).due_at == entry.due_at, (
            "one attempt is enough for both"
        )
    with server:
        await send(post, "c@example.org")
        assert sorted(server.next().to[0] for _ in range(3)) == ["a@example.org", "b@example.org", "c@example.org"]
        await until(lambda: is_empty(post))
        assert server.received.empty()
    assert post.queue.trouble is None
    assert "refuses the connection" in caplog.text


async def test_giving_up(db: Database, open_a_post: OpenPost, hands: Hands) -> None:
    """A link that does not work any more is not sent; other mails are tried for a day. A person may send them again."""
    server = MailServer()
    post = open_a_post(db, at(server))
    link = await send(post, "a@example.org", validity=timedelta(minutes=15))
    await entry_when(post, link, attempts=1)
    notice = await post.mail("welcome", "b@example.org", {})
    await entry_when(post, notice, attempts=1)
    hands.move(minutes=16)
    with server:
        post.nudge()
        assert server.next().to == ["b@example.org"]
        entry = await entry_when(post, link, status="failed")
        assert (entry.error, entry.content) == ("what it says does not hold any more", None)
    late = await post.mail("welcome", "c@example.org", {})
    await entry_when(post, late, attempts=1)
    hands.move(hours=24)
    post.nudge()
    assert (await entry_when(post, late, status="failed")).error == "the mail server refuses the connection"
    server.open()
    await post.retry(late)
    assert server.next().to == ["c@example.org"]
    server.close()
    await until(lambda: _gone(post, late))


async def _gone(post: Post, id_: str) -> bool:
    return id_ not in {entry.id for entry in await post.outbox()}


async def test_a_restart_sends_what_waits_once(
    open_db: OpenDatabase, database_settings: Settings, open_a_post: OpenPost, hands: Hands
) -> None:
    """Queued is written down: another process finds it, and what a killed one had in hand."""
    server = MailServer()
    database = open_db()
    post = open_a_post(database, at(server))
    ids = [await send(post, f"p{number}@example.org") for number in range(4)]
    await entry_when(post, ids[0], attempts=1)
    post.queue.stop()
    in_hand = {"taken_by": "a process that was killed", "due_at": hands.now + module.TAKEN_FOR}
    lost = update(OUTBOX).where(OUTBOX.c.id == ids[3]).values(in_hand)
    await database.write(Call(lambda tx: tx.execute(lost)))
    database.close()
    hands.move(seconds=60)
    with server:
        again = open_a_post(open_db(), at(server))
        is_alone = again.queue._database.dialect == "duckdb"
        count = 4 if is_alone else 3
        first = sorted(server.next().to[0] for _ in range(count))
        assert first == [f"p{number}@example.org" for number in range(count)]
        if not is_alone:  # its process may be on another machine, and alive
            await until(lambda: _left(again, 1))
            hands.move(seconds=61)
            again.nudge()
            assert server.next().to == ["p3@example.org"]
        await until(lambda: is_empty(again))
        assert server.received.empty()


async def _left(post: Post, count: int) -> bool:
    return len(await post.outbox()) == count


async def test_stopping_while_a_mail_is_under_way(
    db: Database, open_a_post: OpenPost, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server stops in its time; the mail is there for the next start, under the same Message-ID."""
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.05)
    mail_server.hold.clear()
    post = open_a_post(db, at(mail_server))
    id_ = await send(post, "a@example.org")
    await until(mail_server.asked.is_set)
    await asyncio.to_thread(post.queue.stop)
    assert await statuses(post) == {"a@example.org": ("waiting", 0)}
    mail_server.hold.set()
    again = open_a_post(db, at(mail_server))
    assert mail_server.next().message["Message-ID"] == f"<{id_}@harbour.test>"
    await until(lambda: is_empty(again))


async def test_a_mail_that_left_and_was_not_taken_off(
    duckdb: Database, open_a_post: OpenPost, hands: Hands, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database refuses at the worst moment: the mail is not sent again, and is taken off later."""
    post = open_a_post(duckdb, at(mail_server))
    refused = threading.Event()

    def refuse(*_: object) -> None:
        refused.set()
        raise DiskFull("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(post.queue, "_left", refuse)
        await send(post, "a@example.org")
        await until(refused.is_set)
    assert mail_server.next().to == ["a@example.org"]
    hands.move(seconds=module.TAKEN_FOR.total_seconds())
    post.nudge()
    await until(lambda: is_empty(post))
    assert mail_server.received.empty()


async def test_two_servers_share_a_queue(
    postgresql_settings: Settings, open_a_post: OpenPost, mail_server: MailServer
) -> None:
    """Each mail is taken by one of them."""
    from core.storage.engine import open_database

    databases = [open_database(postgresql_settings) for _ in range(2)]
    try:
        posts = [open_a_post(database, at(mail_server)) for database in databases]
        await asyncio.gather(*(send(posts[number % 2], f"p{number}@example.org") for number in range(16)))
        for _ in range(4):
            for post in posts:
                post.nudge()
        arrived = sorted(mail_server.next().to[0] for _ in range(16))
        assert arrived == sorted(f"p{number}@example.org" for number in range(16))
        await until(lambda: is_empty(posts[0]))
        assert mail_server.received.empty()
        for post in posts:
            post.queue.stop()
    finally:
        for database in databases:
            database.close()


async def test_a_167_without_a_mail_server(db: Database, open_a_post: OpenPost, hands: Hands) -> None:
    """A-167: the outbox shows the link; page by page, until it is forgotten."""
    post = open_a_post(db)
    assert await post.outbox() == []
    with pytest.raises(NotFound):
        await post.forget("nothing")
    ids = []
    for number in range(3):
        ids.append(
            await post.mail("invitation", f"p{number}@example.org", {"url": post.link("/accept", token="t0k3n")})
        )
        hands.move(seconds=1)
    newest = (await post.outbox(limit=2))[0]
    assert (newest.id, newest.kind, newest.template, newest.to) == (ids[2], "mail", "invitation", "p2@example.org")
    assert newest.status == "kept"
    assert newest.content is not None
    assert "http://localhost:3000/accept?token=t0k3n" in newest.content.text
    assert [entry.id for entry in await post.outbox(limit=2, before=ids[1])] == [ids[0]]
    with pytest.raises(Conflict, match="No mail server"):
        await post.retry(ids[0])
    with pytest.raises(NotFound):
        await post.retry("nothing")
    assert await post.forget(ids[0]) == 1
    with pytest.raises(NotFound):
        await post.forget(ids[0])
    assert await post.forget(None) == 2
    assert await post.outbox() == []
    assert (await post.check()).status == "off"
    assert "SMTP_HOST" in str(post.notes)


async def test_what_is_kept_is_forgotten_after_a_week(db: Database, open_a_post: OpenPost, hands: Hands) -> None:
    post = open_a_post(db)
    await post.mail("welcome", "a@example.org", {})
    hands.move(days=6, hours=23)
    await post.mail("welcome", "b@example.org", {})
    assert len(await post.outbox()) == 2
    hands.move(hours=2)
    post.nudge()
    await until(lambda: _left(post, 1))
    assert (await post.outbox())[0].to == "b@example.org"


async def test_mails_that_waited_when_the_server_was_taken_away(
    db: Database, open_a_post: OpenPost, hands: Hands
) -> None:
    """Without SMTP_HOST at the next start they are in the outbox to be read."""
    post = open_a_post(db, at(MailServer()))
    id_ = await send(post, "a@example.org")
    await entry_when(post, id_, attempts=1)
    post.queue.stop()
    hands.move(seconds=5)
    again = open_a_post(db)
    entry = await entry_when(again, id_, status="kept")
    assert entry.content is not None
    assert LINK in entry.content.text


async def test_words_are_sealed(duckdb_settings: Settings, open_db: OpenDatabase, open_a_post: OpenPost) -> None:
    """A-041, A-042: no link in the database; not for another key, nor in another row."""
    database = open_db()
    post = open_a_post(database, {"BASE_URL": "https://desk.harbour.test"})
    first, second = await send(post, "a@example.org"), await send(post, "b@example.org")

    def look(tx: Transaction) -> str:
        return str(tx.rows(select(OUTBOX)))

    assert "t0k3n-marker" not in await database.read(Call(look))
    other = open_a_post(database, secrets=Secrets(MasterKey(bytes(32))))
    entry = (await other.outbox())[0]
    assert (entry.content, entry.error) == (None, "The master key 37e2… is not here".replace("37e2…", _key_id()))
    sealed = await database.read(Call(lambda tx: tx.scalar(select(OUTBOX.c.sealed).where(OUTBOX.c.id == first))))
    copied = update(OUTBOX).where(OUTBOX.c.id == second).values(sealed=sealed)
    await database.write(Call(lambda tx: tx.execute(copied)))
    assert (await post.outbox())[0].content is None
    post.queue.stop()
    other.queue.stop()
    database.close()
    if database.dialect == "duckdb":
        folder = Path(duckdb_settings.url.removeprefix("duckdb:///")).parent
        for file in folder.rglob("*"):
            assert not file.is_file() or b"t0k3n-marker" not in file.read_bytes()


def _key_id() -> str:
    from tests.messaging.conftest import SECRETS

    return SECRETS.current.id


async def test_a_mail_belongs_to_its_transaction(db: Database, open_a_post: OpenPost) -> None:
    """What is undone sends nothing; what is no address writes nothing."""
    post = open_a_post(db)

    def fail(tx: Transaction) -> None:
        post.put(tx, "welcome", "a@example.org", {})
        raise Conflict("no")

    with pytest.raises(Conflict):
        await db.write(Call(fail))
    with pytest.raises(BadRequest):
        await post.mail("welcome", "a@example.org, b@example.org", {})
    assert await post.outbox() == []


async def test_t20_links_come_from_the_base_address(db: Database, open_a_post: OpenPost) -> None:
    """T20, A-166: `BASE_URL` and nothing else; what is added is escaped."""
    post = open_a_post(db, {"BASE_URL": "https://desk.harbour.test/app/"})
    assert post.link("/accept", token="a&b c") == "https://desk.harbour.test/app/accept?token=a%26b+c"
    with pytest.raises(ValueError, match="base address"):
        await post.mail("magicLink", "a@example.org", {"url": "https://evil.example/accept"})
    assert await post.outbox() == []
