"""A grid's state over a server in memory."""

import asyncio
from typing import Any

from core.client import NotFound, ServerGone
from core.contract.console import Event, View, ViewSpec, Window
from screens.presenters.column_layout import ColumnLayout
from screens.presenters.grid_model import GridChange, GridModel
from screens.presenters.page_cache import PAGE_ROWS
from screens.presenters.pending import PendingChanges
from screens.presenters.row_source import Query, TableSource
from screens.presenters.staged import CellEdit
from tests.support.memory_port import MemoryPort, companies, contacts

CITY_LYON = {"field": "city", "operator": "equals", "value": "Lyon"}


class SlowPort(MemoryPort):
    """Windows wait at a gate, so that a test decides in which order things happen."""

    def __init__(self, *tables: Any) -> None:
        super().__init__(*tables)
        self.gate = asyncio.Event()
        self.gate.set()
        self.windows: list[int] = []
        self.building = False

    async def window(self, view: str, start: int, limit: int, fields: Any) -> Window:
        self.windows.append(start)
        await self.gate.wait()
        return await super().window(view, start, limit, fields)

    async def open_view(self, spec: ViewSpec) -> View:
        view = await super().open_view(spec)
        return View(**{**view, "ready": not self.building})

    def _view(self, view: str) -> View:
        return View(**{**super()._view(view), "ready": not self.building})


def model_of(port: MemoryPort, pending: PendingChanges | None = None, query: Query | None = None) -> GridModel:
    return GridModel(TableSource(port, port.tables["companies"].info()), staged=pending, query=query)


async def opened(model: GridModel) -> GridModel:
    model.open()
    await model.settled()
    return model


async def test_opens_a_view_and_reads_its_first_page_only() -> None:
    """T-145: ten million rows, and one window of them."""
    port = MemoryPort(companies(10_000_000))
    model = await opened(model_of(port))
    assert model.count == 10_000_000
    assert port.calls.count("window") == 1
    row = model.row(3)
    assert row is not None
    assert (row.key, row.number, row.value("name")) == ("4", 4, "Company 00004")
    assert model.row(PAGE_ROWS) is None
    await model.close()
    assert port.calls[-1] == "close_view"


async def test_rows_come_when_they_are_needed_and_are_told() -> None:
    model = await opened(model_of(MemoryPort(companies(10_000_000))))
    told: list[GridChange] = []
    model.changed.listen(told.append)
    model.need(9_000_000, 9_000_049)
    assert model.row(9_000_000) is None
    await model.settled()
    row = model.row(9_000_000)
    assert row is not None
    assert row.key == "9000001"
    assert any(change.kind == "rows" and change.first <= 9_000_000 <= change.last for change in told)


async def test_flying_past_pages_reads_the_last_ones_first_and_forgets_the_others() -> None:
    """T-145"""
    port = SlowPort(companies(1_000_000))
    model = await opened(model_of(port))
    port.windows.clear()
    port.gate.clear()
    for page in range(10, 60):
        model.need(page * PAGE_ROWS, page * PAGE_ROWS + 49)
    port.gate.set()
    await model.settled()
    assert len(port.windows) <= 2 + 6
    assert port.windows[2] == 59 * PAGE_ROWS


async def test_a_new_order_keeps_the_old_rows_until_it_comes_and_the_cursor_on_its_row() -> None:
    port = SlowPort(companies(3000))
    model = await opened(model_of(port))
    model.selection.row = 40
    port.gate.clear()
    model.apply_sort("employees")
    await asyncio.sleep(0)
    assert model.loading
    assert model.key_at(40) == "41"
    port.gate.set()
    await model.settled()
    assert not model.loading
    assert model.key_at(model.selection.row) == "41"
    assert model.selection.row != 40
    assert model.query.order_of("employees") == ("asc", 1)


async def test_only_the_newest_of_several_orders_is_shown_and_the_others_are_closed() -> None:
    port = SlowPort(companies(500))
    model = await opened(model_of(port))
    for name in ("city", "employees", "name"):
        model.set_sort([{"field": name, "direction": "desc"}])
    await model.settled()
    assert model.query.sort == ({"field": "name", "direction": "desc"},)
    assert model.key_at(0) is None or model.row(0) is not None
    assert len(port._views) == 1
    model.need(0, 10)
    await model.settled()
    assert model.key_at(0) == "500"


async def test_several_columns_can_be_sorted_by() -> None:
    model = await opened(model_of(MemoryPort(companies(300))))
    model.apply_sort("city")
    model.apply_sort("name", add=True)
    model.apply_sort("name", add=True)
    await model.settled()
    assert model.query.order_of("city") == ("asc", 1)
    assert model.query.order_of("name") == ("desc", 2)
    model.apply_sort("name", add=True)
    assert model.query.order_of("name") is None


