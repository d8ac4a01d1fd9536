"""Which language model fills fields, from the environment: one of the known providers, or none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from core.errors import BadRequest
from core.schema.environment import http_url
from core.schema.problem import Problem
from core.sentence import say

Wire = Literal["chat", "messages"]
"""How one talks to it: OpenAI's chat completions, which most understand, or Anthropic's messages."""


@dataclass(frozen=True, slots=True)
class Provider:
    """What is known of a provider before anybody says more. `limit_key`: what it calls the most tokens of an answer."""

    url: str
    model: str
    wire: Wire = "chat"
    limit_key: str = "max_tokens"
    needs_key: bool = True


PROVIDERS: Mapping[str, Provider] = {
    "ollama": Provider("http://localhost:11434/v1", "llama3.2", needs_key=False),
    "openai": Provider("https://api.openai.com/v1", "gpt-4o-mini", limit_key="max_completion_tokens"),
    "anthropic": Provider("https://api.anthropic.com/v1", "claude-haiku-4-5", "messages"),
    "mistral": Provider("https://api.mistral.ai/v1", "mistral-small-latest"),
    "google": Provider("https://generativelanguage.googleapis.com/v1beta/openai", "gemini-2.5-flash"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """`url`: what the provider's addresses begin with, without a slash at the end. `model`: for fields that name none."""

    provider: str
    url: str
    model: str
    key: str | None = field(default=None, repr=False)

    @property
    def known(self) -> Provider:
        return PROVIDERS[self.provider]

    @property
    def host(self) -> str:
        return str(urlsplit(self.url).hostname)


def read_settings(environ: Mapping[str, str]) -> ModelSettings | None:
    """None: no provider is set, or its key is not. Raises BadRequest for the first variable whose value is not allowed."""

    def given(name: str) -> str | None:
        return environ.get(name, "").strip() or None

    provider = (given("AI_PROVIDER") or "off").lower()
    if provider == "off":
        return None
    known = PROVIDERS.get(provider)
    if known is None:
        raise BadRequest(say("AI_PROVIDER must be one of off, {known}", known=", ".join(PROVIDERS)))
    key, url = given("AI_API_KEY"), http_url("AI_BASE_URL", given("AI_BASE_URL"))
    if key is not None and not (key.isascii() and key.isprintable()):
        raise BadRequest("AI_API_KEY holds signs that a header cannot carry")
    if key is None and known.needs_key and url is None:
        return None
    return ModelSettings(provider=provider, url=_full(url, known), model=given("AI_MODEL") or known.model, key=key)


def note(environ: Mapping[str, str]) -> str:
    """Why nothing fills the fields, where `read_settings` finds nobody."""
    provider = environ.get("AI_PROVIDER", "").strip()
    lacks = say("AI_PROVIDER is not set")
    if provider.lower() not in ("", "off"):
        lacks = say("AI_PROVIDER={provider} needs AI_API_KEY", provider=provider)
    return say("Fields for a language model are filled by hand only: {reason}", reason=lacks)


def found_wanting(environ: Mapping[str, str]) -> list[Problem]:
    """What who checks an app file with such fields is told: why nothing would fill them here. The server may have another
    environment, so it is no error."""
    try:
        reason = note(environ) if read_settings(environ) is None else None
    except BadRequest as error:
        reason = error.message
    return [] if reason is None else [Problem("ai.provider", reason, severity="note")]


def _full(url: str | None, known: Provider) -> str:
    """`http://localhost:11434` means the door there that the provider is known to have."""
    if url is None:
        return known.url
    plain = url.rstrip("/")
    return plain if urlsplit(plain).path else plain + urlsplit(known.url).path
