"""Audit: who administered what, narrowed down, in detail, as a file; and whether nothing was changed in it (auth §12.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textual import work
from textual.content import Content

from core.client import Port
from core.contract.admin import AuditCheck, AuditEntry
from screens.actions.binding import bindings_of
from screens.presenters.format.line import one_line
from screens.presenters.migration import Line
from screens.presenters.person import moment
from screens.services.download import at_home, free_name
from screens.services.text import labelled, t
from screens.widgets.form_sheet import Ask, FormSheet, Values
from screens.widgets.listing_screen import ListingScreen
from screens.widgets.name_dialog import NameDialog
from screens.widgets.sheet import padded

FILTERS = ("action", "actorId", "resourceType", "severity", "result", "transport", "from", "to")
SEVERITIES = ("debug", "info", "warning", "error", "critical")
RESULTS = ("success", "failure")
TRANSPORTS = ("api", "tui", "cli", "env", "config-file", "system")
CHOICES = {"severity": SEVERITIES, "result": RESULTS, "transport": TRANSPORTS}
TONES = {"warning": "$warning", "error": "$error", "critical": "bold $error"}


class AuditScreen(ListingScreen[AuditEntry]):
    """The newest first; `verified` is what the last check of the chain said."""

    BINDINGS = bindings_of("audit")
    action_context = "audit"
    mode = "audit"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.cursor: str | None = None
        self.filters: dict[str, str] = {}
        self.verified: AuditCheck | None = None

    async def fetch(self, port: Port, *, further: bool) -> tuple[Sequence[AuditEntry], bool]:
        page = await port.admin.audit(self.filters, self.cursor if further else None)
        self.cursor = page["nextCursor"]
        return page["items"], self.cursor is not None

    def key_of(self, item: AuditEntry) -> str:
        return item["id"]

    def head(self) -> list[Any]:
        parts: list[Any] = []
        if self.filters:
            said = " · ".join(labelled(name, one_line(value)) for name, value in self.filters.items())
            parts.append((f"  ▽ {said}", "bold $secondary"))
        if self.verified is not None:
            if self.verified["ok"]:
                parts.append((f"  ✓ {t('audit.whole', count=self.verified['entries'])}", "$success"))
            else:
                parts.append((f"  ! {t('audit.broken', id=self.verified['broken'] or '')}", "bold $error"))
        return parts

    def line(self, item: AuditEntry, width: int) -> Content:
        who = item["actor"].get("email") or item["actor"].get("osUser") or item["actor"]["id"] or item["actor"]["type"]
        action = max(18, width // 2 - 12)
        mark = "✗" if item["result"] == "failure" else " "
        return Content.assemble(
            (f"{mark} ", "bold $error"),
            (f"{moment(item['timestamp'])}  ", "dim"),
            padded(item["action"], action, TONES.get(item["severity"], "")),
            " ",
            padded(one_line(str(who)), max(6, width - action - 22)),
        )

    async def details(self, port: Port, item: AuditEntry) -> list[Line]:
        return entry_lines(item)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "audit_clear" and self.has_accounts:
            return bool(self.filters)
        return super().check_action(action, parameters)

    def action_audit_refresh(self) -> None:
        self.load()

    def action_audit_clear(self) -> None:
        self.filters = {}
        self.load()

    def action_app_back(self) -> None:
        if self.filters:
            self.action_audit_clear()
        else:
            self.listing.focus()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_audit_filter(self) -> None:
        asks = [
            Ask(name, t(f"audit.filter.{name}"), self.filters.get(name, ""), choices=CHOICES.get(name, ()))
            for name in FILTERS
        ]

        async def send(values: Values) -> None:
            if self.context.port is not None:
                await self.context.port.admin.audit({name: value for name, value in values.items() if value})

        values = await self.app.push_screen_wait(FormSheet(self.context, t("audit.narrow"), asks, send=send))
        if values is not None:
            self.filters = {name: value for name, value in values.items() if value}
            self.load()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_audit_export(self) -> None:
        """Save what the filters let through: CSV, or JSON a line each, by the file's name."""
        start = str(await asyncio.to_thread(free_name, Path("audit-log.csv")))
        typed = await self.app.push_screen_wait(NameDialog(self.context, t("audit.file"), start))
        if not typed:
            return
        target = at_home(typed)
        await self.attempt(
            lambda port: port.admin.export_audit(self.filters, target), t("audit.exported", file=str(target))
        )

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_audit_verify(self) -> None:
        """Whether every entry is as it was written, and none is missing."""
        found: list[AuditCheck] = []

        async def ask(port: Port) -> None:
            found.append(await port.admin.verify_audit())

        if await self.attempt(ask):
            self.verified = found[0]
            reason = found[0]["reason"]
            if not found[0]["ok"]:
                text = t("audit.broken", id=found[0]["broken"] or "")
                self.notify(f"{text}\n{one_line(reason or '')}", severity="error", timeout=15)


def entry_lines(entry: AuditEntry) -> list[Line]:
    """All that an entry says."""
    actor, resource = entry["actor"], entry["resource"]
    who = " ".join(filter(None, [actor["type"], actor.get("email"), actor.get("osUser"), actor["id"]]))
    lines: list[Line] = [
        (one_line(entry["action"]), "title"),
        (f"{entry['severity']} · {entry['result']}", "refused" if entry["result"] == "failure" else "plain"),
    ]
    told = [
        ("when", moment(entry["timestamp"])),
        ("who", who),
        ("acting", actor.get("impersonatorId") or ""),
        ("what", " ".join(filter(None, [resource["type"], resource.get("name"), resource["id"]])) if resource else ""),
        ("by", " ".join(filter(None, [entry["transport"], entry["ip"]]))),
        ("agent", entry["userAgent"] or ""),
        ("request", entry["requestId"] or ""),
    ]
    lines += [(f"{t(f'audit.{name}'):<14} {one_line(value)}", "plain") for name, value in told if value]
    lines += [("", "plain")] if entry["metadata"] else []
    lines += [(one_line(f"  {labelled(name, text_of(value))}"), "plain") for name, value in entry["metadata"].items()]
    return [*lines, ("", "plain"), (f"{t('audit.hash')} {entry['hash']}", "muted")]


def text_of(value: Any) -> str:
    """A value that was noted beside an act: several with commas between them."""
    return ", ".join(map(text_of, value)) if isinstance(value, list) else str(value)
