"""How a cell of each field type is drawn: text in pieces of one style each, the side it stands on, the header's glyph.

A new field type gets its line in `RENDERERS`; its text comes from `screens.presenters.format`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from core.contract.tables import FieldInfo
from screens.presenters.format import NAMED, formatter, shown_as
from screens.presenters.value import options_of, title_of

Piece = tuple[str, str]
"""A text and the name of its style: `text`, `muted`, `null`, `link`, `true`, `star`, `bar`, `chip:<color>`."""
Draw = Callable[[Any], list[Piece]]
"""From a value that is not None to its pieces. Links get their label instead of the id."""
Align = Literal["left", "right", "center"]

NULL = "∅"
BAR = 6
"""Cells of a progress bar."""
EIGHTHS = " ▏▎▍▌▋▊▉"


@dataclass(frozen=True, slots=True)
class Renderer:
    """How one type looks. `make` is called once per column, what it returns once per painted cell."""

    make: Callable[[FieldInfo], Draw]
    align: Align = "left"
    glyph: str = "T"


def _plain(field: FieldInfo, style: str = "text") -> Draw:
    read = formatter(field)
    return lambda value: [(read(value), style)]


def _link_text(field: FieldInfo) -> Draw:
    return _plain(field, "link")


def _checkbox(field: FieldInfo) -> Draw:
    yes, no = [("✓", "true")], [("·", "muted")]
    other = _plain(field)
    return lambda value: yes if value is True else no if value is False else other(value)


def _chip(field: FieldInfo) -> Draw:
    """One option as a chip in its own colour; a value that is not an option as plain text."""
    one = _one_chip(field)
    return lambda value: [one(value)]


def _chips(field: FieldInfo) -> Draw:
    one = _one_chip(field)

    def draw(value: Any) -> list[Piece]:
        if not isinstance(value, list):
            return [one(value)]
        pieces: list[Piece] = []
        for part in value:
            pieces += [*([(" ", "text")] if pieces else []), one(part)]
        return pieces

    return draw


def _one_chip(field: FieldInfo) -> Callable[[Any], Piece]:
    styles = {option.value: f"chip:{option.color or place}" for place, option in enumerate(options_of(field))}
    read = formatter({**field, "type": "single-select"})

    def chip(value: Any) -> Piece:
        style = styles.get(value) if isinstance(value, str) else None
        return (f" {read(value)} ", style) if style else (read(value), "text")

    return chip


def _rating(field: FieldInfo) -> Draw:
    read = formatter(field)

    def draw(value: Any) -> list[Piece]:
        text = read(value)
        full = text.rstrip("☆")
        return [(full, "star"), (text[len(full) :], "muted")]

    return draw


def _progress(field: FieldInfo) -> Draw:
    """A bar and the percentage. What is left of the bar is drawn too, so that it reads without colour."""
    read = formatter(field)
    color = field["options"].get("color")
    style = f"bar:{color}" if color else "bar"

    def draw(value: Any) -> list[Piece]:
        text = read(value)
        if isinstance(value, bool) or not isinstance(value, int):
            return [(text, "text")]
        eighths = max(0, min(value, 100)) * BAR * 8 // 100
        bar = "█" * (eighths // 8) + (EIGHTHS[eighths % 8] if eighths % 8 else "")
        return [(bar, style), ("┈" * (BAR - len(bar)), "muted"), (f" {text:>5}", "text")]

    return draw


def _link(field: FieldInfo) -> Draw:
    """What is linked and an arrow; of several the first ones and how many more there are."""
    read = formatter(field)

    def draw(value: Any) -> list[Piece]:
        if not isinstance(value, list):
            return [(read(value), "text"), (" →", "link")]
        text = ", ".join(map(read, value[:NAMED]))
        more: list[Piece] = [(f" +{len(value) - NAMED}", "muted")] if len(value) > NAMED else []
        return [(text, "text"), *more, (" →", "link")] if value else [(NULL, "null")]

    return draw


def _json(field: FieldInfo) -> Draw:
    return _plain(field, "muted")


def _color(field: FieldInfo) -> Draw:
    """A swatch and its code."""
    read = formatter(field)
    return lambda value: [("██", f"bar:{value}"), (f" {read(value)}", "text")]


def _button(field: FieldInfo) -> Draw:
    """What Enter does; there is no value behind it."""
    label = f"[ {title_of(field)} ]"
    return lambda value: [(label, "link")]


RENDERERS: dict[str, Renderer] = {
    "single-line-text": Renderer(_plain),
    "long-text": Renderer(_plain, glyph="¶"),
    "rich-text": Renderer(_plain, glyph="¶"),
    "email": Renderer(_plain, glyph="@"),
    "url": Renderer(_link_text, glyph="⌂"),
    "phone-number": Renderer(_plain, glyph="+"),
    "code": Renderer(_json, glyph="§"),
    "barcode": Renderer(_plain, glyph="‖"),
    "color": Renderer(_color, glyph="■"),
    "integer": Renderer(_plain, "right", "#"),
    "decimal": Renderer(_plain, "right", "#"),
    "currency": Renderer(_plain, "right", "¤"),
    "percentage": Renderer(_plain, "right", "%"),
    "rating": Renderer(_rating, glyph="★"),
    "progress": Renderer(_progress, glyph="▌"),
    "duration": Renderer(_plain, "right", "◷"),
    "date": Renderer(_plain, "right", "▦"),
    "datetime": Renderer(_plain, "right", "◷"),
    "time": Renderer(_plain, "right", "◷"),
    "created-at": Renderer(_plain, "right", "◷"),
    "updated-at": Renderer(_plain, "right", "◷"),
    "deleted-at": Renderer(_plain, "right", "◷"),
    "checkbox": Renderer(_checkbox, "center", "✓"),
    "single-select": Renderer(_chip, glyph="●"),
    "multi-select": Renderer(_chips, glyph="≡"),
    "status": Renderer(_chip, glyph="◆"),
    "relationship": Renderer(_link, glyph="→"),
    "user": Renderer(_plain, glyph="☻"),
    "created-by": Renderer(_plain, glyph="☻"),
    "updated-by": Renderer(_plain, glyph="☻"),
    "deleted-by": Renderer(_plain, glyph="☻"),
    "single-attachment": Renderer(_plain, glyph="⎙"),
    "multiple-attachments": Renderer(_plain, glyph="⎙"),
    "json": Renderer(_json, glyph="{"),
    "formula": Renderer(_plain, glyph="ƒ"),
    "lookup": Renderer(_plain, glyph="↗"),
    "rollup": Renderer(_plain, glyph="Σ"),
    "count": Renderer(_plain, "right", "Σ"),
    "array": Renderer(_plain, glyph="≡"),
    "geolocation": Renderer(_plain, "right", "◎"),
    "button": Renderer(_button, "center", "▸"),
    "autonumber": Renderer(_plain, "right", "#"),
    "ai-categorize": Renderer(_chip, glyph="✦"),
    "ai-tag": Renderer(_chips, glyph="✦"),
    "ai-summary": Renderer(_plain, glyph="✦"),
    "ai-generate": Renderer(_plain, glyph="✦"),
    "ai-translate": Renderer(_plain, glyph="✦"),
    "ai-extract": Renderer(_json, glyph="✦"),
    "ai-sentiment": Renderer(_json, glyph="✦"),
}


def renderer_of(field: FieldInfo) -> Renderer:
    """The renderer of a field; a type that this console does not know (a newer server's) is shown as text."""
    own = RENDERERS.get(field["type"])
    if own is not None and (shown := shown_as(field)) is not field:
        inner = renderer_of(shown)
        return Renderer(lambda field: inner.make(shown_as(field)), inner.align, own.glyph)
    return own or Renderer(_plain, "right" if field["numeric"] else "left")
