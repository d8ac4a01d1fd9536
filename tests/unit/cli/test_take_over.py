"""`init --from`: the app file that is written from a file of data."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import pytest

from core.fields.registry import FIELD_TYPES
from core.records.infer import InferredField, InferredTable
from core.schema.loader import load_app, load_text
from sovrium_tui.cli.main import execute
from sovrium_tui.cli.take_over import app_text, scalar

STRANGE = [
    "no",
    "Null",
    "12",
    "1.0",
    "a: b",
    "#x",
    "'",
    '"',
    "é",
    "two\nlines",
    " lead",
    "trail ",
    "-",
    "[x]",
    "{",
    "&a",
    "~",
    "",
]


@pytest.mark.parametrize("text", STRANGE)
def test_every_text_survives_the_file(text: str) -> None:
    import yaml

    assert yaml.safe_load(f"[{scalar(text)}]") == [text]


def test_the_app_file_is_valid_and_readable() -> None:
    options: list[Any] = [text for text in STRANGE if text.strip()]
    table = InferredTable(
        name="flights",
        rows=336776,
        left_out=["id"],
        fields=[
            InferredField(column="Tail #\x1b[1m", name="tail", type="single-line-text", required=True),
            InferredField(column="carrier", name="carrier", type="single-select", keys={"options": options}),
            InferredField(column="price", name="price", type="decimal", keys={"precision": 2}),
        ],
    )
    text = app_text("flights", "fl\x1bights: 2013 #1.csv", [table, InferredTable(name="empty", rows=0, fields=[])])
    assert "\x1b" not in text
    assert "# 336,776 rows; left out, because the engine fills it: id" in text
    assert "      - { id: 3, name: price, type: decimal, precision: 2 }\n" in text
    assert max(map(len, text.splitlines())) < 160
    app = load_text(text.replace("    fields: []", "    fields: [{ id: 1, name: a, type: integer }]"), FIELD_TYPES)
    tail, carrier, _ = app.tables[0].fields
    assert (tail.name, tail.type, tail.label) == ("tail", "single-line-text", "Tail #\x1b[1m")
    assert [getattr(option, "value", option) for option in carrier.options.options] == options


def test_what_failed_leaves_nothing(tmp_path: Path) -> None:
    from sovrium_tui.cli.main import execute

    bad = tmp_path / "bad.parquet"
    bad.write_text("this is no parquet")
    assert execute(["init", str(tmp_path / "new"), "--from", str(bad)]) in (1, 2)
    assert not (tmp_path / "new").exists()
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").touch()
    assert execute(["init", str(tmp_path / "there"), "--from", str(bad)]) in (1, 2)
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["mine.txt"]


def test_a_wide_file_is_read_few_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passes over a file do not grow with its columns one by one."""
    from core.records.infer import infer
    from core.storage.session import SessionReader

    width = 330
    file = tmp_path / "wide.csv"
    rows = [
        ",".join(f"{row * place % 50}" if place % 2 else f"v{row % 3}" for place in range(width)) for row in range(60)
    ]
    file.write_text("\n".join([",".join(f"c{place}" for place in range(width)), *rows]) + "\n")
    asked: list[str] = []
    plain = SessionReader.rows

    def rows_of(self: SessionReader, statement: Any, parameters: Any = ()) -> Any:
        asked.append(str(statement))
        return plain(self, statement, parameters)

    monkeypatch.setattr(SessionReader, "rows", rows_of)
    [table] = infer(file)
    assert [field.type for field in table.fields[:3]] == ["single-select", "integer", "single-select"]
    assert len(table.fields) == width
    assert len(asked) < 20


def test_tables_of_other_schemas_are_taken_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is dropped in silence: their names carry the schema's."""
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as source:
        source.execute("CREATE TABLE items AS SELECT 'a' AS title")
        source.execute("CREATE VIEW titles AS FROM items")
        source.execute("CREATE SCHEMA stock")
        source.execute("CREATE TABLE stock.items AS SELECT range AS number FROM range(3)")
    assert execute(["init", str(tmp_path / "new"), "--from", str(tmp_path / "shop.duckdb")]) == 0
    assert "left out titles: views hold no data" in capsys.readouterr().err
    app = load_app(tmp_path / "new" / "app.yaml", FIELD_TYPES)
    assert [table.name for table in app.tables] == ["items", "stock_items"]
    assert execute(["sql", str(tmp_path / "new"), "SELECT count(*) AS n FROM stock_items", "--format", "csv"]) == 0
    assert capsys.readouterr().out.split() == ["n", "3"]


