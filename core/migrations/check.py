"""What old rows say against a change. Each check looks before anything is touched and names the rows (D-22)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.fields.address import key_text
from core.fields.base import FieldType, ValueProblem
from core.fields.model import Column, TableModel
from core.migrations.difference import TableChange
from core.migrations.expression import Conversions, Sql, converted, expressions, show
from core.schema.model import IndexSpec
from core.sentence import Sentence, say
from core.storage.database import Reader
from core.storage.ddl import Ddl, quote, quote_list

SHOWN = 20
DISPLAY_ONLY = frozenset(
    {"id", "name", "label", "description", "default", "required", "unique", "indexed", "searchWeight", "storage"}
    | {"dateFormat", "timeFormat", "timeZone", "thousandsSeparator", "negativeFormat", "currency", "style", "color"}
    | {"symbolPosition", "displayFormat", "format", "conditions", "allowTruncate", "split", "renameOptions"}
)
"""Keys of a field that cannot make a stored value wrong."""
_TAKE_ANYTHING = frozenset({"integer", "decimal", "currency", "date", "datetime", "time", "checkbox", "long-text"})
"""Types that, without further keys, take whatever their column holds."""
BY_HAND = "Add a new field, copy the values by SQL, then remove the old one"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a plan cannot run: one sentence, and the rows that stand in the way."""

    table: str
    message: str
    details: tuple[str, ...] = ()
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCheck:
    """Looks at the rows of one table. `before` and `after` are the fields of the old and new snapshot, by id."""

    reader: Reader
    table: TableModel
    change: TableChange
    fills: Mapping[str, Sql]
    conversions: Conversions
    before: Mapping[str, Mapping[str, Any]]
    after: Mapping[str, Mapping[str, Any]]
    validates: bool = True
    """False: `allowUnvalidated`, old rows may break new rules."""

    def refusals(self) -> Iterator[Refusal]:
        change, table = self.change, self.table
        if change.old.key != tuple(_old_name(change, name) for name in change.new.key):
            yield Refusal(
                table.name, say("Other fields would become the key of {table}", table=table.name), hint=BY_HAND
            )
            return
        rows = int(self.reader.scalar(f"SELECT count(*) FROM {self._source}"))
        if rows:
            yield from self._check_added(rows)
            yield from self._check_kept()

    def _check_added(self, rows: int) -> Iterator[Refusal]:
        for column in self.change.added:
            if not (column.nullable or column.sequence or column.name in self.fills):
                yield Refusal(
                    self.table.name,
                    say(
                        "{table}.{column} is required, has no default, and the table has {rows} rows",
                        table=self.table.name,
                        column=column.name,
                        rows=rows,
                    ),
                    hint=say(
                        "Give {column} a default, or add it without `required` and fill it first", column=column.name
                    ),
                )

    def _check_kept(self) -> Iterator[Refusal]:
        """What a value that cannot be carried over would break besides is not told as well."""
        failed: set[str] = set()
        for old, new in self.change.pairs:
            refusal = self._check_conversion(old, new)
            if refusal:
                failed.add(new.name)
                yield refusal
        sound = [(old, new) for old, new in self.change.pairs if new.name not in failed]
        for old, new in sound:
            if not new.nullable and (old.nullable or new.name in self.conversions):
                yield from self._check_empty(old, new)
        for index in self.change.indexes_added:
            if index.unique and _is_plain(index) and not failed & set(index.fields):
                yield from self._check_unique(index)
        for old, new in sound if self.validates else ():
            yield from self._check_rules(old, new)

    @property
    def _source(self) -> str:
        return quote(self.change.old.name)

    @property
    def _keys(self) -> str:
        return quote_list(self.change.old.key)

    def _check_conversion(self, old: Column, new: Column) -> Refusal | None:
        """M-025: values that cannot be carried over, counted, the first of them named."""
        conversion = self.conversions.get(new.name)
        if conversion is None or conversion.missing is None:
            return None
        column = quote(old.name)
        where = f"FROM {self._source} WHERE {conversion.missing(column)}"
        count = int(self.reader.scalar(f"SELECT count(*) {where}"))
        if not count:
            return None
        rows = self.reader.rows(f"SELECT {self._keys}, {column} {where} ORDER BY {self._keys} LIMIT {SHOWN}")
        return Refusal(
            self.table.name,
            say(
                "{count} values of {table}.{column} {what}",
                count=count,
                table=self.table.name,
                column=new.name,
                what=conversion.what,
            ),
            tuple(f"{key_text(row[:-1])}: {show(row[-1])}" for row in rows),
            conversion.hint,
        )

    def _check_empty(self, old: Column, new: Column) -> Iterator[Refusal]:
        conversion = self.conversions.get(new.name)
        if new.name in self.fills or (conversion is not None and conversion.is_late):
            return
        where = f"FROM {self._source} WHERE {converted(self.conversions, old, new)} IS NULL"
        count = int(self.reader.scalar(f"SELECT count(*) {where}"))
        if count:
            rows = self.reader.rows(f"SELECT {self._keys} {where} ORDER BY {self._keys} LIMIT {SHOWN}")
            becomes = say("becomes required") if old.nullable else say("is required")
            yield Refusal(
                self.table.name,
                say(
                    "{table}.{column} {becomes}, but {count} rows have no value",
                    table=self.table.name,
                    column=new.name,
                    becomes=becomes,
                    count=count,
                ),
                tuple(map(key_text, rows)),
                hint=say("Fill them, or give {column} a default", column=new.name),
            )

    def _check_unique(self, index: IndexSpec) -> Iterator[Refusal]:
        early = {name: each for name, each in self.conversions.items() if not each.is_late}  # the others are one to one
        values = expressions(Ddl(self.reader.dialect), self.change, self.fills, early)
        parts = [values[name] for name in index.fields]
        names = [f"v{at}" for at in range(len(parts))]
        selected = ", ".join(f"{part.text} AS {name}" for part, name in zip(parts, names, strict=True))
        parameters = [value for part in parts for value in part.parameters]
        listed = ", ".join(names)
        rows = self.reader.rows(
            f"SELECT {listed}, count(*) AS n FROM (SELECT {selected} FROM {self._source}) AS s "
            f"WHERE {' AND '.join(f'{name} IS NOT NULL' for name in names)} "
            f"GROUP BY {listed} HAVING count(*) > 1 ORDER BY n DESC, {listed} LIMIT {SHOWN}",
            parameters,
        )
        if rows:
            fields = ", ".join(index.fields)
            details = tuple(
                say("{values}: {count} rows", values=", ".join(map(show, row[:-1])), count=row[-1]) for row in rows
            )
            message = say(
                "{table}: {fields} cannot become unique, values occur twice", table=self.table.name, fields=fields
            )
            yield Refusal(self.table.name, message, details)

    def _check_rules(self, old: Column, new: Column) -> Iterator[Refusal]:
        """Options removed, limits tightened, formats changed, another type: every stored value must be acceptable (M-028,
        M-030)."""
        field_type, id_ = self.table.fields.get(new.name), str(new.field_id)
        conversion = self.conversions.get(new.name)
        if field_type is None or field_type.read_only or field_type.family == "link":
            return
        rules = _rules(self.after.get(id_, {}))
        if conversion is None and _rules(self.before.get(id_, {})) == rules:
            return
        if (conversion is not None and conversion.is_late) or (
            field_type.name in _TAKE_ANYTHING and not rules.keys() - {"type", "precision", "includeTime"}
        ):
            return
        value = converted(self.conversions, old, new)
        wrong = self._wrong_values(field_type, value)
        if wrong:
            message = say(
                "{count} values of {table}.{column} break its new rules",
                count=len(wrong),
                table=self.table.name,
                column=new.name,
            )
            hint = say("Change those values first, or set `allowUnvalidated: true` on the table")
            yield Refusal(self.table.name, message, tuple(self._explain(value, wrong)), hint=hint)

    def _wrong_values(self, field_type: FieldType[Any], value: str) -> dict[str, Sentence]:
        """What the values are and why they are wrong, by their text in the database."""
        wrong: dict[str, Sentence] = {}
        text = Ddl(self.reader.dialect).as_text(value)
        sql = f"SELECT {value} AS v, count(*), min({text}) FROM {self._source} WHERE {value} IS NOT NULL GROUP BY v"
        for block in self.reader.stream(sql):
            for stored, count, written in block:
                try:
                    field_type.accept(field_type.to_json(stored))
                except ValueProblem as problem:
                    wrong[written] = say(
                        "{value}: {count} rows ({problem})",
                        value=show(stored), count=count, problem=say(problem.message),
                    )  # fmt: skip
        return wrong

    def _explain(self, value: str, wrong: Mapping[str, Sentence]) -> Iterator[Sentence]:
        """Each wrong value with the records that have it, the first `SHOWN` of both."""
        shown = sorted(wrong, key=lambda text: wrong[text])[:SHOWN]
        text = Ddl(self.reader.dialect).as_text(value)
        marks = ", ".join("?" for _ in shown)
        ids: dict[str, list[str]] = {}
        rows = self.reader.rows(
            f"SELECT {text}, {self._keys} FROM {self._source} WHERE {text} IN ({marks}) "
            f"ORDER BY {self._keys} LIMIT {SHOWN}",
            shown,
        )
        for written, *key in rows:
            ids.setdefault(written, []).append(key_text(key))
        for written in shown:
            known = ids.get(written)
            yield say("{value}, in {ids}", value=wrong[written], ids=", ".join(known)) if known else wrong[written]


def _is_plain(index: IndexSpec) -> bool:
    """What else a unique key says is judged over the rows in their new shape."""
    return not (index.where or index.nulls_not_distinct or index.live)


def _old_name(change: TableChange, new: str) -> str | None:
    return next((old.name for old, column in change.pairs if column.name == new), None)


def _rules(field: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in field.items() if key not in DISPLAY_ONLY}
