"""A formula tried out over the rows that the caller may see, before anybody writes it to the app file."""

from typing import Any, cast, get_args

from sqlalchemy import select

from core.contract.formulas import FormulaError, FormulaPreview, FormulaRequest, FormulaSample
from core.errors import BadRequest
from core.fields.address import key_text
from core.fields.formula import FormulaField, FormulaOptions, Result, ResultType
from core.fields.model import TableModel
from core.formulas.cast import convertible
from core.formulas.check import check
from core.formulas.kind import ARTICLES, Kind, is_list
from core.formulas.parse import parse
from core.formulas.problem import FormulaProblem
from core.formulas.size import check_size
from core.formulas.tree import Expression
from core.principal import Principal
from core.query.formula import formula_size, formula_value, kinds_of
from core.query.list_query import live
from core.query.scope import Scope
from core.records.service import Records
from core.schema.model import FieldSpec
from core.sentence import say, with_patterns
from core.storage.database import Call, Reader

SHOWN, MOST = 5, 50
_RESULT: dict[Kind, ResultType] = {
    "number": "number", "boolean": "boolean", "date": "date", "timestamp": "timestamp",
    "text-list": "text[]", "number-list": "text[]", "boolean-list": "text[]", "date-list": "text[]",
}  # fmt: skip
"""What shows a value of its own kind; text shows the others."""


async def preview_formula(records: Records, principal: Principal, request: FormulaRequest) -> FormulaPreview:
    """The kind of a formula, what is wrong with it, and its value for some records. Fields that the caller may not read are
    as if they were not there. Raises NotFound, NotSignedIn, BadRequest (an unknown `resultType`)."""
    table = records.table(principal, request["table"], "read")
    scope, text, wanted = records.scope(principal, table), request["formula"], request.get("resultType")
    if wanted is not None and wanted not in get_args(ResultType):
        raise BadRequest(say("resultType must be one of {names}", names=", ".join(get_args(ResultType))))
    try:
        expression = parse(text)
        kind = check(expression, kinds_of(table, scope.hidden))
        check_size(expression, lambda name: formula_size(table, name))
        field = _field(text, wanted or _RESULT.get(kind, "text"), expression, kind)
    except FormulaProblem as problem:
        return {"kind": None, "error": _told(problem, text), "samples": []}
    limit = max(1, min(request.get("limit", SHOWN), MOST))
    job = Call(lambda reader: _samples(reader, scope, field, limit))
    return {"kind": kind, "error": None, "samples": await records.database.read(job, lane="scan")}


def _field(text: str, wanted: Any, expression: Expression, kind: Kind) -> FormulaField:
    """The field that the formula would be. Raises FormulaProblem where its value cannot become that."""
    options = FormulaOptions(formula=text, result_type=wanted)
    result: Result = options.result
    target: Kind = "number" if result == "integer" else result
    if not convertible(kind, target):
        hint = say("set `resultType: text[]`, or join the list: ARRAYJOIN(list, ', ')") if is_list(kind) else None
        hint = say("use EXTRACT or DATE_DIFF") if kind == "interval" else hint
        message = say(
            "The formula gives {kind}, which cannot become {target}", kind=ARTICLES[kind], target=ARTICLES[target]
        )
        raise FormulaProblem("formula.result", message, expression.at, hint)
    return FormulaField(FieldSpec(id="0", name="preview", type="formula", options=options))


def _samples(reader: Reader, scope: Scope, field: FormulaField, limit: int) -> list[FormulaSample]:
    table, own = scope.table, scope.source
    key = [own.c[name] for name in table.key.fields]
    shown = _label(table, scope)
    value = formula_value(scope, field, own)
    statement = select(*key, own.c[shown], value).where(live("without", scope)).order_by(*key).limit(limit)
    return [
        {
            "id": key_text(row[: len(key)]),
            "label": table.type_of(shown).to_text(row[-2]),
            "value": field.to_json(row[-1]),
        }
        for row in reader.rows(statement)
    ]


def _label(table: TableModel, scope: Scope) -> str:
    """The column that stands for a record; the key where the caller may not read it."""
    name = table.display_field
    return name if name in table.column_by_name and name not in scope.hidden else table.key.fields[0]


def _told(problem: FormulaProblem, text: str) -> FormulaError:
    line, column = problem.place(text)
    told: FormulaError = {
        "code": problem.code,
        "message": problem.message,
        "position": problem.position,
        "line": line,
        "column": column,
        "hint": problem.hint,
    }
    return cast(FormulaError, with_patterns({**told}))
