"""What went wrong with a statement, and where in its text."""

from core.contract.console import SqlProblem
from core.errors import SovriumError
from core.storage.typed import place_of


def problem_of(error: SovriumError, sql: str, dialect: str) -> SqlProblem:
    """The problem as the console shows it; `line` and `column` count from 1 in `sql`, the statement."""
    message = error.message if error.hint is None else f"{error.message}; {error.hint}"
    problem = SqlProblem(code=error.code, message=message)
    place = place_of(dialect, error.__cause__, sql) if error.__cause__ is not None else None
    if place is not None:
        problem["line"], problem["column"] = place
    return problem
