"""The files of a database while they stand still: what a copy of them holds, whatever is written meanwhile."""

from pathlib import Path

import pytest

from core.errors import DialectLimit
from core.storage.database import Call, Database, Settings, StillFile
from core.storage.duckdb import database as duckdb_database
from tests.conftest import OpenDatabase

HEAVY = (
    "INSERT INTO t SELECT 1000 + range, 'w' || range FROM range(300000)",
    "CREATE TABLE u AS SELECT * FROM t",
    "CREATE INDEX u_name ON u (name)",
    "UPDATE t SET name = name || 'z'",
    "DELETE FROM u WHERE id % 3 = 0",
    "ALTER TABLE u ADD COLUMN more INTEGER DEFAULT 3",
    "DROP TABLE u",
)
"""What DuckDB could be tempted to write into the file at once."""


def run(database: Database, *statements: str) -> None:
    for statement in statements:
        database.submit_write(Call(lambda tx, text=statement: tx.execute(text))).result()


def count(database: Database) -> list[tuple[int, str]]:
    rows = database.submit_read(Call(lambda reader: reader.rows("SELECT count(*), max(name) FROM t"))).result()
    return list(rows)


def copied(files: list[StillFile], folder: Path) -> Settings:
    folder.mkdir()
    for file in files:
        with file.path.open("rb") as source:
            (folder / f"app.duckdb{file.suffix}").write_bytes(source.read(file.size))
    return Settings(url=f"duckdb:///{folder / 'app.duckdb'}", memory_limit="200MB")


def test_a_copy_holds_the_moment_and_nothing_of_later(
    open_duckdb: OpenDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-047: with an empty log and with a long one, at the beginning and at the end of what is written beside."""
    database = open_duckdb()
    run(database, "CREATE TABLE t (id BIGINT PRIMARY KEY, name VARCHAR)", "INSERT INTO t VALUES (1, 'a')")
    monkeypatch.setattr(duckdb_database, "CHECKPOINT_AT", 1)
    for n, last in enumerate(("a", "b")):
        with database.still() as files:
            for statement in HEAVY:
                before = files[0].path.read_bytes()
                run(database, statement)
                assert files[0].path.read_bytes() == before, statement
            found = copied(list(files), tmp_path / f"copy{n}")
        assert count(open_duckdb(found)) == [(1, last)]
        run(database, "DELETE FROM t WHERE id > 1", "UPDATE t SET name = 'b'")


def test_it_stands_still_while_the_database_closes(open_duckdb: OpenDatabase, tmp_path: Path) -> None:
    database = open_duckdb()
    run(database, "CREATE TABLE t (id BIGINT, name VARCHAR)", "INSERT INTO t VALUES (1, 'a')")
    with database.still() as files:
        run(database, "INSERT INTO t VALUES (2, 'b')")
        database.close()
        found = copied(list(files), tmp_path / "copy")
    assert count(open_duckdb(found)) == [(1, "a")]
    assert count(open_duckdb()) == [(2, "b")], "what came after is in the log"


def test_where_there_are_no_files_it_says_so_at_once(open_db: OpenDatabase) -> None:
    database = open_db()
    if database.dialect == "duckdb":
        database = open_db(Settings(url="duckdb:///:memory:"))
    with pytest.raises(DialectLimit):
        database.still()
