"""The frame that all places share: top bar, body, status line, footer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from screens.actions.registry import BY_ID
from screens.presenters.place import Place
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.acting_bar import ActingBar
from screens.widgets.compositor import FrugalCompositor
from screens.widgets.defect import tell_defect
from screens.widgets.footer import KeyFooter
from screens.widgets.status_line import StatusLine
from screens.widgets.top_bar import TopBar

if TYPE_CHECKING:
    from screens.widgets.change_flow import ChangeFlow


class TooSmall(Static):
    """Covers a terminal in which nothing can be shown sensibly."""

    def __init__(self, context: Context) -> None:
        super().__init__(id="too-small")
        self.context = context

    def render(self) -> Content:
        size = self.app.size
        leave = self.context.keymap.label(BY_ID["app.quit"])
        return Content(t("shell.too-small", width=size.width, height=size.height, leave=leave))


class ConsoleScreen(Screen[None]):
    """Base of a place. A subclass yields its widgets in `compose_body` and may claim action contexts.

    Widgets of class `pane` are reached by F6 and Alt+1…9; those of class `sidebar` are toggled by `b`.
    """

    action_context: str | tuple[str, ...] = ()
    mode = ""
    """The place's name in `screens.registry.PLACES`."""
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """As Textual's, which paints the whole screen anew whenever the focus moves; the widgets concerned paint themselves."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._compositor = FrugalCompositor()
        self.context = context
        self.status = StatusLine(context)
        self._stops: list[Callable[[], None]] = []

    def compose(self) -> ComposeResult:
        yield TopBar(self.context, self.mode)
        yield ActingBar(self.context)
        with Container(id="body"):
            yield from self.compose_body()
        yield self.status
        yield KeyFooter(self.context)
        yield TooSmall(self.context)

    @property
    def is_covered(self) -> bool:
        """The terminal is too small to show anything of it."""
        return self.has_class("-tiny") or self.has_class("-short")

    def compose_body(self) -> Iterable[Widget]:
        """The place's own widgets."""
        return ()

    def until_closed(self, *stops: Callable[[], None]) -> None:
        """What `listen` has given back: called when the screen goes."""
        self._stops += stops

    def on_unmount(self) -> None:
        for stop in self._stops:
            stop()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        tell_defect(self.app, event)

    def show_place(self, place: Place) -> None:
        """Come to a place of this mode: by history, goto, the palette. Called when the screen is mounted."""

    def language_changed(self) -> None:
        """Show all texts in the new language; a subclass that holds texts in widgets sets them anew."""
        for widget in self.query("*"):
            widget.refresh(layout=True)
        self.status.show_own()

    # ── Staged edits: the same keys everywhere ──────────────────────────────────────────────────────────────────────────

    def change_flow(self) -> ChangeFlow:
        """What saves and undoes here; a screen that shows records adds what follows from it."""
        from screens.widgets.change_flow import ChangeFlow

        return ChangeFlow(self, self.context)

    @work(exclusive=True, group="change")
    async def action_change_commit(self) -> None:
        await self.change_flow().commit()

    @work(exclusive=True, group="change")
    async def action_change_panel(self) -> None:
        await self.change_flow().look()

    @work(exclusive=True, group="change")
    async def action_change_discard(self) -> None:
        await self.change_flow().discard()

    def action_change_undo(self) -> None:
        flow = self.change_flow()
        if flow.can_bring_back:
            self.bring_back()
        else:
            flow.undo()

    @work(exclusive=True, group="change")
    async def bring_back(self) -> None:
        await self.change_flow().bring_back()

    def action_change_redo(self) -> None:
        self.change_flow().redo()

    # ── Panes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def panes(self) -> list[Widget]:
        """The panes on screen, in order."""
        return [pane for pane in self.query(".pane") if pane.display and pane.region.area]

    def current_pane(self) -> Widget | None:
        """The pane that holds the focus."""
        focused = self.focused
        chain = focused.ancestors_with_self if focused else ()
        return next((node for node in chain if isinstance(node, Widget) and node.has_class("pane")), None)

    def focus_pane(self, pane: Widget) -> None:
        """Focus a pane, or the first widget in it that takes the focus."""
        inside = [pane, *pane.query("*")]
        target = next((w for w in inside if w.focusable and w.display), None)
        if target is not None:
            target.focus()

    def turn_pane(self, step: int) -> None:
        """Focus the next or previous pane."""
        panes, current = self.panes(), self.current_pane()
        if panes:
            at = panes.index(current) if current in panes else (-1 if step > 0 else 0)
            self.focus_pane(panes[(at + step) % len(panes)])

    def action_pane_next(self) -> None:
        self.turn_pane(1)

    def action_pane_previous(self) -> None:
        self.turn_pane(-1)

    def action_pane_zoom(self) -> None:
        if self.maximized is not None:
            self.minimize()
        elif (pane := self.current_pane()) is not None:
            self.maximize(pane, container=False)

    def action_pane_sidebar(self) -> None:
        for sidebar in self.query(".sidebar"):
            sidebar.display = not sidebar.display

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("pane_next", "pane_previous"):
            return len(self.panes()) > 1
        if action == "pane_zoom":
            return self.current_pane() is not None and len(self.panes()) > 1
        if action == "pane_sidebar":
            return bool(self.query(".sidebar"))
        return True


def _pick(number: int) -> None:
    """`Alt+number`: one method a pane, so that each has an id in the key file."""

    def pick(self: ConsoleScreen) -> None:
        panes = self.panes()
        if number <= len(panes):
            self.focus_pane(panes[number - 1])

    setattr(ConsoleScreen, f"action_pane_{number}", pick)


for _number in range(1, 10):
    _pick(_number)
