"""What can be done anywhere: places to go, palette, help, panes."""

from screens.actions.action import Action

APP: tuple[Action, ...] = (
    Action("app.palette", "ctrl+p", "global", footer=1),
    Action("app.goto", "colon", "global", footer=2),
    Action("app.leader", "g", "global", footer=3),
    Action("app.help", "question_mark,f1", "global", footer=9),
    Action("app.back", "escape", "global", vim="ctrl+left_square_bracket"),
    Action("app.close", "q", "global"),
    Action("app.quit", "ctrl+q", "global", footer=8),
    Action("go.home", "", "global", leader="h"),
    Action("go.tables", "", "global", leader="t"),
    Action("go.sql", "", "global", leader="s"),
    Action("go.jobs", "", "global", leader="j"),
    Action("go.schema", "", "global", leader="e"),
    Action("go.migrations", "", "global", leader="m"),
    Action("go.roles", "", "global", leader="o"),
    Action("go.users", "", "global", leader="u"),
    Action("go.sessions", "", "global", leader="w"),
    Action("go.auth", "", "global", leader="i"),
    Action("go.account", "", "global", leader="a"),
    Action("go.outbox", "", "global", leader="b"),
    Action("go.audit", "", "global", leader="l"),
    Action("go.logs", "", "global", leader="L"),
    Action("go.analytics", "", "global", leader="v"),
    Action("nav.back", "ctrl+o,alt+left", "global"),
    Action("nav.forward", "alt+right", "global", vim="ctrl+i"),
    Action("pane.next", "f6", "global"),
    Action("pane.previous", "shift+f6", "global"),
    *(Action(f"pane.{n}", f"alt+{n}", "global") for n in range(1, 10)),
    Action("pane.sidebar", "b", "global"),
    Action("pane.zoom", "z", "global"),
    Action("app.theme", "", "global"),
    Action("app.language", "", "global"),
    Action("app.messages", "", "global"),
    Action("app.whoami", "", "global"),
    Action("app.reconnect", "", "global"),
    Action("app.reload", "", "global", writes=True),
    Action("app.sign_out", "", "global"),
    Action("app.be_oneself", "", "global"),
)

HOME: tuple[Action, ...] = (Action("home.open", "enter", "home", footer=1),)

JOBS: tuple[Action, ...] = (
    Action("jobs.open", "enter", "jobs", footer=1),
    Action("jobs.cancel", "x,delete", "jobs", footer=2),
    Action("jobs.clear", "d", "jobs", footer=3),
    Action("jobs.backup", "B", "jobs", writes=True),
)

LOGS: tuple[Action, ...] = (
    Action("logs.follow", "space", "logs", footer=1),
    Action("logs.search", "slash,f", "logs", footer=2),
    Action("logs.level", "l", "logs", footer=3),
    Action("logs.clear", "F", "logs", footer=4),
    Action("logs.copy", "y,ctrl+c", "logs", footer=5),
)

CONNECTION: tuple[Action, ...] = (Action("connection.retry", "r", "connection", footer=1),)

DIALOG: tuple[Action, ...] = (
    Action("dialog.choose", "enter", "dialog", footer=1),
    Action("dialog.leave", "escape", "dialog", footer=9),
)
"""Of every dialog that has a method for them, besides its own."""