async def test_an_order_that_is_being_built_shows_its_first_rows_and_finds_the_cursor_s_row_later() -> None:
    port = SlowPort(companies(3000))
    model = await opened(model_of(port))
    model.selection.row = 40
    port.building = True
    model.apply_sort("employees")
    shown = asyncio.Event()
    model.changed.listen(lambda change: None if model.loading else shown.set())
    await shown.wait()
    assert model.view is not None
    assert not model.view["ready"]
    port.building = False
    view = View(**{**model.view, "ready": True})
    model.on_event(Event(kind="view", view=view))
    await model.settled()
    assert model.selection.row != 40
    model.need(model.selection.row, model.selection.row)
    await model.settled()
    assert model.key_at(model.selection.row) == "41"


async def test_a_row_that_the_conditions_exclude_leaves_the_cursor_near() -> None:
    model = await opened(model_of(MemoryPort(companies(600))))
    model.selection.row = 599
    model.set_filter(CITY_LYON)
    await model.settled()
    assert model.count == 100
    assert model.selection.row == 99


async def test_the_same_value_filters_and_frees() -> None:
    model = await opened(model_of(MemoryPort(companies(600))))
    assert model.filter_by_value("city", "Lyon")
    assert model.filter_by_value("partner", True)
    assert model.query.filter == {"and": [CITY_LYON, {"field": "partner", "operator": "isTrue"}]}
    assert model.filter_by_value("city", "Lyon")
    assert model.query.filter == {"field": "partner", "operator": "isTrue"}
    assert not model.filter_by_value("city", {"cut": "L", "length": 300})
    assert not model.filter_by_value("nothing", 1)
    await model.settled()


async def test_a_lost_server_leaves_what_was_read_and_says_so() -> None:
    port = MemoryPort(companies(5000))
    model = await opened(model_of(port))
    port.alive = False
    model.need(2000, 2050)
    await model.settled()
    assert isinstance(model.failure, ServerGone)
    assert model.row(5) is not None
    port.alive = True
    model.need(2000, 2050)
    await model.settled()
    assert model.failure is None
    assert model.row(2000) is not None


async def test_a_view_that_the_server_forgot_is_opened_again_on_the_same_row() -> None:
    port = MemoryPort(companies(5000))
    model = await opened(model_of(port))
    model.selection.row = 20
    port._views.clear()

    async def gone(view: str, start: int, limit: int, fields: Any, **_: Any) -> Window:
        if view not in port._views:
            raise NotFound()
        return await MemoryPort.window(port, view, start, limit, fields)

    port.window = gone  # type: ignore[method-assign]
    model.need(1000, 1040)
    await model.settled()
    assert model.key_at(model.selection.row) == "21"
    model.need(1000, 1040)
    await model.settled()
    assert model.row(1000) is not None


async def test_an_update_elsewhere_reads_the_pages_of_its_rows_again() -> None:
    port = MemoryPort(companies(5000))
    model = await opened(model_of(port))
    port.tables["companies"].edited["3"] = {**port.tables["companies"].row("3"), "name": "Changed"}
    before = port.calls.count("window")
    model.on_event(Event(kind="change", table="companies", operation="update", ids=["4000"], count=1))
    model.on_event(Event(kind="change", table="contacts", operation="update", ids=["3"], count=1))
    model.need(0, 40)
    await model.settled()
    assert port.calls.count("window") == before
    model.on_event(Event(kind="change", table="companies", operation="update", ids=["3"], count=1))
    model.need(0, 40)
    assert model.row(2) is not None, "the old row stays until the new one comes"
    await model.settled()
    row = model.row(2)
    assert row is not None
    assert row.value("name") == "Changed"


async def test_a_new_version_of_the_view_makes_all_pages_old() -> None:
    port = MemoryPort(companies(5000))
    model = await opened(model_of(port))
    assert model.view is not None
    model.on_event(Event(kind="view", view=View(**{**model.view, "count": 4000, "version": 2})))
    assert model.count == 4000
    assert all(page.stale for page in model.cache)
    model.on_event(Event(kind="view", view=View(**{**model.view, "id": "other", "count": 1})))
    assert model.count == 4000


