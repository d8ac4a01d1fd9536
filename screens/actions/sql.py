"""What can be done on the SQL screen. F5 and its twins work while typing; letters belong to the text."""

from screens.actions.action import Action

SQL: tuple[Action, ...] = (
    Action("sql.run", "f5,ctrl+j,alt+enter", "sql", footer=1),
    Action("sql.run_all", "shift+f5", "sql"),
    Action("sql.cancel", "f9", "sql", footer=2),
    Action("sql.history", "f8", "sql", footer=3),
    Action("sql.complete", "ctrl+space,ctrl+@", "sql", footer=4),
    Action("sql.new_tab", "ctrl+t", "sql", footer=5),
    Action("sql.close_tab", "alt+w", "sql"),
    Action("sql.previous_tab", "ctrl+pageup", "sql"),
    Action("sql.next_tab", "ctrl+pagedown", "sql"),
    Action("sql.export", "f7", "sql", footer=6),
    Action("sql.results", "f4", "sql"),
)
