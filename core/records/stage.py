"""Accepted rows of an import on DuckDB, from the file to the table."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from core.fields.base import FieldType
from core.fields.column import ColumnType
from core.records.fast_value import FastValue, fast_value
from core.records.import_plan import Import
from core.records.parquet import lines_of, rows_of_lines
from core.records.shape import to_json
from core.records.stage_check import REFUSED, ROWS, StagedRows
from core.storage.database import ChangeRow, Reader, Transaction
from core.storage.ddl import literal, quote, quote_list, type_name
from core.storage.scratch import SCRATCH, keep

BLOCK = 1_000


class Stage:
    """Accepted rows on their way: a table in memory for those that SQL has judged, a file for those of the field types."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self.total = 0
        self._side = 0

    # ── Filling, in a read job ──

    def fill(self, reader: Reader, work: Import) -> None:
        fast = self._fast(work)
        work.progress.report(0, None, "Reading")
        lines = f"SELECT * FROM {work.source(as_json=True)}"
        slow = 1
        if fast is None:
            keep(reader, self.name, f"SELECT 0::BIGINT AS line, {self._no_values(work)} LIMIT 0")
        else:
            condition = " AND ".join(_usable(value, column, work) for column, value in fast.items()) or "true"
            values = ", ".join(
                f"CASE WHEN {quote(column)} IS NOT NULL AND fits THEN {value.value} END AS {quote(work.mapping[column])}"
                for column, value in fast.items()
            )
            keep(
                reader,
                self.name,
                f"SELECT line, {values}, fits FROM (SELECT *, ({condition}) AS fits FROM {work.source()})",
            )
            self.total, slow = reader.rows(f"SELECT count(*), count(*) FILTER (NOT fits) FROM {self._address}")[0]
            work.progress.report(0, self.total, "Checking")
            lines += f" WHERE line IN (SELECT line FROM {self._address} WHERE NOT fits)"
        if slow:
            self._accept(reader, work, f"{lines} ORDER BY line")
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

    def _accept(self, reader: Reader, work: Import, lines: str) -> None:
        """Rows that the field types must read; those that are accepted go to the file, in texts that SQL reads back."""
        writers = {name: _database_text(work.table.fields[name]) for name in _stored(work)}
        with self.path.open("wb") as file:
            seen = 0
            for block in reader.stream(lines, size=BLOCK):
                seen += len(block)
                accepted = []
                for line, *row in block:
                    values = work.accept(row, line)
                    if values is not None:
                        accepted.append([line, *(write(values.get(name)) for name, write in writers.items())])
                self._side += len(accepted)
                file.write(lines_of(accepted))
                work.progress.report(seen, self.total or None)
        self.total = max(self.total, seen)

    # ── Writing, in the writer ──

    def insert(self, tx: Transaction, work: Import) -> int:
        table = work.table
        given = [name for name in table.fields if name in table.column_by_name and not table.fields[name].read_only]
        tx.execute(f"CREATE OR REPLACE TEMP VIEW {ROWS} AS " + self._rows(work, given))
        try:
            for line, error, value in StagedRows(tx, work.target, given).refusals():
                work.refuse_row(line, error, value)
            work.stop_if_refused()
            return self._insert_rows(tx, work, given)
        finally:
            tx.execute(f"DROP VIEW {ROWS}")
            tx.execute(f"DROP TABLE IF EXISTS {REFUSED}")

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
        stored = _stored(work)
        places = {name: f"c{at}" for at, name in enumerate(stored, 1)}
        casts = ", ".join(
            f"{_text_to_value(places[name], work.table.column_by_name[name].type)} AS {quote(name)}" for name in given
        )
        side = rows_of_lines(self.path, ["BIGINT", *("VARCHAR" for _ in stored)])
        return f"{rows} UNION ALL SELECT c0, {casts} FROM {side}"

    def _insert_rows(self, tx: Transaction, work: Import, given: Sequence[str]) -> int:
        target = work.target
        source = f"(SELECT * FROM {ROWS} WHERE line NOT IN (SELECT line FROM {REFUSED}))" if work.rejected else ROWS
        count = int(tx.scalar(f"SELECT count(*) FROM {source}"))
        if not count:
            return 0
        moment = literal(tx.time.isoformat())
        made = dict.fromkeys((*target.created, *target.updated), f"{moment}::TIMESTAMPTZ")
        author = "NULL" if target.author is None else literal(target.author)
        made |= dict.fromkeys((*target.created_by, *target.updated_by), author)
        for name in target.generated:
            sequence = work.table.column_by_name[name].sequence
            first = tx.scalar(
                f"SELECT min(n) FROM (SELECT nextval({literal(quote(str(sequence)))}) AS n FROM range(?))", [count]
            )
            made[name] = f"{int(first):d} + row_number() OVER (ORDER BY line) - 1"
        if target.makes_uuid:
            made[target.key[0]] = "uuid()::VARCHAR"
        insert = (
            f"INSERT INTO {quote(work.table.sql_name)} ({quote_list([*made, *given])}) "
            f"SELECT {', '.join(made.values())}, {quote_list(given)} FROM {source} ORDER BY line"
        )
        if target.is_watched:
            rows = tx.rows(f"{insert} RETURNING {quote_list(target.columns)}")
            tx.log(target.creations(dict(zip(target.columns, row, strict=True)) for row in rows))
        else:
            tx.execute(insert)
        tx.log([ChangeRow(table=target.log_name, record="", operation="import", after={"rows": count})])
        return count

    @property
    def _address(self) -> str:
        return f"{quote(SCRATCH)}.main.{quote(self.name)}"


def _stored(work: Import) -> list[str]:
    """The fields that have a column, in the order of their texts in the file."""
    return [name for name in work.table.fields if name in work.table.column_by_name]


def _usable(value: FastValue, column: str, work: Import) -> str:
    """NULL is fine unless the field is required; anything else must meet the condition."""
    if work.table.fields[work.mapping[column]].spec.required:
        return f"({quote(column)} IS NOT NULL AND {value.condition})"
    return f"({quote(column)} IS NULL OR {value.condition})"


def _constant(field_type: FieldType[Any], now: datetime) -> str:
    value = field_type.value_at(now) if field_type.default_is_now() else field_type.default()
    text = _database_text(field_type)(value)
    return "NULL" if text is None else _text_to_value(literal(text), field_type.column())


def _database_text(field_type: FieldType[Any]) -> Callable[[Any], str | None]:
    """A stored value as a text that DuckDB casts to the column's type."""
    kind = field_type.column()
    if kind is not None and (kind.is_list or kind.kind == "json"):
        return lambda value: None if value is None else orjson.dumps(value, default=str).decode()  # exact numbers
    if kind is not None and kind.kind == "timestamp":
        convert = to_json(field_type) or str
        return lambda value: None if value is None else convert(value)
    return lambda value: None if value is None else str(value)


def _text_to_value(text: str, kind: ColumnType | None) -> str:
    assert kind is not None
    if kind.is_list:
        return f"from_json({text}, '[\"{type_name('duckdb', kind.item)}\"]')"
    return f"{text}::{type_name('duckdb', kind)}"
