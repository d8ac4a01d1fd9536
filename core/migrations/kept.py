"""Copies of what a migration drops, `system_trash_<version>_<table>`, so that a rollback can bring it back (M-018)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from core.fields.model import Column
from core.migrations.bookkeeping import Version
from core.migrations.conversion import NotConvertible, conversion
from core.migrations.difference import stored
from core.migrations.expression import Sql
from core.migrations.layout import TableLayout, identity
from core.schema.name import fitted
from core.storage.catalog import Catalog
from core.storage.ddl import Ddl, quote, quote_list

PREFIX = "system_trash_"
KEPT_DAYS = 30
_NAME = re.compile(rf"{PREFIX}(\d+)_")


def kept_name(version: int, table: str) -> str:
    """The copy of what the migration to `version` dropped of the table that was called so."""
    return fitted(f"{PREFIX}{version}_{table}")


def undone_name(version: int, table: str) -> str:
    """The copy of what was lost when `version` was rolled back."""
    return fitted(f"{PREFIX}{version}_undone_{table}")


def keep_table(name: str, table: str) -> Sql:
    return Sql(f"CREATE TABLE {quote(name)} AS SELECT * FROM {quote(table)}")


def keep_columns(name: str, table: TableLayout, columns: Sequence[Column]) -> Sql:
    """The columns beside the key, of the rows that have a value in one of them."""
    names = [column.name for column in columns]
    filled = " OR ".join(f"{quote(each)} IS NOT NULL" for each in names)
    listed = quote_list([*table.key, *(each for each in names if each not in table.key)])
    return Sql(f"CREATE TABLE {quote(name)} AS SELECT {listed} FROM {quote(table.name)} WHERE {filled}")


def expired(there: Iterable[str], applied: Mapping[int, datetime], days: int, now: datetime) -> list[str]:
    """Copies that have been kept long enough."""
    oldest = now - timedelta(days=days)
    found = []
    for name in there:
        match = _NAME.match(name)
        at = applied.get(int(match[1])) if match else None
        if at is not None and at < oldest:
            found.append(name)
    return found


class KeptCopies:
    """What was dropped on the way from one version to a later one, `way` in order: for the rollback to the first."""

    def __init__(self, ddl: Ddl, catalog: Catalog, way: Sequence[Version]) -> None:
        self.ddl = ddl
        self.catalog = catalog
        self.way = way

    def table(self, wanted: TableLayout) -> tuple[str, TableLayout] | None:
        """The copy of a table, and the shape that it had when it was dropped."""
        for version, before, after in self._drops(wanted.id):
            if before is not None and after is None:
                name = kept_name(version, before.name)
                return (name, before) if name in self.catalog else None
        return None

    def column(self, wanted: TableLayout, column: Column) -> Sql | None:
        """The value of a dropped column for a row of its table. None: there is no copy of it."""
        for version, before, after in self._drops(wanted.id):
            if before is None or after is None:
                continue
            old = _same(before, column)
            if old is None or _same(after, column) is not None:
                continue
            name = kept_name(version, before.name)
            keys = before.key if len(before.key) == len(wanted.key) else ()
            if name not in self.catalog or not keys or not self._same_keys(before, wanted):
                return None
            aliases = [f"{quote(key)} AS system_key_{at}" for at, key in enumerate(keys)]
            match = " AND ".join(f"k.system_key_{at} = {quote(key)}" for at, key in enumerate(wanted.key))
            value = self.value(old, column, quote(old.name))
            if value is None:
                return None
            inner = f"SELECT {', '.join(aliases)}, {value} AS system_value FROM {quote(name)}"
            return Sql(f"(SELECT k.system_value FROM ({inner}) AS k WHERE {match})")
        return None

    def rows(self, wanted: TableLayout) -> Sql | None:
        """Fill a table that has just been made from its copy."""
        found = self.table(wanted)
        if found is None:
            return None
        name, shape = found
        pairs = [(old, column) for column in wanted.columns if (old := _same(shape, column)) is not None]
        values = [(column.name, self.value(old, column, quote(old.name))) for old, column in pairs]
        known = [(target, value) for target, value in values if value is not None]
        selected = ", ".join(value for _, value in known)
        columns = quote_list(target for target, _ in known)
        return Sql(f"INSERT INTO {quote(wanted.name)} ({columns}) SELECT {selected} FROM {quote(name)}")

    def value(self, old: Column, new: Column, reference: str) -> str | None:
        """A kept value as the type that it had before; None when there is no way."""
        if stored(old.type) == stored(new.type):
            return reference
        try:
            way = conversion(self.ddl, old, new, {}, {}, backwards=True)
        except NotConvertible:
            return None
        return reference if way is None else way.value(reference)

    def _drops(self, table: str) -> Iterator[tuple[int, TableLayout | None, TableLayout | None]]:
        """Version by version, the table before and after it."""
        for earlier, later in zip(self.way, self.way[1:], strict=False):
            yield later.version, _find(earlier.layout, table), _find(later.layout, table)

    def _same_keys(self, one: TableLayout, other: TableLayout) -> bool:
        kinds = [[stored(table.column(key).type) for key in table.key] for table in (one, other)]
        return kinds[0] == kinds[1]


def _find(layout: Iterable[TableLayout], id_: str) -> TableLayout | None:
    return next((table for table in layout if table.id == id_), None)


def _same(table: TableLayout, column: Column) -> Column | None:
    return next((each for each in table.columns if identity(each) == identity(column)), None)
