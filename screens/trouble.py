"""What is shown when there is no server to speak to and waiting cannot help: who, what, how to mend it."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from screens.actions.binding import bindings_for, bindings_of
from screens.actions.registry import BY_ID
from screens.services.context import Context
from screens.services.style import STYLES
from screens.services.text import has, t
from screens.widgets.footer import KeyFooter


class TroubleScreen(ModalScreen[None]):
    """Stays until the connection is there; `r` tries again. The app's own keys for leaving work."""

    CSS_PATH = STYLES / "trouble.tcss"
    BINDINGS = [*bindings_of("connection"), *bindings_for([BY_ID["app.quit"]])]
    action_context = "connection"

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self._stops: list[Callable[[], None]] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="trouble") as box:
            box.border_title = Content(t("trouble.title"))
            with VerticalScroll(id="trouble-scroll"):
                yield Static(id="trouble-text", markup=False)
        yield KeyFooter(self.context)

    def on_mount(self) -> None:
        self._stops = [self.context.connection.changed.listen(self.follow)]
        self.paint()

    def on_unmount(self) -> None:
        for stop in self._stops:
            stop()

    def follow(self, state: str) -> None:
        if state in ("online", "lost"):
            self.dismiss(None)
        else:
            self.paint()

    def paint(self) -> None:
        connection = self.context.connection
        text = Content.styled(t("trouble.trying"), "$foreground-muted")
        if connection.state == "refused" and connection.problem is not None:
            error = connection.problem
            lines = [Content.styled(error.message, "bold $error")]
            lines += [Content(str(line)) for line in problem_lines(error)]
            if error.hint:
                lines += [Content(""), Content.assemble(("→ ", "bold $primary"), error.hint)]
            advice = f"trouble.advice.{error.code}"
            if has(advice):
                lines += [Content(""), Content.styled(t(advice), "$foreground-muted")]
            text = Content("\n").join(lines)
        for line in self.query("#trouble-text").results(Static):  # none while the screen comes or goes
            line.update(text)

    async def action_app_quit(self) -> None:
        await self.app.run_action("app_quit", self.app)

    def action_connection_retry(self) -> None:
        self.context.connection.retry()


def problem_lines(error: object) -> list[str]:
    """The findings that an error carries: problems of an app file, details of a migration."""
    found = [*getattr(error, "problems", ()), *getattr(error, "details", ())]
    extra = getattr(error, "extra", {})
    found += [*extra.get("problems", ()), *extra.get("details", ())]
    lines: list[str] = []
    for problem in found:
        if isinstance(problem, dict):
            where = ":".join(str(problem[key]) for key in ("file", "line", "column") if key in problem)
            hint = f" ({problem['hint']})" if problem.get("hint") else ""
            lines.append(f"{where + ': ' if where else ''}{problem.get('message', '')}{hint}")
        else:
            lines.append(str(problem))
    return ["", *lines] if lines else []
