"""Users: who there is, and all that administrators do for them (auth §11, §19)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual import work
from textual.content import Content

from core.client import Port, SovriumError
from core.contract.admin import AdminUser, UserOverview, UserPage
from core.contract.auth import SessionBody, Ways
from screens.actions.binding import bindings_of
from screens.presenters.finder import Hit
from screens.presenters.format.line import one_line
from screens.presenters.migration import Line
from screens.presenters.person import (
    group_names,
    is_locked,
    overview_text,
    role_names,
    session_line,
    state_of,
    user_lines,
)
from screens.presenters.refusal import Refusal, problem_of
from screens.services.text import t
from screens.widgets.confirm import confirm
from screens.widgets.finder import Finder
from screens.widgets.form_sheet import Ask, FormSheet, Values
from screens.widgets.listing_screen import ListingScreen
from screens.widgets.name_dialog import NameDialog
from screens.widgets.sheet import padded

DAY = 86_400


class UsersScreen(ListingScreen[AdminUser]):
    """All accounts by address; what is known of the chosen one beside them."""

    BINDINGS = bindings_of("users")
    action_context = "users"
    mode = "users"
    search = ""
    total = 0
    overview: UserOverview | None = None
    _ways: Ways | None = None
    """Of signing in, that the app has."""

    async def fetch(self, port: Port, *, further: bool) -> tuple[Sequence[AdminUser], bool]:
        offset = len(self.items) if further else 0
        page: UserPage = await port.admin.users(self.search, offset=offset)
        self.total = page["total"]
        if not further:
            self.overview = await port.admin.overview()
        return page["users"], offset + len(page["users"]) < self.total

    def key_of(self, item: AdminUser) -> str:
        return item["id"]

    def head(self) -> list[Any]:
        count = t("people.count", count=self.total)
        if self.search:
            return [(f"  {count}", "$foreground"), (f"  / {one_line(self.search)}", "bold $secondary")]
        told = overview_text(self.overview) if self.overview is not None and self.total else ""
        return [(f"  {count}", "$foreground"), (f"  {told}", "dim")]

    def nothing(self) -> str:
        return t("people.none-found") if self.search else t("people.none")

    def line(self, item: AdminUser, width: int) -> Content:
        state = state_of(item)
        mark = {"": " ", "invited": "?", "unverified": "~"}.get(state, "!")
        role, word = max(8, width // 6), 18 if width > 60 else 10
        tone = "bold $error" if mark == "!" else "$warning"
        told = t(f"people.state.{state}") if state else "2FA" if item["twoFactorEnabled"] else ""
        name = f"{one_line(item['email'] or item['name'])}  {one_line(item['name']) if item['email'] else ''}"
        return Content.assemble(
            (f"{mark} ", tone),
            padded(name, max(10, width - role - word - 5)),
            " ",
            padded(one_line(item["role"]), role, "dim"),
            " ",
            padded(told, word, tone if state else "dim"),
        )

    async def details(self, port: Port, item: AdminUser) -> list[Line]:
        if self._ways is None:
            self._ways = await port.account.ways()
        return user_lines(await port.admin.user(item["id"]), await port.admin.user_sessions(item["id"]), self._ways)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted or not action.startswith("users_"):
            return super().check_action(action, parameters)
        user = self.chosen()
        if self.problem or self.context.port is None or not self.has_accounts:
            return action == "users_refresh"
        if action in ("users_search", "users_refresh", "users_new", "users_invite"):
            return True
        if user is None:
            return False
        match action:
            case "users_unlock":
                return is_locked(user)
            case "users_factors":
                return user["twoFactorEnabled"]
            case "users_link":
                return bool(user["email"])
            case "users_verify":
                return bool(user["email"]) and not user["emailVerified"]
        return True

    # ── Finding ──

    def action_users_refresh(self) -> None:
        self.load()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_users_search(self) -> None:
        typed = await self.app.push_screen_wait(NameDialog(self.context, t("people.search"), self.search))
        if typed is not None:
            self.search = typed
            self.load()

    def action_app_back(self) -> None:
        if self.search:
            self.search = ""
            self.load()
        else:
            self.listing.focus()

    # ── New ones ──

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_users_invite(self) -> None:
        """Ask somebody by mail to choose a password."""
        names, default = await self._roles()
        if not names:
            return

        async def send(values: Values) -> None:
            await self._port().admin.invite(values["email"], values["name"], role_names(names, values["role"]))

        asks = [
            Ask("email", t("people.email")),
            Ask("name", t("people.name")),
            Ask("role", t("people.role-of", known=", ".join(names)), default, choices=names),
        ]
        done = await self.app.push_screen_wait(FormSheet(self.context, t("people.invite"), asks, send=send))
        if done is not None:
            self.notify(t("people.invited", email=done["email"]))
            self.load()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_users_new(self) -> None:
        """An account with a password that is told to its owner by other means."""
        names, default = await self._roles()
        if not names:
            return

        async def send(values: Values) -> None:
            role = role_names(names, values["role"])
            await self._port().admin.create_user(values["email"], values["name"], values["password"], role)

        asks = [
            Ask("email", t("people.email")),
            Ask("name", t("people.name")),
            Ask("role", t("people.role-of", known=", ".join(names)), default, choices=names),
            Ask("password", t("people.password"), secret=True),
        ]
        done = await self.app.push_screen_wait(FormSheet(self.context, t("people.new"), asks, send=send))
        if done is not None:
            self.notify(t("people.made", email=done["email"]))
            self.load()

    async def _roles(self) -> tuple[list[str], str]:
        """Names to choose from, and the one that is given by itself; none where the server does not say."""
        try:
            known = await self._port().admin.roles()
        except (SovriumError, ValueError) as error:
            self.notify(problem_of(error), severity="error")
            return [], ""
        return [each["name"] for each in known["roles"]], known["defaultRole"]

    def _port(self) -> Port:
        if self.context.port is None:
            raise ValueError(t("change.offline"))
        return self.context.port

    # ── The chosen one ──

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_users_edit(self) -> None:
        """Another name or address."""
        user = self.chosen()
        if user is None:
            return
        asks = [Ask("name", t("people.name"), user["name"]), Ask("email", t("people.email"), user["email"] or "")]

        async def send(values: Values) -> None:
            changed = {each.name: values[each.name] for each in asks if values[each.name] != each.value}
            if changed:
                await self._port().admin.update_user(user["id"], changed)

        if await self.app.push_screen_wait(FormSheet(self.context, address_of(user), asks, send=send)) is not None:
            self.load()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_users_groups(self) -> None:
        """Which groups the account is in."""
        user = self.chosen()
        if user is None:
            return
        known: list[str] = []
        before: set[str] = set()

        async def read(port: Port) -> None:
            known.extend(each["name"] for each in await port.admin.groups())
            before.update((await port.admin.user(user["id"]))["groups"])

        if not await self.attempt(read):
            return
        if not known:
            self.notify(t("people.no-groups"))
            return

        async def send(values: Values) -> None:
            wanted = group_names(known, values["groups"])
            for name in sorted(wanted - before):
                await self._port().admin.join(user["id"], name)
                before.add(name)
            for name in sorted(before - wanted):
                await self._port().admin.leave(user["id"], name)
                before.discard(name)

        asks = [Ask("groups", t("people.groups-of", known=", ".join(known)), ", ".join(sorted(before)), choices=known)]
        sheet = FormSheet(self.context, address_of(user), asks, note=t("people.role-note"), send=send)
        if await self.app.push_screen_wait(sheet) is not None:
            self.load()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_users_role(self) -> None:
        user = self.chosen()
        if user is None:
            return
        names, _ = await self._roles()
        if not names:
            return

        async def send(values: Values) -> None:
            await self._port().admin.set_role(user["id"], role_names(names, values["role"]))

        asks = [Ask("role", t("people.role-of", known=", ".join(names)), user["role"], choices=names)]
        sheet = FormSheet(self.context, address_of(user), asks, note=t("people.role-note"), send=send)
        if await self.app.push_screen_wait(sheet) is not None:
            self.load()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_users_ban(self) -> None:
        """Let somebody in no more, or again."""
        user = self.chosen()
        if user is None:
            return
        if user["banned"]:
            await self.attempt(lambda port: port.admin.unban(user["id"]), t("people.unbanned", name=address_of(user)))
            return

        async def send(values: Values) -> None:
            days = values["days"]
            if days and not (days.isascii() and days.isdigit() and int(days)):
                raise Refusal(t("people.days-wrong"), "days")
            await self._port().admin.ban(user["id"], values["reason"], int(days) * DAY if days else None)

        asks = [Ask("reason", t("people.reason")), Ask("days", t("people.days"))]
        title = t("people.ban", name=address_of(user))
        if await self.app.push_screen_wait(FormSheet(self.context, title, asks, send=send)) is not None:
            self.load()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_users_password(self) -> None:
        """Another password; every session of the account ends."""
        user = self.chosen()
        if user is None:
            return

        async def send(values: Values) -> None:
            await self._port().admin.set_password(user["id"], values["password"], must_change=True)

        asks = [Ask("password", t("people.password"), secret=True)]
        title = t("people.reset", name=address_of(user))
        sheet = FormSheet(self.context, title, asks, note=t("people.reset-note"), send=send)
        if await self.app.push_screen_wait(sheet) is not None:
            self.notify(t("people.reset-done", name=address_of(user)))
            self.load()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_users_link(self) -> None:
        """Send a link by which its owner chooses another password."""
        if (user := self.chosen()) is not None and (email := user["email"]):
            await self.attempt(lambda port: port.account.forgotten(email), t("people.link-sent", name=address_of(user)))

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_users_sessions(self) -> None:
        """End one session of the account, or all."""
        user = self.chosen()
        if user is None or self.context.port is None:
            return
        found: list[SessionBody] = []

        async def read(port: Port) -> None:
            found.extend(await port.admin.user_sessions(user["id"]))

        if not await self.attempt(read):
            return
        if not found:
            self.notify(t("people.no-sessions"))
            return
        hits = [Hit(label=session_line(each), value=each["token"]) for each in found]
        hits.append(Hit(label=t("people.end-all"), value=None))
        hit = await self.app.push_screen_wait(Finder(t("people.end-which"), hits))
        if hit is None:
            return
        if hit.value is None:
            await self.attempt(lambda port: port.admin.end_sessions(user["id"]), t("people.ended"))
        else:
            await self.attempt(lambda port: port.admin.end_session(str(hit.value)), t("people.ended"))

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_users_factors(self) -> None:
        """Take the second factors away, for somebody who has lost them."""
        if (user := await self._typed("people.factors-ask", "people.factors-yes")) is not None:
            await self.attempt(lambda port: port.admin.reset_factors(user["id"]), t("people.factors-done"))

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_users_delete(self) -> None:
        if (user := await self._typed("people.delete-ask", "people.delete-yes")) is not None:
            told = t("people.deleted", name=address_of(user))
            await self.attempt(lambda port: port.admin.remove(user["id"]), told)

    async def _typed(self, ask: str, yes: str) -> AdminUser | None:
        """The chosen account, once its address was typed (A-270)."""
        user = self.chosen()
        if user is None:
            return None
        name = address_of(user)
        agreed = await confirm(self.app, t(ask, name=name), t(f"{ask}-note"), yes=t(yes), typed=name)
        return user if agreed else None

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_users_unlock(self) -> None:
        if (user := self.chosen()) is not None:
            await self.attempt(lambda port: port.admin.unlock(user["id"]), t("people.unlocked", name=address_of(user)))

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_users_verify(self) -> None:
        if (user := self.chosen()) is not None:
            await self.attempt(lambda port: port.admin.verify_email(user["id"]), t("people.verified"))

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_users_impersonate(self) -> None:
        """Act as the account for a while, in this console (A-171)."""
        user, port = self.chosen(), self.context.port
        if user is None or port is None:
            return
        if self.context.pending.count():
            self.notify(t("acting.pending"), severity="warning")
            return
        name = address_of(user)
        if not await confirm(self.app, t("acting.ask", name=name), t("acting.note"), yes=t("acting.yes")):
            return
        try:
            begun = await port.admin.impersonate(user["id"])
        except SovriumError as error:
            self.notify(problem_of(error), severity="error")
            return
        self.context.act_as(name, begun["token"], begun["session"]["expiresAt"])


def address_of(user: AdminUser) -> str:
    """How an account is called where it must not be mistaken."""
    return one_line(user["email"] or user["name"] or user["id"])
