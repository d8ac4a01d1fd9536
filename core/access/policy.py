"""Row policies for one caller, as conditions that the database answers (auth §13.1). Values are bound, never written into
SQL; what a policy asks of the caller is answered before the statement is made.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    FromClause,
    Interval,
    Numeric,
    Select,
    Text,
    and_,
    any_,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.sql.elements import Null

from core.access.claim import asked
from core.access.connected import Connected, as_text, of_kind
from core.fields.column import ColumnKind
from core.fields.policy import Frame, Meaning, is_soft, moment
from core.fields.sameness import stored
from core.principal import Principal
from core.query.compile import compile_filter
from core.query.computed import text_of
from core.query.filter import All, Given, Node, Some
from core.query.scope import Scope, own_ref
from core.schema.policy import ANON, AUTHENTICATED, PUBLIC, Policy, PolicyAction, RowSecurity
from core.schema.policy_text import LISTS, Asked, Call, Constant, Named, Rows, Term

Value = ColumnElement[Any]
RowsOf = Callable[[Scope], Node | None]
"""The rows of a table that the caller may read, for sub-selects; None: all."""
Sides = tuple[Node | None, Node | None]
"""What lets rows through, and what holds them back; None: every row."""
_OPERATIONS: dict[str, Callable[[Value, Value], Value]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "is same": lambda a, b: a.is_not_distinct_from(b),
    "is other": lambda a, b: a.is_distinct_from(b),
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    # A division by nothing gives nothing, on both databases.
    "/": lambda a, b: cast(a, Double) / func.nullif(cast(b, Double), 0.0),
    "%": lambda a, b: a % func.nullif(b, 0),
}
_FUNCTIONS = {"lower": func.lower, "upper": func.upper, "length": func.length, "trim": func.trim, "abs": func.abs}
_UNKNOWN = cast(null(), Boolean)


def is_for(policy: Policy, names: Iterable[str], *, has_session: bool) -> bool:
    """Whether a policy is for a caller of these roles and `group:`s."""
    wanted = {PUBLIC, AUTHENTICATED if has_session else ANON, *names}
    return not wanted.isdisjoint(policy.to)


@dataclass(frozen=True, slots=True)
class CallerPolicies:
    """The policies of a table that are for one caller. None of them permissive: nothing may be seen or done."""

    policies: tuple[Policy, ...]

    @classmethod
    def of(cls, security: RowSecurity, names: Iterable[str], *, has_session: bool) -> "CallerPolicies":
        listed = list(names)
        return cls(tuple(each for each in security.policies if is_for(each, listed, has_session=has_session)))

    def of_action(self, action: PolicyAction) -> tuple[Policy, ...]:
        return tuple(each for each in self.policies if action in each.actions)

    def terms(self, action: PolicyAction, *, new: bool) -> tuple[list[Term], list[Term]]:
        """What permits, and what restricts: of rows as they are, or (`new`) of what they become."""
        permit: list[Term] = []
        restrict: list[Term] = []
        for each in self.of_action(action):
            term = (each.check or each.using) if new else each.using
            if term is not None:
                (restrict if each.restrictive else permit).append(term)
        return permit, restrict

    def is_open(self, action: PolicyAction, *, new: bool) -> bool:
        """Every row passes."""
        permit, restrict = self.terms(action, new=new)
        return any(_is_true(each) for each in permit) and all(map(_is_true, restrict))

    def sides(
        self, action: PolicyAction, caller: Principal | Connected, rows_of: RowsOf, *, new: bool = False
    ) -> Sides:
        """Some of what permits, and all of what restricts."""
        permit, restrict = self.terms(action, new=new)
        return (
            None if any(map(_is_true, permit)) else Some(tuple(term_node(term, caller, rows_of) for term in permit)),
            all_of(term_node(term, caller, rows_of) for term in restrict if not _is_true(term)),
        )


def all_of(parts: Iterable[Node | None]) -> Node | None:
    """The rows that meet every part; None: all of them."""
    given = tuple(part for part in parts if part is not None)
    return None if not given else given[0] if len(given) == 1 else All(given)


def _is_true(term: Term) -> bool:
    return isinstance(term, Constant) and term.value is True


def term_node(term: Term, caller: Principal | Connected, rows_of: RowsOf) -> Node:
    """One expression as a condition on rows of its table."""

    def make(scope: Scope, source: FromClause | None) -> ColumnElement[bool]:
        return _Compiler(caller, scope, rows_of).row(term, source)

    return Given(make)


class _Compiler:
    """One expression over the rows of a table. Kinds were checked with the app file; here they decide how constants are
    bound."""

    def __init__(self, caller: Principal | Connected, scope: Scope, rows_of: RowsOf) -> None:
        self._caller = caller
        self._scope = replace(scope, sights=None, sql_nulls=False)
        self._rows_of = rows_of
        self._meaning = Meaning(self._columns)
        self._kinds: dict[str, Mapping[str, ColumnKind]] = {}
        self._sources: list[tuple[Frame, Sequence[tuple[Scope, FromClause | None]]]] = []
        """Of each frame, the very object, how its tables are named in the statement."""
        self._outer: list[FromClause] = []

    def row(self, term: Term, source: FromClause | None) -> ColumnElement[bool]:
        name = self._scope.table.sql_name
        frame = Frame(((name, name),))
        self._sources.append((frame, [(self._scope, source)]))
        self._outer.append(self._scope.source if source is None else source)
        return self._condition(term, frame)

    def _columns(self, table: str) -> Mapping[str, ColumnKind] | None:
        if table not in self._kinds:
            model = self._scope.model.by_sql_name[table]
            refs = {name: own_ref(model, name) for name in (*model.fields, *model.system, "id")}
            self._kinds[table] = {name: ref.kind for name, ref in refs.items() if ref is not None}
        return self._kinds[table]

    def _condition(self, term: Term, frame: Frame) -> ColumnElement[bool]:
        if isinstance(term, Constant):
            return _UNKNOWN if term.value is None else true() if term.value else false()
        return self._value(term, frame)

    def _value(self, term: Term, frame: Frame) -> Value:
        match term:
            case Constant() | Asked():
                return self._bound(term, None)
            case Named():
                place = self._meaning.place(term, frame)
                sources = next(each for frame, each in self._sources if frame is place.frame)
                scope, source = sources[place.source]
                return scope.column(scope.resolve(place.column), source)
            case Rows():
                return self._rows(term, frame).scalar_subquery()
            case Call():
                return self._call(term, frame)

    def _constant(self, term: Constant | Asked) -> Any:
        """A value of Python; where it is asked of who is connected, SQL."""
        if isinstance(term, Constant):
            return term.value
        if isinstance(self._caller, Connected):
            return self._caller.asked(term)
        return asked(term, self._caller, self._scope.model.app.roles)

    def _bound(self, term: Constant | Asked, kind: ColumnKind | None) -> Value:
        return bound(self._constant(term), kind)

    def _beside(self, terms: Sequence[Term], frame: Frame) -> list[Value]:
        """Terms that are compared with each other: what is soft takes the kind of the column among them."""
        kind = next((found for each in terms if (found := self._meaning.column_kind(each, frame)) is not None), None)
        return [
            self._bound(each, kind)
            if isinstance(each, Constant | Asked) and (is_soft(each) or not isinstance(each.value, bool))  # type: ignore[union-attr]
            else self._value(each, frame)
            for each in terms
        ]

    def _call(self, call: Call, frame: Frame) -> Value:  # noqa: C901
        name, terms = call.name, call.terms
        if name in _OPERATIONS:
            return self._operation(call, frame)
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](self._value(terms[0], frame))
        match name:
            case "and":
                return and_(*(self._condition(each, frame) for each in terms))
            case "or":
                return or_(*(self._condition(each, frame) for each in terms))
            case "not":
                return not_(self._condition(terms[0], frame))
            case "is null":
                return self._value(terms[0], frame).is_(None)
            case "is true" | "is false":
                return self._condition(terms[0], frame).is_(name == "is true")
            case "between":
                value, low, high = self._beside(terms, frame)
                return and_(_compared(">=", value, low), _compared("<=", value, high))
            case "in":
                value, *several = self._beside(terms, frame)
                return or_(*(_compared("=", value, each) for each in several))
            case "any":
                return self._any(call, frame)
            case "exists":
                return self._rows(terms[0], frame).exists()
            case "in rows":
                return self._in_rows(call, frame)
            case "like" | "ilike":
                text, pattern = (self._value(each, frame) for each in terms)
                return text.like(pattern) if name == "like" else text.ilike(pattern)
            case "||":
                one, other = (cast(self._value(each, frame), Text) for each in terms)
                return one.concat(other)
            case "coalesce":
                return func.coalesce(*self._beside(terms, frame))
            case "nullif":
                return func.nullif(*self._beside(terms, frame))
            case "case":
                return self._case(terms, frame)
            case "text":
                kind = self._meaning.column_kind(terms[0], frame)
                value = self._value(terms[0], frame)
                return cast(value, Text) if kind is None or kind == "json" else text_of(value, kind, self._scope)
            case "json text":
                return self._json(call, frame)
            case "count":
                return func.count(*(self._value(each, frame) for each in terms))
            case "min" | "max":
                return getattr(func, name)(self._value(terms[0], frame))  # type: ignore[no-any-return]
        return self._moment(call)

    def _operation(self, call: Call, frame: Frame) -> Value:
        if call.name in ("+", "-") and isinstance(call.terms[-1], Call) and call.terms[-1].name == "seconds":
            (count,) = call.terms[-1].terms
            step = timedelta(seconds=float(count.value))  # type: ignore[union-attr, arg-type]
            base = self._instant(call.terms[0])
            if isinstance(base, ColumnElement):
                interval = literal(step, Interval)
                return base + interval if call.name == "+" else base - interval
            return literal(base + step if call.name == "+" else base - step, DateTime(timezone=True))
        if call.name in ("=", "<>") and all(isinstance(each, Constant | Asked) for each in call.terms):
            left, right = map(self._constant, call.terms)  # type: ignore[arg-type]
            if left is None or right is None:
                return _UNKNOWN
            if type(left) is type(right) and not isinstance(left, ColumnElement):
                return true() if (left == right) == (call.name == "=") else false()
        one, other = self._beside(call.terms, frame)
        return _compared(call.name, one, other)

    def _instant(self, term: Term) -> Any:
        """A moment; of SQL that outlives this one (`is_lasting`) the database's own clock."""
        assert isinstance(term, Call)
        if term.name == "now":
            return func.now() if self._scope.is_lasting else self._scope.now
        (text,) = term.terms
        return moment(text.value, "timestamp")  # type: ignore[union-attr]

    def _moment(self, call: Call) -> Value:
        match call.name:
            case "now" | "instant":
                found = self._instant(call)
                return found if isinstance(found, ColumnElement) else literal(found, DateTime(timezone=True))
            case "today":
                if self._scope.is_lasting:
                    return cast(func.timezone(str(self._scope.zone), func.now()), Date)
                return literal(self._scope.today, Date)
        (text,) = call.terms
        return literal(moment(text.value, "date"), Date)  # type: ignore[union-attr]

    def _case(self, terms: Sequence[Term], frame: Frame) -> Value:
        values = self._beside((*terms[1:-1:2], terms[-1]), frame)
        whens = [(self._condition(each, frame), value) for each, value in zip(terms[:-1:2], values[:-1], strict=True)]
        return case(*whens, else_=values[-1])

    def _any(self, call: Call, frame: Frame) -> Value:
        one, several = call.terms
        if isinstance(several, Asked):
            values = [self._constant(several)] if several.name not in LISTS else self._constant(several)
            if isinstance(self._caller, Connected):
                return self._any_asked(one, values, frame)
            if is_soft(one):
                mine = self._constant(one)  # type: ignore[arg-type]
                return _UNKNOWN if mine is None else true() if mine in values else false()
            of_one: ColumnKind = self._meaning.column_kind(one, frame) or "text"
            wanted = [each for value in values if (each := converted(value, of_one)) is not None]
            return self._value(one, frame).in_([bound(each, of_one) for each in wanted]) if wanted else false()
        kind = self._meaning.column_kind(several, frame)
        assert kind is not None
        item: ColumnKind = kind.removesuffix("-list")  # type: ignore[assignment]
        members = self._value(several, frame)
        value = self._bound(one, item) if isinstance(one, Constant | Asked) else self._value(one, frame)
        if _is_null(value):
            return _UNKNOWN
        if self._scope.dialect == "duckdb":
            return func.list_contains(members, value)
        return cast(value, members.type.item_type) == any_(members)  # type: ignore[attr-defined]

    def _any_asked(self, one: Term, values: Any, frame: Frame) -> Value:
        """`values` are SQL, or a list of it."""
        if isinstance(values, list):
            values = array(values, type_=Text)
        if is_soft(one):
            return bound(self._constant(one), "text") == any_(values)  # type: ignore[arg-type]
        return as_text(self._value(one, frame), self._meaning.column_kind(one, frame) or "text") == any_(values)

    def _in_rows(self, call: Call, frame: Frame) -> Value:
        one, rows = call.terms
        assert isinstance(rows, Rows)
        if isinstance(one, Constant | Asked):
            value = self._bound(one, self._meaning.column_kind(rows, frame))
        else:
            value = self._value(one, frame)
        return _UNKNOWN if _is_null(value) else value.in_(self._rows(rows, frame))

    def _json(self, call: Call, frame: Frame) -> Value:
        column = self._value(call.terms[0], frame)
        keys = [str(each.value) for each in call.terms[1:]]  # type: ignore[union-attr]
        if self._scope.dialect == "duckdb":
            pointer = "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)
            return func.json_extract_string(column, literal(pointer, Text), type_=Text)
        return func.jsonb_extract_path_text(column, *(literal(key, Text) for key in keys), type_=Text)

    def _rows(self, term: Term, frame: Frame) -> Select[Any]:
        """A sub-select: live records of its tables, of those the ones that the caller may read."""
        assert isinstance(term, Rows)
        inner = self._meaning.inner(term, frame)
        sources: list[tuple[Scope, FromClause]] = []
        conditions: list[ColumnElement[bool]] = []
        for table, _ in term.sources:
            there = self._scope.neighbour(self._scope.model.by_sql_name[table])
            far = there.source.alias()
            sources.append((there, far))
            conditions.append(far.c.deleted_at.is_(None))
            seen = self._rows_of(there)
            if seen is not None:
                conditions.append(compile_filter(seen, there, far))
        self._sources.append((inner, sources))
        own = [far for _, far in sources]
        self._outer += own
        try:
            if term.where is not None:
                conditions.append(self._condition(term.where, inner))
            value = literal(1) if term.value is None else self._value(term.value, inner)
        finally:
            del self._outer[-len(own) :]
        return select(value).select_from(*own).where(*conditions).correlate(*self._outer)


