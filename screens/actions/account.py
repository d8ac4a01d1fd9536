"""Signing in, and one's own account."""

from screens.actions.action import Action

LOGIN: tuple[Action, ...] = (
    Action("login.mail", "ctrl+l", "login", footer=1),
    Action("login.back", "escape", "login", footer=2),
)
