"""What may be wrong with a relationship field, seen over the whole app file."""

from collections.abc import Iterable, Iterator, Sequence

from core.fields.relation import all_fields, held_by, junctions, reciprocal
from core.fields.relationship import RelationshipOptions, is_stored, label_fields, related_table
from core.schema.model import App, FieldSpec, TableSpec
from core.schema.name import field_name_problem, nearest
from core.schema.shape import show
from core.schema.vocabulary import OptionProblem
from core.sentence import say

_AUTOMATIC = ("id", "created_at", "updated_at", "deleted_at")


def check_relationship(field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
    """All problems of the field, each at its key."""
    options = field.options
    assert isinstance(options, RelationshipOptions)
    target = related_table(options, app)
    if target is None:
        hint = nearest(options.related_table, [each.name for each in app.tables])
        text = say("there is no table {table}", table=show(options.related_table))
        yield OptionProblem("relatedTable", "field.related-table", text, hint)
        return
    match options.relation_type:
        case "one-to-many":
            yield from _check_foreign_key(options, table, target)
        case "many-to-many":
            yield from _check_pairs(field, options, table, target, app)
        case _:
            yield from _check_one(field, options, table, target, app)
    yield from _check_reciprocal(field, options, table, target, app)
    yield from _check_display(options, target, app)
    limit = options.limit_to_view
    if limit is not None and not any(limit in (view.id, view.name) for view in target.views):
        hint = nearest(limit, [view.id for view in target.views])
        yield OptionProblem(
            "limitToView",
            "field.limit-to-view",
            say("{table!r} has no view {value}", table=target.name, value=show(limit)),
            hint,
        )
    if options.prevent_cycles and target is not table:
        text = say("`preventCycles` is for links within one table, and this one leads to {table!r}", table=target.name)
        yield OptionProblem("preventCycles", "field.prevent-cycles", text)


def _check_one(
    field: FieldSpec, options: RelationshipOptions, table: TableSpec, target: TableSpec, app: App
) -> Iterator[OptionProblem]:
    if options.allow_multiple:
        text = say(
            "a {type} link leads to one record; `relationType: many-to-many` leads to several",
            type=options.relation_type,
        )
        yield OptionProblem("allowMultiple", "field.allow-multiple", text)
    if options.foreign_key is not None:
        yield OptionProblem(
            "foreignKey", "field.foreign-key", "only one-to-many links read another table's `foreignKey`"
        )
    yield from _check_target(options, target)
    cycle = _required_cycle(table, field, app)
    if cycle:
        text = say("these required links form a circle: {cycle}; make one of them optional", cycle=" → ".join(cycle))
        yield OptionProblem("", "field.required-cycle", text)


def _check_target(options: RelationshipOptions, target: TableSpec) -> Iterator[OptionProblem]:
    """T-110: the referenced column is the key, or unique."""
    if len(target.primary_key.fields) > 1 and options.related_field == "id":
        text = say("{table!r} has a composite key; name a unique field of it in `relatedField`", table=target.name)
        yield OptionProblem("relatedTable", "field.related-field", text)
        return
    column = options.related_field
    if column in ("id", target.primary_key.fields[0]):
        return
    names = {each.name: each for each in target.fields}
    if column not in names:
        hint = nearest(column, names)
        yield OptionProblem(
            "relatedField",
            "field.related-field",
            say("{table!r} has no field `{column}`", table=target.name, column=column),
            hint,
        )
    elif not any(index.unique and index.fields == (column,) for index in target.indexes):
        text = say(
            "`{column}` of {table!r} is not unique, so a link by it could mean several records",
            column=column,
            table=target.name,
        )
        yield OptionProblem("relatedField", "field.related-field", text)


def _check_foreign_key(options: RelationshipOptions, table: TableSpec, target: TableSpec) -> Iterator[OptionProblem]:
    links = [each.name for each in target.fields if is_stored(each)]
    if options.foreign_key is None:
        hint = say("name one of: {names}", names=", ".join(links)) if links else None
        text = say("a one-to-many link names the link field of {table!r} in `foreignKey`", table=target.name)
        yield OptionProblem("", "field.foreign-key", text, hint)
    elif held_by(table, options, target) is None:
        text = say(
            "{table!r} has no link field `{field}` that leads to {here!r}",
            table=target.name,
            field=options.foreign_key,
            here=table.name,
        )
        yield OptionProblem("foreignKey", "field.foreign-key", text, nearest(options.foreign_key, links))


def _check_pairs(
    field: FieldSpec, options: RelationshipOptions, table: TableSpec, target: TableSpec, app: App
) -> Iterator[OptionProblem]:
    if options.foreign_key is not None:
        yield OptionProblem(
            "foreignKey", "field.foreign-key", "only one-to-many links read another table's `foreignKey`"
        )
    if len(table.primary_key.fields) > 1:
        text = say("{table!r} has a composite key, which many-to-many links cannot hold", table=table.name)
        yield OptionProblem("relationType", "field.related-field", text)
    yield from _check_target(options, target)
    names = {each.sql_name: each.name for each in app.tables}
    for _, declared, junction in junctions(app):
        if declared is field and junction.name in names:
            # T-011
            text = say(
                "the pairs of this link are kept in a table `{junction}`, which is {other!r} already",
                junction=junction.name,
                other=names[junction.name],
            )
            yield OptionProblem("relatedTable", "field.junction", text, "rename that table")


def _check_reciprocal(
    field: FieldSpec, options: RelationshipOptions, table: TableSpec, target: TableSpec, app: App
) -> Iterator[OptionProblem]:
    """T-107"""
    name = options.reciprocal_field
    if name is None:
        return
    problem = field_name_problem(name)
    if problem or name in _AUTOMATIC or name in target.primary_key.fields:
        yield OptionProblem(
            "reciprocalField", "field.reciprocal", problem or say("`{name}` is an automatic column", name=name)
        )
        return
    declared = next((each for each in target.fields if each.name == name), None)
    if declared is not None and not _is_way_back(field, options, table, declared, app):
        text = say(
            "{table!r} has a field `{name}` already, which is not the other side of this link",
            table=target.name,
            name=name,
        )
        yield OptionProblem("reciprocalField", "field.reciprocal", text)
        return
    others = [
        (other, each)
        for other in app.tables
        for each in other.fields
        if isinstance(each.options, RelationshipOptions)
        and each.options.reciprocal_field == name
        and related_table(each.options, app) is target
    ]
    if declared is None and others and others[0][1] is not field:
        first = f"{others[0][0].name}.{others[0][1].name}"
        text = say("{first} gives {table!r} a field `{name}` already", first=first, table=target.name, name=name)
        yield OptionProblem("reciprocalField", "field.reciprocal", text)


def _is_way_back(
    field: FieldSpec, options: RelationshipOptions, table: TableSpec, declared: FieldSpec, app: App
) -> bool:
    theirs = declared.options
    if not isinstance(theirs, RelationshipOptions) or related_table(theirs, app) is not table:
        return False
    if options.relation_type == "many-to-many":
        other = reciprocal(table, field, app)
        return other is not None and other[1] is declared
    if options.relation_type == "one-to-many":
        return declared.name == options.foreign_key
    return theirs.relation_type == "one-to-many" and theirs.foreign_key == field.name


def _check_display(options: RelationshipOptions, target: TableSpec, app: App) -> Iterator[OptionProblem]:
    known = {each.name for each in all_fields(target, app)} | set(_AUTOMATIC) | set(target.primary_key.fields)
    named = label_fields(options.display_field)
    if options.display_field is not None and not named:
        yield OptionProblem("displayField", "field.display-field", "`displayField` names no field")
    for name in named:
        if name not in known:
            text = say("{table!r} has no field `{name}` to show", table=target.name, name=name)
            yield OptionProblem("displayField", "field.display-field", text, nearest(name, known))


def _required_links(table: TableSpec, app: App) -> Iterator[TableSpec]:
    for field in table.fields:
        if is_stored(field) and field.required:
            assert isinstance(field.options, RelationshipOptions)
            target = related_table(field.options, app)
            if target is not None and target is not table:
                yield target


def _required_cycle(table: TableSpec, field: FieldSpec, app: App) -> Sequence[str]:
    """The names of a circle of required links that begins with this field, told once: at the table that comes first
    in the file (T-022)."""
    options = field.options
    assert isinstance(options, RelationshipOptions)
    start = related_table(options, app)
    if not field.required or start is None or start is table:
        return ()
    order = {each.name: number for number, each in enumerate(app.tables)}
    todo = [(start, [table.name, start.name])]
    seen = {start.name}
    while todo:
        here, trail = todo.pop()
        for following in _required_links(here, app):
            if following is table:
                return [*trail, table.name] if order[table.name] == min(order[name] for name in trail) else ()
            if following.name not in seen:
                seen.add(following.name)
                todo.append((following, [*trail, following.name]))
    return ()
