"""Text messages: one interface, and the providers behind it. They send at once, so that who asked hears whether it went."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

import orjson

from core.messaging.setting import TextAccounts
from core.outgoing import Incoming, NotReached, NotSent, Outgoing, Transport, send
from core.schema.auth import Channel, SmsProvider

TWILIO = "https://api.twilio.com"
SIGNATURE = "X-Signature"


class NotDelivered(Exception):
    """The provider did not take it; the text says why. `is_free`: nothing has left that may cost money."""

    def __init__(self, reason: str, *, is_free: bool) -> None:
        super().__init__(reason)
        self.is_free = is_free


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMessage:
    """`to` in digits. `id` is ours: who gets it twice can tell."""

    id: str
    to: str
    body: str
    channel: Channel = "sms"


class Provider(Protocol):
    name: SmsProvider
    is_real: bool
    """Messages leave; else they are kept in the outbox."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The variables of the environment without which nothing leaves."""

    def send(self, message: TextMessage) -> None:
        """Blocks. Raises NotDelivered."""


class Console:
    """Sends nothing: the outbox shows it."""

    name: SmsProvider = "console"
    is_real = False
    missing: tuple[str, ...] = ()

    def send(self, message: TextMessage) -> None:
        return


class Webhook:
    """Posts `{to, text, messageId}` to an address of the operator's, signed with HMAC-SHA-256 over the body. It may lie in
    one's own network, where gateways are: who sets the environment of a server runs it."""

    name: SmsProvider = "http"
    is_real = True

    def __init__(self, accounts: TextAccounts, *, transport: Transport = send) -> None:
        self._accounts = accounts
        self._transport = transport

    @property
    def missing(self) -> tuple[str, ...]:
        given = {"SMS_WEBHOOK_URL": self._accounts.url, "SMS_WEBHOOK_SECRET": self._accounts.secret}
        return tuple(name for name, value in given.items() if not value)

    def send(self, message: TextMessage) -> None:
        url, secret = _needed(self, self._accounts.url, self._accounts.secret)
        told = {"to": f"+{message.to}", "text": message.body, "messageId": message.id}
        if message.channel != "sms":
            told["channel"] = message.channel
        body = orjson.dumps(told)
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "User-Agent": "sovrium-tui", SIGNATURE: f"sha256={digest}"}
        own = str(urlsplit(url).hostname)
        _post(self._transport, Outgoing(url=url, headers=headers, body=body, private=(own,)))


class Twilio:
    """The REST API of Twilio. `url` is where it is."""

    name: SmsProvider = "twilio"
    is_real = True

    def __init__(
        self,
        accounts: TextAccounts,
        *,
        url: str = TWILIO,
        private: tuple[str, ...] = (),
        transport: Transport = send,
    ) -> None:
        self._accounts = accounts
        self._url = url
        self._private = private
        self._transport = transport

    @property
    def missing(self) -> tuple[str, ...]:
        given = {
            "TWILIO_ACCOUNT_SID": self._accounts.twilio_account,
            "TWILIO_AUTH_TOKEN": self._accounts.twilio_token,
            "TWILIO_FROM": self._accounts.twilio_from,
        }
        return tuple(name for name, value in given.items() if not value)

    def send(self, message: TextMessage) -> None:
        of = self._accounts
        account, token, origin = _needed(self, of.twilio_account, of.twilio_token, of.twilio_from)
        prefix = "whatsapp:" if message.channel == "whatsapp" else ""
        sender = {"MessagingServiceSid": origin} if origin.startswith("MG") else {"From": prefix + origin}
        form = urlencode({"To": f"{prefix}+{message.to}", **sender, "Body": message.body})
        login = base64.b64encode(f"{account}:{token}".encode()).decode()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": "sovrium-tui",
            "Authorization": f"Basic {login}",
        }
        url = f"{self._url}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json"
        _post(self._transport, Outgoing(url=url, headers=headers, body=form.encode(), private=self._private))


def provider_of(name: SmsProvider, accounts: TextAccounts) -> Provider:
    """The provider that an app names."""
    match name:
        case "http":
            return Webhook(accounts)
        case "twilio":
            return Twilio(accounts)
        case _:
            return Console()


def _post(transport: Transport, request: Outgoing) -> None:
    try:
        answer = transport(request)
    except NotSent as error:
        raise NotDelivered(str(error), is_free=isinstance(error, NotReached)) from error
    if not 200 <= answer.status < 300:
        raise NotDelivered(_reason(answer), is_free=400 <= answer.status < 500)


def _reason(answer: Incoming) -> str:
    """What the provider says, where it says it as Twilio does; its text may repeat the message, so it is not kept."""
    try:
        told: Any = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        told = None
    code = told.get("code") if isinstance(told, dict) else None
    return f"HTTP {answer.status}" + (f", code {code}" if isinstance(code, int) else "")


def _needed(provider: Provider, *values: str | None) -> tuple[str, ...]:
    given = tuple(value for value in values if value)
    if len(given) < len(values):
        raise NotDelivered(f"not set: {', '.join(provider.missing)}", is_free=True)
    return given
