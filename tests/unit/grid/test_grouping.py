"""Groups of a grid's rows: what is shown of them, and folding."""

from typing import Any

from core.contract.console import Blocks, GroupBlock, GroupSpec
from screens.presenters.grouping import Grouping, by_column
from screens.presenters.row_source import Query

GROUPED = Query(group=GroupSpec(field="city"))


def blocks(*counts: int, **keys: Any) -> Blocks:
    start, found = 0, []
    for place, count in enumerate(counts):
        found.append(GroupBlock(value=place, name=str(place), start=start, count=count))
        start += count
    return Blocks(groups=found, aggregations={}, **keys)


def test_folded_groups_stay_folded_when_the_groups_are_read_anew() -> None:
    groups = Grouping()
    groups.take(blocks(2, 3), GROUPED)
    assert groups.fold(1) == 0, "by a row of the group"
    assert [groups.places.to_displayed(base) for base in (0, 1, 2, 4)] == [0, 0, 2, 4]
    groups.take(blocks(2, 5), GROUPED)
    header = groups.header(0)
    assert header is not None
    assert header.folded
    assert groups.has_folded
    assert groups.start(1) == 1
    assert groups.fold(0) == 0
    assert not groups.has_folded


def test_too_many_groups_are_none_at_all() -> None:
    groups = Grouping()
    groups.take(blocks(1, 1), GROUPED)
    assert len(groups.blocks) == 2
    groups.take(blocks(1, 1, tooMany=True), GROUPED)
    assert groups.too_many
    assert groups.blocks == ()
    assert groups.fold(0) is None
    assert not groups.fold_all(folded=True)


def test_aggregates_of_one_column_or_several() -> None:
    assert by_column(
        {"sum": {"points": 3, "due": None}, "count": 5}, {"points": "sum", "due": "sum", "city": "count"}
    ) == {
        "points": 3,
        "city": 5,
    }
