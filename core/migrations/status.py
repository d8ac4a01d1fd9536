"""Whether the database is what the app file says, and what somebody changed by hand (M-006, M-053)."""

from dataclasses import dataclass

from core.errors import MigrationRefused
from core.fields.model import AppModel
from core.migrations.bookkeeping import State, read_state
from core.migrations.layout import canonical, checksum
from core.storage.catalog import Catalog, read_catalog
from core.storage.database import Call, Database, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`drift` are sentences, one for each difference between the last snapshot and the catalogue."""

    version: int
    is_current: bool
    """The app file's tables are the ones in force."""
    drift: tuple[str, ...] = ()


def status(database: Database, model: AppModel) -> Status:
    """Compare file, snapshot and catalogue."""

    def work(reader: Reader) -> Status:
        catalog = read_catalog(reader)
        try:
            state = read_state(reader, catalog)
        except MigrationRefused as error:
            return Status(version=0, is_current=False, drift=(error.message,))
        current = checksum(canonical(model.app.tables_data))
        return Status(version=state.version, is_current=state.checksum == current, drift=tuple(_drift(state, catalog)))

    job: Call[Status] = Call(work)
    return database.submit_read(job, lane="long", deadline=None).result()


def _drift(state: State, catalog: Catalog) -> list[str]:
    found: list[str] = []
    for table in state.layout:
        if table.name not in catalog:
            found.append(f"Table {table.name} is missing")
            continue
        real = catalog.tables[table.name]
        names = [column.name for column in table.columns]
        found += [f"Column {table.name}.{name} is missing" for name in names if name not in real.columns]
        found += [f"Column {table.name}.{name} was added by hand" for name in real.columns if name not in names]
        indexes = {index.name for index in table.indexes if not index.where}
        found += [f"Index {name} on {table.name} is missing" for name in sorted(indexes - set(real.indexes))]
    return found
