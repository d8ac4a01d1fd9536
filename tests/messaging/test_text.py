"""Text messages: one suite for every provider that sends, and the guard on what they cost (auth A-106, A-108, A-109)."""

import asyncio
import base64
import hashlib
import hmac
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from core.errors import DeliveryFailed, Invalid
from core.messaging.pace import TEXTS, TextPace, TooManyTexts, network_of
from core.messaging.post import Post
from core.messaging.setting import read_settings
from core.messaging.sms import Provider, TextMessage, Twilio, Webhook
from core.schema.auth import PhoneStrategy
from core.storage.database import Call, Database
from tests.messaging.conftest import SECRETS, SPEC, Hands, OpenPost
from tests.support.sink import Received, Sink

ANA = "4915100000"
ENVIRON = {
    "SMS_WEBHOOK_SECRET": "s3cret",
    "TWILIO_ACCOUNT_SID": "AC0/1",
    "TWILIO_AUTH_TOKEN": "t0ken",
    "TWILIO_FROM": "+4930123456",
}
LOCAL = ("127.0.0.1",)


@dataclass(frozen=True)
class Sent:
    """What arrived at a provider, however it was written."""

    to: str
    text: str
    channel: str


@dataclass(frozen=True)
class Kind:
    """A provider with its other side, which checks the proof of who sends. `accept` and `refuse` are its own answers."""

    name: str
    accept: tuple[int, bytes]
    refuse: tuple[int, bytes]

    def make(self, sink: Sink) -> Provider:
        accounts = read_settings({**ENVIRON, "SMS_WEBHOOK_URL": f"{sink.url}/sms"}).texts
        if self.name == "http":
            return Webhook(accounts)
        return Twilio(accounts, url=sink.url, private=LOCAL)

    def read(self, request: Received) -> Sent:
        if self.name == "http":
            assert request.path == "/sms"
            digest = hmac.new(b"s3cret", request.body, hashlib.sha256).hexdigest()
            assert request.headers["x-signature"] == f"sha256={digest}"
            assert request.headers["content-type"] == "application/json"
            told = request.json
            assert set(told) - {"channel"} == {"to", "text", "messageId"}
            return Sent(told["to"], told["text"], told.get("channel", "sms"))
        assert request.path == "/2010-04-01/Accounts/AC0%2F1/Messages.json"
        login = base64.b64decode(request.headers["authorization"].removeprefix("Basic "))
        assert login == b"AC0/1:t0ken"
        form = {name: values[0] for name, values in parse_qs(request.body.decode(), strict_parsing=True).items()}
        assert set(form) == {"To", "From", "Body"}
        channel = "whatsapp" if form["To"].startswith("whatsapp:") else "sms"
        prefix = "whatsapp:" if channel == "whatsapp" else ""
        assert form["From"] == f"{prefix}+4930123456"
        return Sent(form["To"].removeprefix(prefix), form["Body"], channel)


KINDS = [
    Kind("http", (202, b""), (422, b"no")),
    Kind(
        "twilio", (201, b'{"sid": "SM1", "status": "queued"}'), (400, b'{"code": 21211, "message": "not +4915100000"}')
    ),
]


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest, sink: Sink) -> Kind:
    """Each provider that sends."""
    found: Kind = request.param
    answers(sink, *found.accept)
    return found


@pytest.fixture(autouse=True)
def fresh(sink: Sink) -> None:
    """Nothing of an earlier test."""
    while not sink.received.empty():
        sink.received.get()


def answers(sink: Sink, status: int, body: bytes) -> None:
    sink.reply = lambda _: (status, {}, body)


def with_provider(post: Post, provider: Provider) -> Post:
    return Post(
        post.queue,
        post.pace,
        post._templates,
        post.settings,
        post._database,
        phone=SPEC.phone,
        provider=provider,
        clock=post._clock,
    )


async def counted(database: Database) -> int:
    return len(await database.read(Call(lambda reader: reader.rows(TEXTS.select()))))


async def text(post: Post, to: str = ANA, **how: Any) -> str:
    return await post.text(to, "phoneOtp", {"otp": "493021"}, address=how.pop("address", "192.0.2.7"), **how)


async def test_a_108_a_message_arrives(
    duckdb: Database, open_a_post: OpenPost, kind: Kind, sink: Sink, hands: Hands
) -> None:
    """A-108: at once, signed, with the app's name and the code; nothing of it is kept."""
    post = with_provider(open_a_post(duckdb), kind.make(sink))
    await text(post)
    words = "493021 is your code for Harbour Desk. Do not pass it on."
    assert kind.read(sink.next()) == Sent(f"+{ANA}", words, "sms")
    hands.move(seconds=60)
    await text(post, channel="whatsapp", language="fr")
    assert kind.read(sink.next()) == Sent(
        f"+{ANA}", "493021 est votre code pour Harbour Desk. Ne le transmettez pas.", "whatsapp"
    )
    assert await post.outbox() == []
    assert ANA not in str(await duckdb.read(Call(lambda reader: reader.rows(TEXTS.select()))))


