"""What can be done while a formula is written."""

from screens.actions.action import Action

FORMULA: tuple[Action, ...] = (
    Action("formula.accept", "ctrl+s", "formula", footer=1, writes=True),
    Action("formula.complete", "ctrl+space,ctrl+@", "formula", footer=2),
)
