"""What happened: the history of a record, the activity of all tables (spec tables-records §10.11)."""

from core.contract.activity import ActivityEntry, ActivityList, HistoryList, Reverted
from core.errors import NotSignedIn
from core.history.activity import Question
from core.history.entry import OPERATIONS
from core.history.record_history import Window
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.repeat import records_of
from core.http.route import Parameter, RouteFamily
from core.http.routes.tables import table_of

routes = RouteFamily("history")

HISTORY = {
    "limit": Parameter("entries a page; all when absent", "integer", least=1, most=1_000_000),
    "offset": Parameter("entries to pass over", "integer", least=0),
    "sort": Parameter("`createdAt:asc` (the oldest first) or `createdAt:desc`"),
    "diff": Parameter("`fields`: also what each field went from and to", choices=("fields",)),
}
ACTIVITY = {
    "page": Parameter("number of the page, from 1"),
    "pageSize": Parameter("entries a page (20), at most 100"),
    "tableName": Parameter("of this table, by name or id"),
    "table": Parameter("another name of `tableName`"),
    "action": Parameter(f"one of {', '.join(OPERATIONS)}"),
    "userId": Parameter("of this user; somebody else's is for admins"),
    "startDate": Parameter("since this day or instant"),
    "endDate": Parameter("until the end of this day, or before this instant"),
    "from": Parameter("another name of `startDate`"),
    "to": Parameter("another name of `endDate`"),
}


@routes.add(
    "GET",
    "/api/tables/{table}/records/{record}/history",
    query=HISTORY,
    answers={200: HistoryList},
    errors=(404,),
    needs="read",
)
async def list_history(call: Call) -> Answer:
    """What happened to a record, the oldest first."""
    window = Window.parse(call.query)
    return as_json(await call.engine.history.list(call.principal, table_of(call), call.segments["record"], window))


@routes.add(
    "POST",
    "/api/tables/{table}/records/{record}/history/{entry}/revert",
    answers={200: Reverted},
    errors=(400, 404, 409),
    needs="update",
    repeatable=True,
)
async def revert_entry(call: Call) -> Answer:
    """Undo one entry of a record's history, by a write like any other."""
    segments = call.segments
    place = table_of(call), segments["record"], segments["entry"]
    done = await call.engine.history.revert(call.principal, *place, records_of(call))
    return as_json(done)


@routes.add("GET", "/api/activity", query=ACTIVITY, answers={200: ActivityList}, errors=(400, 404), counter="activity")
async def list_activity(call: Call) -> Answer:
    """What happened in all tables that the caller may read, the newest first."""
    _require_somebody(call)
    return as_json(await call.engine.activity.list(call.principal, Question.parse(call.query)))


@routes.add("GET", "/api/activity/{entry}", answers={200: ActivityEntry}, errors=(400, 404), counter="activity")
async def get_activity(call: Call) -> Answer:
    """One entry with its changes."""
    _require_somebody(call)
    return as_json(await call.engine.activity.get(call.principal, call.segments["entry"]))


def _require_somebody(call: Call) -> None:
    """An app without accounts is open, but what people did is for its owner alone (auth A-150). Raises NotSignedIn."""
    if call.principal.kind == "guest":
        raise NotSignedIn
