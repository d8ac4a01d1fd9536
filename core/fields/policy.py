"""What the expressions of row policies mean: which column a name is, of what kind a term is, and all that is wrong with
them (A-199). The same for the check of an app file and for the SQL made of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from core.fields.bind import Binder
from core.fields.column import ColumnKind
from core.fields.sameness import stored
from core.formulas.kind import ARTICLES, Kind, kind_of_column
from core.schema.model import TableSpec
from core.schema.name import nearest, sql_name
from core.schema.policy_text import LISTS, Asked, Call, Constant, Named, PolicyProblem, Rows, Term, tables_read
from core.schema.vocabulary import OptionProblem
from core.sentence import say

Columns = Callable[[str], Mapping[str, ColumnKind] | None]
"""The columns of a table by SQL name, with their kinds; None where there is no such table."""
_COMPARED = frozenset({"=", "<>", "<", "<=", ">", ">=", "is same", "is other", "between", "in", "nullif"})
_NUMBERS = frozenset({"+", "-", "*", "/", "%", "abs"})
_TEXTS = frozenset({"like", "ilike", "lower", "upper", "length", "trim"})
_COUNTS: dict[str, tuple[int, int]] = {
    "lower": (1, 1), "upper": (1, 1), "length": (1, 1), "trim": (1, 1), "abs": (1, 1), "nullif": (2, 2),
    "coalesce": (1, 20), "min": (1, 1), "max": (1, 1), "count": (0, 1),
}  # fmt: skip
_AGGREGATES = frozenset({"count", "min", "max"})
_STEP: dict[ColumnKind, ColumnKind] = {"bigint": "integer", "decimal": "integer", "double": "integer"}


@dataclass(frozen=True, slots=True)
class Frame:
    """The tables in sight: of a sub-select, and around it those of the row itself."""

    sources: tuple[tuple[str, str], ...]
    """SQL name and the name that it goes by."""
    outer: "Frame | None" = None


@dataclass(frozen=True, slots=True)
class Place:
    """A column, found: the how-manieth source of which frame."""

    frame: Frame
    source: int
    column: str
    kind: ColumnKind


class Meaning:
    """Names and kinds, over the tables of an app."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def place(self, name: Named, frame: Frame) -> Place:
        """The column of that name; of the innermost tables that have one. Raises PolicyProblem."""
        *qualifier, column = name.parts
        here: Frame | None = frame
        seen: list[str] = []
        while here is not None:
            found = []
            for index, (table, alias) in enumerate(here.sources):
                if qualifier and qualifier[0].lower() not in (alias, table):
                    continue
                columns = self._columns(table) or {}
                seen += columns
                exact = column if column in columns else column.lower()
                if exact in columns:
                    found.append(Place(here, index, exact, columns[exact]))
            if len(found) > 1:
                raise PolicyProblem(
                    say("`{column}` is in several tables", column=column), name.at, "write table.column"
                )
            if found:
                return found[0]
            here = here.outer
        shown = ".".join(name.parts)
        raise PolicyProblem(say("There is no column `{name}`", name=shown), name.at, _did_you_mean(column, seen))

    def inner(self, rows: Rows, frame: Frame) -> Frame:
        """The tables of a sub-select. Raises PolicyProblem."""
        for table, _ in rows.sources:
            if self._columns(table) is None:
                raise PolicyProblem(say("There is no table `{table}`", table=table), rows.at)
        aliases = [alias for _, alias in rows.sources]
        if len(set(aliases)) < len(aliases):
            raise PolicyProblem("Two tables of a sub-select have the same name", rows.at, "give one an alias")
        return Frame(rows.sources, frame)

    def column_kind(self, term: Term, frame: Frame) -> ColumnKind | None:
        """Of a column, or of what a sub-select or function gives of one; None of what has no column behind it."""
        match term:
            case Named():
                return self.place(term, frame).kind
            case Rows(value=value) if value is not None:
                return self.column_kind(value, self.inner(term, frame))
            case Call("coalesce" | "nullif" | "min" | "max", terms):
                return next((kind for each in terms if (kind := self.column_kind(each, frame)) is not None), None)
        return None

    def kind(self, term: Term, frame: Frame) -> Kind:
        """Raises PolicyProblem for what makes no sense, or could fail on some row."""
        match term:
            case Constant(value=value):
                return _constant_kind(value)
            case Asked(name=name):
                return "text-list" if name in LISTS else "text"
            case Named():
                return kind_of_column(self.place(term, frame).kind)
            case Rows(value=value):
                inner = self.inner(term, frame)
                if term.where is not None:
                    self.condition(term.where, inner)
                return "null" if value is None else self.kind(value, inner)
            case Call():
                return self._call(term, frame)

    def condition(self, term: Term, frame: Frame) -> None:
        """Raises PolicyProblem for what is neither true nor false."""
        kind = self.kind(term, frame)
        if kind not in ("boolean", "null"):
            raise PolicyProblem(say("A condition is true or false, this is {kind}", kind=ARTICLES[kind]), term.at)

    def _call(self, call: Call, frame: Frame) -> Kind:
        name, terms = call.name, call.terms
        least, most = _COUNTS.get(name, (0, 1_000))
        if not least <= len(terms) <= most:
            raise PolicyProblem(
                say("{name} takes {most} arguments", name=name, most=most)
                if least == most
                else say("{name} takes {least} to {most} arguments", name=name, least=least, most=most),
                call.at,
            )
        if name in _AGGREGATES and frame.outer is None:
            raise PolicyProblem(say("{name} stands in a sub-select only", name=name), call.at)
        if name in ("and", "or", "not"):
            for each in terms:
                self.condition(each, frame)
            return "boolean"
        if name in _COMPARED:
            kind = self._compared(terms, frame, call)
            return kind if name == "nullif" else "boolean"
        if name in _NUMBERS:
            return self._number(call, frame)
        if name in _TEXTS:
            self._all(terms, frame, "text")
            return "number" if name == "length" else "boolean" if name in ("like", "ilike") else "text"
        return self._other(call, frame)

    def _other(self, call: Call, frame: Frame) -> Kind:  # noqa: C901
        name, terms = call.name, call.terms
        match name:
            case "is null":
                self.kind(terms[0], frame)
                return "boolean"
            case "is true" | "is false":
                self.condition(terms[0], frame)
                return "boolean"
            case "exists":
                self.kind(terms[0], frame)
                return "boolean"
            case "in rows":
                self._compared(terms, frame, call)
                return "boolean"
            case "any":
                return self._any(call, frame)
            case "||":
                for each in terms:
                    self._all([each], frame, "text")
                return "text"
            case "text":
                self.kind(terms[0], frame)
                return "text"
            case "coalesce" | "case":
                return self._alike(call, frame)
            case "count":
                for each in terms:
                    self.kind(each, frame)
                return "number"
            case "min" | "max":
                return self.kind(terms[0], frame)
            case "json text":
                if self.column_kind(terms[0], frame) != "json":
                    raise PolicyProblem("-> and ->> look into json", call.at)
                return "text"
            case "now" | "instant" | "day" | "today":
                return self._moment(call)
            case "seconds":
                return "interval"
        raise PolicyProblem(say("{name} cannot stand in a policy", name=name), call.at)

    @staticmethod
    def _moment(call: Call) -> Kind:
        kind: ColumnKind = "date" if call.name in ("day", "today") else "timestamp"
        for each in call.terms:
            if not isinstance(each, Constant) or moment(each.value, kind) is None:
                raise PolicyProblem(say("This is no date") if kind == "date" else say("This is no moment"), each.at)
        return "date" if kind == "date" else "timestamp"

    def _any(self, call: Call, frame: Frame) -> Kind:
        one, several = call.terms
        kind = self.kind(several, frame)
        if not kind.endswith("-list"):
            raise PolicyProblem("ANY asks of a list", call.at)
        if isinstance(several, Asked):
            self.kind(one, frame)
            return "boolean"
        item: ColumnKind = self.column_kind(several, frame).removesuffix("-list")  # type: ignore[assignment, union-attr]
        self._fits(one, self.kind(one, frame), kind_of_column(item), item, frame)
        return "boolean"

    def _number(self, call: Call, frame: Frame) -> Kind:
        kinds = [self.kind(each, frame) for each in call.terms]
        if call.name in ("+", "-") and "interval" in kinds[1:]:
            if not isinstance(call.terms[0], Call) or call.terms[0].name not in ("now", "instant"):
                raise PolicyProblem("An interval is added to now(), or to a constant", call.at)
            return "timestamp"
        for each, kind in zip(call.terms, kinds, strict=True):
            if kind not in ("number", "null"):
                raise PolicyProblem(
                    say("{name} takes numbers, this is {kind}", name=call.name, kind=ARTICLES[kind]), each.at
                )
        return "number"

    def _all(self, terms: Iterable[Term], frame: Frame, wanted: Kind) -> None:
        for each in terms:
            kind = self.kind(each, frame)
            if kind not in (wanted, "null") or self.column_kind(each, frame) == "json":
                raise PolicyProblem(
                    say("{wanted} is needed, this is {kind}", wanted=ARTICLES[wanted], kind=ARTICLES[kind]),
                    each.at,
                    "cast it: x::text",
                )

    def _alike(self, call: Call, frame: Frame) -> Kind:
        terms = call.terms
        if call.name == "case":
            for each in terms[:-1:2]:
                self.condition(each, frame)
            terms = (*terms[1:-1:2], terms[-1])
        return self._compared(terms, frame, call)

    def _compared(self, terms: tuple[Term, ...], frame: Frame, call: Call) -> Kind:
        """All of one kind: that of the first column, which constants fit."""
        kinds = [self.kind(each, frame) for each in terms]
        column = next((found for each in terms if (found := self.column_kind(each, frame)) is not None), None)
        firm = [kind for each, kind in zip(terms, kinds, strict=True) if not is_soft(each)]
        wanted: Kind = next((kind for kind in (*firm, *kinds) if kind != "null"), "null")
        if column == "json" or wanted.endswith("-list"):
            raise PolicyProblem("Lists and json are not compared as a whole", call.at, "use ANY or ->>")
        for each, kind in zip(terms, kinds, strict=True):
            self._fits(each, kind, wanted, column, frame)
        return wanted

    @staticmethod
    def _fits(term: Term, kind: Kind, wanted: Kind, column: ColumnKind | None, frame: Frame) -> None:
        if kind in (wanted, "null") or isinstance(term, Asked):
            return
        if isinstance(term, Constant) and isinstance(term.value, str):
            if moment(term.value, column) is not None or (
                column is not None and stored(term.value, _STEP.get(column, column)) is not None
            ):
                return
            raise PolicyProblem(say("{value!r} is not {wanted}", value=term.value, wanted=ARTICLES[wanted]), term.at)
        text = say("{kind} cannot be compared with {wanted}", kind=ARTICLES[kind], wanted=ARTICLES[wanted])
        raise PolicyProblem(text[:1].upper() + text[1:], term.at, "cast one: x::text")


