"""Who may do what, and who there is."""

from screens.actions.action import Action

FORM: tuple[Action, ...] = (
    Action("form.next", "enter", "form", footer=1),
    Action("form.accept", "ctrl+s", "form", footer=2),
)

ROLES: tuple[Action, ...] = (
    Action("roles.toggle", "space", "roles", footer=1, writes=True),
    Action("roles.edit", "enter,e,f2", "roles", footer=2, writes=True),
    Action("roles.simulate", "t", "roles", footer=3),
    Action("roles.rows", "w", "roles", footer=4, writes=True),
    Action("roles.policies", "y", "roles", footer=5),
    Action("roles.add", "o", "roles", footer=6, writes=True),
    Action("roles.remove", "d,delete", "roles", footer=7, writes=True),
    Action("roles.fields", "f", "roles"),
    Action("roles.default", "D", "roles", writes=True),
    Action("roles.discard", "", "roles"),
)

POLICIES: tuple[Action, ...] = (
    Action("policies.edit", "enter,e,f2", "policies", footer=1, writes=True),
    Action("policies.add", "o", "policies", footer=2, writes=True),
    Action("policies.remove", "d,delete", "policies", footer=3, writes=True),
    Action("policies.test", "t", "policies", footer=4),
    Action("policies.switch", "x", "policies", footer=5, writes=True),
)

USERS: tuple[Action, ...] = (
    Action("users.search", "slash", "users", footer=1),
    Action("users.invite", "i", "users", footer=2, writes=True),
    Action("users.new", "n", "users", footer=3, writes=True),
    Action("users.role", "r", "users", footer=4, writes=True),
    Action("users.ban", "b", "users", footer=5, writes=True),
    Action("users.password", "p", "users", footer=6, writes=True),
    Action("users.sessions", "s", "users", footer=7),
    Action("users.edit", "e,f2", "users", writes=True),
    Action("users.groups", "G", "users", writes=True),
    Action("users.link", "L", "users", writes=True),
    Action("users.factors", "f", "users", writes=True),
    Action("users.impersonate", "m", "users", writes=True),
    Action("users.delete", "d,delete", "users", writes=True),
    Action("users.unlock", "U", "users", writes=True),
    Action("users.verify", "V", "users", writes=True),
    Action("users.refresh", "R,f5", "users"),
)

SESSIONS: tuple[Action, ...] = (
    Action("sessions.end", "d,delete", "sessions", footer=1, writes=True),
    Action("sessions.end_all", "X", "sessions", footer=2, writes=True),
    Action("sessions.refresh", "R,f5", "sessions", footer=3),
)

AUTH: tuple[Action, ...] = (
    Action("auth.toggle", "space", "auth", footer=1, writes=True),
    Action("auth.edit", "enter,e,f2", "auth", footer=2, writes=True),
    Action("auth.reset", "d,delete", "auth", footer=3, writes=True),
    Action("auth.find", "slash", "auth", footer=4),
    Action("auth.discard", "", "auth"),
    Action("auth.rotate", "", "auth", writes=True),
)

SECRET: tuple[Action, ...] = (
    Action("secret.copy", "ctrl+s,y", "secret", footer=1),
    Action("secret.done", "enter", "secret", footer=2),
)

ACCOUNT: tuple[Action, ...] = (
    Action("account.name", "e,f2", "account", footer=1, writes=True),
    Action("account.password", "p", "account", footer=2, writes=True),
    Action("account.factor", "t", "account", footer=3, writes=True),
    Action("account.codes", "c", "account", footer=4, writes=True),
    Action("account.key", "o", "account", footer=5, writes=True),
    Action("account.end", "d,delete", "account", footer=6, writes=True),
    Action("account.others", "X", "account", footer=7, writes=True),
    Action("account.rotate", "r", "account", writes=True),
    Action("account.email", "m", "account", writes=True),
    Action("account.export", "x", "account"),
    Action("account.leave", "", "account", writes=True),
    Action("account.switch", "", "account"),
    Action("account.disable", "", "account", writes=True),
    Action("account.refresh", "R,f5", "account"),
)

OUTBOX: tuple[Action, ...] = (
    Action("outbox.copy", "y,ctrl+c", "outbox", footer=1),
    Action("outbox.retry", "s", "outbox", footer=2, writes=True),
    Action("outbox.forget", "d,delete", "outbox", footer=3, writes=True),
    Action("outbox.refresh", "R,f5", "outbox", footer=4),
    Action("outbox.empty", "X", "outbox", writes=True),
)

AUDIT: tuple[Action, ...] = (
    Action("audit.filter", "f,slash", "audit", footer=1),
    Action("audit.clear", "F", "audit", footer=2),
    Action("audit.export", "X", "audit", footer=3),
    Action("audit.verify", "v", "audit", footer=4),
    Action("audit.refresh", "R,f5", "audit", footer=5),
)
