"""Records to and from files: what a transfer reports, and exports. Imports are in `core.records.importing`."""

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal, Protocol

import orjson
from sqlalchemy import ColumnElement, Select, cast, func, select
from sqlalchemy import Text as SqlText

from core.errors import FieldError, Invalid
from core.fields.base import FieldType
from core.fields.column import ColumnType
from core.query.list_query import live
from core.query.scope import HiddenField, Scope, own_ref
from core.records.in_order import range_key, stream_in_order
from core.records.parquet import lines_of, lines_to_parquet
from core.records.shape import to_json
from core.records.workbook import workbook
from core.sentence import say
from core.storage.csv_dialect import csv_lines
from core.storage.database import Call, Cancel, Database, Reader, Row
from core.storage.ddl import type_name
from core.storage.files import Format, copy_to

BLOCK = 2_000
StreamedFormat = Literal["csv", "json", "ndjson", "xlsx"]
"""What is sent while it is read."""
_SPREADSHEET_KINDS = ("integer", "bigint", "decimal", "double", "boolean", "date", "timestamp")
"""Values that a spreadsheet has a form of its own for."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
SENT_AT_ONCE = 256 * 1024
_AS_STORED = frozenset(
    "single-line-text long-text rich-text email url phone-number code single-select status integer rating progress "
    "duration autonumber currency percentage checkbox relationship time date".split()
)
"""Types whose text in a file is the database's own text of the value."""


class Progress(Protocol):
    """Who hears how a transfer goes. `report` may raise to end it; `cancel` stops the statement that runs."""

    cancel: Cancel

    def report(self, done: int, total: int | None = None, note: str | None = None) -> None: ...

    def warn(self, warning: str) -> None: ...

    def reject(self, rejected: dict[str, Any]) -> None: ...


def export_select(
    scope: Scope,
    fields: Sequence[str] | None = None,
    condition: ColumnElement[bool] | None = None,
    order: Sequence[ColumnElement[Any]] = (),
) -> tuple[list[str], Select[Any]]:
    """The columns and the statement of an export: all declared fields, live rows, key order unless told otherwise; a
    field that is asked for twice is one column. Raises Invalid for an unknown field."""
    table, source = scope.table, scope.source
    names = (
        list(dict.fromkeys(fields)) if fields else [name for name in table.fields if own_ref(table, name) is not None]
    )
    if not fields:
        names = [name for name in names if name not in scope.hidden]
    elif not scope.hidden.isdisjoint(names):
        raise HiddenField
    columns: list[ColumnElement[Any]] = []
    for name in names:
        ref = own_ref(table, name)
        if ref is None or ref.column != name:
            message = say("{table} has no field {name!r}", table=table.name, name=name)
            raise Invalid(message, [FieldError("fields", "fields.invalid", message)])
        columns.append(source.c[name] if ref.is_stored else scope.column(ref).label(name))
    where = live("without", scope) if condition is None else condition
    by = list(order) or [source.c[name] for name in table.key.fields]
    return names, select(*columns).select_from(scope.rows_source).where(where).order_by(*by)


async def export_file(
    database: Database,
    scope: Scope,
    target: Path,
    format_: Format,
    progress: Progress,
    *,
    fields: Sequence[str] | None = None,
    condition: ColumnElement[bool] | None = None,
    order: Sequence[ColumnElement[Any]] = (),
) -> int:
    """Write records to a file; the number of rows. On DuckDB `target` lies in the exchange folder, and csv and parquet are
    written by the database itself where its own texts are ours."""
    names, statement = export_select(scope, fields, condition, order)
    types = [scope.table.type_of(name) for name in names]
    key = None if order else range_key(scope, names)

    def work(reader: Reader) -> int:
        if reader.dialect == "duckdb" and format_ != "json":
            native = native_select(scope, statement, names, types, format_)
            if native is not None:
                return copy_to(reader, native, target, "csv" if format_ == "csv" else "parquet")
        blocks = (
            ((lines_of(rows), len(rows)) for rows in reader.stream(statement, size=BLOCK))
            if format_ == "parquet"
            else text_blocks(reader, statement, names, types, format_, key=key)
        )
        rows = 0
        with target.open("wb") as file:
            for block, count in blocks:
                file.write(block)
                rows += count
                progress.report(rows)
        return rows

    rows: int = await database.read(Call(work), lane="long", deadline=None, cancel=progress.cancel)
    if format_ == "parquet" and database.dialect != "duckdb":
        kinds = [type_name("duckdb", field_type.result() or ColumnType("text")) for field_type in types]
        await lines_to_parquet(target, list(zip(names, kinds, strict=True)), progress.cancel)
    progress.report(rows, rows)
    return rows


