"""The last look at every line on its way to the terminal: nothing in it is an order (A-253).

Widgets show control characters as symbols (`one_line`). Whatever comes past them, a label of the app file, a message of the
server, what somebody pastes into a field, loses them here; they take no cell, so nothing moves.
"""

import re

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

ORDERS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""C0 and C1 controls, among them escape and CSI; line and paragraph ends; what turns the direction of writing."""


class Guard(LineFilter):
    """One for all lines, so that Textual finds again what it has filtered already."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if ORDERS.search("".join([segment.text for segment in segments])) is None:
            return segments
        return [Segment(ORDERS.sub("", text), style, control) for text, style, control in segments]


GUARD = Guard()
