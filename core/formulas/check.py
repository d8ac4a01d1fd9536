"""Kinds of a formula's parts: what fits together, and what must be turned into what on the way."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from functools import reduce
from typing import Any

from core.formulas.cast import becomes, castable, way
from core.formulas.function import FUNCTIONS, PARTS, Function, unit_of
from core.formulas.kind import ARTICLES, KINDS, TYPES, Kind, capital, is_list, item_of, list_of, united
from core.formulas.pattern import check_form, check_pattern, check_regex, check_replacement
from core.formulas.problem import FormulaProblem
from core.formulas.tree import (
    Between,
    Binary,
    Call,
    Case,
    Cast,
    Chain,
    Expression,
    In,
    Is,
    Item,
    Like,
    Listing,
    Name,
    Null,
    Number,
    Span,
    Text,
    Truth,
    Unary,
    walk,
)
from core.sentence import say

_RECORD = {"RECORD_ID": "id", "CREATED_TIME": "created_at", "LAST_MODIFIED_TIME": "updated_at"}
_MOMENTS = ("date", "timestamp")
_ORDERED = ("number", "text", "boolean", "date", "time", "timestamp", "interval")
_WRITTEN = frozenset({"unit", "part", "pattern", "regex", "flags", "form"})


@dataclass(slots=True)
class Kinds:
    """What is known of a tree. Nodes are told apart by identity, a conversion by who asks for it as well."""

    fields: Mapping[str, Kind]
    of: dict[int, Kind] = field(default_factory=dict)
    wanted: dict[tuple[int, int], Kind] = field(default_factory=dict)

    def __getitem__(self, node: Expression) -> Kind:
        return self.of[id(node)]

    def wants(self, parent: Expression, child: Expression) -> Kind:
        """The kind in which a parent takes a child."""
        return self.wanted.get((id(parent), id(child)), self.of[id(child)])


def names(expression: Expression) -> frozenset[str]:
    """The fields that a formula reads, as it writes them; see `field_named`."""
    found = {node.name for node in walk(expression) if isinstance(node, Name)}
    return frozenset(
        found | {_RECORD[n.function] for n in walk(expression) if isinstance(n, Call) and n.function in _RECORD}
    )


def field_named(name: str, known: Iterable[str]) -> str | None:
    """The field that a name of a formula means: letter case does not matter unless it must (F-014)."""
    known = list(known)
    if name in known:
        return name
    folded = [each for each in known if each.casefold() == name.casefold()]
    return folded[0] if len(folded) == 1 else None


def is_volatile(expression: Expression) -> bool:
    """Its value depends on the moment (F-017)."""
    moments = {"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "NOW", "TODAY"}
    return any(
        isinstance(node, Call) and (node.function in moments or (node.function == "AGE" and len(node.arguments) == 1))
        for node in walk(expression)
    )


def check(expression: Expression, kinds: Mapping[str, Kind]) -> Kind:
    """The kind of a formula over fields of these kinds. Raises FormulaProblem."""
    return annotate(expression, kinds)[expression]


def annotate(expression: Expression, kinds: Mapping[str, Kind]) -> Kinds:
    """The kind of every part. Raises FormulaProblem for the first part that does not fit."""
    checker = _Checker(Kinds(kinds))
    checker.infer(expression)
    return checker.kinds


def literal_fits(text: str, kind: Kind) -> bool:
    """A text written in the formula can stand for a value of that kind."""
    text = text.strip()
    match kind:
        case "number":
            return bool(re.fullmatch(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,2})?", text, re.ASCII))
        case "boolean":
            return text.lower() in ("true", "false")
        case "date":
            return _is_iso(date.fromisoformat, text, r"\d{4}-\d\d-\d\d")
        case "timestamp":
            form = r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?"
            return _is_iso(datetime.fromisoformat, text, form)
        case "time":
            return bool(re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?", text, re.ASCII))
    return kind == "text"


def _is_iso(read: object, text: str, form: str) -> bool:
    if not re.fullmatch(form, text, re.ASCII):
        return False
    try:
        read(text)  # type: ignore[operator]
    except ValueError:
        return False
    return True


_CONSTANT: dict[type[Expression], Kind] = {
    Number: "number", Text: "text", Truth: "boolean", Null: "null", Span: "interval"
}  # fmt: skip


EXPECTED = "{why}: {expected} is expected, not {given}"
BESIDE = "{one} stands beside {other}"


class _Checker:
    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds

    def infer(self, node: Expression) -> Kind:
        kind = self._infer(node)
        self.kinds.of[id(node)] = kind
        return kind

    def _infer(self, node: Expression) -> Kind:
        known = _CONSTANT.get(type(node))
        return known or _RULES[type(node)](self, node)

    # ── Fitting one value into a place ──

    def fail(self, node: Expression, message: str, hint: str | None = None) -> None:
        raise FormulaProblem("formula.type", message, node.at, hint)

    def take(self, parent: Expression, child: Expression, kind: Kind, why: str, **values: str) -> None:
        """The child becomes that kind for the parent, or it does not fit."""
        self.fit(parent, child, self.infer(child), kind, why, **values)

    def fit(self, parent: Expression, child: Expression, given: Kind, kind: Kind, why: str, **values: str) -> None:
        """`why` is a pattern, which is filled with the values once it must be told."""
        if given == kind:
            return
        if isinstance(child, Text) and not is_list(kind):
            if not literal_fits(child.value, kind):
                told = say(
                    "{why}: {expected} is expected, not the text '{shown}'",
                    why=say(why, **values), expected=ARTICLES[kind], shown=child.value[:40],
                )  # fmt: skip
                self.fail(child, told, _FORMS.get(kind))
        elif not becomes(given, kind):
            told = say(EXPECTED, why=say(why, **values), expected=ARTICLES[kind], given=ARTICLES[given])
            self.fail(child, told, way(given, kind))
        self.kinds.wanted[id(parent), id(child)] = kind

    def same(self, parent: Expression, children: Sequence[Expression], *, compares: bool = False) -> Kind:
        """One kind for all. Values that are only chosen between may meet as texts, compared ones may not."""
        given = [self.infer(child) for child in children]
        kind: Kind = "null"
        for child, each in zip(children, given, strict=True):
            if isinstance(child, Text):
                continue
            both = united(kind, each)
            if both is None:
                if compares or "text" not in (kind, each) or is_list(kind) or is_list(each):
                    self.fail(child, say(BESIDE, one=ARTICLES[each], other=ARTICLES[kind]), way(each, kind))
                both = "text"
            kind = both
        written = [child for child in children if isinstance(child, Text)]
        if (kind == "null" and written) or (
            not compares and not is_list(kind) and not all(literal_fits(child.value, kind) for child in written)
        ):
            kind = "text"
        for child, each in zip(children, given, strict=True):
            self.fit(parent, child, each, kind, "The values must be of one kind")
        return kind

    def ordered(self, parent: Expression, children: Sequence[Expression]) -> None:
        kind = self.same(parent, children, compares=True)
        if kind not in _ORDERED and kind != "null":
            self.fail(parent, say("{kind} has no order", kind=capital(kind)))

    # ── Nodes ──

    def name(self, node: Name) -> Kind:
        found = field_named(node.name, self.kinds.fields)
        if found is not None:
            return self.kinds.fields[found]
        near = get_close_matches(node.name.lower(), [each.lower() for each in self.kinds.fields], 1)
        hint = "a text is written in single quotes" if node.quoted else None
        if near:
            hint = say("did you mean {near}?", near=near[0])
        elif node.name.upper() in FUNCTIONS:
            hint = say("write {usage}", usage=FUNCTIONS[node.name.upper()].usage)
        raise FormulaProblem("formula.unknown-field", say("There is no field `{name}`", name=node.name), node.at, hint)

    def unary(self, node: Unary) -> Kind:
        if node.operator == "NOT":
            self.take(node, node.operand, "boolean", "NOT turns a condition round")
            return "boolean"
        kind = self.infer(node.operand)
        if kind == "interval":
            return kind
        self.fit(node, node.operand, kind, "number", "A sign {sign}", sign=node.operator)
        return "number"

    def binary(self, node: Binary) -> Kind:
        if node.operator == "XOR":
            for each in (node.left, node.right):
                self.take(node, each, "boolean", "{operator} joins conditions", operator="XOR")
            return "boolean"
        if node.operator in ("=", "<>"):
            self.same(node, (node.left, node.right), compares=True)
            return "boolean"
        if node.operator in ("<", ">", "<=", ">="):
            self.ordered(node, (node.left, node.right))
            return "boolean"
        return self.arithmetic(node)

    def arithmetic(self, node: Binary) -> Kind:
        left, right = self.infer(node.left), self.infer(node.right)
        if isinstance(node.left, Text) and right in _MOMENTS:
            left = "date" if literal_fits(node.left.value, "date") else "timestamp"
            self.fit(node, node.left, "text", left, "With `{sign}`", sign=node.operator)
        if isinstance(node.right, Text) and left == "time" and node.operator == "-":
            right = "time"
            self.fit(node, node.right, "text", right, "With `{sign}`", sign="-")
        if isinstance(node.right, Text) and left in _MOMENTS and node.operator == "-":
            right = "date" if literal_fits(node.right.value, "date") else "timestamp"
            self.fit(node, node.right, "text", right, "With `{sign}`", sign=node.operator)
        found = _arithmetic(node.operator, left, right, node)
        if found:
            return found
        if left in _MOMENTS and right in _MOMENTS and node.operator == "-":
            for child, each in ((node.left, left), (node.right, right)):
                self.fit(node, child, each, "timestamp", "A difference")
            return "interval"
        for child, each in ((node.left, left), (node.right, right)):
            self.fit(node, child, each, "number", "`{sign}` computes with numbers", sign=node.operator)
        return "number"

    def chain(self, node: Chain) -> Kind:
        for operand in node.operands:
            if node.operator == "||":
                self.to_text(node, operand, self.infer(operand))
            else:
                self.take(node, operand, "boolean", "{operator} joins conditions", operator=node.operator)
        return "text" if node.operator == "||" else "boolean"

    def to_text(self, parent: Expression, child: Expression, given: Kind) -> None:
        """F-012: everything but lists, intervals and bytes has a form as text."""
        if is_list(given):
            self.fail(child, "A list is not a text", "join it: ARRAYJOIN(list, ', ')")
        self.fit(parent, child, given, "text", "A text")

    def is_(self, node: Is) -> Kind:
        kind = self.infer(node.operand)
        if node.what != "NULL" and kind not in ("boolean", "null"):
            self.fail(
                node.operand, say("IS {what} asks about conditions, not {kind}", what=node.what, kind=ARTICLES[kind])
            )
        return "boolean"

    def in_(self, node: In) -> Kind:
        self.same(node, (node.operand, *node.items), compares=True)
        return "boolean"

    def between(self, node: Between) -> Kind:
        self.ordered(node, (node.operand, node.low, node.high))
        return "boolean"

    def like(self, node: Like) -> Kind:
        for each in (node.operand, node.pattern):
            self.take(node, each, "text", "LIKE compares texts")
        return "boolean"

    def listing(self, node: Listing) -> Kind:
        kind = self.same(node, node.items) if node.items else "text"
        return kind if is_list(kind) else list_of(kind)  # lists within a list are flat, as FLATTEN wants them

    def case(self, node: Case) -> Kind:
        for condition, _ in node.branches:
            self.take(node, condition, "boolean", "A condition")
        results = [result for _, result in node.branches]
        return self.same(node, [*results, node.otherwise] if node.otherwise else results)

    def cast(self, node: Cast) -> Kind:
        given, kind = self.infer(node.operand), TYPES[node.type]
        if (
            isinstance(node.operand, Text)
            and kind not in ("number", "bytes")
            and not literal_fits(node.operand.value, kind)
        ):
            self.fail(node.operand, say("This text is not {kind}", kind=ARTICLES[kind]), _FORMS.get(kind))
        if not castable(given, kind):
            self.fail(node.operand, say("{given} cannot become {kind}", given=capital(given), kind=ARTICLES[kind]))
        return kind

    def item(self, node: Item) -> Kind:
        kind = self.infer(node.operand)
        self.take(node, node.index, "number", "A position")
        if isinstance(node.operand, Call) and node.operand.function == "REGEXP_MATCH":
            return "text"  # PostgreSQL answers a list there, formulas written for it take its first value
        if not is_list(kind):
            self.fail(node.operand, say("Only lists have positions, not {kind}", kind=ARTICLES[kind]))
        return item_of(kind)

    # ── Functions ──

    def call(self, node: Call) -> Kind:
        function = FUNCTIONS[node.function]
        if node.function in _RECORD:
            return self.name(Name(node.at, _RECORD[node.function]))
        if node.function == "SWITCH":
            return self.switch(node)
        shared = [child for i, child in enumerate(node.arguments) if function.argument(i) == "same"]
        kind: Kind = self.same(node, shared) if shared else "null"
        for index, child in enumerate(node.arguments):
            wanted = function.argument(index)
            if wanted in _WRITTEN:
                self.written(function, wanted, child, node)
            elif wanted != "same":
                self.argument(function, node, child, wanted)
        return self.result(function, node, kind)

    def argument(self, function: Function, node: Call, child: Expression, wanted: str) -> None:
        given = self.infer(child)
        if wanted == "any" or given == "null" or given in wanted.split("|"):
            return
        options = _options(wanted)
        if given in options:
            return
        where, names = "{usage}", {"usage": function.usage}
        if function.grammar:
            where, names = "{function} of {usage}", {"function": function.name, "usage": function.usage}
        if isinstance(child, Text) and options[0] != "text":
            fitting = [kind for kind in options if literal_fits(child.value, kind)]
            kind = fitting[0] if fitting else next((k for k in options if k in _MOMENTS), options[0])
            self.fit(node, child, given, kind, where, **names)
        elif options == ("text",) and not is_list(given):
            self.to_text(node, child, given)
        elif len(options) == 1:
            self.fit(node, child, given, options[0], where, **names)
        else:
            kinds = (ARTICLES[each] for each in options[:3])
            expected = reduce(lambda one, other: say("{one} or {other}", one=one, other=other), kinds)
            told = say(EXPECTED, why=say(where, **names), expected=expected, given=ARTICLES[given])
            self.fail(child, told, way(given, options[0]))

    def written(self, function: Function, wanted: str, child: Expression, node: Call) -> None:
        """Arguments that decide what the formula means must stand in it."""
        self.infer(child)
        if not isinstance(child, Text):
            told = say("{function}: the {what} must be a text in quotes", function=function.name, what=_WORDS[wanted])
            self.fail(child, told, function.usage)
            return
        problem: str | None = None
        if wanted == "unit" and unit_of(child.value) is None:
            problem = say(
                "'{text}' is no unit; second, minute, hour, day, week, month, quarter and year are", text=child.value
            )
        elif wanted == "part":
            problem = (
                None
                if child.value in PARTS
                else say("'{text}' is no part of a date; {names} are", text=child.value, names=", ".join(PARTS))
            )
        elif wanted == "regex":
            problem = check_regex(child.value)
            following = node.arguments[2] if len(node.arguments) > 2 else None
            if problem is None and isinstance(following, Text):
                problem, child = check_replacement(child.value, following.value), following
        elif wanted == "flags":
            problem = None if set(child.value) <= set("gi") else say("the flags are `g` (all) and `i` (ignore case)")
        elif wanted == "form":
            problem = check_form(function.name, child.value)
        elif wanted == "pattern":
            problem = check_pattern(function.name, self.kinds[node.arguments[0]], child.value)
        if problem:
            raise FormulaProblem(
                "formula.arguments",
                say("{function}: {problem}", function=function.name, problem=say(problem)),
                child.at,
            )

    def switch(self, node: Call) -> Kind:
        subject, *rest = node.arguments
        if len(rest) < 2:
            text = say("SWITCH needs a value, a match and its result")
            raise FormulaProblem("formula.arguments", text, node.at, FUNCTIONS["SWITCH"].usage)
        self.same(node, (subject, *rest[: len(rest) // 2 * 2 : 2]), compares=True)
        return self.same(node, switch_results(rest))

    def result(self, function: Function, node: Call, kind: Kind) -> Kind:
        result = function.result
        if result in KINDS:
            return _kind(result)
        if result == "same":
            return kind
        if result == "moved":
            return self.moved(node)
        if result == "item":
            return self.extreme(node)
        place = 1 if result == "second" else 0
        return self.kinds.wants(node, node.arguments[place])

    def extreme(self, node: Call) -> Kind:
        """MAX and MIN of values of one kind, and of lists of such values."""
        found: Kind = "null"
        for child in node.arguments:
            given = self.kinds.wants(node, child)
            both = united(found, item_of(given) if is_list(given) else given)
            if both is None:
                self.fail(child, say(BESIDE, one=ARTICLES[given], other=ARTICLES[found]))
                return found
            found = both
        return found

    def moved(self, node: Call) -> Kind:
        """DATE_ADD and DATE_SUB: a date stays one as long as whole days are added."""
        moment, amount = node.arguments[:2]
        kind, by = self.kinds.wants(node, moment), self.kinds.wants(node, amount)
        unit = node.arguments[2] if len(node.arguments) > 2 else None
        if unit is not None and by == "interval":
            self.fail(unit, "An interval has its unit already")
        if isinstance(unit, Text):
            small = unit_of(unit.value) in ("second", "minute", "hour")
            return "timestamp" if small else kind
        return kind if by != "interval" else _shifted(kind, amount)


_RULES: dict[type[Expression], Callable[[_Checker, Any], Kind]] = {
    Name: _Checker.name,
    Unary: _Checker.unary,
    Binary: _Checker.binary,
    Chain: _Checker.chain,
    Is: _Checker.is_,
    In: _Checker.in_,
    Between: _Checker.between,
    Like: _Checker.like,
    Case: _Checker.case,
    Cast: _Checker.cast,
    Listing: _Checker.listing,
    Item: _Checker.item,
    Call: _Checker.call,
}

_WORDS = {
    "unit": say("unit"), "part": say("part"), "pattern": say("pattern"), "regex": say("expression"), "flags": say("flags"),
    "form": say("form"),
}  # fmt: skip


def switch_results(rest: Sequence[Expression]) -> list[Expression]:
    """The values of `SWITCH` after its subject: match, result, match, result, …, [otherwise]."""
    pairs = len(rest) // 2
    return [rest[2 * i + 1] for i in range(pairs)] + ([rest[-1]] if len(rest) % 2 else [])


def _arithmetic(operator: str, left: Kind, right: Kind, node: Binary) -> Kind | None:
    """Arithmetic of dates and intervals; None for numbers."""
    match left, operator, right:
        case "date", "+" | "-", "number":
            return "date"
        case "number", "+", "date":
            return "date"
        case "date", "-", "date":
            return "number"
        case "date" | "timestamp", "+" | "-", "interval":
            return _shifted(left, node.right)
        case "interval", "+", "date" | "timestamp":
            return _shifted(right, node.left)
        case "time", "+" | "-", "interval":
            return "time"
        case ("time", "-", "time") | ("interval", "+" | "-", "interval"):
            return "interval"
        case ("interval", "*", "number") | ("number", "*", "interval"):
            return "interval"
    return None


def _shifted(kind: Kind, interval: Expression) -> Kind:
    """A date and whole days make a date; anything finer makes an instant."""
    whole = isinstance(interval, Span) and not interval.seconds
    return kind if whole or kind == "timestamp" else "timestamp"


def _kind(name: str) -> Kind:
    return next(kind for kind in KINDS if kind == name)


def _options(wanted: str) -> tuple[Kind, ...]:
    """The kinds that an argument may have."""
    found: list[Kind] = []
    for word in wanted.split("|"):
        if word == "moment":
            found += ["date", "timestamp"]
        elif word == "scalar":
            found += ["text"]
        elif word == "list":
            found += [kind for kind in KINDS if is_list(kind)]
        else:
            found.append(_kind(word))
    return tuple(found)


_FORMS: dict[Kind, str] = {
    "date": say("dates are written '2026-01-31'"), "timestamp": say("moments are written '2026-01-31 14:30'"),
    "time": say("times are written '14:30'"), "number": say("numbers are written without quotes"),
    "boolean": say("conditions are TRUE or FALSE"),
}  # fmt: skip
"""How a text that stands for such a value is written."""
