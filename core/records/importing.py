"""Imports: the rows of a file become records, all of them or, where rows may be left out, those that fit.

On DuckDB the database reads the file itself. Rows whose every value SQL can judge with certainty (`fast_value`) never
become Python objects; the others are read by the field types, which take or refuse them. What was accepted waits in a
table in memory and a file beside the import, so that the writer is only held for one INSERT. PostgreSQL reads the file
through a DuckDB in memory and inserts in blocks.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from core.clock import Clock
from core.errors import BadRequest, FieldError, Invalid
from core.fields.base import FieldType
from core.fields.model import TableModel
from core.ids import short_id
from core.records.fast_value import FastValue, fast_value
from core.records.shape import to_json
from core.records.transfer import Progress
from core.records.validate import Values, accept_new
from core.records.writing import Candidate, WritableTable
from core.schema.name import sql_name
from core.storage.database import Call, ChangeRow, Database, Reader, Settings, Transaction
from core.storage.ddl import literal, quote, quote_list, type_name
from core.storage.engine import open_database
from core.storage.files import Format, file_columns, file_texts
from core.storage.scratch import SCRATCH, forget, keep

BLOCK = 1_000
ERRORS_SHOWN = 100
_NULL = "\\N"


@dataclass(slots=True)
class Import:
    """One import. `mapping` is field by column of the file; columns that are not in it are left out."""

    target: WritableTable
    path: Path
    format: Format
    mapping: Mapping[str, str]
    columns: Sequence[tuple[str, str]]
    progress: Progress
    clock: Clock
    skip_errors: bool = False
    errors: list[FieldError] = field(default_factory=list)
    rejected: int = 0

    @property
    def table(self) -> TableModel:
        return self.target.table

    def refuse(self, line: int, errors: Sequence[FieldError], texts: Mapping[str, Any]) -> None:
        """Count and report a row that does not fit. `line` counts rows from 0."""
        self.rejected += 1
        for error in errors[:1]:
            shown = self.line_of(line)
            value = texts.get(error.field)
            self.progress.reject({"line": shown, "field": error.field, "message": error.message, "value": value})
            if len(self.errors) < ERRORS_SHOWN:
                self.errors.append(FieldError(error.field, error.code, f"line {shown}: {error.message}", line))

    def line_of(self, line: int) -> int:
        """Rows as people count them: after the header in CSV."""
        return line + (2 if self.format == "csv" else 1)

    def stop_if_refused(self) -> None:
        if self.rejected and not self.skip_errors:
            rows = "1 row does" if self.rejected == 1 else f"{self.rejected:,} rows do"
            raise Invalid(f"{rows} not fit {self.table.name}; nothing was imported", self.errors)

    def accept(self, texts: Mapping[str, str | None], line: int) -> Values | None:
        """Values of a row, by the field types; None when it was refused."""
        required = {name for name, field_type in self.table.fields.items() if field_type.spec.required}
        given = {name: text for name, text in texts.items() if text is not None or name not in required}
        try:
            return accept_new(self.table, given, self.clock())
        except Invalid as error:
            self.refuse(line, error.errors, texts)
            return None


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
) -> int:
    """Add the rows of a file to a table; the number added. On DuckDB the file lies in the exchange folder.

    Raises BadRequest for a file or mapping that cannot be used, Invalid when rows do not fit and none may be left out
    (nothing is imported then).
    """
    if database.dialect == "duckdb":
        return await _import_by_database(database, target, path, format_, progress, clock, actor, mapping, skip_errors)
    with closing(files_database(path.parent)) as files:
        work = await files.read(
            Call(lambda reader: prepare(reader, target, path, format_, progress, clock, mapping, skip_errors)),
            deadline=None,
        )
        rows = _Rows(files, work)
        return await database.write(Call(rows.insert), actor=actor, cause="import", cancel=progress.cancel)


def files_database(folder: Path) -> Database:
    """A DuckDB in memory that may read the files of one folder."""
    return open_database(Settings(url="duckdb:///:memory:", exchange=str(folder)))


def prepare(
    reader: Reader,
    target: WritableTable,
    path: Path,
    format_: Format,
    progress: Progress,
    clock: Clock,
    mapping: Mapping[str, str] | None,
    skip_errors: bool,
) -> Import:
    """Look at the file and check the mapping."""
    columns = file_columns(reader, path, format_)
    chosen = check_mapping(target.table, [name for name, _ in columns], mapping)
    return Import(target, path, format_, chosen, columns, progress, clock, skip_errors)


def suggest_mapping(table: TableModel, columns: Sequence[str]) -> dict[str, str]:
    """Field by column where the names say it: the field's name, its label, or what the name would be as a column."""
    names: dict[str, str] = {}
    for name, field_type in table.fields.items():
        if not field_type.read_only and name in table.column_by_name:
            for known in (sql_name(field_type.spec.label or name), name.lower(), name):
                names.setdefault(known, name)
    found: dict[str, str] = {}
    for column in columns:
        name = names.get(column) or names.get(column.strip().lower()) or names.get(sql_name(column))
        if name is not None and name not in found.values():
            found[column] = name
    return found


