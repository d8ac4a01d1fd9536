"""Who may do what, and who there is."""

from screens.actions.action import Action

FORM: tuple[Action, ...] = (Action("form.accept", "ctrl+s", "form", footer=1),)

ROLES: tuple[Action, ...] = (
    Action("roles.toggle", "space", "roles", footer=1),
    Action("roles.edit", "enter,e,f2", "roles", footer=2),
    Action("roles.simulate", "t", "roles", footer=3),
    Action("roles.rows", "w", "roles", footer=4),
    Action("roles.policies", "y", "roles", footer=5),
    Action("roles.add", "o", "roles", footer=6),
    Action("roles.remove", "d,delete", "roles", footer=7),
    Action("roles.fields", "f", "roles"),
    Action("roles.default", "D", "roles"),
    Action("roles.discard", "", "roles"),
)

POLICIES: tuple[Action, ...] = (
    Action("policies.edit", "enter,e,f2", "policies", footer=1),
    Action("policies.add", "o", "policies", footer=2),
    Action("policies.remove", "d,delete", "policies", footer=3),
    Action("policies.test", "t", "policies", footer=4),
    Action("policies.switch", "x", "policies", footer=5),
)

USERS: tuple[Action, ...] = (
    Action("users.search", "slash", "users", footer=1),
    Action("users.invite", "i", "users", footer=2),
    Action("users.new", "n", "users", footer=3),
    Action("users.role", "r", "users", footer=4),
    Action("users.ban", "b", "users", footer=5),
    Action("users.password", "p", "users", footer=6),
    Action("users.sessions", "s", "users", footer=7),
    Action("users.factors", "f", "users"),
    Action("users.impersonate", "m", "users"),
    Action("users.delete", "d,delete", "users"),
    Action("users.unlock", "U", "users"),
    Action("users.verify", "V", "users"),
    Action("users.refresh", "R,f5", "users"),
)
