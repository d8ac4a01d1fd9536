"""What went wrong with a statement, and where in its text."""

from core.contract.console import SqlProblem
from core.errors import Invalid, SovriumError
from core.storage.typed import place_of

NO_DEFAULTS = "give it a value: SQL fills in numbers and moments of records, and no defaults of the app file"


def problem_of(error: SovriumError, sql: str, dialect: str) -> SqlProblem:
    """The problem as the console shows it; `line` and `column` count from 1 in `sql`, the statement."""
    hint = NO_DEFAULTS if error.hint is None and is_missing(error) else error.hint
    message = error.message if hint is None else f"{error.message}; {hint}"
    problem = SqlProblem(code=error.code, message=message)
    place = place_of(dialect, error.__cause__, sql) if error.__cause__ is not None else None
    if place is not None:
        problem["line"], problem["column"] = place
    return problem


def is_missing(error: SovriumError) -> bool:
    """A column has no value that must have one."""
    return isinstance(error, Invalid) and any(each.code == "field.required" for each in error.errors)
