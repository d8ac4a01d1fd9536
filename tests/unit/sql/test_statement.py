"""Splitting and judging SQL text. The splitter must agree with DuckDB's own parser on what a statement is."""

import duckdb
import pytest

from core.sql.statement import split, statement_at

PIECES = [
    "select 'a;b'",
    "select 'it''s; fine'",
    "select E'a\\';b'",
    "select $$ ; $$ as x",
    "select $tag$ ; $$ ; $tag$",
    'select 1 as "semi;colon "" inside"',
    "select 1 -- not ; here\n + 1",
    "select 1 /* nor /* here ; */ ; */ + 1",
    "select count(*)",
    "with d as (select 1) select * from d",
    "insert into t values (1, ';')",
    "select 1 as é, 'ü;'",
    "values (1), (2)",
    "from t select a",
]


@pytest.mark.parametrize("before", PIECES)
def test_split_agrees_with_the_database(before: str) -> None:
    for after in PIECES:
        text = f"  {before} ;; -- comment ; \n {after};"
        ours = [statement.text for statement in split(text)]
        assert ours == [before, after]
        theirs = duckdb.extract_statements(text)
        assert len(theirs) == 2
        assert [text[s.start : s.end] for s in split(text)] == ours


@pytest.mark.parametrize(
    ("sql", "kind", "verb"),
    [
        ("select 1", "select", "SELECT"),
        ("(select 1) union (select 2)", "select", "SELECT"),
        ("with a as (delete from t returning *) select * from a", "select", "SELECT"),
        ("with a as (select 1) update t set x = 1", "write", "UPDATE"),
        ("with recursive update as (select 1), b(n) as (select 2) select 1", "select", "SELECT"),
        ("/* hi */ Insert Into t values (1)", "write", "INSERT"),
        ("truncate t", "write", "TRUNCATE"),
        ("create table x(a int)", "schema", "CREATE"),
        ("explain delete from t", "select", "EXPLAIN"),
        ("pragma table_info('t')", "select", "PRAGMA"),
        ("pragma threads=8", "other", "PRAGMA"),
        ("pragma table_info='t'", "other", "PRAGMA"),
        ("set threads = 1", "other", "SET"),
        ("attach 'x.db'", "other", "ATTACH"),
        ("call pragma_version()", "other", "CALL"),
        ("123", "other", ""),
    ],
)
def test_kind(sql: str, kind: str, verb: str) -> None:
    [statement] = split(sql)
    assert (statement.kind, statement.verb) == (kind, verb)


@pytest.mark.parametrize(
    ("sql", "targets"),
    [
        ("insert into Contacts values (1)", ["contacts"]),
        ("insert or replace into main.contacts values (1)", ["contacts"]),
        ('update "App"."main"."Contacts" set a = 1 where id = 2', ["contacts"]),
        ("delete from only contacts where a in (select b from other)", ["contacts"]),
        ("with d as (delete from system_change returning *) update contacts set a = 1", ["system_change", "contacts"]),
        ("merge into contacts using s on true when matched then update set a = 1", ["contacts"]),
        ("insert into a values (1) on conflict do update set b = 2", ["a"]),
        ("truncate table a, main.b", ["a", "b"]),
        ("truncate a", ["a"]),
        ("drop table if exists a, b", ["a", "b"]),
        ("create or replace view v as select * from contacts", ["v"]),
        ("create unique index i on contacts (a)", ["contacts"]),
        ("alter table contacts add column x int", ["contacts"]),
        ("comment on table contacts is 'x'", ["contacts"]),
        ("create table if not exists main.t2 as select 1", ["t2"]),
    ],
)
def test_targets(sql: str, targets: list[str]) -> None:
    [statement] = split(sql)
    assert list(statement.targets) == targets


@pytest.mark.parametrize(
    "sql",
    [
        "delete from contacts",
        "delete from contacts using x",
        "update contacts set a = (select b from c where d = 1)",
        "with x as (select 1 where true) delete from contacts",
        "truncate contacts",
        "drop view v",
        "alter table scratch drop column a",
    ],
)
def test_losing_statements_are_asked_about(sql: str) -> None:
    [statement] = split(sql)
    assert statement.loss()


@pytest.mark.parametrize(
    "sql", ["delete from t where a = 1", "update t set a = 1 where true", "insert into t select 1"]
)
def test_others_are_not(sql: str) -> None:
    [statement] = split(sql)
    assert statement.loss() is None


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("update system_change set actor = null where true", "can only be read"),
        ('delete from "SYSTEM_change" where true', "can only be read"),
        ("insert into auth_user values (1)", "can only be read"),
        ("with d as (delete from system_change returning *) insert into contacts select 1", "can only be read"),
        ("drop table contacts", "app file"),
        ("alter table main.contacts add column x int", "app file"),
        ("create index i on contacts (a)", "app file"),
        ("create temp table x (a int)", "not run here"),
        ("create macro lower(x) as 'gone'", "not run here"),
        ("create or replace function now() as 1", "not run here"),
        ("create trigger x after update on contacts for each statement delete from y", "app file"),
        ("attach 'x.db'", "cannot be attached"),
        ("copy contacts to 'x.csv'", "files"),
        ("export database 'x'", "files"),
        ("install httpfs", "Extensions"),
        ("load httpfs", "Extensions"),
        ("set memory_limit = '1TB'", "Settings"),
        ("pragma threads = 1", "Settings"),
        ("begin", "transaction of its own"),
        ("vacuum", "by itself"),
        ("do $$ begin end $$", "not run here"),
    ],
)
def test_refusals(sql: str, words: str) -> None:
    [statement] = split(sql)
    refusal = statement.refusal({"contacts"})
    assert refusal is not None
    assert words in refusal[0]
    assert refusal[1]


@pytest.mark.parametrize(
    "sql", ["create table scratch (a int)", "create view v as select * from contacts", "drop view v"]
)
def test_things_beside_the_app_may_be_made(sql: str) -> None:
    [statement] = split(sql)
    assert statement.refusal({"contacts"}) is None


def test_statement_at() -> None:
    sql = "select 1;\n\nselect 2; select 3"
    assert [statement_at(sql, offset).text for offset in (0, 8, 9, 11, 19, 20, 28)] == [  # type: ignore[union-attr]
        "select 1",
        "select 1",
        "select 1",
        "select 2",
        "select 2",
        "select 2",
        "select 3",
    ]
    assert statement_at(" -- nothing", 3) is None
