"""Bringing a database back to what its own history says: bookkeeping that was edited, columns and indexes that somebody
dropped by hand. The app file is not asked, and nothing that was added by hand is touched.
"""

from collections.abc import Sequence
from dataclasses import replace

from core.errors import MigrationRefused
from core.fields.model import AppModel
from core.migrations.bookkeeping import CHECKSUM, State, Version, read_history, read_state
from core.migrations.composer import Composer
from core.migrations.layout import canonical, checksum
from core.migrations.owned import NO_VIEWS, OwnedViews
from core.migrations.plan import VIEWS, Plan, Step
from core.migrations.rollback import model_of
from core.sentence import say
from core.storage.catalog import Catalog, read_catalog
from core.storage.database import Reader


def compose_repair(reader: Reader, model: AppModel, owned: OwnedViews = NO_VIEWS) -> Plan:
    """The plan that mends the database. `model` is the app as its file is, for what is not versioned.

    Raises:
        MigrationRefused: the history itself was edited, so nothing says how the database should be.
    """
    catalog = read_catalog(reader)
    state, is_edited = _last_good(reader, catalog)

    def again(later: Reader) -> Plan:
        return compose_repair(later, model, owned)

    if state.version == 0:
        return Plan(model=model, before=0, after=0, state=state, operation="REPAIR", again=again)
    stored = model_of(state.tables, model)
    found = Composer(reader, stored, catalog, state, state).plan()
    steps = found.steps
    if is_edited:
        text = say("Put the snapshot of version {version} back in force", version=state.version)
        steps = (Step("change", CHECKSUM.name, text), *steps)
    if not owned.is_current(reader, stored):
        steps = (*steps, VIEWS)
    return replace(found, steps=steps, operation="REPAIR", again=again)


def _last_good(reader: Reader, catalog: Catalog) -> tuple[State, bool]:
    """The state in force; where it was edited, that of the newest version that is whole (M-048)."""
    try:
        return read_state(reader, catalog), False
    except MigrationRefused:
        versions = [version for version in read_history(reader, catalog) if version.is_live]
        return _state_of(versions), True


def _state_of(versions: Sequence[Version]) -> State:
    for version in versions:
        text = canonical(version.tables)
        if checksum(text) == version.checksum:
            return State(version=version.version, checksum=version.checksum, schema=text, layout=version.layout)
    raise MigrationRefused(
        "No version in system_migration_history is as it was recorded: nothing says how the tables should be",
        hint="Restore a backup",
    )
