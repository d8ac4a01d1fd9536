"""The app's tables at work: specs joined with their field types and the automatic columns.

`AppModel` is what every layer above passes around; it is immutable, and a new one replaces it when the app file changes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from core.fields.base import FieldType
from core.fields.column import ColumnType
from core.fields.generated import GeneratedOptions
from core.fields.link import LinksField
from core.schema.model import App, IndexSpec, PrimaryKey, TableSpec
from core.schema.name import fitted


@dataclass(frozen=True, slots=True)
class Column:
    """One stored column: a declared field's, or an automatic one (`id`, `created_at`, `updated_at`, `deleted_at`)."""

    name: str
    type: ColumnType
    nullable: bool = True
    sequence: str | None = None
    """Name of the sequence that fills it (`seq_<table>_id`, autonumbers)."""
    sequence_start: int = 1
    automatic: bool = False
    """The engine fills it in: the times of a record also where a field holds them."""
    field_id: str | None = None


@dataclass(frozen=True)
class TableModel:
    """A table with its behaviour. `fields` are the declared ones in file order; `columns` all stored ones in order:
    key, declared, then automatic times."""

    spec: TableSpec
    fields: Mapping[str, FieldType[Any]]
    columns: tuple[Column, ...]
    system: Mapping[str, FieldType[Any]] = field(default_factory=dict)
    """Types of the automatic columns that no field replaces (T-010): id, created_at, updated_at, deleted_at."""

    @cached_property
    def name(self) -> str:
        return self.spec.name

    @cached_property
    def sql_name(self) -> str:
        return self.spec.sql_name

    @cached_property
    def key(self) -> PrimaryKey:
        return self.spec.primary_key

    @property
    def indexes(self) -> tuple[IndexSpec, ...]:
        return self.spec.indexes

    @cached_property
    def column_by_name(self) -> Mapping[str, Column]:
        return {column.name: column for column in self.columns}

    def type_of(self, name: str) -> FieldType[Any]:
        """The type of a declared field or automatic column, by its name or its API alias (`createdAt`); KeyError."""
        name = API_NAMES.get(name, name)
        return self.fields[name] if name in self.fields else self.system[name]

    @cached_property
    def checks(self) -> tuple[tuple[str, str], ...]:
        """Rules that the database is to hold by itself, by name, as formulas (S-006)."""
        if not self.spec.physical_checks:
            return ()
        found = {each.name: each.check for each in self.spec.constraints}
        for name, field_type in self.fields.items():
            rule = field_type.physical_check() if name in self.column_by_name else None
            if rule is not None:
                found.setdefault(fitted(f"check_{name}_{rule[0]}"), rule[1])
        return tuple(found.items())

    @cached_property
    def written(self) -> tuple[tuple[str, FieldType[Any], bool], ...]:
        """Fields that a new record has values for from its maker: those in its columns, and sets of links (True), which are
        kept elsewhere."""
        return tuple(
            (name, field, isinstance(field, LinksField))
            for name, field in self.fields.items()
            if isinstance(field, LinksField) or (name in self.column_by_name and not field.read_only)
        )

    @cached_property
    def blank(self) -> Mapping[str, None]:
        """The fields of `written` that are in columns, of a record of which nothing is known."""
        return {name: None for name, _, is_set in self.written if not is_set}

    @cached_property
    def completed(self) -> tuple[tuple[str, FieldType[Any], bool], ...]:
        """Those of `written` that a new record may not simply go without: required ones, sets, and what has a default."""
        mute = FieldType.default
        return tuple(
            (name, field, is_set)
            for name, field, is_set in self.written
            if is_set or field.spec.required or field.spec.default is not None or type(field).default is not mute
        )

    @cached_property
    def accepting(self) -> Mapping[bool, Mapping[str, Callable[[Any], Any]]]:
        """What reads the raw values of each field that is given from outside: those of JSON (True), those of people and
        files. Looked up once: a batch has thousands of values."""
        given = {name: field for name, field in self.fields.items() if not field.read_only}
        alike = FieldType.accept_json
        return {
            True: {
                name: field.accept if type(field).accept_json is alike else field.accept_json
                for name, field in given.items()
            },
            False: {name: field.accept for name, field in given.items()},
        }

    @cached_property
    def required(self) -> frozenset[str]:
        """Fields that have a value in every record."""
        return frozenset(name for name, field in self.fields.items() if field.spec.required)

    @cached_property
    def locking(self) -> tuple[tuple[str, FieldType[Any]], ...]:
        """Fields of a type whose values may lock a record (T-082)."""
        mute = FieldType.locks_record
        return tuple((name, field) for name, field in self.fields.items() if type(field).locks_record is not mute)

    @cached_property
    def stepwise(self) -> tuple[tuple[str, FieldType[Any]], ...]:
        """Fields of a type that judges what may follow a value (T-086)."""
        mute = FieldType.check_change
        return tuple((name, field) for name, field in self.fields.items() if type(field).check_change is not mute)

    @cached_property
    def has_slug(self) -> bool:
        """`slug` is made from `title` (T-053)."""
        return all(name in self.fields and self.fields[name].family == "text" for name in ("slug", "title"))

    @cached_property
    def is_published(self) -> bool:
        """`status` and `published_at` tell when a record was published (T-083)."""
        status, moment = self.fields.get("status"), self.fields.get("published_at")
        return status is not None and moment is not None and status.family == "select" and moment.name == "datetime"

    @cached_property
    def generated(self) -> tuple[str, ...]:
        """Fields that a language model fills (T-103)."""
        return tuple(name for name, field in self.fields.items() if isinstance(field.options, GeneratedOptions))

    @cached_property
    def computes(self) -> bool:
        """There are fields whose values are not stored."""
        return any(name not in self.column_by_name and field.result() for name, field in self.fields.items())

    @cached_property
    def stands_alone(self) -> bool:
        """What a record says is its own: there are no links to other records, and nothing is computed from them."""
        related = any(getattr(field, "relation", None) is not None for field in self.fields.values())
        return not related and not self.spec.foreign_keys

    @cached_property
    def display_field(self) -> str:
        """The field that stands for a record in pickers and links: the first text of one line, else the number that counts
        the records, else the first text, else the key."""
        texts = [name for name, each in self.fields.items() if each.family == "text"]
        lines = [name for name in texts if self.fields[name].editor != "text"]
        counted = [name for name, each in self.fields.items() if each.name == "autonumber"]
        return next(iter((*lines, *counted, *texts)), self.key.fields[0])


