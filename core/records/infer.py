"""A file of data looked at as a table of an app: names, field types, options. The quickest way in for who has a file."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from core.errors import BadRequest
from core.fields.number import WHOLE_DIGITS
from core.schema.name import MAX_NAME, field_name_problem, sql_name, table_name_problem
from core.sentence import say
from core.storage.csv_dialect import CsvDialect, csv_dialect
from core.storage.database import Call, Reader, Row
from core.storage.ddl import literal, quote
from core.storage.engine import files_database
from core.storage.files import NO_VALUE, Format, file_columns, file_rows

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
TOGETHER = 1_000
"""Columns that are looked at in one pass over a file."""
COUNTED_TOGETHER = 100
"""Columns whose values are counted in one pass; each needs megabytes meanwhile."""
CHOICES_AT_MOST = 20
CHOICE_LENGTH = 40
LINE_LENGTH = 255
LARGEST = 10**WHOLE_DIGITS
_AUTOMATIC = ("id", "created_at", "updated_at", "deleted_at")
_NOTHING: Row = (0, 0, 0, 0, 0, False, None, None, False, False)
"""What is known of the columns of a file without rows."""
_EMAIL = r"[^\s@<>()\[\],;:]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)*")
_TIME = r"\d{4}-\d{2}-\d{2}([T ].*)?|\d{1,2}:.*"
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
    """`source` is the table's name in a database file and `schema` its schema there, "" elsewhere. `left_out` are columns
    that the engine itself fills, `notes` what else somebody may not have expected."""

    name: str
    rows: int
    fields: Sequence[InferredField]
    source: str = ""
    schema: str = ""
    left_out: Sequence[str] = ()
    notes: Sequence[str] = ()

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
        what = say("{ending} files", ending=path.suffix) if path.suffix else say("files without an ending")
        raise BadRequest(
            say("{file}: {what} are not read", file=path.name, what=what), hint="csv, json, parquet, duckdb or sqlite"
        )
    with closing(files_database(path.parent)) as files:
        work = Call(lambda reader: _tables(reader, path) if kind == "duckdb" else [_of_file(reader, path, kind)])
        return files.submit_read(work, lane="long", deadline=None).result()


def views(path: Path) -> list[str]:
    """The views of a duckdb file, which are no data."""
    with closing(files_database(path.absolute().parent)) as files:

        def work(reader: Reader) -> list[str]:
            _attach(reader, path.absolute())
            sql = "SELECT view_name FROM duckdb_views() WHERE database_name = 'source' AND NOT internal ORDER BY ALL"
            return [name for (name,) in reader.rows(sql)]

        job: Call[list[str]] = Call(work)
        return files.submit_read(job, lane="long", deadline=None).result()


def extract(path: Path, table: InferredTable, target: Path) -> None:
    """Write one table of a database file as a parquet file in the same folder, ready to be imported."""
    with closing(files_database(path.absolute().parent)) as files:

        def work(reader: Reader) -> None:
            _attach(reader, path.absolute())
            source = _address(table.schema, table.source)
            reader.rows(f"COPY {source} TO {literal(str(target))} (FORMAT parquet)")

        files.submit_read(Call(work), lane="long", deadline=None).result()


def _attach(reader: Reader, path: Path) -> None:
    reader.rows(f"ATTACH IF NOT EXISTS {literal(str(path))} AS source (READ_ONLY)")


def _address(schema: str, table: str) -> str:
    return f"source.{quote(schema)}.{quote(table)}"


def _tables(reader: Reader, path: Path) -> list[InferredTable]:
    """The tables of all schemas; those outside of `main` carry the name of their schema before their own."""
    _attach(reader, path)
    names = reader.rows(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'source' AND NOT internal "
        "ORDER BY schema_name <> 'main', schema_name, table_oid"
    )
    if not names:
        raise BadRequest(say("{file} holds no tables", file=path.name))
    found: list[InferredTable] = []
    for schema, name in names:
        source = _address(schema, name)
        columns = [(column, kind) for column, kind, *_ in reader.rows(f"DESCRIBE {source}")]
        taken = {sql_name(table.name) for table in found}
        full = name if schema == "main" else f"{schema}_{name}"
        found.append(_table(reader, source, columns, table_name(full, taken), source_name=name, schema=schema))
    return found


def _of_file(reader: Reader, path: Path, kind: Format) -> InferredTable:
    columns = file_columns(reader, path, kind, whole=True)
    found = _table(reader, file_rows(path, kind), columns, table_name(path.stem, ()))
    return replace(found, notes=tuple(_csv_notes(csv_dialect(path)))) if kind == "csv" else found


def _csv_notes(dialect: CsvDialect) -> Iterator[str]:
    if dialect.titles:
        yield f"passed over what stands above the names: {' / '.join(dialect.titles)}"
    if any(_NUMBER.fullmatch(name.strip()) for name in dialect.names):
        yield f"took the first line for names, though it looks like data: {', '.join(dialect.names)}"


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the source. `text` is the SQL of its value as text."""

    name: str
    kind: str

    @property
    def text(self) -> str:
        return f"({quote(self.name)} ->> '$')" if self.kind == "JSON" else f"{quote(self.name)}::VARCHAR"


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
    nested: bool
    counted: Mapping[str, int] | None = None
    """How often each value is there, where there are few."""


