"""`/api/console/formulas`: formulas tried out before they are written to the app file, and what one can write in them."""

from typing import Any, NotRequired

from typing_extensions import TypedDict


class FormulaRequest(TypedDict):
    """`POST /api/console/formulas/preview`. Without `resultType` the value keeps its own kind, as in conditions."""

    table: str
    formula: str
    resultType: NotRequired[str]
    limit: NotRequired[int]
    """Records to show, 5 if not told, at most 50."""


class FormulaError(TypedDict):
    """What is wrong. `position` counts characters of the formula from 0; `line` and `column` from 1."""

    code: str
    message: str
    position: int
    line: int
    column: int
    hint: str | None
    said: NotRequired[dict[str, Any]]
    """The patterns of `message` and `hint` and the values in them, as with refusals."""


class FormulaSample(TypedDict):
    """The value for one record, as the API tells values."""

    id: str
    label: str
    value: Any


class FormulaPreview(TypedDict):
    """`kind`: what the formula gives (`number`, `date`, …), None with an error. `samples`: the first records that the caller
    may see."""

    kind: str | None
    error: FormulaError | None
    samples: list[FormulaSample]


class FormulaFunction(TypedDict):
    name: str
    group: str
    signature: str
    result: str
    text: str
    example: str


class FormulaFunctions(TypedDict):
    """`GET /api/console/formulas/functions`."""

    functions: list[FormulaFunction]