async def test_a_saved_row_is_shown_without_reading_it_again() -> None:
    port = MemoryPort(companies(300))
    model = await opened(model_of(port))
    before = len(port.calls)
    model.patch("5", {"name": "Saved", "nothing": 1}, "2026-02-02T00:00:00.000Z")
    model.patch("9999", {"name": "elsewhere"})
    row = model.row(4)
    assert row is not None
    assert row.value("name") == "Saved"
    assert model.stamp_at(4) == "2026-02-02T00:00:00.000Z"
    assert len(port.calls) == before


async def test_new_rows_stand_below_the_cursor_until_the_order_changes() -> None:
    pending = PendingChanges()
    model = await opened(model_of(MemoryPort(companies(300)), pending))
    model.selection.row = 10
    first, second = pending.insert("companies", [{"name": "A"}, {"name": "B"}])
    assert model.count == 302
    assert [model.key_at(row) for row in (10, 11, 12, 13)] == ["11", first, second, "12"]
    assert model.is_new(11)
    assert not model.is_new(13)
    assert model.stamp_at(11) == ""
    row = model.row(13)
    assert row is not None
    assert row.number == 12
    model.selection.row = 200
    (third,) = pending.insert("companies", [{"name": "C"}])
    assert model.position_of(third) == 201
    assert model.position_of(first) == 11
    for position in range(model.count):
        if not model.is_new(position):
            assert model.to_displayed(model.to_base(position)) == position
    model.apply_sort("name")
    await model.settled()
    assert [model.position_of(ref) for ref in (first, second, third)] == [0, 1, 2]
    pending.discard()
    assert model.count == 300


async def test_staged_values_are_shown_over_stored_ones() -> None:
    pending = PendingChanges()
    model = await opened(model_of(MemoryPort(companies(300)), pending))
    told: list[GridChange] = []
    model.changed.listen(told.append)
    pending.set("companies", [CellEdit("1", "name", "Company 00001", "Mine", problem="too short")])
    row = model.row(0)
    assert row is not None
    value, staged = model.cell(row, "name")
    assert value == "Mine"
    assert staged is not None
    assert (staged.state, staged.message) == ("invalid", "too short")
    assert model.cell(row, "city") == ("Oslo", None)
    assert [change.kind for change in told] == ["cells"]
    pending.set("contacts", [CellEdit("1", "name", "x", "y")])
    assert len(told) == 1


async def test_reads_many_rows_with_staged_ones_for_copying() -> None:
    pending = PendingChanges()
    model = await opened(model_of(MemoryPort(companies(5000)), pending))
    model.selection.row = 1
    pending.insert("companies", [{"name": "New"}])
    pending.set("companies", [CellEdit("4", "name", "Company 00004", "Mine")])
    rows = await model.read(0, 3000, ["name", "city"])
    assert len(rows) == 3001
    assert [values for _, values in rows[:5]] == [
        ["Company 00001", "Oslo"],
        ["Company 00002", "Lyon"],
        ["New", None],
        ["Company 00003", "Zürich"],
        ["Mine", "Łódź"],
    ]
    assert rows[-1][0] == "3000"


async def test_labels_of_links_come_with_the_rows_or_are_learnt() -> None:
    port = MemoryPort(companies(), contacts())
    model = GridModel(TableSource(port, port.tables["contacts"].info()))
    await opened(model)
    row = model.row(0)
    assert row is not None
    assert model.label(row, "company", "1") == "Company 00001"
    assert model.label(row, "company", "4999") == ""
    model.learn_label("company", "4999", "Picked")
    assert model.label(row, "company", "4999") == "Picked"


async def test_a_search_that_was_typed_over_moves_nothing() -> None:
    model = await opened(model_of(MemoryPort(companies(5000))))
    model.search.look_for("04000")
    model.search.look_for("00030")
    await model.settled()
    assert model.selection.row == 29
    model.search.look_for("")
    assert model.search.text == ""


async def test_hidden_columns_are_not_read() -> None:
    port = MemoryPort(companies(300))
    info = port.tables["companies"].info()
    layout = ColumnLayout(info["fields"], "id", {"columns": [{"name": "note", "hidden": True}]})
    model = await opened(GridModel(TableSource(port, info), layout))
    row = model.row(0)
    assert row is not None
    assert "note" not in row.columns
    layout.hide("note", hidden=False)
    model.columns_changed()
    model.need(0, 10)
    await model.settled()
    row = model.row(0)
    assert row is not None
    assert row.value("note") == "Met at the fair in Zürich."


async def test_an_empty_table_has_nothing_to_stand_on() -> None:
    model = await opened(model_of(MemoryPort(companies(0))))
    assert model.count == 0
    assert model.row(0) is None
    model.search.look_for("x")
    model.need(0, 40)
    await model.settled()
    assert model.selection.row == 0
