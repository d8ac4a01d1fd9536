"""Staged edits: saving, undoing, looking at them, settling conflicts."""

from screens.actions.action import Action

CHANGE: tuple[Action, ...] = (
    Action("change.commit", "ctrl+s", "global", footer=4, writes=True),
    Action("change.panel", "P", "global", footer=5),
    Action("change.undo", "u,ctrl+z", "global", footer=6),
    Action("change.redo", "ctrl+y", "global", vim="ctrl+r"),
    Action("change.discard", "", "global"),
)

CHANGES: tuple[Action, ...] = (
    Action("changes.save", "ctrl+s", "changes", footer=1),
    Action("changes.go", "enter", "changes", footer=2),
    Action("changes.revert", "d,delete", "changes", footer=3),
    Action("changes.turn", "tab,right_square_bracket", "changes", footer=4),
    Action("changes.turn_back", "shift+tab,left_square_bracket", "changes"),
)

CONFLICT: tuple[Action, ...] = (
    Action("conflict.settle", "enter,ctrl+s", "conflict", footer=1),
    Action("conflict.mine", "left,h", "conflict", footer=2),
    Action("conflict.theirs", "right,l", "conflict", footer=3),
    Action("conflict.all_mine", "m", "conflict", footer=4),
    Action("conflict.all_theirs", "t", "conflict", footer=5),
)
