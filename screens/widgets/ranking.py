"""A list of what is most frequent: each line over a bar of its share."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.events import Resize
from textual.widgets.option_list import Option

from screens.presenters.traffic import Ranked
from screens.services.text import t
from screens.widgets.listing_screen import Listing
from screens.widgets.sheet import padded

EDGE = 2
"""Columns to the right that stay free, one of them for the scrollbar."""


class Ranking(Listing):
    """`show(lines)`. The chosen line is underlined too, as a long bar leaves nothing of its colour."""

    DEFAULT_CSS = """
    Ranking { height: 1fr; border: none; background: transparent; padding: 0; scrollbar-size-vertical: 1; }
    Ranking:focus { border: none; background-tint: transparent 0%; }
    Ranking > .option-list--option { padding: 0; }
    Ranking > .option-list--option-highlighted { background: transparent; color: $foreground; text-style: none; }
    Ranking:focus > .option-list--option-highlighted {
        background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold underline;
    }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane", markup=False, compact=True)
        self.ranked: Sequence[Ranked] = ()

    def show(self, lines: Sequence[Ranked]) -> None:
        """Replace the lines; the cursor stays where it can."""
        self.ranked = lines
        self._lay_out()

    def on_resize(self, event: Resize) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        before, width = self.highlighted or 0, self.size.width - EDGE
        nothing = Option(Content.styled(t("analytics.nothing"), "$foreground-muted"), disabled=True)
        self.clear_options()
        self.add_options([Option(_line(each, width)) for each in self.ranked] or [nothing])
        self.highlighted = min(before, len(self.ranked) - 1) if self.ranked else None


def _line(each: Ranked, width: int) -> Content:
    room = max(1, width - len(each.count) - 1)
    text = padded(each.name, room).plain + " " + each.count
    filled = max(1, round(each.share * width))
    style = "$foreground-muted" if each.is_dim else "$foreground"
    return Content.assemble((text[:filled], f"{style} on $border-blurred"), (text[filled:], style))
