"""Statements kept under a name, per app, in the console's session folder."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from screens.services.session import SessionStore

KEY = "sql.favourites"
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Favourite:
    """`at`: when it was kept, in seconds since the epoch."""

    name: str
    sql: str
    at: float


class Favourites:
    """Names are unique, whatever their case. Read anew each time: two consoles on one app share them."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store

    def all(self) -> list[Favourite]:
        """By name."""
        kept = self._store.fresh(KEY, [])
        found = [
            Favourite(str(each["name"]), str(each["sql"]), float(each.get("at", 0)))
            for each in (kept if isinstance(kept, list) else [])
            if isinstance(each, dict) and "name" in each and "sql" in each
        ]
        return sorted(found, key=lambda favourite: favourite.name.casefold())

    def find(self, name: str) -> Favourite | None:
        return next((each for each in self.all() if each.name.casefold() == name.casefold()), None)

    def keep(self, name: str, sql: str) -> None:
        """Keep a statement; one of that name is replaced."""
        name = " ".join(name.split())[:LONGEST_NAME]
        rest = [each for each in self.all() if each.name.casefold() != name.casefold()]
        self._write([*rest, Favourite(name, sql, time.time())])

    def drop(self, name: str) -> None:
        self._write([each for each in self.all() if each.name != name])

    def _write(self, favourites: list[Favourite]) -> None:
        self._store.put(KEY, [{"name": each.name, "sql": each.sql, "at": each.at} for each in favourites])
