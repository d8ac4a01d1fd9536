"""Files of data read and written by DuckDB itself, at its own speed. The file lies in the folder that the database may use
(`Settings.exchange`); its path and the names of its columns are the only texts that enter the SQL, quoted.
"""

import codecs
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

from sqlalchemy import Executable

from core.errors import BadRequest
from core.storage.csv_dialect import check_lines, csv_dialect
from core.storage.database import Reader
from core.storage.ddl import literal, quote
from core.storage.session import SessionReader

Format = Literal["csv", "json", "parquet"]
NO_VALUE = ("NA", "N/A", "n/a", "NULL", "null", "NaN", "nan", "None", "#N/A")
"""How programs write that there is no value."""
BLANK_AT_MOST = 4_096
"""Bytes looked at for the first and the last character of a file."""


def file_columns(reader: Reader, path: Path, format_: Format, *, whole: bool = False) -> list[tuple[str, str]]:
    """Names of a file's columns with the types that DuckDB sees in them, of a CSV file by its first rows or by the `whole`.
    Raises BadRequest for what is no such file."""
    if format_ == "json":
        _check_json(path)
    sample, nothing = -1 if whole else 20_480, ", ".join(map(literal, ("", *NO_VALUE)))
    source = (
        _csv(path, f"sample_size = {sample:d}, nullstr = [{nothing}]") if format_ == "csv" else file_rows(path, format_)
    )
    try:
        return [(name, kind) for name, kind, *_ in reader.rows(f"DESCRIBE SELECT * FROM {source}")]
    except BadRequest:
        if format_ == "csv":
            check_lines(path)
        raise


def _check_json(path: Path) -> None:
    """DuckDB takes an array that ends behind one of its commas for whole, and a file that was cut there would lose rows."""
    begin = _begin(path)
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadRequest("The file is UTF-16; save it as UTF-8")
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - BLANK_AT_MOST))
        end = file.read().rstrip()[-1:]
    if begin.startswith(b"[") and end != b"]":
        raise BadRequest(
            "The file does not end with the ] of its array", hint="it may have been cut; fetch or write it again"
        )


def _begin(path: Path) -> bytes:
    """The beginning of a text."""
    with path.open("rb") as file:
        return file.read(BLANK_AT_MOST).removeprefix(codecs.BOM_UTF8).lstrip()


def holds_nothing(path: Path, format_: Format) -> bool:
    """An array without objects, which is an export of no records. Of the other formats the names of columns are left."""
    return (
        format_ == "json" and path.stat().st_size <= BLANK_AT_MOST and _begin(path).split() in ([b"[]"], [b"[", b"]"])
    )


def file_rows(path: Path, format_: Format) -> str:
    """The SQL of a file's rows with its own types; of a CSV file as texts."""
    if format_ == "csv":
        return _csv(path, "all_varchar = true, sample_size = 20480")
    if format_ == "json":
        return _json(path, "sample_size = 20480, maximum_depth = 2")
    return f"read_parquet({literal(str(path))})"


def _json(path: Path, options: str) -> str:
    """Behind a byte order mark DuckDB does not see by itself that an array begins."""
    format_ = "array" if _begin(path).startswith(b"[") else "auto"
    return f"read_json({literal(str(path))}, {options}, format = {literal(format_)}, records = true)"


def _csv(path: Path, options: str) -> str:
    return f"read_csv({literal(str(path))}, {csv_dialect(path).options()}, {options})"


def file_texts(
    path: Path,
    format_: Format,
    columns: Sequence[tuple[str, str]],
    chosen: Sequence[str],
    not_text: Collection[str] = (),
    *,
    as_json: bool = False,
) -> str:
    """The SQL of a subquery with `line` (from 0, in the order of the file) and the chosen columns as text, under their
    names. Lists and structures are JSON text. NULL is what is missing or, in CSV, empty; in columns that are `not_text`
    also `NA` and its like. `as_json`: JSON texts, so that a number is told from a text, where the file tells them apart."""
    kinds = dict(columns)
    if format_ == "csv":
        shown = ", ".join(
            f"CASE WHEN {_is_value(name)} THEN {quote(name)} END AS {quote(name)}" if name in not_text else quote(name)
            for name in chosen
        )
        source = file_rows(path, format_)
    elif format_ == "json":
        plain = "::VARCHAR" if as_json else " ->> '$'"
        shown = ", ".join(f"{quote(name)}{plain} AS {quote(name)}" for name in chosen)
        types = ", ".join(f"{quote(name)}: 'JSON'" for name, _ in columns)
        source = _json(path, f"columns = {{{types}}}")
    else:
        shown = ", ".join(f"{_as_text(name, kinds[name], as_json)} AS {quote(name)}" for name in chosen)
        source = file_rows(path, format_)
    return f"(SELECT row_number() OVER () - 1 AS line, {shown} FROM {source})"


def _is_value(name: str) -> str:
    """A few short lists: of a long one DuckDB makes a join, and a hundred columns with one each do not fit in memory."""
    parts = [NO_VALUE[start : start + 3] for start in range(0, len(NO_VALUE), 3)]
    return " AND ".join(f"{quote(name)} NOT IN ({', '.join(map(literal, part))})" for part in parts)


def _as_text(name: str, kind: str, as_json: bool) -> str:
    if as_json and kind in ("FLOAT", "DOUBLE"):  # JSON has no NaN, and its writers mean "no value" by it
        return f"CASE WHEN NOT isnan({quote(name)}) THEN to_json({quote(name)})::VARCHAR END"
    if as_json and kind.startswith(("DECIMAL", "HUGEINT", "UHUGEINT")):  # whose digits a JSON number would not keep
        return f"to_json({quote(name)}::VARCHAR)::VARCHAR"
    if as_json or kind.endswith("]") or kind.startswith(("STRUCT", "MAP")):
        return f"to_json({quote(name)})::VARCHAR"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime({quote(name)} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ')"
    return f"{quote(name)}::VARCHAR"


def copy_to(reader: Reader, statement: Executable, path: Path, format_: Literal["csv", "parquet"]) -> int:
    """Write the rows of a SELECT to a file; the number of rows."""
    assert isinstance(reader, SessionReader)
    sql, values = reader.session.render(statement, ())
    options = "FORMAT csv, HEADER true" if format_ == "csv" else "FORMAT parquet, COMPRESSION zstd"
    return int(reader.rows(f"COPY ({sql}) TO {literal(str(path))} ({options})", list(values))[0][0])
