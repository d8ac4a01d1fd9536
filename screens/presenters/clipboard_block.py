"""A block of cells as text for other programs, and text from other programs as a block."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, Literal

from core.contract.tables import FieldInfo

Form = Literal["tsv", "tsv-header", "csv", "json", "markdown", "insert"]
FORMS: tuple[Form, ...] = ("tsv", "tsv-header", "csv", "json", "markdown", "insert")


def copy_text(value: Any) -> str:
    """One value as other programs take it: raw, NULL as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def to_text(form: Form, fields: Sequence[FieldInfo], rows: Sequence[Sequence[Any]], table: str = "") -> str:
    """The block in one of the forms. table: the name for INSERT statements."""
    names = [field["name"] for field in fields]
    match form:
        case "tsv":
            return _delimited(rows, "\t")
        case "tsv-header":
            return _delimited([names, *rows], "\t")
        case "csv":
            return _delimited([names, *rows], ",")
        case "json":
            return json.dumps([dict(zip(names, row, strict=True)) for row in rows], ensure_ascii=False, indent=2)
        case "markdown":
            lines = [names, ["---"] * len(names), *([_cell(value) for value in row] for row in rows)]
            return "\n".join(f"| {' | '.join(line)} |" for line in lines)
        case "insert":
            columns = ", ".join(_name(name) for name in names)
            return "\n".join(
                f"INSERT INTO {_name(table)} ({columns}) VALUES ({', '.join(_literal(value) for value in row)});"
                for row in rows
            )


def _delimited(rows: Sequence[Sequence[Any]], delimiter: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    for row in rows:
        writer.writerow([copy_text(value) for value in row])
    return out.getvalue().removesuffix("\n")


def _cell(value: Any) -> str:
    return copy_text(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", "<br>")


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return str(value)
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return "'" + text.replace("'", "''") + "'"


def parse_block(text: str) -> list[list[str]]:
    """Rows of cells: tabs part them, else commas or semicolons where every line has as many. A text without either is
    one column; one line with commas is one cell, because sentences have commas."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
    if "\t" in text:
        return _padded(_read(text, "\t"))
    if "\n" in text:
        for delimiter in (",", ";"):
            rows = _read(text, delimiter)
            if len(rows) > 1 and len(rows[0]) > 1 and len({len(row) for row in rows}) == 1:
                return rows
    return _read(text, "\t") or [[""]]


def _read(text: str, delimiter: str) -> list[list[str]]:
    csv.field_size_limit(2**31 - 1)
    return [row or [""] for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)]


def _padded(rows: list[list[str]]) -> list[list[str]]:
    width = max(map(len, rows), default=0)
    return [row + [""] * (width - len(row)) for row in rows]
