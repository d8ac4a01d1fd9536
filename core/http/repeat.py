"""Writes that a client sends again because no answer came: told by its header `Idempotency-Key`, they are made once."""

from typing import Any

from core.errors import FieldError, Invalid
from core.http.call import Call
from core.http.limit import caller_of
from core.records.idempotency import fingerprint
from core.records.service import Records

HEADER = "Idempotency-Key"
LONGEST = 255
ABOUT = "a key of the caller's own: asked again with it, nothing is done again, and the first answer is given"


def records_of(call: Call, body: Any = None) -> Records:
    """The records for one write of the call, whose answer is kept where it shows a key. Raises Invalid."""
    assert call.route.repeatable, f"{call.route.path} does not tell that it heeds a key"
    records, key = call.engine.records, call.header(b"idempotency-key")
    if key is None:
        return records
    if not 0 < len(key) <= LONGEST:
        message = f"{HEADER} has 1 to {LONGEST} characters"
        raise Invalid(message, [FieldError(HEADER, "idempotency.malformed", message)])
    asked = fingerprint([call.route.method, call.scope["path"], call.query, body])
    return records.once(_keeper_of(call), key, asked, HEADER)


def _keeper_of(call: Call) -> str:
    """Whose the key is. Callers without a session are told apart as their limits do: one who guesses another's key does not
    get its answer."""
    principal = call.principal
    if principal.kind == "guest":
        return caller_of(principal, lambda: call.app.address(call.scope))
    return principal.keeper
