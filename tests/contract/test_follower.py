"""Followers of the change log: nothing that changed is passed over, whoever commits when."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import psycopg

from core.clock import system_clock
from core.fields.model import TableModel
from core.storage.database import Call, ChangeRow, Database, Row, Settings, Transaction
from core.storage.follower import Follower, position_table
from core.storage.journal import Entry
from core.storage.postgresql.dialect import make_dialect
from core.storage.postgresql.session import PostgreSQLSession
from core.storage.statement import StatementCache

WAITING = """SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


class Reader(Follower):
    """Keeps the records that it was told of."""

    def __init__(self, database: Database) -> None:
        tables = cast(Mapping[str, TableModel], {"items": None})
        super().__init__("reader", database, tables, position_table("system_reader_position"), [])
        self.told: list[str] = []

    def take_up(self, tx: Transaction, changes: Sequence[Row]) -> None:
        self.told += [change[1] for change in changes]

    def work(self) -> float:
        return 0.0

    def read_on(self) -> None:
        self.database.submit_write(Call(self._read_on)).result()


def change(record: str) -> ChangeRow:
    return ChangeRow("items", record, "create", None, {"name": record})


def test_a_change_that_is_committed_late_is_not_passed_over(
    open_duckdb: Callable[[Settings], Database], postgresql_settings: Settings
) -> None:
    """R-099, T-102: of several servers on one database, one has its number and waits with its commit: nobody gets a higher
    one meanwhile, for a follower that had read that would never look for the lower one."""
    database = open_duckdb(postgresql_settings)
    follower = Reader(database)
    database.submit_write(Call(follower.prepare)).result()
    connect = postgresql_settings.url.replace("postgresql+psycopg://", "postgresql://")
    other_server = PostgreSQLSession(lambda: psycopg.connect(connect, autocommit=True), StatementCache(make_dialect()))
    try:
        other_server.begin(read_only=False)
        other_server.append_changes([Entry(system_clock(), "ada", None, [change("late")])])
        following = database.submit_write(Call[None](lambda tx: tx.log([change("next")])))
        while not (following.done() or database.submit_read(Call(lambda reader: reader.scalar(WAITING))).result()):
            threading.Event().wait(0.01)
        assert not following.done()
        other_server.commit()
    finally:
        other_server.close()
    following.result()
    follower.read_on()
    assert follower.told == ["late", "next"]
