"""Fields joined with their types over the whole app: a link takes the column type of the key it points at, a lookup that of
the field it reads. Used to check an app file as well as to build its model, so nothing here raises for a faulty file."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Protocol

from core.fields.base import FieldType
from core.fields.column import ColumnType
from core.fields.computed import ComputedField, LinkedOptions, LookupField
from core.fields.duration import DurationField, letters_of
from core.fields.key import key_type
from core.fields.link import LinksField, RelationshipField
from core.fields.relation import Relation, all_fields, relation_of
from core.fields.relationship import RelationshipOptions
from core.schema.model import App, FieldOptions, FieldSpec, TableSpec

TIMES = (("created_at", "created-at"), ("updated_at", "updated-at"), ("deleted_at", "deleted-at"))


class Types(Protocol):
    """The field types by name: `core.fields.registry.Registry`."""

    def __getitem__(self, name: str) -> type[FieldType[Any]]: ...

    def make(self, spec: FieldSpec) -> FieldType[Any]: ...

    def options(self, type_name: str) -> type[FieldOptions]: ...


class Binder:
    """The types of all fields of one app, each made when it is first asked for."""

    def __init__(self, app: App, types: Types) -> None:
        self.app = app
        self._types = types
        self._made: dict[tuple[str, str], FieldType[Any]] = {}
        self._making: set[tuple[str, str]] = set()
        self._relations: dict[tuple[str, str], Relation | None] = {}

    @cached_property
    def _fields(self) -> Mapping[str, Mapping[str, FieldSpec]]:
        return {table.sql_name: {spec.name: spec for spec in all_fields(table, self.app)} for table in self.app.tables}

    @cached_property
    def _tables(self) -> Mapping[str, TableSpec]:
        return {table.sql_name: table for table in self.app.tables}

    def names(self, table: TableSpec) -> tuple[str, ...]:
        """All fields of a table: declared, given by links of other tables, automatic."""
        fields = self._fields[table.sql_name]
        automatic = (*table.primary_key.fields, *(name for name, _ in TIMES))
        return (*fields, *(name for name in automatic if name not in fields))

    def fields(self, table: TableSpec) -> Mapping[str, FieldSpec]:
        """Declared ones, then those that links of other tables give."""
        return self._fields[table.sql_name]

    def relation(self, table: TableSpec, name: str, *, reverse: bool = False) -> Relation | None:
        """Where a relationship field leads. With `reverse` the name may be that of a link elsewhere that leads here."""
        spec = self._fields[table.sql_name].get(name)
        if spec is not None:
            key = (table.sql_name, name)
            if key not in self._relations:
                self._relations[key] = relation_of(table, spec, self.app)
            return self._relations[key]
        if not reverse:
            return None
        for other in self.app.tables:
            found = self.relation(other, name) if name in self._fields[other.sql_name] else None
            if found is not None and found.target is table:
                return found.reversed()
        return None

    def type_of(self, table: TableSpec, name: str) -> FieldType[Any] | None:
        """The type of a field or automatic column of a table; None when there is none of that name. `id` always names
        the key (T-024)."""
        if name == "id" and name not in self._fields[table.sql_name]:
            name = table.primary_key.fields[0]
        key = (table.sql_name, name)
        if key in self._made:
            return self._made[key]
        spec = self._fields[table.sql_name].get(name)
        made = self._automatic(table, name) if spec is None else self._bind(table, spec)
        if made is not None and key not in self._making:
            self._made[key] = made
        return made

    def _automatic(self, table: TableSpec, name: str) -> FieldType[Any] | None:
        if name in table.primary_key.fields:
            return key_type(name, table.primary_key)
        type_name = dict(TIMES).get(name)
        if type_name is None:
            return None
        spec = FieldSpec(id=name, name=name, type=type_name, options=self._types.options(type_name)())
        return self._types.make(spec)

    def _bind(self, table: TableSpec, spec: FieldSpec) -> FieldType[Any]:
        options, key = spec.options, (table.sql_name, spec.name)
        if not isinstance(options, RelationshipOptions | LinkedOptions):
            made = self._types.make(spec)
            if isinstance(made, DurationField):
                made.letters = letters_of(self.app.later.get("languages"))
            return made
        if key in self._making:
            # A circle. It is reported by `circle`; here it only has to end.
            return RelationshipField(spec) if isinstance(options, RelationshipOptions) else self._types.make(spec)
        self._making.add(key)
        try:
            return (
                self._link(table, spec, options)
                if isinstance(options, RelationshipOptions)
                else self._computed(table, spec)
            )
        finally:
            self._making.discard(key)

    def _link(self, table: TableSpec, spec: FieldSpec, options: RelationshipOptions) -> FieldType[Any]:
        relation = self.relation(table, spec.name)
        if relation is None:
            return RelationshipField(spec)
        # What the value names: the held column over there, or, read backwards, the key of the other records.
        column = relation.far if relation.holds or relation.junction else relation.target.primary_key.fields[0]
        far = self.type_of(relation.target, column)
        kind = (far and far.column()) or ColumnType("bigint")
        return RelationshipField(spec, kind, relation) if options.is_stored else LinksField(spec, kind, relation)

    def _computed(self, table: TableSpec, spec: FieldSpec) -> FieldType[Any]:
        kind, options = self._types[spec.type], spec.options
        assert isinstance(options, LinkedOptions)
        assert issubclass(kind, ComputedField)
        relation = self.relation(table, options.relationship_field, reverse=kind is LookupField)
        if relation is None:
            return kind(spec)
        name = getattr(options, "related_field", None)
        return kind(spec, relation, None if name is None else self.type_of(relation.target, name))

    def circle(self, table: TableSpec, name: str) -> tuple[str, ...]:
        """The fields through which a computed field is made from itself, as `table.field`; empty when it is not."""
        todo: list[tuple[TableSpec, str, tuple[str, ...]]] = [(table, name, (f"{table.name}.{name}",))]
        seen: set[tuple[str, str]] = set()
        while todo:
            here, field, trail = todo.pop()
            bound = self.type_of(here, field)
            for sql_name, each in sorted(bound.inputs()) if bound else ():
                there = self._tables.get(sql_name) if sql_name else here
                if there is None:
                    continue
                path = (*trail, f"{there.name}.{each}")
                if there is table and each == name:
                    return path
                if (there.sql_name, each) not in seen:
                    seen.add((there.sql_name, each))
                    todo.append((there, each, path))
        return ()
