"""A screen of plain characters, for screen readers and poor terminals: what is drawn becomes ASCII, colours go."""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

SIGNS = {
    "│": "|",
    "┃": "#",
    "▌": ">",
    "∅": "~",
    "✓": "y",
    "✗": "n",
    "✕": "x",
    "…": ".",
    "·": "-",
    "●": "*",
    "○": "o",
    "◌": "?",
    "⟳": "@",
    "→": ">",
    "←": "<",
    "↑": "^",
    "↓": "v",
    "›": ">",
    "‹": "<",
    "▽": "?",
    "↕": "=",
    "≠": "!",
    "≥": ">",
    "★": "*",
    "☆": "-",
    "–": "-",
    "−": "-",
    "◆": "*",
    "▸": ">",
    "▾": "v",
    "◂": "<",
    "▶": ">",
    "▼": "v",
    "▦": "D",
    "◷": "t",
    "⌂": "@",
    "¤": "$",
    "■": "#",
    "§": "s",
    "¶": "p",
    "‖": "|",
    "↗": "^",
    "≡": "=",
    "⎙": "p",
    "☻": "@",
    "✦": "*",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
}
"""Signs of the console by what stands for them; all are one cell wide."""


def _drawn() -> dict[int, str]:
    """Box drawing (U+2500), blocks, shapes (U+25A0) and arrows (U+2190), as lines, corners and dots."""
    table: dict[int, str] = {}
    for code in range(0x2500, 0x2580):
        table[code] = "+"
    for code in (
        0x2500,
        0x2501,
        0x2504,
        0x2505,
        0x2508,
        0x2509,
        0x254C,
        0x254D,
        0x2550,
        0x2574,
        0x2576,
        0x2578,
        0x257A,
    ):
        table[code] = "-"
    for code in (
        0x2502,
        0x2503,
        0x2506,
        0x2507,
        0x250A,
        0x250B,
        0x254E,
        0x254F,
        0x2551,
        0x2575,
        0x2577,
        0x2579,
        0x257B,
    ):
        table[code] = "|"
    table |= dict.fromkeys(range(0x2580, 0x2591), "#") | {0x2591: ".", 0x2592: ":", 0x2593: "#"}
    table |= dict.fromkeys(range(0x2594, 0x25A0), "#") | dict.fromkeys(range(0x25A0, 0x2600), "*")
    table |= dict.fromkeys(range(0x2190, 0x2200), ">") | dict.fromkeys(range(0x2800, 0x2900), "*")
    table |= dict.fromkeys(range(0x1FB00, 0x1FC00), "#") | {0x2394: "*", 0x2807: ":"}
    return table | {ord(sign): plain for sign, plain in SIGNS.items()}


TABLE = _drawn()


def plain(text: str) -> str:
    """The text with everything drawn in ASCII; letters of any script stay."""
    return text if text.isascii() else text.translate(TABLE)


class PlainFilter(LineFilter):
    """Applied to every line on its way to the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(plain(text), style, control) for text, style, control in segments]
