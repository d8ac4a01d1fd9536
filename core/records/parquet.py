"""Parquet files of rows that Python holds. DuckDB makes them, whatever database the rows are of, from lines of JSON on the
disk: their number costs no memory. Places stand for the columns in these lines (`c0`, `c1`), for names may be anything."""

import os
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from core.storage.database import Call, Cancel
from core.storage.ddl import literal, quote
from core.storage.engine import files_database


def lines_of(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as lines of JSON. Exact numbers become texts, which lose no digit."""
    return b"".join(
        orjson.dumps({f"c{at}": value for at, value in enumerate(row)}, default=str) + b"\n" for row in rows
    )


def rows_of_lines(lines: Path, kinds: Sequence[str]) -> str:
    """The SQL of what a file of such lines holds, each column as the type that DuckDB calls so."""
    shape = ", ".join(f"c{at}: {literal(kind)}" for at, kind in enumerate(kinds))
    return f"read_json({literal(str(lines))}, columns = {{{shape}}}, format = 'newline_delimited')"


async def lines_to_parquet(file: Path, columns: Sequence[tuple[str, str]], cancel: Cancel) -> None:
    """Turn a file of such lines into a parquet file with these columns, names with DuckDB's types; JSON becomes text."""
    made = file.with_suffix(".made")
    rows = rows_of_lines(file, [kind for _, kind in columns])
    shown = ", ".join(
        f"c{at}{'::VARCHAR' if kind == 'JSON' else ''} AS {quote(name)}" for at, (name, kind) in enumerate(columns)
    )
    copy = f"COPY (SELECT {shown} FROM {rows}) TO {literal(str(made))} (FORMAT parquet, COMPRESSION zstd)"
    with closing(files_database(file.parent)) as files:
        try:
            await files.read(Call(lambda reader: reader.rows(copy)), lane="long", deadline=None, cancel=cancel)
            os.replace(made, file)
        finally:
            made.unlink(missing_ok=True)
