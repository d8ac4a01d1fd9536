"""Links that move: into a table of pairs and back (§12.6, many-to-one ↔ many-to-many), and to new keys when numbers become
UUIDs. The values of links are kept whatever becomes of the columns around them.
"""

from collections.abc import Iterator

from core.fields.model import AppModel, Column
from core.fields.relationship import RelationshipOptions, related_table
from core.migrations.check import SHOWN, Refusal
from core.migrations.conversion import Conversion
from core.migrations.difference import Difference, TableChange
from core.migrations.expression import Sql
from core.migrations.kept import kept_name
from core.migrations.layout import TableLayout
from core.sentence import say
from core.storage.database import Reader
from core.storage.ddl import Ddl, literal, quote

_JUNCTION = "junction:"


def junction_id(table: TableLayout, column: Column) -> str:
    """The table of pairs that stands behind a link to several records."""
    return f"{_JUNCTION}{table.id}.{column.field_id}"


class Relinking:
    """The links of one migration."""

    def __init__(self, ddl: Ddl, model: AppModel, difference: Difference, version: int) -> None:
        self.ddl = ddl
        self.created = {table.id: table for table in difference.created}
        self.dropped = {table.id: table for table in difference.dropped}
        self.changed = {change.new.id: change for change in difference.changed}
        self.moved = {
            junction_id(change.old, column)
            for change in difference.changed
            for column in change.added
            if junction_id(change.old, column) in self.dropped
        }
        """Tables of pairs whose links become a column again."""
        uuid_tables = {table.spec.id for table in model if table.key.type == "uuid"}
        self.keys = {
            id_: kept_name(version, f"key_{change.old.name}")
            for id_, change in self.changed.items()
            if id_ in uuid_tables and _becomes_text(change)
        }
        """By table id, the table that knows each old key's new one."""
        self._targets = dict(_targets(model))

    # A link to one record, and to several.

    def leaves(self, change: TableChange, column: Column) -> bool:
        """The dropped column's links go on in a table of pairs."""
        return junction_id(change.new, column) in self.created

    def into_pairs(self) -> Iterator[tuple[str, Sql]]:
        """Once the tables of pairs are there and the columns still are."""
        for change in self.changed.values():
            for column in change.dropped:
                pairs = self.created.get(junction_id(change.new, column))
                if pairs is not None and len(change.old.key) == 1:
                    near, far = (quote(each.name) for each in pairs.columns[:2])
                    key, source = quote(change.old.key[0]), quote(change.new.name)
                    text = say(
                        "Move the links of {table}.{column} into {pairs}",
                        table=change.new.name,
                        column=column.name,
                        pairs=pairs.name,
                    )
                    yield (
                        text,
                        Sql(
                            f"INSERT INTO {quote(pairs.name)} ({near}, {far}) "
                            f"SELECT {key}, {quote(column.name)} FROM {source} WHERE {quote(column.name)} IS NOT NULL"
                        ),
                    )

    def from_pairs(self, change: TableChange, column: Column) -> Sql | None:
        """The one linked record of a row, for a column that takes the place of a table of pairs."""
        pairs = self.dropped.get(junction_id(change.old, column))
        if pairs is None or len(change.old.key) != 1:
            return None
        near, far = (quote(each.name) for each in pairs.columns[:2])
        inner = f"SELECT {near} AS system_near, {far} AS system_far FROM {quote(pairs.name)}"
        key = quote(change.old.key[0])
        return Sql(f"(SELECT min(j.system_far) FROM ({inner}) AS j WHERE j.system_near = {key})")

    def refusals(self, reader: Reader) -> Iterator[Refusal]:
        """Back only if no record has several."""
        for id_ in sorted(self.moved):
            pairs = self.dropped[id_]
            near = quote(pairs.columns[0].name)
            sql = f"SELECT {near}, count(*) FROM {quote(pairs.name)} GROUP BY {near} HAVING count(*) > 1"
            count = int(reader.scalar(f"SELECT count(*) FROM ({sql}) AS s"))
            if count:
                found = reader.rows(f"{sql} ORDER BY {near} LIMIT {SHOWN}")
                yield Refusal(
                    pairs.name,
                    say("{count} records have more than one link in {table}", count=count, table=pairs.name),
                    tuple(say("{key}: {links} links", key=key, links=links) for key, links in found),
                    hint="Leave one link in each record first",
                )

    # New keys.

    def key_tables(self) -> Iterator[tuple[str, list[Sql]]]:
        """What must be there before any value changes: each record's new key. The history follows it."""
        for id_, name in self.keys.items():
            change = self.changed[id_]
            key, text = quote(change.old.key[0]), self.ddl.as_text
            statements = [
                Sql(
                    f"CREATE TABLE {quote(name)} AS SELECT {key} AS system_old, "
                    f"{text('gen_random_uuid()')} AS system_new FROM {quote(change.old.name)}"
                ),
                Sql(
                    f"UPDATE system_change SET record = m.system_new FROM {quote(name)} AS m "
                    f'WHERE system_change."table" = {literal(change.old.name)} '
                    f"AND system_change.record = {text('m.system_old')}"
                ),
            ]
            if self.ddl.dialect == "postgresql":
                statements.insert(1, Sql(f"CREATE INDEX {quote(f'{name}_old'[-60:])} ON {quote(name)} (system_old)"))
            yield (
                say("Give the records of {table} UUIDs, remembered in {name}", table=change.new.name, name=name),
                statements,
            )

    def rekeyed(self, change: TableChange, old: Column, new: Column) -> Conversion | None:
        """The new key of a record, or of the record that a link names."""
        target = change.new.id if new.name in change.new.key and change.new.id in self.keys else None
        target = target or self._targets.get((change.new.id, str(new.field_id)))
        name = self.keys.get(target or "")
        if name is None or old.type.kind == new.type.kind:
            return None
        return Conversion(
            lambda x: f"(SELECT m.system_new FROM {quote(name)} AS m WHERE m.system_old = {x})",
            has_query=True,
            is_late=True,
        )


def _becomes_text(change: TableChange) -> bool:
    if len(change.new.key) != 1:
        return False
    for old, new in change.pairs:
        if new.name == change.new.key[0]:
            return old.type.kind in ("integer", "bigint") and new.type.kind == "text"
    return False


def _targets(model: AppModel) -> Iterator[tuple[tuple[str, str], str]]:
    """By table and field id, the table whose key a link holds; for tables of pairs both sides."""
    for table in model:
        for field in table.spec.fields:
            if not isinstance(field.options, RelationshipOptions):
                continue
            target = related_table(field.options, model.app)
            if target is None:
                continue
            if field.options.related_field in ("id", target.primary_key.fields[0]):
                yield (table.spec.id, field.id), target.id
            pairs = f"{_JUNCTION}{table.spec.id}.{field.id}"
            yield (pairs, "near"), table.spec.id
            yield (pairs, "far"), target.id
