"""When each table was made and last changed, as the history of versions tells it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.migrations.bookkeeping import Version


@dataclass(frozen=True, slots=True)
class Lifetime:
    """From the first version that has the table to the last one that changed it."""

    made: datetime
    changed: datetime


def lifetimes(versions: Iterable[Version]) -> Mapping[str, Lifetime]:
    """By table id, of the tables in force. `versions` as `run.history` gives them: newest first."""
    found: dict[str, Lifetime] = {}
    before: dict[str, Mapping[str, Any]] = {}
    for version in reversed([each for each in versions if each.is_live]):
        tables = {str(table["id"]): table for table in version.tables}
        at = version.applied_at
        for id_, table in tables.items():
            if id_ not in before:  # a table that was dropped and came back is another one
                found[id_] = Lifetime(at, at)
            elif table != before[id_]:
                found[id_] = replace(found[id_], changed=at)
        before = tables
    return {id_: found[id_] for id_ in before}
