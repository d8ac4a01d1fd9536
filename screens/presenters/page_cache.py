"""Pages of rows that are held, wanted or on their way. Knows nothing of the server: `GridModel` fetches."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.contract.console import ModelValue

PAGE_ROWS = 256
HELD_PAGES = 48
QUEUED_PAGES = 6


@dataclass(slots=True)
class Page:
    """Rows from `start` on. `columns` leads from a field's name to its place in a row; `labels` from a link field's name
    to what its ids stand for."""

    start: int
    keys: Sequence[str]
    rows: list[list[Any]]
    columns: Mapping[str, int]
    stamps: Sequence[str] = ()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    computing: Mapping[str, Mapping[str, ModelValue]] = field(default_factory=dict)
    """By key and field, values that a language model is to give, or could not."""
    stale: bool = False
    """Still shown, but a newer reading is wanted."""

    def renewed(self, newer: "Page") -> "Page":
        """These rows in these places, with the values of a newer reading: while rows that came or went are not shown,
        the places of the server are not those on screen."""
        if newer.columns != self.columns:
            return newer
        places = {key: place for place, key in enumerate(newer.keys)}
        rows, stamps = list(self.rows), list(self.stamps)
        for place, key in enumerate(self.keys):
            if (there := places.get(key)) is not None:
                rows[place] = newer.rows[there]
                if place < len(stamps) and there < len(newer.stamps):
                    stamps[place] = newer.stamps[there]
        names = {*self.labels, *newer.labels}
        labels = {name: {**self.labels.get(name, {}), **newer.labels.get(name, {})} for name in names}
        computing = {key: told for key, told in self.computing.items() if key not in places} | {**newer.computing}
        return Page(self.start, self.keys, rows, self.columns, stamps, labels, computing)


class PageCache:
    """At most `held` pages, the least recently read goes first; at most `queued` wishes, the newest is served first.

    A page that is asked for again moves to the front of the queue; wishes beyond the limit are forgotten (whoever still
    needs them asks again when it paints). Answers of an older generation are dropped.
    """

    def __init__(self, held: int = HELD_PAGES, queued: int = QUEUED_PAGES) -> None:
        self._held = held
        self._queued = queued
        self._pages: OrderedDict[int, Page] = OrderedDict()
        self._wanted: list[int] = []
        self._flying: set[int] = set()
        self._last = -1
        self._direction = 1
        self.generation = 0

    def __len__(self) -> int:
        return len(self._pages)

    def __iter__(self) -> Iterator[Page]:
        return iter(self._pages.values())

    @property
    def wanted(self) -> tuple[int, ...]:
        """Numbers of the pages to fetch, the next one first."""
        return tuple(reversed(self._wanted))

    @property
    def busy(self) -> bool:
        return bool(self._wanted or self._flying)

    def get(self, row: int) -> Page | None:
        """The page that holds a row, without asking for it."""
        number = row // PAGE_ROWS
        page = self._pages.get(number)
        if page is not None:
            self._pages.move_to_end(number)
        return page

    def want(self, first: int, last: int, count: int) -> bool:
        """Rows `first`…`last` of `count` are about to be painted: ask for what is missing, and for the next page in the
        direction of travel once three quarters of the present one are passed, and one page behind. True when there is
        something to fetch."""
        if count <= 0:
            return False
        if self._last >= 0 and first != self._last:
            self._direction = 1 if first > self._last else -1
        self._last = first
        first, last = max(0, min(first, count - 1)), max(0, min(last, count - 1))
        end = (count - 1) // PAGE_ROWS
        visible = list(range(first // PAGE_ROWS, last // PAGE_ROWS + 1))
        ahead, behind = self._neighbours(first, last, visible)
        for number in (*behind, *ahead, *reversed(visible)):
            if 0 <= number <= end:
                self._ask(number)
        return bool(self._wanted)

    def _neighbours(self, first: int, last: int, visible: list[int]) -> tuple[list[int], list[int]]:
        forward = self._direction > 0
        edge = last % PAGE_ROWS / PAGE_ROWS if forward else 1 - first % PAGE_ROWS / PAGE_ROWS
        after, before = visible[-1] + 1, visible[0] - 1
        ahead, behind = (after, before) if forward else (before, after)
        return ([ahead] if edge >= 0.75 else []), ([behind] if edge >= 0.75 else [])

    def _ask(self, number: int) -> None:
        page = self._pages.get(number)
        if number in self._flying or (page is not None and not page.stale):
            return
        if number in self._wanted:
            self._wanted.remove(number)
        self._wanted.append(number)
        del self._wanted[: -self._queued]

    def take(self) -> int | None:
        """The page to fetch now, None when nothing is wanted. `put` or `drop` must follow."""
        if not self._wanted:
            return None
        number = self._wanted.pop()
        self._flying.add(number)
        return number

    def put(self, number: int, page: Page, generation: int) -> bool:
        """An answer has come; False when it belongs to an older generation and was dropped."""
        if generation != self.generation:
            return False
        self._flying.discard(number)
        self._pages[number] = page
        self._pages.move_to_end(number)
        while len(self._pages) > self._held:
            self._pages.popitem(last=False)
        return True

    def drop(self, number: int, generation: int) -> None:
        """No answer came; whoever paints the page asks again."""
        if generation == self.generation:
            self._flying.discard(number)

    def invalidate(self, numbers: Iterator[int] | Sequence[int] | None = None) -> None:
        """Pages (all by default) hold old rows: show them until new ones come. Answers on their way are old too."""
        self.generation += 1
        self._flying.clear()
        for number in self._pages if numbers is None else numbers:
            if number in self._pages:
                self._pages[number].stale = True

    def reset(self) -> None:
        """Another order: forget all pages, wishes and answers on their way."""
        self.generation += 1
        self._pages.clear()
        self._wanted.clear()
        self._flying.clear()
        self._last, self._direction = -1, 1

    def find(self, key: str) -> tuple[Page, int] | None:
        """A held row by its key: page and place in it."""
        for page in self._pages.values():
            if key in page.keys:
                return page, page.keys.index(key)
        return None
