"""One attempt to deliver: headers with their signature, the call, what is kept of it."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.clock import Clock, to_iso
from core.outgoing import Incoming, NotSent, Outgoing, Transport
from core.schema.model import WebhookAuth, WebhookRetry, WebhookSpec

HIDDEN = "•••"
VARIABLE = "$env."


class NoSecret(NotSent):
    """The variable that holds a webhook's secret is not set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How it went. `headers` are those that were sent, without secrets; `duration` in milliseconds."""

    at: datetime
    duration: float
    headers: Mapping[str, str]
    answer: Incoming | None = None
    error: str | None = None

    @property
    def is_success(self) -> bool:
        return self.answer is not None and 200 <= self.answer.status < 300

    def told(self) -> dict[str, Any]:
        """An entry of the delivery's log."""
        return {
            "at": to_iso(self.at),
            "status": "success" if self.is_success else "failed",
            "httpStatus": self.answer.status if self.answer else None,
            "duration": self.duration,
            "error": self.error,
        }


def attempt(
    webhook: WebhookSpec,
    event: str,
    delivery: str,
    body: str,
    *,
    transport: Transport,
    private: tuple[str, ...],
    environ: Mapping[str, str],
    clock: Clock,
) -> Attempt:
    """Send once; never raises for what the other side does. Blocks."""
    data = body.encode()
    plain = {
        "Content-Type": "application/json",
        "User-Agent": "sovrium-tui",
        "X-Webhook-Event": event,
        "X-Webhook-Delivery": delivery,
    }
    at, begun = clock(), time.monotonic()
    shown = plain if webhook.auth is None else plain | {webhook.auth.header: HIDDEN}
    answer, error = None, None
    try:
        headers = plain if webhook.auth is None else plain | _credentials(webhook.auth, data, environ)
        answer = transport(Outgoing(url=webhook.url, headers=headers, body=data, private=private))
        if not 200 <= answer.status < 300:
            error = f"HTTP {answer.status}"
    except NotSent as refusal:
        error = str(refusal)
    duration = round((time.monotonic() - begun) * 1000, 1)
    return Attempt(at=at, duration=duration, headers=shown, answer=answer, error=error)


def _credentials(auth: WebhookAuth, body: bytes, environ: Mapping[str, str]) -> dict[str, str]:
    secret = auth.secret
    if secret.startswith(VARIABLE):
        name = secret.removeprefix(VARIABLE)
        if not environ.get(name):
            raise NoSecret(f"the variable {name} is not set")
        secret = environ[name]
    if auth.kind == "hmac":
        digest = hmac.new(secret.encode(), body, hashlib.sha1 if auth.algorithm == "sha1" else hashlib.sha256)
        return {auth.header: f"{auth.algorithm}={digest.hexdigest()}"}
    value = f"Bearer {secret}" if auth.kind == "bearer" else secret
    if not value.isprintable() or not value.isascii():
        raise NoSecret("the secret holds signs that a header cannot carry")
    return {auth.header: value}


def delay_after(retry: WebhookRetry, attempts: int) -> timedelta | None:
    """How long to wait after so many attempts; None: that was the last."""
    if attempts > retry.attempts:
        return None
    factor = 1 if retry.is_fixed else 2 ** (attempts - 1)
    return timedelta(seconds=min(retry.first_delay * factor, retry.longest_delay))
