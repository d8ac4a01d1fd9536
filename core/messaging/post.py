"""What the engine says to people outside: mails by the queue, text messages at once."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal
from urllib.parse import urlencode

from core.clock import Clock, system_clock
from core.errors import DeliveryFailed, FieldError, Invalid
from core.ids import uuid7
from core.messaging.mail import address_of
from core.messaging.pace import TextPace
from core.messaging.queue import TRIED_FOR, Entry, MailQueue
from core.messaging.setting import MessagingSettings
from core.messaging.sms import NotDelivered, Provider, TextMessage, provider_of
from core.messaging.template import Templates
from core.messaging.transport import NotSent, transport_of
from core.schema.auth import AuthSpec, Channel, PhoneStrategy
from core.secrets.envelope import Secrets
from core.storage.database import Call, Database, Transaction

Note = Callable[[Transaction, int], None]
"""Writes an entry of the audit log about so many messages, in the transaction of what it tells of."""
log = logging.getLogger("sovrium.mail")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailHealth:
    """Whether mails can leave. `off`: nothing is set that could send them."""

    status: Literal["ok", "off", "failed"]
    milliseconds: float
    note: str | None = None


class Post:
    """The messages of one version of an app. The queue and the count of text messages belong to the database, and are
    taken over by the next version."""

    def __init__(
        self,
        queue: MailQueue,
        pace: TextPace,
        templates: Templates,
        settings: MessagingSettings,
        database: Database,
        *,
        phone: PhoneStrategy | None = None,
        provider: Provider | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self.queue = queue
        self.pace = pace
        self.settings = settings
        self._templates = templates
        self._database = database
        self._phone = phone
        self._provider = provider
        self._clock = clock
        self._took = 0.0
        """Seconds that the provider needed for the last text message, and so does one that does not leave."""

    @property
    def notes(self) -> list[str]:
        """What a person should know at the start (A-247)."""
        missing = self._provider.missing if self._provider else ()
        texts = [f"Text messages do not leave; not set: {', '.join(missing)}"] if missing else []
        return ([self.settings.note] if self.settings.note else []) + texts

    def lead_to(self, base_url: str) -> None:
        """Links of messages begin with this address from now on."""
        self.settings = replace(self.settings, base_url=base_url)
        self._templates.base_url = base_url

    def link(self, path: str, **query: str) -> str:
        """An address of this server for a message, from `BASE_URL` alone: nothing of a request has a say (A-166)."""
        return f"{self.settings.base_url}{path}" + (f"?{urlencode(query)}" if query else "")

    # ── Mails ──

    async def mail(
        self,
        template: str,
        to: str,
        variables: Mapping[str, str],
        *,
        validity: timedelta | None = None,
        language: str | None = None,
    ) -> str:
        """Queue a mail; the id under which the outbox has it. `validity` is how long its link or code works: the mail says
        so, and is not sent any more after that.

        Raises BadRequest for what is no address, ValueError as `Templates.render` does.
        """

        def work(tx: Transaction) -> str:
            return self.put(tx, template, to, variables, validity=validity, language=language)

        job: Call[str] = Call(work)
        id_ = await self._database.write(job, actor="system")
        self.nudge()
        return id_

    def put(
        self,
        tx: Transaction,
        template: str,
        to: str,
        variables: Mapping[str, str],
        *,
        validity: timedelta | None = None,
        language: str | None = None,
    ) -> str:
        """As `mail`, within the transaction of what the mail is about; call `nudge` after its commit."""
        content = self._templates.render(template, variables, validity=validity, language=language)
        until = self._clock() + (validity or TRIED_FOR)
        return self.queue.put(tx, template, address_of(to), content, until=until)

    def nudge(self) -> None:
        """Mails that `put` has written are committed."""
        self.queue.nudge()

    # ── Text messages ──

    async def text(
        self,
        to: str,
        template: str,
        variables: Mapping[str, str],
        *,
        address: str | None = None,
        channel: Channel = "sms",
        validity: timedelta | None = None,
        language: str | None = None,
        leaves: bool = True,
    ) -> str:
        """Send a text message now; its id. `to` in digits; `address` is the client's on whose behalf it leaves. One that
        does not leave is counted all the same, so that nobody learns of it.

        Raises:
            Invalid: the app has no such channel, or its messages do not go to that country.
            TooManyTexts: for this number, this address or the whole instance (A-109).
            DeliveryFailed: the provider did not take it.
        """
        number = to.removeprefix("+")
        provider = self._admitted(number, channel)
        content = self._templates.render(template, variables, validity=validity, language=language)

        def take(tx: Transaction) -> str:
            return self.pace.take(tx, self._clock(), number, address)

        taken = await self._database.write(Call(take), actor="system")
        id_, begun = uuid7(), time.monotonic()
        if not leaves:
            await asyncio.sleep(self._took)
            return id_
        try:
            message = TextMessage(id=id_, to=number, body=content.text, channel=channel)
            await asyncio.to_thread(provider.send, message)
        except NotDelivered as error:
            if error.is_free:
                await self._database.write(Call(lambda tx: self.pace.give_back(tx, taken)), actor="system")
            log.warning("A text message has not left by %s: %s", provider.name, error)
            raise DeliveryFailed("The text message could not be sent", hint="try again later") from error
        self._took = time.monotonic() - begun
        if not provider.is_real:

            def keep(tx: Transaction) -> str:
                return self.queue.put(tx, template, f"+{number}", content, kind="text", until=None)

            id_ = await self._database.write(Call(keep), actor="system")
        return id_

    def _admitted(self, number: str, channel: Channel) -> Provider:
        if self._phone is None or self._provider is None or channel not in self._phone.channels:
            raise _refused("channel", "channel.off", f"Messages do not leave by {channel}")
        if not (number.isascii() and number.isdigit() and 7 <= len(number) <= 15):
            raise _refused("phoneNumber", "phone.malformed", "A phone number has its country and up to 15 digits")
        if not self._phone.reaches(number):
            raise _refused("phoneNumber", "phone.country", "Messages do not go to numbers of that country")
        return self._provider

    # ── The outbox ──

    async def outbox(self, *, limit: int = 50, before: str | None = None) -> list[Entry]:
        """What waits, has failed, or is kept because nothing real sends it; the newest first."""
        return await self._database.read(Call(lambda reader: self.queue.entries(reader, limit, before)))

    async def message(self, id_: str) -> Entry:
        """One message of the outbox. Raises NotFound."""
        return await self._database.read(Call(lambda reader: self.queue.entry(reader, id_)))

    async def retry(self, id_: str, *, actor: str | None = None, note: Note | None = None) -> None:
        """Send a mail (again) as if it were new; `note` tells of it in the same transaction. Raises NotFound; Conflict where
        there is nothing to send it with."""

        def work(tx: Transaction) -> None:
            self.queue.retry(tx, id_)
            if note is not None:
                note(tx, 1)

        await self._database.write(Call(work), actor=actor)
        self.nudge()

    async def forget(self, id_: str | None, *, actor: str | None = None, note: Note | None = None) -> int:
        """Take a message off the outbox, or with None all that do not wait; how many. `note` tells of them in the same
        transaction. Raises NotFound."""

        def work(tx: Transaction) -> int:
            found = self.queue.forget(tx, id_)
            if note is not None:
                note(tx, found)
            return found

        return await self._database.write(Call(work), actor=actor)

    async def check(self) -> MailHealth:
        """Ask the mail server whether it would take mails: greeting, TLS, user name. Nothing is sent."""
        begun = time.monotonic()
        transport = self.queue.transport
        if transport.name == "console":
            return MailHealth(status="off", milliseconds=0.0, note=self.settings.note)
        try:
            await transport.check()
        except NotSent as error:
            return MailHealth(status="failed", milliseconds=_since(begun), note=str(error))
        return MailHealth(status="ok", milliseconds=_since(begun), note=self.settings.note)


def open_post(
    spec: AuthSpec,
    organization: str,
    database: Database,
    secrets: Secrets,
    settings: MessagingSettings,
    *,
    language: str = "en",
    clock: Clock = system_clock,
    before: Post | None = None,
) -> Post:
    """The messages of an app. `organization` is what messages call it where the environment names nobody. `before` is the
    post of its former version, whose queue goes on."""
    if before is None:
        queue = MailQueue(database, secrets, transport_of(settings), settings, clock)
        queue.start()
        pace = TextPace(secrets)
    else:
        queue, pace, settings = before.queue, before.pace, before.settings
    phone = spec.phone
    return Post(
        queue,
        pace,
        Templates(settings.sender_name or organization, settings.base_url, spec.templates, language),
        settings,
        database,
        phone=phone,
        provider=provider_of(phone.provider, settings.texts) if phone else None,
        clock=clock,
    )


def _refused(field: str, code: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(field, code, message)])


def _since(begun: float) -> float:
    return round((time.monotonic() - begun) * 1000, 1)
