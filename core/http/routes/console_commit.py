"""`/api/console/commit`: the staged edits of a console, in one transaction."""

from core.contract.console import CommitAnswer, CommitRequest
from core.http.answer import Answer, as_json
from core.http.call import Call, check
from core.http.route import RouteFamily

COMMIT_LIMIT = 32 * 1024 * 1024

routes = RouteFamily("console")


@routes.add(
    "POST",
    "/api/console/commit",
    body=CommitRequest,
    answers={200: CommitAnswer, 400: CommitAnswer, 409: CommitAnswer},
    errors=(404, 413),
)
async def commit(call: Call) -> Answer:
    """Check and write staged edits: all of them or none."""
    request: CommitRequest = check(CommitRequest, await call.json_object(COMMIT_LIMIT))
    return answer_of(await call.engine.records.commit(call.principal, request))


def answer_of(answer: CommitAnswer) -> Answer:
    """200 when all is well; else the envelope of an error with what became of each change."""
    states = {outcome["status"] for outcome in answer["outcomes"]}
    if "invalid" in states:
        return as_json(
            {"success": False, "message": "Some values are not valid", "code": "VALIDATION_ERROR", **answer}, 400
        )
    if states & {"conflict", "missing"}:
        message = "Some records have changed since they were read"
        return as_json({"success": False, "message": message, "code": "CONFLICT", **answer}, 409)
    return as_json(answer)
