"""Which kind may become which, by itself, by a cast, or as the value of a field."""

from core.formulas.kind import Kind, is_list
from core.sentence import say


def becomes(given: Kind, kind: Kind) -> bool:
    """Without being asked."""
    if given == "null" or (given, kind) == ("date", "timestamp"):
        return True
    return kind == "text" and given in ("number", "boolean", "date", "time", "timestamp")


_CASTS: dict[Kind, tuple[Kind, ...]] = {
    "number": ("text", "boolean"),
    "text": ("number", "boolean", "date", "time", "timestamp", "bytes"),
    "boolean": ("text", "number"),
    "date": ("text", "timestamp"),
    "time": ("text",),
    "timestamp": ("text", "date", "time"),
    "interval": (),
    "bytes": ("text",),
}


def castable(given: Kind, kind: Kind) -> bool:
    """A cast from one kind to the other has a meaning; it may still give NULL."""
    return given in ("null", kind) or given in _CASTS.get(kind, ())


def convertible(given: Kind, kind: Kind) -> bool:
    """A formula of the one kind can be a field of the other: as a cast, and lists of anything as lists of texts."""
    if is_list(kind):
        return given == "null" or (is_list(given) and kind in (given, "text-list"))
    return castable(given, kind)


def way(given: Kind, kind: Kind) -> str | None:
    """How to write it for the one to become the other."""
    if is_list(given) and not is_list(kind):
        return say("for a list there are SUM, MAX, ARRAYJOIN, CARDINALITY, x[1]")
    if not castable(given, kind) or kind in ("null", "interval"):
        return None
    types = {"number": "numeric", "timestamp": "timestamp"}
    return say("cast it: x::{type}", type=types.get(kind, kind))
