"""One table as the writer sees it: rows loaded before a change, completed, written and logged. What they are held against
before is in `row_check`.

Everything takes many records at once, because the number of statements is what bounds the throughput of writing.
"""

import uuid
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from copy import copy
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, bindparam, update

from core.errors import SovriumError
from core.fields.address import key_text
from core.fields.attachment import AttachmentField
from core.fields.base import FieldType
from core.fields.link import LinksField
from core.fields.model import AppModel, TableModel
from core.fields.person import ME
from core.files.ledger import KnownFile, Use, take
from core.query.scope import Scope, link_column, linked_table
from core.records.computed import with_computed
from core.records.constraint import Constraints
from core.records.key import KeyValue
from core.records.links import Move, links_of, load_links, write_links
from core.records.shape import Shape, to_json
from core.schema.model import IndexSpec
from core.storage.database import ChangeRow, Reader, Row, Transaction
from core.storage.ddl import is_one_of, quote, quote_list
from core.storage.rows import RowShape

Stored = dict[str, Any]
"""All columns of a row by name."""
JOINED_FROM = 1_000
"""Values from which on DuckDB joins them: it plans a list of values, and fetches their rows, one by one, at 0.1 ms each."""
_TICK = timedelta(milliseconds=1)
_TIMES = ("created_at", "updated_at", "deleted_at")


