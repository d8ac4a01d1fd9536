"""What DuckDB's exceptions mean, in our words. The only place that looks into the driver's messages."""

import os
import re

import duckdb

from core.errors import (
    BadRequest,
    Conflict,
    Damaged,
    DialectLimit,
    DiskFull,
    FieldError,
    Invalid,
    Locked,
    NotThere,
    SovriumError,
    StorageError,
)
from core.sentence import say
from core.storage.session import WriteConflict

_LOCK = re.compile(r"Conflicting lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")
_DUPLICATE = re.compile(r'[Dd]uplicate key "(?P<key>.*)" violates', re.DOTALL)
_COLUMN = re.compile(r"(?:^|, )([a-z_][a-z0-9_]*): ")
_NOT_NULL = re.compile(r"NOT NULL constraint failed: [^.]+\.(?P<column>\S+)")
_NO_SPACE = re.compile(r"No space left|File too large|Disk quota|failed to offload|not enough space", re.IGNORECASE)
_NEWER = re.compile(r"newer|version number|file version|storage version", re.IGNORECASE)
_FOREIGN = re.compile(r"not a valid DuckDB database|Could not read enough bytes", re.IGNORECASE)
_NOT_THERE = re.compile(r"does not have a column|does not exist|not found in FROM clause")
_NO_PARQUET = re.compile(r"magic bytes|too small to be a Parquet file|Variable-length int|TProtocolException")
_MALFORMED = re.compile(r"Malformed JSON in .*at byte (?P<byte>\d+) in record/value (?P<record>\d+): (?P<why>[^.]+)")
_KEY_TWICE = re.compile(r'in record/value (?P<record>\d+): .*has duplicate key "(?P<key>.*)"', re.DOTALL)
_CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")
_COLUMNS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_DAMAGED = re.compile(r"corrupt|checksum|not a valid DuckDB|Could not read enough bytes|WAL|serializ", re.IGNORECASE)

_VALUE_ERRORS = (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.TypeMismatchException)


def translate(error: BaseException) -> SovriumError:
    """The error of a statement. Raises KeyboardInterrupt where it was Ctrl+C."""
    if isinstance(error, SovriumError):
        return error
    text = str(error)
    _let_through(error, text)
    if _NO_SPACE.search(text):
        return DiskFull("There is no space left for the write", hint="Free some space; reading goes on meanwhile")
    if isinstance(error, duckdb.ConstraintException):
        return _constraint(text)
    if isinstance(error, duckdb.TransactionException) and "onflict" in text:
        return WriteConflict("Another write changed the same record at the same moment", detail="WRITE_CONFLICT")
    if isinstance(error, duckdb.FatalException | duckdb.InternalException | duckdb.SerializationException):
        return Damaged("The database engine stopped on an internal error", hint="It is opened again by itself")
    if isinstance(error, duckdb.OutOfMemoryException):
        return StorageError("It needs more memory than the server may use", hint="Ask for fewer rows at a time")
    if isinstance(error, _VALUE_ERRORS) or "Failed to cast value" in text:
        return Invalid(_first_line(text), [FieldError("value", "value.does-not-fit", _first_line(text))])
    if isinstance(error, duckdb.PermissionException | duckdb.NotImplementedException | duckdb.DependencyException):
        return DialectLimit(_first_line(text))
    if isinstance(error, duckdb.IOException) and not _FOREIGN.search(text):
        return StorageError("The database file could not be read or written")
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException) and _NOT_THERE.search(text):
        return NotThere(_first_line(text))
    if isinstance(error, duckdb.Error):
        return BadRequest(_file_problem(text) or _first_line(text))
    return StorageError("The database refused the statement")


def translate_open(error: BaseException, path: str) -> SovriumError:
    """The error of opening the file at `path`. Raises KeyboardInterrupt where it was Ctrl+C."""
    text = str(error)
    _let_through(error, text)
    lock = _LOCK.search(text)
    if lock:
        program, pid = lock["program"], int(lock["pid"])
        return Locked(
            say("{file} is in use by {program} (process {pid})", file=str(path), program=program, pid=str(pid)),
            pid=pid,
            program=program,
            hint="End that program, or connect to the server that runs there",
        )
    if "configuration has been locked" in text:
        message = say("{file} is open in this process already", file=str(path))
        return Locked(message, pid=os.getpid(), hint="Close it there first")
    if _NO_SPACE.search(text):
        return DiskFull(
            say("There is no space left to open {file}", file=str(path)), hint="Free some space and start again"
        )
    if "Permission denied" in text or "Read-only file system" in text or "Cannot open file" in text:
        message = say("{file} cannot be written here", file=str(path))
        return StorageError(message, hint="Check the permissions of the folder")
    if _NEWER.search(text):
        message = say("{file} was written by another version of the database", file=str(path))
        return Damaged(message, hint="Update this program")
    if _DAMAGED.search(text) or isinstance(error, duckdb.Error):
        message = say("{file} is damaged, or is not a database", file=str(path))
        return Damaged(message, hint="Restore it from a backup")
    return StorageError(say("{file} cannot be opened", file=str(path)))


def _let_through(error: BaseException, text: str) -> None:
    """Of Ctrl+C while a statement runs on the main thread, the driver makes an error of its own."""
    if type(error) is RuntimeError and text == "Query interrupted":
        raise KeyboardInterrupt from error


def _constraint(text: str) -> SovriumError:
    duplicate = _DUPLICATE.search(text)
    if duplicate:
        fields = _COLUMN.findall(duplicate["key"])
        return Conflict("A record with this value exists already", fields=fields)
    missing = _NOT_NULL.search(text)
    if missing:
        column = missing["column"]
        message = say("{name} is required", name=column)
        return Invalid(message, [FieldError(column, "field.required", message)])
    return Conflict("The record breaks a rule of the table")


def _file_problem(text: str) -> str | None:
    """What is wrong with a file that a person gave, None when it is about something else. Of a CSV file DuckDB tells the
    line itself, which may be long, before the reason."""
    if _FOREIGN.search(text):
        return "The file is damaged, or is not a database of DuckDB"
    if "expected records" in text:
        return "The file holds no JSON objects; an array of objects is expected, or an object a line"
    if _NO_PARQUET.search(text):
        return "The file is damaged, or is not a parquet file"
    if malformed := _MALFORMED.search(text):
        return f"The file is not JSON: {malformed['why']}, at byte {malformed['byte']} of record {malformed['record']}"
    if twice := _KEY_TWICE.search(text):
        return say("Record {record} of the file has the key {name} twice", record=twice["record"], name=twice["key"])
    where = _CSV_LINE.search(text)
    if where is None:
        return None
    line, columns = f"Line {where[1]}", _COLUMNS.search(text)
    if columns:
        return f"{line} has {columns[2]} columns where {columns[1]} are expected"
    if "not utf-8 encoded" in text:
        return f"{line} is not UTF-8 text; save the file as UTF-8"
    if "Maximum line size" in text:
        return f"{line} is longer than 2 MB"
    return f"{line} cannot be read as CSV" + (": a quote is never closed" if "unterminated quote" in text else "")


def _first_line(text: str) -> str:
    """`Binder Error: Referenced column …` without the kind and the excerpt of the statement."""
    line = text.split("\n", 1)[0]
    return line.split("Error: ", 1)[-1]
