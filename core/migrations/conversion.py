"""How stored values become values of another type (spec §12.6): one SQL expression per pair of types, for both databases.

An expression gives NULL for what cannot be carried over, so that those values can be counted and named before anything
is touched (M-026). A blank text says nothing and becomes no value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.fields.column import ColumnKind, ColumnType
from core.fields.model import Column
from core.formulas.sql_text import JSON_TEXT
from core.migrations.difference import digits, stored
from core.sentence import say
from core.storage.ddl import Ddl, literal

Expression = Callable[[str], str]
"""From a reference to the stored value to SQL."""
Options = Mapping[str, Any]
"""A field as the app file says it: `type` and the type's own keys. Empty for an automatic column."""

NUMBERS: frozenset[ColumnKind] = frozenset({"integer", "bigint", "decimal"})
_SCALARS = NUMBERS | {"double", "boolean", "date", "time", "timestamp"}
_SHORT = frozenset({"single-line-text", "email", "url", "phone-number", "color", "barcode"})
SHORT_LIMIT = 255
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
_OFFSET = r"([zZ]| ?[+-][0-9]{2}(:?[0-9]{2})?)"
_CHOICES = frozenset({"single-select", "status"})
_NOT_FROM_TEXT = frozenset({"relationship", "duration", "autonumber"})
_ITEMS: Mapping[str, str] = {
    "text-list": ".*",
    "integer-list": "[+-]?[0-9]+",
    "bigint-list": "[+-]?[0-9]+",
    "decimal-list": r"[+-]?[0-9]+(\.[0-9]+)?",
    "boolean-list": "true|false",
    "date-list": _DATE,
}
"""Lists, and how an item of them is written."""
_ONE_FILE, _MANY_FILES = "single-attachment", "multiple-attachments"


