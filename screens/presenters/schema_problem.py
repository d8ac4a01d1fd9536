"""What is wrong with a changed app file, as lines for people."""

from collections.abc import Sequence
from typing import Any

from screens.presenters.format.line import one_line
from screens.presenters.migration import Line
from screens.presenters.schema_draft import line_of


def problem_lines(problem: dict[str, Any], diff: Sequence[str]) -> list[Line]:
    """A problem at its place: file and line, the line itself with a mark below its column, what is wrong."""
    line, column = int(problem.get("line") or 0), int(problem.get("column") or 0)
    file = str(problem.get("file") or "").rpartition("/")[2]
    place = f"{file}:{line}:{column}" if line else str(problem.get("path", ""))
    lines: list[Line] = [(f"✕ {place}  {one_line(str(problem['message']))}", "refused")]
    if line and (text := line_of(diff, line)):
        lines += [
            (f"    {line} │ {one_line(text)}", "plain"),
            (f"    {' ' * len(str(line))} │ {' ' * (column - 1)}^", "warn"),
        ]
    if problem.get("hint"):
        lines.append((f"    {one_line(str(problem['hint']))}", "muted"))
    return lines
