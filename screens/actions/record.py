"""Keys of what opens over and around a table: cell editors, conditions, order, columns, paste, files, the record panel."""

from screens.actions.action import Action

RECORD: tuple[Action, ...] = (
    Action("record.edit", "enter,e,f2", "record", footer=1),
    Action("record.next", "n,J", "record", footer=6),
    Action("record.previous", "p,K", "record", footer=7),
    Action("record.value", "ctrl+n", "record", writes=True),
    Action("record.clear", "delete,x", "record", writes=True),
    Action("record.follow", "ctrl+right_square_bracket", "record"),
    Action("record.fold", "z,space", "record", footer=2),
    Action("record.add_file", "o", "record", footer=3, writes=True),
    Action("record.open_file", "", "record"),
    Action("record.save_file", "s", "record", footer=4),
    Action("record.remove_file", "d", "record", footer=5, writes=True),
    Action("record.close", "r", "record", footer=8),
)

EDITOR: tuple[Action, ...] = (
    Action("editor.accept", "enter", "editor", footer=1),
    Action("editor.next", "tab", "editor", footer=2),
    Action("editor.previous", "shift+tab", "editor"),
    Action("editor.cancel", "escape", "editor", footer=3),
    Action("editor.values", "ctrl+n", "editor", footer=4),
)

PICKER: tuple[Action, ...] = (
    Action("picker.new", "ctrl+n", "picker", footer=4, writes=True),
    Action("picker.follow", "ctrl+enter,ctrl+j,ctrl+right_square_bracket", "picker", footer=5),
)

FILTER: tuple[Action, ...] = (
    Action("filter.apply", "ctrl+s", "filter", footer=1),
    Action("filter.change", "enter,e", "filter", footer=2),
    Action("filter.add", "a,o", "filter", footer=3),
    Action("filter.group", "plus", "filter", footer=4),
    Action("filter.joint", "space", "filter", footer=5),
    Action("filter.negate", "n", "filter", footer=6),
    Action("filter.remove", "d,delete", "filter", footer=7),
    Action("filter.sentence", "slash", "filter", footer=8),
)

SORT: tuple[Action, ...] = (
    Action("sort.apply", "enter,ctrl+s", "sort", footer=1),
    Action("sort.add", "a,o", "sort", footer=2),
    Action("sort.turn", "space", "sort", footer=3),
    Action("sort.up", "shift+up,K", "sort", footer=4),
    Action("sort.down", "shift+down,J", "sort", footer=5),
    Action("sort.remove", "d,delete", "sort", footer=6),
)

COLUMNS: tuple[Action, ...] = (
    Action("columns.toggle", "space,enter", "columns", footer=1),
    Action("columns.up", "shift+up,K", "columns", footer=2),
    Action("columns.down", "shift+down,J", "columns", footer=3),
    Action("columns.all", "a", "columns", footer=4),
    Action("columns.reset", "0", "columns", footer=5),
)

PASTE: tuple[Action, ...] = (
    Action("paste.stage", "enter,ctrl+s", "paste", footer=1, writes=True),
    Action("paste.new", "n", "paste", footer=2),
    Action("paste.skip", "s", "paste", footer=2),
    Action("paste.header", "h", "paste", footer=3),
    Action("paste.left", "left", "paste"),
    Action("paste.right", "right", "paste", footer=4),
    Action("paste.map", "m,space", "paste", footer=5),
)

FILES: tuple[Action, ...] = (
    Action("export.start", "ctrl+s", "export", footer=1),
    Action("export.form", "f2", "export", footer=2),
    Action("export.columns", "f3", "export", footer=3),
    Action("import.start", "ctrl+s", "import", footer=1, writes=True),
    Action("import.refused", "f2", "import", footer=2),
    Action("import.map", "f4", "import", footer=3),
    Action("import.duplicates", "f5", "import", footer=4),
)
