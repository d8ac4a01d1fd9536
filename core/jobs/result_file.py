"""Rows of an SQL result as a file: plain JSON values, whatever their columns."""

import csv
from collections.abc import Callable, Iterable, Sequence
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from core.jobs.center import Progress
from core.storage.files import Format

BLOCK = 2_000
Row = Sequence[Any]


def write_rows(target: Path, names: Sequence[str], rows: Iterable[Row], format_: Format, progress: Progress) -> int:
    """Write CSV, a JSON array, or lines of JSON of which parquet is made; the number of rows."""
    done, left = 0, iter(rows)
    with target.open("wb") as file:
        write, finish = csv_writer(file, names) if format_ == "csv" else json_writer(file, names, format_ == "json")
        while block := list(islice(left, BLOCK)):
            write(block)
            done += len(block)
            progress.report(done)
        finish()
    return done


def csv_writer(file: BinaryIO, names: Sequence[str]) -> tuple[Callable[[list[Row]], None], Callable[[], None]]:
    """How to write a block, and the end."""
    text = TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)

    def write(block: list[Row]) -> None:
        writer.writerows([[cell_text(value) for value in row] for row in block])

    return write, text.flush


def json_writer(
    file: BinaryIO, names: Sequence[str], array: bool
) -> tuple[Callable[[list[Row]], None], Callable[[], None]]:
    """How to write a block, and the end."""
    between, after = (b",\n  ", b"\n]\n") if array else (b"\n", b"\n")
    before = b"[\n  " if array else b""

    def write(block: list[Row]) -> None:
        nonlocal before
        file.write(before + between.join(orjson.dumps(dict(zip(names, row, strict=True))) for row in block))
        before = between

    def finish() -> None:
        if before != between:
            file.write(b"[]\n" if array else b"")
        else:
            file.write(after)

    return write, finish


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
