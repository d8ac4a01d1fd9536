"""Imports, exports and inference: what a file says becomes records, and comes back; on both databases."""

import asyncio
import csv
import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from core.auth.store import ACCOUNTS, ensure_accounts
from core.clock import system_clock
from core.errors import BadRequest, Invalid, SovriumError
from core.fields.model import TableModel
from core.fields.registry import FIELD_TYPES
from core.principal import OWNER
from core.records.fast_value import fast_value
from core.records.importing import import_file, preview
from core.records.infer import extract, infer
from core.records.service import Records
from core.records.transfer import ExportStream, export_file, export_stream
from core.storage.database import Call, Cancel, Database, Reader, Settings, Transaction
from core.storage.engine import files_database, open_database
from core.storage.journal import CHANGES
from tests.support.apps import app_model
from tests.support.fields import BESIDE, OTHER, VARIANTS
from tests.support.tables import create_tables

APP = """
tables:
  - name: Companies
    fields:
      - { name: name, type: single-line-text, required: true, unique: true }
      - { name: size, type: integer, min: 1, default: 5 }
  - name: Contacts
    fields:
      - { name: full_name, type: single-line-text, required: true, label: Full name }
      - { name: email, type: email, unique: true }
      - { name: tags, type: multi-select, options: [a, b] }
      - { name: number, type: autonumber, startFrom: 100 }
      - { name: company, type: relationship, relatedTable: Companies, relationType: many-to-one }
"""


class Hearing:
    """Hears how a transfer goes."""

    def __init__(self) -> None:
        self.cancel = Cancel()
        self.rejected: list[dict[str, Any]] = []
        self.done = 0
        self.warning = ""

    def report(self, done: int, total: int | None = None, note: str | None = None) -> None:
        self.done = done

    def warn(self, warning: str) -> None:
        self.warning = warning

    def reject(self, rejected: dict[str, Any]) -> None:
        self.rejected.append(rejected)


