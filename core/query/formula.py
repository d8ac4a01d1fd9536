"""Formulas at work in queries: the value of a formula field, and conditions written in the formula language."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, FromClause, select

from core.fields.base import FieldType
from core.fields.computed import ComputedField, LookupField
from core.fields.formula import FormulaField, value_kind
from core.fields.link import LinksField
from core.fields.model import TableModel
from core.formulas.check import check, names
from core.formulas.compile import Context, compile_sql
from core.formulas.kind import ARTICLES, Kind
from core.formulas.parse import parse
from core.formulas.problem import FormulaProblem
from core.formulas.size import Size, check_size
from core.formulas.tree import Expression
from core.query.scope import Scope, own_ref
from core.sentence import say


def kinds_of(table: TableModel, hidden: frozenset[str] = frozenset()) -> dict[str, Kind]:
    """The fields that a formula over a table may name; hidden ones are as good as not there."""
    found: dict[str, Kind] = {}
    for name in dict.fromkeys((*table.fields, *table.system, "id")):
        field = _type_of(table, name)
        kind = None if field is None or name in hidden else value_kind(field)
        if kind is not None:
            found[name] = kind
    return found


def _type_of(table: TableModel, name: str) -> Any:
    ref = own_ref(table, name)
    return None if ref is None else ref.type


def formula_value(scope: Scope, field: FormulaField, own: FromClause) -> ColumnElement[Any]:
    """The SQL of a formula field for a row of `own`. What the caller may see of the fields it uses was decided with the
    field itself (P-021)."""
    context, columns = _context(scope, kinds_of(scope.table)), _columns(scope, own)
    result = field.options.result
    if not _reads_records(scope.table, field):
        return compile_sql(field.expression, columns, context, result)
    # SQL names an operand many times. A subquery stands in a row of its own, or a database would run each of its copies.
    read: dict[str, ColumnElement[Any]] = {}

    def noted(name: str) -> ColumnElement[Any]:
        return read.setdefault(name, columns(name))

    compile_sql(field.expression, noted, context, result)
    operands = select(*(value.label(name) for name, value in read.items())).correlate_except().subquery()
    value = compile_sql(field.expression, operands.c.__getitem__, context, result)
    return select(value).select_from(operands).scalar_subquery()


def _reads_records(table: TableModel, field: FieldType[Any]) -> bool:
    """Whether a value is read from other records, by itself or by a field that the formula names."""
    if not isinstance(field, FormulaField):
        return isinstance(field, ComputedField | LinksField)
    named = (table.fields.get(name.lower()) for name in names(field.expression))
    return any(each is not None and _reads_records(table, each) for each in named)


def condition_value(scope: Scope, expression: Expression, own: FromClause | None = None) -> ColumnElement[bool]:
    """The SQL of a condition that `read_condition` has checked."""
    source = scope.source if own is None else own
    return compile_sql(expression, _columns(scope, source), _context(scope, kinds_of(scope.table)))


def read_condition(text: str, table: TableModel, hidden: frozenset[str] = frozenset()) -> Expression:
    """A condition in the formula language. Raises FormulaProblem."""
    expression = parse(text)
    kind = check(expression, kinds_of(table, hidden))
    if kind not in ("boolean", "null"):
        message = say("A condition is true or false, this is {kind}", kind=ARTICLES[kind])
        raise FormulaProblem("formula.type", message, expression.at, "compare it with something")
    check_size(expression, lambda name: formula_size(table, name))
    return expression


def formula_size(table: TableModel, name: str, sizes: dict[str, Size] | None = None) -> Size:
    """The size of a field in a formula: more than one for a formula field. `sizes` are those known by now: a field that is
    used often is looked at once."""
    known: dict[str, Size] = {} if sizes is None else sizes
    if name not in known:
        field = table.fields.get(name.lower())
        known[name] = Size()
        if isinstance(field, FormulaField):
            known[name] = check_size(field.expression, lambda each: formula_size(table, each, known))
    return known[name]


def _columns(scope: Scope, own: FromClause) -> Callable[[str], ColumnElement[Any]]:
    def column(name: str) -> ColumnElement[Any]:
        ref = own_ref(scope.table, name)
        assert ref is not None
        if isinstance(ref.type, LookupField) and ref.type.is_joined:
            return scope.computed(ref.type, own, as_list=True)
        return scope.column(ref, own)

    return column


def _context(scope: Scope, kinds: dict[str, Kind]) -> Context:
    return Context(scope.dialect, kinds, str(scope.zone), None if scope.is_lasting else scope.now)
