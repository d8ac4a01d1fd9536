"""What can be done on the SQL screen. F5 and its twins work while typing; letters belong to the text."""

from screens.actions.action import Action

SQL: tuple[Action, ...] = (
    Action("sql.run", "f5,ctrl+j,alt+enter", "sql", footer=1),
    Action("sql.run_all", "shift+f5", "sql"),
    Action("sql.edit", "i,enter", "sql", footer=2),
    Action("sql.leave", "escape", "sql", footer=2),
    Action("sql.cancel", "f9", "sql", footer=2),
    Action("sql.history", "f8", "sql", footer=3),
    Action("sql.complete", "ctrl+space,ctrl+@", "sql", footer=4),
    Action("sql.new_tab", "ctrl+t", "sql", footer=5),
    Action("sql.close_tab", "alt+w", "sql"),
    Action("sql.previous_tab", "ctrl+pageup", "sql"),
    Action("sql.next_tab", "ctrl+pagedown", "sql"),
    Action("sql.export", "f7", "sql", footer=6),
    Action("sql.results", "f4", "sql"),
    Action("sql.transaction", "f2", "sql", footer=7),
    Action("sql.commit", "", "sql"),
    Action("sql.roll_back", "", "sql"),
    Action("sql.find", "ctrl+f", "sql", footer=8),
    Action("sql.find_next", "f3", "sql"),
    Action("sql.find_previous", "shift+f3", "sql"),
    Action("sql.format", "shift+f4,alt+t", "sql"),
    Action("sql.favourites", "ctrl+g", "sql", footer=9),
    Action("sql.favourite_keep", "alt+s", "sql"),
    Action("sql.favourite_drop", "", "sql"),
    Action("result.open", "enter,e,K", "result", footer=1),
    Action("result.copy", "y,ctrl+c", "result", footer=2),
    Action("result.copy_as", "Y", "result", footer=3),
    Action("result.next", "n,J", "result_row", footer=1),
    Action("result.previous", "p,K", "result_row", footer=2),
)
