"""Link fields: relationship. A link keeps the key of one record of another table."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from core.fields.base import FieldType, ValueProblem
from core.fields.column import ColumnType
from core.fields.number import BIGINT_LIMIT, whole_of
from core.fields.text import text_of
from core.schema.model import App, FieldOptions, FieldSpec, TableSpec
from core.schema.name import nearest, sql_name
from core.schema.shape import show
from core.schema.vocabulary import OptionProblem

ACTIONS = ("cascade", "set-null", "restrict", "no-action")


def _spell(action: Any) -> Any:
    """`SET NULL` is `set-null`."""
    return action.strip().lower().replace(" ", "-").replace("_", "-") if isinstance(action, str) else action


_SPELLINGS = sorted({form for each in ACTIONS for form in (each, each.upper(), each.upper().replace("-", " "))})
Action = Annotated[
    Literal["cascade", "set-null", "restrict", "no-action"],
    BeforeValidator(_spell),
    WithJsonSchema({"type": "string", "enum": _SPELLINGS}),
]
RelationType = Literal["many-to-one", "one-to-one", "one-to-many", "many-to-many"]


class RelationshipOptions(FieldOptions):
    related_table: Annotated[str, Field(min_length=1)]
    relation_type: RelationType = "many-to-one"
    foreign_key: str | None = None
    related_field: str = "id"
    display_field: str | tuple[str, ...] | None = None
    on_delete: Action = "no-action"
    on_update: Action = "no-action"
    reciprocal_field: str | None = None
    allow_multiple: bool | None = None
    limit_to_view: str | None = None
    prevent_cycles: bool = False


def related_table(options: RelationshipOptions, app: App) -> TableSpec | None:
    """The table that a link points at, by its name or SQL name."""
    wanted = options.related_table.strip()
    for table in app.tables:
        if wanted == table.name:
            return table
    for table in app.tables:
        if sql_name(wanted) == table.sql_name:
            return table
    return None


class RelationshipField(FieldType[int | str]):
    """A link to one record of another table, or of its own.

    `key` is the column type of what the link points at; it is known when the app is built.
    """

    name = "relationship"
    family = "link"
    editor = "link"
    takes_default = False
    Options = RelationshipOptions

    def __init__(self, spec: FieldSpec, key: ColumnType | None = None) -> None:
        super().__init__(spec)
        self.key = key or ColumnType("bigint")

    def column(self) -> ColumnType:
        return self.key

    def accept(self, raw: Any) -> int | str | None:
        """A key, `[]` or null; whether the record exists is checked when it is written (T-104)."""
        if raw is None or (isinstance(raw, list) and not raw):
            return None
        if isinstance(raw, list | dict):
            raise ValueProblem("link.one", f"This field links one record: its id is expected, not {show(raw)}")
        if self.key.kind == "text":
            text = text_of(raw).strip()
            if not text:
                raise ValueProblem("link.malformed", "The id of a record is expected, not a blank")
            return text
        try:
            return whole_of(raw, BIGINT_LIMIT)
        except ValueProblem:
            raise ValueProblem("link.malformed", f"The id of a record is a number, not {show(raw)}") from None

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        options = field.options
        assert isinstance(options, RelationshipOptions)
        if options.relation_type != "many-to-one" or options.allow_multiple:
            kind = options.relation_type if options.relation_type != "many-to-one" else "allowMultiple"
            key = "relationType" if options.relation_type != "many-to-one" else "allowMultiple"
            yield OptionProblem(
                key, "schema.field-type-later", f"{kind} links are not built yet; many-to-one links are"
            )
        target = related_table(options, app)
        if target is None:
            hint = nearest(options.related_table, [each.name for each in app.tables])
            text = f"there is no table {show(options.related_table)}"
            yield OptionProblem("relatedTable", "field.related-table", text, hint)
            return
        yield from _check_target(options, target)
        cycle = _required_cycle(table, field, app)
        if cycle:
            text = f"these required links form a circle: {' → '.join(cycle)}; make one of them optional"
            yield OptionProblem("", "field.required-cycle", text)

    def example(self, rng: Random) -> int | str:
        number = rng.randint(1, 50)
        return str(number) if self.key.kind == "text" else number


def _check_target(options: RelationshipOptions, target: TableSpec) -> Iterable[OptionProblem]:
    """T-110: the referenced column is the key, or unique."""
    if len(target.primary_key.fields) > 1 and options.related_field == "id":
        text = f"{target.name!r} has a composite key; name a unique field of it in `relatedField`"
        yield OptionProblem("relatedTable", "field.related-field", text)
        return
    column = options.related_field
    if column in ("id", target.primary_key.fields[0]):
        return
    names = {each.name: each for each in target.fields}
    if column not in names:
        hint = nearest(column, names)
        yield OptionProblem("relatedField", "field.related-field", f"{target.name!r} has no field `{column}`", hint)
    elif not any(index.unique and index.fields == (column,) for index in target.indexes):
        text = f"`{column}` of {target.name!r} is not unique, so a link by it could mean several records"
        yield OptionProblem("relatedField", "field.related-field", text)


def _required_links(table: TableSpec, app: App) -> Iterable[TableSpec]:
    for field in table.fields:
        if isinstance(field.options, RelationshipOptions) and field.required:
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
