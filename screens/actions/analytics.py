"""Visits of the app's pages."""

from screens.actions.action import Action

ANALYTICS: tuple[Action, ...] = (
    Action("analytics.today", "1", "analytics", footer=1),
    Action("analytics.week", "2", "analytics", footer=2),
    Action("analytics.month", "3", "analytics", footer=3),
    Action("analytics.quarter", "4", "analytics", footer=4),
    Action("analytics.custom", "c", "analytics", footer=5),
    Action("analytics.earlier", "left_square_bracket", "analytics"),
    Action("analytics.later", "right_square_bracket", "analytics"),
    Action("analytics.measure", "m", "analytics", footer=6),
    Action("analytics.kind", "d", "analytics", footer=7),
    Action("analytics.unit", "u", "analytics"),
    Action("analytics.refresh", "R,f5", "analytics"),
)
