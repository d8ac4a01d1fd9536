"""The way back to an earlier version: from the snapshot in force to the stored one, with what was dropped since brought
back from the copies that were kept (M-044 to M-046).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.errors import BadRequest, MigrationRefused, SchemaError
from core.fields.build import build_app
from core.fields.model import AppModel, Column
from core.fields.registry import FIELD_TYPES
from core.migrations.bookkeeping import State, Version, read_history, read_state
from core.migrations.check import BY_HAND, Refusal
from core.migrations.composer import Composer
from core.migrations.conversion import Conversion
from core.migrations.difference import TableChange
from core.migrations.expression import Sql, fill_of
from core.migrations.kept import KeptCopies, undone_name
from core.migrations.layout import TableLayout, canonical
from core.migrations.owned import NO_VIEWS, OwnedViews
from core.migrations.plan import Plan
from core.schema.loader import load_data
from core.sentence import say
from core.storage.catalog import Catalog, read_catalog
from core.storage.database import Reader
from core.storage.ddl import quote

_DATA_KEYS = frozenset(
    {"id", "name", "fields", "primaryKey", "indexes", "unique", "allowDestructive", "allowUnvalidated", "disabled"}
)
"""Keys of a table that say what is stored."""


def compose_rollback(
    reader: Reader, model: AppModel, to: int | None, *, force: bool = False, owned: OwnedViews = NO_VIEWS
) -> Plan:
    """The plan to go back to version `to`, by default the one before. `model` is the app as its file is: what is not
    versioned (roles, buckets) is taken from it. With `force` values may be lost; they are kept as copies.

    Raises:
        BadRequest: there is no such version to go back to.
        MigrationRefused: the bookkeeping was edited, or the old tables do not fit the rest of the app file.
    """
    catalog = read_catalog(reader)
    state = read_state(reader, catalog)
    way = [version for version in reversed(read_history(reader, catalog)) if version.is_live]
    target = _target(way, state.version, to)
    old_model = model_of(target.tables, model)
    if target.version == state.version:
        return Plan(model=old_model, before=state.version, after=state.version, state=state, operation="ROLLBACK")
    after = State(
        version=target.version, checksum=target.checksum, schema=canonical(target.tables), layout=target.layout
    )
    since = [version for version in way if version.version >= target.version]
    composer = _RollbackComposer(reader, old_model, catalog, state, after, since, force=force)
    found = composer.plan()
    if composer.relaxed:
        warnings = found.warnings
        after = replace(after, layout=composer.relaxed_layout())
        found = _RollbackComposer(reader, old_model, catalog, state, after, since, force=force).plan()
        found = replace(found, warnings=tuple(dict.fromkeys((*warnings, *found.warnings))))

    def again(later: Reader) -> Plan:
        return compose_rollback(later, model, target.version, force=force, owned=owned)

    return replace(found, operation="ROLLBACK", again=again)


def _target(way: Sequence[Version], current: int, to: int | None) -> Version:
    known = {version.version: version for version in way}
    if to is None:
        earlier = [number for number in known if number < current]
        if not earlier:
            raise BadRequest("There is no earlier version to go back to")
        to = max(earlier)
    if to not in known:
        numbers = ", ".join(str(number) for number in known) or say("none")
        raise BadRequest(
            say("There is no version {to} to go back to", to=to),
            hint=say("versions in force so far: {numbers}", numbers=numbers),
        )
    return known[to]


def model_of(tables: Sequence[Mapping[str, Any]], model: AppModel) -> AppModel:
    """The model of stored tables, in the app as its file is. Permissions and views that do not fit it any more are left
    out: they say nothing about what is stored."""
    app = model.app
    root = {key: value for key, value in app.later.items() if key != "migrations"}
    root |= {"name": app.name, **({"auth": app.auth.data} if app.auth is not None else {})}
    try:
        return build_app(load_data({**root, "tables": list(tables)}, FIELD_TYPES))
    except SchemaError:
        bare = [{key: value for key, value in table.items() if key in _DATA_KEYS} for table in tables]
    try:
        return build_app(load_data({**root, "tables": bare}, FIELD_TYPES))
    except SchemaError as error:
        raise MigrationRefused(
            say(
                "The tables of that version do not fit the rest of the app file: {problem}", problem=say(error.message)
            ),
            details=[str(problem) for problem in error.problems],
        ) from error


class _RollbackComposer(Composer):
    backwards = True

    def __init__(
        self,
        reader: Reader,
        model: AppModel,
        catalog: Catalog,
        before: State,
        after: State,
        way: Sequence[Version],
        *,
        force: bool,
    ) -> None:
        super().__init__(reader, model, catalog, before, after)
        self.kept = KeptCopies(self.ddl, catalog, way)
        self.force = force
        self.relaxed: set[tuple[str, str]] = set()
        """Columns, by table id, that were required and for which rows have no value any more."""

    def relaxed_layout(self) -> tuple[TableLayout, ...]:
        return tuple(
            replace(
                table,
                columns=tuple(
                    replace(column, nullable=True) if (table.id, column.name) in self.relaxed else column
                    for column in table.columns
                ),
            )
            for table in self.after.layout
        )

    def validates(self, change: TableChange) -> bool:
        return not self.force and super().validates(change)

    def fill(self, change: TableChange, column: Column) -> Sql | None:
        """The kept value, else the default. A required column that some row has no value for stays optional by force."""
        usual = fill_of(self.ddl, self.models[change.new.id], column)
        if column not in change.added:
            return usual
        kept = self.kept.column(change.old, column)
        if kept is None and not column.sequence:
            told = say(
                "{table}.{column} comes back empty: no copy of it was kept", table=change.new.name, column=column.name
            )
            self.warnings.append(told)
        if kept is None:
            return usual
        if usual is not None:
            return Sql(f"coalesce({kept.text}, {usual.text})", (*kept.parameters, *usual.parameters))
        if not column.nullable:
            missing = f"SELECT count(*) FROM {quote(change.old.name)} WHERE {kept.text} IS NULL"
            rows = int(self.reader.scalar(missing, kept.parameters))
            if rows:
                self._refuse_or_relax(change, column, rows)
        return kept

    def _refuse_or_relax(self, change: TableChange, column: Column, rows: int) -> None:
        what = say(
            "{rows} rows of {table} have no value for {column}, which was required",
            rows=rows, table=change.new.name, column=column.name,
        )  # fmt: skip
        if self.force:
            self.relaxed.add((change.new.id, column.name))
            self.warnings.append(say("{what}; it comes back optional", what=what))
        else:
            hint = say("Delete those rows, or pass --force: the field comes back optional")
            self.refusals.append(Refusal(self.models[change.new.id].name, what, hint=hint))

    def not_convertible(self, change: TableChange, old: Column, new: Column, reason: str) -> Conversion | None:
        if not self.force:
            hint = say("Pass --force, or: {hint}", hint=say(BY_HAND))
            self.refusals.append(Refusal(self.models[change.new.id].name, reason, hint=hint))
            return None
        self.warnings.append(say("{reason}; it comes back empty", reason=reason))
        return Conversion(lambda _: f"CAST(NULL AS {self.ddl.type_name(new.type)})")

    def may_drop_table(self, table: TableLayout) -> bool:
        return self.force or not self.reader.rows(f"SELECT 1 FROM {quote(table.name)} LIMIT 1")

    def may_drop_column(self, change: TableChange, column: Column) -> bool:
        return self.force or not self._has_values(change.old.name, column)

    def copy_name(self, table: str) -> str | None:
        return undone_name(self.before.version, table) if super().copy_name(table) else None

    def carried(self, way: Conversion) -> Conversion:
        return replace(way, missing=None) if self.force else way

    def shape(self, table: TableLayout) -> TableLayout:
        """Numbers go on behind those that come back."""
        found = self.kept.table(table)
        if found is None:
            return table
        name, kept = found
        known = {column.name for column in kept.columns}
        columns = []
        for column in table.columns:
            if column.sequence and column.name in known:
                highest = self.reader.scalar(f"SELECT max({quote(column.name)}) FROM {quote(name)}")
                column = replace(column, sequence_start=max(column.sequence_start, int(highest or 0) + 1))
            columns.append(column)
        return replace(table, columns=tuple(columns))

    def contents(self, table: TableLayout) -> Sql | None:
        rows = self.kept.rows(table)
        if rows is None:
            self.warnings.append(say("Table {table} comes back empty: no copy of it was kept", table=table.name))
        return rows
