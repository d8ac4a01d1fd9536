"""`computed.<table>` for people who write SQL, on both databases."""

from collections.abc import Callable

from core.migrations.owned import OwnedViewGroup
from core.migrations.run import plan, run
from core.query.computed_view import ComputedViews
from core.storage.database import Call, Database
from tests.support.apps import app_model
from tests.unit.relations.conftest import OpenApp

APP = """
tables:
  - name: Authors
    fields:
      - { name: name, type: single-line-text }
      - { name: total, type: rollup, relationshipField: books, relatedField: price, aggregation: sum }
      - { name: titles, type: lookup, relationshipField: books, relatedField: title }
      - { name: latest, type: count, relationshipField: books, filters: { field: due, operator: isBefore, value: $today } }
      - { name: lately, type: count, relationshipField: books, filters: { field: due, operator: isWithin, value: lastWeek } }
  - name: Books
    fields:
      - { name: title, type: single-line-text }
      - { name: price, type: currency, currency: EUR }
      - { name: due, type: date }
      - { name: author, type: relationship, relatedTable: Authors, reciprocalField: books }
"""
OWNED = OwnedViewGroup([ComputedViews()])


async def test_computed_values_are_there_for_sql(open_db: Callable[..., Database]) -> None:
    """S-009, F-019"""
    database, model = open_db(), app_model(APP)
    run(database, plan(database, model, owned=OWNED), owned=OWNED, actor="test")
    app = OpenApp(database, model)
    await app.create("Authors", name="Ann")
    await app.create("Books", title="B's", price=2.5, author=1, due="2001-01-01")
    await app.create("Books", title="A\\1", price=1, author=1, due="2999-01-01")
    schema = "computed"
    if database.dialect == "postgresql":
        schema = f'"{app.rows("SELECT current_schema()")[0][0]}_computed"'
    rows = app.rows(f"SELECT name, total, titles, latest, books FROM {schema}.authors")
    assert [(name, float(total), titles, latest, books) for name, total, titles, latest, books in rows] == [
        ("Ann", 3.5, "A\\1, B's", 1, [1, 2])
    ]
    assert plan(database, model, owned=OWNED).is_empty
    changed = app_model(APP.replace("aggregation: sum", "aggregation: max"))
    run(database, plan(database, changed, owned=OWNED), owned=OWNED, actor="test")
    assert float(app.rows(f"SELECT total FROM {schema}.authors")[0][0]) == 2.5
    without = app_model("tables: [{ id: 1, name: Authors, fields: [{ id: 1, name: name, type: single-line-text }] }]")
    run(database, plan(database, without, owned=OWNED), owned=OWNED, actor="test", allow_destructive=True)
    count = Call(lambda reader: OWNED.is_current(reader, without))
    assert database.submit_read(count).result()
