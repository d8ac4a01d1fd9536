"""Changes of the app file that nobody has written yet: steps, one after the other, and the way back."""

from typing import Any

from core.client import Port
from core.contract.migrations import SchemaEdit
from screens.services.wording import in_words

Change = dict[str, Any]
"""One of `POST /api/console/schema/edit`."""


class Draft:
    """`verdict` is what the server said of the latest steps. A subclass shows what they lead to: `_replay`."""

    def __init__(self) -> None:
        self.steps: list[Change] = []
        self._undone: list[Change] = []
        self.verdict: SchemaEdit | None = None

    async def ask(self, port: Port, *more: Change) -> SchemaEdit:
        """What the server says to the steps, and to further ones after them. Writes nothing."""
        answer = await port.edit_schema({"changes": [*self.steps, *more]})
        answer["problems"] = [in_words(problem, "message", "hint") for problem in answer["problems"]]
        return answer

    def add(self, *changes: Change) -> None:
        """More steps."""
        self.steps += changes
        self._undone.clear()
        self._replay()

    def undo(self) -> bool:
        """Take the last step back; False where there is none."""
        if not self.steps:
            return False
        self._undone.append(self.steps.pop())
        self._replay()
        return True

    def redo(self) -> bool:
        if not self._undone:
            return False
        self.steps.append(self._undone.pop())
        self._replay()
        return True

    def clear(self) -> None:
        """The steps are written, or given up."""
        self.steps, self._undone, self.verdict = [], [], None
        self._replay()

    def _replay(self) -> None:
        """Make all steps anew, from what the server has."""
        raise NotImplementedError
