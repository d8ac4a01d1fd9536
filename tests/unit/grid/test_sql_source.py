"""The result of an SQL statement as rows of a grid."""

from typing import Any

import pytest

from core.client import NotFound
from core.contract.console import SqlColumn, SqlStatement, SqlWindow
from screens.presenters.format import formatter
from screens.presenters.grid_model import GridModel
from screens.presenters.row_source import SqlSource
from tests.support.memory_port import MemoryPort


class ResultPort(MemoryPort):
    """Keeps one result of `count` rows: number and text."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    async def sql_window(self, run: str, index: int, start: int, limit: int) -> SqlWindow:
        self.calls.append("sql_window")
        rows: list[list[Any]] = [[n, f"Row {n}", None] for n in range(start, min(start + limit, self.count))]
        return SqlWindow(start=start, rows=rows)


def source(count: int, *, more: bool = False) -> SqlSource:
    columns = [
        SqlColumn(name="n", type="BIGINT", family="number"),
        SqlColumn(name="title", type="VARCHAR", family="text"),
        SqlColumn(name="title", type="TIMESTAMP", family="date"),
    ]
    statement = SqlStatement(
        index=0,
        text="select",
        start=0,
        end=6,
        kind="select",
        state="done",
        elapsedMs=1,
        columns=columns,
        rowCount=count,
        more=more,
    )
    return SqlSource(ResultPort(count), "run_1", statement)


async def opened(model: GridModel) -> GridModel:
    model.open()
    await model.settled()
    return model


async def test_a_result_is_read_window_by_window_and_cannot_be_sorted_or_edited() -> None:
    model = await opened(GridModel(source(100_000, more=True)))
    assert model.view is not None
    assert (model.count, model.view["countKind"]) == (100_000, "at-least")
    assert model.source.table == ""
    assert model.layout.frozen == 0
    model.apply_sort("n")
    model.set_filter({"field": "n", "operator": "equals", "value": 1})
    assert model.query.sort == ()
    assert not model.filter_by_value("n", 1)
    model.need(90_000, 90_040)
    await model.settled()
    row = model.row(90_000)
    assert row is not None
    assert row.value("title") == "Row 90000"


async def test_columns_of_one_name_are_told_apart() -> None:
    assert [field["name"] for field in source(1).fields] == ["n", "title", "title:2"]
    model = await opened(GridModel(source(10)))
    model.layout.move(0, 2)
    model.layout.hide("title")
    model.cache.invalidate()
    model.need(0, 5)
    await model.settled()
    row = model.row(4)
    assert row is not None
    assert (row.value("n"), row.value("title:2")) == (4, None)


@pytest.mark.parametrize(
    ("text", "row", "hit"), [("row 5000", 0, 5000), ("ROW 9", 0, 9), ("row 3", 4, 30), ("none such", 7, 7)]
)
async def test_a_result_is_searched_through(text: str, row: int, hit: int) -> None:
    model = await opened(GridModel(source(6000)))
    model.selection.row = row
    model.search.look_for(text, row)
    await model.settled()
    assert model.selection.row == hit


async def test_a_result_is_searched_backwards_around_the_beginning() -> None:
    model = await opened(GridModel(source(3000)))
    model.search.look_for("row 1")
    await model.settled()
    assert model.selection.row == 1
    model.search.next(backward=True)
    await model.settled()
    assert model.selection.row == 1999
    model.search.next(backward=True)
    await model.settled()
    assert model.selection.row == 1998


async def test_rows_are_located_by_their_number() -> None:
    rows = source(10)
    assert (await rows.locate("run_1/0", "7"))["position"] == 7
    with pytest.raises(NotFound):
        await rows.locate("run_1/0", "10")


@pytest.mark.parametrize(
    ("native", "family", "value", "shown"),
    [
        ("DATE", "date", "2026-02-01", "2026-02-01"),
        ("TIME", "text", "08:05:00", "08:05"),
        ("BIGINT", "number", 1336, "1336"),
        ("int4", "number", 1336, "1336"),
        ("DECIMAL(20,2)", "number", 30, "30.00"),
        ("DOUBLE", "number", 0.5, "0.5"),
        ("INTERVAL", "text", "1 day", "1 day"),
    ],
)
def test_values_read_as_the_type_of_their_column(native: str, family: Any, value: Any, shown: str) -> None:
    columns = [SqlColumn(name="x", type=native, family=family)]
    statement = SqlStatement(
        index=0, text="select", start=0, end=6, kind="select", state="done", elapsedMs=1, columns=columns, rowCount=1
    )
    field = SqlSource(ResultPort(1), "run_1", statement).fields[0]
    assert formatter(field)(value) == shown
