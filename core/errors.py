"""The one exception tree. Every error that reaches a person is made here, with a code, a status and a way out.

SovriumError                     message, code, status, exit_code, hint, extra
├─ SchemaError                   the app file is wrong: problems with file, line and column
├─ RequestError
│  ├─ BadRequest                 400 BAD_REQUEST        the request's form (filter, parameters)
│  ├─ Invalid                    400/422 VALIDATION_ERROR   values: errors[] with the field of each
│  ├─ NotFound                   404 NOT_FOUND          missing, or not to be seen: one and the same body
│  ├─ Conflict                   409 CONFLICT           unique key, stale version
│  └─ TooLarge                   413 PAYLOAD_TOO_LARGE
├─ AccessError
│  └─ NotSignedIn                401 UNAUTHORIZED
├─ SecretsError                  the master key is missing, wrong or open to others
├─ DeliveryFailed                502 DELIVERY_FAILED    a message was not taken by whoever carries it
├─ StorageError                  the database or its disk
│  ├─ Locked                     another process holds the file; says which
│  ├─ Damaged                    the file cannot be read, or was written by another version
│  ├─ DiskFull                   503, reads go on
│  ├─ Busy                       503, try again
│  ├─ DeadlinePassed             504, or cancelled by the caller
│  └─ DialectLimit               what this database cannot do
├─ MigrationRefused              the plan would lose data, or old rows do not fit
└─ FeatureMissing                501, the extra to install

`code`, `status` and the keys of `extra` are the API contract (spec tables-records §10.2); `message` and `hint` are for
people. `__cause__` holds the driver's error for the log and is never shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.sentence import Wording, with_patterns, with_sentences


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one value: the field's name, a stable code (`number.not-a-number`) and a sentence."""

    field: str
    code: str
    message: str
    record: int | None = None
    """Position in a batch, from 0."""

    def body(self) -> dict[str, Any]:
        out: dict[str, Any] = {"field": self.field, "code": self.code, "message": self.message}
        if self.record is not None:
            out["record"] = self.record
        return with_patterns(out)


class SovriumError(Exception):
    """Base of all errors that we raise on purpose."""

    code = "INTERNAL_ERROR"
    status = 500
    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.extra = extra

    def body(self) -> dict[str, Any]:
        """The envelope of `/api/…`: `{"success": false, "message", "code", …}`."""
        body: dict[str, Any] = {"success": False, "message": self.message, "code": self.code, **self.extra}
        if self.hint:
            body["hint"] = self.hint
        return with_patterns(body)

    def put(self, wording: Wording) -> None:
        """Say what is said to people in other words."""
        self.message = wording(self.message)
        self.args = (self.message,)
        self.hint = wording(self.hint) if self.hint else self.hint


class SchemaError(SovriumError):
    """The app file is not valid. `problems` are `core.schema.problem.Problem` objects, all that were found."""

    code = "SCHEMA_ERROR"
    status = 422
    exit_code = 2

    def __init__(self, message: str, problems: Sequence[Any] = (), *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)

    def body(self) -> dict[str, Any]:
        return with_patterns(super().body() | ({"problems": self._lines()} if self.problems else {}))

    def put(self, wording: Wording) -> None:
        super().put(wording)
        self.problems = tuple(map(wording, self._lines()))

    def _lines(self) -> list[str]:
        """The problems as sentences. `str` makes one of a problem, but would make a bare text of what is one already."""
        return [problem if isinstance(problem, str) else str(problem) for problem in self.problems]


class RequestError(SovriumError):
    """The caller can mend it."""

    code = "BAD_REQUEST"
    status = 400
    exit_code = 2


class BadRequest(RequestError):
    """The form of the request: an unreadable filter, a wrong parameter."""


class NotThere(BadRequest):
    """A statement names a table or column that the database has not. Of a typed statement that is the caller's mistake."""


class Invalid(RequestError):
    """Values that a field does not take. All of them are reported together."""

    code = "VALIDATION_ERROR"

    def __init__(self, message: str, errors: Sequence[FieldError] = (), *, status: int = 400, **extra: Any) -> None:
        super().__init__(message, **extra)
        self.errors = tuple(errors)
        self.status = status

    def body(self) -> dict[str, Any]:
        body = super().body()
        if self.errors:
            body["errors"] = [error.body() for error in self.errors]
        return body

    def put(self, wording: Wording) -> None:
        super().put(wording)
        self.errors = tuple(replace(error, message=wording(error.message)) for error in self.errors)


