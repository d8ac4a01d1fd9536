"""From the text of a formula to its tree (Pratt parser).

Binding, loosest first: OR, XOR, AND, NOT, IS and comparisons, IN BETWEEN LIKE, `||`, + and -, * / %, sign, `::`, `[…]`.
"""

import re
from functools import lru_cache

from core.formulas.function import FUNCTIONS, like, unit_of
from core.formulas.kind import TYPES
from core.formulas.problem import FormulaProblem
from core.formulas.token import Token, tokens
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
)
from core.sentence import say

MAX_DEPTH = 64
"""Expressions within expressions."""

_NOT, _COMPARE, _SET, _JOIN, _SUM, _PRODUCT, _SIGN, _CAST = 4, 5, 6, 7, 8, 9, 10, 11
_BINDING = {
    "OR": 1, "XOR": 2, "AND": 3,
    "=": _COMPARE, "!=": _COMPARE, "<>": _COMPARE, "<": _COMPARE, ">": _COMPARE, "<=": _COMPARE, ">=": _COMPARE,
    "IS": _COMPARE, "IN": _SET, "BETWEEN": _SET, "LIKE": _SET, "ILIKE": _SET, "NOT": _SET,
    "||": _JOIN, "&": _JOIN, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT,
    "::": _CAST, "[": _CAST,
}  # fmt: skip
_OPERATORS = frozenset("= != <> < > <= >= + - * / % || & AND OR XOR IS IN BETWEEN LIKE ILIKE ::".split())
_ARITHMETIC = frozenset("+-*/%")
_TYPED = frozenset("DATE TIME TIMESTAMP TIMESTAMPTZ INTERVAL".split())
"""Types that a text in quotes may follow, as in SQL: `DATE '2026-01-31'`."""
_STATEMENTS = frozenset("SELECT INSERT UPDATE DELETE DROP ALTER CREATE WITH FROM WHERE UNION EXISTS".split())
_RESERVED = _STATEMENTS | _OPERATORS | frozenset("NOT CASE WHEN THEN ELSE END AS ARRAY CAST INTERVAL".split())
_BARE = frozenset({"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP"})


@lru_cache(maxsize=512)
def parse(text: str) -> Expression:
    """The tree of a formula. Raises FormulaProblem."""
    parser = _Parser(tokens(text))
    if parser.here.kind == "end":
        raise FormulaProblem("formula.empty", "A formula is needed", 0)
    expression = parser.expression(0)
    parser.finish()
    return expression


