"""Outbox: mails and text messages that have not left by anything real: to read, copy, send again, forget (A-167)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from textual import work
from textual.content import Content

from core.client import Port
from core.contract.admin import OutboxEntry
from screens.actions.binding import bindings_of
from screens.presenters.format.line import one_line
from screens.presenters.migration import Line
from screens.presenters.person import moment
from screens.services.text import has, t
from screens.widgets.confirm import confirm
from screens.widgets.listing_screen import ListingScreen
from screens.widgets.sheet import padded

LINK = re.compile(r"https?://\S+")
CODE = re.compile(r"(?m)^\s*(\d{4,10}|\d{3} \d{3})\s*$")
MARKS = {"failed": ("!", "bold $error"), "waiting": ("…", "$warning"), "kept": (" ", "")}


class OutboxScreen(ListingScreen[OutboxEntry]):
    """The newest first."""

    BINDINGS = bindings_of("outbox")
    action_context = "outbox"
    mode = "outbox"

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.cursor: str | None = None

    async def fetch(self, port: Port, *, further: bool) -> tuple[Sequence[OutboxEntry], bool]:
        page = await port.admin.outbox(self.cursor if further else None)
        self.cursor = page["nextCursor"]
        return page["messages"], self.cursor is not None

    def key_of(self, item: OutboxEntry) -> str:
        return item["id"]

    def nothing(self) -> str:
        return t("outbox.nothing")

    def line(self, item: OutboxEntry, width: int) -> Content:
        mark, style = MARKS.get(item["status"], ("·", "dim"))
        to = max(16, width - 40)
        return Content.assemble(
            (f"{mark} ", style),
            (f"{moment(item['createdAt'])}  ", "dim"),
            padded(one_line(item["to"]), to),
            " ",
            padded(one_line(item["template"]), max(8, width - to - 22)),
        )

    async def details(self, port: Port, item: OutboxEntry) -> list[Line]:
        return message_lines(await port.admin.message(item["id"]))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted or not action.startswith("outbox_"):
            return super().check_action(action, parameters)
        item = self.chosen()
        match action:
            case "outbox_copy":
                return item is not None and item["content"] is not None
            case "outbox_retry":
                return item is not None and item["kind"] == "mail"
            case "outbox_forget":
                return item is not None
            case "outbox_empty":
                return bool(self.items)
        return True

    def action_outbox_refresh(self) -> None:
        self.load()

    @work(exclusive=True, group="copy", exit_on_error=False)
    async def action_outbox_copy(self) -> None:
        """The link of the message, else its code, else its text."""
        item = self.chosen()
        content = item["content"] if item is not None else None
        if content is None:
            return
        await self.context.clipboard.copy(what_to_copy(content["text"]))
        self.notify(t("account.copied"))

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_outbox_retry(self) -> None:
        if (item := self.chosen()) is not None:
            await self.attempt(lambda port: port.admin.retry(item["id"]), t("outbox.retried"))

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_outbox_forget(self) -> None:
        if (item := self.chosen()) is not None:
            await self.attempt(lambda port: port.admin.forget(item["id"]))

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_outbox_empty(self) -> None:
        """Forget all that does not wait."""
        if await confirm(self.app, t("outbox.empty-ask"), yes=t("outbox.empty-yes")):
            await self.attempt(lambda port: port.admin.forget_all())


def what_to_copy(text: str) -> str:
    """What one needs of a message: its link, its code, or all of it."""
    if found := LINK.search(text):
        return found[0].rstrip(".,;)")
    code = CODE.search(text)
    return code[1].replace(" ", "") if code else text


def message_lines(message: OutboxEntry) -> list[Line]:
    """A message as it would be read."""
    state = t(f"outbox.status.{message['status']}") if has(f"outbox.status.{message['status']}") else message["status"]
    lines: list[Line] = [
        (f"{one_line(message['to'])}", "title"),
        (f"{state} · {moment(message['createdAt'])} · {t('outbox.attempts', count=message['attempts'])}", "muted"),
    ]
    if message["error"]:
        lines.append((f"! {one_line(message['error'])}", "refused"))
    content = message["content"]
    if content is None:
        return [*lines, ("", "plain"), (t("outbox.closed"), "muted")]
    lines += [("", "plain"), (one_line(content["subject"]), "name"), ("", "plain")]
    return lines + [(one_line(line), "plain") for line in content["text"].splitlines()]
