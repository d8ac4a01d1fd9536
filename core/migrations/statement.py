"""The SQL of a change. PostgreSQL alters in place; DuckDB alters where it can and else rewrites the table.

DuckDB refuses most alterations while an index stands on the table (S-004), and cannot index a column that the same
transaction has updated. So indexes go first and come last, and whatever must compute values is a rewrite: a new table,
one INSERT … SELECT, the old one dropped, the new one renamed.
"""

from collections.abc import Mapping
from dataclasses import replace

from core.fields.model import Column
from core.migrations.deferred import concurrently
from core.migrations.difference import TableChange, stored
from core.migrations.expression import Conversions, Sql, expressions
from core.migrations.layout import TableLayout
from core.schema.name import fitted
from core.storage.catalog import Catalog, CatalogIndex
from core.storage.ddl import Ddl, literal, quote, quote_list


def create_table(ddl: Ddl, table: TableLayout, existing: frozenset[str]) -> list[Sql]:
    """`existing` are the sequences that are there already."""
    texts = [
        ddl.create_sequence(column.sequence, column.sequence_start)
        for column in table.columns
        if column.sequence and column.sequence not in existing
    ]
    texts.append(ddl.create_table(table.name, table.columns, table.key, checks=table.checks))
    texts += ddl.create_indexes(table.name, table.indexes, table.columns)
    return [Sql(text) for text in texts]


def drop_table(ddl: Ddl, table: TableLayout, existing: frozenset[str]) -> list[Sql]:
    sequences = [column.sequence for column in table.columns if column.sequence in existing]
    return [Sql(ddl.drop_table(table.name)), *(Sql(ddl.drop_sequence(name)) for name in sequences if name)]


