"""What is chosen in a grid."""

from screens.presenters.selection import Block, Selection


def test_the_cursor_alone_is_its_cell() -> None:
    selection = Selection(4, 2)
    assert selection.mode == "cell"
    assert selection.block(5) == Block(4, 2, 4, 2)
    assert selection.span_in(4, 5) is None


def test_a_range_reaches_from_its_anchor_to_the_cursor_in_any_direction() -> None:
    selection = Selection(4, 2)
    selection.extend()
    selection.row, selection.column = 1, 0
    assert selection.mode == "range"
    assert selection.block(5) == Block(1, 0, 4, 2)
    assert selection.span_in(2, 5) == (0, 2)
    assert selection.span_in(5, 5) is None
    assert selection.block(5).holds(3, 1)
    assert not selection.block(5).holds(3, 3)
    assert (selection.block(5).rows, selection.block(5).columns) == (4, 3)


def test_the_same_key_begins_and_ends_a_range() -> None:
    selection = Selection(1, 1)
    selection.start()
    assert selection.anchor == (1, 1)
    selection.start(whole_rows=True)
    assert selection.mode == "rows"
    assert selection.block(7) == Block(1, 0, 1, 6)
    selection.start(whole_rows=True)
    assert not selection.active


def test_marks_are_keys_and_are_given_up_last() -> None:
    selection = Selection()
    assert selection.toggle("a")
    assert selection.toggle("b")
    assert not selection.toggle("a")
    assert list(selection.marked) == ["b"]
    selection.extend()
    assert selection.step_back()
    assert selection.mode == "marked"
    assert selection.step_back()
    assert not selection.step_back()


def test_all_rows_are_a_predicate() -> None:
    selection = Selection()
    selection.all()
    assert selection.mode == "all"
    assert selection.span_in(9_999_999, 3) == (0, 2)
    selection.toggle("x")
    assert selection.mode == "marked"


def test_stays_inside_when_rows_go() -> None:
    selection = Selection(90, 8, anchor=(95, 9))
    selection.clamp(10, 3)
    assert (selection.row, selection.column, selection.anchor) == (9, 2, (9, 2))
    selection.clamp(0, 0)
    assert (selection.row, selection.column) == (0, 0)
