"""Errors as answers: one envelope, made here and nowhere else. Also the errors that only a door can have."""

import logging
from collections.abc import Mapping
from typing import Any

from core.errors import FieldError, Invalid, RequestError, SovriumError
from core.http.answer import Answer, as_json
from core.http.window import TooMany
from core.ids import short_id

log = logging.getLogger("sovrium.http")


class MethodNotAllowed(RequestError):
    """The address exists, the method does not. `allowed` in the order of the Allow header."""

    code = "METHOD_NOT_ALLOWED"
    status = 405

    def __init__(self, allowed: list[str], *, admin: bool = False) -> None:
        super().__init__(f"This address takes {', '.join(allowed)}")
        self.allowed = allowed
        self.admin = admin
        """It is of the admin API, which others are not told of."""


def body_error(message: str, *, code: str = "body.not-json") -> Invalid:
    """R-005: what is wrong with the body as a whole."""
    return Invalid(message, [FieldError("body", code, message)])


def shown(path: str) -> str:
    """A path for the log, without the secret that the address of a link may end in (A-252)."""
    before, mark, _ = path.partition("/reset-password/")
    return f"{before}{mark}…" if mark else path


def answer_to(error: Exception, context: Mapping[str, Any]) -> Answer:
    """The answer to a failed request. What we did not raise on purpose is told to the log only (R-006), under an id
    that the caller gets."""
    if not isinstance(error, SovriumError) or error.status >= 500:
        request = short_id("req")
        log.error("%s %s failed (%s)", context.get("method"), shown(context.get("path", "")), request, exc_info=error)
        if not isinstance(error, SovriumError) or error.status == 500:
            error = SovriumError("Something went wrong inside the server; its log says what", requestId=request)
    answer = as_json(error.body(), error.status)
    if isinstance(error, MethodNotAllowed):
        answer.headers.append((b"allow", ", ".join(error.allowed).encode()))
    if isinstance(error, TooMany):
        answer.headers += [(b"retry-after", b"%d" % error.retry_after), *error.headers]
    elif (seconds := getattr(error, "retry_after", None)) is not None:
        answer.headers.append((b"retry-after", b"%d" % seconds))
    if error.status == 503:
        answer.headers.append((b"retry-after", b"1"))
    return answer