async def test_a_108_a_provider_that_fails(
    duckdb: Database, open_a_post: OpenPost, kind: Kind, sink: Sink, caplog: pytest.LogCaptureFixture, hands: Hands
) -> None:
    """A-108: 502, and nothing stored. What surely has not left does not count; neither code nor number is in the log."""
    with caplog.at_level(logging.DEBUG):
        post = with_provider(open_a_post(duckdb), kind.make(sink))
        answers(sink, *kind.refuse)
        for _ in range(3):
            with pytest.raises(DeliveryFailed) as failure:
                await text(post)
            assert (failure.value.status, failure.value.code) == (502, "DELIVERY_FAILED")
        assert ANA not in str(failure.value.body())
        assert await counted(duckdb) == 0
        answers(sink, 503, b"")
        with pytest.raises(DeliveryFailed):
            await text(post)
        assert await counted(duckdb) == 1, "it may have left"
        with pytest.raises(TooManyTexts):
            await text(post)
        hands.move(seconds=60)
        answers(sink, *kind.accept)
        await text(post)
    assert await post.outbox() == []
    assert f"HTTP {kind.refuse[0]}" in caplog.text
    assert ANA not in caplog.text
    assert "493021" not in caplog.text


@pytest.mark.parametrize("kind_", KINDS, ids=lambda kind: kind.name)
async def test_a_108_a_provider_without_its_settings(duckdb: Database, open_a_post: OpenPost, kind_: Kind) -> None:
    """An app starts without the account of its provider; who asks for a code hears that it did not go."""
    phone = PhoneStrategy(provider=kind_.name, home_prefix="49")  # type: ignore[arg-type]
    post = open_a_post(duckdb, strategies=(phone,))
    assert "Text messages do not leave; not set: " in post.notes[-1]
    with pytest.raises(DeliveryFailed):
        await text(post)
    assert await counted(duckdb) == 0


def test_a_service_of_twilio_in_place_of_a_number(sink: Sink) -> None:
    """A-108: `MG…` is the id of a messaging service."""
    answers(sink, 201, b"{}")
    accounts = read_settings({**ENVIRON, "TWILIO_FROM": "MG7"}).texts
    Twilio(accounts, url=sink.url, private=LOCAL).send(TextMessage(id="1", to=ANA, body="x"))
    assert parse_qs(sink.next().body.decode()) == {"To": [f"+{ANA}"], "MessagingServiceSid": ["MG7"], "Body": ["x"]}


async def test_a_108_a_gateway_may_stand_in_one_s_own_network(
    duckdb: Database, open_a_post: OpenPost, sink: Sink
) -> None:
    """The address of the `http` provider is the operator's."""
    answers(sink, 200, b"")
    environ = {**ENVIRON, "SMS_WEBHOOK_URL": f"{sink.url}/sms"}
    phone = PhoneStrategy(provider="http", home_prefix="49")
    await text(open_a_post(duckdb, environ, strategies=(phone,)))
    assert sink.next().path == "/sms"


async def test_a_message_that_nothing_sends_is_in_the_outbox(db: Database, open_a_post: OpenPost) -> None:
    """A-106, A-167: provider `console`."""
    post = open_a_post(db)
    id_ = await text(post, validity=timedelta(minutes=5))
    (entry,) = await post.outbox()
    assert (entry.id, entry.kind, entry.to, entry.status) == (id_, "text", f"+{ANA}", "kept")
    assert entry.content is not None
    assert entry.content.text.startswith("493021 ")
    assert await post.forget(id_) == 1


