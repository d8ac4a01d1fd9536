"""What is really in the database: our own reading of its catalogue, the same facts for both.

Reflection through the dialect is not used: for DuckDB it answers wrongly without an error.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.storage.database import Reader
from core.storage.ddl import literal, quote

FEW_TABLES = 20
"""Up to so many tables DuckDB is asked for the columns of each: `duckdb_columns()` also binds every view there is, the
hundred of its own among them, which takes 15 ms of the first start."""


@dataclass(frozen=True, slots=True)
class CatalogColumn:
    """A column, with the database's own type name (`DECIMAL(18,4)`, `character varying`)."""

    name: str
    type: str
    nullable: bool
    default: str | None = None


@dataclass(frozen=True, slots=True)
class CatalogIndex:
    """An index that was made by name; keys are not among them. `definition` is its SQL."""

    name: str
    unique: bool
    definition: str


@dataclass(slots=True)
class CatalogTable:
    """A table of the app's schema, columns in order."""

    name: str
    columns: dict[str, CatalogColumn] = field(default_factory=dict)
    indexes: dict[str, CatalogIndex] = field(default_factory=dict)
    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalog:
    tables: Mapping[str, CatalogTable]
    sequences: frozenset[str]

    def __contains__(self, table: object) -> bool:
        return table in self.tables


def table_names(reader: Reader) -> frozenset[str]:
    """The tables alone, for whoever asks only whether one is there: a fifth of the work of `read_catalog`."""
    return frozenset(name for (name,) in reader.rows(_QUERIES[reader.dialect]["tables"]))


def read_catalog(reader: Reader) -> Catalog:
    """All tables of the schema that the engine works in (`main`, or PostgreSQL's current one)."""
    queries = _QUERIES[reader.dialect]
    tables = read_columns(reader)
    for table, name, unique, definition in reader.rows(queries["indexes"]):
        if table in tables:
            tables[table].indexes[name] = CatalogIndex(name, unique, definition)
    for table, columns in reader.rows(queries["keys"]):
        if table in tables:
            tables[table].key = tuple(columns)
    return Catalog(tables, frozenset(name for (name,) in reader.rows(queries["sequences"])))


def read_columns(reader: Reader) -> dict[str, CatalogTable]:
    """The tables with their columns alone: half of the work."""
    queries = _QUERIES[reader.dialect]
    tables = {name: CatalogTable(name) for (name,) in reader.rows(queries["tables"])}
    one_by_one = reader.dialect == "duckdb" and 0 < len(tables) <= FEW_TABLES
    for table, name, type_, nullable, default in reader.rows(_columns_of(tables) if one_by_one else queries["columns"]):
        if table in tables:
            tables[table].columns[name] = CatalogColumn(name, type_, nullable, default)
    return tables


def _columns_of(tables: Iterable[str]) -> str:
    return " UNION ALL ".join(
        f'SELECT {literal(name)}, name, type, NOT "notnull", dflt_value FROM pragma_table_info({literal(quote(name))})'
        for name in tables
    )


Comments = Mapping[tuple[str, str | None], str]
"""By table and column; None for what is said of the table itself."""


def read_comments(reader: Reader) -> Comments:
    """What COMMENT ON has said of tables and their columns."""
    return {(table, column): text for table, column, text in reader.rows(_QUERIES[reader.dialect]["comments"])}


_HERE = "database_name = current_database() AND schema_name = current_schema()"
_QUERIES: Mapping[str, Mapping[str, str]] = {
    "duckdb": {
        "tables": f"SELECT table_name FROM duckdb_tables() WHERE {_HERE} AND NOT temporary ORDER BY table_name",
        "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default FROM duckdb_columns() "
        f"WHERE {_HERE} AND NOT internal ORDER BY table_name, column_index",
        "indexes": f"SELECT table_name, index_name, is_unique, sql FROM duckdb_indexes() WHERE {_HERE} "
        "AND NOT is_primary ORDER BY index_name",
        "keys": "SELECT table_name, constraint_column_names FROM duckdb_constraints() "
        f"WHERE {_HERE} AND constraint_type = 'PRIMARY KEY'",
        "sequences": f"SELECT sequence_name FROM duckdb_sequences() WHERE {_HERE}",
        "comments": f"SELECT table_name, NULL, comment FROM duckdb_tables() WHERE {_HERE} AND comment IS NOT NULL "
        f"UNION ALL SELECT table_name, column_name, comment FROM duckdb_columns() WHERE {_HERE} AND comment IS NOT NULL",
    },
    "postgresql": {
        "tables": "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') "
        "AND relnamespace = current_schema()::regnamespace ORDER BY relname",
        "columns": "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, "
        "pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
        "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') "
        "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum",
        "indexes": "SELECT c.relname::text, x.relname::text, i.indisunique, pg_get_indexdef(i.indexrelid) "
        "FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid "
        "WHERE c.relnamespace = current_schema()::regnamespace AND NOT i.indisprimary AND i.indisvalid ORDER BY x.relname",
        "keys": "SELECT c.relname::text, array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum)) "
        "FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey) "
        "WHERE c.relnamespace = current_schema()::regnamespace AND i.indisprimary GROUP BY c.relname",
        "sequences": "SELECT relname::text FROM pg_class WHERE relkind = 'S' "
        "AND relnamespace = current_schema()::regnamespace",
        "comments": "SELECT c.relname::text, a.attname::text, d.description FROM pg_description d "
        "JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass "
        "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0 "
        "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')",
    },
}