def check_mapping(table: TableModel, columns: Sequence[str], mapping: Mapping[str, str] | None) -> dict[str, str]:
    """The mapping to use. Raises BadRequest naming what is wrong with the one given."""
    if mapping is None:
        found = suggest_mapping(table, columns)
        if not found:
            raise BadRequest(
                f"No column of the file is a field of {table.name}", hint=f"It has {', '.join(columns[:20])}"
            )
        return found
    for column, name in mapping.items():
        field_type = table.fields.get(name)
        if column not in columns:
            raise BadRequest(f"The file has no column {column!r}", hint=f"It has {', '.join(columns[:20])}")
        if field_type is None or field_type.read_only or name not in table.column_by_name:
            raise BadRequest(f"{table.name} has no field {name!r} that can be filled")
    if len(set(mapping.values())) < len(mapping):
        raise BadRequest("Two columns are mapped to one field")
    return dict(mapping)


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


class Stage:
    """Accepted rows on their way: a table in memory for those that SQL has judged, a file for those of the field types."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self.total = 0
        self._side = 0

    # ── Filling, in a read job ──

    def fill(self, reader: Reader, work: Import) -> None:
        texts = file_texts(work.path, work.format, work.columns, list(work.mapping))
        fast = self._fast(work)
        work.progress.report(0, None, "Reading")
        if fast is None:
            lines: str | None = f"SELECT * FROM {texts} ORDER BY line"
            keep(reader, self.name, f"SELECT 0::BIGINT AS line, {self._no_values(work)} LIMIT 0")
        else:
            condition = " AND ".join(_usable(value, column, work) for column, value in fast.items()) or "true"
            values = ", ".join(
                f"CASE WHEN {quote(column)} IS NOT NULL AND fits THEN {value.value} END AS {quote(work.mapping[column])}"
                for column, value in fast.items()
            )
            judged = f"SELECT *, ({condition}) AS fits FROM {texts}"
            keep(reader, self.name, f"SELECT line, {values}, fits FROM ({judged})")
            lines = f"SELECT * EXCLUDE (fits) FROM ({judged}) WHERE NOT fits ORDER BY line"
            counts = reader.rows(f"SELECT count(*), count(*) FILTER (NOT fits) FROM {self._address}")[0]
            self.total = counts[0]
            work.progress.report(0, self.total, "Checking")
            if not counts[1]:
                lines = None
        if lines is not None:
            self._accept(reader, work, lines, count=fast is None)
        work.stop_if_refused()

    def _fast(self, work: Import) -> dict[str, FastValue] | None:
        """By column, when SQL can judge all of them."""
        table = work.table
        if {"slug", "title"} <= table.fields.keys() or {"status", "published_at"} <= table.fields.keys():
            return None
        found = {column: fast_value(table.fields[name], column) for column, name in work.mapping.items()}
        values = {column: value for column, value in found.items() if value is not None}
        mapped = set(work.mapping.values())
        complete = all(
            name in mapped or not field_type.spec.required or field_type.default() is not None or field_type.read_only
            for name, field_type in table.fields.items()
        )
        return values if complete and len(values) == len(found) else None

    def _no_values(self, work: Import) -> str:
        kinds = work.table.column_by_name
        nothing = [f"NULL::{type_name('duckdb', kinds[n].type)} AS {quote(n)}" for n in work.mapping.values()]
        return ", ".join([*nothing, "true AS fits"])

    def _accept(self, reader: Reader, work: Import, lines: str, *, count: bool) -> None:
        """Rows that the field types must read; those that are accepted go to the file, in texts that SQL reads back."""
        names = list(work.mapping.values())
        stored = [name for name in work.table.fields if name in work.table.column_by_name]
        writers = [_database_text(work.table.fields[name]) for name in stored]
        with self.path.open("w", newline="", encoding="utf-8") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(["line", *stored])
            seen = 0
            for block in reader.stream(lines, size=BLOCK):
                seen += len(block)
                for line, *texts in block:
                    values = work.accept(dict(zip(names, texts, strict=True)), line)
                    if values is not None:
                        self._side += 1
                        out.writerow(
                            [line, *(write(values.get(name)) for name, write in zip(stored, writers, strict=True))]
                        )
                work.progress.report(seen, self.total or None)
        if count:
            self.total = seen

    # ── Writing, in the writer ──

    def insert(self, tx: Transaction, work: Import) -> int:
        table = work.table
        given = [name for name in table.fields if name in table.column_by_name and not table.fields[name].read_only]
        tx.execute("CREATE OR REPLACE TEMP VIEW import_rows AS " + self._rows(work, given))
        try:
            left_out = self._refuse_by_database(tx, work, given)
            work.stop_if_refused()
            return self._insert_rows(tx, work, given, left_out)
        finally:
            tx.execute("DROP VIEW import_rows")

    def _rows(self, work: Import, given: Sequence[str]) -> str:
        """All accepted rows: `line` and a value for each field."""
        mapped, now = set(work.mapping.values()), work.clock()
        parts = []
        for name in given:
            value = quote(name)
            if name not in mapped:
                value = _constant(work.table.fields[name], now)
            kind = type_name("duckdb", work.table.column_by_name[name].type)
            parts.append(f"{value}::{kind} AS {quote(name)}")
        rows = f"SELECT line, {', '.join(parts)} FROM {self._address} WHERE fits"
        if not self._side:
            return rows
        casts = ", ".join(_from_text(name, work.table.column_by_name[name].type) for name in given)
        options = (
            f"header = true, all_varchar = true, nullstr = {literal(_NULL)}, delim = ',', quote = '\"', escape = '\"'"
        )
        return f"{rows} UNION ALL SELECT line::BIGINT, {casts} FROM read_csv({literal(str(self.path))}, {options})"

    def _refuse_by_database(self, tx: Transaction, work: Import, given: Sequence[str]) -> list[int]:
        """Lines with links to nothing or with a unique value that is taken."""
        lines: dict[int, None] = {}
        for name, far, column in work.target.links:
            missing = tx.rows(
                f"SELECT line, {quote(name)} FROM import_rows WHERE {quote(name)} IS NOT NULL AND {quote(name)} NOT IN "
                f"(SELECT {quote(column)} FROM {quote(far.name)} WHERE deleted_at IS NULL) ORDER BY line"
            )
            for line, value in missing:
                message = f"{name}: there is no record {value}"
                work.refuse(line, [FieldError(name, "link.missing", message)], {name: value})
                lines[line] = None
        for names in work.target.unique:
            known = [name for name in names if name in given]
            if len(known) == len(names):
                for line, value in tx.rows(_duplicates(work.target, names)):
                    message = f"Another record has the same {', '.join(names)}"
                    work.refuse(line, [FieldError(names[0], "unique", message)], {names[0]: value})
                    lines[line] = None
        return list(lines)

    def _insert_rows(self, tx: Transaction, work: Import, given: Sequence[str], left_out: Sequence[int]) -> int:
        target = work.target
        rows = (
            f"SELECT * FROM import_rows WHERE line NOT IN ({', '.join(map(str, left_out))})"
            if left_out
            else "import_rows"
        )
        source = f"({rows})" if left_out else rows
        count = int(tx.scalar(f"SELECT count(*) FROM {source}"))
        if not count:
            return 0
        moment = literal(tx.time.isoformat())
        made = dict.fromkeys((*target.created, *target.updated), f"{moment}::TIMESTAMPTZ")
        for name in target.generated:
            sequence = work.table.column_by_name[name].sequence
            first = tx.scalar(
                f"SELECT min(n) FROM (SELECT nextval({literal(quote(str(sequence)))}) AS n FROM range(?))", [count]
            )
            made[name] = f"{int(first):d} + row_number() OVER (ORDER BY line) - 1"
        if target.makes_uuid:
            made[target.key[0]] = "uuid()::VARCHAR"
        tx.execute(
            f"INSERT INTO {quote(work.table.sql_name)} ({quote_list([*made, *given])}) "
            f"SELECT {', '.join(made.values())}, {quote_list(given)} FROM {source} ORDER BY line"
        )
        tx.log([ChangeRow(table=target.log_name, record="", operation="import", after={"rows": count})])
        return count

    @property
    def _address(self) -> str:
        return f"{quote(SCRATCH)}.main.{quote(self.name)}"


def _usable(value: FastValue, column: str, work: Import) -> str:
    """NULL is fine unless the field is required; anything else must meet the condition."""
    if work.table.fields[work.mapping[column]].spec.required:
        return f"({quote(column)} IS NOT NULL AND {value.condition})"
    return f"({quote(column)} IS NULL OR {value.condition})"


def _duplicates(target: WritableTable, names: Sequence[str]) -> str:
    """Lines whose key is in the table already, or on an earlier line."""
    columns, whole = quote_list(names), " AND ".join(f"{quote(name)} IS NOT NULL" for name in names)
    same = " AND ".join(f"t.{quote(name)} = r.{quote(name)}" for name in names)
    ranked = f"SELECT *, row_number() OVER (PARTITION BY {columns} ORDER BY line) AS nth FROM import_rows WHERE {whole}"
    taken = f"EXISTS (SELECT 1 FROM {quote(target.table.sql_name)} t WHERE {same})"
    return f"SELECT line, {quote(names[0])}::VARCHAR FROM ({ranked}) r WHERE nth > 1 OR {taken} ORDER BY line"


def _constant(field_type: FieldType[Any], now: Any) -> str:
    value = field_type.value_at(now) if field_type.default_is_now() else field_type.default()
    text = _database_text(field_type)(value)
    if text == _NULL:
        return "NULL"
    return _text_to_value(literal(text), field_type.column())


def _database_text(field_type: FieldType[Any]) -> Any:
    """A stored value as a text that DuckDB casts to the column's type."""
    kind = field_type.column()
    if kind is not None and kind.kind in ("text-list", "json"):
        return lambda value: _NULL if value is None else orjson.dumps(value).decode()
    if kind is not None and kind.kind == "timestamp":
        convert = to_json(field_type) or str
        return lambda value: _NULL if value is None else convert(value)
    return lambda value: _NULL if value is None else str(value)


