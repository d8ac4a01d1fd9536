"""Imports: the rows of a file become records, all of them or, where rows may be left out, those that fit.

On DuckDB the database reads the file itself. Rows whose every value SQL can judge with certainty (`fast_value`) never
become Python objects; the others are read by the field types, which take or refuse them. What was accepted waits in a
table in memory and a file beside the import, so that the writer is only held for one INSERT. PostgreSQL reads the file
through a DuckDB in memory and inserts in blocks.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import select

from core.clock import Clock
from core.contract.console import ImportPreview
from core.errors import BadRequest, Invalid, SovriumError
from core.ids import short_id
from core.records.constraint import PLACE
from core.records.import_plan import Import, prepare, suggest_mapping
from core.records.row_check import Candidate, check_rows
from core.records.stage import Stage
from core.records.stage_check import against_rule
from core.records.transfer import Progress
from core.records.validate import Values
from core.records.writing import WritableTable
from core.storage.database import Call, ChangeRow, Database, Job, Reader, Row, Transaction
from core.storage.engine import files_database
from core.storage.files import Format, file_columns, file_texts, holds_nothing
from core.storage.scratch import forget

Held = tuple[int, Values, SovriumError]
"""A row of a file, by its line, and why it cannot be there yet."""
Merge = Callable[[Database, Import], Job[int]]
BLOCK = 1_000
SAMPLES = 5


async def import_file(
    database: Database,
    target: WritableTable,
    path: Path,
    format_: Format,
    progress: Progress,
    *,
    clock: Clock,
    actor: str,
    mapping: Mapping[str, str] | None = None,
    skip_errors: bool = False,
    merge: Merge | None = None,
) -> int:
    """Add the rows of a file to a table; the number added. On DuckDB the file lies in the exchange folder. `merge` makes of
    the prepared import the job that writes rows which may be there already.

    Raises BadRequest for a file or mapping that cannot be used, Invalid when rows do not fit and none may be left out
    (nothing is imported then).
    """
    if holds_nothing(path, format_):
        return 0
    # What must be compared with other tables, or leaves its traces there, is written row by row.
    careful = {*target.many, *target.people, *target.files}
    by_database = database.dialect == "duckdb" and merge is None
    if by_database and not careful:
        return await _import_by_database(database, target, path, format_, progress, clock, actor, mapping, skip_errors)
    with closing(files_database(path.parent)) as files:
        work = await files.read(
            Call(lambda reader: prepare(reader, target, path, format_, progress, clock, mapping, skip_errors)),
            deadline=None,
        )
        if merge is not None:
            return await database.write(merge(files, work), actor=actor, cause="import", cancel=progress.cancel)
        if by_database and careful.isdisjoint(work.mapping.values()):
            return await _import_by_database(
                database, target, path, format_, progress, clock, actor, mapping, skip_errors
            )
        rows = FileRows(files, work)
        return await database.write(Call(rows.insert), actor=actor, cause="import", cancel=progress.cancel)


async def preview(path: Path, format_: Format, target: WritableTable) -> ImportPreview:
    """Columns of a file with samples and the fields that they may fill. The file may be the beginning of a larger one; a
    parquet file without its end has no columns to show."""
    if format_ == "csv":
        _cut_to_lines(path)
    elif format_ == "json":
        _cut_to_objects(path)

    def work(reader: Reader) -> ImportPreview:
        columns = file_columns(reader, path, format_)
        names = [name for name, _ in columns]
        found = suggest_mapping(target, names)
        rows = reader.rows(f"SELECT * FROM {file_texts(path, format_, columns, names)} LIMIT {SAMPLES:d}")
        samples = list(zip(*(row[1:] for row in rows), strict=True)) or [()] * len(names)
        return {
            "columns": [
                {"name": name, "samples": [text or "" for text in texts], "field": found.get(name)}
                for name, texts in zip(names, samples, strict=True)
            ]
        }

    with closing(files_database(path.parent)) as files:
        try:
            return await files.read(Call(work), lane="long")
        except BadRequest:
            if format_ == "parquet":
                return {"columns": []}
            raise


def _cut_to_lines(path: Path) -> None:
    content = path.read_bytes()
    end = content.rfind(b"\n")
    if end > 0:
        path.write_bytes(content[: end + 1])


def _cut_to_objects(path: Path) -> None:
    """The whole objects of an array, or of lines, at the beginning of the text."""
    text, decoder = path.read_text(encoding="utf-8-sig", errors="ignore").lstrip().removeprefix("["), json.JSONDecoder()
    rows: list[Any] = []
    while len(rows) < SAMPLES and (text := text.lstrip(", \t\r\n")):
        try:
            row, end = decoder.raw_decode(text)
        except ValueError:
            break
        rows.append(row)
        text = text[end:]
    path.write_text("\n".join(map(json.dumps, rows)))  # orjson takes no numbers beyond 64 bits


async def _import_by_database(
    database: Database,
    target: WritableTable,
    path: Path,
    format_: Format,
    progress: Progress,
    clock: Clock,
    actor: str,
    mapping: Mapping[str, str] | None,
    skip_errors: bool,
) -> int:
    stage = Stage(short_id("import"), path.with_name(f"{path.name}.accepted"))

    def read(reader: Reader) -> Import:
        work = prepare(reader, target, path, format_, progress, clock, mapping, skip_errors)
        stage.fill(reader, work)
        return work

    try:
        work = await database.read(Call(read), lane="long", deadline=None, cancel=progress.cancel)
        progress.report(0, stage.total, "Writing")
        job = Call(lambda tx: stage.insert(tx, work))
        rows = await database.write(job, actor=actor, cause="import", cancel=progress.cancel)
    finally:
        stage.path.unlink(missing_ok=True)
        await database.read(Call(lambda reader: forget(reader, stage.name)), lane="long")
    progress.report(rows, stage.total)
    return rows


class FileRows:
    """The rows of a file for a database that cannot read it: accepted and inserted in blocks, in one transaction."""

    def __init__(self, files: Database, work: Import) -> None:
        self._files = files
        self._work = work

    def insert(self, tx: Transaction) -> int:
        work, done, seen = self._work, 0, 0
        work.rejected, work.errors = 0, []
        waiting: list[Held] = []
        for block in self.blocks():
            seen += len(block)
            good: list[tuple[int, Values]] = []
            for line, *row in block:
                values = work.accept(row, line)
                if values is not None:
                    good.append((line, values))
            count, held = self._take(tx, good)
            done += count
            waiting += held
            work.progress.report(seen)
        while waiting:
            count, held = self._take(tx, [(line, values) for line, values, _ in waiting])
            done += count
            if len(held) == len(waiting):
                break
            waiting = held
        circle = self._circle(waiting)
        if circle:
            self._add(tx, [values for _, values, _ in circle])
            done += len(circle)
        for line, values, error in (row for row in waiting if row not in circle):
            work.refuse_row(line, error, values)
        work.stop_if_refused()
        tx.log([ChangeRow(table=work.target.log_name, record="", operation="import", after={"rows": done})])
        return done

    def _take(self, tx: Transaction, rows: list[tuple[int, Values]]) -> tuple[int, list["Held"]]:
        """Insert those that may be; how many, and those that wait for other rows of the file to be there first."""
        work, target, done = self._work, self._work.target, 0
        forbidden = self._forbidden(tx, [values for _, values in rows])
        for place in forbidden:
            work.refuse_row(rows[place][0], against_rule(), {})
        left = [(*row, against_rule()) for place, row in enumerate(rows) if place not in forbidden]
        own = self._own_links()
        while left:
            refused = check_rows(target, tx, [Candidate(values, values.keys()) for _, values, _ in left])
            good = [values for place, (_, values, _) in enumerate(left) if place not in refused]
            if good:
                self._add(tx, good)
            done += len(good)
            held: list[Held] = []
            for place, error in refused.items():
                line, values, _ = left[place]
                if own and isinstance(error, Invalid) and all(each.field in own for each in error.errors):
                    held.append((line, values, error))
                else:
                    work.refuse_row(line, error, values)
            left = held
            if not good:
                break
        return done, left

    def _add(self, tx: Transaction, rows: list[Values]) -> None:
        target = self._work.target
        if target.is_watched:
            target.insert(tx, rows)  # with a change for each, which webhooks are told of
        else:
            target.add(tx, rows)

    def _own_links(self) -> dict[str, str]:
        """Links to other records of the table by a value that the file gives, with the field of that value: a row may come
        before the one it leads to."""
        target, given = self._work.target, self._work.mapping.values()
        return {name: column for name, far, column in target.links if far is target.source and column in given}

    def _circle(self, rows: list["Held"]) -> list["Held"]:
        """Those that wait for each other alone."""
        own = self._own_links()
        while True:
            there = {(name, values[column]) for _, values, _ in rows for name, column in own.items()}
            left = [
                row
                for row in rows
                if isinstance(row[2], Invalid)
                and all((each.field, row[1][each.field]) in there for each in row[2].errors)
            ]
            if len(left) == len(rows):
                return left
            rows = left

    def _forbidden(self, tx: Transaction, rows: list[Values]) -> set[int]:
        """Places of the rows that the caller may not make."""
        target = self._work.target
        if not target.demands_result or not rows:
            return set()
        whole = [Candidate(row, ()) for row in target.complete(rows, tx.time)]
        source = target.constraints.as_rows(tx, whole)
        forbidden = target.forbidden(source)
        if forbidden is None:
            return set()
        return {row[0] for row in tx.rows(select(source.c[PLACE]).where(forbidden))}

    def blocks(self) -> Iterator[list[Row]]:
        """Read block by block, so that only one is in memory."""
        source = self._work.source(as_json=True)
        line = 0
        while True:
            statement = f"SELECT * FROM {source} WHERE line >= {line:d} AND line < {line + 20 * BLOCK:d} ORDER BY line"
            rows = self._files.submit_read(Call(lambda r, s=statement: r.rows(s)), deadline=None).result()  # type: ignore[misc]
            if not rows:
                return
            for start in range(0, len(rows), BLOCK):
                yield rows[start : start + BLOCK]
            line += 20 * BLOCK
