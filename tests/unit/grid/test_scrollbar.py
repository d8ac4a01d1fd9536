"""Where the thumb of a scrollbar stands."""

from hypothesis import given
from hypothesis import strategies as st

from screens.widgets.grid.scrollbar import Scrollbar


@given(st.integers(2, 10_000_000), st.integers(2, 80), st.data())
def test_the_thumb_is_inside_and_touches_the_ends_only_there(rows: int, height: int, data: st.DataObject) -> None:
    last = max(rows - height, 0)
    top = data.draw(st.integers(0, last))
    bar = Scrollbar(rows, top, height)
    first, length = bar.thumb
    assert first >= 0
    assert length >= 1
    assert first + length <= height
    assert sum(bar.holds(line) for line in range(height)) == length
    if bar.needed and height - length >= 3:
        assert (first == 0) == (top == 0)
        assert (first + length == height) == (top == last)


@given(st.integers(100, 10_000_000), st.integers(5, 80), st.integers(0, 80))
def test_dragging_reaches_both_ends_and_stays_inside(rows: int, height: int, line: int) -> None:
    bar = Scrollbar(rows, 0, height)
    assert 0 <= bar.row_at(line) <= max(rows - height, 0)
    assert bar.row_at(0) == 0
    assert bar.row_at(height) == max(rows - height, 0)


def test_no_bar_where_all_rows_fit() -> None:
    assert not Scrollbar(10, 0, 10).needed
    assert not Scrollbar(0, 0, 10).needed
