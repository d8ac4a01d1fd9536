"""How the records of one table lead to those of another: by a column of their own, by a column over there, or by a table
of pairs.

All of it is read from the app file, so that a check can ask before there is a model.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from core.fields.relationship import RelationshipOptions, is_stored, related_table
from core.schema.model import App, FieldSpec, TableSpec
from core.schema.name import fitted, sql_name


@dataclass(frozen=True, slots=True)
class Junction:
    """The table of pairs behind a many-to-many link. `near` holds keys of the table that declares the link, `far` those
    of the other one."""

    id: str
    name: str
    near: str
    far: str


@dataclass(frozen=True, slots=True)
class Relation:
    """From a record of `source` to its records of `target`: where `target.far` equals `source.own`, or where a pair of
    `junction` holds both (`near` is then its column for `source`)."""

    source: TableSpec
    field: FieldSpec
    """The relationship field that says so, of either table."""
    target: TableSpec
    own: str
    far: str
    single: bool
    """At most one record."""
    junction: Junction | None = None
    near: str = ""
    beyond: str = ""

    @property
    def holds(self) -> bool:
        """The source's own column holds the link."""
        return self.junction is None and self.own == self.field.name and is_stored(self.field)

    def reversed(self) -> "Relation":
        """The same way back."""
        assert isinstance(self.field.options, RelationshipOptions)
        one = self.field.options.relation_type == "one-to-one" and self.junction is None
        return Relation(
            source=self.target,
            field=self.field,
            target=self.source,
            own=self.far,
            far=self.own,
            single=one or (not self.holds and self.junction is None),
            junction=self.junction,
            near=self.beyond,
            beyond=self.near,
        )


def relation_of(table: TableSpec, field: FieldSpec, app: App) -> Relation | None:
    """Where a relationship field of a table leads; None when the file does not say it rightly."""
    options = field.options
    if not isinstance(options, RelationshipOptions):
        return None
    target = related_table(options, app)
    if target is None:
        return None
    if options.relation_type == "one-to-many":
        back = held_by(table, options, target)
        found = relation_of(target, back, app) if back else None
        return None if found is None else found.reversed()
    if options.relation_type == "many-to-many":
        return _through_junction(table, field, target, app)
    return Relation(table, field, target, field.name, target_column(options, target), single=True)


def held_by(table: TableSpec, options: RelationshipOptions, target: TableSpec) -> FieldSpec | None:
    """The link of the other table that a one-to-many field reads."""
    for field in target.fields:
        if field.name == options.foreign_key and is_stored(field):
            assert isinstance(field.options, RelationshipOptions)
            return field if _names(field.options.related_table, table) else None
    return None


def target_column(options: RelationshipOptions, target: TableSpec) -> str:
    """The column of the target that a link holds: its key, or a unique field."""
    names = {field.name for field in target.fields} | set(target.primary_key.fields)
    return options.related_field if options.related_field in names else target.primary_key.fields[0]


def reciprocal(table: TableSpec, field: FieldSpec, app: App) -> tuple[TableSpec, FieldSpec] | None:
    """The field of the other table that this many-to-many link shares its pairs with, where that one is declared."""
    options = field.options
    assert isinstance(options, RelationshipOptions)
    target = related_table(options, app)
    if target is None or options.relation_type != "many-to-many":
        return None
    for other in target.fields:
        theirs = other.options
        if (
            isinstance(theirs, RelationshipOptions)
            and theirs.relation_type == "many-to-many"
            and _names(theirs.related_table, table)
            and other is not field
            and (other.name == options.reciprocal_field or theirs.reciprocal_field == field.name)
        ):
            return target, other
    return None


def _through_junction(table: TableSpec, field: FieldSpec, target: TableSpec, app: App) -> Relation | None:
    assert isinstance(field.options, RelationshipOptions)
    for owner, declared, junction in junctions(app):
        if owner is table and declared is field:
            far, key = target_column(field.options, target), table.primary_key.fields[0]
            single = field.options.allow_multiple is False
            return Relation(table, field, target, key, far, single, junction, junction.near, junction.far)
    other = reciprocal(table, field, app)
    if other is None:
        return None
    found = relation_of(other[0], other[1], app)
    return None if found is None else replace(found.reversed(), single=field.options.allow_multiple is False)


def junctions(app: App) -> Iterator[tuple[TableSpec, FieldSpec, Junction]]:
    """The tables of pairs that an app needs, each with the field that declares it first. Two links between the same
    tables have two; the second one's name tells its field."""
    taken: set[str] = set()
    done: set[int] = set()
    for table in app.tables:
        for field in table.fields:
            options = field.options
            if not isinstance(options, RelationshipOptions) or options.relation_type != "many-to-many":
                continue
            target = related_table(options, app)
            if target is None or id(field) in done:
                continue
            other = reciprocal(table, field, app)
            if other:
                done.add(id(other[1]))
            name = fitted(f"{table.sql_name}_{target.sql_name}")
            if name in taken:
                name = fitted(f"{table.sql_name}_{target.sql_name}_{field.name}")
            taken.add(name)
            near, far = f"{singular(table.sql_name)}_id", f"{singular(target.sql_name)}_id"
            if near == far:
                far = f"related_{far}"
            yield table, field, Junction(f"junction:{table.id}.{field.id}", name, fitted(near), fitted(far))


def virtual_fields(table: TableSpec, app: App) -> tuple[FieldSpec, ...]:
    """The fields that links of other tables give this one by `reciprocalField`, those that it declares itself excepted."""
    declared = {field.name for field in table.fields}
    found: dict[str, FieldSpec] = {}
    for other in app.tables:
        for field in other.fields:
            options = field.options
            if not isinstance(options, RelationshipOptions) or options.reciprocal_field is None:
                continue
            name = options.reciprocal_field
            if name in declared or name in found or related_table(options, app) is not table:
                continue
            if options.relation_type == "one-to-many":
                continue  # the other side is the link that it reads
            many = options.relation_type == "many-to-many"
            found[name] = FieldSpec(
                id=f"reciprocal:{other.id}.{field.id}",
                name=name,
                type="relationship",
                options=RelationshipOptions(
                    related_table=other.name,
                    relation_type="many-to-many" if many else "one-to-many",
                    foreign_key=None if many else field.name,
                    reciprocal_field=field.name if many else None,
                    allow_multiple=options.relation_type != "one-to-one",
                ),
            )
    return tuple(found.values())


def all_fields(table: TableSpec, app: App) -> tuple[FieldSpec, ...]:
    """Declared fields, then those that other tables give."""
    return (*table.fields, *virtual_fields(table, app))


def singular(name: str) -> str:
    """`categories` → `category`, `boxes` → `box`, `posts` → `post`, `status` → `status`."""
    if name.endswith("ies") and len(name) > 4:
        return name[:-3] + "y"
    if name.endswith(("sses", "xes", "ches", "shes", "zes")):
        return name[:-2]
    if name.endswith("s") and not name.endswith(("ss", "us", "is")) and len(name) > 2:
        return name[:-1]
    return name


def _names(written: str, table: TableSpec) -> bool:
    return written.strip() == table.name or sql_name(written.strip()) == table.sql_name
