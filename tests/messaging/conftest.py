"""A post over a database, with a clock that the test moves."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.messaging.post import Post, open_post
from core.messaging.setting import MessagingSettings, read_settings
from core.schema.auth import AuthSpec, PasswordStrategy, PhoneStrategy
from core.secrets.envelope import MasterKey, Secrets
from core.storage.database import Database
from tests.conftest import OpenDatabase
from tests.support.mail_server import MailServer, make_certificate

SPEC = AuthSpec(strategies=(PasswordStrategy(), PhoneStrategy(home_prefix="49", channels=("sms", "whatsapp"))))
SECRETS = Secrets(MasterKey(bytes(range(32))))


class Hands:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


OpenPost = Callable[..., Post]


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def open_a_post(hands: Hands) -> Iterator[OpenPost]:
    """`open_a_post(database, environ)`; keyword arguments as of `open_post`, or fields of the app's `auth`. All are stopped
    at the end, and a thread that is left behind fails the test."""
    opened: list[Post] = []

    def open_(database: Database, environ: Mapping[str, str] | None = None, **how: Any) -> Post:
        options = {key: how.pop(key) for key in ("language", "before", "clock") if key in how}
        settings: MessagingSettings = read_settings(environ or {})
        secrets = how.pop("secrets", SECRETS)
        spec = replace(SPEC, **how)
        post = open_post(spec, "Harbour Desk", database, secrets, settings, **{"clock": hands, **options})
        opened.append(post)
        return post

    yield open_
    for post in opened:
        post.queue.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "mail"]


@pytest.fixture
def duckdb(open_duckdb: OpenDatabase) -> Database:
    return open_duckdb()


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


def at(server: MailServer, **more: str) -> dict[str, str]:
    """The environment that leads to a mail server."""
    return {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(server.port),
        "SMTP_FROM": "desk@harbour.test",
        "SMTP_FROM_NAME": "Harbour Desk",
        "BASE_URL": "https://desk.harbour.test",
        **more,
    }


async def until(condition: Callable[[], Any]) -> Any:
    """Wait for what another thread brings about; its answer. `condition` may be a coroutine function."""
    import asyncio

    for _ in range(2000):
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come about")
