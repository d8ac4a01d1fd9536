"""Every row of the table of type changes (§12.6), on both databases: what values become, and what is refused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from core.errors import MigrationRefused
from core.fields.build import build_app
from core.fields.model import AppModel
from core.fields.registry import FIELD_TYPES
from core.migrations import history, plan, run
from core.schema.loader import load_data
from core.storage.database import Call, Database

Options = Mapping[str, Any]


def app(options: Options, **more: Any) -> AppModel:
    kept = {"id": 2, "name": "kept", "type": "single-line-text"}
    table = {"id": 1, "name": "things", "fields": [{"id": 1, "name": "it", **options}, kept], **more}
    return build_app(load_data({"name": "app", "tables": [table]}, FIELD_TYPES))


def filled(database: Database, options: Options, values: Sequence[Any]) -> None:
    """A table with these values in the field, and one empty row before them."""
    model = app(options)
    run(database, plan(database, model))
    target = database.table(model.by_address["things"])
    rows = [{"it": value, "kept": f"k{at}"} for at, value in enumerate([None, *values])]
    database.submit_write(Call(lambda tx: tx.insert(target, rows))).result()


def stored(database: Database) -> list[Any]:
    """The values behind the empty row, in the order in which they came; every row must have kept its neighbour."""
    rows = database.submit_read(Call(lambda reader: reader.rows("SELECT it, kept FROM things ORDER BY id"))).result()
    assert [kept for _, kept in rows] == [f"k{at}" for at in range(len(rows))]
    assert rows[0][0] is None
    return [value for value, _ in rows[1:]]


def text(**more: Any) -> Options:
    return {"type": "single-line-text", **more}


def kind(name: str, **more: Any) -> Options:
    return {"type": name, **more}


SELECT = kind("single-select", options=["a", "b"])
MULTI = kind("multi-select", options=["a", "b"])


@dataclass(frozen=True, kw_only=True)
class Way:
    """One allowed change."""

    name: str
    old: Options
    new: Options
    values: Sequence[Any]
    become: Sequence[Any]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """One change that the rows refuse: the words of it, the ids and values named."""

    name: str
    old: Options
    new: Options
    values: Sequence[Any]
    says: str
    details: Sequence[str] = field(default_factory=tuple)

    def __str__(self) -> str:
        return self.name


NOON = datetime(2026, 2, 1, 12, 30, tzinfo=UTC)
WAYS = [
    Way(name="integer to text", old=kind("integer"), new=text(), values=[7, -1], become=["7", "-1"]),
    Way(
        name="decimal to text",
        old=kind("decimal", precision=2),
        new=kind("long-text"),
        values=[Decimal("1.50")],
        become=["1.50"],
    ),
    Way(
        name="decimal to text, without the digits that nobody wrote",
        old=kind("decimal"),
        new=kind("long-text"),
        values=[Decimal("1.50"), Decimal("100")],
        become=["1.5", "100"],
    ),
    Way(name="date to text", old=kind("date"), new=text(), values=[date(2026, 2, 1)], become=["2026-02-01"]),
    Way(name="time to text", old=kind("time"), new=text(), values=[time(9, 5)], become=["09:05:00"]),
    Way(name="instant to text", old=kind("datetime"), new=text(), values=[NOON], become=["2026-02-01T12:30:00.000Z"]),
    Way(name="checkbox to text", old=kind("checkbox"), new=text(), values=[True, False], become=["true", "false"]),
    Way(name="checkbox to number", old=kind("checkbox"), new=kind("integer"), values=[True, False], become=[1, 0]),
    Way(
        name="long text cut",
        old=kind("long-text"),
        new=text(allowTruncate=True),
        values=["x" * 300, "short"],
        become=["x" * 255, "short"],
    ),
    Way(
        name="text cut to a shorter limit",
        old=text(),
        new=text(maxLength=3, allowTruncate=True),
        values=["abcdef", "ab"],
        become=["abc", "ab"],
    ),
    Way(
        name="text to integer",
        old=text(),
        new=kind("integer"),
        values=["12", " -3 ", "+4", "5.0", "", "  "],
        become=[12, -3, 4, 5, None, None],
    ),
    Way(
        name="text to integer, cut",
        old=text(),
        new=kind("integer", allowTruncate=True),
        values=["2.9", "-2.9"],
        become=[2, -2],
    ),
    Way(
        name="text to decimal",
        old=text(),
        new=kind("decimal", precision=2),
        values=["1.5", "1.500", " 20 "],
        become=[Decimal("1.50"), Decimal("1.50"), Decimal("20.00")],
    ),
    Way(
        name="text to currency",
        old=text(),
        new=kind("currency", currency="EUR"),
        values=["9.99"],
        become=[Decimal("9.99")],
    ),
    Way(name="text to percentage", old=text(), new=kind("percentage"), values=["45"], become=[Decimal(45)]),
    Way(
        name="text to date",
        old=text(),
        new=kind("date"),
        values=["2026-02-28", " 2024-02-29"],
        become=[date(2026, 2, 28), date(2024, 2, 29)],
    ),
    Way(
        name="text to datetime",
        old=text(),
        new=kind("datetime", timeZone="Europe/Paris"),
        values=["2026-02-01T12:30:00Z", "2026-02-01 13:30", "2026-02-01T14:30:00+02:00", "2026-02-01"],
        become=[NOON, NOON, NOON, datetime(2026, 1, 31, 23, tzinfo=UTC)],
    ),
    Way(
        name="text to time",
        old=text(),
        new=kind("time"),
        values=["09:05", "23:59:30"],
        become=[time(9, 5), time(23, 59, 30)],
    ),
    Way(
        name="text to checkbox",
        old=text(),
        new=kind("checkbox"),
        values=["true", "FALSE", "1", "0", "Yes", "no"],
        become=[True, False, True, False, True, False],
    ),
    Way(name="text to select", old=text(), new=SELECT, values=["a", "b"], become=["a", "b"]),
    Way(name="text to status", old=text(), new=kind("status", options=["a"]), values=["a"], become=["a"]),
    Way(name="text to e-mail", old=text(), new=kind("email"), values=[" Ada@X.org"], become=["ada@x.org"]),
    Way(name="text to URL", old=text(), new=kind("url"), values=["https://x.org"], become=["https://x.org"]),
    Way(name="text to phone", old=text(), new=kind("phone-number"), values=["+33 1 23"], become=["+33 1 23"]),
    Way(name="text to colour", old=text(), new=kind("color"), values=["#ff00aa"], become=["#FF00AA"]),
    Way(name="text to barcode", old=text(), new=kind("barcode"), values=["X1"], become=["X1"]),
    Way(name="integer to decimal", old=kind("integer"), new=kind("decimal"), values=[3], become=[Decimal("3.0000")]),
    Way(name="integer to rating", old=kind("integer"), new=kind("rating"), values=[3], become=[3]),
    Way(name="integer to duration", old=kind("integer"), new=kind("duration"), values=[90], become=[90]),
    Way(
        name="decimal to integer without fractions",
        old=kind("decimal", precision=2),
        new=kind("integer"),
        values=[Decimal("3.00")],
        become=[3],
    ),
    Way(
        name="decimal to integer, cut",
        old=kind("decimal", precision=2),
        new=kind("integer", allowTruncate=True),
        values=[Decimal("2.99"), Decimal("-2.99")],
        become=[2, -2],
    ),
    Way(
        name="decimal to fewer digits, cut",
        old=kind("decimal", precision=4),
        new=kind("decimal", precision=2, allowTruncate=True),
        values=[Decimal("1.2399")],
        become=[Decimal("1.23")],
    ),
    Way(
        name="date to datetime",
        old=kind("date"),
        new=kind("datetime", timeZone="Europe/Paris"),
        values=[date(2026, 2, 1)],
        become=[datetime(2026, 1, 31, 23, tzinfo=UTC)],
    ),
    Way(
        name="datetime to date, cut",
        old=kind("datetime", timeZone="Europe/Paris"),
        new=kind("date", allowTruncate=True),
        values=[datetime(2026, 1, 31, 23, 30, tzinfo=UTC)],
        become=[date(2026, 2, 1)],
    ),
    Way(name="select to multi", old=SELECT, new=MULTI, values=["a", "b"], become=[["a"], ["b"]]),
    Way(name="multi to select", old=MULTI, new=SELECT, values=[["a"], []], become=["a", None]),
    Way(
        name="text to json",
        old=kind("long-text"),
        new=kind("json"),
        values=['{"a": [1, 2]}', " "],
        become=[{"a": [1, 2]}, None],
    ),
    Way(
        name="text to json by parts",
        old=text(),
        new=kind("json", split=","),
        values=["a, b", "c"],
        become=[["a", "b"], ["c"]],
    ),
    Way(
        name="json to text by parts",
        old=kind("json"),
        new=text(split=","),
        values=[["a", "b"], []],
        become=["a,b", ""],
    ),
    Way(
        name="json to text",
        old=kind("json"),
        new=kind("long-text"),
        values=[{"a": ["x, y: z", 1]}],
        become=['{"a":["x, y: z",1]}'],
    ),
    Way(name="array to text", old=kind("array"), new=text(), values=[["a", "b, c"]], become=['["a","b, c"]']),
    Way(
        name="array of truths to text",
        old=kind("array", itemType="boolean"),
        new=text(),
        values=[[True, False]],
        become=["[true,false]"],
    ),
    Way(
        name="text to array of integers",
        old=text(),
        new=kind("array", itemType="integer"),
        values=["[1, 2]", "[]", " "],
        become=[[1, 2], [], None],
    ),
    Way(
        name="text to array of integers by parts",
        old=text(),
        new=kind("array", itemType="integer", split=","),
        values=["1, 2", "3"],
        become=[[1, 2], [3]],
    ),
    Way(
        name="text to array of days",
        old=text(),
        new=kind("array", itemType="date", split=","),
        values=["2026-02-01"],
        become=[[date(2026, 2, 1)]],
    ),
    Way(
        name="an option gets another name",
        old=SELECT,
        new=kind("single-select", options=["z", "b"], renameOptions={"a": "z"}),
        values=["a", "b"],
        become=["z", "b"],
    ),
    Way(
        name="options change places",
        old=kind("multi-select", options=["a", "b"]),
        new=kind("multi-select", options=["x", "y"], renameOptions={"a": "y", "b": "x"}),
        values=[["a", "b"], ["b"]],
        become=[["y", "x"], ["x"]],
    ),
]
WRONG = [
    Wrong(
        name="long text",
        old=kind("long-text"),
        new=text(),
        values=["x" * 300],
        says="1 values of things.it are longer than 255 characters",
    ),
    Wrong(
        name="not a number",
        old=text(),
        new=kind("integer"),
        values=["1", "x", "1,000"],
        says="2 values of things.it are not whole numbers",
        details=["3: 'x'", "4: '1,000'"],
    ),
    Wrong(
        name="a fraction", old=text(), new=kind("integer"), values=["1.5"], says="whole numbers", details=["2: '1.5'"]
    ),
    Wrong(name="out of range", old=text(), new=kind("integer"), values=["99999999999"], says="whole numbers that fit"),
    Wrong(
        name="no such day",
        old=text(),
        new=kind("date"),
        values=["2026-02-30", "soon"],
        says="2 values of things.it are not days",
        details=["2: '2026-02-30'", "3: 'soon'"],
    ),
    Wrong(name="no moment", old=text(), new=kind("datetime"), values=["2026-02-01T25:00Z"], says="are not moments"),
    Wrong(name="no time", old=text(), new=kind("time"), values=["25:00"], says="are not times"),
    Wrong(name="neither yes nor no", old=text(), new=kind("checkbox"), values=["maybe"], says="true, false, 1, 0"),
    Wrong(
        name="no option",
        old=text(),
        new=SELECT,
        values=["a", "c"],
        says="1 values of things.it break its new rules",
        details=["'c': 1 rows", "in 3"],
    ),
    Wrong(name="no e-mail", old=text(), new=kind("email"), values=["x"], says="break its new rules"),
    Wrong(name="no URL", old=text(), new=kind("url"), values=["x"], says="break its new rules"),
    Wrong(name="no colour", old=text(), new=kind("color"), values=["red"], says="break its new rules"),
    Wrong(
        name="fractions",
        old=kind("decimal", precision=2),
        new=kind("integer"),
        values=[Decimal("2.50")],
        says="do not fit integer",
        details=["2: 2.50"],
    ),
    Wrong(name="stars", old=kind("integer"), new=kind("rating"), values=[9], says="break its new rules"),
    Wrong(
        name="a time of day",
        old=kind("datetime"),
        new=kind("date"),
        values=[NOON],
        says="have a time of day",
    ),
    Wrong(
        name="two options",
        old=MULTI,
        new=SELECT,
        values=[["a", "b"], ["a"]],
        says="1 values of things.it have more than one option",
        details=["2: "],
    ),
    Wrong(
        name="parts that are no items",
        old=text(),
        new=kind("array", itemType="integer", split=","),
        values=["1", "1,x", "1.5"],
        says="2 values of things.it have parts that are none of its items",
        details=["3: '1,x'", "4: '1.5'"],
    ),
    Wrong(
        name="items of another kind",
        old=kind("json"),
        new=kind("array", itemType="integer"),
        values=[["x"], [1.5], [1]],
        says="2 values of things.it are not JSON lists",
        details=["2: ['x']", "3: [1.5]"],
    ),
    Wrong(name="not JSON", old=text(), new=kind("json"), values=["{a"], says="are not JSON", details=["2: '{a'"]),
    Wrong(
        name="an option in use",
        old=SELECT,
        new=kind("single-select", options=["b"]),
        values=["a", "a"],
        says="break its new rules",
        details=["'a': 2 rows", "in 2, 3"],
    ),
]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_values_are_carried_over(open_db: Callable[..., Database], way: Way) -> None:
    """M-025, M-026, M-027, M-030: every row is kept, under the new type."""
    database = open_db()
    filled(database, way.old, way.values)
    run(database, plan(database, app(way.new)))
    assert stored(database) == list(way.become)
    assert plan(database, app(way.new)).is_empty


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_values_that_cannot_be_carried_over_are_named(open_db: Callable[..., Database], wrong: Wrong) -> None:
    """M-025, M-030: refused with the ids and values, and nothing has changed."""
    database = open_db()
    filled(database, wrong.old, wrong.values)
    with pytest.raises(MigrationRefused) as caught:
        run(database, plan(database, app(wrong.new)))
    told = "\n".join(caught.value.details)
    assert wrong.says in caught.value.message
    for detail in wrong.details:
        assert detail in told
    assert stored(database) == list(wrong.values)
    assert len(history(database)) == 1


def test_only_the_first_twenty_are_named(open_db: Callable[..., Database]) -> None:
    """M-025, D-22"""
    database = open_db()
    filled(database, text(), [f"x{at}" for at in range(50)])
    [refusal] = plan(database, app(kind("integer"))).refusals
    assert refusal.message.startswith("50 values")
    assert len(refusal.details) == 20


def test_old_rows_may_be_left_unvalidated(open_db: Callable[..., Database]) -> None:
    """D-22: `allowUnvalidated` lets new rules hold for new rows alone; what cannot be stored is refused all the same."""
    database = open_db()
    filled(database, text(), ["c"])
    run(database, plan(database, app(SELECT, allowUnvalidated=True)))
    assert stored(database) == ["c"]
    with pytest.raises(MigrationRefused, match="are not whole numbers"):
        run(database, plan(database, app(kind("integer"), allowUnvalidated=True)))


def test_a_required_field_may_not_become_empty(open_db: Callable[..., Database]) -> None:
    """M-031: a blank text is no number."""
    database = open_db()
    model = app(text(required=True))
    run(database, plan(database, model))
    target = database.table(model.by_address["things"])
    database.submit_write(Call(lambda tx: tx.insert(target, [{"it": " ", "kept": "k"}]))).result()
    with pytest.raises(MigrationRefused, match="is required, but 1 rows have no value"):
        run(database, plan(database, app(kind("integer", required=True))))


def test_a_changed_value_may_not_occur_twice(open_db: Callable[..., Database]) -> None:
    """M-032: two spellings of one address."""
    database = open_db()
    filled(database, text(), ["a@x.org", "A@x.org"])
    with pytest.raises(MigrationRefused, match="cannot become unique"):
        run(database, plan(database, app(kind("email", unique=True))))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (kind("integer"), kind("checkbox")),
        (kind("date"), kind("integer")),
        (kind("time"), kind("datetime")),
        (kind("json"), kind("integer")),
        (MULTI, kind("integer")),
        (text(), kind("duration")),
    ],
)
def test_anything_else_is_refused_with_a_way_out(open_db: Callable[..., Database], old: Options, new: Options) -> None:
    """§12.6: types that nothing leads between."""
    database = open_db()
    filled(database, old, [])
    [refusal] = plan(database, app(new)).refusals
    assert f"from {old['type']} to {new['type']} by itself" in refusal.message
    assert "Add a new field" in str(refusal.hint)
