"""The `webhooks` of a table in the app file (§10.14), with what is checked of them (T-029)."""

from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from core.schema.form import WebhookForm
from core.schema.model import WebhookAuth, WebhookRetry, WebhookSpec
from core.schema.name import nearest
from core.schema.shape import Findings
from core.schema.tree import Path
from core.sentence import say


def read_webhooks(
    forms: Collection[WebhookForm], path: Path, findings: Findings, fields: Collection[str]
) -> tuple[WebhookSpec, ...]:
    """The webhooks of a table with these fields; what is wrong with them goes to the findings."""
    found: dict[str, WebhookSpec] = {}
    for number, form in enumerate(forms):
        here = (*path, "webhooks", number)
        if form.name in found:
            findings.error(
                "schema.duplicate-name", say("the webhook `{name}` is there twice", name=form.name), (*here, "name")
            )
        if (problem := _url_problem(form.url)) is not None:
            findings.error("schema.webhook-url", problem, (*here, "url"))
        payload = form.payload
        if payload.include_fields is not None and payload.exclude_fields is not None:
            text = "`includeFields` and `excludeFields` exclude each other"
            findings.error("schema.webhook-payload", text, (*here, "payload", "excludeFields"))
        for key, names in (("includeFields", payload.include_fields), ("excludeFields", payload.exclude_fields)):
            for index, name in enumerate(names or ()):
                if name != "id" and name not in fields:
                    where = (*here, "payload", key, index)
                    text = say("this table has no field `{name}`", name=name)
                    findings.error("schema.unknown-field", text, where, hint=nearest(name, fields))
        found[form.name] = WebhookSpec(
            name=form.name,
            url=form.url,
            events=frozenset(form.events),
            enabled=form.enabled,
            auth=_auth_of(form.auth),
            retry=WebhookRetry(
                attempts=form.retry.max_attempts,
                is_fixed=form.retry.backoff == "fixed",
                first_delay=form.retry.initial_delay / 1000,
                longest_delay=form.retry.max_delay / 1000,
            ),
            include=None if payload.include_fields is None else tuple(payload.include_fields),
            exclude=tuple(payload.exclude_fields or ()),
            previous=payload.include_previous_values,
            metadata=payload.include_metadata,
        )
    return tuple(found.values())


def _auth_of(form: Any) -> WebhookAuth | None:
    if form is None:
        return None
    match form.type:
        case "hmac":
            return WebhookAuth("hmac", form.secret, form.header, form.algorithm)
        case "apiKey":
            return WebhookAuth("apiKey", form.key, form.header)
        case _:
            return WebhookAuth("bearer", form.token, "Authorization")


def _url_problem(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        return f"{url!r} is not an address"
    if not known or any(sign.isspace() or not sign.isprintable() for sign in url):
        return f"{url!r} is not an address that begins with http:// or https://"
    return "an address holds no password: use `auth`" if "@" in parts.netloc else None
