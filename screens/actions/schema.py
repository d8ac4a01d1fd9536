"""What can be done to the app file's tables: designing them, and bringing the database to what the file says."""

from screens.actions.action import Action

MIGRATIONS: tuple[Action, ...] = (
    Action("migrations.apply", "a,enter", "migrations", footer=1, writes=True),
    Action("migrations.rollback", "r", "migrations", footer=2, writes=True),
    Action("migrations.compare", "space", "migrations", footer=3),
    Action("migrations.refresh", "R,f5", "migrations", footer=4),
)

PLAN: tuple[Action, ...] = (Action("plan.accept", "ctrl+s,enter", "plan", footer=1, writes=True),)

SCHEMA: tuple[Action, ...] = (
    Action("schema.open", "enter", "schema", footer=1),
    Action("schema.add", "o", "schema", footer=2, writes=True),
    Action("schema.rename", "e,f2", "schema", footer=3, writes=True),
    Action("schema.type", "t", "schema", footer=4, writes=True),
    Action("schema.remove", "d,delete", "schema", footer=5, writes=True),
    Action("schema.up", "shift+up,K", "schema", writes=True),
    Action("schema.down", "shift+down,J", "schema", writes=True),
    Action("schema.indexes", "i", "schema"),
    Action("schema.discard", "", "schema"),
)

SCHEMA_TEXT: tuple[Action, ...] = (Action("schema_text.accept", "ctrl+s", "schema_text", footer=1, writes=True),)
