"""Sessions: everybody's, the one that was used last first; to end one, or all of somebody (auth §19)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual import work
from textual.content import Content

from core.client import Port
from core.contract.admin import SessionOfSomebody, SessionPage
from screens.actions.binding import bindings_of
from screens.presenters.format.line import one_line
from screens.presenters.migration import Line
from screens.presenters.person import moment, session_lines
from screens.services.text import t
from screens.widgets.confirm import confirm
from screens.widgets.listing_screen import ListingScreen
from screens.widgets.sheet import padded


class SessionsScreen(ListingScreen[SessionOfSomebody]):
    """Who is in, from where, since when."""

    BINDINGS = bindings_of("sessions")
    action_context = "sessions"
    mode = "sessions"
    total = 0

    async def fetch(self, port: Port, *, further: bool) -> tuple[Sequence[SessionOfSomebody], bool]:
        offset = len(self.items) if further else 0
        page: SessionPage = await port.admin.sessions(offset=offset)
        self.total = page["total"]
        return page["sessions"], offset + len(page["sessions"]) < self.total

    def key_of(self, item: SessionOfSomebody) -> str:
        return item["id"]

    def head(self) -> list[Any]:
        return [(f"  {t('people.sessions', count=self.total)}", "$foreground")]

    def nothing(self) -> str:
        return t("people.no-sessions")

    def line(self, item: SessionOfSomebody, width: int) -> Content:
        acting = item["impersonatedBy"] is not None
        mark = ("! ", "bold $error") if acting else ("← ", "$secondary") if item["isCurrent"] else ("  ", "")
        device = max(8, width // 4)
        return Content.assemble(
            mark,
            padded(owner_of(item), max(10, width - device - 21), "bold"),
            " ",
            padded(one_line(item["device"]), device, "dim"),
            " ",
            (moment(item["lastSeenAt"]), "dim"),
        )

    async def details(self, port: Port, item: SessionOfSomebody) -> list[Line]:
        return [(owner_of(item), "name"), *session_lines(item)]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted or not action.startswith("sessions_end"):
            return super().check_action(action, parameters)
        return self.chosen() is not None

    def action_sessions_refresh(self) -> None:
        self.load()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_sessions_end(self) -> None:
        if (item := self.chosen()) is not None:
            await self.attempt(lambda port: port.admin.end_session(item["id"]), t("people.ended"))

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_sessions_end_all(self) -> None:
        """All sessions of whoever the chosen one belongs to."""
        if (item := self.chosen()) is None:
            return
        if await confirm(self.app, t("sessions.end-all", name=owner_of(item)), yes=t("account.key-yes")):
            await self.attempt(lambda port: port.admin.end_sessions(item["userId"]), t("people.ended"))


def owner_of(item: SessionOfSomebody) -> str:
    """Whose it is."""
    owner = item["user"]
    return one_line((owner["email"] or owner["name"]) if owner is not None else item["userId"])
