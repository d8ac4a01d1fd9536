"""The log of steps behind staged edits: where undo stands in it, and how far it is saved.

What is pending is the way from `saved` to `cursor`, forwards or backwards: undo goes on behind a save, and there it stages
the opposite of what was saved. What was saved at once is taken back at once: such steps are a stretch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from screens.presenters.operation import Delete, Row, Set, Step, inverse, renamed

KEPT_STEPS = 200
"""Saved steps that undo can still reach."""


class StepLog:
    """`cursor` and `saved` are places between steps."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.cursor = self.saved = 0
        self.stretches: list[tuple[int, int]] = []
        """Places between which undo and redo do not stop."""

    @property
    def last_deleted(self) -> int:
        """How many rows the last step deletes; 0 for a step of another kind."""
        last = self.steps[self.cursor - 1].operations if self.cursor else ()
        return len({(each.table, each.key) for each in last if isinstance(each, Delete)})

    def put(self, step: Step, sent: int = 0) -> bool:
        """Add a step where undo stands; what could be redone is gone. Whether it simply goes on from there.

        sent: how far the steps are on their way to the server. What is saved or sent stays in the log: where undo stands
        before that, the opposites of what it took back come first.
        """
        anchor = max(self.saved, sent)
        if self.cursor < anchor:
            undone = [inverse(done) for done in reversed(self.steps[self.cursor : anchor])]
            self._cut(anchor)
            self.steps += [*undone, step]
            self.stretches.append((anchor, anchor + len(undone)))
            self.cursor = len(self.steps)
            return False
        self._cut(self.cursor)
        self.steps.append(step)
        self.cursor += 1
        return True

    def move(self, direction: int) -> Step | None:
        """Go a step or a stretch back or on; what lies between as one step, None at the end."""
        here = self.cursor
        if direction < 0:
            target = min((start for start, end in self.stretches if start < here <= end), default=here - 1)
        else:
            target = max((end for start, end in self.stretches if start <= here < end), default=here + 1)
        if not 0 <= target <= len(self.steps):
            return None
        self.cursor = target
        passed = self.steps[min(here, target) : max(here, target)]
        return Step(tuple(operation for step in passed for operation in step.operations))

    def pending(self, position: int | None = None) -> list[Step]:
        """The steps from what is saved to a place; by default to where we are."""
        here = self.cursor if position is None else position
        if here >= self.saved:
            return self.steps[self.saved : here]
        return [inverse(step) for step in reversed(self.steps[here : self.saved])]

    def rebase(self, row: Row, stored: Mapping[str, Any]) -> None:
        """What is pending in a row was made over other values than are stored now: undo leads back to these."""
        first = dict(stored)
        for place in range(self.saved, len(self.steps)):
            operations = list(self.steps[place].operations)
            for at, operation in enumerate(operations):
                if not isinstance(operation, Set) or (operation.table, operation.key) != row:
                    continue
                if operation.field in first:
                    operations[at] = replace(operation, old=first.pop(operation.field))
            self.steps[place] = Step(tuple(operations))

    def save(self, position: int, ids: dict[Row, str]) -> None:
        """The steps up to a place are saved, new rows by these ids."""
        if ids:
            self.steps = [Step(tuple(renamed(operation, ids) for operation in step.operations)) for step in self.steps]
        if position > self.saved:
            self.stretches.append((self.saved, position))
        self.saved = position
        surplus = min(self.saved, self.cursor) - KEPT_STEPS
        surplus = min((start for start, end in self.stretches if start < surplus < end), default=surplus)
        if surplus > 0:
            del self.steps[:surplus]
            self.stretches = [(start - surplus, end - surplus) for start, end in self.stretches if start >= surplus]
            self.saved -= surplus
            self.cursor -= surplus

    def _cut(self, place: int) -> None:
        """Forget the steps behind a place."""
        del self.steps[place:]
        self.stretches = [stretch for stretch in self.stretches if stretch[1] <= place]

    def restore(
        self, steps: list[Step], before: int, cursor: int, saved: int, stretches: Sequence[tuple[int, int]] = ()
    ) -> None:
        """Put steps read from a journal behind the first `before`, and stretches among them. Raises ValueError where they
        do not fit."""
        end = before + len(steps)
        if not (0 <= cursor <= end and 0 <= saved <= end and before <= len(self.steps)):
            raise ValueError(cursor)
        self._cut(before)
        self.steps += steps
        self.stretches += [(int(start), int(end)) for start, end in stretches]
        self.cursor, self.saved = cursor, saved

    def go_to(self, cursor: int) -> None:
        """Stand at a place. Raises ValueError where there is none."""
        if not 0 <= cursor <= len(self.steps):
            raise ValueError(cursor)
        self.cursor = cursor
