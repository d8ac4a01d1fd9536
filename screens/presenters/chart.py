"""Numbers over time as bars of characters, with an axis: a row has eight steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from screens.services.number import grouped

STEPS = " ▁▂▃▄▅▆▇█"
WIDEST = 14
"""Columns of one bar."""
LABEL_GAP = 2
BASE_FROM = 8
"""Lines from which there is one for the line of zero."""


@dataclass(frozen=True, slots=True)
class Chart:
    """`rows` are the bars from the top, `scale` what stands before each, `below` the lines under them. A bar takes `width`
    columns, `gap` of them empty, and stands for `merged` values."""

    scale: tuple[str, ...]
    rows: tuple[str, ...]
    below: tuple[str, ...]
    width: int
    gap: int
    merged: int


def chart(values: Sequence[int], labels: Sequence[str], width: int, height: int) -> Chart:
    """The bars of values, with the labels that there is room for, in so many lines."""
    merged = max(1, -(-len(values) // max(1, width - len(grouped(max(values, default=0))) - 3)))
    bars = [sum(values[at : at + merged]) for at in range(0, len(values), merged)]
    top = round_up(max(bars, default=0))
    has_base = height >= BASE_FROM
    height = max(1, height - 1 - has_base)
    scale = _scale(top, height)
    room = max(1, width - len(scale[0]))
    each = max(1, min(WIDEST, room // max(1, len(bars))))
    gap = 0 if each < 2 else 1
    levels = [max(1, round(value * height * 8 / top)) if value else 0 for value in bars]
    rows = tuple(
        "".join(STEPS[min(8, max(0, level - (height - 1 - row) * 8))] * (each - gap) + " " * gap for level in levels)
        for row in range(height)
    )
    base = (f"{'0 └':>{len(scale[0])}}" + "─" * (each * len(bars)),) if has_base else ()
    below = (*base, " " * len(scale[0]) + _labels(labels[::merged], each, room))
    return Chart(scale, rows, below, each, gap, merged)


def round_up(number: int) -> int:
    """The next number that an axis may end at: 1, 2, 4, 6, 8 or 10 of a power of ten; at least 4."""
    power = 10 ** max(0, len(str(number)) - 1)
    return max(4, next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= number))


def _scale(top: int, height: int) -> tuple[str, ...]:
    """The largest value before the uppermost row, the middle one before the row in which it ends."""
    said = {0: top, (height + 1) // 2: top // 2} if height > 3 else {0: top}
    wide = len(grouped(top))
    return tuple(
        f"{grouped(said[row]) if row in said else '':>{wide}} {'┤' if row in said else '│'}" for row in range(height)
    )


def _labels(labels: Sequence[str], each: int, room: int) -> str:
    """Labels under their bars: every nth, so that none touches another."""
    longest = max(map(len, labels), default=0) + LABEL_GAP
    step = max(1, -(-longest // each))
    line = ""
    for at in range(0, len(labels), step):
        if at * each + len(labels[at]) <= room:
            line = line.ljust(at * each) + labels[at]
    return line
