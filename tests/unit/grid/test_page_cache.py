"""Pages that a grid holds and wants."""

from hypothesis import given, settings
from hypothesis import strategies as st

from screens.presenters.page_cache import PAGE_ROWS, Page, PageCache

COUNT = 200 * PAGE_ROWS


def page(number: int) -> Page:
    start = number * PAGE_ROWS
    return Page(start, [str(start)], [[start]], {"id": 0})


def fetch_all(cache: PageCache) -> list[int]:
    """Answer every wish; the numbers in the order they were taken."""
    taken = []
    while (number := cache.take()) is not None:
        taken.append(number)
        assert cache.put(number, page(number), cache.generation)
    return taken


@given(st.lists(st.integers(0, COUNT - 1), max_size=60), st.integers(1, 8), st.integers(1, 6))
@settings(max_examples=80, deadline=None)
def test_never_more_than_its_limits_and_what_is_painted_comes_first(rows: list[int], held: int, queued: int) -> None:
    cache = PageCache(held, queued)
    for row in rows:
        cache.want(row, row + 49, COUNT)
        assert len(cache.wanted) <= queued
        if cache.wanted and cache.get(row) is None:
            assert cache.wanted[0] == row // PAGE_ROWS or queued == 1
        number = cache.take()
        if number is not None:
            cache.put(number, page(number), cache.generation)
        assert len(cache) <= held


@given(st.lists(st.integers(0, 199), min_size=1, max_size=40))
def test_newest_wish_is_served_first_and_old_ones_are_forgotten(numbers: list[int]) -> None:
    cache = PageCache(queued=6)
    for number in numbers:
        cache.want(number * PAGE_ROWS + 100, number * PAGE_ROWS + 140, COUNT)
    newest_first = list(dict.fromkeys(reversed(numbers)))
    assert list(cache.wanted) == newest_first[:6]
    assert fetch_all(cache) == newest_first[:6]
    assert cache.take() is None


def test_least_recently_read_page_goes_first() -> None:
    cache = PageCache(held=2)
    for number in (0, 1):
        cache.put(number, page(number), cache.generation)
    assert cache.get(0) is not None
    cache.put(2, page(2), cache.generation)
    assert cache.get(PAGE_ROWS) is None
    assert cache.get(0) is not None


def test_prefetches_in_the_direction_of_travel_from_three_quarters_on() -> None:
    cache = PageCache()
    cache.want(3 * PAGE_ROWS, 3 * PAGE_ROWS + 49, COUNT)
    assert fetch_all(cache) == [3]
    cache.want(3 * PAGE_ROWS + 150, 3 * PAGE_ROWS + 199, COUNT)
    assert fetch_all(cache) == [4, 2]
    cache.want(3 * PAGE_ROWS + 30, 3 * PAGE_ROWS + 79, COUNT)
    assert fetch_all(cache) == []
    cache.want(PAGE_ROWS + 5, PAGE_ROWS + 54, COUNT)
    assert fetch_all(cache) == [1, 0]


def test_a_page_on_its_way_is_not_asked_for_again() -> None:
    cache = PageCache()
    cache.want(0, 10, COUNT)
    assert cache.take() == 0
    cache.want(0, 10, COUNT)
    assert cache.take() is None
    assert cache.busy
    cache.drop(0, cache.generation)
    assert not cache.busy
    cache.want(0, 10, COUNT)
    assert cache.take() == 0


def test_stale_pages_stay_until_new_ones_come_and_late_answers_are_dropped() -> None:
    cache = PageCache()
    cache.want(0, 10, COUNT)
    late = cache.take()
    assert late == 0
    old = cache.generation
    cache.put(1, page(1), old)
    cache.invalidate()
    assert not cache.put(0, page(0), old)
    held = cache.get(PAGE_ROWS)
    assert held is not None
    assert held.stale
    cache.want(PAGE_ROWS, PAGE_ROWS + 10, COUNT)
    assert fetch_all(cache) == [1]
    fresh = cache.get(PAGE_ROWS)
    assert fresh is not None
    assert not fresh.stale


def test_another_order_forgets_everything() -> None:
    cache = PageCache()
    cache.put(0, page(0), 0)
    cache.want(PAGE_ROWS, PAGE_ROWS, COUNT)
    generation = cache.generation
    cache.reset()
    assert len(cache) == 0
    assert cache.wanted == ()
    assert not cache.put(1, page(1), generation)


def test_nothing_is_wanted_of_an_empty_view_and_beyond_the_end() -> None:
    cache = PageCache()
    assert not cache.want(0, 40, 0)
    cache.want(0, 999, 10)
    assert cache.wanted == (0,)


def test_finds_a_held_row_by_key() -> None:
    cache = PageCache()
    cache.put(2, page(2), 0)
    found = cache.find(str(2 * PAGE_ROWS))
    assert found is not None
    assert found[1] == 0
    assert cache.find("7") is None