class NotConvertible(Exception):
    """There is no rule for this pair of types; the message says more where there is more to say."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """`value` gives the new value, `missing` is true where there is something to carry but `value` gives nothing."""

    value: Expression
    missing: Expression | None = None
    what: str = ""
    """What is wrong with values that cannot be carried: `are longer than 255 characters`."""
    hint: str | None = None
    has_query: bool = False
    """The expression holds a SELECT, which an ALTER TABLE of PostgreSQL takes only inside a function."""
    is_late: bool = False
    """It reads what the migration itself makes, so nothing can be looked at before; it leads one to one."""


def conversion(
    ddl: Ddl, old: Column, new: Column, before: Options, after: Options, *, backwards: bool = False
) -> Conversion | None:
    """The way from one column to another; None when values stay as they are. Raises NotConvertible.

    `backwards`: a rollback, which also undoes what is allowed in one direction alone."""
    if backwards:
        after = {"split": before.get("split"), "renameOptions": _inverted(before), **after}
    return _Converter(ddl, old.type, new.type, before, after, backwards).find()


def _inverted(field: Options) -> dict[str, str]:
    return {str(new): str(old) for old, new in (field.get("renameOptions") or {}).items()}


class _Converter:
    def __init__(
        self, ddl: Ddl, old: ColumnType, new: ColumnType, before: Options, after: Options, backwards: bool
    ) -> None:
        self.backwards = backwards
        self.ddl = ddl
        self.is_duckdb = ddl.dialect == "duckdb"
        self.old = old
        self.new = new
        self.before = before
        self.after = after
        self.truncates = bool(after.get("allowTruncate"))
        self.type_name = ddl.type_name(new)

    def find(self) -> Conversion | None:
        old, new = self.old.kind, self.new.kind
        if (old, new) == ("text", "text"):
            return self._text_to_text()
        if old in NUMBERS and new in NUMBERS:
            return None if stored(self.old) == stored(self.new) else self._number_to_number()
        if old == new:
            return self._same_kind()
        if new == "text":
            return self._to_text()
        if old == "text":
            return self._from_text()
        return self._between(old, new)

    def _between(self, old: str, new: str) -> Conversion:
        if old == "boolean" and new in NUMBERS:
            return Conversion(lambda x: f"CAST(CASE WHEN {x} THEN 1 WHEN NOT {x} THEN 0 END AS {self.type_name})")
        if old in NUMBERS and new == "boolean" and self.backwards:
            return Conversion(
                lambda x: f"(CASE WHEN {x} = 1 THEN true WHEN {x} = 0 THEN false END)",
                lambda x: f"{x} NOT IN (0, 1)",
                say("are neither 1 nor 0"),
            )
        if (old, new) == ("date", "timestamp"):
            zone = self._zone(self.after)
            return Conversion(lambda x: f"(CAST({x} AS TIMESTAMP) AT TIME ZONE {zone})")
        if (old, new) == ("timestamp", "date"):
            return self._instant_to_date()
        if old in _ITEMS and new == "json":
            return Conversion(self._to_json)
        if old == "json" and new in _ITEMS:
            return self._json_to_list(lambda x: x)
        raise NotConvertible

    # Texts.

    def _text_to_text(self) -> Conversion | None:
        renames = self._renamed_options()
        if renames:
            return Conversion(lambda x: _case(x, renames))
        kind, known = self.after.get("type"), self.before.get("type")
        if kind == known and self.before.get("maxLength") == self.after.get("maxLength"):
            return None
        clean: Expression = lambda x: x  # noqa: E731
        if kind in ("email", "color", "url", "single-line-text") and kind != known:
            function = {"email": "lower", "color": "upper"}.get(str(kind), "")
            clean = lambda x: f"{function}({self._trim(x)})"  # noqa: E731
        limit = self._limit()
        if limit is None:
            return Conversion(clean) if kind in ("email", "color", "url") else None
        if self.truncates:
            return Conversion(lambda x: self._trim(f"left({clean(x)}, {limit})"))
        return Conversion(
            clean,
            lambda x: f"length({clean(x)}) > {limit}",
            say("are longer than {limit} characters", limit=limit),
            say("`allowTruncate: true` on the field cuts them"),
        )

    def _limit(self) -> int | None:
        longest = self.after.get("maxLength")
        if isinstance(longest, int):
            return longest
        return SHORT_LIMIT if self.after.get("type") in _SHORT else None

    def _renamed_options(self) -> dict[str, str]:
        """`renameOptions` (M-030), where the old name has just left the options."""
        had, has = _options(self.before), _options(self.after)
        named: Mapping[str, Any] = self.after.get("renameOptions") or {}
        return {str(old): str(new) for old, new in named.items() if str(old) in had and str(old) not in has}

    def _trim(self, text: str) -> str:
        return f"trim({text}, ' ' || chr(9) || chr(10) || chr(13))"

    def _blank(self, text: str) -> str:
        return f"NULLIF({self._trim(text)}, '')"

    def _to_text(self) -> Conversion:
        old = self.old.kind
        if old == "timestamp" and self.is_duckdb:
            return Conversion(lambda x: f"strftime({x}, '%Y-%m-%dT%H:%M:%S.%gZ')")
        if old == "timestamp":
            return Conversion(lambda x: f"to_char({x} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')")
        if self.before.get("type") == "decimal" and not self.before.get("precision"):
            return Conversion(lambda x: f"rtrim(rtrim(CAST({x} AS {self.type_name}), '0'), '.')")
        if old in _SCALARS:
            return Conversion(lambda x: f"CAST({x} AS {self.type_name})")
        if old in _ITEMS:
            return self._list_to_text()
        if old == "json":
            return self._json_to_text()
        raise NotConvertible

    def _list_to_text(self) -> Conversion:
        if self.after.get("type") in _CHOICES:
            length = "len" if self.is_duckdb else "cardinality"
            return Conversion(
                lambda x: f"({x})[1]",
                lambda x: f"{length}({x}) > 1",
                say("have more than one option"),
                say("Leave one option in each record first"),
            )
        separator = self._separator()
        if separator is not None:
            return Conversion(lambda x: f"array_to_string({x}, {separator})")
        return Conversion(lambda x: self._json_text(self._to_json(x)))

    def _json_to_text(self) -> Conversion:
        separator = self._separator()
        if separator is None:
            return Conversion(self._json_text)
        what, hint = say("are not lists"), say("Without `split` they become JSON text")
        if self.is_duckdb:
            return Conversion(
                lambda x: f"array_to_string(TRY_CAST({x} AS VARCHAR[]), {separator})",
                lambda x: f"json_type({x}) <> 'ARRAY'",
                what,
                hint,
            )
        return Conversion(
            lambda x: (
                f"(CASE WHEN jsonb_typeof({x}) = 'array' THEN (SELECT coalesce(string_agg(e.item, {separator} "
                f"ORDER BY e.at), '') FROM jsonb_array_elements_text({x}) WITH ORDINALITY AS e(item, at)) END)"
            ),
            lambda x: f"jsonb_typeof({x}) <> 'array'",
            what,
            hint,
            has_query=True,
        )

    def _json_text(self, json: str) -> str:
        return f"CAST({json} AS {self.type_name})" if self.is_duckdb else JSON_TEXT.format(json)

    def _to_json(self, x: str) -> str:
        return f"to_json({x})" if self.is_duckdb else f"to_jsonb({x})"

    def _separator(self) -> str | None:
        given = self.after.get("split")
        return literal(given) if isinstance(given, str) and given else None

    def _from_text(self) -> Conversion:
        """Each kind by a pattern that says what is meant, then by the database's own reading of it."""
        kind = self.new.kind
        if kind in NUMBERS and (self.backwards or self.after.get("type") not in _NOT_FROM_TEXT):
            return self._text_to_number()
        if kind == "boolean":
            return self._text_to_boolean()
        if kind == "date":
            return self._text_by_pattern(_DATE, "DATE", say("are not days such as 2026-02-28"))
        if kind == "time":
            return self._text_by_pattern(_CLOCK, "TIME", say("are not times such as 14:30"))
        if kind == "timestamp":
            return self._text_to_instant()
        if kind == "json":
            return self._text_to_json()
        if kind in _ITEMS:
            return self._text_to_list()
        raise NotConvertible

    def _text_by_pattern(self, pattern: str, type_: str, what: str) -> Conversion:
        def value(x: str) -> str:
            return self._quickly(x, type_, self._attempt(self._blank(x), pattern, type_))

        return self._checked(value, what)

    def _checked(self, value: Expression, what: str, hint: str | None = None, has_query: bool = False) -> Conversion:
        return Conversion(
            value, lambda x: f"{value(x)} IS NULL AND {self._blank(x)} IS NOT NULL", what, hint, has_query
        )

    def _quickly(self, x: str, type_: str, carefully: str) -> str:
        """What the database would write itself needs no pattern: ten times as fast where most values are such."""
        if not self.is_duckdb:
            return carefully
        cast = f"TRY_CAST({x} AS {type_})"
        return f"(CASE WHEN CAST({cast} AS VARCHAR) = {x} THEN {cast} ELSE {carefully} END)"

    def _matches(self, text: str, pattern: str) -> str:
        if self.is_duckdb:
            return f"regexp_full_match({text}, {literal(pattern)})"
        return f"({text} ~ {literal(f'^({pattern})$')})"

    def _attempt(self, text: str, pattern: str, type_: str, part: str | None = None) -> str:
        """NULL where the text (or the part that is read) is not of the form, or names what is not there (30 February)."""
        read = part or text
        if self.is_duckdb:
            return f"(CASE WHEN {self._matches(text, pattern)} THEN TRY_CAST({read} AS {type_}) END)"
        valid = f"{self._matches(text, pattern)} AND pg_input_is_valid({read}, {literal(type_)})"
        return f"(CASE WHEN {valid} THEN CAST({read} AS {type_}) END)"

    def _text_to_number(self) -> Conversion:
        scale = digits(self.new)[1]
        lost = "[0-9]*" if self.truncates else "0*"
        form = rf"[+-]?[0-9]+(\.[0-9]{{0,{scale}}}{lost})?"
        kept = rf"^[+-]?[0-9]+(\.[0-9]{{0,{scale}}})?" if scale else "^[+-]?[0-9]+"

        def value(x: str) -> str:
            text = self._blank(x)
            if self.is_duckdb:
                part = f"regexp_extract({text}, {literal(kept)})"
            else:
                part = f"substring({text} from {literal(kept.replace('(', '(?:'))})"
            return self._quickly(x, self.type_name, self._attempt(text, form, self.type_name, part))

        wanted = say("whole numbers")
        if scale:
            wanted = say("numbers with at most {scale} digits behind the point", scale=scale)
        hint = say("`allowTruncate: true` drops further digits")
        return self._checked(value, say("are not {wanted} that fit", wanted=wanted), hint)

    def _text_to_boolean(self) -> Conversion:
        def value(x: str) -> str:
            word = f"lower({self._trim(x)})"
            return f"(CASE WHEN {word} IN ('true', '1', 'yes') THEN true WHEN {word} IN ('false', '0', 'no') THEN false END)"

        return self._checked(value, say("are none of true, false, 1, 0, yes, no"))

    def _text_to_instant(self) -> Conversion:
        zone = self._zone(self.after)

        def value(x: str) -> str:
            text = self._blank(x)
            local = self._attempt(text, f"{_DATE}([T ]{_CLOCK})?", "TIMESTAMP")
            exact = self._attempt(text, f"{_DATE}[T ]{_CLOCK}{_OFFSET}", "TIMESTAMPTZ")
            return f"date_trunc('milliseconds', coalesce({exact}, {local} AT TIME ZONE {zone}))"

        return self._checked(value, say("are not moments such as 2026-02-28T14:30:00Z"))

    def _text_to_json(self) -> Conversion:
        separator = self._separator()
        if separator is not None:
            split = self._split(separator)
            return Conversion(lambda x: self._to_json(split(x)), has_query=not self.is_duckdb)

        def value(x: str) -> str:
            text = self._blank(x)
            valid = f"json_valid({text})" if self.is_duckdb else f"pg_input_is_valid({text}, 'jsonb')"
            return f"(CASE WHEN {valid} THEN CAST({text} AS {self.type_name}) END)"

        return self._checked(value, say("are not JSON"), say('`split: ","` makes lists of texts such as a,b'))

    def _text_to_list(self) -> Conversion:
        separator, is_text = self._separator(), self.new.kind == "text-list"
        if separator is not None and is_text:
            return Conversion(self._split(separator), has_query=not self.is_duckdb)
        if is_text and (self.before.get("type") in _CHOICES or self.after.get("type") == "multi-select"):
            return Conversion(lambda x: f"(CASE WHEN {x} IS NOT NULL AND {x} <> '' THEN {self._list_of(x)} END)")
        if separator is not None:
            split = self._split(separator)
            found = self._json_to_list(lambda x: self._to_json(split(x)))
            return self._checked(found.value, say("have parts that are none of its items"), has_query=found.has_query)
        # An array: JSON text.
        json_type = self.ddl.type_name(ColumnType("json"))
        if self.is_duckdb:
            parsed: Expression = lambda x: f"(CASE WHEN json_valid({x}) THEN CAST({x} AS {json_type}) END)"  # noqa: E731
        else:
            parsed = lambda x: f"(CASE WHEN pg_input_is_valid({x}, 'jsonb') THEN CAST({x} AS JSONB) END)"  # noqa: E731
        found = self._json_to_list(lambda x: parsed(self._blank(x)))
        return self._checked(
            found.value, found.what, say('`split: ","` makes lists of texts such as a,b'), found.has_query
        )

    def _list_of(self, x: str) -> str:
        return f"[{x}]" if self.is_duckdb else f"ARRAY[{x}]"

    def _split(self, separator: str) -> Expression:
        """The parts of a text, trimmed; empty ones left out."""
        if self.is_duckdb:
            return lambda x: (
                f"(CASE WHEN {self._blank(x)} IS NOT NULL THEN list_filter(list_transform("
                f"string_split({x}, {separator}), lambda part: trim(part)), lambda part: part <> '') END)"
            )
        return lambda x: (
            f"(CASE WHEN {self._blank(x)} IS NOT NULL THEN ARRAY(SELECT trim(e.item) FROM unnest(string_to_array("
            f"{x}, {separator})) WITH ORDINALITY AS e(item, at) WHERE trim(e.item) <> '' ORDER BY e.at) END)"
        )

    def _json_to_list(self, source: Expression) -> Conversion:
        """Every item must be one, as it is written: what would be rounded or left out is not carried."""
        item_type, pattern = self.type_name.removesuffix("[]"), _ITEMS[self.new.kind]

        def value(x: str) -> str:
            json = source(x)
            item = self._attempt("item", pattern, item_type) if self.new.kind != "text-list" else "item"
            if self.is_duckdb:
                items = f"list_transform(TRY_CAST({json} AS VARCHAR[]), lambda item: {item})"
                whole = f"len(list_filter({items}, lambda made: made IS NULL)) = 0"
                return f"(CASE WHEN json_type({json}) = 'ARRAY' AND {whole} THEN {items} END)"
            rows = f"jsonb_array_elements_text({json}) WITH ORDINALITY AS e(item, at)"
            items = f"ARRAY(SELECT {item} FROM {rows} ORDER BY e.at)"
            whole = f"array_position({items}, NULL) IS NULL"
            return f"(CASE WHEN jsonb_typeof({json}) = 'array' THEN (CASE WHEN {whole} THEN {items} END) END)"

        return Conversion(
            value,
            lambda x: f"{x} IS NOT NULL AND {value(x)} IS NULL",
            say("are not JSON lists"),
            has_query=not self.is_duckdb,
        )

    # Numbers and moments.

    def _number_to_number(self) -> Conversion:
        whole, scale = digits(self.new)
        old_whole, old_scale = digits(self.old)
        cut: Expression = lambda x: x  # noqa: E731
        if self.truncates and old_scale > scale:
            cut = lambda x: f"trunc({x}, {scale})" if scale else f"trunc({x})"  # noqa: E731

        def value(x: str) -> str:
            return f"CAST({cut(x)} AS {self.type_name})"

        if old_whole <= whole and (old_scale <= scale or self.truncates):
            return Conversion(value)

        def missing(x: str) -> str:
            x = cut(x)
            if self.new.kind in ("integer", "bigint"):
                limit = 2**31 if self.new.kind == "integer" else 2**63
                return f"round({x}, 0) <> {x} OR {x} >= {limit} OR {x} < -{limit}"
            wide = f"CAST({x} AS DECIMAL(38, 10))"
            return f"round({wide}, {scale}) <> {wide} OR abs({wide}) >= 1{'0' * whole}"

        return Conversion(
            value,
            missing,
            say("do not fit {kind}", kind=self.new.kind),
            say("`allowTruncate: true` on the field drops further digits"),
        )

    def _instant_to_date(self) -> Conversion:
        zone = self._zone(self.before if self.before.get("timeZone") else self.after)

        def local(x: str) -> str:
            return f"({x} AT TIME ZONE {zone})"

        def value(x: str) -> str:
            return f"CAST({local(x)} AS DATE)"

        if self.truncates:
            return Conversion(value)
        return Conversion(
            value,
            lambda x: f"CAST({value(x)} AS TIMESTAMP) <> {local(x)}",
            say("have a time of day, which a date loses"),
            say("`allowTruncate: true` on the field drops it"),
        )

    def _zone(self, options: Options) -> str:
        name = str(options.get("timeZone") or "UTC")
        if name == "local":
            raise NotConvertible(
                say("`timeZone: local` does not say which zone the days are in; name one for the migration")
            )
        return literal(name)

    # The same storage, other values.

    def _same_kind(self) -> Conversion | None:
        if self.old.kind == "text-list":
            renames = self._renamed_options()
            if not renames:
                return None
            if self.is_duckdb:
                return Conversion(lambda x: f"list_transform({x}, lambda item: {_case('item', renames)})")
            return Conversion(
                lambda x: (
                    f"(CASE WHEN {x} IS NOT NULL THEN ARRAY(SELECT {_case('e.item', renames)} FROM unnest({x}) "
                    "WITH ORDINALITY AS e(item, at) ORDER BY e.at) END)"
                ),
                has_query=True,
            )
        if self.old.kind == "json":
            return self._files()
        return None

    def _files(self) -> Conversion | None:
        kinds = (self.before.get("type"), self.after.get("type"))
        if kinds == (_ONE_FILE, _MANY_FILES):
            make = "json_array" if self.is_duckdb else "jsonb_build_array"
            return Conversion(lambda x: f"(CASE WHEN {x} IS NOT NULL THEN {make}({x}) END)")
        if kinds == (_MANY_FILES, _ONE_FILE):
            length = "json_array_length" if self.is_duckdb else "jsonb_array_length"
            return Conversion(
                lambda x: f"json_extract({x}, '$[0]')" if self.is_duckdb else f"({x} -> 0)",
                lambda x: f"{length}({x}) > 1",
                say("have more than one file"),
                say("Leave one file in each record first"),
            )
        return None


def _case(x: str, renames: Mapping[str, str]) -> str:
    whens = " ".join(f"WHEN {literal(old)} THEN {literal(new)}" for old, new in renames.items())
    return f"(CASE {x} {whens} ELSE {x} END)"


def _options(field: Options) -> set[str]:
    """Values of a select's options, however they are written."""
    given = field.get("options") or ()
    if not isinstance(given, list | tuple):
        return set()
    return {str(each.get("value")) if isinstance(each, Mapping) else str(each) for each in given}
