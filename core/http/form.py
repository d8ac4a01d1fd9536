"""Requests that a plain HTML form sends: fields as texts, an answer that leads back to a page (R-039)."""

from typing import Any
from urllib.parse import parse_qsl

import orjson

from core.errors import BadRequest, FieldError, Invalid
from core.http.answer import Answer, as_json
from core.http.call import BODY_LIMIT, Call

KIND = "application/x-www-form-urlencoded"
FIELDS_MOST = 1_000
REDIRECT = "_redirect"


async def form_of(call: Call) -> dict[str, Any]:
    """The fields of a form: a text, or a list of them where a name comes several times. Raises BadRequest, TooLarge."""
    try:
        text = (await call.body(BODY_LIMIT)).decode("ascii")
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=bool(text), errors="strict", max_num_fields=FIELDS_MOST
        )
    except ValueError as error:
        raise BadRequest("The body is no form") from error
    found: dict[str, Any] = {}
    for name, value in pairs:
        if "\0" in name + value:
            raise BadRequest("The form holds a NUL character")
        before = found.get(name)
        found[name] = value if before is None else [*(before if isinstance(before, list) else [before]), value]
    return found


def redirect_of(form: dict[str, Any]) -> str | None:
    """Where to lead after success: a path of this server, nothing else. Raises Invalid."""
    path = form.pop(REDIRECT, None)
    if path is None or path == "":
        return None
    plain = isinstance(path, str) and path.startswith("/") and path.isascii() and path.isprintable() and " " not in path
    if not plain or path.startswith("//") or "\\" in path:
        message = f"{REDIRECT} is a path of this server, such as /done"
        raise Invalid(message, [FieldError(REDIRECT, "redirect.foreign", message)])
    return str(path)


def values_of(form: dict[str, Any]) -> dict[str, Any]:
    """The fields of a record: an empty text is no value. Names that begin with `_` are the form's own."""
    return {name: None if value == "" else value for name, value in form.items() if not name.startswith("_")}


def json_of(form: dict[str, Any], name: str, kind: type) -> Any:
    """A field that holds JSON. Raises Invalid."""
    try:
        value = orjson.loads(form.get(name, ""))
    except (orjson.JSONDecodeError, TypeError):
        value = None
    if not isinstance(value, kind):
        message = f"{name} is JSON, {'a list' if kind is list else 'an object'}"
        raise Invalid(message, [FieldError(name, "form.not-json", message)])
    return value


def ids_of(form: dict[str, Any]) -> list[str | int]:
    """The records that a form is about. Raises Invalid."""
    ids: list[Any] = json_of(form, "_ids", list)
    if not all(isinstance(each, str | int) and not isinstance(each, bool) for each in ids):
        raise Invalid("_ids is a list of ids", [FieldError("_ids", "form.not-ids", "_ids is a list of ids")])
    return ids


def done(redirect: str | None, answer: Any) -> Answer:
    """302 to the page, else JSON."""
    return as_json(answer) if redirect is None else Answer(302, b"", [(b"location", redirect.encode())])
