"""What DuckDB can and cannot do, as the engine takes it to be. When an upgrade makes one of these tests fail, a way around
it in `core/storage`, `core/migrations` or `core/formulas` may go, or has stopped working: the test says which."""

from collections.abc import Iterator

import duckdb
import pytest


class Desk:
    """A database in memory."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.connection.execute(statement)

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        return self.connection.execute(sql).fetchall()

    def value(self, sql: str) -> object:
        return self.rows(sql)[0][0]

    def refuses(self, sql: str, why: str) -> None:
        """Also leaves the desk usable: a failed statement outside a transaction has changed nothing."""
        with pytest.raises(duckdb.Error, match=why):
            self.connection.execute(sql)


@pytest.fixture
def desk() -> Iterator[Desk]:
    found = Desk()
    yield found
    found.connection.close()


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
def test_foreign_keys_have_no_actions(desk: Desk, action: str) -> None:
    """S-001: the parser refuses them; RESTRICT and NO ACTION it takes."""
    desk.run("CREATE TABLE p (id INTEGER PRIMARY KEY)")
    desk.refuses(f"CREATE TABLE c (p INTEGER REFERENCES p (id) ON DELETE {action})", "cannot use CASCADE")
    desk.run("CREATE TABLE c (p INTEGER REFERENCES p (id) ON DELETE RESTRICT)")
    desk.run("CREATE TABLE d (p INTEGER REFERENCES p (id) ON DELETE NO ACTION)")


def test_foreign_keys_stand_in_the_way_of_writes(desk: Desk) -> None:
    """S-002: a parent cannot be rewritten, nor deleted with its child in one transaction; rows of one table cannot refer to
    each other in one statement."""
    desk.run(
        "CREATE TABLE p (id INTEGER PRIMARY KEY, n INTEGER, u INTEGER UNIQUE, tags VARCHAR[])",
        "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id))",
        "INSERT INTO p VALUES (1, 1, 1, ['x'])",
        "INSERT INTO c VALUES (1, 1)",
    )
    desk.run("UPDATE p SET n = 2")
    desk.refuses("UPDATE p SET tags = ['y']", "still referenced")
    desk.refuses("UPDATE p SET u = 5", "still referenced")
    desk.run("BEGIN", "DELETE FROM c")
    desk.refuses("DELETE FROM p", "still referenced")
    desk.run("ROLLBACK", "CREATE TABLE s (id INTEGER PRIMARY KEY, up INTEGER REFERENCES s (id))")
    desk.refuses("INSERT INTO s VALUES (1, NULL), (2, 1)", "does not exist in the referenced table")


def test_foreign_keys_stand_in_the_way_of_migrations(desk: Desk) -> None:
    """S-002: none can be added later, and a table that one refers to keeps its name and its columns."""
    desk.run(
        "CREATE TABLE p (id INTEGER PRIMARY KEY, n INTEGER)",
        "CREATE TABLE c (p INTEGER REFERENCES p (id))",
        "CREATE TABLE free (p INTEGER)",
    )
    desk.refuses("ALTER TABLE free ADD FOREIGN KEY (p) REFERENCES p (id)", "FOREIGN_KEY")
    desk.refuses("ALTER TABLE p RENAME TO q", "depend on it")
    desk.refuses("ALTER TABLE p DROP COLUMN n", "Cannot")


@pytest.fixture
def indexed(desk: Desk) -> Desk:
    """A table with an index on its column `a`."""
    desk.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b VARCHAR, c INTEGER NOT NULL)",
        "CREATE INDEX i ON t (a)",
        "INSERT INTO t VALUES (1, 1, '5', 1)",
    )
    return desk


@pytest.mark.parametrize(
    "change",
    ["RENAME TO u", "RENAME COLUMN b TO bb", "DROP COLUMN b", "ALTER b TYPE INTEGER", "ALTER b SET NOT NULL",
     "ALTER c DROP NOT NULL"],
)  # fmt: skip
def test_an_index_stands_in_the_way(indexed: Desk, change: str) -> None:
    """S-004: of changes of any column; without it, or with it dropped and made again in one transaction, they pass."""
    indexed.refuses(f"ALTER TABLE t {change}", "depend on it")
    indexed.run("BEGIN", "DROP INDEX i", f"ALTER TABLE t {change}")
    name = "u" if "TO u" in change else "t"
    indexed.run(f"CREATE INDEX i ON {name} (a)", "COMMIT")
    assert indexed.rows(f"SELECT id, a FROM {name} WHERE a = 1") == [(1, 1)]


def test_changes_of_the_schema_are_rolled_back(indexed: Desk) -> None:
    """S-004"""
    indexed.run("BEGIN", "DROP INDEX i", "ALTER TABLE t RENAME COLUMN b TO bb", "ROLLBACK")
    assert indexed.rows("SELECT index_name FROM duckdb_indexes()") == [("i",)]
    assert indexed.value("SELECT b FROM t") == "5"


def test_columns_and_defaults_come_beside_an_index(indexed: Desk) -> None:
    """S-005: with a default; NOT NULL only afterwards, checks and expressions never."""
    indexed.run(
        "ALTER TABLE t ALTER b SET DEFAULT 'y'", "ALTER TABLE t ALTER b DROP DEFAULT",
        "ALTER TABLE t ADD COLUMN d INTEGER DEFAULT 5",
    )  # fmt: skip
    assert indexed.value("SELECT d FROM t") == 5
    indexed.refuses("ALTER TABLE t ADD COLUMN e INTEGER NOT NULL", "NOT NULL constraint failed")
    indexed.refuses("ALTER TABLE t ADD COLUMN e INTEGER CHECK (e > 0)", "CHECK constraints is not supported")
    indexed.refuses("ALTER TABLE t ADD COLUMN e INTEGER GENERATED ALWAYS AS (a + 1)", "generated columns")
    indexed.run("DROP INDEX i", "ALTER TABLE t ALTER d SET NOT NULL")
    indexed.refuses("UPDATE t SET d = NULL", "NOT NULL constraint failed")


def test_checks_and_inline_keys_are_for_ever(desk: Desk) -> None:
    """S-006: neither can be added or dropped, and their names are not kept."""
    desk.run("CREATE TABLE t (a INTEGER, CONSTRAINT small CHECK (a < 100), CONSTRAINT once UNIQUE (a))")
    desk.refuses("ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0)", "CHECK constraints")
    desk.refuses("ALTER TABLE t DROP CONSTRAINT small", "No support")
    desk.refuses("ALTER TABLE t DROP CONSTRAINT once", "No support")
    names = {name for (name,) in desk.rows("SELECT constraint_name FROM duckdb_constraints()")}
    assert names.isdisjoint({"small", "once"})


def test_a_table_is_made_anew_in_one_transaction(desk: Desk) -> None:
    """S-006: created, copied, dropped, renamed, indexed; and a rollback brings the old one back."""
    desk.run("CREATE TABLE t (a INTEGER)", "CREATE UNIQUE INDEX i ON t (a)", "INSERT INTO t VALUES (1), (2)")
    rebuild = (
        "BEGIN", "DROP INDEX i", "CREATE TABLE fresh (a INTEGER CHECK (a > 0))", "INSERT INTO fresh SELECT a FROM t",
        "DROP TABLE t", "ALTER TABLE fresh RENAME TO t", "CREATE UNIQUE INDEX i ON t (a)",
    )  # fmt: skip
    desk.run(*rebuild, "ROLLBACK", "INSERT INTO t VALUES (-1)", "DELETE FROM t WHERE a < 0")
    desk.run(*rebuild, "COMMIT")
    desk.refuses("INSERT INTO t VALUES (-1)", "CHECK constraint failed")
    desk.refuses("INSERT INTO t VALUES (2)", "uplicate key")
    assert desk.rows("SELECT a FROM t ORDER BY a") == [(1,), (2,)]


def test_unique_indexes_know_no_conditions(desk: Desk) -> None:
    """S-007: NULLs are never the same, and neither that nor a part of the rows can be asked for."""
    desk.run("CREATE TABLE t (a INTEGER)", "CREATE UNIQUE INDEX i ON t (a)", "INSERT INTO t VALUES (NULL), (NULL)")
    desk.refuses("CREATE UNIQUE INDEX j ON t (a) WHERE a > 0", "partial indexes")
    desk.refuses("CREATE UNIQUE INDEX k ON t (a) NULLS NOT DISTINCT", "syntax error")


def test_nothing_computes_itself(desk: Desk) -> None:
    """S-008: generated columns, materialized views, triggers, views that can be written."""
    desk.refuses("CREATE TABLE t (a INTEGER, b INTEGER GENERATED ALWAYS AS (a + 1) STORED)", "STORED generated column")
    desk.refuses("CREATE TABLE t (a INTEGER, b INTEGER GENERATED ALWAYS AS ((SELECT 1)))", "contains a subquery")
    desk.run(
        "CREATE TABLE t (a INTEGER, b INTEGER GENERATED ALWAYS AS (a + 1) VIRTUAL)", "CREATE TABLE log (a INTEGER)"
    )
    desk.refuses("CREATE MATERIALIZED VIEW m AS SELECT 1", "syntax error")
    desk.run("CREATE VIEW v AS SELECT a FROM t")
    desk.refuses("INSERT INTO v VALUES (1)", "v is not an? table")
    trigger = "CREATE TRIGGER on_{0} AFTER {0} ON {1} FOR EACH ROW INSERT INTO log VALUES ({2}.a)"
    desk.refuses(trigger.format("INSERT", "v", "NEW"), "requires a base table")
    desk.run("CREATE TABLE u (a INTEGER)")
    desk.refuses(trigger.format("UPDATE", "u", "NEW"), "UPDATE FOR EACH ROW triggers are not yet supported")
    desk.run(trigger.format("INSERT", "u", "NEW"), trigger.format("DELETE", "u", "OLD"))
    desk.run("INSERT INTO u VALUES (1)", "DELETE FROM u")
    assert desk.value("SELECT count(*) FROM log") == 2


def test_a_schema_called_system_cannot_be_used(desk: Desk) -> None:
    """S-010: so our tables are called `system_…`."""
    desk.run("CREATE SCHEMA system")
    desk.refuses("CREATE TABLE system.x (a INTEGER)", "Ambiguous reference")


def test_divisions(desk: Desk) -> None:
    """S-011: by zero it is infinity, or an error that fails all rows; of whole numbers it is a fraction."""
    assert desk.value("SELECT 1 / 0") == float("inf")
    desk.refuses("SELECT 1 % 0", "Division by zero")
    desk.refuses("SELECT 1 // 0", "Division by zero")
    assert desk.value("SELECT 5 / 2") == 2.5


@pytest.mark.parametrize(
    "call",
    ["to_char(now(), 'YYYY')", "to_date('2020', 'YYYY')", "initcap('a')", "regexp_match('a', 'a')",
     "array_remove([1], 1)", "convert_from('a'::BLOB, 'utf8')", "encode('a'::BLOB, 'base64')"],
)  # fmt: skip
def test_functions_that_are_missing(desk: Desk, call: str) -> None:
    """S-012: formulas spell them in other words."""
    desk.refuses(f"SELECT {call}", "does not exist|No function matches")


@pytest.mark.parametrize(
    ("call", "gives"),
    [("strpos('ab', 'b')", 2), ("overlay('abc' PLACING 'x' FROM 2)", "axc"), ("string_to_array('a,b', ',')", ["a", "b"]),
     ("array_to_string(['a', 'b'], ',')", "a,b"), ("chr(65)", "A"), ("ascii('A')", 65), ("repeat('a', 2)", "aa"),
     ("substring('abc', 2, 1)", "b"), ("left('abc', 1)", "a"), ("trunc(1.5)", 1), ("mod(5, 3)", 2), ("sign(-1)", -1),
     ("greatest(1, 2)", 2), ("least(1, 2)", 1), ("cardinality([1, 2])", 2), ("array_length([1, 2])", 2),
     ("list_distinct([1, 1])", [1]), ("flatten([[1], [2]])", [1, 2]),
     ("date_diff('day', DATE '2020-01-01', '2020-01-03')", 2),
     ("date_trunc('month', DATE '2020-02-03')::VARCHAR", "2020-02-01 00:00:00"),
     ("extract(year FROM DATE '2020-01-01')", 2020),
     ("age(TIMESTAMP '2020-01-02', TIMESTAMP '2020-01-01')::VARCHAR", "1 day"), ("regexp_replace('ab', 'b', 'c')", "ac"),
     ("url_encode('a b')", "a%20b"), ("decode('YQ=='::BLOB)", "YQ==")],
)  # fmt: skip
def test_functions_that_are_there(desk: Desk, call: str, gives: object) -> None:
    """S-012: `decode` reads UTF-8 and nothing else."""
    assert desk.value(f"SELECT {call}") == gives


def test_macros_go_before_functions_and_into_views(desk: Desk) -> None:
    """S-012"""
    desk.run("CREATE MACRO initcap(x) AS upper(x[1]) || lower(x[2:])", "CREATE VIEW v AS SELECT initcap('aBC') AS z")
    assert desk.value("SELECT z FROM v") == "Abc"
    desk.run("CREATE MACRO upper(x) AS 'mine'")
    assert desk.value("SELECT upper('a')") == "mine"


def test_what_fails_leaves_the_rows(desk: Desk) -> None:
    """S-013: a unique index over duplicates, a type that values do not fit, NOT NULL over NULLs."""
    desk.run("CREATE TABLE t (a INTEGER, b VARCHAR)", "INSERT INTO t VALUES (1, 'x'), (1, 'y'), (NULL, 'z')")
    before = desk.rows("SELECT * FROM t")
    desk.refuses("CREATE UNIQUE INDEX i ON t (a)", "duplicates")
    desk.refuses("ALTER TABLE t ALTER b TYPE INTEGER", "Could not convert")
    desk.refuses("ALTER TABLE t ALTER a SET NOT NULL", "NOT NULL constraint failed")
    assert desk.rows("SELECT * FROM t") == before
    assert desk.rows("SELECT data_type FROM duckdb_columns() WHERE table_name = 't'") == [("INTEGER",), ("VARCHAR",)]


def test_views_are_bound_by_name(desk: Desk) -> None:
    """S-014: a renamed column breaks those that name it, in silence, until somebody asks."""
    desk.run("CREATE TABLE t (a INTEGER)", "CREATE VIEW v AS SELECT a FROM t", "ALTER TABLE t RENAME COLUMN a TO b")
    desk.refuses("SELECT * FROM v", '"a" not found')


def test_lists_cannot_be_indexed(desk: Desk) -> None:
    """T-042: nor is it needed; `indexed` on them makes nothing here."""
    desk.run("CREATE TABLE t (a INTEGER[])")
    desk.refuses("CREATE INDEX i ON t (a)", "Invalid type for index key")