class NotFound(RequestError):
    """Missing, or not to be seen by this caller; the two must look alike (P-036), hence the fixed message."""

    code = "NOT_FOUND"
    status = 404
    exit_code = 1

    def __init__(self, message: str = "Not found", *, hint: str | None = None, **extra: Any) -> None:
        super().__init__(message, hint=hint, **extra)


class Conflict(RequestError):
    """A unique key is taken, or the record has changed since it was read (`current` holds it as it is now)."""

    code = "CONFLICT"
    status = 409
    exit_code = 1


class TooLarge(RequestError):
    """More records or bytes than one request may carry."""

    code = "PAYLOAD_TOO_LARGE"
    status = 413


class AccessError(SovriumError):
    """The caller may not."""

    code = "UNAUTHORIZED"
    status = 401


class NotSignedIn(AccessError):
    """No session where one is needed."""

    def __init__(self, message: str = "Sign in first", *, hint: str | None = None, **extra: Any) -> None:
        super().__init__(message, hint=hint, **extra)


class SecretsError(SovriumError):
    """The master key is missing, wrong or open to others; or a sealed value does not open."""

    code = "SECRETS_ERROR"


class DeliveryFailed(SovriumError):
    """Whoever carries messages has not taken one."""

    code = "DELIVERY_FAILED"
    status = 502


class StorageError(SovriumError):
    """The database, its file or its disk."""

    code = "SERVICE_UNAVAILABLE"
    status = 503


class Locked(StorageError):
    """Another process has the database file open."""

    exit_code = 3

    def __init__(
        self, message: str, *, pid: int | None = None, program: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.pid = pid
        self.program = program


class Damaged(StorageError):
    """The database file cannot be read: damaged, not a database, or written by a newer version."""


class DiskFull(StorageError):
    """No space left for the write. What was acknowledged is safe; reads go on."""


class Busy(StorageError):
    """Too much waits already."""


class DeadlinePassed(StorageError):
    """The work took longer than it may, or was cancelled."""

    code = "DEADLINE_PASSED"
    status = 504


class DialectLimit(StorageError):
    """This database cannot do it."""

    code = "NOT_SUPPORTED"
    status = 409


class MigrationRefused(SovriumError):
    """The migration would lose data or old rows do not fit; nothing was changed. `details` names rows and fields."""

    code = "MIGRATION_REFUSED"
    status = 409

    def __init__(self, message: str, *, details: Sequence[str] = (), hint: str | None = None, **extra: Any) -> None:
        super().__init__(message, hint=hint, **extra)
        self.details = tuple(details)

    def body(self) -> dict[str, Any]:
        return with_patterns(super().body() | ({"details": list(self.details)} if self.details else {}))

    def put(self, wording: Wording) -> None:
        super().put(wording)
        self.details = tuple(map(wording, self.details))


class FeatureMissing(SovriumError):
    """An optional package is not installed; the hint is the command that installs it."""

    code = "FEATURE_MISSING"
    status = 501


def error_from_body(status: int, body: Mapping[str, Any]) -> SovriumError:
    """Rebuild the exception on the client's side from an answer of the API. Of one that somebody else gives in its place
    what has another form is left out."""
    body = with_sentences(body)
    known = {"success", "message", "code", "hint", "errors", "problems", "details"}
    message, hint = _text(body.get("message")) or f"HTTP {status}", _text(body.get("hint")) or None
    extra = {key: value for key, value in body.items() if key not in known}
    errors = [
        FieldError(_text(e.get("field")), _text(e.get("code")), _text(e.get("message")), e.get("record"))
        for e in (with_sentences(each) for each in _listed(body, "errors") if isinstance(each, dict))
    ]
    error: SovriumError
    if errors or body.get("code") == Invalid.code:
        error = Invalid(message, errors, status=status)
    elif body.get("code") == MigrationRefused.code:
        error = MigrationRefused(message, details=[_text(each) for each in _listed(body, "details")], hint=hint)
    elif body.get("code") == SchemaError.code:
        error = SchemaError(message, [_text(each) for each in _listed(body, "problems")], hint=hint)
    else:
        error = _KINDS.get(status, SovriumError)(message, hint=hint)
        error.status, error.code = status, _text(body.get("code")) or error.code
    error.extra = extra
    return error


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _listed(body: Mapping[str, Any], key: str) -> list[Any]:
    found = body.get(key)
    return found if isinstance(found, list) else []


_KINDS: Mapping[int, type[SovriumError]] = {
    400: BadRequest,
    401: NotSignedIn,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    501: FeatureMissing,
    502: DeliveryFailed,
    503: StorageError,
    504: DeadlinePassed,
}