async def test_t21_what_may_leave(db: Database, open_a_post: OpenPost, hands: Hands) -> None:
    """T21, A-106, A-109: per number 1 a minute, 5 an hour and 10 a day; per address 10 an hour; 30 an hour in all. The
    provider counts what it would charge."""
    sent: list[str] = []

    class Counting:
        name = "http"
        is_real = True

        def send(self, message: TextMessage) -> None:
            sent.append(message.to)

    post = with_provider(open_a_post(db), Counting())  # type: ignore[arg-type]

    async def wait_for(to: str, address: str) -> int:
        """Seconds to wait, 0 when it was sent."""
        try:
            await text(post, to, address=address)
        except TooManyTexts as error:
            return error.retry_after
        return 0

    assert [await wait_for(ANA, "2001:db8::1"), await wait_for(ANA, "2001:db8::1")] == [0, 60]
    for _ in range(4):
        hands.move(seconds=60)
        assert await wait_for(ANA, "198.51.100.1") == 0
    hands.move(seconds=60)
    assert await wait_for(ANA, "198.51.100.2") == 3300, "five in this hour"
    hands.move(hours=1)
    for _ in range(5):
        assert await wait_for(ANA, "198.51.100.3") == 0
        hands.move(seconds=60)
    hands.move(hours=1)
    assert await wait_for(ANA, "198.51.100.4") > 3600, "ten today"
    assert len(sent) == 10

    hands.move(days=2)
    numbers = (f"49151{number:05d}" for number in range(1000))
    first = [await wait_for(next(numbers), f"2001:db8::{number}") for number in range(1, 12)]
    assert first == [0] * 10 + [3600], "addresses of one network are one"
    everyone = [await wait_for(next(numbers), f"203.0.113.{number}") for number in range(25)]
    assert everyone == [0] * 20 + [3600] * 5
    assert len(sent) == 40
    hands.move(hours=1)
    assert await wait_for(next(numbers), "203.0.113.99") == 0
    hands.move(days=-400)
    assert await wait_for(next(numbers), "203.0.113.99") == 0, "a clock that was ahead locks nobody out"


async def test_t21_a_restart_does_not_begin_anew(db: Database, open_a_post: OpenPost) -> None:
    """T21: the count is the database's."""
    await text(open_a_post(db))
    with pytest.raises(TooManyTexts) as refusal:
        await text(open_a_post(db))
    assert (refusal.value.status, refusal.value.code, refusal.value.retry_after) == (429, "RATE_LIMITED", 60)


async def test_t21_at_the_same_time(db: Database, hands: Hands) -> None:
    """T21: of twelve that ask at once for one number, one gets a message."""
    pace = TextPace(SECRETS)

    def take(tx: Any) -> str:
        return pace.take(tx, hands.now, ANA, None)

    await db.write(Call(lambda tx: pace._own.ensure(tx)))
    results = await asyncio.gather(*(db.write(Call(take)) for _ in range(12)), return_exceptions=True)
    assert sum(isinstance(result, str) for result in results) == 1
    assert sum(isinstance(result, TooManyTexts) for result in results) == 11


async def test_a_109_where_messages_go(duckdb: Database, open_a_post: OpenPost, hands: Hands) -> None:
    """A-109: to the home country and those that are named; without any only `console` takes them."""
    for phone, allowed in (
        (PhoneStrategy(provider="http", home_prefix="49"), {ANA: True, "33612345678": False}),
        (
            PhoneStrategy(provider="http", home_prefix="49", countries=("33",)),
            {"33612345678": True, "18765550100": False},
        ),
        (PhoneStrategy(provider="http"), {ANA: False}),
        (PhoneStrategy(), {ANA: True, "18765550100": True}),
    ):
        post = open_a_post(duckdb, strategies=(phone,))
        for number, is_allowed in allowed.items():
            hands.move(hours=1)
            if is_allowed:
                with_ = DeliveryFailed if phone.provider == "http" else None  # no address is set: it was on its way
                if with_ is None:
                    await text(post, number)
                else:
                    with pytest.raises(with_):
                        await text(post, number)
                continue
            with pytest.raises(Invalid) as refusal:
                await text(post, number)
            assert refusal.value.errors[0].code == "phone.country"


async def test_what_cannot_be_a_message(duckdb: Database, open_a_post: OpenPost) -> None:
    """A-107 at the last door; a channel that the app has not; an app without phones."""
    post = open_a_post(duckdb, strategies=(PhoneStrategy(),))
    for number in ("", "abc", "49151000x0", "123", "1" * 16, "٤٩١٥١٠٠٠٠٠"):
        with pytest.raises(Invalid):
            await text(post, number)
    with pytest.raises(Invalid, match="whatsapp"):
        await text(post, channel="whatsapp")
    with pytest.raises(Invalid):
        await text(open_a_post(duckdb, strategies=()))


def test_networks() -> None:
    """§10.1: IPv6 is cut to its /64; IPv4 within IPv6 is itself."""
    assert network_of("2001:db8:1:2:3::9") == network_of("2001:db8:1:2::1%eth0") == "2001:db8:1:2::/64"
    assert network_of("::ffff:192.0.2.7") == network_of("192.0.2.7") == "192.0.2.7"
    assert network_of("unix") == "unix"
