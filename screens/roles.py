"""Roles: who may do what with which table, rules of fields and rows, what it means for somebody. Steps are a draft until
they are written into the app file (A-040)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from textual import work
from textual.containers import Container
from textual.content import Content
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.client import Port, SovriumError
from core.contract.access import TableRules
from core.contract.migrations import MigrationPlan
from screens.actions.binding import bindings_of
from screens.presenters.finder import Hit
from screens.presenters.migration import Line
from screens.presenters.refusal import Refusal, problem_of
from screens.presenters.role_draft import (
    FIELD_KEYS,
    GUEST,
    ROW_OPERATIONS,
    Change,
    RoleDraft,
    RowRuleError,
    least_of,
    named_in,
    read_names,
    read_row_rule,
    row_text,
)
from screens.presenters.role_lines import draft_lines
from screens.presenters.simulation import Somebody, as_person, people_hits, request_of, simulated_lines, subject_hits
from screens.services.context import Context
from screens.services.style import STYLES
from screens.services.text import t
from screens.widgets.draft_screen import DraftScreen
from screens.widgets.finder import Finder
from screens.widgets.form_sheet import Ask, FormSheet, Values
from screens.widgets.line_view import LineView
from screens.widgets.matrix import Matrix
from screens.widgets.role_matrix import RoleMatrix
from screens.widgets.sheet import padded

WHO = "roles-who"


class RolesScreen(DraftScreen):
    """Roles to the left, the matrix of the chosen one to the right; below, the rule under the cursor, the draft, or what
    somebody may."""

    CSS_PATH = STYLES / "roles.tcss"
    BINDINGS = bindings_of("roles")
    AUTO_FOCUS = f"#{WHO}"
    action_context = "roles"
    mode = "roles"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.draft = RoleDraft()
        self.somebody: tuple[str, Somebody] | None = None
        """Whom the server is asked about, with their name."""

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="roles-head", markup=False)
        with Container(id="roles-body"):
            yield OptionList(id=WHO, classes="pane", markup=False, compact=True)
            yield RoleMatrix(id="roles-matrix", classes="pane")
        yield LineView(id="roles-detail", classes="pane")

    def on_resize(self, event: Resize) -> None:
        self.query_one("#roles-body").set_class(event.size.width < 110, "narrow")
        self.call_after_refresh(self.paint)

    async def read(self, port: Port) -> None:
        self.draft.renew(await port.admin.rules())

    # ── Painting ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def who(self) -> str:
        """The role, group or guest whose matrix is shown."""
        names, at = self.draft.subjects(), self.query_one(f"#{WHO}", OptionList).highlighted
        return names[at] if at is not None and at < len(names) else GUEST

    @property
    def matrix(self) -> RoleMatrix:
        return self.query_one(RoleMatrix)

    def paint(self) -> None:
        if not self.is_mounted:
            return
        listing = self.query_one(f"#{WHO}", OptionList)
        at = listing.highlighted or 0
        names = self.draft.subjects() if self.draft.rules["tables"] or self.draft.rules["roles"] else []
        with self.prevent(OptionList.OptionHighlighted):
            listing.clear_options()
            listing.add_options([Option(self._subject_line(name)) for name in names])
            listing.highlighted = min(at, len(names) - 1) if names else None
        self._paint_matrix()
        self._paint_head()

    def _subject_line(self, name: str) -> Content:
        role = self.draft.role(name)
        room = 10 if self.query_one("#roles-body").has_class("narrow") else 18
        if role is None:
            return Content.assemble(" ", padded(name or t("roles.guest"), room + 5, "dim italic"))
        style = "" if role["builtIn"] else "bold"
        level = f"{role['level']:>3}"
        mark = "*" if name == self.draft.rules["defaultRole"] else " "
        return Content.assemble((mark, "bold $secondary"), padded(name, room, style), (f" {level} ", "dim"))

    def _paint_matrix(self) -> None:
        self.matrix.show_role(self.draft, self.who)
        self._paint_detail()

    def place(self) -> tuple[TableRules, str, str] | None:
        """Table, field ("" for the table itself) and column under the cursor."""
        return self.matrix.place()

    def _paint_head(self) -> None:
        parts: list[Any] = [(t("place.roles"), "bold $primary")]
        undefined = self.draft.problems()
        if self.problem:
            parts.append((f"  ! {self.problem}", "bold $error"))
        elif undefined:
            parts.append((f"  ! {t('roles.undefined', names=', '.join(dict(undefined)))}", "bold $error"))
        if self.draft.steps:
            parts.append((f"  * {t('schema.steps', count=len(self.draft.steps))}  ^S", "bold $warning"))
        elif not self.problem:
            parts.append((f"  {t('roles.legend')}", "$foreground-muted"))
        self.query_one("#roles-head", Static).update(Content.assemble(*parts))
        self.refresh_bindings()

    def _paint_detail(self) -> None:
        if self.somebody is not None:
            self.simulate()
            return
        self.query_one("#roles-detail", LineView).show(draft_lines(self.draft, self.place()))

    # ── Asking the server ──────────────────────────────────────────────────────────────────────────────────────────────

    @work(exclusive=True, group="simulate", exit_on_error=False)
    async def simulate(self) -> None:
        """What somebody may do with the table under the cursor, by the rules in force."""
        port, place, somebody = self.context.port, self.place(), self.somebody
        if port is None or place is None or somebody is None:
            return
        name, who = somebody
        view = self.query_one("#roles-detail", LineView)
        try:
            found = await port.explain(request_of(place[0]["sqlName"], who))
        except SovriumError as error:
            view.show([(error.message, "refused")])
            return
        note: list[Line] = [(t("roles.as-written"), "warn")] if self.draft.steps else []
        view.show([*note, *simulated_lines(name, found), ("", "plain"), (t("roles.simulate-end"), "muted")])

    # ── Moving ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._paint_matrix()
        self.refresh_bindings()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.matrix.focus()

    def on_matrix_moved(self, event: Matrix.Moved) -> None:
        event.stop()
        self._paint_detail()
        self.refresh_bindings()

    def on_matrix_chosen(self, event: Matrix.Chosen) -> None:
        event.stop()
        self.action_roles_edit()

    def on_descendant_focus(self) -> None:
        self.refresh_bindings()

    @property
    def in_matrix(self) -> bool:
        return self.focused is not None and self.focused is self.matrix

    def action_app_back(self) -> None:
        """Escape: end the simulation, then one pane to the left."""
        if self.somebody is not None:
            self.somebody = None
            self._paint_detail()
        else:
            self.query_one(f"#{WHO}").focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted or not action.startswith("roles_"):
            return super().check_action(action, parameters)
        place, role = self.place(), self.draft.role(self.who)
        own = role is not None and not role["builtIn"]
        match action:
            case "roles_toggle":
                return self.in_matrix and place is not None and place[2] != "rows" and not self.draft.is_above(self.who)
            case "roles_edit":
                return place is not None if self.in_matrix else True
            case "roles_remove":
                return (place is not None and place[2] != "rows") if self.in_matrix else own
            case "roles_rows" | "roles_policies" | "roles_fields" | "roles_simulate":
                return place is not None
            case "roles_default":
                return role is not None and not self.in_matrix
            case "roles_discard":
                return bool(self.draft.steps)
        return True

    # ── Rules ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_roles_toggle(self) -> None:
        """Let the role do it, or not any more."""
        place = self.place()
        if place is None:
            return
        table, field, column = place
        if field:
            if self.who == GUEST:
                self.app.bell()
                return
            self.step(self.draft.toggle_field(self.who, table, field, FIELD_KEYS[column]))
        else:
            self.step(*self.draft.toggle(self.who, table, column))

    def action_roles_edit(self) -> None:
        """The rule as a whole; of a role its level and description."""
        if not self.in_matrix:
            role = self.draft.role(self.who)
            if role is None or role["builtIn"]:
                self.matrix.focus()
            else:
                self.edit_role()
        elif (place := self.place()) is not None and place[2] == "rows":
            self.action_roles_policies()
        else:
            self.edit_rule()

    @work(exclusive=True, group="step", exit_on_error=False)
    async def edit_rule(self) -> None:
        place = self.place()
        if place is None:
            return
        table, field, column = place
        key = FIELD_KEYS.get(column, column)
        rule = self.draft.field_rule(table, field, key) if field else self.draft.rule(table, column)
        title = f"{table['name']}{f'.{field}' if field else ''} · {t(f'roles.column-long.{column}')}"
        hits = [
            Hit(label=t("roles.rule.all"), value="all"),
            Hit(label=t("roles.rule.authenticated"), value="authenticated"),
            Hit(label=t("roles.rule.names"), detail=", ".join(named_in(rule)), value=[]),
            *(
                Hit(
                    label=t("roles.rule.least", role=each["name"]),
                    detail=str(each["level"]),
                    value={"minRole": each["name"]},
                )
                for each in self.draft.rules["roles"]
            ),
            Hit(label=t("roles.rule.remove"), value=None),
        ]
        hit = await self.app.push_screen_wait(Finder(title, hits))
        if hit is None:
            return
        value = hit.value
        if value == []:
            known = [name for name in self.draft.subjects() if name]
            names = "" if isinstance(rule, dict) else ", ".join(named_in(rule))
            asks = [Ask("names", t("roles.names"), names, choices=known)]
            typed = await self.app.push_screen_wait(FormSheet(self.context, title, asks, note=", ".join(known)))
            if typed is None or not (value := read_names(typed["names"])):
                return
        if value == rule or (isinstance(value, dict) and isinstance(rule, dict) and least_of(value) == least_of(rule)):
            return
        change = self.draft.set_field_rule(table, field, key, value)
        self.step(change if field else self.draft.set_rule(table, column, value))

    def action_roles_remove(self) -> None:
        """A rule, so that what stands behind it holds; or a role."""
        if not self.in_matrix:
            self.step({"op": "remove-role", "role": self.who})
            return
        place = self.place()
        if place is None:
            return
        table, field, column = place
        if field:
            self.step(self.draft.set_field_rule(table, field, FIELD_KEYS[column], None))
        elif column in (table["permissions"] or {}):
            self.step(self.draft.set_rule(table, column, None))

    def action_roles_fields(self) -> None:
        """All fields of the table, or those with rules alone."""
        place = self.place()
        if place is not None:
            self.matrix.turn(place[0])
            self._paint_matrix()

    @work(exclusive=True, group="step", exit_on_error=False)
    async def action_roles_rows(self) -> None:
        """Which rows of the table, for whoever is asking."""
        place = self.place()
        if place is None:
            return
        table = place[0]
        before = {
            name: row_text(table["rowRules"][name]) if name in table["rowRules"] else "" for name in ROW_OPERATIONS
        }
        asks = [Ask(name, t(f"roles.rows.{name}"), before[name]) for name in ROW_OPERATIONS]

        async def check(values: Values) -> None:
            for name in ROW_OPERATIONS:
                if values[name] != before[name]:
                    try:
                        read_row_rule(values[name])
                    except RowRuleError as error:
                        raise Refusal(str(error), name) from None

        title = t("roles.rows.title", table=table["name"])
        values = await self.app.push_screen_wait(
            FormSheet(self.context, title, asks, note=t("roles.rows.hint"), send=check)
        )
        changes: list[Change] = []
        for name in ROW_OPERATIONS if values is not None else ():
            if values[name] == before[name]:
                continue
            change: Change = {"op": "set-rule", "table": table["name"], "path": ["rowLevelPermissions", name]}
            rule = read_row_rule(values[name])
            kept = {key: each for key, each in table["rowRules"].get(name, {}).items() if key != "when"}
            changes.append({**change, "value": {**kept, **rule}} if rule is not None else change)
        if changes:
            self.step(*changes)

    @work(exclusive=True, group="policies", exit_on_error=False)
    async def action_roles_policies(self) -> None:
        """The policies of the table."""
        from screens.widgets.policy_sheet import PolicySheet

        place = self.place()
        if place is not None:
            await self.app.push_screen_wait(PolicySheet(self.context, self.draft, place[0]["name"], self.step))

    # ── Roles ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    @work(exclusive=True, group="step", exit_on_error=False)
    async def action_roles_add(self) -> None:
        values = await self._ask_role(t("roles.new"), "", "", "")
        if values is None:
            return
        role: dict[str, Any] = {"name": values["name"]}
        if values["level"]:
            role["level"] = int(values["level"])
        if values["description"]:
            role["description"] = values["description"]
        self.step({"op": "add-role", "role": role})
        self.query_one(f"#{WHO}", OptionList).highlighted = self.draft.subjects().index(role["name"])

    @work(exclusive=True, group="step", exit_on_error=False)
    async def edit_role(self) -> None:
        role = self.draft.role(self.who)
        if role is None:
            return
        values = await self._ask_role(role["name"], role["name"], str(role["level"]), role["description"])
        if values is None:
            return
        changes: list[Change] = []
        if values["level"] and int(values["level"]) != role["level"]:
            changes.append({"op": "set-role", "role": role["name"], "key": "level", "value": int(values["level"])})
        if values["description"] != role["description"]:
            change = {"op": "set-role", "role": role["name"], "key": "description"}
            changes.append({**change, "value": values["description"]} if values["description"] else change)
        if changes:
            self.step(*changes)

    async def _ask_role(self, title: str, name: str, level: str, description: str) -> Values | None:
        """name "": a new role, whose name is asked for."""
        asks = [] if name else [Ask("name", t("roles.name"))]
        asks += [Ask("level", t("roles.level"), level), Ask("description", t("roles.description"), description)]

        async def check(values: Values) -> None:
            if not name and not values["name"]:
                raise Refusal(t("roles.name-needed"), "name")
            if not name and self.draft.role(values["name"]) is not None:
                raise Refusal(t("roles.name-taken", name=values["name"]), "name")
            if values["level"] and not (
                values["level"].isascii() and values["level"].isdigit() and int(values["level"]) <= 100
            ):
                raise Refusal(t("roles.level-wrong"), "level")

        return await self.app.push_screen_wait(FormSheet(self.context, title, asks, send=check))

    def action_roles_default(self) -> None:
        """New accounts get this role."""
        if self.who != self.draft.rules["defaultRole"]:
            self.step({"op": "set", "path": ["auth", "defaultRole"], "value": self.who})

    @work(exclusive=True, group="step", exit_on_error=False)
    async def action_roles_simulate(self) -> None:
        """Ask as somebody: what may they do here, and which rule says so?"""
        port = self.context.port
        if port is None:
            return
        if not self.in_matrix:
            self.matrix.focus()

        async def people(text: str) -> Sequence[Hit]:
            page = await port.admin.users(text, limit=20)
            return people_hits(page["users"])

        hits = subject_hits([self.who, *(each for each in self.draft.subjects() if each != self.who)])
        hit = await self.app.push_screen_wait(Finder(t("roles.as-whom"), hits, people))
        if hit is None:
            return
        try:
            who = as_person(await port.admin.user(hit.value["id"])) if "id" in hit.value else hit.value
        except SovriumError as error:
            self.notify(problem_of(error), severity="error")
            return
        self.somebody = (hit.label, who)
        self._paint_detail()

    # ── The draft as a whole ───────────────────────────────────────────────────────────────────────────────────────────

    def paint_verdict(self) -> None:
        self._paint_head()
        self._paint_detail()

    def plan_title(self, plan: MigrationPlan) -> str:
        return t("roles.write")

    def obstacle(self) -> str:
        if undefined := self.draft.problems():
            name, where = undefined[0]
            return t("roles.undefined-at", name=name, where=where)
        return ""

    def written(self, files: str) -> None:
        self.load()
        self.notify(t("roles.written", files=files))

    def action_roles_discard(self) -> None:
        self.discard()
