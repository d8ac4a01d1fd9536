"""The last line: at most eight keys of what has the focus, then `? more`. Made from the actions, never by hand."""

from screens.actions.action import Action
from screens.actions.binding import chain_of, live_actions, target_of
from screens.actions.registry import BY_ID
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.bar import Bar

MOST = 8


class KeyFooter(Bar):
    """Follows the focus. A click on a key runs it."""

    DEFAULT_CSS = """
    KeyFooter { background: $background; color: $foreground-muted; }
    """

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def shown(self) -> list[Action]:
        """The actions of the footer: nearest context first, each by its declared position; help is always there."""
        live = [action for action in live_actions(chain_of(self.screen)) if action.footer and action.id != "app.help"]
        contexts = list(dict.fromkeys(action.context for action in live))
        ordered = sorted(live, key=lambda action: (contexts.index(action.context), action.footer))
        return ordered[:MOST]

    def line(self) -> list[tuple[str, str, str]]:
        width = self.content_size.width
        help_here = target_of(BY_ID["app.help"], chain_of(self.screen)) is not None
        more = self._piece(BY_ID["app.help"], t("shell.more")) if help_here else []
        left: list[tuple[str, str, str]] = []
        used = self._width(more)
        for action in self.shown():
            piece = self._piece(action, t(f"actions.{action.id}"))
            if used + self._width(piece) > width:
                break
            used += self._width(piece)
            left += piece
        return [*left, *more]

    def _piece(self, action: Action, label: str) -> list[tuple[str, str, str]]:
        key = self.context.keymap.label(action)
        if not key:
            return []
        return [(key, "bold $primary", action.id), (f" {label}", "", action.id), ("   ", "", "")]

    def _width(self, piece: list[tuple[str, str, str]]) -> int:
        from rich.cells import cell_len

        return sum(cell_len(text) for text, _, _ in piece)
