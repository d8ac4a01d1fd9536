"""What went wrong with a statement, and where in its text."""

from typing import cast

from core.contract.console import SqlProblem
from core.errors import Invalid, SovriumError
from core.sentence import joined, with_patterns
from core.storage.typed import place_of

NO_DEFAULTS = "give it a value: SQL fills in numbers and moments of records, and no defaults of the app file"


def told(code: str, message: str, hint: str | None = None) -> SqlProblem:
    """The problem without a place."""
    return cast(SqlProblem, with_patterns({"code": code, "message": joined(message, hint)}))


def problem_of(error: SovriumError, sql: str, dialect: str) -> SqlProblem:
    """The problem as the console shows it; `line` and `column` count from 1 in `sql`, the statement."""
    hint = NO_DEFAULTS if error.hint is None and is_missing(error) else error.hint
    problem = told(error.code, error.message, hint)
    place = place_of(dialect, error.__cause__, sql) if error.__cause__ is not None else None
    if place is not None:
        problem["line"], problem["column"] = place
    return problem


def is_missing(error: SovriumError) -> bool:
    """A column has no value that must have one."""
    return isinstance(error, Invalid) and any(each.code == "field.required" for each in error.errors)