class TableSql:
    """The statements that lead one table from its old layout to its new one. `rows` is its number of rows."""

    def __init__(
        self,
        ddl: Ddl,
        change: TableChange,
        fills: Mapping[str, Sql],
        conversions: Conversions,
        catalog: Catalog,
        sequences: frozenset[str],
        next_numbers: Mapping[str, int],
        deferred: frozenset[str] = frozenset(),
    ) -> None:
        """`sequences` are those that stand once all tables have been released; `deferred` names the indexes that are built
        later."""
        self.deferred = deferred
        self.ddl = ddl
        self.change = change
        self.fills = fills
        self.conversions = conversions
        self.catalog = catalog
        self.sequences = sequences
        self.next_numbers = next_numbers
        self.found = catalog.tables[change.old.name]

    @property
    def must_rewrite(self) -> bool:
        """Values must be computed, and this is DuckDB."""
        change = self.change
        return self.ddl.dialect == "duckdb" and bool(
            change.retyped
            or change.rechecked
            or self.conversions
            or change.required
            or change.relaxed
            or any(not column.nullable or column.sequence or column.name in self.fills for column in change.added)
            or change.dropped  # refused before an indexed column, even when its index has just gone
        )

    @property
    def is_structural(self) -> bool:
        """Indexes stand in its way on DuckDB."""
        change = self.change
        return bool(change.is_renamed or change.renamed or change.dropped or self.must_rewrite)

    def release(self) -> list[Sql]:
        """Before any table is renamed: drop the indexes that go, on DuckDB all that stand in the way, and the sequences
        that get other names, so that names may change places."""
        if self.ddl.dialect == "duckdb" and self.is_structural:
            names = list(self.found.indexes)
        else:
            names = [index.name for index in self.change.indexes_dropped if index.name in self.found.indexes]
        texts = [self.ddl.drop_index(name) for name in names]
        if names and self.ddl.dialect == "duckdb":
            # DuckDB reads an index of the file when the table is first written to, by the names that are in the index. One
            # that is dropped is still read in this transaction, and would be looked for under names that are gone.
            texts.insert(0, f"DELETE FROM {quote(self.change.old.name)} WHERE false")
        if self._renews_checks:
            texts += [self.ddl.drop_check(self.change.old.name, name) for name, _ in self.change.old.checks]
        for old, _ in self.change.resequenced:
            if old.sequence in self.catalog.sequences:
                texts.append(self.ddl.set_default(self.change.old.name, replace(old, sequence=None)))
                texts.append(self.ddl.drop_sequence(old.sequence))
        return [Sql(text) for text in texts]

    def alter(self) -> list[Sql]:
        """After the table has its new name."""
        created, dropped = self._sequences()
        body = self._rewrite() if self.must_rewrite else self._in_place()
        return [*created, *body, *dropped, *self._checks(), *self._indexes()]

    @property
    def _renews_checks(self) -> bool:
        """On PostgreSQL, which alone adds and drops them: also where a column that they look at gets another type."""
        change = self.change
        return self.ddl.dialect == "postgresql" and bool(change.rechecked or (change.new.checks and change.retyped))

    def _checks(self) -> list[Sql]:
        new = self.change.new
        found = self.ddl.checks(new.checks, new.columns) if self._renews_checks else []
        return [Sql(self.ddl.add_check(new.name, name, sql)) for name, sql in found]

    @property
    def lost_indexes(self) -> list[str]:
        """Indexes made by hand that cannot be made again under the new names."""
        return [index.name for index in self._foreign_indexes() if not self._can_restore()]

    def _in_place(self) -> list[Sql]:
        ddl, change, name = self.ddl, self.change, self.change.new.name
        texts = [ddl.drop_column(name, column.name) for column in change.dropped]
        texts += self._renames()
        out = [Sql(text) for text in texts]
        for column in change.added:
            out += self._add(column)
        for at, (old, new) in enumerate(change.pairs):
            out += self._convert(at, old, new)
        for _, new in change.required:
            fill = self.fills.get(new.name)
            if fill:
                target = quote(new.name)
                text = f"UPDATE {quote(name)} SET {target} = {fill.text} WHERE {target} IS NULL"
                out.append(Sql(text, fill.parameters))
            out.append(Sql(ddl.set_required(name, new.name, True)))
        out += [Sql(ddl.set_required(name, new.name, False)) for _, new in change.relaxed]
        out += [Sql(ddl.set_default(name, new)) for _, new in change.resequenced]
        return out

    def _convert(self, at: int, old: Column, new: Column) -> list[Sql]:
        """Values of one column, on PostgreSQL. Unchanged rows are not written where the type stays."""
        ddl, name, target = self.ddl, self.change.new.name, quote(new.name)
        conversion = self.conversions.get(new.name)
        if stored(old.type) == stored(new.type):
            if conversion is None:
                return []
            value = conversion.value(target)
            return [Sql(f"UPDATE {quote(name)} SET {target} = {value} WHERE {value} IS DISTINCT FROM {target}")]
        if conversion is None:
            return [Sql(ddl.set_type(name, new.name, new.type, f"CAST({target} AS {ddl.type_name(new.type)})"))]
        if not conversion.has_query:
            return [Sql(ddl.set_type(name, new.name, new.type, conversion.value(target)))]
        function = f"pg_temp.system_convert_{at}"
        body = literal(f"SELECT {conversion.value('$1')}")
        takes, gives = ddl.type_name(old.type), ddl.type_name(new.type)
        return [
            Sql(f"CREATE FUNCTION {function}({takes}) RETURNS {gives} LANGUAGE sql AS {body}"),
            Sql(ddl.set_type(name, new.name, new.type, f"{function}({target})")),
            Sql(f"DROP FUNCTION {function}({takes})"),
        ]

    def _renames(self) -> list[str]:
        """Through other names where they change places (M-021)."""
        ddl, name = self.ddl, self.change.new.name
        taken = {old.name for old, _ in self.change.renamed}
        first, last = [], []
        for at, (old, new) in enumerate(self.change.renamed):
            source = old.name
            if new.name in taken:
                source = f"system_moving_{at}"
                first.append(ddl.rename_column(name, old.name, source))
            last.append(ddl.rename_column(name, source, new.name))
        return first + last

    def _add(self, column: Column) -> list[Sql]:
        ddl, name, target = self.ddl, self.change.new.name, quote(column.name)
        fill = self.fills.get(column.name)
        if column.sequence:
            keys = quote_list(self.change.new.key)
            match = " AND ".join(f"t.{quote(key)} = n.{quote(key)}" for key in self.change.new.key)
            number = f"row_number() OVER (ORDER BY {keys}) + {column.sequence_start - 1:d}"
            plain = Column(name=column.name, type=column.type)
            return [
                Sql(ddl.add_column(name, plain)),
                Sql(
                    f"UPDATE {quote(name)} AS t SET {target} = n.number "
                    f"FROM (SELECT {keys}, {number} AS number FROM {quote(name)}) AS n WHERE {match}"
                ),
                Sql(ddl.set_default(name, column)),
                *([] if column.nullable else [Sql(ddl.set_required(name, column.name, True))]),
            ]
        if fill is None:
            return [Sql(ddl.add_column(name, column))]
        open_column = Column(name=column.name, type=column.type)
        out = [
            Sql(ddl.add_column(name, open_column)),
            Sql(f"UPDATE {quote(name)} SET {target} = {fill.text}", fill.parameters),
        ]
        if ddl.default(column):
            out.append(Sql(ddl.set_default(name, column)))
        if not column.nullable:
            out.append(Sql(ddl.set_required(name, column.name, True)))
        return out

    def _rewrite(self) -> list[Sql]:
        ddl, change = self.ddl, self.change
        new, temporary = change.new, fitted(f"system_new_{change.new.name}")
        values = expressions(ddl, change, self.fills, self.conversions)
        known = {column.name for column in change.old.columns}
        by_hand = [(column.name, column.type) for name, column in self.found.columns.items() if name not in known]
        columns = [*(column.name for column in new.columns), *(name for name, _ in by_hand)]
        selected = [values[column.name] for column in new.columns] + [Sql(quote(name)) for name, _ in by_hand]
        copy = (
            f"INSERT INTO {quote(temporary)} ({quote_list(columns)}) "
            f"SELECT {', '.join(part.text for part in selected)} FROM {quote(new.name)}"
        )
        return [
            Sql(ddl.create_table(temporary, new.columns, new.key, by_hand, new.checks)),
            Sql(
                copy,
                tuple(value for part in selected for value in part.parameters),
                copies=None if any(column.sequence for column in change.added) else new.name,  # they number all rows
            ),
            Sql(ddl.drop_table(new.name)),
            Sql(ddl.rename_table(temporary, new.name)),
        ]

    def _sequences(self) -> tuple[list[Sql], list[Sql]]:
        """Sequences to make first and to drop last; a renamed one goes on where it stood."""
        ddl, change = self.ddl, self.change
        created = [
            (column.sequence, self.next_numbers.get(column.sequence, column.sequence_start))
            for column in change.added
            if column.sequence
        ]
        created += [
            (new.sequence, self.next_numbers.get(old.sequence or new.sequence, new.sequence_start))
            for old, new in change.resequenced
            if new.sequence
        ]
        gone = [column.sequence for column in change.dropped if column.sequence]
        return (
            [Sql(ddl.create_sequence(name, start)) for name, start in created if name not in self.sequences],
            [Sql(ddl.drop_sequence(name)) for name in gone if name in self.sequences],
        )

    def _indexes(self) -> list[Sql]:
        ddl, change = self.ddl, self.change
        if ddl.dialect == "duckdb" and self.is_structural:
            texts = ddl.create_indexes(change.new.name, change.new.indexes, change.new.columns)
            if self._can_restore():
                texts += [index.definition for index in self._foreign_indexes()]
        else:
            added = [index for index in change.indexes_added if index.name not in self.deferred]
            texts = ddl.create_indexes(change.new.name, added, change.new.columns)
        return [Sql(text) for text in texts]

    def later(self) -> tuple[tuple[str, str], ...]:
        """The deferred indexes and how they are built."""
        ddl, new = self.ddl, self.change.new
        return tuple(
            (index.name, concurrently(text))
            for index in self.change.indexes_added
            if index.name in self.deferred
            for text in ddl.create_indexes(new.name, [index], new.columns)
        )

    def _foreign_indexes(self) -> list[CatalogIndex]:
        if self.ddl.dialect != "duckdb" or not self.is_structural:
            return []
        ours = {index.name for index in (*self.change.old.indexes, *self.change.new.indexes)}
        return [index for index in self.found.indexes.values() if index.name not in ours]

    def _can_restore(self) -> bool:
        return not (self.change.is_renamed or self.change.renamed or self.change.dropped)
