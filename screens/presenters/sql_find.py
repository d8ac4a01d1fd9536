"""Finding in a text: places of what is looked for, the next one from a cursor, what a replacement makes of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """A place; `number` of `count`, from 1."""

    start: int
    end: int
    number: int
    count: int


def places(text: str, needle: str) -> list[int]:
    """Where it stands, without overlaps. Small letters find capitals as well; a capital finds itself alone."""
    if not needle:
        return []
    if needle == needle.lower():
        lowered = text.lower()
        if len(lowered) == len(text):  # else letters that change their length would shift the places
            text = lowered
    found, at = [], text.find(needle)
    while at >= 0:
        found.append(at)
        at = text.find(needle, at + len(needle))
    return found


def find(text: str, needle: str, offset: int, *, backward: bool = False) -> Found | None:
    """The first place at or behind `offset`, or before it; it goes around the end. None when there is none."""
    known = places(text, needle)
    if not known:
        return None
    if backward:
        number = max((i for i, place in enumerate(known) if place < offset), default=len(known) - 1)
    else:
        number = next((i for i, place in enumerate(known) if place >= offset), 0)
    return Found(known[number], known[number] + len(needle), number + 1, len(known))


def replace_all(text: str, needle: str, replacement: str) -> tuple[str, int]:
    """The text with every place replaced, and how many there were."""
    known = places(text, needle)
    pieces, at = [], 0
    for place in known:
        pieces += [text[at:place], replacement]
        at = place + len(needle)
    return "".join([*pieces, text[at:]]), len(known)