class _Parser:
    def __init__(self, words: list[Token]) -> None:
        self.words = words
        self.place = 0
        self.depth = 0

    @property
    def here(self) -> Token:
        return self.words[self.place]

    @property
    def following(self) -> Token:
        return self.words[min(self.place + 1, len(self.words) - 1)]

    def take(self) -> Token:
        token = self.here
        self.place += token.kind != "end"
        return token

    def accept(self, *wanted: str) -> bool:
        """Take a word or symbol if it stands here."""
        if self.here.upper in wanted and self.here.upper:
            self.take()
            return True
        return False

    def expect(self, wanted: str, why: str) -> Token:
        if self.here.upper != wanted:
            raise self.unexpected(say("`{sign}` is expected {why}", sign=wanted, why=say(why)))
        return self.take()

    def unexpected(self, message: str) -> FormulaProblem:
        token = self.here
        if token.upper in _STATEMENTS:
            text = say(
                "`{found}`: a formula computes from this record's fields and asks nothing of tables", found=token.text
            )
            return FormulaProblem("formula.subquery", text, token.at)
        if token.kind == "end":
            text = say("The formula ends too early: {problem}", problem=say(message))
        else:
            text = say("{problem}, not `{found}`", problem=say(message), found=token.text)
        return FormulaProblem("formula.syntax", text, token.at)

    def finish(self) -> None:
        token = self.here
        if token.kind == "end":
            return
        if token.upper == ")":
            raise FormulaProblem("formula.parentheses", "This parenthesis closes nothing", token.at)
        if token.upper == ",":
            raise FormulaProblem("formula.syntax", "A comma separates arguments of functions only", token.at)
        if token.kind in ("text", "name", "number", "word") and token.upper not in _STATEMENTS:
            message = say("An operator is missing before `{token}`", token=token.text)
            raise FormulaProblem("formula.syntax", message, token.at, _missing_operator(token))
        raise self.unexpected("the end is expected")

    # ── Expressions ──

    def expression(self, binding: int) -> Expression:
        """What stands here, as far as operators bind tighter than `binding`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FormulaProblem("formula.too-deep", "The formula is nested too deep", self.here.at)
        left = self.prefix()
        turns = 0
        while (power := _BINDING.get(self.here.upper, 0)) > binding:
            if self.here.upper == "NOT" and self.following.upper not in ("IN", "BETWEEN", "LIKE", "ILIKE"):
                break
            left = self.infix(left, power)
            turns += 1
            if turns > MAX_DEPTH:
                raise FormulaProblem("formula.too-deep", "Too many operators in a row; use parentheses", self.here.at)
        self.depth -= 1
        return left

    def operand(self, operator: Token, binding: int) -> Expression:
        """The right side of an operator."""
        token = self.here
        is_sign = token.upper == "-" or (token.upper == "+" and operator.upper not in _ARITHMETIC)
        if token.upper in _OPERATORS and not is_sign and not self._is_call():
            message = say("Two operators in a row: `{first}` and `{second}`", first=operator.text, second=token.text)
            raise FormulaProblem("formula.two-operators", message, token.at)
        return self.expression(binding)

    def infix(self, left: Expression, power: int) -> Expression:
        operator = self.take()
        match operator.upper:
            case "IS":
                return self.is_(left, operator)
            case "IN" | "BETWEEN" | "LIKE" | "ILIKE":
                return self.set(left, operator, negated=False)
            case "NOT":
                return self.set(left, self.take(), negated=True)
            case "::":
                return _cast(operator, left, self.type_name())
            case "[":
                item = Item(operator.at, left, self.expression(0))
                self.expect("]", "after the position")
                return item
            case "AND" | "OR" | "||" | "&" as sign:
                return self.chain(left, operator, "||" if sign == "&" else sign, power)
            case "+" | "-" | "*":
                return self.run(left, operator, power)
            case sign:
                right = self.operand(operator, power)
                return Binary(operator.at, "<>" if sign == "!=" else sign, left, right)

    def run(self, left: Expression, operator: Token, power: int) -> Expression:
        """`a + b - c …`. A long one becomes a balanced tree: depth is what everything after the parser pays for."""
        signs = ("+", "-") if power == _SUM else ("*",)
        terms = [(operator, self.operand(operator, power))]
        while self.here.upper in signs:
            sign = self.take()
            terms.append((sign, self.operand(sign, power)))
        if len(terms) >= _LONG_RUN:
            return _balanced(left, [(sign.upper, sign.at, term) for sign, term in terms])
        for sign, term in terms:
            left = Binary(sign.at, sign.upper, left, term)
        return left

    def chain(self, left: Expression, operator: Token, sign: str, power: int) -> Expression:
        operands = [left, self.operand(operator, power)]
        same = ("||", "&") if sign == "||" else (sign,)
        while self.here.upper in same:
            operands.append(self.operand(self.take(), power))
        return Chain(operator.at, sign, tuple(operands))  # type: ignore[arg-type]

    def is_(self, left: Expression, operator: Token) -> Expression:
        negated = self.accept("NOT")
        for what in ("NULL", "TRUE", "FALSE"):
            if self.accept(what):
                return Is(operator.at, left, what, negated)
        raise self.unexpected("`IS` is followed by NULL, TRUE or FALSE")

    def set(self, left: Expression, operator: Token, *, negated: bool) -> Expression:
        if operator.upper == "IN":
            self.expect("(", "after IN")
            if self.here.upper == ")":
                raise self.unexpected("IN needs at least one value")
            return In(operator.at, left, self.arguments("the list"), negated)
        if operator.upper == "BETWEEN":
            low = self.operand(operator, _SET)
            middle = self.expect("AND", "between the two ends")
            return Between(operator.at, left, low, self.operand(middle, _SET), negated)
        return Like(operator.at, left, self.operand(operator, _SET), negated, operator.upper == "ILIKE")

    # ── What an expression begins with ──

    def prefix(self) -> Expression:
        token = self.here
        match token.kind:
            case "number":
                return Number(self.take().at, token.text)
            case "text":
                return Text(self.take().at, token.text)
            case "name":
                return Name(self.take().at, token.text, quoted=True)
            case "word":
                return self.word(token)
        if token.upper == "(":
            self.take()
            inner = self.expression(0)
            self.close(token, "a parenthesis")
            return inner
        if token.upper in ("-", "+"):
            self.take()
            if self.here.upper in ("-", "+"):
                message = say(
                    "Two operators in a row: `{first}` and `{second}`", first=token.text, second=self.here.text
                )
                raise FormulaProblem("formula.two-operators", message, self.here.at, "use parentheses")
            operand = self.operand(token, _SIGN)
            if token.upper == "-" and isinstance(operand, Number):
                return Number(token.at, f"-{operand.text}")
            return Unary(token.at, token.upper, operand)  # type: ignore[arg-type]
        if token.upper == ")":
            raise FormulaProblem("formula.parentheses", "A value is expected before this parenthesis", token.at)
        if token.upper in _OPERATORS:
            message = say("A value is expected before `{token}`", token=token.text)
            raise FormulaProblem("formula.syntax", message, token.at)
        raise self.unexpected("a value is expected")

    def close(self, opening: Token, what: str) -> None:
        if self.here.upper == ")":
            self.take()
            return
        if self.here.kind == "end":
            raise FormulaProblem(
                "formula.parentheses", say("The `(` of {what} is not closed", what=say(what)), opening.at
            )
        if self.here.kind in ("text", "name", "number", "word") and self.here.upper not in _RESERVED:
            message = say("An operator or comma is missing before `{found}`", found=self.here.text)
            raise FormulaProblem("formula.syntax", message, self.here.at, _missing_operator(self.here))
        raise self.unexpected(say("`)` is expected to close {what}", what=say(what)))

    def word(self, token: Token) -> Expression:
        if self.following.upper == "(" and token.upper not in ("NOT", "IN", "CAST", "CASE", "WHEN", "THEN", "ELSE"):
            return self.call(self.take())
        match token.upper:
            case "NOT":
                self.take()
                return Unary(token.at, "NOT", self.operand(token, _NOT))
            case "CASE":
                return self.case(self.take())
            case "CAST":
                return self.cast(self.take())
            case "NULL":
                return Null(self.take().at)
            case "TRUE" | "FALSE":
                return Truth(self.take().at, token.upper == "TRUE")
            case "ARRAY" if self.following.upper == "[":
                return self.listing(self.take())
            case name if name in _TYPED and self.following.kind == "text":
                start, written = self.take(), self.take()
                return _cast(start, Text(written.at, written.text), name.lower())
            case name if name in _BARE:
                return Call(self.take().at, name, ())
            case name if name in _OPERATORS:
                raise FormulaProblem(
                    "formula.syntax", say("A value is expected before `{token}`", token=token.text), token.at
                )
            case name if name in _RESERVED:
                raise self.unexpected("a value is expected")
        return Name(self.take().at, token.text)

    def _is_call(self) -> bool:
        return self.here.upper in FUNCTIONS and self.following.upper == "("

    def case(self, start: Token) -> Expression:
        subject = None if self.here.upper == "WHEN" else self.expression(0)
        branches: list[tuple[Expression, Expression]] = []
        while self.here.upper == "WHEN":
            when = self.take()
            condition = self.expression(0)
            if subject is not None:
                condition = Binary(when.at, "=", subject, condition)
            self.expect("THEN", "after the condition")
            branches.append((condition, self.expression(0)))
        if not branches:
            raise self.unexpected("`WHEN` is expected after CASE")
        otherwise = self.expression(0) if self.accept("ELSE") else None
        self.expect("END", "at the end of CASE")
        return Case(start.at, tuple(branches), otherwise)

    def cast(self, start: Token) -> Expression:
        opening = self.expect("(", "after CAST")
        operand = self.expression(0)
        self.expect("AS", "before the type")
        type_ = self.type_name()
        self.close(opening, "CAST")
        return _cast(start, operand, type_)

    def type_name(self) -> str:
        token = self.here
        name = token.text.lower()
        if token.kind != "word" or name not in TYPES:
            raise self.unexpected(say("a type is expected ({names})", names=", ".join(dict.fromkeys(TYPES))))
        self.take()
        if name == "double" and self.here.upper == "PRECISION":
            self.take()
        if self.here.upper == "(" and self.following.kind == "number":
            self.digits()
        if name in ("timestamp", "time") and self.here.upper in ("WITH", "WITHOUT"):
            for each in (self.here.upper, "TIME", "ZONE"):
                self.expect(each, "in the type's name")
        return name

    def digits(self) -> None:
        """`numeric(10, 2)`: numbers are exact as they are."""
        opening = self.take()
        self.take()
        if self.accept(",") and self.take().kind != "number":
            raise self.unexpected("a number of digits is expected")
        self.close(opening, "the type")

    def listing(self, start: Token) -> Expression:
        self.expect("[", "after ARRAY")
        items: list[Expression] = []
        while self.here.upper != "]":
            items.append(self.expression(0))
            if not self.accept(","):
                break
        self.expect("]", "at the end of ARRAY")
        return Listing(start.at, tuple(items))

    # ── Functions ──

    def call(self, word: Token) -> Expression:
        name = word.upper
        if name not in FUNCTIONS:
            near = like(word.text)
            if name in _STATEMENTS:
                raise FormulaProblem("formula.subquery", "A formula asks nothing of tables", word.at)
            hint = say("did you mean {near}?", near=near) if near else None
            message = say("There is no function `{name}`", name=word.text)
            raise FormulaProblem("formula.unknown-function", message, word.at, hint)
        opening = self.take()
        if self.here.upper == "SELECT":
            raise self.unexpected("")
        if name == "EXTRACT":
            return self.extract(word, opening)
        if self.here.upper == ")":
            self.take()
            arguments: tuple[Expression, ...] = ()
        else:
            arguments = self.arguments(name, opening)
        _check_count(word, arguments)
        return Call(word.at, name, arguments)

    def arguments(self, what: str, opening: Token | None = None) -> tuple[Expression, ...]:
        """The arguments up to the closing parenthesis; OVERLAY and SUBSTRING have words between theirs."""
        opening = opening or self.words[self.place - 1]
        found: list[Expression] = []
        while True:
            if self.here.upper in (",", ")"):
                raise FormulaProblem("formula.syntax", "An argument is missing here", self.here.at)
            found.append(self.expression(0))
            if not self.accept(",", *_SEPARATORS.get(what, ())):
                break
        self.close(opening, what)
        return tuple(found)

    def extract(self, word: Token, opening: Token) -> Expression:
        part = self.take()
        if part.kind not in ("word", "text"):
            self.place -= part.kind != "end"
            raise self.unexpected("a part of a date is expected (year, month, day, …)")
        if not self.accept("FROM", ","):
            raise self.unexpected("`FROM` is expected after the part")
        operand = self.expression(0)
        self.close(opening, "EXTRACT")
        return Call(word.at, "EXTRACT", (Text(part.at, part.text.lower()), operand))


_LONG_RUN = 8


def _balanced(first: Expression, terms: list[tuple[str, int, Expression]]) -> Expression:
    """`first ± a ± b …` halved again and again; what stands behind a minus changes its signs."""
    if not terms:
        return first
    middle = len(terms) // 2
    sign, at, second = terms[middle]
    rest = terms[middle + 1 :]
    if sign == "-":
        rest = [("-" if each == "+" else "+", place, term) for each, place, term in rest]
    return Binary(at, sign, _balanced(first, terms[:middle]), _balanced(second, rest))


_SEPARATORS = {"OVERLAY": ("PLACING", "FROM", "FOR"), "SUBSTRING": ("FROM", "FOR"), "SUBSTR": ("FROM", "FOR")}


def _check_count(word: Token, arguments: tuple[Expression, ...]) -> None:
    function = FUNCTIONS[word.upper]
    count, most = len(arguments), function.most
    if count >= function.fewest and (most is None or count <= most):
        return
    if count == 0:
        message = say("{function} needs an argument", function=function.name)
    elif most == 0:
        message = say("{function} takes no argument", function=function.name)
    else:
        few = say("{function} has too few arguments ({count})", function=function.name, count=count)
        many = say("{function} has too many arguments ({count})", function=function.name, count=count)
        message = few if count < function.fewest else many
    raise FormulaProblem("formula.arguments", message, word.at, function.usage)


def _missing_operator(token: Token) -> str | None:
    return say("texts are joined by ||") if token.kind == "text" else None


_SPAN = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*,?")
_CLOCK = re.compile(r"\s*([+-]?)(\d{1,4}):(\d\d)(?::(\d\d))?\s*\Z")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_SHORT = {"sec": "second", "secs": "second", "min": "minute", "mins": "minute", "mon": "month", "mons": "month",
          "h": "hour", "hr": "hour", "hrs": "hour", "d": "day", "y": "year", "s": "second"}  # fmt: skip
MAX_SPAN_DAYS = 4_000_000


def _cast(start: Token, operand: Expression, type_: str) -> Expression:
    """`'1 day'::interval` is an interval as it stands; no other value becomes one."""
    if TYPES[type_] == "interval" and isinstance(operand, Text):
        return _span(operand.value, operand.at)
    return Cast(start.at, operand, type_)


def _span(text: str, at: int) -> Span:
    """The interval of a text: `1 day`, `2 weeks 3 hours`, `01:30`."""
    months = days = 0
    seconds = 0.0
    rest = text
    clock = _CLOCK.match(rest)
    if clock:
        total = int(clock[2]) * 3600 + int(clock[3]) * 60 + int(clock[4] or 0)
        return Span(at, 0, 0, float(-total if clock[1] == "-" else total))
    while rest.strip():
        match = _SPAN.match(rest)
        unit = unit_of(_SHORT.get(match[2].lower(), match[2])) if match else None
        if match is None or unit is None:
            message = say("This interval cannot be read")
            raise FormulaProblem("formula.interval", message, at, "write it like INTERVAL '2 weeks 3 hours'")
        count = float(match[1])
        if unit in _SECONDS:
            seconds += count * _SECONDS[unit]
        elif count != int(count):
            raise FormulaProblem("formula.interval", say("Whole {unit}s only", unit=unit), at)
        elif unit in _DAYS:
            days += int(count) * _DAYS[unit]
        else:
            months += int(count) * _MONTHS[unit]
        rest = rest[match.end() :]
    if not text.strip():
        raise FormulaProblem("formula.interval", "This interval is empty", at, "write it like INTERVAL '1 day'")
    if abs(months) * 31 + abs(days) + abs(seconds) / 86400 > MAX_SPAN_DAYS:
        raise FormulaProblem("formula.interval", "This interval is longer than the calendar", at)
    return Span(at, months, days, seconds)
