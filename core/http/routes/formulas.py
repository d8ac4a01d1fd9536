"""`/api/console/formulas`: formulas tried out, and the functions that one can write in them."""

from core.contract.formulas import FormulaFunctions, FormulaPreview, FormulaRequest
from core.formulas.function import FUNCTIONS
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import RouteFamily
from core.records.formula_preview import preview_formula

routes = RouteFamily("console")


@routes.add(
    "POST",
    "/api/console/formulas/preview",
    body=FormulaRequest,
    answers={200: FormulaPreview},
    errors=(404,),
    counter="read",
)
async def preview(call: Call) -> Answer:
    """What a formula gives, what is wrong with it, and its value for the first records."""
    request: FormulaRequest = await call.checked()
    return as_json(await preview_formula(call.engine.records, call.principal, request))


@routes.add("GET", "/api/console/formulas/functions", answers={200: FormulaFunctions})
async def functions(call: Call) -> Answer:
    """The functions of the formula language, each with a line of documentation."""
    answer: FormulaFunctions = {
        "functions": [
            {
                "name": each.name,
                "group": each.group,
                "signature": each.usage,
                "result": each.result,
                "text": each.doc,
                "example": each.example,
            }
            for each in FUNCTIONS.values()
        ]
    }
    return as_json(answer)
