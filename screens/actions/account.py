"""Signing in, and one's own account."""

from screens.actions.action import Action

LOGIN: tuple[Action, ...] = (
    Action("login.enter", "enter", "login", footer=1),
    Action("login.mail", "ctrl+l", "login", footer=2),
    Action("login.join", "ctrl+n", "login", footer=3),
    Action("login.invited", "ctrl+t", "login", footer=4),
    Action("login.forgotten", "ctrl+r", "login", footer=5),
    Action("login.back", "escape", "login", footer=6),
)
