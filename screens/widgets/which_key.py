"""The leader key: `g`, then one more. Who hesitates is shown what may follow; who types fast never sees it."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from screens.actions.action import Action
from screens.actions.binding import chain_of, live_actions, perform
from screens.services.context import Context
from screens.services.keymap import key_name
from screens.services.text import t

DELAY = 0.35
COLUMN = 28


class WhichKey(Static):
    """The sheet at the bottom that lists the continuations."""

    DEFAULT_CSS = """
    WhichKey {
        dock: bottom; layer: sheet; height: auto; width: 100%; margin: 0 0 2 0; padding: 1 2;
        background: $surface; border-top: tall $primary;
    }
    """

    def __init__(self, actions: list[Action], leader: str) -> None:
        super().__init__()
        self.actions = actions
        self.leader = leader

    def render(self) -> Content:
        columns = max(1, self.content_size.width // COLUMN)
        rows = -(-len(self.actions) // columns)
        lines = [
            Content.assemble((f"{self.leader} …", "bold $primary"), ("   " + t("whichkey.hint"), "$foreground-muted"))
        ]
        for row in range(rows):
            cells: list[Any] = []
            for action in self.actions[row::rows]:
                label = t(f"actions.{action.id}")
                text = Content.assemble((f" {action.leader} ", "bold reverse $primary"), f"  {label}")
                cells += [text, " " * max(1, COLUMN - text.cell_length)]
            lines.append(Content.assemble(*cells))
        return Content("\n").join(lines)

    def get_content_height(self, container: Any, viewport: Any, width: int) -> int:
        columns = max(1, width // COLUMN)
        return 1 + -(-len(self.actions) // columns)


class Leader:
    """Waits for the key after the leader. The app hands it every key while `waiting`."""

    def __init__(self, app: App[Any], context: Context, delay: float = DELAY) -> None:
        self.app = app
        self.context = context
        self.delay = delay
        self.waiting = False
        self._timer: Timer | None = None
        self._sheet: WhichKey | None = None

    def continuations(self) -> list[Action]:
        """What may follow now."""
        return [action for action in live_actions(chain_of(self.app.screen)) if action.leader]

    def start(self) -> None:
        """The leader key was pressed."""
        self.waiting = True
        self._timer = self.app.set_timer(self.delay, self._show)

    async def take(self, key: str) -> None:
        """The key after it: run its action, or let go."""
        chain = chain_of(self.app.screen)
        action = next((a for a in self.continuations() if key_name(a.leader) == key), None)
        self.stop()
        if action is not None:
            await perform(self.app, action, chain)

    def stop(self) -> None:
        """Wait no longer."""
        self.waiting = False
        if self._timer is not None:
            self._timer.stop()
        if self._sheet is not None:
            self._sheet.remove()
        self._timer = self._sheet = None

    def _show(self) -> None:
        from screens.actions.registry import BY_ID

        if self.waiting:
            self._sheet = WhichKey(self.continuations(), self.context.keymap.label(BY_ID["app.leader"]))
            self.app.screen.mount(self._sheet)
