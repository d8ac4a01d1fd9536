"""A file of data looked at as a table of an app: names, field types, options. The quickest way in for who has a file."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from core.errors import BadRequest
from core.records.importing import files_database
from core.schema.name import MAX_NAME, field_name_problem, sql_name, table_name_problem
from core.storage.database import Call, Reader
from core.storage.ddl import literal, quote
from core.storage.files import Format, file_columns

FORMATS: Mapping[str, Literal["csv", "json", "parquet", "duckdb"]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".ndjson": "json",
    ".jsonl": "json",
    ".parquet": "parquet",
    ".duckdb": "duckdb",
    ".db": "duckdb",
}
CHOICES_AT_MOST = 20
CHOICE_LENGTH = 40
LINE_LENGTH = 255
_AUTOMATIC = ("id", "created_at", "updated_at", "deleted_at")
_EMAIL = r"[^\s@<>()\[\],;:]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
_URL = r"https?://[^\s/]+\S*"


@dataclass(frozen=True, slots=True, kw_only=True)
class InferredField:
    """`column` is its name in the file; `keys` are the type's own keys in the app file."""

    column: str
    name: str
    type: str
    required: bool = False
    unique: bool = False
    keys: Mapping[str, Any] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """The field as an app file says it."""
        out: dict[str, Any] = {"name": self.name, "type": self.type}
        if self.column != self.name:
            out["label"] = self.column
        if self.required:
            out["required"] = True
        if self.unique:
            out["unique"] = True
        return out | dict(self.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class InferredTable:
    """`source` is the table's name in a database file, "" elsewhere. `left_out` are columns that the engine itself fills."""

    name: str
    rows: int
    fields: Sequence[InferredField]
    source: str = ""
    left_out: Sequence[str] = ()

    @property
    def mapping(self) -> dict[str, str]:
        """Field by column, for the import of the same file."""
        return {each.column: each.name for each in self.fields}

    def data(self) -> dict[str, Any]:
        """The table as an app file says it."""
        return {"name": self.name, "fields": [each.data() for each in self.fields]}


def infer(path: Path) -> list[InferredTable]:
    """The tables of a csv, json, parquet or duckdb file. Raises BadRequest for a file that is none of these."""
    path = path.absolute()
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise BadRequest(f"{path.name}: the name does not tell the format", hint="csv, json, parquet or duckdb")
    with closing(files_database(path.parent)) as files:
        work = Call(lambda reader: _tables(reader, path) if kind == "duckdb" else [_of_file(reader, path, kind)])
        return files.submit_read(work, lane="long", deadline=None).result()


def extract(path: Path, table: str, target: Path) -> None:
    """Write one table of a duckdb file as a parquet file in the same folder, ready to be imported."""
    with closing(files_database(path.absolute().parent)) as files:

        def work(reader: Reader) -> None:
            _attach(reader, path.absolute())
            reader.rows(f"COPY source.{quote(table)} TO {literal(str(target))} (FORMAT parquet)")

        files.submit_read(Call(work), lane="long", deadline=None).result()


def _attach(reader: Reader, path: Path) -> None:
    reader.rows(f"ATTACH IF NOT EXISTS {literal(str(path))} AS source (READ_ONLY)")


def _tables(reader: Reader, path: Path) -> list[InferredTable]:
    _attach(reader, path)
    names = reader.rows(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = 'source' AND schema_name = 'main' ORDER BY table_oid"
    )
    if not names:
        raise BadRequest(f"{path.name} holds no tables")
    found: list[InferredTable] = []
    for (name,) in names:
        columns = [(column, kind) for column, kind, *_ in reader.rows(f"DESCRIBE source.{quote(name)}")]
        taken = {sql_name(table.name) for table in found}
        found.append(_table(reader, f"source.{quote(name)}", columns, table_name(name, taken), source_name=name))
    return found


def _of_file(reader: Reader, path: Path, kind: Format) -> InferredTable:
    columns = file_columns(reader, path, kind, whole=True)
    readers = {
        "csv": f"read_csv({literal(str(path))}, header = true, all_varchar = true, sample_size = 20480)",
        "json": f"read_json({literal(str(path))}, sample_size = 20480, maximum_depth = 2, records = true)",
        "parquet": f"read_parquet({literal(str(path))})",
    }
    return _table(reader, readers[kind], columns, table_name(path.stem, ()))


def _table(
    reader: Reader, source: str, columns: Sequence[tuple[str, str]], name: str, *, source_name: str = ""
) -> InferredTable:
    rows = int(reader.scalar(f"SELECT count(*) FROM {source}"))
    fields: list[InferredField] = []
    left_out: list[str] = []
    for column, kind in columns:
        facts = _facts(reader, source, column, kind)
        if sql_name(column) == "id" and _is_count(facts, kind, rows):
            left_out.append(column)
            continue
        taken = {each.name for each in fields}
        type_, keys = _type_of(reader, source, column, kind, facts)
        fields.append(
            InferredField(
                column=column,
                name=field_name(column, taken),
                type=type_,
                required=rows > 0 and facts.filled == rows and not facts.blanks,
                unique=sql_name(column) == "id" and facts.distinct == rows,
                keys=keys,
            )
        )
    return InferredTable(name=name, rows=rows, fields=fields, source=source_name, left_out=left_out)


@dataclass(frozen=True, slots=True)
class _Facts:
    filled: int
    blanks: int
    distinct: int
    longest: int
    lines: bool
    low: Any
    high: Any
    whole: bool


def _facts(reader: Reader, source: str, column: str, kind: str) -> _Facts:
    """What one pass over a column tells. Numbers are compared as numbers, whatever the file holds them as; NaN is none."""
    name, number = quote(column), f"nullif(TRY_CAST({quote(column)}::VARCHAR AS DOUBLE), 'NaN'::DOUBLE)"
    text = f"{name}::VARCHAR"
    is_text = kind == "VARCHAR"
    filled = f"count({name})" if is_text or not _is_number(kind) else f"count({number})"
    row = reader.rows(
        f"SELECT {filled}, count(*) FILTER (trim({text}) = ''), approx_count_distinct({name}), "
        f"coalesce(max(length({text})), 0), coalesce(bool_or(contains({text}, chr(10))), false), "
        f"min({number}), max({number}), coalesce(bool_and({number} = trunc({number})), false) FROM {source}"
    )[0]
    distinct = int(row[2])
    if distinct <= 2 * CHOICES_AT_MOST or sql_name(column) == "id":
        distinct = int(reader.scalar(f"SELECT count(DISTINCT {name}) FROM {source}"))
    return _Facts(row[0], row[1], distinct, row[3], row[4], row[5], row[6], row[7])


def _is_number(kind: str) -> bool:
    return (
        kind in ("FLOAT", "DOUBLE", "HUGEINT", "UHUGEINT")
        or kind.endswith("INT")
        or kind in ("INTEGER", "UINTEGER")
        or kind.startswith("DECIMAL")
    )


def _is_count(facts: _Facts, kind: str, rows: int) -> bool:
    """A column that counts the rows, which is what the engine's own key does."""
    return _is_number(kind) and facts.distinct == rows and facts.filled == rows and (facts.low, facts.high) == (1, rows)


def _type_of(reader: Reader, source: str, column: str, kind: str, facts: _Facts) -> tuple[str, dict[str, Any]]:
    if _is_number(kind):
        return _number_type(kind, facts)
    if kind == "BOOLEAN":
        return "checkbox", {}
    if kind in ("DATE", "TIME"):
        return kind.lower(), {"dateFormat": "ISO"} if kind == "DATE" else {}
    if kind.startswith("TIMESTAMP"):
        return "datetime", {"dateFormat": "ISO"}
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "JSON")):
        return "json", {}
    if kind in ("VARCHAR", "UUID") or kind.startswith("ENUM"):
        return _text_type(reader, source, column, facts)
    return "long-text", {}