def _from_text(name: str, kind: Any) -> str:
    return f"{_text_to_value(quote(name), kind)} AS {quote(name)}"


def _text_to_value(text: str, kind: Any) -> str:
    if kind.kind == "text-list":
        return f"from_json({text}, '[\"VARCHAR\"]')"
    return f"{text}::{type_name('duckdb', kind)}"


class _Rows:
    """The rows of a file for a database that cannot read it: accepted and inserted in blocks, in one transaction."""

    def __init__(self, files: Database, work: Import) -> None:
        self._files = files
        self._work = work

    def insert(self, tx: Transaction) -> int:
        work, done, seen = self._work, 0, 0
        work.rejected, work.errors = 0, []
        for block in self._blocks():
            seen += len(block)
            good: list[tuple[int, Values]] = []
            for line, texts in block:
                values = work.accept(texts, line)
                if values is not None:
                    good.append((line, values))
            refused = work.target.check(tx, [Candidate(values, values.keys()) for _, values in good])
            for place, error in refused.items():
                name = str(error.extra.get("field") or "")
                problem = error.errors[0] if isinstance(error, Invalid) else FieldError(name, "unique", error.message)
                work.refuse(good[place][0], [problem], good[place][1])
            rows = [work.target.complete(v, tx.time) for place, (_, v) in enumerate(good) if place not in refused]
            if rows:
                tx.insert(work.target.source, rows)
            done += len(rows)
            work.progress.report(seen)
        work.stop_if_refused()
        tx.log([ChangeRow(table=work.target.log_name, record="", operation="import", after={"rows": done})])
        return done

    def _blocks(self) -> Iterator[list[tuple[int, dict[str, str | None]]]]:
        """Read block by block, so that only one is in memory."""
        work, names = self._work, list(self._work.mapping.values())
        texts = file_texts(work.path, work.format, work.columns, list(work.mapping))
        line = 0
        while True:
            statement = f"SELECT * FROM {texts} WHERE line >= {line:d} AND line < {line + 20 * BLOCK:d} ORDER BY line"
            rows = self._files.submit_read(Call(lambda r, s=statement: r.rows(s)), deadline=None).result()  # type: ignore[misc]
            if not rows:
                return
            for start in range(0, len(rows), BLOCK):
                yield [(row[0], dict(zip(names, row[1:], strict=True))) for row in rows[start : start + BLOCK]]
            line += 20 * BLOCK
