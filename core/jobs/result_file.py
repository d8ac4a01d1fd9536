"""Rows of an SQL result as a file: plain JSON values, whatever their columns."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from core.jobs.center import Progress
from core.records.parquet import lines_of
from core.storage.csv_dialect import csv_lines
from core.storage.files import Format

BLOCK = 2_000
_KINDS = {
    **{name: name for name in "BOOLEAN TINYINT SMALLINT INTEGER BIGINT HUGEINT FLOAT DOUBLE".split()},
    **{name: name for name in "DATE TIME TIMESTAMP TIMESTAMPTZ UUID".split()},
    "BOOL": "BOOLEAN",
    "INT2": "SMALLINT",
    "INT4": "INTEGER",
    "INT8": "BIGINT",
    "FLOAT4": "FLOAT",
    "FLOAT8": "DOUBLE",
    "NUMERIC": "DOUBLE",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ",
}
"""DuckDB's types of a result's columns, by the names that either database gives them; else its cells are texts. A NUMERIC of
PostgreSQL has as many digits as there are."""
Row = Sequence[Any]


def write_rows(target: Path, names: Sequence[str], rows: Iterable[Row], format_: Format, progress: Progress) -> int:
    """Write CSV, a JSON array, or the lines of which parquet is made (`core.records.parquet`); the number of rows."""
    done, left = 0, iter(rows)
    with target.open("wb") as file:
        write, finish = _WRITERS[format_](file, names)
        while block := list(islice(left, BLOCK)):
            write(block)
            done += len(block)
            progress.report(done)
        finish()
    return done


def csv_writer(file: BinaryIO, names: Sequence[str]) -> tuple[Callable[[list[Row]], None], Callable[[], None]]:
    """How to write a block, and the end."""
    file.write(csv_lines([names]))

    def write(block: list[Row]) -> None:
        file.write(csv_lines([cell_text(value) for value in row] for row in block))

    return write, file.flush


def json_writer(file: BinaryIO, names: Sequence[str]) -> tuple[Callable[[list[Row]], None], Callable[[], None]]:
    """How to write a block, and the end."""
    before = b"[\n  "

    def write(block: list[Row]) -> None:
        nonlocal before
        file.write(before + b",\n  ".join(orjson.dumps(dict(zip(names, row, strict=True))) for row in block))
        before = b",\n  "

    def finish() -> None:
        file.write(b"[]\n" if before.startswith(b"[") else b"\n]\n")

    return write, finish


def line_writer(file: BinaryIO, names: Sequence[str]) -> tuple[Callable[[list[Row]], None], Callable[[], None]]:
    """How to write a block, and the end."""

    def write(block: list[Row]) -> None:
        file.write(lines_of(block))

    return write, file.flush


_WRITERS = {"csv": csv_writer, "json": json_writer, "parquet": line_writer}


def cell_text(value: Any) -> Any:
    """A value in CSV: lists, objects and truth values as JSON."""
    return orjson.dumps(value).decode() if isinstance(value, list | dict | bool) else value


def distinct_names(names: Sequence[str]) -> list[str]:
    """Names of a result's columns, which may be equal, made different: `id`, `id_2`."""
    found: list[str] = []
    for name in names:
        number, candidate = 2, name
        while candidate in found:
            candidate, number = f"{name}_{number}", number + 1
        found.append(candidate)
    return found


def parquet_type(name: str) -> str:
    """DuckDB's type for a result's column, by its database's name of the type."""
    return name if name.startswith("DECIMAL(") and name.endswith(")") else _KINDS.get(name.upper(), "VARCHAR")
