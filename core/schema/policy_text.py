"""The expressions of policies, read into a tree of our own: SQL as PostgreSQL reads it, as far as the engine can carry it
out on both databases. Nothing of the text ever becomes a part of a statement.

The parser is sqlglot, which takes a while to import: it comes with the first policy.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from core.sentence import joined, say

if TYPE_CHECKING:
    from sqlglot.expressions import Expression

LENGTH_MOST = 10_000
DEPTH_MOST = 40
ASKED = {
    "uid": 0, "role": 0, "app_role": 0, "roles": 0, "email": 0, "jwt": 0, "groups": 0, "assignments": 1,
}  # fmt: skip
"""What can be asked of the caller, `auth.<name>()`, with the number of arguments."""
LISTS = frozenset({"roles", "groups", "assignments"})
SINCE = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}


class PolicyProblem(ValueError):
    """`position` counts characters of the expression from 0."""

    def __init__(self, message: str, position: int = 0, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Constant:
    """A text, number, truth value or None."""

    value: str | int | Decimal | bool | None
    at: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """`auth.uid()` and its like; of `auth.jwt()` what `path` leads to, as text unless `whole`."""

    name: str
    argument: str = ""
    path: tuple[str, ...] = ()
    whole: bool = False
    at: int = 0


@dataclass(frozen=True, slots=True)
class Named:
    """A column, behind the name of its table where that is written."""

    parts: tuple[str, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or function over terms: `=`, `and`, `is null`, `lower`, …"""

    name: str
    terms: tuple["Term", ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """A sub-select. `value` None: nothing but whether there are rows is asked. `sources` are tables (SQL names) with the
    names that they go by; `where` holds the conditions of joins, too."""

    value: "Term | None"
    sources: tuple[tuple[str, str], ...]
    where: "Term | None"
    at: int = 0


Term = Constant | Asked | Named | Call | Rows


def children(term: Term) -> Iterator[Term]:
    """The terms right below one."""
    match term:
        case Call(terms=terms):
            yield from terms
        case Rows(value=value, where=where):
            yield from (each for each in (value, where) if each is not None)


def tables_read(term: Term) -> frozenset[str]:
    """SQL names of the tables that sub-selects of an expression read."""
    own = frozenset(table for table, _ in term.sources) if isinstance(term, Rows) else frozenset()
    return own.union(*(tables_read(each) for each in children(term)))


@lru_cache(maxsize=2_000)
def parse_policy(text: str) -> Term:
    """The tree of an expression. Raises PolicyProblem."""
    from sqlglot import exp, parse
    from sqlglot.errors import ParseError, SqlglotError

    logging.getLogger("sqlglot").disabled = True  # what it cannot read is told here
    if len(text) > LENGTH_MOST:
        raise PolicyProblem(say("An expression has at most {most:,} characters", most=LENGTH_MOST))
    try:
        # Behind SELECT, so that the text can be nothing but an expression.
        found = parse(f"SELECT {text}", read="postgres")
    except (SqlglotError, RecursionError) as error:
        place = error.errors[0].get("col") if isinstance(error, ParseError) and error.errors else None
        raise PolicyProblem("This is not an SQL expression", max((place or 8) - 8, 0)) from None
    select = found[0] if len(found) == 1 else None
    if not isinstance(select, exp.Select) or any(
        value for key, value in select.args.items() if key != "expressions" and value
    ):
        raise PolicyProblem("This is not one SQL expression")
    if len(select.expressions) != 1 or isinstance(select.expressions[0], exp.Alias | exp.Star):
        raise PolicyProblem("This is not one SQL expression")
    return _Reader().term(select.expressions[0])


def _place(node: "Expression") -> int:
    """Where a node stands; nodes without a place of their own stand at their first part that has one."""
    for each in node.walk():
        start = each.meta.get("start")
        if start is not None:
            return max(int(start) - len("SELECT "), 0)
    return 0


def _given(node: "Expression") -> set[str]:
    """The parts that a node has."""
    return {key for key, value in node.args.items() if value}


class _Reader:
    """sqlglot's tree into ours; what is not listed here is refused."""

    def __init__(self) -> None:
        self._depth = 0

    def term(self, node: "Expression") -> Term:
        self._depth += 1
        if self._depth > DEPTH_MOST:
            raise PolicyProblem(say("The expression is nested deeper than {most}", most=DEPTH_MOST))
        try:
            name = type(node).__name__
            known = _PARTS.get(name, _OPERANDS if name in _CALLS else None)
            # A part that nobody looks at would change the meaning without a word.
            if known is None or any(value and key not in known for key, value in node.args.items()):
                raise self._refused(node)
            if name in _CALLS:
                found: Term = self._call(_CALLS[name], node)
            else:
                read: Callable[[Any], Term] = getattr(self, f"_{name.lower()}")
                found = read(node)
            return Call("not", (found,), found.at) if node.args.get("negate") else found
        finally:
            self._depth -= 1

    @staticmethod
    def _refused(node: "Expression", why: str = "") -> PolicyProblem:
        shown = node.sql(dialect="postgres", comments=False)
        shown = shown if len(shown) <= 40 else shown[:39] + "…"
        told = say("`{shown}` cannot stand in a policy", shown=shown)
        return PolicyProblem(joined(told, why), _place(node))

    def _call(self, name: str, node: "Expression") -> Call:
        own = [node.args.get("this"), node.args.get("expression"), *node.expressions]
        return Call(name, tuple(self.term(each) for each in own if each is not None), _place(node))

    # Values.

    def _literal(self, node: Any) -> Constant:
        if node.is_string:
            return Constant(node.this, _place(node))
        number = Decimal(node.this)
        return Constant(int(number) if number == number.to_integral_value() and "." not in node.this else number)

    def _boolean(self, node: Any) -> Constant:
        return Constant(bool(node.this))

    def _null(self, node: Any) -> Constant:
        return Constant(None)

    def _neg(self, node: Any) -> Term:
        inner = self.term(node.this)
        if isinstance(inner, Constant) and isinstance(inner.value, int | Decimal):
            return Constant(-inner.value, inner.at)
        return Call("-", (Constant(0), inner), _place(node))

    def _paren(self, node: Any) -> Term:
        return self.term(node.this)

    def _interval(self, node: Any) -> Call:
        unit = str(node.args.get("unit") or "").lower().removesuffix("s")
        try:
            count = Decimal(str(node.this.this))
        except (ArithmeticError, AttributeError):
            raise self._refused(node) from None
        if unit not in SINCE:
            raise self._refused(node, "seconds to weeks do")
        return Call("seconds", (Constant(count * SINCE[unit]),), _place(node))

    def _cast(self, node: Any) -> Term:
        kind = node.to.this.name.lower()
        if kind in ("text", "varchar"):
            return Call("text", (self.term(node.this),), _place(node))
        if kind == "uuid" and isinstance(value := self.term(node.this), Constant | Asked):
            return value
        if kind in ("date", "timestamp", "timestamptz") and node.this.is_string:
            return Call("day" if kind == "date" else "instant", (self.term(node.this),), _place(node))
        raise self._refused(node, "casts lead to text here")

    # Columns, and what is asked of the caller.

    def _column(self, node: Any) -> Named:
        from sqlglot import exp

        if not isinstance(node.this, exp.Identifier):
            raise self._refused(node)
        parts = [part.name for part in node.parts]
        if len(parts) == 3 and parts[0].lower() in ("public", "main"):
            parts = parts[1:]
        if len(parts) > 2:
            raise self._refused(node)
        return Named(tuple(parts), _place(node.parts[-len(parts)]))

    def _dot(self, node: Any) -> Asked:
        from sqlglot import exp

        call = node.expression
        if node.this.name.lower() != "auth" or not isinstance(call, exp.Anonymous):
            raise self._refused(node)
        name, given = str(call.this).lower(), call.expressions
        if name not in ASKED:
            known = ", ".join(f"auth.{each}()" for each in ASKED)
            told = say("There is no auth.{name}()", name=name)
            raise PolicyProblem(told, _place(node), say("there are {known}", known=known))
        if len(given) != ASKED[name] or not all(each.is_string for each in given):
            wanted = say("the name of a table") if ASKED[name] else say("nothing")
            raise PolicyProblem(say("auth.{name} takes {wanted}", name=name, wanted=wanted), _place(node))
        return Asked(name, given[0].this if given else "", whole=name == "jwt", at=_place(node))

    def _jsonextract(self, node: Any) -> Term:
        return self._inside(node, whole=True)

    def _jsonextractscalar(self, node: Any) -> Term:
        return self._inside(node, whole=False)

    def _inside(self, node: Any, *, whole: bool) -> Term:
        from sqlglot import exp

        path = node.expression
        keys = [step for step in path.expressions if not isinstance(step, exp.JSONPathRoot)]
        if not isinstance(path, exp.JSONPath) or not all(
            isinstance(step, exp.JSONPathKey) and isinstance(step.this, str) for step in keys
        ):
            raise self._refused(node)
        steps = tuple(step.this for step in keys)
        inner = self.term(node.this)
        if isinstance(inner, Asked) and inner.whole:
            return Asked(inner.name, path=(*inner.path, *steps), whole=whole, at=inner.at)
        if isinstance(inner, Call) and inner.name == "json":
            return Call("json text" if not whole else "json", (*inner.terms, *map(Constant, steps)), inner.at)
        if isinstance(inner, Named):
            return Call("json text" if not whole else "json", (inner, *map(Constant, steps)), inner.at)
        raise self._refused(node)

    # Conditions.

    def _is(self, node: Any) -> Call:
        from sqlglot import exp

        right = node.expression
        if isinstance(right, exp.Null):
            return Call("is null", (self.term(node.this),), _place(node))
        if isinstance(right, exp.Boolean):
            return Call("is true" if right.this else "is false", (self.term(node.this),), _place(node))
        raise self._refused(node)

    def _in(self, node: Any) -> Call:
        left = self.term(node.this)
        if node.args.get("query") is not None:
            rows = self.term(node.args["query"])
            return Call("in rows", (left, rows), _place(node))
        if not node.expressions:
            raise self._refused(node)
        return Call("in", (left, *map(self.term, node.expressions)), _place(node))

    def _between(self, node: Any) -> Call:
        terms = (self.term(node.this), self.term(node.args["low"]), self.term(node.args["high"]))
        return Call("between", terms, _place(node))

    def _eq(self, node: Any) -> Call:
        from sqlglot import exp

        for one, other in ((node.this, node.expression), (node.expression, node.this)):
            if isinstance(other, exp.Any):
                inner = self.term(other.this)
                name = "in rows" if isinstance(inner, Rows) else "any"
                return Call(name, (self.term(one), inner), _place(node))
        return self._call("=", node)

    def _case(self, node: Any) -> Call:
        if node.args.get("this") is not None:
            raise self._refused(node, "write CASE WHEN condition THEN value")
        terms = [self.term(part) for each in node.args["ifs"] for part in (each.this, each.args["true"])]
        last = node.args.get("default")
        return Call("case", (*terms, Constant(None) if last is None else self.term(last)), _place(node))

    # Sub-selects.

    def _exists(self, node: Any) -> Call:
        rows = self._rows(node.this, is_asked=True)
        return Call("exists", (rows,), _place(node))

    def _subquery(self, node: Any) -> Term:
        from sqlglot import exp

        inner = node.this
        if isinstance(inner, exp.Select) and len(inner.expressions) == 1 and set(_given(inner)) == {"expressions"}:
            return self.term(inner.expressions[0])  # `(SELECT auth.uid())`
        return self._rows(inner)

    def _select(self, node: Any) -> Rows:
        return self._rows(node)

    def _rows(self, node: Any, *, is_asked: bool = False) -> Rows:
        from sqlglot import exp

        if not isinstance(node, exp.Select):
            raise self._refused(node)
        if extra := _given(node) - {"expressions", "from_", "where", "joins"}:
            raise PolicyProblem(say("A sub-select of a policy has no {word}", word=min(extra).upper()), _place(node))
        begin = node.args.get("from_")
        if begin is None:
            raise PolicyProblem("A sub-select of a policy reads a table", _place(node))
        joins = node.args.get("joins") or []
        sources = tuple(self._source(each) for each in (begin.this, *(join.this for join in joins)))
        conditions = [found for join in joins if (found := self._joined(join)) is not None]
        if node.args.get("where") is not None:
            conditions.append(self.term(node.args["where"].this))
        value = None
        if not is_asked:
            if len(node.expressions) != 1:
                raise PolicyProblem("A sub-select of a policy gives one value", _place(node))
            value = self.term(node.expressions[0])
        where = None if not conditions else conditions[0] if len(conditions) == 1 else Call("and", tuple(conditions))
        return Rows(value, sources, where, _place(node))

    def _source(self, node: Any) -> tuple[str, str]:
        """The SQL name of a table, and the name that it goes by."""
        from sqlglot import exp

        from core.schema.name import sql_name

        alias = node.args.get("alias")
        if (
            not isinstance(node, exp.Table)
            or not isinstance(node.this, exp.Identifier)
            or _given(node) - {"this", "alias", "db"}
            or (alias is not None and alias.args.get("columns"))
            or node.db.lower() not in ("", "public", "main")
        ):
            raise self._refused(node)
        return sql_name(node.name), (node.alias or node.name).lower()

    def _joined(self, join: Any) -> Term | None:
        """The condition of a join."""
        if _given(join) - {"this", "on", "kind"} or join.args.get("kind") not in (None, "", "INNER", "CROSS"):
            raise PolicyProblem("A sub-select of a policy joins by JOIN … ON", _place(join))
        return None if join.args.get("on") is None else self.term(join.args["on"])

    def _count(self, node: Any) -> Call:
        from sqlglot import exp

        if isinstance(node.this, exp.Star):
            return Call("count", (), _place(node))
        return Call("count", (self.term(node.this),), _place(node))

    def _currenttimestamp(self, node: Any) -> Call:
        return Call("now", (), _place(node))

    def _currentdate(self, node: Any) -> Call:
        return Call("today", (), _place(node))


_CALLS = {
    "And": "and", "Or": "or", "Not": "not", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=",
    "NullSafeEQ": "is same", "NullSafeNEQ": "is other", "Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "Mod": "%",
    "DPipe": "||", "Like": "like", "ILike": "ilike", "Lower": "lower", "Upper": "upper", "Length": "length",
    "Trim": "trim", "Coalesce": "coalesce", "Nullif": "nullif", "Abs": "abs", "Min": "min", "Max": "max",
}  # fmt: skip
"""Nodes that are nothing but their parts under another name."""
_OPERANDS = frozenset({"this", "expression", "expressions", "safe", "typed", "negate"})
_PARTS = {
    "Literal": {"this", "is_string"}, "Boolean": {"this"}, "Null": set[str](), "Neg": {"this"}, "Paren": {"this"},
    "Interval": {"this", "unit"}, "Cast": {"this", "to", "_type"}, "Column": {"this", "table", "db"},
    "Dot": {"this", "expression"}, "JSONExtract": {"this", "expression", "only_json_types"},
    "JSONExtractScalar": {"this", "expression", "only_json_types"}, "Is": {"this", "expression", "negate"},
    "In": {"this", "expressions", "query"}, "Between": {"this", "low", "high"}, "EQ": {"this", "expression"},
    "Case": {"ifs", "default"}, "Exists": {"this"}, "Subquery": {"this"}, "Count": {"this", "big_int"},
    "Select": {"expressions", "from_", "where", "joins"}, "CurrentTimestamp": set[str](), "CurrentDate": set[str](),
}  # fmt: skip
"""The parts of other nodes that are understood."""
