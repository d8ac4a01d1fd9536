"""One visit of a page, from what the page's script sends and what the request's headers tell (A-256)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from core.analytics.agent import Agent
from core.errors import FieldError, Invalid

TEXTS: Mapping[str, tuple[str, int]] = {
    "t": ("title", 500),
    "us": ("utm_source", 200),
    "um": ("utm_medium", 200),
    "uc": ("utm_campaign", 200),
    "ux": ("utm_content", 200),
    "ut": ("utm_term", 200),
}
"""Keys of the body, the columns that they go to, and the longest text that is taken."""
PATH_MOST, REFERRER_MOST, PIXELS_MOST = 1000, 2000, 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is known of the browser that tells of a visit. The address is for telling visitors apart and goes nowhere."""

    address: str
    agent: str
    language: str | None
    """What it likes best, such as `fr-CA`."""
    host: str
    """The name of the server that it asked."""
    refuses: bool
    """It asks not to be tracked."""


def page_of(body: Mapping[str, Any]) -> str:
    """The path of the page that was visited, without what follows `?` or `#`: it may hold what is nobody's business.

    Raises:
        Invalid: there is none, or something else in the body is not as it must be.
    """
    problems = []
    path = body.get("p")
    if not isinstance(path, str) or not path.startswith("/") or len(path) > PATH_MOST:
        problems.append(_wrong("p", f"the path of a page, up to {PATH_MOST} characters that begin with /"))
    texts = {key: most for key, (_, most) in TEXTS.items()} | {"r": REFERRER_MOST}
    for key, most in texts.items():
        value = body.get(key)
        if value is not None and (not isinstance(value, str) or len(value) > most):
            problems.append(_wrong(key, f"a text of up to {most} characters"))
    for key in ("sw", "sh"):
        value = body.get(key)
        if value is not None and (type(value) is not int or not 0 <= value <= PIXELS_MOST):
            problems.append(_wrong(key, f"a whole number of pixels from 0 to {PIXELS_MOST}"))
    if problems:
        raise Invalid("This is not a visit", problems)
    assert isinstance(path, str)
    return _clean(path.partition("?")[0].partition("#")[0]) or "/"


def told_by(body: Mapping[str, Any], request: Request, agent: Agent) -> dict[str, Any]:
    """The columns of a visit that the body and the headers fill. The body has been checked."""
    return {
        **{column: _clean(body.get(key) or "") or None for key, (column, _) in TEXTS.items()},
        "referrer": referrer_of(body.get("r") or "", request.host),
        "device": agent.device,
        "browser": agent.browser,
        "system": agent.system,
        "language": request.language,
        "screen_width": body.get("sw"),
        "screen_height": body.get("sh"),
    }


def referrer_of(address: str, host: str) -> str | None:
    """The domain of the page that led here; None for a page of this server, and for none."""
    try:
        parts = urlsplit(address)
        domain = parts.hostname if parts.scheme in ("http", "https") else None
    except ValueError:
        return None
    return _clean(domain)[:253] if domain and domain != host.lower() else None


def _clean(text: str) -> str:
    """Without what no database takes or a terminal would obey: visitors write what they like."""
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() else " " for sign in text)
    return text.strip()


def _wrong(key: str, wanted: str) -> FieldError:
    return FieldError(key, "visit.wrong", f"{key} must be {wanted}")
