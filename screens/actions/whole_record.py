"""What concerns whole records: their history, what people say about them, the trash, many at once; who may do what."""

from screens.actions.action import Action

RECORDS: tuple[Action, ...] = (
    Action("row.history", "H", "records"),
    Action("row.comments", "c", "records"),
    Action("rows.bulk", "E", "records", writes=True),
    Action("trash.show", "T", "records"),
    Action("tables.list", "L", "records"),
    Action("trash.restore", "r", "records", footer=1, writes=True),
    Action("trash.erase", "D", "records", footer=2, writes=True),
    Action("trash.empty", "", "records", writes=True),
)

TABLE_LIST: tuple[Action, ...] = (
    Action("table_list.open", "enter", "table_list", footer=1),
    Action("table_list.fields", "i", "table_list", footer=2),
)

NAVIGATOR: tuple[Action, ...] = (
    Action("navigator.open", "enter", "navigator", footer=1),
    Action("navigator.list", "down", "navigator", footer=2),
    Action("navigator.back", "escape", "navigator", footer=3),
)

HISTORY: tuple[Action, ...] = (Action("history.revert", "u", "history", footer=1, writes=True),)

COMMENTS: tuple[Action, ...] = (
    Action("comments.send", "ctrl+s", "comments", footer=1, writes=True),
    Action("comments.list", "tab", "comments", footer=2),
    Action("comments.write", "o,i", "comments", footer=2, writes=True),
    Action("comments.reply", "r,enter", "comments", footer=3, writes=True),
    Action("comments.edit", "e,f2", "comments", footer=4, writes=True),
    Action("comments.remove", "d,delete", "comments", footer=5, writes=True),
    Action("comments.approve", "a", "comments", footer=6, writes=True),
    Action("comments.reject", "x", "comments", footer=7, writes=True),
    Action("comments.queue", "q", "comments", footer=8),
)

BULK: tuple[Action, ...] = (Action("bulk.apply", "ctrl+s,enter", "bulk", footer=1, writes=True),)

ACCESS: tuple[Action, ...] = (Action("access.role", "a,enter", "access", footer=1),)