def _table(
    reader: Reader, source: str, found: Sequence[tuple[str, str]], name: str, *, source_name: str = "", schema: str = ""
) -> InferredTable:
    columns = [_Column(column, kind) for column, kind in found]
    rows = int(reader.scalar(f"SELECT count(*) FROM {source}"))
    facts = _facts(reader, source, columns)
    left_out = [
        column.name
        for column in columns
        if sql_name(column.name) == "id" and _is_count(facts[column.name], column.kind, rows)
    ]
    columns = [column for column in columns if column.name not in left_out]
    types = _types(reader, source, columns, facts)
    fields: list[InferredField] = []
    taken: set[str] = set()
    for column in columns:
        known = facts[column.name]
        type_, keys = types[column.name]
        fields.append(
            InferredField(
                column=column.name,
                name=field_name(column.name, taken),
                type=type_,
                # An empty list or object counts as no value.
                required=rows > 0 and known.filled == rows and not known.blanks and type_ != "json",
                unique=sql_name(column.name) == "id" and known.distinct == rows,
                keys=keys,
            )
        )
        taken.add(fields[-1].name)
    return InferredTable(name=name, rows=rows, fields=fields, source=source_name, schema=schema, left_out=left_out)


def _each(
    reader: Reader, source: str, columns: Sequence[_Column], terms: Sequence[str], together: int = TOGETHER
) -> dict[str, Row]:
    """Aggregates of `value`, and of `kind` in JSON, by column. The columns stand below each other for it: a term for each of
    a thousand columns takes DuckDB minutes to plan, and a pass for each minutes to read."""
    answers: dict[str, Row] = {}
    for start in range(0, len(columns), together):
        asked = columns[start : start + together]
        names = ", ".join(literal(column.name) for column in asked)
        values = ", ".join(column.text for column in asked)
        kinds = ", ".join(f"json_type({quote(c.name)})" if c.kind == "JSON" else "NULL" for c in asked)
        rows = reader.rows(
            f"SELECT name, {', '.join(terms)} FROM (SELECT unnest([{names}]) AS name, unnest([{values}]) AS value, "
            f"unnest([{kinds}]::VARCHAR[]) AS kind FROM {source}) GROUP BY name"
        )
        answers |= {row[0]: row[1:] for row in rows}
    return answers


def _facts(reader: Reader, source: str, columns: Sequence[_Column]) -> dict[str, _Facts]:
    """What a pass over the columns tells. Numbers are compared as numbers, whatever the file holds them as; NaN is none."""
    number = "nullif(TRY_CAST(value AS DOUBLE), 'NaN'::DOUBLE)"
    terms = (
        f"count({number})",
        "count(value)",
        "count(*) FILTER (trim(value) = '')",
        "approx_count_distinct(value)",
        "coalesce(max(length(value)), 0)",
        "coalesce(bool_or(contains(value, chr(10))), false)",
        f"min({number})",
        f"max({number})",
        f"coalesce(bool_and({number} = trunc({number})), false)",
        "coalesce(bool_or(kind IN ('ARRAY', 'OBJECT')), false)",
    )
    rows = _each(reader, source, columns, terms)
    found = {}
    for column in columns:
        numbers, texts, *rest = rows.get(column.name, _NOTHING)
        found[column.name] = _Facts(numbers if _is_number(column.kind) else texts, *rest)
    # A histogram of few values is small; the hash table behind a count of distinct ones is not, a hundred times.
    few = [each for each in columns if found[each.name].distinct <= 2 * CHOICES_AT_MOST]
    counts = _each(reader, source, few, ["histogram(value)"], COUNTED_TOGETHER)
    for name, (counted,) in counts.items():
        found[name] = replace(found[name], distinct=len(counted or ()), counted=counted or {})
    for column in columns:
        if sql_name(column.name) == "id" and column not in few:
            distinct = reader.scalar(f"SELECT count(DISTINCT {column.text}) FROM {source}")
            found[column.name] = replace(found[column.name], distinct=int(distinct))
    return found


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


def _types(
    reader: Reader, source: str, columns: Sequence[_Column], facts: Mapping[str, _Facts]
) -> dict[str, tuple[str, dict[str, Any]]]:
    """The field type of each column with its keys."""
    types: dict[str, tuple[str, dict[str, Any]]] = {}
    texts: list[_Column] = []
    strange = _strange_times(reader, source, columns)
    for column in columns:
        known = None if column.name in strange else _known_type(column.kind, facts[column.name])
        if known is None:
            texts.append(column)
        else:
            types[column.name] = known
    return types | _text_types(reader, source, texts, facts)


