"""What an import is about to do: the file's columns, the fields that they fill, and the rows that did not fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from core.clock import Clock
from core.errors import BadRequest, FieldError, Invalid, SovriumError
from core.fields.link import LinksField
from core.fields.model import API_NAMES, TableModel
from core.records.transfer import Progress
from core.records.validate import Values, accept_new
from core.records.writing import WritableTable
from core.schema.name import sql_name
from core.sentence import say, with_patterns
from core.storage.database import Reader
from core.storage.files import Format, file_columns, file_texts

ERRORS_SHOWN = 100


@dataclass(slots=True)
class Import:
    """One import. `mapping` is field by column of the file; columns that are not in it are left out."""

    target: WritableTable
    path: Path
    format: Format
    mapping: Mapping[str, str]
    columns: Sequence[tuple[str, str]]
    progress: Progress
    clock: Clock
    skip_errors: bool = False
    errors: list[FieldError] = field(default_factory=list)
    rejected: int = 0

    @property
    def table(self) -> TableModel:
        return self.target.table

    def source(self, *, as_json: bool = False) -> str:
        """The SQL of the mapped columns as texts, or as JSON texts where the file has types."""
        not_text = [
            column
            for column, name in self.mapping.items()
            if self.table.fields[name].family in ("number", "date", "checkbox", "link")
        ]
        return file_texts(self.path, self.format, self.columns, list(self.mapping), not_text, as_json=as_json)

    def refuse(self, line: int, errors: Sequence[FieldError], texts: Mapping[str, Any]) -> None:
        """Count and report a row that does not fit. `line` counts rows from 0."""
        self.rejected += 1
        for error in errors[:1]:
            shown = self.line_of(line)
            value = texts.get(error.field)
            self.progress.reject(
                with_patterns({"line": shown, "field": error.field, "message": error.message, "value": value})
            )
            if len(self.errors) < ERRORS_SHOWN:
                self.errors.append(
                    FieldError(
                        error.field,
                        error.code,
                        say("line {line}: {problem}", line=shown, problem=say(error.message)),
                        line,
                    )
                )

    def refuse_row(self, line: int, error: SovriumError, texts: Mapping[str, Any]) -> None:
        """As `refuse`, for what the database says of a row; as the caller may hear it."""
        told = self.target.refusal(error)
        name = str(told.extra.get("field") or "")
        errors = told.errors if isinstance(told, Invalid) else [FieldError(name, "unique", told.message)]
        self.refuse(line, errors, {key: text for key, text in texts.items() if key not in self.target.hidden})

    def line_of(self, line: int) -> int:
        """Rows as people count them: after the header in CSV."""
        return line + (2 if self.format == "csv" else 1)

    def stop_if_refused(self) -> None:
        if self.rejected and not self.skip_errors:
            pattern = (
                "1 row does not fit {table}; nothing was imported"
                if self.rejected == 1
                else "{count:,} rows do not fit {table}; nothing was imported"
            )
            raise Invalid(say(pattern, count=self.rejected, table=self.table.name), self.errors)

    def accept(self, row: Sequence[str | None], line: int) -> Values | None:
        """Values of a row of `source(as_json=True)`, by the field types; None when it was refused."""
        texts: dict[str, Any] = dict(zip(self.mapping.values(), row, strict=True))
        if self.format != "csv":
            try:
                texts = {name: None if text is None else self._value(name, text) for name, text in texts.items()}
            except ValueError:  # Infinity, or NaN within a list
                name = next(name for name, text in texts.items() if text is not None and not _is_json(text))
                error = FieldError(
                    name, "number.not-finite", say("{name} holds a number that is not finite", name=name)
                )
                self.refuse(line, [error], texts)
                return None
        required = self.table.required
        given = {name: text for name, text in texts.items() if text is not None or name not in required}
        try:
            return accept_new(self.table, given, self.clock())
        except Invalid as error:
            self.refuse(line, error.errors, texts)
            return None

    def _value(self, name: str, text: str) -> Any:
        """The value of a JSON text. A number or `true` in a column of texts is text as it stands in the file, as it is when
        the database reads the file by itself."""
        value = orjson.loads(text)
        return text if isinstance(value, bool | int | float) and self.table.fields[name].family == "text" else value


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


def prepare(
    reader: Reader,
    target: WritableTable,
    path: Path,
    format_: Format,
    progress: Progress,
    clock: Clock,
    mapping: Mapping[str, str] | None,
    skip_errors: bool,
) -> Import:
    """Look at the file and check the mapping."""
    columns = file_columns(reader, path, format_)
    names = [name for name, _ in columns]
    chosen = check_mapping(target, names, mapping)
    left = [name for name in names if name not in chosen and not _fills_itself(target, name)]
    if mapping is None and left:
        pattern = "Columns of the file that are no field of {table} were left out: {names}"
        progress.warn(say(pattern, table=target.table.name, names=", ".join(left[:20])))
    return Import(target, path, format_, chosen, columns, progress, clock, skip_errors)


def _fills_itself(target: WritableTable, column: str) -> bool:
    """The engine does it, as the caller knows: a file that an export has written holds it too."""
    if column in target.table.fields:
        return target.table.fields[column].read_only and column not in target.hidden
    return API_NAMES.get(column, column) in target.table.system


def _is_kept(table: TableModel, name: str) -> bool:
    """A column, or links that are kept elsewhere."""
    return name in table.column_by_name or isinstance(table.fields.get(name), LinksField)


def suggest_mapping(target: WritableTable, columns: Sequence[str]) -> dict[str, str]:
    """Field by column where the names say it: the field's name, its label, or what the name would be as a column; in the
    end letters and digits alone (`Web site`, `website`)."""
    names: dict[str, str] = {}
    letters: dict[str, str] = {}
    table = target.table
    for name, field_type in table.fields.items():
        if not field_type.read_only and _is_kept(table, name) and name not in target.locked:
            for known in (sql_name(field_type.spec.label or name), name.lower(), name):
                names.setdefault(known, name)
                letters.setdefault(_letters(known), name)
    found: dict[str, str] = {}
    for column in columns:
        likely = names.get(column) or names.get(column.strip().lower()) or names.get(sql_name(column))
        if likely is not None and likely not in found.values():
            found[column] = likely
    for column in columns:  # a column that says it exactly goes first
        likely = letters.get(_letters(column))
        if column not in found and likely is not None and likely not in found.values():
            found[column] = likely
    return found


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def check_mapping(target: WritableTable, columns: Sequence[str], mapping: Mapping[str, str] | None) -> dict[str, str]:
    """The mapping to use. Raises BadRequest naming what is wrong with the one given."""
    table = target.table
    if mapping is None:
        found = suggest_mapping(target, columns)
        if not found:
            raise BadRequest(
                say("No column of the file is a field of {table}", table=table.name),
                hint=say("It has {names}", names=", ".join(columns[:20])),
            )
        return found
    for column, wanted in mapping.items():
        field_type = table.fields.get(wanted)
        if column not in columns:
            raise BadRequest(
                say("The file has no column {name!r}", name=column),
                hint=say("It has {names}", names=", ".join(columns[:20])),
            )
        if field_type is None or field_type.read_only or not _is_kept(table, wanted) or wanted in target.locked:
            raise BadRequest(say("{table} has no field {name!r} that can be filled", table=table.name, name=wanted))
    if len(set(mapping.values())) < len(mapping):
        raise BadRequest("Two columns are mapped to one field")
    return dict(mapping)
