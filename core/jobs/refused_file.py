"""The rows of a file that an import refused, as a file to mend and import again: each as it came, with its line and what is
wrong."""

import csv
from contextlib import closing
from pathlib import Path
from typing import Any

from core.ids import short_id
from core.storage.database import Call
from core.storage.ddl import literal, quote
from core.storage.engine import files_database
from core.storage.files import Format, file_columns, file_texts

MOST = 1_000_000
"""Refused rows that are kept; who has more has mapped the wrong file."""


class RefusedFile:
    """Takes note of refused rows while an import runs, beside the file; `write` makes the file of them."""

    def __init__(self, exchange: Path, format_: Format) -> None:
        self._exchange = exchange
        self._format = format_
        self._notes = exchange / f"{short_id('refused')}.notes"
        self._out = self._notes.open("w", encoding="utf-8", newline="")
        self._lines: set[int] = set()

    @property
    def count(self) -> int:
        return len(self._lines)

    def note(self, rejected: dict[str, Any]) -> None:
        """A refused row. Told again when the writer tries again; it is one row all the same."""
        line = int(rejected["line"])
        if line in self._lines or len(self._lines) >= MOST:
            return
        self._lines.add(line)
        name, message = str(rejected.get("field") or ""), str(rejected.get("message") or "")
        csv.writer(self._out).writerow([line, message if not name or name in message else f"{name}: {message}"])

    async def write(self, source: Path) -> Path:
        """The refused rows of the imported file as CSV, in their order, with `_line` and `_error`."""
        self._out.flush()
        target = self._exchange / f"{short_id('refused')}.csv"
        first = 2 if self._format == "csv" else 1  # lines as people count them

        def copy(reader: Any) -> None:
            columns = file_columns(reader, source, self._format)
            notes = (
                f"read_csv({literal(str(self._notes))}, header = false,"
                " columns = {'_line': 'BIGINT', '_error': 'VARCHAR'})"
            )
            names = [name for name, _ in columns]
            held = ", ".join(f"given.{quote(name)}" for name in names)
            reader.rows(
                f"COPY (SELECT {held}, _line, _error FROM {file_texts(source, self._format, columns, names)} AS given"
                f" JOIN {notes} AS notes ON given.line = notes._line - {first:d} ORDER BY _line)"
                f" TO {literal(str(target))} (FORMAT csv, HEADER)"
            )

        with closing(files_database(self._exchange)) as files:
            await files.read(Call(copy), lane="long", deadline=None)
        return target

    def close(self) -> None:
        self._out.close()
        self._notes.unlink(missing_ok=True)