def _strange_times(reader: Reader, source: str, columns: Sequence[_Column]) -> set[str]:
    """Columns of days and times that DuckDB can read and fields cannot: 13/02/2024, of which nobody can tell whether others
    of the column begin with the day, or years of five digits. They are texts."""
    times = [column for column in columns if column.kind.startswith(("DATE", "TIME"))]
    nothing = "|".join(map(re.escape, NO_VALUE))
    found = _each(reader, source, times, [f"bool_and(regexp_full_match(value, {literal(f'({_TIME}|{nothing})?')}))"])
    return {name for name, (fits,) in found.items() if fits is False}


def _known_type(kind: str, facts: _Facts) -> tuple[str, dict[str, Any]] | None:
    """What the kind of a column tells; None for texts, whose values must be looked at. A column of JSON that holds numbers
    beside texts, and no structure, is one of texts."""
    if _is_number(kind):
        return _number_type(kind, facts)
    if kind == "BOOLEAN":
        return "checkbox", {}
    if kind in ("DATE", "TIME"):
        return kind.lower(), {"dateFormat": "ISO"} if kind == "DATE" else {}
    if kind.startswith("TIMESTAMP"):
        return "datetime", {"dateFormat": "ISO"}
    if kind == "JSON":
        return ("json", {}) if facts.nested or not facts.filled else None
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP")):
        return "json", {}
    return None if kind in ("VARCHAR", "UUID") or kind.startswith("ENUM") else ("long-text", {})


def _number_type(kind: str, facts: _Facts) -> tuple[str, dict[str, Any]] | None:
    """None for what no number field holds."""
    largest = max(abs(facts.low or 0), abs(facts.high or 0))
    if largest >= LARGEST:
        return None
    if not facts.filled and kind.endswith(("INT", "INTEGER")):
        return "integer", {}
    if facts.whole and not kind.startswith("DECIMAL") and largest < 2**53:
        # A bound beyond 32 bits is what asks for a wide column.
        return "integer", {} if largest < 2**31 else {"min": -(2**53), "max": 2**53}
    if kind.startswith("DECIMAL("):
        scale = int(kind.rstrip(")").split(",")[1])
        return "decimal", {"precision": min(scale, 10)} if scale else {}
    return "decimal", {}


def _text_types(
    reader: Reader, source: str, columns: Sequence[_Column], facts: Mapping[str, _Facts]
) -> dict[str, tuple[str, dict[str, Any]]]:
    types: dict[str, tuple[str, dict[str, Any]]] = {}
    for column in columns:
        counted = facts[column.name].counted
        if counted and _may_be_choice(facts[column.name]) and all(value == value.strip() for value in counted):
            by_number = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
            types[column.name] = "single-select", {"options": [value for value, _ in by_number]}
    free = [each for each in columns if each.name not in types]

    terms = (
        f"bool_and(regexp_full_match(value, {literal(_EMAIL)}))",
        f"bool_and(regexp_full_match(value, {literal(_URL)}))",
        "bool_and(json_valid(value) AND starts_with(ltrim(value), '{'))",
    )
    found = _each(reader, source, free, terms)
    for name in (column.name for column in free):
        known, matches = facts[name], found.get(name, ())
        plain = "long-text" if known.lines or known.longest > LINE_LENGTH else "single-line-text"
        kinds = zip(("email", "url", "json"), matches or (False,) * 3, strict=True)
        types[name] = next((kind for kind, fits in kinds if known.filled and fits), plain), {}
    return types


def _may_be_choice(facts: _Facts) -> bool:
    few = 0 < facts.distinct <= CHOICES_AT_MOST and facts.distinct * 5 <= facts.filled
    return few and facts.longest <= CHOICE_LENGTH and not facts.lines and not facts.blanks


def field_name(column: str, taken: Sequence[str] | set[str]) -> str:
    """A valid field name made of a column's."""
    name = sql_name(_latin(column)) or "field"
    if not name[0].isalpha():
        name = f"field_{name}"
    if name in _AUTOMATIC or field_name_problem(name[:MAX_NAME]):
        name = f"source_{name}"
    return _free(name[: MAX_NAME - 4], taken)


def table_name(text: str, taken: Sequence[str] | set[str]) -> str:
    """A valid table name made of a file's."""
    name = sql_name(_latin(text)) or "records"
    if table_name_problem(name[: MAX_NAME - 8]):
        name = f"data_{name}"
    return _free(name[: MAX_NAME - 8], taken)


def _latin(text: str) -> str:
    """`Größe` → `grosse`; what has no Latin letters is left out."""
    return unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()


def _free(name: str, taken: Sequence[str] | set[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free
