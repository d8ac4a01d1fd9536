"""Schema: tables and fields as a draft; what it does to file and data is shown before anything is written (T-031, T-143)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from textual import work
from textual.containers import Container, Vertical
from textual.content import Content
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.client import SovriumError
from core.contract.migrations import MigrationPlan
from screens.actions.binding import bindings_of
from screens.presenters.finder import Hit
from screens.presenters.format.line import one_line
from screens.presenters.migration import Line, diff_lines, plan_lines, summary
from screens.presenters.schema_draft import (
    CHOICES,
    FLAGS,
    TYPES,
    Change,
    DraftField,
    DraftTable,
    SchemaDraft,
    keys_of,
    told,
)
from screens.presenters.schema_problem import problem_lines
from screens.presenters.schema_value import edited, options_read, options_text, read, shown
from screens.services.context import Context
from screens.services.style import STYLES
from screens.services.text import has, t
from screens.widgets.draft_screen import DraftScreen
from screens.widgets.finder import Finder
from screens.widgets.formula_editor import FormulaSheet
from screens.widgets.line_view import LineView
from screens.widgets.name_dialog import NameDialog
from screens.widgets.schema_text import SchemaText
from screens.widgets.sheet import padded

TABLES, FIELDS, FIELD = "schema-tables", "schema-fields", "schema-field"
WIDE, NARROW = 27, 17
"""Cells of a line of the list of tables, by the styles; what is laid out is known too late for the first painting."""


class SchemaScreen(DraftScreen):
    """Tables, their fields, what is said of a field; below, what the draft would do."""

    CSS_PATH = STYLES / "schema.tcss"
    BINDINGS = bindings_of("schema")
    AUTO_FOCUS = f"#{TABLES}"
    action_context = "schema"
    mode = "schema"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.draft = SchemaDraft()

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="schema-head", markup=False)
        with Container(id="schema-body"):
            for name in (TABLES, FIELDS, FIELD):
                with Vertical(classes="schema-column"):
                    yield Static(t(f"schema.{name}"), classes="schema-title", id=f"{name}-title", markup=False)
                    yield OptionList(id=name, classes="pane", markup=False, compact=True)
        yield LineView(id="schema-verdict", classes="pane")

    def on_resize(self, event: Resize) -> None:
        self.query_one("#schema-body").set_class(event.size.width < 110, "narrow")
        self.call_after_refresh(self.paint)

    def language_changed(self) -> None:
        for name in (TABLES, FIELDS, FIELD):
            self.query_one(f"#{name}-title", Static).update(t(f"schema.{name}"))
        super().language_changed()

    def load(self) -> None:  # type: ignore[override]
        """The tables as the console knows them: without a server, too."""
        if self.context.schema is not None:
            self.draft.renew(self.context.schema["tables"])
            self.paint()
            self.judge()

    # ── Painting ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def lists(self, name: str) -> OptionList:
        return self.query_one(f"#{name}", OptionList)

    def table_here(self) -> DraftTable | None:
        at = self.lists(TABLES).highlighted
        return self.draft.tables[at] if at is not None and at < len(self.draft.tables) else None

    def field_here(self) -> DraftField | None:
        table, at = self.table_here(), self.lists(FIELDS).highlighted
        return table.fields[at] if table is not None and at is not None and at < len(table.fields) else None

    def paint(self) -> None:
        """All three lists and the verdict; what was chosen stays chosen."""
        tables = self.draft.tables
        self._fill(TABLES, [self._table_line(each) for each in tables])
        self._paint_fields()
        self._paint_head()

    def _paint_fields(self) -> None:
        table = self.table_here()
        self._fill(FIELDS, [self._field_line(each) for each in table.fields] if table else [])
        self._paint_field()

    def _paint_field(self) -> None:
        held = self.field_here()
        wide = self.lists(FIELD).content_region.width or 40
        lines = []
        for key in keys_of(held) if held is not None else ():
            value = shown(held.spec.get(key)) if held is not None else ""
            lines.append(Content.assemble(padded(key_title(key), 18, "dim"), one_line(value)[: max(wide - 19, 8)]))
        self._fill(FIELD, lines)

    def _fill(self, name: str, lines: Sequence[Content]) -> None:
        listing = self.lists(name)
        at = listing.highlighted or 0
        with self.prevent(OptionList.OptionHighlighted):
            listing.clear_options()
            listing.add_options([Option(line) for line in lines])
            listing.highlighted = min(at, len(lines) - 1) if lines else None

    def _table_line(self, table: DraftTable) -> Content:
        mark, count = " " if table.stored else "+", f"  {len(table.fields)}"
        wide = NARROW if self.query_one("#schema-body").has_class("narrow") else WIDE
        room = wide - len(count) - 2
        name = Content(one_line(table.name)).truncate(max(6, room), ellipsis=True)
        return Content.assemble((f"{mark} ", "$success"), name, (count, "dim"))

    def _field_line(self, held: DraftField) -> Content:
        mark = "←" if held.given else " " if held.stored == held.name else "+" if not held.stored else "~"
        style = "dim" if held.given else ""
        room = max(20, (self.lists(FIELDS).content_region.width or 50) - 6)
        name = max(9, min(24, room * 11 // 20))
        return Content.assemble(
            (f"{mark} ", "$success"),
            padded(held.name, name, style),
            " ",
            padded(held.type, max(6, room - name - 1), "dim"),
            f"{held.marks:<3}",
        )

    def _paint_head(self) -> None:
        verdict = self.draft.verdict
        parts: list[Any] = [(t("place.schema"), "bold $primary")]
        if self.draft.steps:
            parts.append((f"  * {t('schema.steps', count=len(self.draft.steps))}", "bold $warning"))
            if self.problem:
                parts.append((f"  ! {self.problem}", "bold $error"))
            elif verdict is None:
                parts.append(("  …", "$foreground-muted"))
            elif verdict["problems"]:
                parts.append((f"  ! {t('schema.problems', count=len(verdict['problems']))}", "bold $error"))
            elif verdict["plan"] is not None:
                parts.append((f"  {summary(verdict['plan'])}  ^S", "bold $secondary"))
        self.query_one("#schema-head", Static).update(Content.assemble(*parts))
        self.query_one("#schema-verdict", LineView).show(self.verdict_lines())
        self.refresh_bindings()

    def verdict_lines(self) -> list[Line]:
        """What is wrong, at its line; else what would be done. Without steps: what to press."""
        verdict = self.draft.verdict
        if not self.draft.steps:
            return [(t("schema.hint"), "muted")]
        steps: list[Line] = [(told(step), "plain") for step in self.draft.steps]
        if self.problem:
            return [(f"! {self.problem}", "refused"), ("", "plain"), *steps]
        if verdict is None:
            return [*steps, ("…", "muted")]
        if verdict["problems"]:
            return [line for each in verdict["problems"] for line in problem_lines(each, verdict["diff"])]
        plan = plan_lines(verdict["plan"]) if verdict["plan"] is not None else []
        return [*(plan or [(t("migrations.no_steps"), "muted")]), ("", "plain"), *diff_lines(verdict["diff"])]

    # ── Asking the server ──────────────────────────────────────────────────────────────────────────────────────────────

    async def verdict_of(self, change: Change) -> Sequence[str]:
        """What would be wrong with one more step."""
        port = self.context.port
        if port is None:
            return []
        try:
            verdict = await self.draft.ask(port, change)
        except SovriumError as error:
            return [error.message]
        return [str(problem["message"]) for problem in verdict["problems"]]

    # ── Moving ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_list.id == TABLES:
            with self.prevent(OptionList.OptionHighlighted):
                self.lists(FIELDS).highlighted = None
            self._paint_fields()
        elif event.option_list.id == FIELDS:
            with self.prevent(OptionList.OptionHighlighted):
                self.lists(FIELD).highlighted = None
            self._paint_field()
        self.refresh_bindings()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_schema_open()

    @property
    def where(self) -> str:
        """Which list has the focus."""
        return self.focused.id or "" if self.focused is not None else ""

    def action_schema_open(self) -> None:
        """A table's fields, a field's keys, a key's value."""
        if self.where == TABLES:
            self.lists(FIELDS).focus()
        elif self.where == FIELDS:
            self.lists(FIELD).focus()
        elif self.where == FIELD:
            self.edit_key()

    def action_app_back(self) -> None:
        """Escape: one list to the left."""
        if self.where == FIELD:
            self.lists(FIELDS).focus()
        elif self.where != TABLES:
            self.lists(TABLES).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted or not action.startswith("schema_"):
            return super().check_action(action, parameters)
        held, given = self.field_here(), False
        if self.where in (FIELDS, FIELD):
            given = held is not None and held.given
        match action:
            case "schema_type":
                return self.where in (FIELDS, FIELD) and held is not None and not given
            case "schema_rename" | "schema_remove":
                return not given and (self.table_here() if self.where == TABLES else held) is not None
            case "schema_up" | "schema_down":
                return self.where in (TABLES, FIELDS) and not given
            case "schema_discard":
                return bool(self.draft.steps)
        return True

    # ── Steps ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    @work(exclusive=True, group="step", exit_on_error=False)
    async def action_schema_add(self) -> None:
        """A table, a field below the chosen one, or a key of the field."""
        table, held = self.table_here(), self.field_here()
        if self.where == FIELD and table is not None and held is not None:
            if not held.given:
                await self._add_key(table, held)
            return
        if self.where == TABLES or table is None:
            name = await self._ask_name(t("schema.new_table"))
            if name:
                first = {"name": "name", "type": "single-line-text", "required": True}
                self.step({"op": "add-table", "table": {"name": name, "fields": [first]}})
                self.lists(TABLES).highlighted = len(self.draft.tables) - 1
            return
        name = await self._ask_name(t("schema.new_field", table=table.name))
        kind = await self._kind("single-line-text") if name else None
        if name and kind:
            at = self.lists(FIELDS).highlighted
            own = sum(not each.given for each in table.fields)
            place = own if at is None else min(at + 1, own)
            self.draft.add_field(table.name, name, kind, place)
            self.step()
            self.lists(FIELDS).highlighted = place

    @work(exclusive=True, group="step", exit_on_error=False)
    async def action_schema_rename(self) -> None:
        if self.where == FIELD:
            self.edit_key()
            return
        await self._rename()

    async def _rename(self) -> None:
        table, held = self.table_here(), self.field_here()
        if table is None:
            return
        if self.where == TABLES:
            name = await self._ask_name(t("schema.rename"), table.name)
            if name and name != table.name:
                self.step({"op": "rename-table", "table": table.name, "name": name})
        elif held is not None:
            name = await self._ask_name(t("schema.rename"), held.name)
            if name and name != held.name:
                self.step({"op": "rename-field", "table": table.name, "field": held.name, "name": name})

    async def _ask_name(self, title: str, value: str = "") -> str:
        return str(await self.app.push_screen_wait(NameDialog(self.context, title, value)) or "")

    async def _kind(self, now: str) -> str | None:
        hits = [
            Hit(label=kind, detail=t(f"schema.type.{kind}") if has(f"schema.type.{kind}") else "") for kind in TYPES
        ]
        hits.sort(key=lambda hit: hit.label != now)
        hit = await self.app.push_screen_wait(Finder(t("schema.choose_type"), hits))
        return hit.label if hit is not None else None

    @work(exclusive=True, group="step", exit_on_error=False)
    async def action_schema_type(self) -> None:
        await self._retype()

    async def _retype(self) -> None:
        table, held = self.table_here(), self.field_here()
        if table is None or held is None:
            return
        kind = await self._kind(held.type)
        if kind and kind != held.type:
            self.draft.retype(table.name, held.name, kind)
            self.step()

    def action_schema_remove(self) -> None:
        """A table, a field, or the key of a field. Nothing is lost before the plan is carried out."""
        table, held = self.table_here(), self.field_here()
        if table is None:
            return
        if self.where == TABLES:
            self.step({"op": "remove-table", "table": table.name})
        elif held is not None and self.where == FIELDS:
            self.step({"op": "remove-field", "table": table.name, "field": held.name})
        elif held is not None and (key := self._key_here(held)) not in ("", "name", "type") and key in held.spec:
            self.draft.set_field(table.name, held.name, key, None)
            self.step()

    def action_schema_up(self) -> None:
        self._move(-1)

    def action_schema_down(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        table, held = self.table_here(), self.field_here()
        listing = self.lists(self.where) if self.where in (TABLES, FIELDS) else None
        if table is None or listing is None or listing.highlighted is None:
            return
        count = len(self.draft.tables) if self.where == TABLES else sum(not each.given for each in table.fields)
        to = listing.highlighted + by
        if not 0 <= to < count:
            return
        if self.where == TABLES:
            self.step({"op": "move-table", "table": table.name, "to": to})
        elif held is not None:
            self.step({"op": "move-field", "table": table.name, "field": held.name, "to": to})
        listing.highlighted = to

    # ── Keys of a field ────────────────────────────────────────────────────────────────────────────────────────────────

    def _key_here(self, held: DraftField) -> str:
        at, keys = self.lists(FIELD).highlighted, keys_of(held)
        return keys[at] if at is not None and at < len(keys) else ""

    @work(exclusive=True, group="step", exit_on_error=False)
    async def edit_key(self) -> None:
        """The value of the chosen key, by the editor that fits it."""
        table, held = self.table_here(), self.field_here()
        key = self._key_here(held) if held is not None else ""
        if table is None or held is None or not key or held.given:
            return
        if key == "name":
            name = await self._ask_name(t("schema.rename"), held.name)
            if name and name != held.name:
                self.step({"op": "rename-field", "table": table.name, "field": held.name, "name": name})
        elif key == "type":
            await self._retype()
        elif key in FLAGS or isinstance(held.spec.get(key), bool):
            self._set(table, held, key, not held.spec.get(key))
        else:
            await self._edit_value(table, held, key)

    async def _edit_value(self, table: DraftTable, held: DraftField, key: str) -> None:
        before = held.spec.get(key)
        if choices := self._choices(table, held, key):
            hits = [Hit(label=each) for each in choices]
            hit = await self.app.push_screen_wait(Finder(key_title(key), hits))
            if hit is not None and hit.label != before:
                self._set(table, held, key, hit.label)
            return
        if key == "options":
            text = await self.app.push_screen_wait(
                SchemaText(
                    self.context, f"{held.name} · {key_title(key)}", options_text(before), t("schema.options_hint")
                )
            )
            value: Any = options_read(text, before) if text is not None else before
        elif key == "formula":
            text = await self._formula(table, held, str(before or ""))
            value = text.strip() if text is not None else before
        else:
            typed = await self.app.push_screen_wait(
                NameDialog(self.context, f"{held.name} · {key_title(key)}", edited(before))
            )
            value = read(typed) if typed is not None else before
        if value != before:
            self._set(table, held, key, value)

    async def _formula(self, table: DraftTable, held: DraftField, before: str) -> str | None:
        """The formula editor over the stored table; once there is a draft, the draft has the say."""
        known = list(self.draft.verdict["problems"]) if self.draft.verdict is not None else []
        old = {str(problem["message"]) for problem in known}

        async def judge(text: str) -> Sequence[str]:
            change = {"op": "set-field", "table": table.name, "field": held.name, "key": "formula", "value": text}
            return [each for each in await self.verdict_of(change) if each not in old]

        result = str(held.spec.get("resultType") or "") or None
        names = [(each.name, each.type) for each in table.fields if each is not held]
        asked = judge if self.draft.steps else None
        title = f"{held.name} · ƒ"
        sheet = FormulaSheet(self.context, title, table.stored, names, before, result_type=result, judge=asked)
        return await self.app.push_screen_wait(sheet)

    async def _add_key(self, table: DraftTable, held: DraftField) -> None:
        """A key that is not in the list: one that the type knows, or whatever is typed. The server judges it."""
        stored = self.context.table(table.stored)
        listed = keys_of(held)
        info = next((each for each in stored["fields"] if each["name"] == held.stored), None) if stored else None
        options = info["options"] if info is not None and info["type"] == held.type else {}
        hits = [Hit(label=key, detail=shown(value)) for key, value in options.items() if key not in listed]
        hit = await self.app.push_screen_wait(Finder(t("schema.new_key", field=held.name), hits, free=True))
        if hit is None:
            return
        if hit.label not in listed:
            now = options.get(hit.label)
            text = await self.app.push_screen_wait(
                NameDialog(self.context, f"{held.name} · {key_title(hit.label)}", edited(now))
            )
            if not text or read(text) == now:
                return
            self._set(table, held, hit.label, read(text))
        now_held = self.field_here()  # the draft is made anew by every step
        if now_held is not None and hit.label in (keys := keys_of(now_held)):
            self.lists(FIELD).highlighted = keys.index(hit.label)

    def _choices(self, table: DraftTable, held: DraftField, key: str) -> Sequence[str]:
        """The values that a key may have, where they are known."""
        if key == "relatedTable":
            return [each.name for each in self.draft.tables]
        if key == "relationshipField":
            return [each.name for each in table.fields if each.type == "relationship"]
        if key in ("relatedField", "displayField", "foreignKey"):
            link = table.field(str(held.spec.get("relationshipField"))) if held.type != "relationship" else held
            far = self.draft.table(str(link.spec.get("relatedTable"))) if link is not None else None
            return [each.name for each in far.fields if not each.given] if far is not None else ()
        return CHOICES.get(key, ())

    def _set(self, table: DraftTable, held: DraftField, key: str, value: Any) -> None:
        self.draft.set_field(table.name, held.name, key, value)
        self.step()

    # ── Draft as a whole: the keys of staged edits ─────────────────────────────────────────────────────────────────────

    def paint_verdict(self) -> None:
        self._paint_head()

    def plan_title(self, plan: MigrationPlan) -> str:
        return t("migrations.forth", version=plan["after"])

    def written(self, files: str) -> None:
        self.notify(t("schema.written", files=files))

    def action_schema_discard(self) -> None:
        self.discard()

    # ── Indexes ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_schema_indexes(self) -> None:
        """What is unique, indexed or linked in this table, and who sees to it."""
        table = self.table_here()
        if table is not None and table.stored:
            self.show_indexes(table)

    @work(exclusive=True, group="indexes", exit_on_error=False)
    async def show_indexes(self, table: DraftTable) -> None:
        from screens.widgets.index_sheet import IndexSheet

        port = self.context.port
        if port is None:
            return
        try:
            found = await port.request("GET", f"/api/console/tables/{table.stored}/indexes")
        except SovriumError as error:
            self.notify(error.message, severity="error")
            return
        await self.app.push_screen_wait(IndexSheet(self.context, table.name, found["indexes"]))


def key_title(key: str) -> str:
    """What a key of the app file is called on screen."""
    return t(f"schema.key.{key}") if has(f"schema.key.{key}") else key
