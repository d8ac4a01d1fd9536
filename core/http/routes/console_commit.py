"""`/api/console/commit`: the staged edits of a console, in one transaction."""

from contextlib import suppress

from core.contract.console import Change, CommitAnswer, CommitRequest
from core.errors import FieldError, NotFound
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import RouteFamily
from core.http.shape import check

COMMIT_LIMIT = 32 * 1024 * 1024
CLOSED = "You may read this record, not change it"

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
    answer = await call.engine.records.commit(call.principal, request)
    for change, outcome in zip(request["changes"], answer["outcomes"], strict=True):
        if outcome["status"] == "missing" and await _is_read(call, change):
            outcome["status"] = "invalid"
            outcome["errors"] = [
                FieldError(name, "row.closed", CLOSED).body() for name in change.get("fields") or ("",)
            ]
    return answer_of(answer)


async def _is_read(call: Call, change: Change) -> bool:
    """A record that the caller reads and may not change is not gone: they know of it."""
    table = call.engine.model.by_address.get(change["table"])
    if table is None or "id" not in change:
        return False
    with suppress(NotFound):
        await call.engine.records.get(call.principal, table, change["id"])
        return True
    return False


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
