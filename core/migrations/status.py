"""Whether the database is what the app file says, and what somebody changed by hand (M-006, M-053)."""

from collections.abc import Iterator
from dataclasses import dataclass

from core.errors import MigrationRefused
from core.fields.model import AppModel, Column
from core.migrations.bookkeeping import State, read_state, undone_version
from core.migrations.kept import PREFIX
from core.migrations.layout import canonical, checksum
from core.sentence import say
from core.storage.catalog import Catalog, CatalogColumn, read_catalog
from core.storage.database import Call, Database, Reader
from core.storage.ddl import Ddl, is_same_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`drift` are sentences, one for each difference between the last snapshot and the catalogue."""

    version: int
    is_current: bool
    """The app file's tables are the ones in force."""
    undone: int | None = None
    """The app file's tables are that version, which was rolled back (M-047)."""
    drift: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """Copies of what migrations have dropped."""


def status(database: Database, model: AppModel) -> Status:
    """Compare file, snapshot and catalogue."""

    def work(reader: Reader) -> Status:
        catalog = read_catalog(reader)
        kept = tuple(sorted(name for name in catalog.tables if name.startswith(PREFIX)))
        try:
            state = read_state(reader, catalog)
        except MigrationRefused as error:
            edited = say("{problem}; `sovrium-tui migrate repair` puts it right", problem=say(error.message))
            return Status(version=0, is_current=False, drift=(edited,), kept=kept)
        current = checksum(canonical(model.app.tables_data))
        is_current = state.checksum == current
        undone = None if is_current else undone_version(reader, catalog, current)
        drift = tuple(_drift(state, catalog, Ddl(reader.dialect)))
        return Status(version=state.version, is_current=is_current, undone=undone, drift=drift, kept=kept)

    job: Call[Status] = Call(work)
    return database.submit_read(job, lane="long", deadline=None).result()


def _drift(state: State, catalog: Catalog, ddl: Ddl) -> Iterator[str]:
    for table in state.layout:
        if table.name not in catalog:
            yield say("Table {table} is missing", table=table.name)
            continue
        real = catalog.tables[table.name]
        names = [column.name for column in table.columns]
        for column in table.columns:
            if column.name in real.columns:
                yield from _column_drift(table.name, column, real.columns[column.name], ddl)
            else:
                yield say("Column {table}.{column} is missing", table=table.name, column=column.name)
        for name in real.columns:
            if name not in names:
                yield say("Column {table}.{column} was added by hand", table=table.name, column=name)
        if real.key != table.key:
            found = ", ".join(real.key) or say("gone")
            yield say(
                "The key of {table} is {found} instead of {key}",
                table=table.name,
                found=found,
                key=", ".join(table.key),
            )
        indexes = {index.name for index in table.indexes if ddl.holds(index, table.columns)}
        for name in sorted(indexes - set(real.indexes)):
            yield say("Index {index} on {table} is missing", index=name, table=table.name)


def _column_drift(table: str, column: Column, real: CatalogColumn, ddl: Ddl) -> Iterator[str]:
    wanted = ddl.type_name(column.type)
    if not is_same_type(real.type, wanted):
        yield say(
            "Column {table}.{column} is of type {type} instead of {wanted}",
            table=table, column=column.name, type=real.type, wanted=wanted,
        )  # fmt: skip
    if real.nullable != column.nullable:
        pattern = "Column {table}.{column} may be empty, which was changed by hand"
        if not real.nullable:
            pattern = "Column {table}.{column} may not be empty, which was changed by hand"
        yield say(pattern, table=table, column=column.name)
