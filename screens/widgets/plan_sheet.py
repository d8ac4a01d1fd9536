"""A plan before it is carried out: what it does to the tables and to the app file, and a word to type where data is lost."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from core.contract.migrations import MigrationPlan
from screens.actions.binding import bindings_of
from screens.presenters.migration import Line, diff_lines, is_empty, loses, plan_lines
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.line_view import LineView
from screens.widgets.sheet import Sheet

ROUND_ABOUT = 12
"""Lines of the terminal that the plan leaves to the frame, the question and the footer."""


class PlanSheet(Sheet[bool]):
    """True: carry it out. A plan that loses data wants the word; one that cannot be carried out can only be looked at."""

    DEFAULT_CSS = """
    PlanSheet > .sheet { width: 110; }
    PlanSheet LineView { height: auto; }
    PlanSheet #plan-word { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("plan", priority=True)]
    action_context = "plan"

    def __init__(
        self, context: Context, title: str, plan: MigrationPlan, diff: Sequence[str] = (), *, word: str = ""
    ) -> None:
        super().__init__(context, title)
        self.plan, self.diff = plan, diff
        self.word = word if loses(plan) else ""

    def lines(self) -> list[Line]:
        plan = plan_lines(self.plan) or [(t("migrations.no_steps"), "muted")]
        file = [("", "plain"), (t("schema.file"), "title"), *diff_lines(self.diff)] if self.diff else []
        return [*plan, *file]

    def compose_body(self) -> Iterable[Widget]:
        yield LineView()
        if self.word and not self.plan["refusals"]:
            yield Static(t("migrations.type", word=self.word), classes="sheet-problem", markup=False)
            yield Input(id="plan-word", compact=True)
        elif self.plan["refusals"]:
            yield Static(t("migrations.refused"), classes="sheet-problem", markup=False)
        else:
            yield Static(t("migrations.agree"), classes="sheet-note", markup=False)

    def on_mount(self) -> None:
        view = self.query_one(LineView)
        view.styles.max_height = max(4, self.app.size.height - ROUND_ABOUT)
        view.show(self.lines())
        inputs = self.query(Input)
        (inputs.first() if inputs else view).focus()

    @property
    def may(self) -> bool:
        """It can be carried out, and the word stands there."""
        if self.plan["refusals"] or (is_empty(self.plan) and not self.diff):
            return False
        return not self.word or self.query_one(Input).value.strip() == self.word

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "plan_accept" or not self.plan["refusals"]

    def action_plan_accept(self) -> None:
        if self.may:
            self.dismiss(True)
        else:
            missing = t("migrations.type", word=self.word) if self.word else t("migrations.no_steps")
            self.notify(missing, severity="warning")
