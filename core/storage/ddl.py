"""Neutral DDL operations as SQL text. Names come from the checked app file or the catalogue and are always quoted."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from core.fields.column import ColumnKind, ColumnType
from core.fields.model import Column
from core.schema.model import IndexSpec

DialectName = Literal["duckdb", "postgresql"]
PRECISION, SCALE = 18, 4
"""Digits of a decimal that does not say its own."""

_DUCKDB: Mapping[ColumnKind, str] = {
    "text": "VARCHAR",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMPTZ",
    "json": "JSON",
}
_POSTGRESQL: Mapping[ColumnKind, str] = {
    **_DUCKDB,
    "text": "TEXT",
    "double": "DOUBLE PRECISION",
    "json": "JSONB",
}

_KINDS: Mapping[str, ColumnKind] = {
    **{name: kind for names in (_DUCKDB, _POSTGRESQL) for kind, name in names.items()},
    "CHARACTER VARYING": "text",
    "DECIMAL": "decimal",
    "NUMERIC": "decimal",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    "TIME WITHOUT TIME ZONE": "time",
}
"""By the names that either database gives to a type."""
_SAME = {
    "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE",
    "TIME": "TIME WITHOUT TIME ZONE",
    "VARCHAR": "CHARACTER VARYING",
    "DECIMAL": "NUMERIC",
}
"""Names that databases give to one type."""


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def is_one_of(names: Sequence[str], count: int) -> str:
    """The condition of holding one of so many values in these columns: `"a" IN (?, ?)`, `("a", "b") IN ((?, ?), (?, ?))`."""
    if len(names) == 1:
        return f"{quote(names[0])} IN ({', '.join('?' * count)})"
    row = f"({', '.join('?' * len(names))})"
    return f"({quote_list(names)}) IN ({', '.join([row] * count)})"


def quote_list(names: Iterable[str]) -> str:
    return ", ".join(quote(name) for name in names)


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def type_name(dialect: DialectName, column: ColumnType) -> str:
    """The database's name of a column type."""
    if column.is_list:
        return f"{type_name(dialect, column.item)}[]"
    if column.kind == "decimal":
        name = "DECIMAL" if dialect == "duckdb" else "NUMERIC"
        return f"{name}({column.precision or PRECISION},{SCALE if column.scale is None else column.scale})"
    return (_DUCKDB if dialect == "duckdb" else _POSTGRESQL)[column.kind]


def type_kind(name: str) -> ColumnType | None:
    """The neutral type behind a database's own name, of either dialect; None for what no column of ours is of."""
    stem, _, rest = name.upper().partition("(")
    is_list = name.endswith("[]")
    if is_list:
        stem = stem.removesuffix("[]")
    kind = _KINDS.get(stem.strip())
    if kind is None:
        return None
    digits = rest.partition(")")[0].split(",") if kind == "decimal" and rest else []
    found = ColumnType(kind, *(int(each) for each in digits))
    return found.list if is_list else found


def is_same_type(one: str, other: str) -> bool:
    """Whether two names that databases give are of one type."""
    return _spelled(one) == _spelled(other)


def _spelled(name: str) -> str:
    stem, mark, rest = name.upper().replace(", ", ",").partition("(")
    plain = stem.removesuffix("[]")
    return _SAME.get(plain, plain) + stem[len(plain) :] + mark + rest


def point(column: str) -> str:
    """A place as PostgreSQL's geometry knows it; an index is found by these very words."""
    lng, lat = (
        f"CAST(jsonb_extract_path_text({quote(column)}, '{part}') AS DOUBLE PRECISION)" for part in ("lng", "lat")
    )
    return f"point({lng}, {lat})"


