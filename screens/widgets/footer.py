"""The last line: at most eight keys of what has the focus, then `? more`. Made from the actions, never by hand."""

from collections.abc import Callable

from screens.actions.action import Action
from screens.actions.binding import chain_of, live_actions, target_of, why_barred
from screens.actions.registry import BY_ID
from screens.services.context import Context
from screens.services.keymap import character_of, key_label
from screens.services.text import t
from screens.widgets.bar import Bar, Piece

MOST = 8
WHEN_STAGED = ("change.commit", "change.panel", "change.undo")
"""Shown only while there is something to save."""


class KeyFooter(Bar):
    """Follows the focus. A click on a key runs it."""

    DEFAULT_CSS = """
    KeyFooter { background: $background; color: $foreground-muted; }
    """

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self._stop: Callable[[], None] = lambda: None

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())
        self._stop = self.context.pending.changed.listen(lambda _: self.refresh())

    def on_unmount(self) -> None:
        self._stop()

    def shown(self) -> list[Action]:
        """Those of the place by their declared position, then the global ones. The first of these,
        the palette, keeps its room; help is always there. An open editor has the keys for itself."""
        live = [action for action in live_actions(chain_of(self.screen)) if action.footer and action.id != "app.help"]
        if any(action.context == "editor" for action in live):
            live = [action for action in live if action.context in ("editor", "picker")]
        ordered = sorted(live, key=lambda action: action.footer)
        idle = not self.context.pending.count()
        shown = [a for a in ordered if self._key(a) and not (idle and a.id in WHEN_STAGED)]
        everywhere = [a for a in shown if a.context == "global"]
        return [*[a for a in shown if a.context != "global"][: MOST - len(everywhere[:1])], *everywhere][:MOST]

    def _key(self, action: Action) -> str:
        """The first key that runs an action now: a text field takes letters for itself. "" for none."""
        keymap = self.context.keymap
        keys = keymap.keys_of(action)
        if not keys:
            return keymap.label(action) if self._free(keymap.keys_of(BY_ID["app.leader"])) else ""
        free = self._free(keys)
        return key_label(free[0]) if free else ""

    def _free(self, keys: tuple[str, ...]) -> list[str]:
        focused = self.screen.focused
        if focused is None:
            return list(keys)
        return [key for key in keys if not focused.check_consume_key(key, character_of(key))]

    def line(self) -> list[Piece]:
        width = self.content_size.width
        help_here = target_of(BY_ID["app.help"], chain_of(self.screen)) is not None
        more = self._piece(BY_ID["app.help"], t("shell.more")) if help_here else []
        left: list[Piece] = []
        used = self._width(more)
        for action in self.shown():
            piece = self._piece(action, t(f"actions.{action.id}"))
            if used + self._width(piece) > width:
                break
            used += self._width(piece)
            left += piece
        return [*left, *more]

    def _piece(self, action: Action, label: str) -> list[Piece]:
        key = self._key(action)
        if not key:
            return []
        if why_barred(action, chain_of(self.screen)):
            return [(f"✗{key} {label}", "$foreground-disabled", action.id), ("   ", "", "")]
        return [(key, "bold $primary", action.id), (f" {label}", "", action.id), ("   ", "", "")]

    def _width(self, piece: list[Piece]) -> int:
        from rich.cells import cell_len

        return sum(cell_len(text) for text, _, _ in piece)
