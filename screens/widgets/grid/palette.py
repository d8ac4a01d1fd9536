"""Styles of a grid, worked out once per theme from its component classes."""

from collections.abc import Callable

from rich.style import Style
from textual.color import Color, ColorParseError

ROWS = (
    "row",
    "cursor-row",
    "range",
    "marked",
    "deleted",
    "cursor",
    "cursor-blurred",
    "header",
    "header-cursor",
    "entry",
)
"""Styles that lie under a whole row or cell."""
OVER = (
    "muted", "null", "placeholder", "link", "true", "star", "bar", "number", "dirty", "invalid", "conflict", "new",
    "search", "gutter", "edge", "glyph", "sort",
)  # fmt: skip
"""Styles that lie over them: what they do not say stays."""
CHIPS = ("primary", "success", "warning", "accent", "error", "secondary")
"""Colours of options that have none of their own, by their place."""
STYLES_KEPT = 50_000
"""Pictures have many: one for each pair of colours."""
TINT = 0.28
"""How much of its colour a chip's ground takes."""

COMPONENTS = {f"grid--{name}" for name in (*ROWS, *OVER, "thumb", "track")}


class Palette:
    """`style(over, under)` is the style of a piece on a row. `component` resolves a component class: its full style, and
    whether it sets a ground of its own. `variable` resolves a theme's colour name."""

    def __init__(self, component: Callable[[str], tuple[Style, bool]], variable: Callable[[str], str]) -> None:
        self._variable = variable
        self._under = {name: component(f"grid--{name}")[0] for name in ROWS}
        self._over: dict[str, Style] = {"text": Style.null()}
        for name in OVER:
            full, grounded = component(f"grid--{name}")
            self._over[name] = full if grounded else full.without_color + Style(color=full.color)
        self.thumb = component("grid--thumb")[0]
        self.track = component("grid--track")[0]
        self._styles: dict[tuple[str, str], Style] = {}

    def style(self, over: str, under: str) -> Style:
        """Looked up for each piece that is painted; made on first use."""
        found = self._styles.get((over, under))
        if found is None:
            if len(self._styles) >= STYLES_KEPT:
                self._styles.clear()
            found = self._styles[over, under] = self._make(over, under)
        return found

    def _make(self, over: str, under: str) -> Style:
        base = self._under[under]
        if under in ("cursor", "deleted"):
            quiet = over not in ("search", "invalid")
            return base if quiet else base + Style(underline=True)
        name, _, color = over.partition(":")
        if name == "chip":
            return base + self._chip(color, base)
        if name == "bar" and color:
            return base + self._bar(color, base)
        if name == "pixels":
            return Style(color=color[:7], bgcolor=color[7:])
        return base + self._over[over]

    def _chip(self, color: str, base: Style) -> Style:
        """Coloured text on a ground tinted with the same colour; colour only where the terminal's own palette is used,
        because that cannot be mixed."""
        wanted, ground = self._color(color), self._ground(base)
        if ground is None or wanted.ansi is not None:
            return Style(color=wanted.rich_color, bold=True)
        tinted = ground.blend(wanted, TINT)
        return Style(color=_readable(wanted, tinted, 0.42).rich_color, bgcolor=tinted.rich_color)

    def _bar(self, color: str, base: Style) -> Style:
        wanted, ground = self._color(color), self._ground(base)
        return Style(color=(wanted if ground is None else _readable(wanted, ground, 0.25)).rich_color)

    def _color(self, color: str) -> Color:
        name = color if not color.isdecimal() else self._variable(CHIPS[int(color) % len(CHIPS)])
        try:
            return Color.parse(name)
        except ColorParseError:
            return Color.parse(self._variable("primary"))

    @staticmethod
    def _ground(base: Style) -> Color | None:
        """The row's ground; None when it is the terminal's own."""
        if base.bgcolor is None or base.bgcolor.triplet is None:
            return None
        return Color.from_rich_color(base.bgcolor)


def _readable(color: Color, ground: Color, distance: float) -> Color:
    """The colour, moved towards white or black until its brightness stands far enough from the ground's."""
    goal = Color(255, 255, 255) if ground.brightness < 0.5 else Color(0, 0, 0)
    for step in range(10):
        moved = color.blend(goal, step / 10)
        if abs(moved.brightness - ground.brightness) >= distance:
            return moved
    return goal