def _number_type(kind: str, facts: _Facts) -> tuple[str, dict[str, Any]]:
    largest = max(abs(facts.low or 0), abs(facts.high or 0))
    if facts.whole and not kind.startswith("DECIMAL") and largest < 2**53:
        # A bound beyond 32 bits is what asks for a wide column.
        return "integer", {} if largest < 2**31 else {"min": -(2**53), "max": 2**53}
    if kind.startswith("DECIMAL("):
        scale = int(kind.rstrip(")").split(",")[1])
        return "decimal", {"precision": min(scale, 10)} if scale else {}
    return "decimal", {}


def _text_type(reader: Reader, source: str, column: str, facts: _Facts) -> tuple[str, dict[str, Any]]:
    name = f"{quote(column)}::VARCHAR"
    few = 0 < facts.distinct <= CHOICES_AT_MOST and facts.distinct * 5 <= facts.filled
    if few and facts.longest <= CHOICE_LENGTH and not facts.lines and not facts.blanks:
        values = reader.rows(
            f"SELECT {name} AS v FROM {source} WHERE v IS NOT NULL GROUP BY v ORDER BY count(*) DESC, v"
        )
        if all(value == value.strip() for (value,) in values):
            return "single-select", {"options": [value for (value,) in values]}
    for type_, pattern in (("email", _EMAIL), ("url", _URL)):
        matches = f"bool_and(regexp_full_match({name}, {literal(pattern)}))"
        if facts.filled and reader.scalar(f"SELECT {matches} FROM {source}"):
            return type_, {}
    is_json = f"bool_and(json_valid({name}) AND starts_with(ltrim({name}), '{{'))"
    if facts.filled and reader.scalar(f"SELECT {is_json} FROM {source}"):
        return "json", {}
    return ("long-text" if facts.lines or facts.longest > LINE_LENGTH else "single-line-text"), {}


def field_name(column: str, taken: Sequence[str] | set[str]) -> str:
    """A valid field name made of a column's."""
    name = sql_name(column) or "field"
    if not name[0].isalpha():
        name = f"field_{name}"
    if name in _AUTOMATIC or field_name_problem(name[:MAX_NAME]):
        name = f"source_{name}"
    return _free(name[: MAX_NAME - 4], taken)


def table_name(text: str, taken: Sequence[str] | set[str]) -> str:
    """A valid table name made of a file's."""
    name = sql_name(text) or "records"
    if table_name_problem(name[: MAX_NAME - 8]):
        name = f"data_{name}"
    return _free(name[: MAX_NAME - 8], taken)


def _free(name: str, taken: Sequence[str] | set[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free
