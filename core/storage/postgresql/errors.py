"""What psycopg's exceptions mean, in our words. The only place that looks into the server's messages."""

import re

import psycopg
from psycopg import errors

from core.errors import (
    BadRequest,
    Conflict,
    DialectLimit,
    DiskFull,
    FieldError,
    Invalid,
    NotThere,
    SovriumError,
    StorageError,
)
from core.sentence import say
from core.storage.session import WriteConflict

_NOT_THERE = (errors.UndefinedColumn, errors.UndefinedTable, errors.UndefinedFunction)
_KEY = re.compile(r"^Key \((?P<fields>.+?)\)=", re.DOTALL)


def translate(error: BaseException) -> SovriumError:
    """The error of a statement."""
    if isinstance(error, SovriumError):
        return error
    match error:
        case errors.UniqueViolation():
            found = _KEY.match(error.diag.message_detail or "")
            fields = [name.strip(' "') for name in found["fields"].split(",")] if found else []
            return Conflict("A record with this value exists already", fields=fields)
        case errors.NotNullViolation():
            column = error.diag.column_name or ""
            message = say("{name} is required", name=column)
            return Invalid(message, [FieldError(column, "field.required", message)])
        case errors.IntegrityError():
            return Conflict("The record breaks a rule of the table")
        case errors.SerializationFailure() | errors.DeadlockDetected() | errors.LockNotAvailable():
            return WriteConflict("Another write changed the same record at the same moment", detail="WRITE_CONFLICT")
        case errors.DiskFull():
            return DiskFull("There is no space left for the write", hint="Free some space; reading goes on meanwhile")
        case errors.FeatureNotSupported() | errors.DependentObjectsStillExist() | errors.InsufficientPrivilege():
            return DialectLimit(_sentence(error))
        case errors.ReadOnlySqlTransaction():
            return BadRequest(_sentence(error))
        case errors.DataError():
            text = "No text holds the character U+0000" if "NUL (0x00)" in str(error) else _sentence(error)
            return Invalid(text, [FieldError("value", "value.does-not-fit", text)])
        case errors.ProgrammingError() | errors.InternalError():
            return (NotThere if isinstance(error, _NOT_THERE) else BadRequest)(_sentence(error))
        case psycopg.OperationalError():
            return StorageError("The database server cannot be reached", hint="Check that it runs, and DATABASE_URL")
    return StorageError("The database refused the statement")


def translate_open(error: BaseException, address: str) -> SovriumError:
    """The error of connecting to `address` (without the password)."""
    text = [line.strip() for line in str(error).splitlines() if not line.strip().startswith("Is the server running")]
    reason = text[-1] if text else "no answer"
    message = say("{address} cannot be opened: {reason}", address=address, reason=reason)
    return StorageError(message, hint="Check that the server runs, and DATABASE_URL")


def _sentence(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).split("\n", 1)[0]
