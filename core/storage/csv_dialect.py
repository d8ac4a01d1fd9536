"""How the cells of a CSV file are written. Of a file that is read we judge it ourselves: DuckDB's guess passes over lines
that do not fit it, and where its first 20,480 lines need no quotes it takes those of later ones for text."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from statistics import mode
from typing import Any, Literal

from core.errors import BadRequest
from core.sentence import say
from core.storage.ddl import literal

Quoting = Literal[0, 3]
"""`csv.QUOTE_MINIMAL`, `csv.QUOTE_NONE`."""
LOOKED_AT = 256 * 1024
"""Bytes of the file that decide."""
ROWS = 100
DELIMITERS = ("\t", ";", "|", ",")
"""Where two would do, the comma is the one that stands within numbers and sentences."""

csv.field_size_limit(2**31 - 1)
"""How long a text may be, DuckDB says and the field; Python's own bound of 128 KiB is for nobody."""


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """`passed` is the number of lines before the names: empty ones and `titles`. `is_quoted`: by RFC 4180; else DuckDB may
    guess."""

    delimiter: str
    passed: int
    is_quoted: bool
    names: tuple[str, ...]
    titles: tuple[str, ...] = ()

    def options(self) -> str:
        """As `read_csv` takes them."""
        said = f"header = true, skip = {self.passed:d}, delim = {literal(self.delimiter)}, comment = ''"
        return f"{said}, quote = '\"', escape = '\"'" if self.is_quoted else said


def csv_dialect(path: Path) -> CsvDialect:
    """The dialect by the beginning of a file. Raises BadRequest for a file without any names."""
    with path.open("rb") as file:
        head = file.read(LOOKED_AT)
    text = head.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    if len(head) == LOOKED_AT:
        text = text[: text.rfind("\n") + 1]  # it may end anywhere
    *_, dialect = max((_fitness(text, delimiter) for delimiter in DELIMITERS), key=lambda found: found[:2])
    if dialect is None:
        raise BadRequest("The file is empty")
    return dialect


def _fitness(text: str, delimiter: str) -> tuple[bool, float, CsvDialect | None]:
    """Whether there are several columns, and which part of the rows has as many."""
    rows, is_quoted = _rows(text, delimiter)
    if rows and rows[0][1] == ["sep=", ""]:  # how a spreadsheet is told of the delimiter
        rows = rows[1:]
    if not rows:
        return False, 0.0, None
    usual = mode(len(row) for _, row in rows)
    # Titles and remarks stand in one cell above the names.
    first = next((at for at, (_, row) in enumerate(rows) if len(row) > 1), 0)
    passed, names = rows[first]
    same = sum(len(row) == len(names) for _, row in rows[first:]) / len(rows[first:])
    fits = len(names) > 1 and (first == 0 or len(names) == usual)
    if not fits:
        first, (passed, names) = 0, rows[0]
    titles = tuple(row[0] for _, row in rows[:first])
    return fits, round(same, 1), CsvDialect(delimiter, passed, is_quoted, tuple(names), titles)


def _rows(text: str, delimiter: str) -> tuple[list[tuple[int, list[str]]], bool]:
    """The first rows, each with the number of lines before it, and whether their quotes are those of RFC 4180."""
    try:
        return list(islice(_read(text, delimiter, csv.QUOTE_MINIMAL), ROWS)), True
    except csv.Error:
        return list(islice(_read(text, delimiter, csv.QUOTE_NONE), ROWS)), False


def _read(text: str, delimiter: str, quoting: Quoting) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True, quoting=quoting)
    before = 0
    for row in reader:
        if row:
            yield before, row
        before = reader.line_num


def csv_lines(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as lines of CSV. Python's writer quotes the signs of its own line ends alone, and a carriage return within a text
    would end the line for whoever reads it."""
    lines = _Lines()
    csv.writer(lines, lineterminator="\r\n").writerows(rows)
    return lines.getvalue().encode()


class _Lines(StringIO):
    """Lines that end as files of ours do."""

    def write(self, line: str) -> int:
        return super().write(f"{line[:-2]}\n")


def check_lines(path: Path) -> None:
    """Raises BadRequest for the first line that has more or fewer cells than there are names, or is not text. DuckDB says no
    more than that it cannot guess how the file is written."""
    dialect, number = csv_dialect(path), 0
    with path.open("rb") as file:
        lines = (line.decode() for line in file)
        try:
            for number, row in _read_lines(lines, dialect):
                if number > dialect.passed and row and len(row) != len(dialect.names):
                    pattern = "Line {number} has {count} columns where {expected} are expected"
                    raise BadRequest(say(pattern, number=number, count=len(row), expected=len(dialect.names)))
        except UnicodeDecodeError:
            problem = say("Line {number} is not UTF-8 text; save the file as UTF-8", number=number + 1)
            raise BadRequest(problem) from None
        except csv.Error as error:
            problem = say("Line {number} cannot be read as CSV: {error}", number=number + 1, error=str(error))
            raise BadRequest(problem) from None


def _read_lines(lines: Iterator[str], dialect: CsvDialect) -> Iterator[tuple[int, list[str]]]:
    quoting: Quoting = csv.QUOTE_MINIMAL if dialect.is_quoted else csv.QUOTE_NONE
    reader = csv.reader(lines, delimiter=dialect.delimiter, quoting=quoting)
    yield from ((reader.line_num, row) for row in reader)
