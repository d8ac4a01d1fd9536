"""The first line: the app's name and the places to go."""

from screens.registry import PLACES
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.bar import Bar, Piece, fill


class TopBar(Bar):
    """Clickable tabs of the places; the current one is marked by style and by brackets of half blocks."""

    DEFAULT_CSS = """
    TopBar { background: $panel; color: $foreground-muted; }
    """

    def __init__(self, context: Context, mode: str) -> None:
        super().__init__()
        self.context = context
        self.mode = mode

    def on_mount(self) -> None:
        self._stop = self.context.connected.listen(lambda _: self.refresh())

    def on_unmount(self) -> None:
        self._stop()

    def line(self) -> list[Piece]:
        hello = self.context.hello
        name = hello["app"] if hello else str(self.context.session.get("app", "")) or "sovrium"
        left = [("◆ ", "$primary", ""), (name, "bold $foreground", ""), ("   ", "", "")]
        for place in PLACES:
            here = place.mode == self.mode
            if not (here or place.tab):
                continue
            text = t(f"place.{place.mode}")
            style = "bold $primary on $background" if here else "$foreground-muted"
            left.append((f"▌{text} " if here else f" {text} ", style, f"go.{place.mode}"))
        key = self.context.keymap.label
        from screens.actions.registry import BY_ID

        right = [
            (f"{key(BY_ID['app.palette'])} ", "bold $secondary", "app.palette"),
            (t("shell.search"), "$foreground-muted", "app.palette"),
        ]
        return fill(left, right, self.content_size.width)