class Ddl:
    """The statements of one dialect."""

    def __init__(self, dialect: DialectName) -> None:
        self.dialect = dialect

    def type_name(self, column: ColumnType) -> str:
        return type_name(self.dialect, column)

    def as_text(self, expression: str) -> str:
        """The value as the database writes it."""
        return f"CAST({expression} AS {self.type_name(ColumnType('text'))})"

    def column(self, column: Column) -> str:
        """A column's definition, as it stands in CREATE TABLE."""
        default = self.default(column)
        return (
            f"{quote(column.name)} {self.type_name(column.type)}"
            f"{f' DEFAULT {default}' if default else ''}{'' if column.nullable else ' NOT NULL'}"
        )

    def default(self, column: Column) -> str:
        """What the database fills in by itself: numbers of a sequence, and the moments of a record."""
        if column.sequence:
            return f"nextval({literal(quote(column.sequence))})"
        is_time = column.automatic and column.type.kind == "timestamp" and column.name != "deleted_at"
        return "now()" if is_time else ""

    def create_table(
        self,
        name: str,
        columns: Sequence[Column],
        key: Sequence[str],
        extra: Sequence[tuple[str, str]] = (),
        checks: Sequence[tuple[str, str]] = (),
    ) -> str:
        """`extra` are columns that somebody added by hand, with the database's own type names; `checks` are names and
        formulas."""
        parts = [self.column(column) for column in columns]
        parts += [f"{quote(column)} {type_}" for column, type_ in extra]
        if key:
            parts.append(f"PRIMARY KEY ({quote_list(key)})")
        parts += [f"CONSTRAINT {quote(check)} CHECK ({sql})" for check, sql in self.checks(checks, columns)]
        return f"CREATE TABLE {quote(name)} ({', '.join(parts)})"

    def checks(self, checks: Sequence[tuple[str, str]], columns: Sequence[Column]) -> list[tuple[str, str]]:
        """Those of the rules that the database can hold, with their SQL."""
        from core.storage.index_condition import index_condition

        found = ((name, index_condition(rule, columns, self.dialect)) for name, rule in checks)
        return [(name, sql) for name, sql in found if sql is not None]

    def drop_check(self, table: str, check: str) -> str:
        return f"ALTER TABLE {quote(table)} DROP CONSTRAINT IF EXISTS {quote(check)}"

    def add_check(self, table: str, check: str, sql: str) -> str:
        return f"ALTER TABLE {quote(table)} ADD CONSTRAINT {quote(check)} CHECK ({sql})"

    def drop_table(self, name: str) -> str:
        return f"DROP TABLE {quote(name)}"

    def rename_table(self, old: str, new: str) -> str:
        return f"ALTER TABLE {quote(old)} RENAME TO {quote(new)}"

    def rename_column(self, table: str, old: str, new: str) -> str:
        return f"ALTER TABLE {quote(table)} RENAME COLUMN {quote(old)} TO {quote(new)}"

    def drop_column(self, table: str, column: str) -> str:
        return f"ALTER TABLE {quote(table)} DROP COLUMN {quote(column)}"

    def add_column(self, table: str, column: Column) -> str:
        return f"ALTER TABLE {quote(table)} ADD COLUMN {self.column(column)}"

    def set_required(self, table: str, column: str, required: bool) -> str:
        return f"ALTER TABLE {quote(table)} ALTER COLUMN {quote(column)} {'SET' if required else 'DROP'} NOT NULL"

    def set_type(self, table: str, column: str, type_: ColumnType, expression: str) -> str:
        return (
            f"ALTER TABLE {quote(table)} ALTER COLUMN {quote(column)} TYPE {self.type_name(type_)} USING {expression}"
        )

    def set_default(self, table: str, column: Column) -> str:
        default = self.default(column)
        action = f"SET DEFAULT {default}" if default else "DROP DEFAULT"
        return f"ALTER TABLE {quote(table)} ALTER COLUMN {quote(column.name)} {action}"

    def create_indexes(self, table: str, indexes: Iterable[IndexSpec], columns: Sequence[Column]) -> list[str]:
        """Those of the indexes that the database can hold, over a table with these columns. The engine judges every unique
        key that has a condition; what is missing here is speed, and PostgreSQL's word where several servers write."""
        texts = (self._create_index(table, index, columns) for index in indexes)
        return [text for text in texts if text]

    def holds(self, index: IndexSpec, columns: Sequence[Column]) -> bool:
        """Whether the database can hold the index; one that it cannot is not missed."""
        return bool(self._create_index("", index, columns))

    def _create_index(self, table: str, index: IndexSpec, columns: Sequence[Column]) -> str:
        nested = not index.unique and any(
            column.name in index.fields and (column.type.is_list or column.type.kind == "json") for column in columns
        )
        on = f"INDEX {quote(index.name)} ON {quote(table)} ({quote_list(index.fields)})"
        if self.dialect == "duckdb":
            # No partial indexes, none of lists (what is in a value is found by scans), and NULLs always differ: the rows
            # outside the trash are only found by a plain one.
            unique = "UNIQUE " if index.unique and not index.live else ""
            return "" if index.where or nested else f"CREATE {unique}{on}"
        if nested and len(index.fields) == 1:
            what = point(index.fields[0]) if index.places else quote(index.fields[0])
            on = f"INDEX {quote(index.name)} ON {quote(table)} USING {'gist' if index.places else 'gin'} ({what})"
        conditions = ["deleted_at IS NULL"] if index.live else []
        if index.where:
            from core.storage.index_condition import index_condition

            condition = index_condition(index.where, columns)
            if condition is None:
                return ""
            conditions.append(f"({condition})")
        same = " NULLS NOT DISTINCT" if index.unique and index.nulls_not_distinct else ""
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"CREATE {'UNIQUE ' if index.unique else ''}{on}{same}{where}"

    def drop_index(self, name: str) -> str:
        return f"DROP INDEX {quote(name)}"

    def create_sequence(self, name: str, start: int) -> str:
        return f"CREATE SEQUENCE {quote(name)} START {start:d}"

    def drop_sequence(self, name: str) -> str:
        return f"DROP SEQUENCE {quote(name)}"