def native_select(
    scope: Scope, statement: Select[Any], names: Sequence[str], types: Sequence[FieldType[Any]], format_: Format
) -> Select[Any] | None:
    """The statement with columns in the form that the database may write; None when Python must write them."""
    columns: list[ColumnElement[Any]] = []
    for name, field_type in zip(names, types, strict=True):
        if name not in scope.table.column_by_name:
            if format_ != "parquet":
                return None
            columns.append(scope.computed(field_type, scope.source).label(name))
            continue
        column, kind = scope.source.c[name], scope.table.column_by_name[name].type.kind
        if format_ == "parquet":
            columns.append(cast(column, SqlText).label(name) if kind == "json" else column)
        elif kind == "timestamp":
            # %g are milliseconds; the zone of all sessions is UTC.
            columns.append(func.strftime(column, "%Y-%m-%dT%H:%M:%S.%gZ").label(name))
        elif field_type.name == "decimal" and field_type.options.precision is None:
            # Stored with ten digits behind the point, told without those that say nothing.
            columns.append(func.rtrim(func.rtrim(cast(column, SqlText), "0"), ".").label(name))
        elif field_type.name == "decimal" or field_type.name in _AS_STORED or name in scope.table.key.fields:
            columns.append(column)
        else:
            return None
    return statement.with_only_columns(*columns, maintain_column_froms=True)


def text_blocks(
    reader: Reader,
    statement: Select[Any],
    names: Sequence[str],
    types: Sequence[FieldType[Any]],
    format_: "Format | StreamedFormat",
    *,
    key: ColumnElement[Any] | None = None,
    safe: bool = False,
) -> Iterator[tuple[bytes, int]]:
    """The file in blocks, each with its number of rows; with the `key` that orders it in constant memory. `safe`: no cell of
    a csv file is a formula for the program that opens it (R-098)."""
    found = _asked(stream_in_order(reader, statement, key, BLOCK))
    if format_ == "csv":
        yield csv_lines([names]), 0
        cells = [_safe(_text_of(field_type)) if safe else _text_of(field_type) for field_type in types]
        for rows in found:
            yield csv_lines([[cell(value) for cell, value in zip(cells, row, strict=True)] for row in rows]), len(rows)
        return
    if format_ == "xlsx":
        texts = [None if kind in _SPREADSHEET_KINDS else field_type.to_text for kind, field_type in _kinds(types)]
        blocks = (
            [
                [
                    value if value is None or text is None else text(value)
                    for text, value in zip(texts, row, strict=True)
                ]
                for row in rows
            ]
            for rows in found
        )
        yield from workbook(names, blocks)
        return
    converters = [(name, to_json(field_type)) for name, field_type in zip(names, types, strict=True)]
    if format_ == "ndjson":
        for rows in found:
            yield b"".join(orjson.dumps(_json_row(converters, row)) + b"\n" for row in rows), len(rows)
        return
    yield b"[", 0
    before = b"\n"
    for rows in found:
        yield before + b",\n".join(b"  " + orjson.dumps(_json_row(converters, row)) for row in rows), len(rows)
        before = b",\n"
    yield (b"]\n" if before == b"\n" else b"\n]\n"), 0


