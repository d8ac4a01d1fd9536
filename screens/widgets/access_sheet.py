"""Who I am to the server and what I may do here; for admins: what somebody with another role may, and which rule says so
(P-043)."""

from collections.abc import Iterable
from typing import Any, ClassVar

from textual import work
from textual.binding import BindingType
from textual.widget import Widget

from core.client import SovriumError
from core.contract.access import Explanation, TablePermissions, WhoAmI
from core.contract.tables import TableInfo
from screens.actions.binding import bindings_of
from screens.presenters.finder import Hit
from screens.presenters.format.line import one_line
from screens.presenters.migration import Line
from screens.services.context import Context
from screens.services.text import has, labelled, t
from screens.widgets.finder import Finder
from screens.widgets.line_view import LineView
from screens.widgets.sheet import Sheet


class AccessSheet(Sheet[None]):
    """Shows the caller first; `a` asks as a role, as a guest, or as oneself again."""

    DEFAULT_CSS = """
    AccessSheet > .sheet { width: 100; }
    AccessSheet LineView { height: auto; max-height: 24; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("access")]
    action_context = "access"

    def __init__(self, context: Context, info: TableInfo | None) -> None:
        super().__init__(context, t("access.title"))
        self.info = info
        self.me: WhoAmI | None = None

    def compose_body(self) -> Iterable[Widget]:
        yield LineView()

    def on_mount(self) -> None:
        self.query_one(LineView).styles.max_height = max(6, self.app.size.height - 8)
        self.query_one(LineView).focus()
        self.load()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "access_role" or (self.me is not None and self.me["admin"] and self.info is not None)

    @work(exclusive=True, group="access", exit_on_error=False)
    async def load(self) -> None:
        port = self.context.port
        if port is None:
            return
        try:
            self.me = await port.whoami()
            mine = await port.permissions(self.info["sqlName"]) if self.info is not None else None
        except SovriumError as error:
            self.show([(error.message, "refused")])
            return
        self.show([*person_lines(self.me), *(permission_lines(self.info, mine) if self.info and mine else ())])
        self.refresh_bindings()

    def show(self, lines: list[Line]) -> None:
        self.query_one(LineView).show(lines)

    @work(exclusive=True, group="access", exit_on_error=False)
    async def action_access_role(self) -> None:
        """Ask as somebody else."""
        port, info = self.context.port, self.info
        if port is None or info is None:
            return
        try:
            known = await port.roles()
            hits = [
                Hit(label=each["name"], detail=each["description"], value={"roles": [each["name"]]})
                for each in known["roles"]
            ]
            hits += [
                Hit(
                    label=f"group:{each['name']}",
                    detail=str(each.get("description") or ""),
                    value={"groups": [each["name"]]},
                )
                for each in known["groups"]
            ]
            hits += [Hit(label=t("access.guest"), value={"guest": True}), Hit(label=t("access.myself"), value={})]
            hit = await self.app.push_screen_wait(Finder(t("access.choose"), hits))
            if hit is None:
                return
            asked: Any = {"table": info["sqlName"], **hit.value}
            self.show(explanation_lines(hit.label, await port.explain(asked)))
        except SovriumError as error:
            self.show([(error.message, "refused")])


def person_lines(me: WhoAmI) -> list[Line]:
    """The caller."""
    name = me["name"] or me["kind"]
    lines: list[Line] = [(one_line(f"{name}  {me['email'] or ''}".strip()), "title")]
    roles = ", ".join(map(one_line, me["roles"])) or t("access.none")
    lines.append((labelled(t("access.roles"), roles), "plain"))
    if me["groups"]:
        lines.append((labelled(t("access.groups"), ", ".join(map(one_line, me["groups"]))), "plain"))
    if me["unrestricted"]:
        lines.append((t("access.unrestricted"), "muted"))
    return lines


def permission_lines(info: TableInfo, mine: TablePermissions) -> list[Line]:
    """What the caller may do with a table, and the fields that it may not write or read."""
    lines: list[Line] = [("", "plain"), (one_line(info["name"]), "title")]
    lines += [
        (f"{'✓' if may else '✗'} {operation_name(name)}", "add" if may else "destructive")
        for name, may in mine["table"].items()
    ]
    by_itself = {field["name"] for field in info["fields"] if field["readOnly"]}
    locked = [name for name, each in mine["fields"].items() if not each["write"] and name not in by_itself]
    if locked:
        lines += [("", "plain"), (labelled(t("access.locked"), ", ".join(map(one_line, locked))), "warn")]
    return lines


def explanation_lines(who: str, found: Explanation) -> list[Line]:
    """What somebody may do, and the rule that decides."""
    lines: list[Line] = [(t("access.as", who=one_line(who), table=one_line(found["table"])), "title")]
    for each in found["decisions"]:
        mark, tone = ("✓", "add") if each["allowed"] else ("✗", "destructive")
        key = f"access.because.{each['because']}"
        why = t(key) if has(key) else one_line(each["because"])
        rule = f"  {one_line(each['rule'])}" if each["rule"] else ""
        lines.append((f"{mark} {operation_name(each['operation']):<22} {why}{rule}", tone))
        lines += [
            (f"    {labelled(t('access.rows'), one_line(rule))}", "muted") for rule in each["rows"] if each["allowed"]
        ]
    for name in ("unreadable", "unwritable"):
        if found[name]:  # type: ignore[literal-required]
            names = ", ".join(map(one_line, found[name]))  # type: ignore[literal-required]
            lines.append((labelled(t(f"access.{name}"), names), "warn"))
    return lines


def operation_name(name: str) -> str:
    return t(f"access.may.{name}") if has(f"access.may.{name}") else one_line(name)
