"""A problem of an app file: what, where (file, line, column, path) and how to mend it."""

from dataclasses import dataclass
from typing import Any, Literal

from core.sentence import say


@dataclass(frozen=True, slots=True)
class Position:
    """Where a node of the app file stands. Lines and columns count from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. `path` is `tables[2].fields[0].max`; `code` is stable (`schema.unknown-key`)."""

    code: str
    message: str
    path: str = ""
    position: Position | None = None
    hint: str | None = None
    severity: Literal["error", "warning", "note"] = "error"

    def __str__(self) -> str:
        """One line; a `Sentence` as well, unless there are signs in it that must not be shown."""
        told = say(self.message)
        if self.path:
            told = say("{path}: {problem}", path=self.path, problem=told)
        if self.hint:
            told = say("{problem} ({hint})", problem=told, hint=say(self.hint))
        line = say("{severity}: {problem}", severity=say(self.severity), problem=told)
        if self.position:
            place = f"{self.position.file}:{self.position.line}:{self.position.column}"
            line = say("{place}: {problem}", place=place, problem=line)
        return line if line.isprintable() else _visible(line)

    def body(self) -> dict[str, Any]:
        """The form of `validate --json`."""
        out: dict[str, Any] = {"severity": self.severity, "code": self.code, "message": self.message, "path": self.path}
        if self.position:
            out |= {"file": self.position.file, "line": self.position.line, "column": self.position.column}
        if self.hint:
            out["hint"] = self.hint
        return out


def _visible(text: str) -> str:
    """Keys and names of a hostile file may hold control characters, which a terminal would obey."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