API_NAMES = {"createdAt": "created_at", "updatedAt": "updated_at", "deletedAt": "deleted_at"}


@dataclass(frozen=True)
class AppModel:
    """All tables of an app, by every address they answer to."""

    app: App
    tables: tuple[TableModel, ...]
    junctions: tuple[TableModel, ...] = ()
    """The tables of pairs behind many-to-many links: no tables of the app, but of its database."""

    @cached_property
    def by_address(self) -> Mapping[str, TableModel]:
        """Keyed by id, name and SQL name; enabled tables only."""
        live = self.enabled
        by_name = {table.name: table for table in live.values()}
        return {**live, **by_name, **{table.spec.id: table for table in live.values()}}

    @cached_property
    def enabled(self) -> Mapping[str, TableModel]:
        """The tables that are served, by their names in the database."""
        return {table.sql_name: table for table in self.tables if not table.spec.disabled}

    @cached_property
    def by_sql_name(self) -> Mapping[str, TableModel]:
        """Every table by its name in the database, disabled ones and junctions included."""
        return {table.sql_name: table for table in (*self.junctions, *self.tables)}

    def read_by(self, table: TableModel) -> frozenset[str]:
        """SQL names of the other tables whose records make the computed values and links of this one."""
        found: set[str] = set()
        todo = [(table.sql_name, name) for name in table.fields]
        seen = set(todo)
        while todo:
            here, name = todo.pop()
            field = self.by_sql_name[here].fields.get(name)
            relation = getattr(field, "relation", None)
            if field is None or (relation is None and not field.inputs()):
                continue
            following = {(there or here, each) for there, each in field.inputs()}
            if field.column() is None and relation is not None:
                found.add(relation.target.sql_name)
            found |= {there for there, _ in following}
            todo += following - seen
            seen |= following
        return frozenset(found - {table.sql_name})

    def __iter__(self) -> Iterator[TableModel]:
        return iter(self.tables)
