"""Whole tables in the order of their key, range by range."""

from collections.abc import Callable

import pytest
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, select

from core.fields.model import TableModel
from core.principal import OWNER
from core.records import in_order
from core.records.in_order import range_key, ranges, stream_in_order
from core.records.service import Records
from core.storage.database import Call, Database, Reader, Transaction
from tests.support.apps import app_model
from tests.support.tables import create_tables

FAR = Table("far", MetaData(), Column("id", BigInteger, primary_key=True), Column("text", Text))
KEYS = [-(2**62), -7, -6, -5, -4, 0, 1, 2, 3, *range(100, 130, 3), *range(130, 150), 10**6, 2**62, 2**63 - 1]
APP = """
tables:
  - name: notes
    fields: [{ name: text, type: single-line-text }]
  - name: words
    primaryKey: { type: text }
    fields: [{ name: text, type: single-line-text }]
"""


def test_keys_that_lie_far_apart_and_close_together(
    open_duckdb: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-097: every row once, in order, no range with more rows than fit; and nothing of an empty table."""
    monkeypatch.setattr(in_order, "AT_ONCE", 4)
    database = open_duckdb()

    def fill(tx: Transaction) -> None:
        tx.execute("CREATE TABLE far (id BIGINT, text VARCHAR)")
        for key in reversed(KEYS):  # stored in another order
            tx.execute("INSERT INTO far VALUES (?, ?)", [key, str(key)])

    def read(reader: Reader) -> tuple[list[int], list[int]]:
        statement = select(FAR.c.id).order_by(FAR.c.id)
        found = [row[0] for block in stream_in_order(reader, statement, FAR.c.id, 2) for row in block]
        counts = [sum(low < key <= high for key in KEYS) for low, high in ranges(reader, FAR.c.id)]
        return found, counts

    database.submit_write(Call(fill)).result()
    found, counts = database.submit_read(Call(read)).result()
    assert found == KEYS
    assert sum(counts) == len(KEYS)
    assert max(counts) <= 4
    database.submit_write(Call(lambda tx: tx.execute("DELETE FROM far"))).result()
    assert database.submit_read(Call(read)).result() == ([], [])


def test_what_is_read_by_ranges(db: Database) -> None:
    """Numbers as the key, on DuckDB, and nothing that is computed from other tables."""
    model = app_model(APP)
    create_tables(db, model)
    records = Records(db, model)

    def by_ranges(table: TableModel, *names: str) -> bool:
        return range_key(records.scope(OWNER, table), names) is not None

    notes, words = model.tables
    assert by_ranges(notes, "text") is (db.dialect == "duckdb")
    assert not by_ranges(notes, "text", "computed")
    assert not by_ranges(words, "text")
