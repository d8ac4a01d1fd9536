"""How a plan comes about: read the state, compare, look at the rows, write the steps. Nothing is changed here."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from core.fields.address import key_text
from core.fields.model import AppModel, Column, TableModel
from core.migrations.bookkeeping import State, next_version, read_state, undone_version
from core.migrations.check import BY_HAND, ChangeCheck, Refusal
from core.migrations.conversion import Conversion, NotConvertible, conversion
from core.migrations.deferred import is_big
from core.migrations.difference import Difference, TableChange, compare, present, stands, stored
from core.migrations.expression import Conversions, Sql, fill_of
from core.migrations.kept import KEPT_DAYS, keep_columns, keep_table, kept_name
from core.migrations.layout import TableLayout, canonical, checksum, layout_of
from core.migrations.mark import recovered
from core.migrations.owned import NO_VIEWS, OwnedViews
from core.migrations.plan import VIEWS, Kind, Plan, Step
from core.migrations.relink import Relinking
from core.migrations.rule import NO_RULES, RowRules
from core.migrations.statement import TableSql, create_table, drop_table
from core.sentence import say
from core.storage.catalog import Catalog, read_catalog, read_columns
from core.storage.database import Reader
from core.storage.ddl import Ddl, literal, quote, quote_list
from core.storage.journal import CHANGES

NAMES_A_TABLE = frozenset({"table", "table_name", "table_slug"})
"""Columns of our own tables that name one of the app's, by its SQL name."""


def compose(reader: Reader, model: AppModel, owned: OwnedViews = NO_VIEWS, rules: RowRules = NO_RULES) -> Plan:
    """The plan for the database behind `reader`. Raises MigrationRefused when its bookkeeping was edited."""
    there = read_columns(reader)
    state = read_state(reader, there)
    layout = layout_of(model)
    text = canonical(model.app.tables_data)
    new_checksum = checksum(text)
    if state.version == 0 and there.keys() - {CHANGES.name} and (marked := recovered(reader, layout)):
        state = marked

    def again(later: Reader) -> Plan:
        return compose(later, model, owned, rules)

    is_there = all(table.name in there for table in layout) and stands(state.layout, there, Ddl(reader.dialect))
    if state.checksum == new_checksum and is_there:
        steps = () if owned.is_current(reader, model) else (VIEWS,)
        return Plan(model=model, before=state.version, after=state.version, steps=steps, state=state, again=again)
    number = next_version(reader, there)
    after = State(version=number, checksum=new_checksum, schema=text, layout=layout)
    composer = Composer(reader, model, read_catalog(reader), state, after)
    composer.defers = True
    if state.version == 0 and state.layout:
        composer.warnings.append(say("The snapshot of the tables is lost; they were known again by their marks"))
    found = composer.plan()
    if found.unjudged and not found.refusals and composer.keeps_shape:
        # Told with the plan; else when the rows have their new shape.
        broken = tuple(rules.refusals(reader, model, found.unjudged, found.lenient))
        found = replace(found, refusals=broken, unjudged=(), steps=() if broken else found.steps)
    undone = undone_version(reader, there, new_checksum) if state.checksum != new_checksum else None
    return replace(found, undone=undone, again=again)


COPY = "Keep a copy of {what} as {name}"


