"""Sign-in settings: every key of `auth` in the app file, with what holds without it, who says it, and what is wrong with it.
Steps are a draft until they are written into the file (A-018)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual import work
from textual.containers import Container
from textual.content import Content
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.client import Port, SovriumError
from core.contract.migrations import MigrationPlan
from screens.actions.binding import bindings_of
from screens.presenters.auth_draft import SECTIONS, AuthDraft, Path, label_of, section_of
from screens.presenters.auth_value import SEVERAL_LINES, read, rule_text, shown, typed
from screens.presenters.finder import Hit
from screens.presenters.format.line import one_line
from screens.presenters.migration import Line, diff_lines
from screens.presenters.refusal import problem_of
from screens.presenters.schema_problem import problem_lines
from screens.services.context import Context
from screens.services.style import STYLES
from screens.services.text import t
from screens.services.wording import worded
from screens.widgets.confirm import confirm
from screens.widgets.draft_screen import DraftScreen
from screens.widgets.finder import Finder
from screens.widgets.form_sheet import Ask, FormSheet, Values
from screens.widgets.line_view import LineView
from screens.widgets.listing import Listing
from screens.widgets.schema_text import SchemaText
from screens.widgets.sheet import padded

SECTION, KEYS = "auth-sections", "auth-keys"


class AuthSettingsScreen(DraftScreen):
    """Sections to the left, their keys to the right; below, what is known of the key under the cursor, and the draft."""

    CSS_PATH = STYLES / "auth_settings.tcss"
    BINDINGS = bindings_of("auth")
    AUTO_FOCUS = f"#{SECTION}"
    action_context = "auth"
    mode = "auth"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.draft = AuthDraft()

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="auth-head", markup=False)
        with Container(id="auth-body"):
            yield Listing(id=SECTION, classes="pane", markup=False, compact=True)
            yield Listing(id=KEYS, classes="pane", markup=False, compact=True)
        yield LineView(id="auth-detail", classes="pane")

    def on_resize(self, event: Resize) -> None:
        self.query_one("#auth-body").set_class(event.size.width < 110, "narrow")
        self.call_after_refresh(self.paint)

    async def read(self, port: Port) -> None:
        self.draft.renew(await port.admin.auth_settings())

    # ── Painting ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def sections(self) -> Listing:
        return self.query_one(f"#{SECTION}", Listing)

    @property
    def keys(self) -> Listing:
        return self.query_one(f"#{KEYS}", Listing)

    @property
    def section(self) -> str:
        return list(SECTIONS)[self.sections.highlighted or 0]

    def here(self) -> Path | None:
        """The key under the cursor."""
        at, keys = self.keys.highlighted, self.draft.keys(self.section)
        return keys[at] if at is not None and at < len(keys) else None

    def paint(self) -> None:
        if not self.is_mounted:
            return
        self._paint_sections()
        self._paint_keys()
        self._paint_head()

    def _paint_sections(self) -> None:
        wrong, _ = self.draft.found_wrong()
        lines = []
        for name in SECTIONS if self.draft.settings else ():
            keys = self.draft.keys(name)
            mark, style = " ", ""
            if any(key in wrong for key in keys):
                mark, style = "✕", "bold $error"
            elif any(map(self.draft.is_changed, keys)):
                mark, style = "*", "bold $warning"
            lines.append(Content.assemble((f"{mark} ", style), t(f"auth.section.{name}")))
        fill(self.sections, lines)

    def _paint_keys(self) -> None:
        wrong, _ = self.draft.found_wrong()
        keys = self.draft.keys(self.section)
        room = max(30, (self.keys.content_region.width or 60) - 3)
        fill(self.keys, [self._key_line(key, wrong.get(key, []), room) for key in keys])
        self._paint_detail()

    def _key_line(self, key: Path, wrong: list[str], room: int) -> Content:
        """The key, its value and where it is written; below it what the validator says."""
        said, changed = self.draft.is_said(key), self.draft.is_changed(key)
        source = self._source(key)
        name, place = room * 9 // 20, min(16, room // 5)
        mark, style = ("✕ ", "bold $error") if wrong else ("* ", "bold $warning") if changed else ("  ", "")
        tone = "bold" if said else "dim"
        parts: list[Any] = [
            (mark, style),
            padded(label_of(key), name, "" if said else "dim"),
            " ",
            padded(one_line(self.draft.text(key)), room - name - place - 4, tone),
            " ",
            padded(source, place, "bold $warning" if changed else "dim"),
        ]
        parts += [Content.styled(f"\n    {one_line(text)}", "bold $error") for text in wrong]
        return Content.assemble(*parts)

    def _source(self, key: Path) -> str:
        """Where the value comes from: a line of the file, the draft, or nowhere."""
        setting = self.draft.settings[key]
        if self.draft.is_changed(key):
            return t("auth.changed" if self.draft.is_said(key) else "auth.taken")
        return f"{setting['file']}:{setting['line']}" if setting["written"] else t("auth.default")

    def _paint_head(self) -> None:
        wrong, elsewhere = self.draft.found_wrong()
        count = sum(map(len, wrong.values())) + len(elsewhere)
        parts: list[Any] = [(t("place.auth"), "bold $primary")]
        if self.problem:
            parts.append((f"  ! {self.problem}", "bold $error"))
        elif count:
            parts.append((f"  ! {t('schema.problems', count=count)}", "bold $error"))
        if self.draft.steps:
            parts.append((f"  * {t('schema.steps', count=len(self.draft.steps))}  ^S", "bold $warning"))
        elif not self.problem:
            parts.append((f"  {t('auth.legend' if self.draft.accounts else 'auth.none')}", "$foreground-muted"))
        self.query_one("#auth-head", Static).update(Content.assemble(*parts))
        self.refresh_bindings()

    def _paint_detail(self) -> None:
        self.query_one("#auth-detail", LineView).show(self.detail_lines())

    def detail_lines(self) -> list[Line]:
        """What the key under the cursor means and may hold, what is wrong elsewhere, and what would be written."""
        key, lines = self.here(), list[Line]()
        wrong, elsewhere = self.draft.found_wrong()
        if key is not None:
            setting = self.draft.settings[key]
            lines = [
                (f"auth.{'.'.join(key)}", "title"),
                *(((worded(setting["about"]), "plain"),) if setting["about"] else ()),
                (rule_text(setting), "muted"),
                (t("auth.without", value=shown(setting, setting["default"])), "muted"),
                *((f"✕ {one_line(text)}", "refused") for text in wrong.get(key, ())),
            ]
        elif self.section == "password":
            lines = [(t("auth.no-passwords"), "muted")]
        verdict = self.draft.verdict
        if verdict is not None:
            lines += [line for each in elsewhere for line in problem_lines(each, verdict["diff"])]
            lines += [("", "plain"), *diff_lines(verdict["diff"])]
        return lines

    def paint_verdict(self) -> None:
        self.paint()

    # ── Moving ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_list is self.sections:
            with self.prevent(OptionList.OptionHighlighted):
                self.keys.highlighted = None
            self._paint_keys()
        else:
            self._paint_detail()
        self.refresh_bindings()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_auth_edit()

    def on_descendant_focus(self) -> None:
        self.refresh_bindings()

    def action_app_back(self) -> None:
        self.sections.focus()

    @property
    def in_keys(self) -> bool:
        return self.focused is self.keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted or not action.startswith("auth_"):
            return super().check_action(action, parameters)
        key = self.here() if self.in_keys else None
        match action:
            case "auth_toggle":
                return key is not None and self.draft.settings[key]["kind"] == "switch"
            case "auth_reset":
                return key is not None and self.draft.is_said(key)
            case "auth_discard":
                return bool(self.draft.steps)
        return bool(self.draft.settings)

    @work(exclusive=True, group="find", exit_on_error=False)
    async def action_auth_find(self) -> None:
        """Go to a key by its name, or by what it means."""
        hits = [
            Hit(
                label=".".join(key),
                kind=t(f"auth.section.{name}"),
                search=worded(self.draft.settings[key]["about"]),
                value=key,
            )
            for name in SECTIONS
            for key in self.draft.keys(name)
        ]
        hit = await self.app.push_screen_wait(Finder(t("auth.find"), hits))
        if hit is not None:
            self.reveal(hit.value)

    def reveal(self, key: Path) -> None:
        """Bring the cursor to a key."""
        name = section_of(key)
        with self.prevent(OptionList.OptionHighlighted):
            self.sections.highlighted = list(SECTIONS).index(name)
        self._paint_keys()
        self.keys.highlighted = self.draft.keys(name).index(key)
        self.keys.focus()

    # ── Steps ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_auth_toggle(self) -> None:
        if (key := self.here()) is not None:
            self.step(self.draft.flip(key))

    def action_auth_reset(self) -> None:
        """Take the key out of the file, so that its default holds."""
        if (key := self.here()) is not None:
            self.step(self.draft.change(key, None))

    def action_auth_discard(self) -> None:
        self.discard()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_auth_rotate(self) -> None:
        """Another master key; everybody goes on working meanwhile."""
        port = self.context.port
        if port is None:
            return
        try:
            keys = ", ".join(each["id"] for each in await port.admin.master_keys())
            if await confirm(
                self.app, t("auth.rotate-ask"), t("auth.rotate-note", keys=keys), yes=t("auth.rotate-yes")
            ):
                done = await port.admin.rotate_master_key()
                self.notify(t("auth.rotated", key=done["id"], count=done["resealed"]))
        except SovriumError as error:
            self.notify(problem_of(error), severity="error")

    def action_auth_edit(self) -> None:
        """A switch turns; a choice is chosen, everything else typed."""
        key = self.here() if self.in_keys else None
        if key is None:
            self.keys.focus()
        elif self.draft.settings[key]["kind"] == "switch":
            self.action_auth_toggle()
        else:
            self.ask(key)

    @work(exclusive=True, group="step", exit_on_error=False)
    async def ask(self, key: Path) -> None:
        setting, before = self.draft.settings[key], self.draft.said.get(key)
        if setting["kind"] == "choice" or (setting["kind"] == "text" and setting["choices"]):
            value = await self._choose(key)
        else:
            text = await self._type(key)
            value = before if text is None else read(setting, text)
        if value != before:
            self.step(self.draft.change(key, value))

    async def _choose(self, key: Path) -> Any:
        """One of the choices; what was said before for none."""
        setting = self.draft.settings[key]
        hits = [
            Hit(label=each, detail=t("auth.default") if each == setting["default"] else "", value=each)
            for each in setting["choices"]
        ]
        hit = await self.app.push_screen_wait(Finder(f"auth.{'.'.join(key)}", hits))
        return self.draft.said.get(key) if hit is None else hit.value

    async def _type(self, key: Path) -> str | None:
        """What was typed, once the validator says nothing against it; None for nothing."""
        setting = self.draft.settings[key]
        title, text = f"auth.{'.'.join(key)}", typed(self.draft.said.get(key))
        note = "\n".join(
            filter(
                None,
                [
                    worded(setting["about"]),
                    rule_text(setting),
                    t("auth.without", value=shown(setting, setting["default"])),
                ],
            )
        )
        if setting["kind"] in SEVERAL_LINES:
            form = t(f"auth.form.{setting['kind']}")
            return await self.app.push_screen_wait(
                SchemaText(self.context, title, text, f"{note}\n{form}", lambda typed: self.check(key, typed))
            )

        async def send(values: Values) -> None:
            await self.check(key, values["value"])

        asks = [Ask("value", label_of(key).strip(), text)]
        values = await self.app.push_screen_wait(FormSheet(self.context, title, asks, note=note, send=send))
        return None if values is None else values["value"]

    async def check(self, key: Path, text: str) -> None:
        """Raises ValueError with what the validator says at the key of a value that was typed."""
        port, change = self.context.port, self.draft.change(key, read(self.draft.settings[key], text))
        if port is None:
            raise ValueError(t("change.offline"))
        verdict = await self.draft.ask(port, change)
        wrong, _ = self.draft.sort(verdict["problems"])
        if key in wrong:
            raise ValueError("\n".join(wrong[key]))

    # ── The draft as a whole ───────────────────────────────────────────────────────────────────────────────────────────

    def plan_title(self, plan: MigrationPlan) -> str:
        return t("auth.write")

    def written(self, files: str) -> None:
        self.load()
        self.notify(t("auth.written", files=files))


def fill(listing: OptionList, lines: list[Content]) -> None:
    """Show other lines; the cursor stays where it was."""
    at = listing.highlighted
    with listing.prevent(OptionList.OptionHighlighted):
        listing.clear_options()
        listing.add_options([Option(line) for line in lines])
        listing.highlighted = min(at or 0, len(lines) - 1) if lines else None