def test_columns_of_json_with_numbers_and_texts_become_texts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Structures stay json; what is a number here and a word there is text, as it stands in the file."""
    rows = [
        {"code": 7, "more": {}, "n": 1},
        {"code": "7b", "more": [1], "n": 2.5},
        {"code": None, "more": 3, "n": 3},
    ]
    (tmp_path / "mixed.json").write_text(json.dumps(rows))
    assert execute(["init", str(tmp_path / "new"), "--from", str(tmp_path / "mixed.json")]) == 0
    app = load_app(tmp_path / "new" / "app.yaml", FIELD_TYPES)
    types = {field.name: field.type for field in app.tables[0].fields}
    assert types == {"code": "single-line-text", "more": "json", "n": "decimal"}
    capsys.readouterr()
    assert execute(["sql", str(tmp_path / "new"), "SELECT code FROM mixed ORDER BY id", "--format", "json"]) == 0
    assert [row["code"] for row in json.loads(capsys.readouterr().out)] == ["7", "7b", None]


def test_a_sqlite_file_is_taken_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By what its columns really hold; names that only SQLite knows and values that lie about their type are no trouble."""
    source = tmp_path / "shop.db"
    with sqlite3.connect(source) as connection:
        connection.executescript(
            """
            CREATE TABLE orders (id INTEGER PRIMARY KEY, placed DATETIME, day DATE, paid BOOLEAN, total NUMERIC,
                                 "odd name" TEXT, mixed INTEGER, scan BLOB, note);
            INSERT INTO orders VALUES (1, '2026-02-01 10:00:00', '2026-02-01', 1, 2.5, 'a', 7, x'00ff', NULL);
            INSERT INTO orders VALUES (2, '2026-02-02T11:00:00Z', NULL, 0, 3, '', 'seven', NULL, 'é');
            CREATE TABLE empty (a);
            CREATE VIEW seen AS SELECT 1;
            CREATE VIRTUAL TABLE texts USING fts5(body);
            """
        )
    connection.close()
    assert execute(["init", str(tmp_path / "new"), "--from", str(source)]) == 0
    app = load_app(tmp_path / "new" / "app.yaml", FIELD_TYPES)
    orders, *others = app.tables
    assert [table.name for table in others] == ["empty", "texts"]
    assert "left out seen: views hold no data" in capsys.readouterr().err
    types = {each.name: each.type for each in orders.fields}
    assert {name: types[name] for name in ("placed", "day", "paid", "total")} == {
        "placed": "datetime",
        "day": "date",
        "paid": "checkbox",
        "total": "decimal",
    }
    capsys.readouterr()
    asked = "SELECT day, paid, total, mixed, scan, odd_name, note FROM orders ORDER BY id"
    assert execute(["sql", str(tmp_path / "new"), asked, "--format", "json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert list(first.values()) == ["2026-02-01", True, 2.5, "7", "AP8=", "a", None]
    assert list(second.values())[3:] == ["seven", None, "", "é"]
    text = tmp_path / "text.sqlite"
    text.write_bytes(b"SQLite format 3\0 and no more")
    assert execute(["init", str(tmp_path / "other"), "--from", str(text)]) != 0
    assert "text.sqlite" in capsys.readouterr().err


def test_a_csv_file_loses_nothing_in_silence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Quotes that come after DuckDB's sample, remarks in `#`, days that nobody can tell the order of, numbers that no field
    holds; what is passed over is told."""
    rows = [f"#{n},plain,{n % 12 + 1:02d}/02/2026,1" for n in range(21_000)]
    late = ['x,"said ""no"", and",13/02/2026,12345678901234567890', 'y,"quoted",01/02/2026,2']
    (tmp_path / "Zürich.csv").write_text("\n".join(["A \x1b[31mtitle", "größe,word,day,2026", *rows, *late]) + "\n")
    assert execute(["init", str(tmp_path / "new"), "--from", str(tmp_path / "Zürich.csv")]) == 0
    told = capsys.readouterr().err
    assert "note: zurich: passed over what stands above the names: A \ufffd[31mtitle" in told
    assert "note: zurich: took the first line for names, though it looks like data: größe, word, day, 2026" in told
    asked = "SELECT grosse, word, day, field_2026 FROM zurich WHERE id > 21000 ORDER BY id"
    assert execute(["sql", str(tmp_path / "new"), asked, "--format", "json"]) == 0
    assert [list(row.values()) for row in json.loads(capsys.readouterr().out)] == [
        ["x", 'said "no", and', "13/02/2026", "12345678901234567890"],
        ["y", "quoted", "01/02/2026", "2"],
    ]
    (tmp_path / "uneven.csv").write_text("a,b\n1,2\n3\n")
    assert execute(["init", str(tmp_path / "other"), "--from", str(tmp_path / "uneven.csv")]) == 2
    assert "Line 3 has 1 columns where 2 are expected" in capsys.readouterr().err