def converted(value: Any, kind: ColumnKind) -> Any:
    """A text of a caller or of a policy as a value of a column; None where no value of the column is told so."""
    if not isinstance(value, str):
        return value
    found = moment(value, kind)
    return stored(value, kind) if found is None else found


def bound(value: Any, kind: ColumnKind | None) -> Value:
    """A bound value; NULL where it is none of the column's. What the database is to ask stays SQL. Raises Unsayable."""
    if isinstance(value, ColumnElement):
        return of_kind(value, kind)
    if kind is not None:
        value = converted(value, kind)
    if value is None:
        return null()
    if isinstance(value, bool):
        return literal(value, Boolean)
    if isinstance(value, str):
        return literal(value, Text)
    if isinstance(value, datetime):
        return literal(value, DateTime(timezone=True))
    if isinstance(value, int):
        return literal(value, BigInteger if abs(value) < 2**63 else Numeric())
    return literal(value, Numeric()) if isinstance(value, Decimal) else literal(value)


def _is_null(value: Value) -> bool:
    return isinstance(value, Null)


def _compared(operator: str, one: Value, other: Value) -> Value:
    """NULL beside anything is unknown; SQLAlchemy would ask IS NULL instead."""
    if operator in ("=", "<>", "<", "<=", ">", ">=") and (_is_null(one) or _is_null(other)):
        return _UNKNOWN
    return _OPERATIONS[operator](one, other)