def native_blocks(
    reader: Reader, native: Select[Any], names: Sequence[str], key: ColumnElement[Any] | None
) -> Iterator[tuple[bytes, int]]:
    """A csv file of what `native_select` gives, as the database's own texts: several times faster than ours."""
    texts = [cast(column, SqlText) for column in native.selected_columns]
    statement: Any = native.with_only_columns(*texts, maintain_column_froms=True)
    found = _asked(stream_in_order(reader, statement, key, BLOCK))
    yield csv_lines([names]), 0
    for rows in found:
        yield csv_lines(rows), len(rows)


def _asked(found: Iterator[list[Row]]) -> Iterator[list[Row]]:
    """The same rows, once the first are there: a statement that fails leaves no file that has begun."""
    return chain(list(islice(found, 1)), found)


def _kinds(types: Sequence[FieldType[Any]]) -> list[tuple[str, FieldType[Any]]]:
    return [("" if (kind := each.result()) is None else kind.kind, each) for each in types]


def _safe(text_of: Callable[[Any], str]) -> Callable[[Any], str]:
    def text(value: Any) -> str:
        found = text_of(value)
        return f"'{found}" if found.startswith(_FORMULA_STARTS) and isinstance(value, str) else found

    return text


def _text_of(field_type: FieldType[Any]) -> Callable[[Any], str]:
    return lambda value: "" if value is None else field_type.to_text(value)


def _json_row(converters: Sequence[tuple[str, Callable[[Any], Any] | None]], row: Row) -> dict[str, Any]:
    return {
        name: value if value is None or convert is None else convert(value)
        for (name, convert), value in zip(converters, row, strict=True)
    }


def export_stream(
    database: Database,
    scope: Scope,
    format_: "StreamedFormat",
    folder: Path,
    *,
    safe: bool = False,
    fields: Sequence[str] | None = None,
    condition: ColumnElement[bool] | None = None,
    order: Sequence[ColumnElement[Any]] = (),
) -> "ExportStream":
    """An export for a client that reads as fast as it likes. `folder` is for what it has not read yet."""
    names, statement = export_select(scope, fields, condition, order)
    types = [scope.table.type_of(name) for name in names]
    key = None if order else range_key(scope, names)
    if database.dialect == "duckdb" and format_ == "csv" and not safe:
        native = native_select(scope, statement, names, types, format_)
        if native is not None:
            return ExportStream(database, lambda reader: native_blocks(reader, native, names, key), folder)
    return ExportStream(
        database, lambda reader: text_blocks(reader, statement, names, types, format_, key=key, safe=safe), folder
    )


class ExportStream:
    """Blocks made by a read job and taken by an event loop. The job runs ahead, into a file without a name: a slow client
    costs neither memory nor one of the few readers that serve long work."""

    def __init__(
        self, database: Database, blocks: Callable[[Reader], Iterator[tuple[bytes, int]]], folder: Path
    ) -> None:
        self._database = database
        self._blocks = blocks
        self._folder = folder

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The blocks as they are made. Closing the generator stops the job."""
        loop, cancel, grown = asyncio.get_running_loop(), Cancel(), asyncio.Event()
        size = 0

        def grow(by: int) -> None:
            nonlocal size
            size += by
            grown.set()

        def work(reader: Reader) -> None:
            for block, _ in self._blocks(reader):
                if cancel.requested:
                    return
                file.write(block)
                file.flush()
                loop.call_soon_threadsafe(grow, len(block))

        with tempfile.TemporaryFile(dir=self._folder) as file:
            job = asyncio.ensure_future(self._database.read(Call(work), lane="long", deadline=None, cancel=cancel))
            job.add_done_callback(lambda _: grown.set())
            try:
                sent = 0
                while sent < size or not job.done():
                    if sent == size:
                        grown.clear()
                        await grown.wait()
                    elif block := await asyncio.to_thread(os.pread, file.fileno(), SENT_AT_ONCE, sent):
                        sent += len(block)
                        yield block
                await job
            finally:
                cancel.cancel()
                await asyncio.wait([job])  # it writes to the file
                if not job.cancelled():
                    job.exception()
