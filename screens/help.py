"""The help overlay: what this screen is, its keys, its marks. Generated from the actions, searchable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap

from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.widget import Widget
from textual.widgets import Input, Static

from screens.actions.action import Action
from screens.actions.binding import contexts_of
from screens.actions.registry import actions_of
from screens.services.context import Context
from screens.services.style import STYLES
from screens.services.text import has, t
from screens.widgets.dialog import Dialog

KEYS, LABEL = 17, 21
"""Widths of the first two columns."""
MARKS = ("dirty", "invalid", "new", "deleted", "null", "cut", "link")


class HelpScreen(Dialog[None]):
    """`chain`: the nodes that answer keys now, from the focused widget outwards. `about`: what is explained, in a word;
    `mode`: the place with a page of its own, "" for none."""

    CSS_PATH = STYLES / "help.tcss"
    BINDINGS = [
        Binding("f1", "dialog_leave", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("pagedown", "scroll(12)", show=False),
        Binding("pageup", "scroll(-12)", show=False),
    ]

    def __init__(self, context: Context, chain: Sequence[DOMNode], about: str, mode: str = "") -> None:
        super().__init__()
        self.context = context
        self.contexts = contexts_of(chain)
        self.about, self.mode = about, mode

    def compose_box(self) -> Iterable[Widget]:
        with Vertical(classes="dialog", id="help") as box:
            box.border_title = Content(f"{t('help.title')} · {self.about}")
            yield Input(placeholder=t("help.search"), id="help-search", compact=True)
            with VerticalScroll(id="help-scroll", can_focus=False):
                yield Static(id="help-text", markup=False)

    def on_resize(self) -> None:
        self.call_after_refresh(self.paint)

    def paint(self) -> None:
        """Write the page for the words typed, in the width of the moment."""
        self.query_one("#help-text", Static).update(self.text(self.query_one(Input).value))

    def on_input_changed(self, event: Input.Changed) -> None:
        self.paint()
        self.query_one("#help-scroll").scroll_home(animate=False)

    def action_scroll(self, lines: int) -> None:
        self.query_one("#help-scroll").scroll_relative(y=lines, animate=False)

    def text(self, query: str) -> Content:
        """The page, reduced to the lines that hold the words typed."""
        words = query.casefold().split()
        lines: list[Content] = []
        if not words and has(f"help.{self.mode}"):
            lines += [Content(t(f"help.{self.mode}")), Content("")]
        for context in self.contexts:
            rows = [self.row(action) for action in actions_of(context) if self.fits(action, words)]
            if rows:
                lines += [Content.styled(t(f"context.{context}"), "bold $primary"), *rows, Content("")]
        if not words and {"grid", "record"} & set(self.contexts):
            lines += [Content.styled(t("help.marks"), "bold $primary"), *self.marks(), Content("")]
        if not words:
            lines += [Content.styled(t("help.mouse"), "$foreground-muted")]
            lines += [Content.styled(t("help.keys-file"), "$foreground-muted")]
        return Content("\n").join(lines) if lines else Content.styled(t("finder.nothing"), "$foreground-muted")

    def fits(self, action: Action, words: Sequence[str]) -> bool:
        if action.id.startswith("pane.") and action.id[-1].isdigit() and action.id != "pane.1":
            return False
        keys = " ".join(self.context.keymap.labels(action))
        if not keys:
            return False
        held = f"{keys} {t(f'actions.{action.id}')} {t(f'actions.{action.id}.help')} {action.id}".casefold()
        return all(word in held for word in words)

    def row(self, action: Action) -> Content:
        """Keys, label, sentence in three columns; the sentence goes below the label where there is no room beside it."""
        keys = "Alt+1 … 9" if action.id == "pane.1" else "  ".join(self.context.keymap.labels(action)[:4])
        label = t("help.panes") if action.id == "pane.1" else t(f"actions.{action.id}")
        sentence = t(f"actions.{action.id}.help")
        width = self.query_one("#help-text").content_size.width or 80
        head = [("  " + keys, "bold $secondary"), " " * max(1, KEYS - 2 - Content(keys).cell_length)]
        if width < KEYS + LABEL + 36:
            text = ("\n" + " " * KEYS).join(wrap(sentence, max(20, width - KEYS)))
            return Content.assemble(*head, label, "\n" + " " * KEYS, (text, "$foreground-muted"))
        text = ("\n" + " " * (KEYS + LABEL)).join(wrap(sentence, width - KEYS - LABEL))
        return Content.assemble(*head, f"{label:<{LABEL}}", (text, "$foreground-muted"))

    def marks(self) -> list[Content]:
        signs = {"dirty": "*", "invalid": "!", "new": "+", "deleted": "-", "null": "∅", "cut": "…", "link": "→"}
        return [
            Content.assemble((f"  {signs[mark]:<{KEYS - 2}}", "bold $secondary"), t(f"help.mark.{mark}"))
            for mark in MARKS
        ]