def is_soft(term: Term) -> bool:
    """It takes the kind of what stands beside it: written text, NULL, what is asked of the caller."""
    return isinstance(term, Asked) or (
        isinstance(term, Constant) and (term.value is None or isinstance(term.value, str))
    )


def moment(value: object, kind: ColumnKind | None) -> object:
    """The date or instant that a text says, an instant without a zone in UTC; None for other texts and kinds."""
    if kind not in ("date", "timestamp") or not isinstance(value, str):
        return None
    if kind == "date":
        return stored(value, "date")
    return stored(value, "timestamp") or stored(f"{value}+00:00" if len(value) > 10 else f"{value}T00:00+00:00", kind)


def _constant_kind(value: object) -> Kind:
    if value is None:
        return "null"
    return "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def _did_you_mean(word: str, known: Iterable[str]) -> str | None:
    return nearest(word, list(dict.fromkeys(known)))


# ── The app file's policies ──


def check_policies(table: TableSpec, binder: Binder) -> Iterator[OptionProblem]:
    """What is wrong with the expressions of a table's policies, each at its key."""
    if table.rls is None:
        return
    specs = {each.sql_name: each for each in binder.app.tables}

    def columns(name: str) -> Mapping[str, ColumnKind] | None:
        spec = specs.get(name)
        if spec is None:
            return None
        found: dict[str, ColumnKind] = {}
        for each in (*binder.names(spec), "id"):
            field = binder.type_of(spec, each)
            result = None if field is None else field.result()
            if result is not None:
                found.setdefault(each, result.kind)
        return found

    meaning = Meaning(columns)
    scopes = binder.app.roles.scope_tables
    for key, term in table.rls.terms():
        try:
            meaning.condition(term, Frame(((table.sql_name, table.sql_name),)))
            for asked in _asked(term):
                if asked.name == "assignments" and sql_name(asked.argument) not in scopes:
                    text = say("`{table}` is not in auth.scopeTables", table=asked.argument)
                    raise PolicyProblem(text, asked.at, nearest(asked.argument, scopes))
        except PolicyProblem as problem:
            message = say("{problem} (column {column})", problem=say(problem.message), column=problem.position + 1)
            yield OptionProblem(f"rls.{key}", "policy.expression", message, problem.hint)
            continue
        circle = _circle(table.sql_name, term, specs)
        if circle:
            text = say("the policies of these tables ask each other: {circle}", circle=" → ".join(circle))
            yield OptionProblem(f"rls.{key}", "policy.cycle", text)


def _asked(term: Term) -> Iterator[Asked]:
    from core.schema.policy_text import children

    if isinstance(term, Asked):
        yield term
    for each in children(term):
        yield from _asked(each)


def _circle(name: str, term: Term, specs: Mapping[str, TableSpec]) -> tuple[str, ...]:
    """The way from an expression of a table's policy back to that table, by sub-selects over tables with policies."""
    todo: list[tuple[str, tuple[str, ...]]] = [(each, (name, each)) for each in sorted(tables_read(term))]
    seen: set[str] = set()
    while todo:
        here, way = todo.pop(0)
        spec = specs.get(here)
        if spec is None or spec.rls is None or not spec.rls.enabled:
            continue
        if here == name:
            return way
        if here in seen:
            continue
        seen.add(here)
        following = frozenset[str]().union(*(tables_read(each) for _, each in spec.rls.terms()))
        todo += [(each, (*way, each)) for each in sorted(following)]
    return ()
