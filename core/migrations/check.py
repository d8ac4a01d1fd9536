"""What old rows say against a change. Each check looks before anything is touched and names the rows (D-22)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.fields.base import ValueProblem
from core.fields.column import ColumnType
from core.fields.model import Column, TableModel
from core.migrations.difference import TableChange, can_retype, may_lose
from core.migrations.expression import Sql, expressions, show
from core.schema.model import IndexSpec
from core.storage.database import Reader
from core.storage.ddl import Ddl, quote, quote_list

SHOWN = 20
DISPLAY_ONLY = frozenset(
    {"id", "name", "label", "description", "default", "required", "unique", "indexed", "searchWeight", "storage"}
    | {"dateFormat", "timeFormat", "timeZone", "thousandsSeparator", "negativeFormat", "currency", "style", "color"}
    | {"symbolPosition", "displayFormat", "format", "conditions"}
)
"""Keys of a field that cannot make a stored value wrong."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a plan cannot run: one sentence, and the rows that stand in the way."""

    table: str
    message: str
    details: tuple[str, ...] = ()
    hint: str | None = None


def check_change(
    reader: Reader,
    table: TableModel,
    change: TableChange,
    fills: Mapping[str, Sql],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> Iterator[Refusal]:
    """`before` and `after` are the table's parts of the old and the new snapshot."""
    ddl = Ddl(reader.dialect)
    if change.old.key != tuple(_old_name(change, name) for name in change.new.key):
        yield Refusal(table.name, f"The key of {table.name} would change", hint=_BY_HAND)
        return
    rows = int(reader.scalar(f"SELECT count(*) FROM {quote(change.old.name)}"))
    for old, new in change.retyped:
        yield from _check_type(reader, table, change, old, new)
    if not rows:
        return
    for column in change.added:
        if not (column.nullable or column.sequence or column.name in fills):
            yield Refusal(
                table.name,
                f"{table.name}.{column.name} is required, has no default, and the table has {rows} rows",
                hint=f"Give {column.name} a default, or add it without `required` and fill it first",
            )
    for old, new in change.required:
        if new.name not in fills:
            yield from _check_empty(reader, table, change, old, new)
    for index in change.indexes_added:
        if index.unique and ddl.can_index(index) and not index.where:
            yield from _check_unique(reader, table, change, fills, index)
    yield from _check_rules(reader, table, change, before, after)


_BY_HAND = "Add a new field, copy the values by SQL, then remove the old one"


def _old_name(change: TableChange, new: str) -> str | None:
    return next((old.name for old, column in change.pairs if column.name == new), None)


def _check_type(reader: Reader, table: TableModel, change: TableChange, old: Column, new: Column) -> Iterator[Refusal]:
    name = f"{table.name}.{new.name}"
    if not can_retype(old.type, new.type):
        message = f"{name} cannot change from {old.type.kind} to {new.type.kind} by itself"
        yield Refusal(table.name, message, hint=_BY_HAND)
    elif may_lose(old.type, new.type):
        rows = reader.rows(
            f"SELECT {quote_list(change.old.key)}, {quote(old.name)} FROM {quote(change.old.name)} "
            f"WHERE {_does_not_fit(quote(old.name), new.type)} ORDER BY 1 LIMIT {SHOWN}"
        )
        if rows:
            details = tuple(f"{_record(row[:-1])}: {show(row[-1])}" for row in rows)
            yield Refusal(table.name, f"Values of {name} do not fit {new.type.kind}", details)


def _does_not_fit(column: str, type_: ColumnType) -> str:
    """True for numbers that the new type would round or refuse. Works on both databases."""
    if type_.kind in ("integer", "bigint"):
        limit = 2**31 if type_.kind == "integer" else 2**63
        return f"round({column}, 0) <> {column} OR {column} >= {limit} OR {column} < -{limit}"
    whole = (type_.precision or 18) - (type_.scale or 0)
    wide = f"CAST({column} AS DECIMAL(38, 10))"
    return f"round({wide}, {type_.scale or 0}) <> {wide} OR abs({wide}) >= 1{'0' * whole}"


def _check_empty(reader: Reader, table: TableModel, change: TableChange, old: Column, new: Column) -> Iterator[Refusal]:
    where = f"FROM {quote(change.old.name)} WHERE {quote(old.name)} IS NULL"
    count = int(reader.scalar(f"SELECT count(*) {where}"))
    if count:
        rows = reader.rows(f"SELECT {quote_list(change.old.key)} {where} ORDER BY 1 LIMIT {SHOWN}")
        yield Refusal(
            table.name,
            f"{table.name}.{new.name} becomes required, but {count} rows have no value",
            tuple(_record(row) for row in rows),
            hint=f"Fill them, or give {new.name} a default",
        )


def _check_unique(
    reader: Reader, table: TableModel, change: TableChange, fills: Mapping[str, Sql], index: IndexSpec
) -> Iterator[Refusal]:
    values = expressions(Ddl(reader.dialect), change, fills)
    parts = [values[name] for name in index.fields]
    names = [f"v{at}" for at in range(len(parts))]
    selected = ", ".join(f"{part.text} AS {name}" for part, name in zip(parts, names, strict=True))
    parameters = [value for part in parts for value in part.parameters]
    listed = ", ".join(names)
    rows = reader.rows(
        f"SELECT {listed}, count(*) AS n FROM (SELECT {selected} FROM {quote(change.old.name)}) AS s "
        f"WHERE {' AND '.join(f'{name} IS NOT NULL' for name in names)} "
        f"GROUP BY {listed} HAVING count(*) > 1 ORDER BY n DESC, {listed} LIMIT {SHOWN}",
        parameters,
    )
    if rows:
        fields = ", ".join(index.fields)
        details = tuple(f"{', '.join(show(value) for value in row[:-1])}: {row[-1]} rows" for row in rows)
        yield Refusal(table.name, f"{table.name}: {fields} cannot become unique, values occur twice", details)


def _check_rules(
    reader: Reader, table: TableModel, change: TableChange, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Refusal]:
    """Options removed, limits tightened, formats changed: every stored value must still be acceptable (M-028, M-030)."""
    rules_before = {str(field.get("id")): _rules(field) for field in before.get("fields", ())}
    rules_after = {str(field.get("id")): _rules(field) for field in after.get("fields", ())}
    for old, new in change.pairs:
        field_type, id_ = table.fields.get(new.name), str(new.field_id)
        if field_type is None or old.type.kind != new.type.kind or rules_before.get(id_) == rules_after.get(id_):
            continue
        if field_type.read_only or field_type.family == "link":
            continue
        wrong: list[str] = []
        column, source = quote(old.name), quote(change.old.name)
        sql = f"SELECT {column}, count(*) FROM {source} WHERE {column} IS NOT NULL GROUP BY {column}"
        for block in reader.stream(sql):
            for value, count in block:
                try:
                    field_type.accept(field_type.to_json(value))
                except ValueProblem as problem:
                    wrong.append(f"{show(value)}: {count} rows ({problem.message})")
        if wrong:
            message = f"{len(wrong)} values of {table.name}.{new.name} break its new rules"
            yield Refusal(table.name, message, tuple(sorted(wrong)[:SHOWN]), hint="Change those values first")


def _rules(field: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in field.items() if key not in DISPLAY_ONLY}


def _record(key: tuple[Any, ...]) -> str:
    return "~".join(str(part) for part in key)
