"""Whether the database is what the app file says, and what somebody changed by hand (M-006, M-053)."""

from collections.abc import Iterator
from dataclasses import dataclass

from core.errors import MigrationRefused
from core.fields.model import AppModel, Column
from core.migrations.bookkeeping import State, read_state, undone_version
from core.migrations.kept import PREFIX
from core.migrations.layout import canonical, checksum
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
            edited = f"{error.message}; `sovrium-tui migrate repair` puts it right"
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
            yield f"Table {table.name} is missing"
            continue
        real = catalog.tables[table.name]
        names = [column.name for column in table.columns]
        for column in table.columns:
            if column.name in real.columns:
                yield from _column_drift(table.name, column, real.columns[column.name], ddl)
            else:
                yield f"Column {table.name}.{column.name} is missing"
        yield from (f"Column {table.name}.{name} was added by hand" for name in real.columns if name not in names)
        if real.key != table.key:
            yield f"The key of {table.name} is {', '.join(real.key) or 'gone'} instead of {', '.join(table.key)}"
        indexes = {index.name for index in table.indexes if ddl.holds(index, table.columns)}
        yield from (f"Index {name} on {table.name} is missing" for name in sorted(indexes - set(real.indexes)))


def _column_drift(table: str, column: Column, real: CatalogColumn, ddl: Ddl) -> Iterator[str]:
    wanted = ddl.type_name(column.type)
    if not is_same_type(real.type, wanted):
        yield f"Column {table}.{column.name} is of type {real.type} instead of {wanted}"
    if real.nullable != column.nullable:
        state = "may be empty" if real.nullable else "may not be empty"
        yield f"Column {table}.{column.name} {state}, which was changed by hand"