class Dock:
    def __init__(self, database: Database, folder: Path, app: str = APP) -> None:
        model = app_model(app)
        create_tables(database, model)
        self.database, self.folder = database, folder
        self.records = Records(database, model)
        self.tables = model.tables
        self.hearing = Hearing()

    async def take(self, table: TableModel, name: str, content: str | bytes | None = None, **more: Any) -> int:
        path = self.folder / name
        if content is not None:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.hearing = Hearing()
        return await import_file(
            self.database,
            self.records.writable(table),
            path,
            path.suffix[1:],  # type: ignore[arg-type]
            self.hearing,
            clock=system_clock,
            actor="owner",
            **more,
        )

    async def give(self, table: TableModel, name: str, **more: Any) -> Path:
        path = self.folder / name
        scope = self.records.scope(OWNER, table)
        await export_file(self.database, scope, path, path.suffix[1:], self.hearing, **more)  # type: ignore[arg-type]
        return path

    async def rows(self, table: TableModel) -> list[dict[str, Any]]:
        answer = await self.records.list(OWNER, table, {"limit": "100", "sort": "id"})
        return [record["fields"] for record in answer["records"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "exchange"
    folder.mkdir()
    return folder


@pytest.fixture
def dock(open_db: Callable[..., Database], database_settings: Settings, folder: Path) -> Dock:
    return Dock(open_db(with_exchange(database_settings, folder)), folder)


def with_exchange(settings: Settings, folder: Path) -> Settings:
    return replace(settings, exchange=str(folder))


async def test_csv_import(dock: Dock) -> None:
    """Names and labels find their fields; order, defaults, numbers and links are those of single creates."""
    companies, contacts = dock.tables
    assert await dock.take(companies, "c.csv", 'name\nAcme\n Bolt \n"Cog, Inc"\n') == 3
    assert [(row["name"], row["size"]) for row in await dock.rows(companies)] == [
        ("Acme", 5),
        ("Bolt", 5),
        ("Cog, Inc", 5),
    ]
    text = 'Full name;EMAIL;tags;company\nZoë;Z@Example.org;"a, b";3\nBo;;;\n'
    assert await dock.take(contacts, "p.csv", text) == 2
    assert await dock.rows(contacts) == [
        {"full_name": "Zoë", "email": "z@example.org", "tags": ["a", "b"], "number": 100, "company": 3},
        {"full_name": "Bo", "email": None, "tags": None, "number": 101, "company": None},
    ]
    record = await dock.records.create(OWNER, companies, {"name": "Next"})
    assert record["id"] == "4"


async def test_lists_of_every_kind_come_in(
    open_db: Callable[..., Database], database_settings: Settings, folder: Path
) -> None:
    """T-096: exact numbers and days among them, and as defaults."""
    kinds = {
        "text": ["a", "b"],
        "integer": [1, 2],
        "decimal": ["0.1", "2"],
        "boolean": [True, False],
        "date": ["2026-01-02"],
    }
    fields = [{"name": f"f_{kind}", "type": "array", "itemType": kind, "default": kinds[kind]} for kind in kinds]
    app = orjson.dumps([{"name": "Lists", "fields": [{"name": "a", "type": "single-line-text"}, *fields]}]).decode()
    dock = Dock(open_db(with_exchange(database_settings, folder)), folder, f"tables: {app}")
    given = {f"f_{kind}": values for kind, values in kinds.items()}
    assert await dock.take(dock.tables[0], "l.json", orjson.dumps([{"a": "x", **given}])) == 1
    assert await dock.take(dock.tables[0], "l.csv", "a\ny\n") == 1
    first, second = await dock.rows(dock.tables[0])
    assert first == {"a": "x", **given}
    assert second == {"a": "y", **given}


async def test_columns_that_no_field_takes_are_told(dock: Dock) -> None:
    """Not those that the engine fills, which every export has."""
    assert await dock.take(dock.tables[0], "c.csv", "name,colour,id,createdAt,weight\nAcme,red,7,2026-02-01,3\n") == 1
    told = "Columns of the file that are no field of Companies were left out: colour, weight"
    assert dock.hearing.warning == told


async def test_one_row_of_the_log_for_an_import(dock: Dock) -> None:
    from sqlalchemy import select

    await dock.take(dock.tables[0], "c.csv", "name,size\nA,1\nB,2\n")
    statement = select(CHANGES.c.table, CHANGES.c.operation, CHANGES.c.after, CHANGES.c.cause)
    rows = await dock.database.read(Call(lambda reader: reader.rows(statement)))
    assert rows == [("companies", "import", {"rows": 2}, "import")]


BAD = "name,size\nAcme,1\n,2\nBolt,0\nAcme,3\nCog,many\nDot,4\nTaken,1\n"


async def test_all_or_nothing(dock: Dock) -> None:
    companies = dock.tables[0]
    await dock.records.create(OWNER, companies, {"name": "Taken"})
    with pytest.raises(Invalid) as caught:
        await dock.take(companies, "c.csv", BAD)
    assert caught.value.errors[0].message.startswith("line 3:")
    assert len(await dock.rows(companies)) == 1
    assert [path.name for path in dock.folder.iterdir()] == ["c.csv"]


async def test_rows_that_do_not_fit_may_be_left_out(dock: Dock) -> None:
    companies = dock.tables[0]
    await dock.records.create(OWNER, companies, {"name": "Taken"})
    assert await dock.take(companies, "c.csv", BAD, skip_errors=True) == 2
    assert {(row["line"], row["field"]) for row in dock.hearing.rejected} == {
        (3, "name"), (4, "size"), (5, "name"), (6, "size"), (8, "name"),
    }  # fmt: skip
    assert [row["name"] for row in await dock.rows(companies)] == ["Taken", "Acme", "Dot"]


async def test_links_to_nothing_are_refused(dock: Dock) -> None:
    with pytest.raises(Invalid):
        await dock.take(dock.tables[1], "p.csv", "full_name,company\nAda,7\n")
    assert await dock.rows(dock.tables[1]) == []


@pytest.mark.parametrize(
    ("content", "mapping"),
    [
        ("a,b\n1,2\n", None),
        ("a,b\n1,2\n", {"c": "name"}),
        ("a,b\n1,2\n", {"a": "x"}),
        ("a,b\n1,2\n", {"a": "name", "b": "name"}),
    ],
)
async def test_mappings_that_cannot_be_used(dock: Dock, content: str, mapping: dict[str, str] | None) -> None:
    with pytest.raises(BadRequest):
        await dock.take(dock.tables[0], "c.csv", content, mapping=mapping)


async def test_json_imports(dock: Dock) -> None:
    rows = [{"full_name": "Ada", "tags": ["b"], "email": None}, {"full_name": "Bo", "tags": []}]
    assert await dock.take(dock.tables[1], "p.json", orjson.dumps(rows)) == 2
    assert [(row["full_name"], row["tags"]) for row in await dock.rows(dock.tables[1])] == [("Ada", ["b"]), ("Bo", [])]


async def test_what_stands_for_nothing_elsewhere_is_a_text_here(
    open_db: Callable[..., Database], database_settings: Settings, folder: Path
) -> None:
    """Whether the database judges a row or the field types do, as they do one with a space before its text."""
    app = """
tables:
  - name: Notes
    fields:
      - { name: text, type: long-text }
      - { name: mark, type: single-line-text, default: '\\N' }
"""
    dock = Dock(open_db(with_exchange(database_settings, folder)), folder, app)
    texts = ["\\N", " before", "NULL", "nan", "None"]
    assert await dock.take(dock.tables[0], "n.json", orjson.dumps([{"text": text} for text in texts])) == 5
    assert [tuple(row.values()) for row in await dock.rows(dock.tables[0])] == [(text, "\\N") for text in texts]


async def test_preview(dock: Dock) -> None:
    """Also of the beginning of a file."""
    path = dock.folder / "p.csv"
    path.write_text("Full name,Mail\nAda,a@b.org\nBob,b")
    assert await preview(path, "csv", dock.records.writable(dock.tables[1])) == {
        "columns": [
            {"name": "Full name", "samples": ["Ada"], "field": "full_name"},
            {"name": "Mail", "samples": ["a@b.org"], "field": None},
        ]
    }
    path.write_text('[{"full_name": "Ada"}, {"full_na')
    assert (await preview(path, "json", dock.records.writable(dock.tables[1])))["columns"][0]["samples"] == ["Ada"]


async def test_exports(dock: Dock) -> None:
    """R-097: header in schema order, LF, RFC quoting; an empty table gives the header only; JSON an array of maps."""
    companies = dock.tables[0]
    assert (await dock.give(companies, "e.csv")).read_text() == "name,size\n"
    assert orjson.loads((await dock.give(companies, "e.json")).read_bytes()) == []
    for name in ('Say "hi"', "A, B", "Çelik"):
        await dock.records.create(OWNER, companies, {"name": name})
    await dock.records.delete(OWNER, companies, "2")
    expected = 'name,size\n"Say ""hi""",5\nÇelik,5\n'
    assert (await dock.give(companies, "e.csv")).read_text() == expected
    assert orjson.loads((await dock.give(companies, "e.json", fields=["id", "name"])).read_bytes())[1] == {
        "id": 3, "name": "Çelik",
    }  # fmt: skip
    stream = export_stream(dock.database, dock.records.scope(OWNER, companies), "csv", dock.folder)
    assert b"".join([block async for block in stream.chunks()]).decode() == expected
    with pytest.raises(Invalid):
        await dock.give(companies, "e.csv", fields=["nothing"])


@pytest.mark.parametrize(
    ("format_", "text"), [("csv", "size,name\n7,Acme\n"), ("json", '[\n  {"size":7,"name":"Acme"}\n]\n')]
)
async def test_a_field_that_is_asked_for_twice_is_one_column(dock: Dock, format_: str, text: str) -> None:
    companies = dock.tables[0]
    await dock.records.create(OWNER, companies, {"name": "Acme", "size": 7})
    path = await dock.give(companies, f"c.{format_}", fields=["size", "name", "size"])
    assert path.read_text() == text


async def test_a_stream_begins_at_once_and_waits_for_nobody(dock: Dock) -> None:
    """R-097: the first block is there before the second is made; all are made while the client has read one, and in
    constant memory: they are in a file that has no name."""
    second, over = threading.Event(), threading.Event()

    def blocks(reader: Reader) -> Iterator[tuple[bytes, int]]:
        yield b"first", 0
        assert second.wait(20)
        for _ in range(300):
            yield b"x" * 100_000, 1
        over.set()

    stream = ExportStream(dock.database, blocks, dock.folder).chunks()
    assert await anext(stream) == b"first"
    second.set()
    assert await asyncio.to_thread(over.wait, 20)
    assert list(dock.folder.iterdir()) == []
    assert sum([len(block) async for block in stream]) == 300 * 100_000


async def test_a_client_that_leaves_stops_the_export(dock: Dock) -> None:
    """R-097"""
    ended = threading.Event()

    def blocks(reader: Reader) -> Iterator[tuple[bytes, int]]:
        try:
            while True:
                yield b"more", 1
                reader.rows("SELECT 1")
        finally:
            ended.set()

    stream = ExportStream(dock.database, blocks, dock.folder).chunks()
    await anext(stream)
    await stream.aclose()
    assert await asyncio.to_thread(ended.wait, 20)


async def test_a_stream_that_fails_is_not_taken_for_whole(dock: Dock) -> None:
    def blocks(reader: Reader) -> Iterator[tuple[bytes, int]]:
        yield b"first", 0
        reader.rows("SELECT * FROM nothing")

    with pytest.raises(SovriumError):
        async for _ in ExportStream(dock.database, blocks, dock.folder).chunks():
            pass


def every_field() -> str:
    """An app with one field of each variant of each stored type; attachments need files that stand (test_all_types)."""
    lines = [
        "auth: {strategies: [{type: emailAndPassword}]}",
        "tables:",
        "  - name: Other",
        "    fields:",
        *(f"      - {orjson.dumps(field).decode()}" for field in OTHER["fields"]),
        "  - name: Everything",
        "    fields:",
        *(f"      - {orjson.dumps(field).decode()}" for field in BESIDE),
    ]
    for name in sorted(each for each in FIELD_TYPES.built() if "attachment" not in each):
        for number, keys in enumerate(VARIANTS.get(name, [{}])):
            text = orjson.dumps({"name": f"{name.replace('-', '_')}_{number}", "type": name, **keys}).decode()
            lines.append(f"      - {text}")
    return "\n".join(lines)


def add_accounts(tx: Transaction) -> None:
    """Those that examples of user fields name."""
    ensure_accounts(tx)
    common = {"email_verified": True, "banned": False, "created_at": tx.time, "updated_at": tx.time}
    names = [f"u_{number}" for number in range(1, 100)]
    tx.insert(ACCOUNTS, [{"id": name, "email": f"{name}@x.org", "name": name, **common} for name in names])


@pytest.mark.parametrize("format_", ["csv", "json", "parquet"])
async def test_what_is_exported_can_be_imported(
    open_db: Callable[..., Database], database_settings: Settings, folder: Path, format_: str
) -> None:
    """Every field type, with values and without."""
    dock = Dock(open_db(with_exchange(database_settings, folder)), folder, every_field())
    other, everything = dock.tables
    await dock.database.write(Call(add_accounts))
    rng = Random(7)
    await dock.records.batches.create(OWNER, other, {"records": [{"title": str(n)} for n in range(50)]})
    writable = {name: field for name, field in everything.fields.items() if not field.read_only}
    for number in range(30):
        values = {name: field.to_json(field.example(rng)) for name, field in writable.items()}
        kept = {name: value for name, value in values.items() if number % 3 or rng.random() < 0.5}
        await dock.records.create(OWNER, everything, kept)
    await dock.give(everything, f"all.{format_}", fields=list(writable))
    before = await dock.rows(everything)
    assert await dock.take(everything, f"all.{format_}") == 30
    after = (await dock.rows(everything))[30:]
    names = list(writable)
    assert [[row[name] for name in names] for row in after] == [[row[name] for name in names] for row in before]


NASTY = [
    "\\N", "NULL", "nan", '"', '""', "'", ",", ";", "a\tb", "line\nbreak", "line\r\nbreak", "line\rbreak", "\n", "=1+1",
    "\ufeffmark", "\u2028", "e\u0301", "\U0001f600", "\\", "\\n", "a\\", "[1", "{", "null", "true", "1.10", "007",
    "\u200b", "\x01",
]  # fmt: skip


@pytest.mark.parametrize("format_", ["csv", "json", "parquet"])
async def test_nasty_texts_come_back_as_they_were(
    open_db: Callable[..., Database], database_settings: Settings, folder: Path, format_: str
) -> None:
    app = """
tables:
  - name: Notes
    fields:
      - { name: text, type: long-text }
      - { name: many, type: array, itemType: text }
      - { name: object, type: json }
"""
    dock = Dock(open_db(with_exchange(database_settings, folder)), folder, app)
    [notes] = dock.tables
    for text in NASTY:
        await dock.records.create(OWNER, notes, {"text": text, "many": [text, "x"], "object": {text: [text]}})
    before = await dock.rows(notes)
    await dock.give(notes, f"n.{format_}")
    assert await dock.take(notes, f"n.{format_}") == len(NASTY)
    after = (await dock.rows(notes))[len(NASTY) :]
    assert after == before
    assert [row["object"] for row in after] == [{text: [text]} for text in NASTY]


@pytest.mark.parametrize("format_", ["csv", "json", "parquet"])
async def test_no_records_come_back_as_none(dock: Dock, format_: str) -> None:
    await dock.give(dock.tables[0], f"n.{format_}")
    assert await dock.take(dock.tables[0], f"n.{format_}") == 0
    assert await dock.rows(dock.tables[0]) == []


TEXTS = [
    "", " ", "a", " a", "a ", "a b", "tab\there", "line\nbreak", "x" * 256, "é", "\u00a0x", "1", "-1", "01", "+1",
    "1.0", "1.5",
    "1e3", "007", "12345678901", "0.125", "-0", "-0.0", "1,5", "true", "TRUE", "yes", "false", "2026-01-31", "2026-02-30",
    "2026-1-1", "2026-01-31T10:20:30Z", "2026-01-31 10:20:30", "2026-01-31T10:20:30.125Z", "2026-01-31T24:00:00Z",
    "10:20:30",
    "10:20", "24:00:00", "a@b.org", "A@b.org", "a..b@c.org", "a@b", "http://a.b/c", "https://example.org", "ftp://x.y", "http://",
    "+49 30 123", "(0)1", "red", "Sky blue", "blue", "[odd]", "3", "5", "6", "11", "100", "101", "-3", "9", "10",
    "NULL", "2e5",
    "99999999999", "0.30000000000000004", "123456789012.5", "1234567890123", "0001-01-01", "9999-12-31", "２",
]  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Database]:
    database = files_database(tmp_path)
    yield database
    database.close()


@pytest.mark.parametrize("type_name", sorted(FIELD_TYPES.built()))
def test_sql_reads_texts_as_the_field_types_do(files: Database, type_name: str) -> None:
    """What the fast path lets through is what `accept` would give; it may let through less."""
    for keys in VARIANTS.get(type_name, [{}]):
        text = orjson.dumps({"name": "value", "type": type_name, **keys}).decode()
        tables = [{"name": "T", "fields": [orjson.loads(text), *BESIDE]}, OTHER]
        accounts = "auth: {strategies: [{type: emailAndPassword}]}"
        table = app_model(f"{accounts}\ntables: {orjson.dumps(tables).decode()}").tables[0]
        field_type = table.fields["value"]
        fast = fast_value(field_type, "text")
        if fast is None:
            continue
        sql = f"SELECT text, {fast.value} FROM (SELECT unnest(?) AS text) WHERE {fast.condition}"
        read = Call(lambda reader, sql=sql: reader.rows(sql, [TEXTS]))  # type: ignore[misc]
        for text, value in files.submit_read(read).result():
            assert field_type.accept(text) == value, (keys, text)


def test_infer_csv(tmp_path: Path) -> None:
    """Choices, dates, numbers, addresses, required fields; a counting id is the engine's own."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        [
            "id",
            "Full Name",
            "2nd",
            "select",
            "Mail",
            "Site",
            "State",
            "Amount",
            "Big",
            "Day",
            "Seen",
            "OK",
            "Note",
            "Delay",
        ]
    )
    for n in range(1, 61):
        writer.writerow([
            n, f"Name {n}", n, n * 2, f"n{n}@x.org", f"https://x.org/{n}", ["new", "old"][n % 2], n / 4, n * 10**10,
            f"2026-01-{n % 28 + 1:02d}", f"2026-01-01 10:{n % 60:02d}:00", "true" if n % 2 else "false",
            f"line\n{n}" if n > 5 else "", "NA" if n % 7 == 0 else f"{n}.0",
        ])  # fmt: skip
    path = tmp_path / "My Data.csv"
    path.write_text(out.getvalue())
    (table,) = infer(path)
    assert (table.name, table.rows, table.left_out) == ("my_data", 60, ["id"])
    assert {field.name: field.type for field in table.fields} == {
        "full_name": "single-line-text", "field_2nd": "integer", "source_select": "integer", "mail": "email", "site": "url",
        "state": "single-select", "amount": "decimal", "big": "integer", "day": "date", "seen": "datetime", "ok": "checkbox",
        "note": "long-text", "delay": "integer",
    }  # fmt: skip
    fields = {field.name: field for field in table.fields}
    assert fields["state"].keys == {"options": ["new", "old"]}
    assert fields["big"].keys["max"] > 2**31
    assert fields["full_name"].data()["label"] == "Full Name"
    assert [name for name, field in fields.items() if not field.required] == ["note", "delay"]


async def test_an_inferred_table_takes_its_file(
    open_duckdb: Callable[..., Database], folder: Path, duckdb_settings: Settings
) -> None:
    """`init --from`: the app that is inferred loads the file it was inferred from."""
    path = folder / "flights.csv"
    lines = [
        f"UA,{n},{'NA' if n % 9 == 0 else n / 2 * 2:.1f},2013-01-01 05:{n % 60:02d}:00" for n in range(1, 101) if n % 9
    ]
    path.write_text("carrier,flight,delay,time hour\n" + "\n".join([*lines, "AA,7,NA,2013-01-01 06:00:00"]) + "\n")
    (table,) = infer(path)
    dock = Dock(
        open_duckdb(with_exchange(duckdb_settings, folder)), folder, f"tables: {orjson.dumps([table.data()]).decode()}"
    )
    assert await dock.take(dock.tables[0], "flights.csv", mapping=table.mapping) == table.rows == len(lines) + 1
    assert (await dock.rows(dock.tables[0]))[-1] == {
        "carrier": "AA", "flight": 7, "delay": None, "time_hour": "2013-01-01T06:00:00.000Z",
    }  # fmt: skip


def test_infer_database_file(tmp_path: Path) -> None:
    """Each table of a DuckDB file; its rows travel as parquet."""
    database = open_database(Settings(url=f"duckdb:///{tmp_path}/source.duckdb"))
    sql = "CREATE TABLE things AS SELECT i AS id, 'Thing ' || i AS title, {'a': i} AS more FROM range(1, 4) r(i)"
    database.submit_write(Call(lambda tx: tx.execute(sql))).result()
    database.close()
    tables = {table.source: table for table in infer(tmp_path / "source.duckdb")}
    assert [(field.name, field.type) for field in tables["things"].fields] == [
        ("title", "single-line-text"),
        ("more", "json"),
    ]
    extract(tmp_path / "source.duckdb", tables["things"], tmp_path / "things.parquet")
    assert infer(tmp_path / "things.parquet")[0].rows == 3
    with pytest.raises(BadRequest):
        infer(tmp_path / "x.txt")
