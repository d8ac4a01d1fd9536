"""The pictures of a gallery's cards: fetched when a card is on screen, one after the other, and kept while it is open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.client import SovriumError
from screens.services.picture import BYTES_MOST, Cells, half_blocks

KEPT = 500
Place = tuple[str, int, int]
"""Key of a file, cells across, lines."""


class Covers:
    """`fetch` saves a file of the server. Without a picture a card tells the name of the file."""

    def __init__(self, fetch: Callable[[str, Path], Awaitable[Any]]) -> None:
        self._fetch = fetch
        self._known: dict[Place, Cells | None] = {}
        self._wanted: list[Place] = []
        self.is_loading = False

    def of(self, value: Any, width: int, height: int) -> Cells | None:
        """The picture of the first file of a value, where it is here; else it is wanted, when it is one at all."""
        first = next(iter(value), None) if isinstance(value, list) else value
        if not isinstance(first, dict) or not str(first.get("mimeType", "")).startswith("image/"):
            return None
        if not 0 < int(first.get("size") or 0) <= BYTES_MOST or not first.get("key"):
            return None
        place = (str(first["key"]), width, height)
        if place not in self._known and place not in self._wanted:
            self._wanted.append(place)
        return self._known.get(place)

    @property
    def is_waiting(self) -> bool:
        return bool(self._wanted)

    async def load(self) -> AsyncIterator[None]:
        """Fetch what is wanted, the last first: it is what is looked at. Goes on after each one."""
        self.is_loading = True
        try:
            while self._wanted:
                place = self._wanted.pop()
                self._known[place] = None
                with suppress(SovriumError, OSError):
                    self._known[place] = await self._read(place)
                if len(self._known) > KEPT:
                    del self._known[next(iter(self._known))]
                yield
        finally:
            self.is_loading = False

    async def _read(self, place: Place) -> Cells | None:
        key, width, height = place
        with TemporaryDirectory(prefix="sovrium-") as folder:
            target = Path(folder) / "picture"
            await self._fetch(key, target)
            return await asyncio.to_thread(half_blocks, target, width, height)
