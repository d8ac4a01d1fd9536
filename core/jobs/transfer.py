"""Imports and exports, as jobs and at once."""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, and_

from core.clock import Clock
from core.contract.console import ImportPreview, Job, SqlColumn
from core.errors import FieldError, Invalid, NotFound
from core.fields.model import TableModel
from core.ids import short_id
from core.jobs.center import JobCenter, Progress, Still
from core.jobs.refused_file import RefusedFile
from core.jobs.result_file import distinct_names, parquet_type, write_rows
from core.principal import OWNER, Principal
from core.query.compile import compile_filter
from core.query.filter import parse_filter
from core.query.list_query import ListQuery
from core.records.importing import Merge, import_file, preview
from core.records.key import key_in, parse_key
from core.records.merging import Duplicates, merge_job
from core.records.parquet import lines_to_parquet
from core.records.service import Records
from core.records.transfer import ExportStream, StreamedFormat, export_file, export_stream
from core.records.upsert import merge_fields
from core.sentence import say
from core.storage.database import Cancel
from core.storage.files import Format
from core.views.reading import Reading


class Transfers:
    """Files on their way into tables and out of them, through the exchange folder."""

    def __init__(self, records: Records, jobs: JobCenter, exchange: Path, clock: Clock) -> None:
        self._records = records
        self._jobs = jobs
        self._exchange = exchange
        self._clock = clock

    def start_import(
        self,
        principal: Principal,
        table: TableModel,
        file: Path,
        format_: Format,
        *,
        mapping: Mapping[str, str] | None,
        skip_errors: bool,
        duplicates: Duplicates = "create",
        key: str | None = None,
        still: Still | None = None,
    ) -> Job:
        """Import a file of the exchange folder, which goes when the job ends. With `duplicates` other than `create`, rows
        whose value in the unique field `key` is there already are passed over or written upon. Raises NotFound, NotSignedIn,
        Invalid."""
        with kept_when_whole(file):
            merge = None if duplicates == "create" else self._merge(principal, table, key, duplicates == "overwrite")
            target = self._records.target(principal, table, "create")
            if mapping is not None and not target.locked.isdisjoint(mapping.values()):
                raise NotFound()

        async def work(progress: Progress) -> None:
            with temporary(file), closing(RefusedFile(self._exchange, format_)) as refused:
                progress.refused = refused.note
                try:
                    rows = await import_file(
                        self._records.database,
                        target,
                        file,
                        format_,
                        progress,
                        clock=self._clock,
                        actor=principal.actor,
                        mapping=mapping,
                        skip_errors=skip_errors,
                        merge=merge,
                    )
                finally:
                    if refused.count and not progress.cancel.requested:
                        stem = f"{table.sql_name}-refused"
                        made = await refused.write(file)
                        progress.keep(made, file_name(stem, "csv", self._clock()), refused.count)
            progress.finish(rows)

        return self._jobs.start("import", table.name, work, principal=principal, still=still)

    def _merge(self, principal: Principal, table: TableModel, key: str | None, overwrite: bool) -> Merge:
        """Raises NotFound, Invalid."""
        (name,) = merge_fields(table, [key or ""])
        if not any(index.unique and index.fields == (name,) for index in table.indexes):
            message = say("{name} is not unique in {table}", name=name, table=table.name)
            raise Invalid(message, [FieldError("key", "import.key", message)])
        if name in self._records.target(principal, table, "create").hidden:
            raise NotFound()
        updating = self._records.target(principal, table, "update") if overwrite else None
        return partial(merge_job, name=name, updating=updating)

    async def preview_import(
        self, principal: Principal, table: TableModel, file: Path, format_: Format
    ) -> ImportPreview:
        """What the beginning of a file holds, and the fields that the caller may fill with it; the file goes."""
        with temporary(file):
            return await preview(file, format_, self._records.target(principal, table, "create"))

    def start_export(
        self,
        reading: Reading,
        format_: Format,
        fields: Sequence[str] | None,
        principal: Principal = OWNER,
        *,
        keys: Sequence[str] | None = None,
    ) -> Job:
        """Write the rows of a view to a file; with `keys` those of them alone. Raises BadRequest for a key that is none."""
        target = self._target(format_)
        chosen = None if keys is None else [parse_key(reading.scope.table, key) for key in keys]
        reading = reading.joined() if chosen is None else reading
        condition = reading.condition()
        if chosen is not None:
            condition = and_(condition, key_in(reading.scope.table, reading.scope.source, chosen))

        async def work(progress: Progress) -> None:
            with kept_when_whole(target):
                rows = await export_file(
                    self._records.database,
                    reading.scope,
                    target,
                    format_,
                    progress,
                    fields=fields,
                    condition=condition,
                    order=reading.order(),
                )
            progress.finish(rows, target)

        name = file_name(reading.scope.table.sql_name, format_, self._clock())
        return self._jobs.start("export", name, work, principal=principal)

    def start_result_export(
        self,
        columns: Sequence[SqlColumn],
        rows: Callable[[Cancel], AbstractAsyncContextManager[Iterable[Sequence[Any]]]],
        format_: Format,
        principal: Principal = OWNER,
    ) -> Job:
        """Write the rows of an SQL result to a file. `rows` gives them while it is open."""
        target = self._target(format_)
        names = distinct_names([column["name"] for column in columns])

        async def work(progress: Progress) -> None:
            progress.report(0, None, "Reading")
            with kept_when_whole(target):
                async with rows(progress.cancel) as found:
                    count = await asyncio.to_thread(write_rows, target, names, found, format_, progress)
                if format_ == "parquet":
                    kinds = [parquet_type(column["type"]) for column in columns]
                    await lines_to_parquet(target, list(zip(names, kinds, strict=True)), progress.cancel)
            progress.finish(count, target)

        return self._jobs.start("export", file_name("result", format_, self._clock()), work, principal=principal)

    def export_stream(
        self, principal: Principal, table: TableModel, params: Mapping[str, str], format_: StreamedFormat
    ) -> ExportStream:
        """Records as text, sent while they are read. `params` as those of a list, without its pages."""
        query, fields, condition, order = self._export_query(principal, table, params)
        return export_stream(
            self._records.database,
            query.scope,
            format_,
            self._exchange,
            safe=params.get("safe") == "true",
            fields=fields,
            condition=condition,
            order=order,
        )

    async def export_now(
        self, principal: Principal, table: TableModel, params: Mapping[str, str], format_: Format
    ) -> Path:
        """Write records to a file, which is the caller's to remove. `params` as those of a list, without its pages."""
        query, fields, condition, order = self._export_query(principal, table, params)
        target = self._target(format_)
        with kept_when_whole(target):
            await export_file(
                self._records.database,
                query.scope,
                target,
                format_,
                Unwatched(),
                fields=fields,
                condition=condition,
                order=order,
            )
        return target

    def _export_query(
        self, principal: Principal, table: TableModel, params: Mapping[str, str]
    ) -> tuple[ListQuery, list[str], ColumnElement[bool], list[ColumnElement[Any]]]:
        self._records.require(principal, table, "read")
        scope = self._records.scope(principal, table)
        if "recordIds" not in params:
            scope = scope.joined()
        view = self._records.view(principal, table, params["view"]) if params.get("view") else None
        query = ListQuery.parse(params, scope, view=view)
        condition = query.condition()
        if params.get("filterField"):
            one = {"field": params["filterField"], "operator": "equals", "value": params.get("filterValue", "")}
            condition = and_(condition, compile_filter(parse_filter(one, query.scope), query.scope))
        if "recordIds" in params:
            ids = [each.strip() for each in params["recordIds"].split(",") if each.strip()]
            condition = and_(condition, key_in(table, scope.source, [parse_key(table, each) for each in ids]))
        fields = [name.strip() for name in params.get("fields", "").split(",") if name.strip()]
        if not fields and query.fields is not None:
            fields = list(query.fields)  # those of the view
        return query, fields, condition, [rank.order() for rank in query.ranks()] if query.sort else []

    def _target(self, format_: Format) -> Path:
        return self._exchange / f"{short_id('export')}.{format_}"


class Unwatched:
    """The progress of work that nobody watches; its caller ends it by going away."""

    def __init__(self) -> None:
        self.cancel = Cancel()

    def report(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """Nobody hears it."""

    def warn(self, warning: str) -> None:
        """Nobody hears it."""

    def reject(self, rejected: dict[str, Any]) -> None:
        """Nobody hears it."""


@contextmanager
def temporary(file: Path) -> Iterator[None]:
    """The file goes at the end."""
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


@contextmanager
def kept_when_whole(file: Path) -> Iterator[None]:
    """The file goes when the block fails."""
    try:
        yield
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def file_name(stem: str, format_: str, now: datetime) -> str:
    """`contacts-2026-02-01.csv`."""
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '_', stem)}-{now:%Y-%m-%d}.{format_}"
