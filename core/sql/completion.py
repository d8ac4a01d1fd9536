"""What completes a statement: tables, columns, functions and keywords, read from the catalogue once per schema version."""

from functools import partial
from typing import TYPE_CHECKING, Any

from core.contract.console import Completions as Index
from core.contract.console import CompletionTable
from core.sql.statement import OWN_PREFIXES
from core.storage.database import Call, Database, Reader

if TYPE_CHECKING:
    from core.sql.gate import Gate

_TABLES = {
    "duckdb": """
        SELECT c.table_name, v.view_name IS NOT NULL, c.column_name, c.data_type
        FROM duckdb_columns() c
        LEFT JOIN duckdb_views() v ON v.view_oid = c.table_oid AND v.schema_oid = c.schema_oid
        WHERE NOT c.internal AND c.database_name = current_database()
        ORDER BY c.table_name, c.column_index""",
    "postgresql": """
        SELECT c.table_name, t.table_type = 'VIEW', c.column_name, c.data_type
        FROM information_schema.columns c
        JOIN information_schema.tables t USING (table_schema, table_name)
        WHERE c.table_schema = ANY (current_schemas(false))
        ORDER BY c.table_name, c.ordinal_position""",
}
_FUNCTIONS = {
    "duckdb": "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type <> 'pragma' ORDER BY 1",
    "postgresql": """
        SELECT DISTINCT proname FROM pg_proc JOIN pg_type t ON t.oid = prorettype
        WHERE prokind IN ('f', 'a', 'w') AND t.typname NOT IN ('internal', 'trigger', 'event_trigger', 'cstring')
        ORDER BY 1""",
}
_KEYWORDS = {
    "duckdb": "SELECT DISTINCT upper(keyword_name) FROM duckdb_keywords() ORDER BY 1",
    "postgresql": "SELECT upper(word) FROM pg_get_keywords() ORDER BY 1",
}


class Completions:
    """The completion index of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version = 0
        self._index: Index | None = None

    def forget(self) -> None:
        """The schema has changed."""
        self._version += 1
        self._index = None

    async def get(self) -> Index:
        """The index; its `version` rises when the schema has changed."""
        while self._index is None:
            version = self._version
            index = await self._database.read(Call(partial(read_index, version=version)))
            if version == self._version:
                self._index = index
        return self._index


def gated(index: Index, gate: "Gate") -> Index:
    """What completes the statements of a caller who is not above the rules: nothing that it does not see."""
    from core.sql.grammar import COMMON_NAMES, FUNCTIONS

    types = {each["name"]: dict(each["columns"]) for each in index["tables"]}
    tables = [
        CompletionTable(
            name=table.sql_name,
            kind="table",
            columns=[[name, types.get(table.sql_name, {}).get(name, "")] for name in columns],
        )
        for table, columns in gate.tables()
    ]
    known = COMMON_NAMES | {name.lower() for name in FUNCTIONS}
    functions = [name for name in index["functions"] if name in known]
    return Index(version=index["version"], tables=tables, functions=functions, keywords=index["keywords"])


def read_index(reader: Reader, version: int) -> Index:
    tables: dict[str, CompletionTable] = {}
    for name, is_view, column, type_ in reader.rows(_TABLES[reader.dialect]):
        kind: Any = "system" if name.startswith(OWN_PREFIXES) else "view" if is_view else "table"
        tables.setdefault(name, CompletionTable(name=name, kind=kind, columns=[]))["columns"].append([column, type_])
    functions = [row[0] for row in reader.rows(_FUNCTIONS[reader.dialect])]
    return Index(
        version=version,
        tables=list(tables.values()),
        functions=[name for name in functions if name.isidentifier() and not name.startswith("_")],
        keywords=[row[0] for row in reader.rows(_KEYWORDS[reader.dialect])],
    )
