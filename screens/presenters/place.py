"""Places visited, to come back to: a table with its filter, sort and cursor, a screen, a record."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """mode: the screen. key: what makes it the same place (`companies`, `companies?city=Oslo`): going there again
    replaces `state` instead of adding a step. title: for people. state: what the screen needs to return there."""

    mode: str
    key: str
    title: str
    state: dict[str, Any] = field(default_factory=dict)


class PlaceHistory:
    """Back and forward like a browser's. `visit` on arrival; `update` while the cursor moves."""

    def __init__(self, limit: int = 100) -> None:
        self._places: list[Place] = []
        self._at = -1
        self._limit = limit

    @property
    def current(self) -> Place | None:
        return self._places[self._at] if self._places else None

    def visit(self, place: Place) -> None:
        """Arrive at a place; what lay ahead is forgotten."""
        if self.current and (self.current.mode, self.current.key) == (place.mode, place.key):
            self._places[self._at] = place
            return
        self._places = [*self._places[: self._at + 1], place][-self._limit :]
        self._at = len(self._places) - 1

    def update(self, **state: Any) -> None:
        """Remember more about the current place."""
        if self.current:
            now = self.current
            self._places[self._at] = Place(now.mode, now.key, now.title, {**now.state, **state})

    def back(self) -> Place | None:
        """One place back, None at the beginning."""
        if self._at <= 0:
            return None
        self._at -= 1
        return self.current

    def forward(self) -> Place | None:
        """One place forward, None at the end."""
        if self._at >= len(self._places) - 1:
            return None
        self._at += 1
        return self.current

    def recent(self, limit: int = 8) -> list[Place]:
        """The latest different places, newest first."""
        seen: dict[tuple[str, str], Place] = {}
        for place in reversed(self._places):
            seen.setdefault((place.mode, place.key), place)
        return list(seen.values())[:limit]
