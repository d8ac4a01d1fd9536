"""One's own account: name, password, second factor, backup codes, sessions, keys (A-110)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual import work
from textual.content import Content

from core.client import Port
from core.contract.admin import ApiKeyBody
from core.contract.auth import EnrolmentBody, SessionBody, UserBody
from screens.actions.binding import bindings_of
from screens.presenters.format.line import one_line
from screens.presenters.migration import Line
from screens.presenters.person import moment, session_line, session_lines
from screens.presenters.refusal import Refusal
from screens.services.download import at_home, free_name
from screens.services.text import t
from screens.widgets.confirm import confirm
from screens.widgets.enrolment_sheet import EnrolmentSheet, SecretSheet
from screens.widgets.form_sheet import Ask, FormSheet, Values
from screens.widgets.listing_screen import ListingScreen
from screens.widgets.name_dialog import NameDialog

HOUR = 3600
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Entry:
    """A line: the account itself, a session, or a key."""

    user: UserBody | None = None
    session: SessionBody | None = None
    key: ApiKeyBody | None = None


class AccountScreen(ListingScreen[Entry]):
    """The account first, then its sessions, then its keys."""

    BINDINGS = bindings_of("account")
    action_context = "account"
    mode = "account"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.user: UserBody | None = None

    async def fetch(self, port: Port, *, further: bool) -> tuple[Sequence[Entry], bool]:
        me = await port.account.who() if port.token is not None else None
        self.user = me["user"] if me is not None else None
        if self.user is None:
            return [], False
        sessions, keys = await port.account.sessions(), await port.account.keys()
        entries = [Entry(user=self.user)]
        entries += [Entry(session=each) for each in sessions]
        entries += [Entry(key=each) for each in keys if each["state"] == "live"]
        return entries, False

    def key_of(self, item: Entry) -> str:
        return item.session["id"] if item.session else item.key["id"] if item.key else ""

    def nothing(self) -> str:
        return t("login.owner")

    def line(self, item: Entry, width: int) -> Content:
        if item.user is not None:
            factor = "2FA" if item.user["twoFactorEnabled"] else ""
            return Content.assemble(
                (one_line(item.user["email"] or item.user["name"]), "bold"), (f"  {item.user['role']}  {factor}", "dim")
            )
        if item.session is not None:
            return Content.assemble(("▸ ", "dim"), session_line(item.session))
        assert item.key is not None
        return Content.assemble(("# ", "$secondary"), one_line(item.key["name"]), (f"  {item.key['prefix']}…", "dim"))

    async def details(self, port: Port, item: Entry) -> list[Line]:
        if item.user is not None:
            return own_lines(item.user)
        if item.session is not None:
            return session_lines(item.session)
        assert item.key is not None
        return key_lines(item.key)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted or not action.startswith("account_"):
            return super().check_action(action, parameters)
        entry, user = self.chosen(), self.user
        if user is None:
            return action == "account_refresh"
        match action:
            case "account_end":
                return entry is not None and entry.user is None and not (entry.session and entry.session["isCurrent"])
            case "account_rotate":
                return entry is not None and entry.key is not None
            case "account_codes" | "account_disable":
                return user["twoFactorEnabled"]
        return True

    # ── Doing ──

    def _port(self) -> Port:
        if self.context.port is None:
            raise ValueError(t("change.offline"))
        return self.context.port

    def _keep(self) -> None:
        """The session goes on under another secret: that one is remembered."""
        port, user = self.context.port, self.user
        if port is None or port.token is None or user is None or self.context.connection.acting is not None:
            return
        if user["email"] and self.context.keeper.email:
            self.context.keeper.keep(port.token, user["email"])

    def action_account_refresh(self) -> None:
        self.load()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_account_name(self) -> None:
        user = self.user
        if user is None:
            return
        name = await self.app.push_screen_wait(NameDialog(self.context, t("people.name"), user["name"]))
        if name and name != user["name"]:
            await self.attempt(lambda port: port.account.rename(name))

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_account_password(self) -> None:
        async def send(values: Values) -> None:
            if values["new"] != values["again"]:
                raise Refusal(t("account.different"), "again")
            await self._port().account.change_password(values["current"], values["new"])

        asks = [
            Ask("current", t("account.current"), secret=True),
            Ask("new", t("account.new"), secret=True),
            Ask("again", t("account.again"), secret=True),
        ]
        sheet = FormSheet(self.context, t("account.password"), asks, note=t("account.password-note"), send=send)
        if await self.app.push_screen_wait(sheet) is not None:
            self._keep()
            self.notify(t("account.password-done"))
            self.load()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_account_factor(self) -> None:
        """Set up an authenticator app."""
        begun: list[EnrolmentBody] = []

        async def send(values: Values) -> None:
            begun.append(await self._port().account.begin_factor(values["password"]))

        asks = [Ask("password", t("people.password"), secret=True)]
        if await self.app.push_screen_wait(FormSheet(self.context, t("account.enrol"), asks, send=send)) is None:
            return
        if not await self.app.push_screen_wait(EnrolmentSheet(self.context, begun[-1])):
            return
        self._keep()
        codes = begun[-1].get("backupCodes")
        self.load()
        if codes:
            sheet = SecretSheet(self.context, t("account.codes"), codes, t("account.codes-note"))
            await self.app.push_screen_wait(sheet)

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_account_codes(self) -> None:
        """New backup codes, in place of the former ones."""
        codes: list[str] = []

        async def send(values: Values) -> None:
            codes.extend(await self._port().account.backup_codes(values["password"]))

        asks = [Ask("password", t("people.password"), secret=True)]
        sheet = FormSheet(self.context, t("account.codes"), asks, note=t("account.codes-renew"), send=send)
        if await self.app.push_screen_wait(sheet) is not None:
            await self.app.push_screen_wait(
                SecretSheet(self.context, t("account.codes"), codes, t("account.codes-note"))
            )

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_account_disable(self) -> None:
        async def send(values: Values) -> None:
            await self._port().account.end_factor(values["password"])

        asks = [Ask("password", t("people.password"), secret=True)]
        sheet = FormSheet(self.context, t("account.disable"), asks, note=t("account.disable-note"), send=send)
        if await self.app.push_screen_wait(sheet) is not None:
            self._keep()
            self.load()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_account_key(self) -> None:
        """A key for programs; its secret is shown once."""
        made: list[str] = []

        async def send(values: Values) -> None:
            days = values["days"]
            if not values["name"]:
                raise Refusal(t("account.key-wrong"), "name")
            if days and not (days.isascii() and days.isdigit() and int(days)):
                raise Refusal(t("account.key-wrong"), "days")
            scopes = values["scopes"].replace(",", " ").split()
            key = await self._port().account.make_key(values["name"], scopes, int(days) * DAY if days else None)
            made.append(key["key"])

        asks = [
            Ask("name", t("account.key-name")),
            Ask("scopes", t("account.key-scopes")),
            Ask("days", t("account.key-days")),
        ]
        await self._show_key(FormSheet(self.context, t("account.key"), asks, send=send), made)

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_account_rotate(self) -> None:
        """A key in place of the chosen one."""
        entry = self.chosen()
        if entry is None or entry.key is None:
            return
        former, made = entry.key, list[str]()

        async def send(values: Values) -> None:
            hours = values["grace"] or "0"
            if not (hours.isascii() and hours.isdigit()):
                raise Refusal(t("account.grace-wrong"), "grace")
            made.append((await self._port().account.rotate_key(former["id"], int(hours) * HOUR))["key"])

        title = t("account.rotate", name=one_line(former["name"]))
        asks = [Ask("grace", t("account.grace"), "0")]
        await self._show_key(FormSheet(self.context, title, asks, note=t("account.rotate-note"), send=send), made)

    async def _show_key(self, sheet: FormSheet, made: list[str]) -> None:
        """Ask for a key; what was `made` is shown this once."""
        if await self.app.push_screen_wait(sheet) is not None:
            self.load()
            await self.app.push_screen_wait(SecretSheet(self.context, t("account.key"), made, t("account.key-note")))

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_account_end(self) -> None:
        """The chosen session, or the chosen key."""
        entry = self.chosen()
        if entry is None:
            return
        if entry.session is not None:
            session = entry.session
            await self.attempt(lambda port: port.account.end_session(session["id"]), t("people.ended"))
        elif entry.key is not None:
            key = entry.key
            if await confirm(self.app, t("account.key-end", name=one_line(key["name"])), yes=t("account.key-yes")):
                await self.attempt(lambda port: port.account.end_key(key["id"]), t("people.ended"))

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_account_others(self) -> None:
        await self.attempt(lambda port: port.account.end_other_sessions(), t("account.others-done"))

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_account_email(self) -> None:
        """Ask for another address, which is proven by a mail."""

        async def send(values: Values) -> None:
            await self._port().account.change_email(values["email"])

        asks = [Ask("email", t("people.email"), self.user["email"] or "" if self.user is not None else "")]
        sheet = FormSheet(self.context, t("account.email"), asks, note=t("account.email-note"), send=send)
        if await self.app.push_screen_wait(sheet) is not None:
            self.notify(t("account.email-asked"))
            self.load()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_account_export(self) -> None:
        """Save all that is kept of the account."""
        start = str(await asyncio.to_thread(free_name, Path("account.json")))
        if typed := await self.app.push_screen_wait(NameDialog(self.context, t("account.file"), start)):
            target = at_home(typed)
            await self.attempt(lambda port: port.account.export(target), t("audit.exported", file=str(target)))

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_account_leave(self) -> None:
        """Give the account up, once its address was typed; what follows is the prompt."""
        user, port = self.user, self.context.port
        if user is None or port is None:
            return
        name = one_line(user["email"] or user["name"])
        if not await confirm(
            self.app, t("people.delete-ask", name=name), t("account.leave-note"), yes=t("people.delete-yes"), typed=name
        ):
            return
        told: list[str] = []

        async def send(values: Values) -> None:
            told.append(await port.account.leave(values["password"]))

        asks = [Ask("password", t("people.password"), secret=True)]
        sheet = FormSheet(self.context, name, asks, note=t("account.leave-proof"), send=send)
        if await self.app.push_screen_wait(sheet) is not None:
            self.context.keeper.forget()
            self.notify(t("account.left", day=moment(told[0])), timeout=15)
            await port.close()  # the stream of events with it, so that the server asks at once who one is

    async def action_account_switch(self) -> None:
        """Sign out, so that somebody else can sign in here."""
        await self.app.run_action("app_sign_out")


def own_lines(user: UserBody) -> list[Line]:
    """The account as its owner sees it."""
    factor = t("account.factor-on" if user["twoFactorEnabled"] else "account.factor-off")
    told = [
        ("name", user["name"] or "–"),
        ("email", user["email"] or "–"),
        ("role", user["role"]),
        ("factors", factor),
        ("since", moment(user["createdAt"])),
    ]
    lines: list[Line] = [(one_line(user["name"] or user["email"] or ""), "title")]
    lines += [(f"{t(f'people.{name}'):<18} {one_line(value)}", "plain") for name, value in told]
    if user["email"] and not user["emailVerified"]:
        lines.append((f"! {t('people.state.unverified')}", "warn"))
    return lines


def key_lines(key: ApiKeyBody) -> list[Line]:
    return [
        (one_line(key["name"]), "title"),
        (f"{t('account.key-begins'):<18} {key['prefix']}…", "plain"),
        (f"{t('account.key-scope'):<18} {', '.join(key['scopes'] or ()) or t('account.key-all')}", "plain"),
        (f"{t('account.began'):<18} {moment(key['createdAt'])}", "plain"),
        (f"{t('account.seen'):<18} {moment(key['lastUsedAt'])}", "plain"),
        (f"{t('account.until'):<18} {moment(key['expiresAt'])}", "plain"),
    ]
