"""Commands that need data: with a running server and without one they do the same."""

import csv
import io
import json
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pytest

from sovrium_tui.process import discovery
from sovrium_tui.process.discovery import ensure_server, find_server, stop_server
from tests.support.command import Desk

APP = """\
name: shop
tables:
  - id: 1
    name: items
    fields:
      - { id: 1, name: title, type: single-line-text, required: true, unique: true }
      - { id: 2, name: price, type: integer }
"""
ROWS = 'title,price\nchair,40\n"table, big",120\nlamp,\n'


@pytest.fixture(params=["with a server", "without one"])
def desk(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOVRIUM_PORT", "0")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "app.yaml").write_text(APP)
    with_server = request.param == "with a server"
    if with_server:
        ensure_server(tmp_path / "app.yaml", tmp_path / ".sovrium")
    yield Desk(tmp_path, capfd)
    assert (find_server(tmp_path / ".sovrium") is not None) == with_server
    stop_server(tmp_path / ".sovrium")
    discovery.reap()


def test_sql_import_export(desk: Desk) -> None:
    Path("rows.csv").write_text(ROWS)
    assert "Imported 3 rows into items" in desk("import", "app.yaml", "items", "rows.csv")[1]

    out, err = desk(
        "sql", "app.yaml", "select title, price from items order by id; update items set price = 1 where price is null"
    )
    assert out == "title       price\n──────────  ─────\nchair          40\ntable, big    120\nlamp            ∅\n"
    assert "3 rows in" in err
    assert "1 row changed" in err
    out, _ = desk(
        "sql", "app.yaml", "select title, repeat('x', 500) as long from items where price = 1", "--format", "json"
    )
    assert json.loads(out) == [{"title": "lamp", "long": "x" * 500}]
    out, _ = desk("sql", "select price from items order by id", "--format", "csv")
    assert out.split() == ["price", "40", "120", "1"]

    out, _ = desk("sql", "explain select price from items where price > 3")
    assert "Filter" in out
    assert len(out.splitlines()) > 5, "a plan is a drawing, and no cell"
    assert "UPDAT is not run here, did you mean UPDATE?" in desk("sql", "updat items set price = 1", status=1)[1]
    out, _ = desk("export", "items", "out.csv", "--json")
    assert json.loads(out) == {"table": "items", "file": "out.csv", "rows": 3}
    out, _ = desk("import", "items", "out.csv", "--skip-errors", "--json")
    assert json.loads(out) == {"table": "items", "rows": 0, "refused": 3}
    assert "exclude each other" in desk("export", "items", "-", "--format", "csv", "--json", status=2)[0]

    _, err = desk("sql", "app.yaml", "select 1;\nselect nope from items", status=1)
    assert "error: " in err
    assert "(line 2, column 8)" in err
    _, err = desk("sql", "app.yaml", "delete from items", status=1)
    assert "every row of items" in err
    assert "--yes" in err

    assert "This app has no accounts\n  hint: `auth`" in desk("user", "list", status=4)[1]
    desk("export", "app.yaml", "items", "out.parquet")
    assert duckdb.sql("select count(*) from 'out.parquet'").fetchall() == [(3,)]
    out, err = desk("export", "app.yaml", "items", "-", "--format", "csv", "--fields", "title,price")
    assert list(csv.reader(io.StringIO(out)))[1:] == [["chair", "40"], ["table, big", "120"], ["lamp", "1"]]
    assert "Exported 3 rows of items" in err
    assert "exists" in desk("export", "app.yaml", "items", "out.parquet", status=2)[1]

    Path("wide.csv").write_text("title,colour\nsofa,red\n")
    _, err = desk("import", "items", "wide.csv")
    assert "warning: Columns of the file that are no field of items were left out: colour\n" in err
    out, _ = desk("import", "items", "wide.csv", "--skip-errors", "--json")
    assert json.loads(out)["note"].endswith("left out: colour")
    desk("sql", "delete from items where title = 'sofa'", "--yes")

    Path("bad.csv").write_text("title,price\nshelf,many\nrug,7\n")
    assert "line 2, price: " in desk("import", "app.yaml", "items", "bad.csv", status=1)[1]
    told = json.loads(desk("import", "app.yaml", "items", "bad.csv", "--json", status=1)[0])
    assert (told["code"], told["refused"], [row["field"] for row in told["rejected"]]) == ("JOB_FAILED", 1, ["price"])
    _, err = desk("import", "app.yaml", "items", "bad.csv", "--skip-errors")
    assert "line 2, price: " in err
    assert "Imported 1 row" in err
    _, err = desk("import", "nothing", "rows.csv", status=1)
    assert "There is no table 'nothing'\n  hint: there are: items" in err

    Path("again.csv").write_text("title,price\nchair,55\nshelf,many\nstool,9\n")
    words = ("import", "app.yaml", "items", "again.csv", "--skip-errors", "--refused", "left.csv")
    assert "belong together" in desk(*words, "--duplicates", "overwrite", status=2)[1]
    _, err = desk(*words, "--duplicates", "overwrite", "--key", "title")
    assert "left.csv holds 1 row that did not fit" in err
    left = csv.reader(Path("left.csv").read_text().splitlines())
    assert [row[:3] for row in left] == [["title", "price", "_line"], ["shelf", "many", "3"]]
    assert "left.csv exists" in desk(*words, status=2)[1]
    question = "select price from items where title in ('chair', 'stool') order by id; delete from items"
    assert desk("sql", "app.yaml", question, "--yes", "--format", "csv")[0].split() == ["price", "55", "9"]
    assert desk("sql", "app.yaml", "select count(*) as n from items", "--format", "csv")[0].split() == ["n", "0"]


def test_import_from_a_pipe(desk: Desk) -> None:
    """What a shell gives for `<(…)`; a folder is told from what is not there."""
    os.mkfifo("rows")
    writer = threading.Thread(target=lambda: Path("rows").write_text(ROWS))
    writer.start()
    assert "Imported 3 rows into items" in desk("import", "items", "rows", "--format", "csv")[1]
    writer.join()
    Path("folder.csv").mkdir()
    assert "folder.csv is not a file" in desk("import", "items", "folder.csv", status=2)[1]
    assert "nothing.csv: there is no such file" in desk("import", "items", "nothing.csv", status=2)[1]


def counted(desk: Desk, app: str, tables: Iterable[str]) -> dict[str, int]:
    """The rows of each table, in one question: a command without a server opens the whole engine."""
    question = " union all ".join(f"select '{table}' as name, count(*) as n from {table}" for table in tables)
    return {row["name"]: row["n"] for row in json.loads(desk("sql", app, question, "--format", "json")[0])}


@pytest.mark.slow
def test_init_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    desk = Desk(tmp_path, capfd)
    Path("goods.csv").write_text(ROWS)
    with duckdb.connect("many.duckdb") as source:
        source.execute("create table a as select range as id, 'n' || range as name from range(5)")
        source.execute("create table b as select date '2026-01-01' + range::int as day from range(7)")
        source.execute("copy a to 'a.parquet'")
    Path("lines.jsonl").write_text('{"x": 1.5, "tags": "a"}\n{"x": 2, "tags": "b"}\n')
    for source_name, counts in (
        ("goods.csv", {"goods": 3}),
        ("many.duckdb", {"a": 5, "b": 7}),
        ("a.parquet", {"a": 5}),
        ("lines.jsonl", {"lines": 2}),
    ):
        folder = source_name.replace(".", "-")
        desk("init", folder, "--from", source_name)
        desk("validate", folder)
        assert counted(desk, folder, counts) == counts, source_name
        assert not [path for path in Path(folder).iterdir() if path.name.startswith(".init-")]


@pytest.mark.slow
def test_init_of_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Every row of the sample is loaded, and each link means the row that its file means."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    desk = Desk(tmp_path, capfd)
    desk("init", "my-crm", "--template", "crm")
    folder = Path("my-crm")
    with (folder / "data" / "contacts.csv").open(newline="", encoding="utf-8") as file:
        first = next(csv.DictReader(file))
    out, _ = desk("sql", "my-crm", "select name, company from contacts where id = 1", "--format", "json")
    assert json.loads(out) == [{"name": first["name"], "company": int(first["company"])}]
    expected = {}
    for file in (folder / "data").glob("*.csv"):
        with file.open(newline="", encoding="utf-8") as rows:
            expected[file.stem] = sum(1 for _ in csv.DictReader(rows))
    assert counted(desk, "my-crm", expected) == expected
    assert not (folder / "README.md").exists()


@pytest.mark.slow
@pytest.mark.timeout(240)  # a server and 13 commands; how long they take is the machine's business
def test_init_of_the_company(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """T-108, T-106, T-090: links within a table and back to one, and the files that cells name, are there as well."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("SOVRIUM_PORT", "0")
    desk = Desk(tmp_path, capfd)
    desk("init", "firm", "--template", "company")
    request.addfinalizer(discovery.reap)
    request.addfinalizer(lambda: stop_server(tmp_path / "firm" / ".sovrium"))
    ensure_server(tmp_path / "firm" / "app.yaml", tmp_path / "firm" / ".sovrium")  # many questions follow
    data = {}
    for file in Path("firm/data").glob("*.csv"):
        with file.open(newline="", encoding="utf-8") as rows:
            data[file.stem] = list(csv.DictReader(rows))
    assert counted(desk, "firm", data) == {table: len(rows) for table, rows in data.items()}

    def column(statement: str) -> list[str]:
        return [
            str(next(iter(row.values()))) for row in json.loads(desk("sql", "firm", statement, "--format", "json")[0])
        ]

    for table, field in (("departments", "head"), ("people", "manager"), ("tasks", "part_of"), ("invoices", "project")):
        assert column(f"select coalesce({field}::varchar, '') from {table} order by id") == [
            row[field] for row in data[table]
        ]
    pairs = sum(len(json.loads(row["waits_for"])) for row in data["tasks"] if row["waits_for"])
    named = {Path(row["photo"]).name for row in data["people"] if row["photo"]}
    assert set(column("select photo->>'filename' from people where photo is not null")) == named
    assert column("select sum(len(waits_for)) from computed.tasks") == [str(pairs)]
    assert len(list(Path("firm/.sovrium/files").rglob("*"))) >= len(named)