class Composer:
    """Collects steps, refusals and warnings in the order of spec §12.1. A rollback answers some questions otherwise."""

    backwards = False
    defers = False
    """Plain indexes of big tables are built once the rest is in force."""

    def __init__(self, reader: Reader, model: AppModel, catalog: Catalog, before: State, after: State) -> None:
        self.reader = reader
        self.model = model
        self.catalog = catalog
        self.before = before
        self.after = after
        self.ddl = Ddl(reader.dialect)
        self.old = present(before.layout, catalog, self.ddl)
        self.difference: Difference = compare(self.old, after.layout)
        self.models = {table.spec.id: table for table in (*model, *model.junctions)}
        self.snapshots = {str(table.get("id")): table for table in before.tables}
        self.new_snapshots = {str(table.get("id")): table for table in json.loads(after.schema)}
        self.links = Relinking(self.ddl, model, self.difference, after.version)
        self.keeps_values = True
        self.refusals: list[Refusal] = []
        self.warnings: list[str] = []

    def plan(self) -> Plan:
        self._check_names()
        self._check_places()
        changes = [change for change in self.difference.changed if change or self._rules_changed(change)]
        works = [(change, self._sql(change)) for change in changes] if not self.refusals else []
        self.keeps_values = not any(work.conversions or work.fills for _, work in works)
        for change, work in works:
            self._check(change, work)
        self.refusals += self.links.refusals(self.reader)
        steps: list[Step] = []
        if not self.refusals:
            steps = [*self._copies(works), *self._renames(works), *self._creations()]
            steps += [Step("change", "", text, (statement,)) for text, statement in self.links.into_pairs()]
            steps += [*self._alterations(works), *self._drops(moved=True)]
        return Plan(
            model=self.model,
            before=self.before.version,
            after=self.after.version,
            steps=tuple(steps),
            refusals=tuple(self.refusals),
            warnings=tuple(self.warnings),
            state=self.after,
            unjudged=tuple(change.new.name for change in changes),
            lenient=tuple(change.new.name for change in changes if not self.validates(change)),
        )

    @property
    def keeps_shape(self) -> bool:
        """No table comes or goes, no column and no value is another: the rows can be asked as they are."""
        difference = self.difference
        return (
            self.keeps_values
            and not (difference.created or difference.dropped)
            and all(
                not (change.is_renamed or change.added or change.dropped or change.resequenced)
                and all(old == new for old, new in change.pairs)
                for change in difference.changed
            )
        )

    # Before the steps: what stands in the way.

    def _check_names(self) -> None:
        """A table that is not ours keeps its name (M-016, M-021)."""
        ours = {table.name for table in self.old}
        wanted = [*self.difference.created, *(change.new for change in self.difference.changed if change.is_renamed)]
        for table in wanted:
            if table.name in self.catalog and table.name not in ours:
                self.refusals.append(
                    Refusal(
                        self.models[table.id].name,
                        say("A table {table} is there already and was not made by this app", table=table.name),
                        hint="Rename one of the two; existing tables are never touched",
                    )
                )
        for change in self.difference.changed:
            known = {column.name for column in change.old.columns}
            names = [new.name for _, new in change.renamed] + [column.name for column in change.added]
            for name in names:
                if name in self.catalog.tables[change.old.name].columns and name not in known:
                    message = say(
                        "{table} has a column {name} already, which was not made by this app",
                        table=change.old.name,
                        name=name,
                    )
                    self.refusals.append(Refusal(change.new.name, message, hint="Rename or drop it by SQL"))

    def _check_places(self) -> None:
        """Where the file writes no ids, the place in the list tells which is which: what has changed its place would take
        over the data of another (M-022)."""
        known = {table.name: table.id for table in self.old}
        placed = {table.sql_name: table.spec.id for table in self.model if not table.spec.has_id}
        self._refuse_moved("", say("Tables without ids have changed their places"), known, placed)
        for change in self.difference.changed:
            table = self.models[change.new.id]
            if change.new.name in placed and change.is_renamed:
                self._warn_of_name(say("Table {name}", name=table.name), change.old.name)
            columns = {column.name: column.field_id for column in change.old.columns if column.field_id is not None}
            fields = {field.name: field.id for field in table.spec.fields if not field.has_id}
            moved = say("{table}: fields without ids have changed their places", table=table.name)
            self._refuse_moved(table.name, moved, columns, fields)
            for old, new in change.renamed:
                if new.name in fields:
                    self._warn_of_name(f"{table.name}.{new.name}", old.name)

    def _refuse_moved(self, table: str, message: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        stay = {name: before[name] for name in after if name in before}
        if any(after[name] != id_ for name, id_ in stay.items()):
            ids = ", ".join(f"{name}: {id_}" for name, id_ in stay.items())
            hint = say("Write the ids that they have had ({ids}), or put what is new at the end", ids=ids)
            self.refusals.append(Refusal(table, message, hint=hint))

    def _warn_of_name(self, name: str, old: str) -> None:
        self.warnings.append(
            say(
                "{name} stands in the place of {old} and takes over its data. If it is something else, write an `id`: "
                "`sovrium-tui migrate --assign-ids` writes those that are missing",
                name=name,
                old=old,
            )
        )

    def _check(self, change: TableChange, work: TableSql) -> None:
        table = self.models[change.new.id]
        before, after = self._field_options(change)
        looks = ChangeCheck(
            reader=self.reader,
            table=table,
            change=change,
            fills=work.fills,
            conversions=work.conversions,
            before=before,
            after=after,
            validates=self.validates(change),
        )
        self.refusals += looks.refusals()
        self.refusals += self._broken_checks(change)
        for name in work.lost_indexes:
            self.warnings.append(
                say("The index {name} on {table} was made by hand and is dropped", name=name, table=change.old.name)
            )
        if change.dropped and change.added:
            gone = ", ".join(column.name for column in change.dropped)
            come = ", ".join(column.name for column in change.added)
            self.warnings.append(
                say(
                    "{table}: {gone} goes and {come} comes. If that is a rename, give the field an `id` and keep it",
                    table=table.name,
                    gone=gone,
                    come=come,
                )
            )

    def _broken_checks(self, change: TableChange) -> Iterator[Refusal]:
        """Rows that a CHECK would refuse, as far as it looks at columns that stay as they are."""
        added = [check for check in change.new.checks if check not in change.old.checks]
        keys = quote_list(change.old.key)
        for name, sql in self.ddl.checks(added, change.old.columns) if not change.renamed else ():
            found = self.reader.rows(f"SELECT {keys} FROM {quote(change.old.name)} WHERE NOT ({sql}) LIMIT 20")
            if found:
                details = tuple(map(key_text, found))
                message = say("{table}: there are rows that do not meet {name}", table=change.old.name, name=name)
                yield Refusal(self.models[change.new.id].name, message, details, "Change these rows first")

    # What a rollback answers otherwise.

    def validates(self, change: TableChange) -> bool:
        """Old rows must obey new rules."""
        return not self.new_snapshots.get(change.new.id, {}).get("allowUnvalidated")

    def fill(self, change: TableChange, column: Column) -> Sql | None:
        """What old rows get in a column that they lack."""
        return fill_of(self.ddl, self.models[change.new.id], column)

    def not_convertible(self, change: TableChange, old: Column, new: Column, reason: str) -> Conversion | None:
        """There is no rule for the pair of types."""
        self.refusals.append(Refusal(self.models[change.new.id].name, reason, hint=BY_HAND))
        return None

    def may_drop_table(self, table: TableLayout) -> bool:
        return self._may_lose(self.snapshots.get(table.id) or self._owner_of_pairs(table.id))

    def may_drop_column(self, change: TableChange, column: Column) -> bool:
        return self._may_lose(self.new_snapshots.get(change.new.id, {}))

    def copy_name(self, table: str) -> str | None:
        """Under what name dropped values are kept; None: not at all."""
        return kept_name(self.after.version, table) if keep_days(self.model) else None

    def carried(self, way: Conversion) -> Conversion:
        """How strictly values are carried over."""
        return way

    def shape(self, table: TableLayout) -> TableLayout:
        """How a new table is made."""
        return table

    def contents(self, table: TableLayout) -> Sql | None:
        """What a new table begins with."""
        return None

    def _rules_changed(self, change: TableChange) -> bool:
        """Something else in the table's part of the file is new: stored values may break its rules."""
        return self.snapshots.get(change.old.id) != self.new_snapshots.get(change.new.id)

    def _sql(self, change: TableChange) -> TableSql:
        wanted = [*change.added, *(new for _, new in change.required)]
        fills: dict[str, Sql] = {}
        for column in wanted:
            fill = self.links.from_pairs(change, column) or self.fill(change, column)
            if fill:
                fills[column.name] = fill
        conversions = self._conversions(change)
        later = self._deferred(change)
        numbers = self._next_numbers(change)
        return TableSql(self.ddl, change, fills, conversions, self.catalog, self._sequences, numbers, later)

    def _deferred(self, change: TableChange) -> frozenset[str]:
        names = [index.name for index in change.indexes_added if not index.unique] if self.defers else []
        return frozenset(names) if names and is_big(self.reader, change.old.name) else frozenset()

    def _field_options(self, change: TableChange) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The fields of the table as the old and the new file say them, by id."""
        tables = self.snapshots.get(change.old.id, {}), self.new_snapshots.get(change.new.id, {})
        before, after = ({str(field.get("id")): field for field in table.get("fields", ())} for table in tables)
        return before, after

    def _conversions(self, change: TableChange) -> Conversions:
        """How values are carried over; pairs for which there is no way are refused."""
        before, after = self._field_options(change)
        found: dict[str, Conversion] = {}
        for old, new in change.pairs:
            options = before.get(str(old.field_id), {}), after.get(str(new.field_id), {})
            rekeyed = self.links.rekeyed(change, old, new)
            if rekeyed is not None:
                found[new.name] = rekeyed
                continue
            try:
                way = conversion(self.ddl, old, new, *options, backwards=self.backwards)
            except NotConvertible as reason:
                kinds = [
                    str(option.get("type") or column.type.kind)
                    for option, column in zip(options, (old, new), strict=True)
                ]
                name = f"{self.models[change.new.id].name}.{new.name}"
                message = (
                    reason.args[0]
                    if reason.args
                    else say(
                        "{name} cannot change from {old} to {new} by itself", name=name, old=kinds[0], new=kinds[1]
                    )
                )
                way = self.not_convertible(change, old, new, message)
            if way is not None and (stored(old.type) != stored(new.type) or self._changes_values(change, way, old)):
                found[new.name] = self.carried(way)
        return found

    def _changes_values(self, change: TableChange, way: Conversion, old: Column) -> bool:
        """Where the storage stays: are there values that would become others, or that cannot be kept?"""
        column = quote(old.name)
        where = f"{way.value(column)} IS DISTINCT FROM {column}"
        if way.missing is not None:
            where += f" OR ({way.missing(column)})"
        return bool(self.reader.rows(f"SELECT 1 FROM {quote(change.old.name)} WHERE {where} LIMIT 1"))

    @cached_property
    def _sequences(self) -> frozenset[str]:
        """Those that stand once tables that go are gone, and those that change are released."""
        gone = {column.sequence for table in self.difference.dropped for column in table.columns}
        gone |= {old.sequence for change in self.difference.changed for old, _ in change.resequenced}
        return self.catalog.sequences - gone

    def _next_numbers(self, change: TableChange) -> Mapping[str, int]:
        """Where sequences go on: renamed ones behind their last number, new ones behind the rows they will number."""
        numbers: dict[str, int] = {}
        for old, new in change.resequenced:
            highest = f"SELECT coalesce(max({quote(old.name)}), 0) + 1 FROM {quote(change.old.name)}"
            if old.sequence in self.catalog.sequences:
                numbers[old.sequence] = max(int(self.reader.scalar(highest)), self._next_of(old.sequence))
            elif new.sequence and old.type.kind in (
                "integer",
                "bigint",
                "decimal",
                "double",
            ):  # an ordinary column becomes a counter (T-100)
                numbers[new.sequence] = max(int(self.reader.scalar(highest)), new.sequence_start)
        for column in change.added:
            if column.sequence:
                rows = int(self.reader.scalar(f"SELECT count(*) FROM {quote(change.old.name)}"))
                numbers[column.sequence] = column.sequence_start + rows
        return numbers

    def _next_of(self, sequence: str) -> int:
        if self.ddl.dialect == "duckdb":
            sql = (
                "SELECT coalesce(last_value + increment_by, start_value) FROM duckdb_sequences() "
                f"WHERE sequence_name = {literal(sequence)} AND schema_name = current_schema()"
            )
        else:
            sql = f"SELECT last_value + CASE WHEN is_called THEN 1 ELSE 0 END FROM {quote(sequence)}"
        return int(self.reader.scalar(sql))

    # The steps.

    def _copies(self, works: list[tuple[TableChange, TableSql]]) -> Iterator[Step]:
        """Before anything goes it is copied (M-018)."""
        for text, statements in self.links.key_tables():
            yield Step("change", "", text, tuple(statements))
        for table in self.difference.dropped:
            name = self.copy_name(table.name)
            if name and self.reader.rows(f"SELECT 1 FROM {quote(table.name)} LIMIT 1"):
                yield Step("add", table.name, say(COPY, what=table.name, name=name), (keep_table(name, table.name),))
        for change, _ in works:
            name = self.copy_name(change.old.name)
            filled = [column for column in change.dropped if self._has_values(change.old.name, column)]
            if name and filled:
                what = ", ".join(column.name for column in filled)
                copy = keep_columns(name, change.old, filled)
                yield Step("add", self._name(change.new), say(COPY, what=what, name=name), (copy,))

    def _has_values(self, table: str, column: Column) -> bool:
        sql = f"SELECT 1 FROM {quote(table)} WHERE {quote(column.name)} IS NOT NULL LIMIT 1"
        return bool(self.reader.rows(sql))

    def _renames(self, works: list[tuple[TableChange, TableSql]]) -> Iterator[Step]:
        """Indexes out of the way, obsolete tables gone, tables under their new names."""
        released = [statement for _, work in works for statement in work.release()]
        if released:
            yield Step("change", "", "Drop the indexes that change or stand in the way", tuple(released))
        renamed = [change for change, _ in works if change.is_renamed]
        taken = {table.name for table in self.old}
        moving = {
            change.old.name: f"system_moving_{at}" for at, change in enumerate(renamed) if change.new.name in taken
        }
        aside = [Sql(self.ddl.rename_table(old, temporary)) for old, temporary in moving.items()]
        if aside:
            yield Step("change", "", "Move tables that exchange their names aside", tuple(aside))
        yield from self._drops(moved=False)
        for change in renamed:
            source = moving.get(change.old.name, change.old.name)
            statement = Sql(self.ddl.rename_table(source, change.new.name))
            yield Step(
                "change",
                self._name(change.new),
                say("Rename table {old} to {new}", old=change.old.name, new=change.new.name),
                (statement,),
            )
        following = [Sql(text) for text in self._follow([change for change, _ in works])]
        if following:
            yield Step("change", "", "History, files and comments follow what is renamed", tuple(following))

    def _follow(self, changes: Sequence[TableChange]) -> Iterator[str]:
        """What our own tables say of renamed tables and fields. All names of tables change at once, for two may exchange
        theirs."""
        renamed = {change.old.name: change.new.name for change in changes if change.is_renamed}
        fields = [(change.new.name, old, new) for change in changes for old, new in change.renamed]
        cases = " ".join(f"WHEN {literal(old)} THEN {literal(new)}" for old, new in renamed.items())
        for name, table in self.catalog.tables.items():
            if not name.startswith("system_"):
                continue
            for column in sorted(NAMES_A_TABLE & table.columns.keys()):
                if renamed:
                    yield (
                        f"UPDATE {quote(name)} SET {quote(column)} = CASE {quote(column)} {cases} END "
                        f"WHERE {quote(column)} IN ({', '.join(map(literal, renamed))})"
                    )
                if fields and "field" in table.columns:
                    yield _follow_fields(name, column, fields)

    def _drops(self, *, moved: bool) -> Iterator[Step]:
        """Tables that go: tables of pairs whose links move elsewhere at the very end, others at the beginning."""
        for table in self.difference.dropped:
            if (table.id in self.links.moved) is not moved:
                continue
            rows = int(self.reader.scalar(f"SELECT count(*) FROM {quote(table.name)}"))
            statements = tuple(drop_table(self.ddl, table, self.catalog.sequences))
            allowed = moved or self.may_drop_table(table)
            yield Step(
                "destructive",
                table.name,
                say("Drop table {table} ({rows} rows)", table=table.name, rows=rows),
                statements,
                allowed,
            )

    def _creations(self) -> Iterator[Step]:
        for table in self.difference.created:
            count = len(table.columns)
            rows = self.contents(table)
            statements = [*create_table(self.ddl, self.shape(table), self._sequences), *([rows] if rows else [])]
            yield Step(
                "add",
                self._name(table),
                say("Create table {table} with {count} columns", table=table.name, count=count),
                tuple(statements),
            )

    def _alterations(self, works: list[tuple[TableChange, TableSql]]) -> Iterator[Step]:
        for change, work in works:
            if not (change or work.conversions):
                continue
            name = self._name(change.new)
            steps = [
                Step(
                    "destructive",
                    name,
                    say("Drop column {table}.{column} with its values", table=change.old.name, column=column.name),
                    confirmed=self.links.leaves(change, column) or self.may_drop_column(change, column),
                )
                for column in change.dropped
            ]
            steps += [Step(kind, name, text) for kind, text in _words(change, work.conversions)]
            steps += [Step(kind, name, text) for kind, text in _words_of_checks(change)]
            statements = tuple(work.alter())
            if work.must_rewrite:
                steps.append(Step("change", name, say("Rewrite table {table}", table=change.new.name), statements))
            elif statements:
                steps.append(Step("change", name, say("Alter table {table}", table=change.new.name), statements))
            if work.deferred:
                text = say(
                    "Build {indexes} beside the work, once the rest is in force",
                    indexes=", ".join(sorted(work.deferred)),
                )
                steps.append(Step("add", name, text, later=work.later()))
            yield from steps

    def _name(self, table: TableLayout) -> str:
        model: TableModel = self.models[table.id]
        return model.name

    def _owner_of_pairs(self, id_: str) -> Mapping[str, Any]:
        """The part of the file whose link kept its pairs in a table `junction:<table>.<field>`."""
        owner = id_.partition(":")[2].rpartition(".")[0]
        return self.new_snapshots.get(owner) or self.snapshots.get(owner, {})

    def _may_lose(self, snapshot: Mapping[str, Any]) -> bool:
        return bool(snapshot.get("allowDestructive") or _settings(self.model).get("allowDestructive"))


def _follow_fields(name: str, column: str, fields: Sequence[tuple[str, Column, Column]]) -> str:
    """`fields`: the table by its new name, the column before and after."""
    these = [f"{quote(column)} = {literal(table)} AND field = {literal(old.name)}" for table, old, _ in fields]
    cases = " ".join(f"WHEN {this} THEN {literal(new.name)}" for this, (_, _, new) in zip(these, fields, strict=True))
    return f"UPDATE {quote(name)} SET field = CASE {cases} END WHERE {' OR '.join(f'({this})' for this in these)}"


def _words(change: TableChange, conversions: Conversions) -> Iterator[tuple[Kind, str]]:
    for old, new in change.renamed:
        yield "change", say("Rename column {old} to {new}", old=old.name, new=new.name)
    for column in change.added:
        yield "add", say("Add column {column} ({kind})", column=column.name, kind=column.type.kind)
    for old, new in change.pairs:
        if stored(old.type) != stored(new.type):
            yield (
                "change",
                say("Change {column} from {old} to {new}", column=new.name, old=old.type.kind, new=new.type.kind),
            )
        elif new.name in conversions:
            yield "change", say("Change values of {column} to what its new definition says", column=new.name)
    for _, new in change.required:
        yield "change", say("Make {column} required", column=new.name)
    for _, new in change.relaxed:
        yield "change", say("Make {column} optional", column=new.name)
    for index in change.indexes_dropped:
        yield "change", say("Drop index {index} on {fields}", index=index.name, fields=", ".join(index.fields))
    for index in change.indexes_added:
        unique = say("unique index") if index.unique else say("index")
        yield (
            "add",
            say("Create {kind} {index} on {fields}", kind=unique, index=index.name, fields=", ".join(index.fields)),
        )


def _words_of_checks(change: TableChange) -> Iterator[tuple[Kind, str]]:
    before, after = dict(change.old.checks), dict(change.new.checks)
    for name in sorted(before.keys() - after.keys()):
        yield "change", say("Drop check {name}", name=name)
    for name, rule in after.items():
        if before.get(name) != rule:
            yield "add", say("Check {name} in the database: {rule}", name=name, rule=rule)


def _settings(model: AppModel) -> Mapping[str, Any]:
    found: Mapping[str, Any] = model.app.later.get("migrations") or {}
    return found


def keep_days(model: AppModel) -> int:
    """How long copies of dropped values are kept; 0: they are not made."""
    return int(_settings(model).get("keepDroppedDays", KEPT_DAYS))