class WritableTable:
    """A table prepared for writing; one object per model, shared by all threads, without state of its own. For callers who
    may not see or write all of it there is `GuardedTable`."""

    hidden: frozenset[str] = frozenset()
    """Fields that the caller may not read."""
    locked: frozenset[str] = frozenset()
    """Fields that the caller may not write."""
    ignored: frozenset[str] = frozenset()
    """Those of them that are dropped without a word (P-024)."""
    hides_rows = False
    """Rows may be beyond the caller's reach: one that is missing refuses a whole batch (P-032)."""
    peers: Hashable | None = None
    """Who is told and allowed the same: jobs of others are not served together with one of these. None: who is above
    rules."""
    demands_result = False
    """What is written must meet a rule of the caller's."""
    author: str | None = None
    """The account that writes; None for the local owner, guests and the engine."""

    def __init__(
        self,
        table: TableModel,
        model: AppModel,
        table_of: Callable[[TableModel], Table],
        neighbour: "Callable[[TableModel], WritableTable] | None" = None,
        *,
        is_filled: bool = True,
    ) -> None:
        """`neighbour` gives the prepared form of other tables, whose rows change with links that they hold. `is_filled`: a
        language model is there for the fields that one fills."""
        self.table = table
        self.model = model
        self.table_of = table_of
        self._neighbour = neighbour
        self.source = table_of(table)
        self.shape = Shape(table)
        self.columns = tuple(table.column_by_name)
        self.log_name = table.sql_name
        self.key = table.key.fields
        self.generated = tuple(column.name for column in table.columns if column.sequence)
        self.makes_uuid = len(self.key) == 1 and self.key[0] in table.system and self.key[0] not in self.generated
        self._to_json = {name: to_json(table.type_of(name)) for name in table.fields if name in table.column_by_name}
        self.created = self._named("created-at", "created_at")
        self.updated = self._named("updated-at", "updated_at")
        self.deleted = self._named("deleted-at", "deleted_at")
        self.created_by, self.updated_by, self.deleted_by = (
            tuple(name for name, field in table.fields.items() if field.name == kind)
            for kind in ("created-by", "updated-by", "deleted-by")
        )
        self.files = {name: field for name, field in table.fields.items() if isinstance(field, AttachmentField)}
        self.people = tuple(name for name, field in table.fields.items() if field.name == "user")
        self.unique = self._unique_keys()
        self.links = tuple(
            (name, table_of(target), link_column(field, target))
            for name, field in table.fields.items()
            if field.family == "link" and name in table.column_by_name
            for target in (linked_table(model, field),)
        )
        self.linked = {name: linked_table(model, table.fields[name]) for name, _, _ in self.links}
        self.many = {each.name: each for each in links_of(table, model.by_sql_name)}
        """Links that are kept elsewhere."""
        self._to_json |= dict.fromkeys(self.many)
        self.acyclic = tuple(
            name
            for name, field in table.fields.items()
            if field.family == "link" and getattr(field.options, "prevent_cycles", False) and _has_steps(field)
        )
        """Links of the table to itself that may not lead in circles."""
        self.followed = _followed(table, model)
        """Columns that are not the key, and that links of other records hold."""
        self.constraints = Constraints(table)
        self._compared = frozenset(
            {*self.linked, *self.many, *self.people, *self.files}.union(
                *self.unique, *(key.fields for key in table.spec.foreign_keys)
            )
        )
        self.is_checked = bool(self._compared or self.constraints)
        """Rows must be compared with what is stored."""
        self.is_watched = (is_filled and bool(table.generated)) or any(hook.enabled for hook in table.spec.webhooks)
        """Each record is followed in the change log: somebody outside is told of it, or a model fills it."""
        # Put together here: SQLAlchemy takes as long for a list of keys as the database.
        self._select = f"SELECT {quote_list(self.columns)} FROM {quote(table.sql_name)}"

    def _named(self, type_name: str, automatic: str) -> tuple[str, ...]:
        """The automatic column and every field of that type (T-077)."""
        fields = [name for name, field in self.table.fields.items() if field.name == type_name]
        return tuple(dict.fromkeys((automatic, *fields)))

    def _unique_keys(self) -> tuple[tuple[str, ...], ...]:
        keys = [tuple(index.fields) for index in self.table.indexes if _is_whole(index)]
        if all(name in self.table.fields and name not in self.generated for name in self.key):
            keys.append(tuple(self.key))
        return tuple(dict.fromkeys(keys))

    # ── Before the write ──

    def load(self, reader: Reader, keys: Collection[KeyValue], *, lock: bool = False) -> dict[KeyValue, Stored]:
        """The rows of these keys, trash included. `lock` keeps other writers of a PostgreSQL database away."""
        rows = self.holding(reader, self.key, keys, lock=lock)
        return self.within_reach(reader, {self.key_of(row): row for row in rows}, keys)

    def holding(
        self, reader: Reader, names: Sequence[str], values: Collection[tuple[Any, ...]], *, lock: bool = False
    ) -> list[Stored]:
        """The rows that have one of these values in the columns, trash included, whoever asks."""
        if not values:
            return []
        if len(values) >= JOINED_FROM and reader.dialect == "duckdb":
            found = self.matching(reader, self.columns, names, values)
            return [dict(zip(self.columns, row, strict=True)) for row in found]
        lock_clause = " FOR UPDATE" if lock and reader.dialect == "postgresql" else ""
        sql = f"{self._select} WHERE {is_one_of(names, len(values))}{lock_clause}"
        found = reader.rows(sql, [each for value in values for each in value])
        return [dict(zip(self.columns, row, strict=True)) for row in found]

    def matching(
        self,
        reader: Reader,
        columns: Sequence[str],
        names: Sequence[str],
        values: Collection[tuple[Any, ...]],
        *,
        live: bool = False,
    ) -> list[Row]:
        """These columns of the rows that have one of these values in `names`, by one join; `live` leaves the trash out."""
        shape = RowShape(reader.dialect, self.source, names)
        packed = shape.pack([dict(zip(names, each, strict=True)) for each in set(values)])
        told = ", ".join(f"t.{quote(name)}" for name in columns)
        same = " AND ".join(f"t.{quote(name)} = w.{quote(name)}" for name in names)
        sql = (
            f"SELECT {told} FROM ({shape.select_many().replace(':rows', '?', 1)}) AS w "
            f"JOIN {quote(self.source.name)} AS t ON {same}"
        )
        return reader.rows(f"{sql} WHERE t.deleted_at IS NULL" if live else sql, [packed])

    def within_reach(
        self, reader: Reader, rows: dict[KeyValue, Stored], keys: Collection[KeyValue]
    ) -> dict[KeyValue, Stored]:
        """Those of the rows that were found for these keys that the caller's operation may meet."""
        return rows

    def is_compared(self, names: Iterable[str]) -> bool:
        """A change of these columns must be compared with what is stored."""
        return bool(self.constraints) or not self._compared.isdisjoint(names)

    def check_result(self, reader: Reader, keys: Collection[KeyValue]) -> None:
        """Raises NotFound when rows that were written are not what the caller may make of them (P-026, P-027)."""

    def linkable(self, table: TableModel, source: Any) -> ColumnElement[bool] | None:
        """The condition of the records of another table that the caller may link to; None: all of them."""
        return None

    def may_refer(self, reader: Reader, file: KnownFile) -> bool:
        """Whether the caller may let records refer to the file: to know its key is not to have it."""
        return True

    def forbidden(self, rows: FromClause) -> ColumnElement[bool] | None:
        """The condition of new rows, with the columns of the table, that the caller may not make; None: there is none."""
        return None

    def refusal(self, error: SovriumError) -> SovriumError:
        """The error as the caller may hear it."""
        return error

    def scope(self, reader: Reader, moment: datetime) -> Scope:
        """The table as it is queried while it is written."""
        return Scope(self.table, self.model, self.table_of, reader.dialect, moment)

    def neighbour(self, table: TableModel) -> "WritableTable":
        """Another table, prepared for the engine's own writing."""
        return WritableTable(table, self.model, self.table_of) if self._neighbour is None else self._neighbour(table)

    def holder(self, table: TableModel, column: str) -> "WritableTable":
        """The table whose column holds links to this one, to be changed through them. Raises NotFound where the caller may
        not change it."""
        return self.neighbour(table)

    def junction(self, name: str) -> Table:
        """A table of pairs."""
        return self.table_of(self.model.by_sql_name[name])

    def load_links(self, tx: Transaction, rows: Mapping[KeyValue, Stored], names: Iterable[str]) -> None:
        """Put into each row what it is linked to through fields that keep their links elsewhere."""
        wanted = [self.many[name] for name in names if name in self.many]
        if wanted:
            load_links(tx, self.scope(tx, tx.time), rows, wanted)

    def fill(self, tx: Transaction, rows: Iterable[Stored]) -> None:
        """Put the values into rows that are not stored, for an answer."""
        listed = list(rows)
        if not self.shape.computed or not listed:
            return
        columns = self.shape.columns
        stored = [tuple(row[name] for name in columns) for row in listed]
        for row, whole in zip(listed, with_computed(tx, self.scope(tx, tx.time), self.shape, stored), strict=True):
            row.update(zip(self.shape.computed, whole[len(columns) :], strict=True))

    def key_of(self, row: Mapping[str, Any]) -> KeyValue:
        key = self.key
        return (row[key[0]],) if len(key) == 1 else tuple(row[name] for name in key)

    def uses(self, row: Mapping[str, Any], names: Iterable[str] | None = None) -> set[Use]:
        """What a row refers to, through all of its fields of files or some of them."""
        record = key_text(self.key_of(row))
        return {
            Use(each["key"], self.log_name, name, record)
            for name in (self.files if names is None else names)
            for each in self.files[name].held(row.get(name))
        }

    # ── The write ──

    def by(self, author: str | None) -> "WritableTable":
        """The same table, written by that account."""
        if author is None or not (self.created_by or self.updated_by or self.deleted_by or self.people):
            return self
        signed = copy(self)
        signed.author = author
        return signed

    def unsigned(self) -> "WritableTable":
        """The same table, written by nobody: who changed a record last, and when, stays. A version that was read before
        still passes, for nothing of what people wrote is another."""
        silent = copy(self)
        silent.updated = silent.updated_by = ()
        return silent

    def signed(self, values: Mapping[str, Any], author: str | None) -> dict[str, Any]:
        """The values of a new record with whose hand it is (R-100)."""
        if not (self.created_by or self.updated_by):
            return dict(values)
        return {**values, **dict.fromkeys((*self.created_by, *self.updated_by), author)}

    def complete(self, rows: Sequence[Mapping[str, Any]], moment: datetime) -> list[Stored]:
        """New rows with the columns that the engine fills, those from sequences excepted."""
        by = dict.fromkeys((*self.created_by, *self.updated_by), self.author)
        filled: Stored = dict.fromkeys((*self.created, *self.updated), moment)
        filled |= dict.fromkeys((*self.deleted, *self.deleted_by))
        stored = [{**by, **row, **filled} for row in rows]
        if self.makes_uuid:
            for row in stored:
                row[self.key[0]] = str(uuid.uuid4())
        return stored

    def insert(self, tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> list[Stored]:
        """Insert by one statement and log; the rows as stored, in their order."""
        stored = self.add(tx, rows)
        if self.files:
            take(tx, [use for row in stored for use in self.uses(row)])
        tx.log(self.creations(stored))
        return stored

    def creations(self, rows: Iterable[Stored]) -> list[ChangeRow]:
        """What the change log says of new rows."""
        table, key_of, json = self.log_name, self.key_of, self.json
        return [ChangeRow(table, key_text(key_of(row)), "create", None, json(row)) for row in rows]

    def add(self, tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> list[Stored]:
        """Insert without a word in the change log."""
        stored = self.complete(rows, tx.time)
        links = [{name: row.pop(name) for name in self.many if name in row} for row in stored] if self.many else []
        made = tx.insert(self.source, stored, self.generated)
        if self.generated:
            for row, values in zip(stored, made, strict=True):
                row.update(zip(self.generated, values, strict=True))
        for name, each in self.many.items():
            moves: list[Move] = [
                (self.key_of(row), [], sets.get(name) or []) for row, sets in zip(stored, links, strict=True)
            ]
            write_links(tx, self, each, [move for move in moves if move[2]])
        for row, sets in zip(stored, links, strict=False):
            row.update({name: value for name, value in sets.items() if value})
        return stored

    def moved(self, row: Mapping[str, Any], changes: Mapping[str, Any], moment: datetime) -> Stored:
        """Columns to set for a change. Versions of a record always differ, even within one millisecond: two equal
        ones would let a stale write pass."""
        later = max(moment, row["updated_at"] + _TICK)
        return {**changes, **dict.fromkeys(self.updated, later)}

    def update(self, tx: Transaction, changes: Sequence[tuple[KeyValue, Mapping[str, Any]]]) -> None:
        """Set columns of many rows, the same ones in each; one statement. Each key at most once."""
        if len(self.key) == 1:
            column = self.key[0]
            tx.update(self.source, column, [{column: key[0], **values} for key, values in changes])
            return
        statement = update(self.source).values({name: bindparam(f"new_{name}") for name in changes[0][1]})
        for name in self.key:
            statement = statement.where(self.source.c[name] == bindparam(f"key_{name}"))
        for key, values in changes:
            parameters = {f"new_{name}": value for name, value in values.items()}
            tx.execute(statement, parameters | {f"key_{n}": v for n, v in zip(self.key, key, strict=True)})

    def json(self, row: Mapping[str, Any], names: Iterable[str] | None = None) -> dict[str, Any]:
        """The API's form of declared fields for the change log; without `names` all that have a value."""
        if names is None:
            return {
                name: convert(value) if convert else value
                for name, convert in self._to_json.items()
                if (value := row.get(name)) is not None
            }
        out: dict[str, Any] = {}
        for name in names:
            if name in self._to_json:
                value, convert = row.get(name), self._to_json[name]
                out[name] = convert(value) if convert and value is not None else value
        return out


def _has_steps(field: FieldType[Any]) -> bool:
    return not isinstance(field, LinksField) or field.relation.junction is not None


def _followed(table: TableModel, model: AppModel) -> frozenset[str]:
    held: set[str] = set()
    for child in model.tables:
        relations = [getattr(field, "relation", None) for field in child.fields.values() if field.family == "link"]
        held |= {each.far for each in relations if each is not None and each.target is table.spec and each.near == ""}
        held |= {each.far for each in relations if each is not None and each.target is table.spec and each.junction}
        held |= {name for key in child.spec.foreign_keys if key.table == table.sql_name for name in key.columns}
    return frozenset(held & set(table.column_by_name)) - set(table.key.fields)


def personal(target: WritableTable, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values with the caller's own id where `me` is written in a field of people."""
    if target.author is None or not target.people:
        return raw
    return {name: _myself(value, target.author) if name in target.people else value for name, value in raw.items()}


def _myself(value: Any, author: str) -> Any:
    if isinstance(value, list):
        return [_myself(each, author) for each in value]
    return author if isinstance(value, str) and value in ME else value


def _is_whole(index: IndexSpec) -> bool:
    return index.unique and index.where is None and not index.live
