"""Formulas with today and now in the views that SQL users read."""

from collections.abc import Callable
from datetime import UTC, datetime

from core.fields.model import AppModel
from core.migrations.owned import OwnedViewGroup
from core.migrations.run import plan, run
from core.principal import OWNER
from core.query.computed_view import ComputedViews
from core.records.service import Records
from core.storage.database import Call, Database
from core.views.database_view import SchemaDatabaseViews
from tests.support.apps import app_model

APP = """
tables:
  - name: Tasks
    fields:
      - { name: due, type: date }
      - { name: today, type: formula, formula: "TODAY()", resultType: date }
      - { name: late, type: formula, formula: "due < CURRENT_DATE", resultType: boolean }
      - { name: moment, type: formula, formula: "NOW()", resultType: timestamp }
      - { name: hour, type: formula, formula: "HOUR(NOW())", resultType: integer }
      - { name: clock, type: formula, formula: "CURRENT_TIME || ''", resultType: text }
      - { name: age, type: formula, formula: "EXTRACT(YEAR FROM AGE(due))", resultType: integer }
    views:
      - { id: late_ones, name: Late ones, fields: [due, today, late] }
"""
OWNED = OwnedViewGroup([ComputedViews(), SchemaDatabaseViews()])


def opened(database: Database) -> tuple[AppModel, str, str]:
    """The app with its views, and the text of one of them."""
    model = app_model(APP)
    run(database, plan(database, model, owned=OWNED), owned=OWNED, actor="test")
    schema = "computed"
    if database.dialect == "duckdb":
        sql = "SELECT sql FROM duckdb_views() WHERE schema_name = 'computed' AND view_name = 'tasks'"
    else:
        here = database.submit_read(Call(lambda reader: reader.scalar("SELECT current_schema()"))).result()
        schema = f'"{here}_computed"'
        sql = f"SELECT pg_get_viewdef('{schema}.tasks'::regclass)"
    return model, schema, str(database.submit_read(Call(lambda reader: reader.scalar(sql))).result())


async def test_a_view_asks_the_databases_clock(open_db: Callable[..., Database]) -> None:
    """F-017: no day stands in the text of the view, so one that was made yesterday answers with today."""
    database = open_db()
    model, schema, text = opened(database)
    assert "CURRENT_TIMESTAMP" in text.upper()
    assert "1789" not in text
    assert str(datetime.now(UTC).year) not in text
    records = Records(database, model)
    for due in ("2001-02-03", "2999-01-01", None):
        await records.create(OWNER, model.tables[0], {"due": due})
    before = datetime.now(UTC).replace(microsecond=0)
    columns = "today, late, moment, hour, clock, age"
    read = Call(lambda reader: reader.rows(f"SELECT {columns} FROM {schema}.tasks ORDER BY id"))
    rows = database.submit_read(read).result()
    after = datetime.now(UTC)
    assert [row[1] for row in rows] == [True, False, None]
    for today, _, moment, hour, clock, _ in rows:
        assert before.date() <= today <= after.date()
        assert before <= moment <= after
        assert hour in (before.hour, after.hour)
        assert before.strftime("%H:%M:%S") <= clock <= after.strftime("%H:%M:%S") or before.date() < after.date()
    assert rows[0][5] >= 24
    view = Call(lambda reader: reader.rows("SELECT today, late FROM late_ones ORDER BY due"))
    assert database.submit_read(view).result()[0][1] is True
    assert plan(database, model, owned=OWNED).is_empty
