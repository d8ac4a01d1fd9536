"""The places of the console, in the order of the top bar. A place is a mode of the app with its own stack of screens.

A screen is made as `TheScreen(context)` on the first visit; `ConsoleScreen` is its base.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from screens.widgets.console_screen import ConsoleScreen


@dataclass(frozen=True, slots=True)
class Place:
    """mode: name of the mode, and of the text `place.<mode>`. module, name: the screen's class, imported on first use."""

    mode: str
    module: str
    name: str
    tab: bool = True
    """In the top bar always; else only while one is there."""

    def screen_class(self) -> type[ConsoleScreen]:
        """Import the screen's class."""
        found: type[ConsoleScreen] = getattr(import_module(self.module), self.name)
        return found


PLACES: tuple[Place, ...] = (
    Place("home", "screens.home", "HomeScreen"),
    Place("tables", "screens.tables", "TablesScreen"),
    Place("sql", "screens.sql", "SqlScreen"),
    Place("jobs", "screens.jobs", "JobsScreen"),
    Place("schema", "screens.schema", "SchemaScreen", tab=False),
    Place("migrations", "screens.migrations", "MigrationsScreen", tab=False),
    Place("roles", "screens.roles", "RolesScreen", tab=False),
    Place("users", "screens.users", "UsersScreen", tab=False),
    Place("sessions", "screens.sessions", "SessionsScreen", tab=False),
    Place("auth", "screens.auth_settings", "AuthSettingsScreen", tab=False),
    Place("account", "screens.account", "AccountScreen", tab=False),
    Place("outbox", "screens.outbox", "OutboxScreen", tab=False),
    Place("audit", "screens.audit", "AuditScreen", tab=False),
    Place("analytics", "screens.analytics", "AnalyticsScreen", tab=False),
    Place("logs", "screens.logs", "LogsScreen", tab=False),
)
