"""Finding by a few letters: what palette, goto and pickers share."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

LIMIT = 50


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that can be chosen. kind: what it is, translated. key: the shortcut. run: does it; `value` goes to whoever
    asked. marks: positions of the matching letters in `label`."""

    label: str
    kind: str = ""
    detail: str = ""
    key: str = ""
    run: Callable[[], Any] | None = None
    value: Any = None
    search: str = ""
    """Further words that it is found by."""
    note: str = ""
    """A sentence shown while it is highlighted."""
    quiet: bool = False
    """Shown only when something was typed."""
    barred: str = ""
    """Why it may not be done; it is shown all the same, so that nobody looks for it."""
    marks: tuple[int, ...] = field(default=(), compare=False)


Search = Callable[[str], Awaitable[Sequence[Hit]]]
"""A source that asks the server; it is awaited with what was typed, debounced."""


def match(query: str, text: str) -> tuple[float, tuple[int, ...]] | None:
    """How well letters typed in order fit a text, and where; None when they do not. A run of letters and a start of a
    word count more."""
    wanted, held = query.casefold().replace(" ", ""), text.casefold()
    if not wanted:
        return 0.0, ()
    if len(held) != len(text):  # casefold changed the length (ß): positions would be wrong
        held = text.lower()
    whole = held.find(query.casefold().strip())
    if whole >= 0:
        at_word = whole == 0 or not held[whole - 1].isalnum()
        score = 100 + (40 if at_word else 0) + (20 if whole == 0 else 0) - len(text) * 0.1
        return score, tuple(range(whole, whole + len(query.strip())))
    marks: list[int] = []
    score, at = 0.0, 0
    for letter in wanted:
        found = held.find(letter, at)
        if found < 0:
            return None
        starts_word = found == 0 or not held[found - 1].isalnum()
        score += 8 if starts_word else 5 if marks and found == marks[-1] + 1 else 1
        marks.append(found)
        at = found + 1
    spread = marks[-1] - marks[0] + 1
    return score - spread * 0.5 - len(text) * 0.05, tuple(marks)


def best(query: str, hits: Iterable[Hit], limit: int = LIMIT) -> list[Hit]:
    """The hits that fit, best first; all loud ones in their order when nothing was typed."""
    if not query.strip():
        return [hit for hit in hits if not hit.quiet][:limit]
    scored: list[tuple[float, Hit]] = []
    for hit in hits:
        found = match(query, hit.label)
        if found:
            scored.append((found[0], replace(hit, marks=found[1])))
        elif other := match(query, f"{hit.search} {hit.kind}"):
            scored.append((other[0] * 0.5, hit))
    scored.sort(key=lambda pair: -pair[0])
    return [hit for _, hit in scored[:limit]]
