"""What a client that only reads may ask for. Deny by default: a call that nobody has named here is refused, and not sent."""

import re
from typing import Any

from core.errors import SovriumError

SQL = "/api/console/sql"
EDIT = "/api/console/schema/edit"
READS = {
    "POST": re.compile(
        r"/api/(console/(views|exports|formulas/preview|migrations/plan)|access/explain|auth/(sign-in/email(-otp)?|sign-out"
        r"|two-factor/verify|email-otp/send-verification-otp|magic-link/verify"
        r"|admin/(list-user-sessions|stop-impersonating)))"
    ),
    "DELETE": re.compile(r"/api/console/(views|sql|jobs)/[^/]+"),
}
"""By method, the addresses that change neither records, nor the app file, nor accounts: to come in and to leave, to open
and close what is read, to ask what would be. Those that only look by what they are sent are told by `writes`."""


class ReadOnly(SovriumError):
    """The client was opened to read, and was asked to write."""

    code = "READ_ONLY"
    status = 403

    def __init__(self) -> None:
        super().__init__("This console was opened to read only", hint="open it without --read-only to change something")


def writes(method: str, path: str, body: Any) -> bool:
    """Whether a request could change something."""
    address = path.partition("?")[0]
    if method in ("GET", "HEAD"):
        return False
    if (method, address) == ("POST", SQL):
        return not body.get("readOnly")
    if (method, address) == ("POST", EDIT):
        return bool(body.get("apply"))
    reads = READS.get(method)
    return reads is None or reads.fullmatch(address) is None
