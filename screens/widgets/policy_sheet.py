"""The policies of a table: which rows, by role. What is changed becomes steps of the draft; `t` asks as somebody (A-200)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from textual import work
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.client import SovriumError
from screens.actions.binding import bindings_of
from screens.presenters.refusal import Refusal, problem_of
from screens.presenters.role_draft import PUBLIC, RoleDraft, policy_line, read_names
from screens.presenters.simulation import as_person, people_hits, request_of, simulated_lines, subject_hits
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.finder import Finder
from screens.widgets.form_sheet import Ask, FormSheet, Values
from screens.widgets.line_view import LineView
from screens.widgets.sheet import Sheet

ACTIONS = ("all", "select", "insert", "update", "delete")
KINDS = ("permissive", "restrictive")


class PolicySheet(Sheet[None]):
    """`step` takes the changes."""

    DEFAULT_CSS = """
    PolicySheet > .sheet { width: 110; }
    PolicySheet LineView { height: auto; max-height: 14; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("policies")]
    action_context = "policies"

    def __init__(self, context: Context, draft: RoleDraft, table: str, step: Callable[..., None]) -> None:
        super().__init__(context, t("roles.policies.title", table=table))
        self.draft, self.table_name, self.step = draft, table, step

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="policies-note", classes="sheet-note", markup=False)
        yield OptionList(markup=False, compact=True)
        yield LineView()

    def on_mount(self) -> None:
        self.query_one(LineView).can_focus = False
        self.query_one(OptionList).focus()
        self.paint()

    def policies(self) -> list[dict[str, Any]]:
        table = self.draft.table(self.table_name)
        return list(((table["rls"] or {}).get("policies") or ()) if table is not None else ())

    def chosen(self) -> dict[str, Any] | None:
        at, policies = self.query_one(OptionList).highlighted, self.policies()
        return policies[at] if at is not None and at < len(policies) else None

    def paint(self) -> None:
        listing, policies = self.query_one(OptionList), self.policies()
        at = listing.highlighted or 0
        listing.clear_options()
        for policy in policies:
            to = policy.get("to", "public")
            wrong = self.draft.undefined([each for each in ([to] if isinstance(to, str) else to) if each not in PUBLIC])
            listing.add_option(Option(Content.styled(policy_line(policy), "bold $error" if wrong else "")))
        listing.highlighted = min(at, len(policies) - 1) if policies else None
        table = self.draft.table(self.table_name)
        rls = table["rls"] if table is not None else None
        key = "none" if rls is None else "off" if rls.get("enabled") is False else "empty" if not policies else "on"
        self.query_one("#policies-note", Static).update(t(f"roles.policies.{key}"))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("policies_edit", "policies_remove"):
            return self.is_mounted and self.chosen() is not None
        if action == "policies_switch":
            table = self.draft.table(self.table_name)
            return table is not None and table["rls"] is not None
        return True

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_policies_edit()

    def action_policies_add(self) -> None:
        self.edit(None)

    def action_policies_edit(self) -> None:
        if (policy := self.chosen()) is not None:
            self.edit(policy)

    @work(exclusive=True, group="edit", exit_on_error=False)
    async def edit(self, policy: dict[str, Any] | None) -> None:
        """A policy in a form, a new one for None."""
        old = policy or {}
        to = old.get("to", "public")
        known = [*(name for name in self.draft.subjects() if name), *PUBLIC]
        asks = [
            Ask("name", t("roles.policies.name"), str(old.get("name", ""))),
            Ask("for", t("roles.policies.for"), str(old.get("for", "all")), choices=ACTIONS),
            Ask("to", t("roles.policies.to"), ", ".join([to] if isinstance(to, str) else to), choices=known),
            Ask("as", t("roles.policies.as"), str(old.get("as", "permissive")), choices=KINDS),
            Ask("using", t("roles.policies.using"), str(old.get("using") or "")),
            Ask("check", t("roles.policies.check"), str(old.get("check") or "")),
        ]
        taken = {each["name"] for each in self.policies()} - {old.get("name")}

        async def judge(values: Values) -> None:
            if not values["name"] or values["name"] in taken:
                raise Refusal(t("roles.policies.name-wrong"), "name")
            await self._judge(str(old.get("name") or values["name"]), policy_of(values))

        values = await self.app.push_screen_wait(
            FormSheet(self.context, self.sheet_title, asks, note=t("roles.policies.hint"), send=judge)
        )
        if values is None:
            return
        change = {"op": "set-policy", "table": self.table_name, "policy": old.get("name") or values["name"]}
        self.step({**change, "value": policy_of(values)})
        self.paint()

    async def _judge(self, name: str, policy: dict[str, Any]) -> None:
        """Raises ValueError with what the server has against the app file with that policy, and not without it."""
        port = self.context.port
        if port is None:
            return
        change = {"op": "set-policy", "table": self.table_name, "policy": name, "value": policy}
        verdict = await self.draft.ask(port, change)
        known = {str(each["message"]) for each in (self.draft.verdict["problems"] if self.draft.verdict else ())}
        found = [str(each["message"]) for each in verdict["problems"] if str(each["message"]) not in known]
        if found:
            raise ValueError("\n".join(found[:3]))

    def action_policies_remove(self) -> None:
        if (policy := self.chosen()) is not None:
            self.step({"op": "set-policy", "table": self.table_name, "policy": policy["name"]})
            self.paint()

    def action_policies_switch(self) -> None:
        """In force, or resting."""
        table = self.draft.table(self.table_name)
        if table is not None and table["rls"] is not None:
            on = table["rls"].get("enabled") is not False
            self.step({"op": "set-rule", "table": self.table_name, "path": ["rls", "enabled"], "value": not on})
            self.paint()

    @work(exclusive=True, group="test", exit_on_error=False)
    async def action_policies_test(self) -> None:
        """Which policy lets whom at which record? By what is in force; nothing is changed."""
        port, table = self.context.port, self.draft.table(self.table_name)
        if port is None or table is None:
            return

        async def people(text: str) -> list[Any]:
            page = await port.admin.users(text, limit=20)
            return people_hits(page["users"])

        hit = await self.app.push_screen_wait(Finder(t("roles.as-whom"), subject_hits(self.draft.subjects()), people))
        if hit is None:
            return
        asks = [Ask("record", t("roles.policies.record"))]
        values = await self.app.push_screen_wait(FormSheet(self.context, hit.label, asks))
        if values is None:
            return
        view = self.query_one(LineView)
        try:
            who = as_person(await port.admin.user(hit.value["id"])) if "id" in hit.value else hit.value
            found = await port.explain(request_of(table["sqlName"], who, values["record"]))
        except SovriumError as error:
            view.show([(problem_of(error), "refused")])
            return
        view.show(simulated_lines(hit.label, found, values["record"]))
        view.can_focus = True


def policy_of(values: Values) -> dict[str, Any]:
    """The map of the app file; what is by default is left out."""
    names = read_names(values["to"])
    policy: dict[str, Any] = {"name": values["name"]}
    if values["for"] not in ("", "all"):
        policy["for"] = values["for"]
    if names and names != ["public"]:
        policy["to"] = names
    if values["as"] == "restrictive":
        policy["as"] = "restrictive"
    return policy | {key: values[key] for key in ("using", "check") if values[key]}
