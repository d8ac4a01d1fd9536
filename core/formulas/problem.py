"""What is wrong with a formula, and where."""

from core.sentence import joined, say


class FormulaProblem(ValueError):
    """`position` counts characters of the formula from 0; `code` is stable (`formula.unknown-field`)."""

    def __init__(self, code: str, message: str, position: int, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.position = position
        self.hint = hint

    def place(self, text: str) -> tuple[int, int]:
        """Line and column in the formula's text, both from 1."""
        before = text[: self.position]
        return before.count("\n") + 1, self.position - (before.rfind("\n") + 1) + 1

    def sentence(self, text: str) -> str:
        """The message with its place and hint, for one line of output."""
        line, column = self.place(text)
        where = say("column {column}", column=column)
        if "\n" in text.strip():
            where = say("line {line}, column {column}", line=line, column=column)
        if self.hint:
            where = joined(where, self.hint)
        return say("{problem} ({where})", problem=say(self.message), where=where)
