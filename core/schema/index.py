"""The indexes of a table under their final names (T-041, T-132 to T-138)."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace

from core.schema.form import IndexForm, UniqueForm
from core.schema.model import FieldSpec, IndexSpec
from core.schema.name import fitted

_MAX_COMPOSITE = 60


def table_indexes(
    table: str,
    fields: Sequence[FieldSpec],
    key: Sequence[str],
    declared: Iterable[IndexForm],
    unique: Iterable[UniqueForm],
    *,
    ignores_deleted: bool = False,
) -> tuple[IndexSpec, ...]:
    """Indexes that fields ask for, then those of `unique`, then those of `indexes`. `table` is the SQL name;
    `ignores_deleted`: unique keys are those of the rows outside the trash (T-140).

    A field that is unique needs no second, plain index (T-138), and the key none at all.
    """
    found: list[IndexSpec] = []
    named: dict[str, IndexSpec] = {}  # a name given twice is reported elsewhere
    composite = 0
    entries = list(unique)
    single = {entry.fields[0] for entry in entries if len(entry.fields) == 1 and not _is_named(entry)}
    for field in fields:
        if (field.name,) == tuple(key) or not field.options.is_stored:
            continue
        taken = {index.name for index in found}
        index = field_index(
            table, field, unique=field.unique or field.options.is_unique or field.name in single, taken=taken
        )
        if index:
            found.append(index)
    for entry in entries:
        if len(entry.fields) > 1 or _is_named(entry):
            composite += 1
            name = entry.name or _composite_name(table, entry.fields, composite)
            same = entry.nulls_not_distinct
            named.setdefault(
                name, IndexSpec(name=name, fields=tuple(entry.fields), unique=True, nulls_not_distinct=same)
            )
    for listed in declared:
        index = IndexSpec(name=listed.name, fields=tuple(listed.fields), unique=listed.unique, where=listed.where)
        named.setdefault(index.name, index)
    listed_once = dict.fromkeys([*found, *named.values()])
    return tuple(replace(index, live=index.unique and ignores_deleted) for index in listed_once)


def _is_named(entry: UniqueForm) -> bool:
    """An entry of one field is the same as `unique: true` there, unless it says more."""
    return entry.name is not None or entry.nulls_not_distinct


def field_index(table: str, field: FieldSpec, *, unique: bool, taken: Container[str] = ()) -> IndexSpec | None:
    """The index that one field asks for by `unique`, `indexed` or its type."""
    if unique or field.type == "autonumber":
        return IndexSpec(name=fitted(f"{table}_{field.name}_key"), fields=(field.name,), unique=True)
    if field.type == "relationship":
        return IndexSpec(name=fitted(f"idx_{table}_{field.name}_fk"), fields=(field.name,))
    if not field.indexed:
        return None
    name = fitted(f"idx_{table}_{field.name}")
    status = f"idx_{table}_status"
    if field.type == "status" and status not in taken:
        name = fitted(status)
    return IndexSpec(name=name, fields=(field.name,), places=field.type == "geolocation")


def _composite_name(table: str, fields: Sequence[str], number: int) -> str:
    """`uq_<table>_<f1>_<f2>__<n>`, cut to 60 characters before its number (T-134)."""
    end = f"__{number}"
    return f"uq_{table}_{'_'.join(fields)}"[: _MAX_COMPOSITE - len(end)] + end
