"""Comments on records, and the notifications of who is mentioned in them (spec tables-records §10.10)."""

from core.comments.service import STATUSES, Page
from core.contract.comments import (
    CommentAnswer,
    CommentBody,
    CommentChange,
    CommentCreated,
    CommentList,
    Done,
    NotificationIds,
    NotificationList,
)
from core.http.answer import Answer, as_json, empty
from core.http.call import Call
from core.http.route import Parameter, RouteFamily
from core.http.routes.tables import table_of
from core.http.shape import check

routes = RouteFamily("comments")
COMMENTS = "/api/tables/{table}/records/{record}/comments"
LIST = {
    "limit": Parameter("comments a page; all when absent, at most 100 are given", "integer", least=1),
    "offset": Parameter("comments to pass over", "integer", least=0),
    "sort": Parameter("`createdAt:desc` (the newest first) or `createdAt:asc`"),
    "status": Parameter("of this status", choices=STATUSES),
}
PERMANENT = {"permanent": Parameter("for good; for administrators", "boolean")}


@routes.add("GET", COMMENTS, query=LIST, answers={200: CommentList}, errors=(404,), needs="read")
async def list_comments(call: Call) -> Answer:
    """Comments on a record that the caller may see."""
    record, page = call.segments["record"], Page.parse(call.query)
    return as_json(await call.engine.comments.list(call.principal, table_of(call), record, page))


@routes.add(
    "POST",
    COMMENTS,
    body=CommentBody,
    answers={200: Done, 201: CommentCreated},
    errors=(404, 413, 422, 429),
    needs="comment",
)
async def create_comment(call: Call) -> Answer:
    """Comment on a record."""
    body = check(CommentBody, await call.json_object())
    made = await call.engine.comments.create(
        call.principal, table_of(call), call.segments["record"], body, address=call.app.address(call.scope)
    )
    return as_json({"success": True, "discarded": True}) if made is None else as_json(made, 201)


@routes.add("POST", COMMENTS + "/read", answers={200: Done}, errors=(404,), needs="read", keeps=True)
async def read_comments(call: Call) -> Answer:
    """All comments of a record are read."""
    await call.engine.comments.mark_read(call.principal, table_of(call), call.segments["record"])
    return as_json({"success": True})


@routes.add("GET", COMMENTS + "/{comment}", answers={200: CommentAnswer}, errors=(404,), needs="read")
async def get_comment(call: Call) -> Answer:
    """One comment."""
    record, comment = call.segments["record"], call.segments["comment"]
    return as_json({"comment": await call.engine.comments.get(call.principal, table_of(call), record, comment)})


@routes.add(
    "PATCH",
    COMMENTS + "/{comment}",
    body=CommentChange,
    answers={200: CommentAnswer},
    errors=(404, 413),
    needs="comment",
)
async def edit_comment(call: Call) -> Answer:
    """Change the text of a comment, or moderate it."""
    body = check(CommentChange, await call.json_object())
    record, comment = call.segments["record"], call.segments["comment"]
    return as_json(await call.engine.comments.edit(call.principal, table_of(call), record, comment, body))


@routes.add("DELETE", COMMENTS + "/{comment}", query=PERMANENT, answers={204: None}, errors=(404,), needs="comment")
async def delete_comment(call: Call) -> Answer:
    """Delete a comment."""
    record, comment = call.segments["record"], call.segments["comment"]
    permanent = call.boolean("permanent")
    await call.engine.comments.delete(call.principal, table_of(call), record, comment, permanent=permanent)
    return empty()


@routes.add("GET", "/api/tables/{table}/comments", query=LIST, answers={200: CommentList}, errors=(404,))
async def list_table_comments(call: Call) -> Answer:
    """Comments of all records of a table, for who moderates them."""
    return as_json(await call.engine.comments.queue(call.principal, table_of(call), Page.parse(call.query)))


@routes.add(
    "GET",
    "/api/notifications",
    query={
        "unread": Parameter("only those", "boolean"),
        "limit": Parameter("notifications a page (20)", "integer", least=1, most=100),
        "offset": Parameter("notifications to pass over", "integer", least=0),
    },
    answers={200: NotificationList},
    errors=(404,),
)
async def list_notifications(call: Call) -> Answer:
    """What the caller was told of: mentions and replies, the newest first."""
    found = await call.engine.notifications.page(
        call.principal, unread=call.boolean("unread"), limit=call.integer("limit", 20), offset=call.integer("offset", 0)
    )
    return as_json(found)


@routes.add("POST", "/api/notifications/read", body=NotificationIds, answers={200: dict}, errors=(404, 413), keeps=True)
async def read_notifications(call: Call) -> Answer:
    """Some notifications, or all, are read."""
    body: NotificationIds = check(NotificationIds, await call.json_object())
    count = await call.engine.notifications.read(call.principal, body.get("ids"))
    return as_json({"success": True, "read": count})
