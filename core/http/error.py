"""Errors as answers: one envelope, made here and nowhere else. Also the errors that only a door can have."""

from collections.abc import MutableMapping
from typing import Any

from core.errors import FieldError, Invalid, NotFound, NotThere, RequestError, SovriumError, StorageError
from core.http.answer import Answer, as_json
from core.http.log import request_id, tell_failure
from core.http.window import TooMany
from core.sentence import ASKED, without_patterns

_OUR_STATEMENTS = ("/api/tables/", "/api/console/views", "/api/console/tables/")
"""Addresses behind which nobody types SQL: what a statement misses there, somebody has taken from the database (M-006)."""
DRIFT_HINT = "`sovrium-tui migrate status` tells what differs; the next start puts columns right"


class MethodNotAllowed(RequestError):
    """The address exists, the method does not. `allowed` in the order of the Allow header."""

    code = "METHOD_NOT_ALLOWED"
    status = 405

    def __init__(self, allowed: list[str], *, admin: bool = False, accounts: bool = False) -> None:
        super().__init__(f"This address takes {', '.join(allowed)}")
        self.allowed = allowed
        self.admin = admin
        """It is of the admin API, which others are not told of."""
        self.accounts = accounts
        """Only an app with accounts has it."""


class AnalyticsOff(NotFound):
    """The app counts no visits of its pages."""

    code = "ANALYTICS_OFF"

    def __init__(self) -> None:
        super().__init__("Page analytics are off", hint="`analytics: true` in the app file switches them on")


def body_error(message: str, *, code: str = "body.not-json") -> Invalid:
    """R-005: what is wrong with the body as a whole."""
    return Invalid(message, [FieldError("body", code, message)])


def _asks_for_patterns(scope: MutableMapping[str, Any]) -> bool:
    given = [value for name, value in scope["headers"] if name == b"prefer"]
    return ASKED.encode() in [each.strip() for value in given for each in value.split(b",")]


def answer_to(error: Exception, scope: MutableMapping[str, Any]) -> Answer:
    """The answer to a failed request. What we did not raise on purpose, and what the database says, is told to the log only
    (R-006), of a defect under an id that the caller gets."""
    raised = error
    if isinstance(error, NotThere) and scope["path"].startswith(_OUR_STATEMENTS):
        error = StorageError("The tables are not as the app file says", hint=DRIFT_HINT)
    status = error.status if isinstance(error, SovriumError) else 500
    if status >= 500:
        tell_failure(scope, raised, status)
    if not isinstance(error, SovriumError) or status == 500:
        error = SovriumError("Something went wrong inside the server; its log says what", requestId=request_id(scope))
    body = error.body()
    answer = as_json(body if _asks_for_patterns(scope) else without_patterns(body), error.status)
    if isinstance(error, MethodNotAllowed):
        answer.headers.append((b"allow", ", ".join(error.allowed).encode()))
    if isinstance(error, TooMany):
        answer.headers += [(b"retry-after", b"%d" % error.retry_after), *error.headers]
    elif (seconds := getattr(error, "retry_after", None)) is not None:
        answer.headers.append((b"retry-after", b"%d" % seconds))
    if error.status == 503:
        answer.headers.append((b"retry-after", b"1"))
    return answer
