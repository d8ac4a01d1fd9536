"""The outbox: messages that wait, have failed, or are kept because nothing real sends them (auth §19)."""

from typing import Any

from core.clock import to_iso
from core.contract.admin import OutboxEntry, OutboxForgotten, OutboxPage
from core.contract.auth import Success
from core.http.answer import Answer, as_json, empty
from core.http.call import Call
from core.http.route import Parameter, RouteFamily
from core.messaging.post import Note
from core.messaging.queue import Entry

routes = RouteFamily("admin", accounts=True, admin=True, throttle="admin")
PATH = "/api/admin/outbox"
PAGE, PAGE_MOST = 50, 200


@routes.add(
    "GET",
    PATH,
    query={
        "limit": Parameter(f"messages a page ({PAGE}); at most {PAGE_MOST} are given", "integer", least=1),
        "cursor": Parameter("`nextCursor` of the page before"),
    },
    answers={200: OutboxPage},
    errors=(400, 404, 429),
)
async def list_outbox(call: Call) -> Answer:
    """Messages that have not left, the newest first"""
    limit = min(call.integer("limit", PAGE), PAGE_MOST)
    found = await call.auth.context.post.outbox(limit=limit, before=call.query.get("cursor"))
    following = found[-1].id if len(found) == limit else None
    return as_json({"messages": [_told(call, each) for each in found], "nextCursor": following})


@routes.add("GET", f"{PATH}/{{message}}", answers={200: OutboxEntry}, errors=(404, 429))
async def get_outbox_message(call: Call) -> Answer:
    """One message"""
    return as_json(_told(call, await call.auth.context.post.message(call.segments["message"])))


@routes.add("POST", f"{PATH}/{{message}}/retry", answers={200: Success}, errors=(404, 409, 429))
async def retry_outbox_message(call: Call) -> Answer:
    """Send a mail again"""
    message = call.segments["message"]
    note = _note(call, "admin.message.retried", message)
    await call.auth.context.post.retry(message, actor=call.principal.id, note=note)
    return as_json({"success": True})


@routes.add("DELETE", f"{PATH}/{{message}}", answers={204: None}, errors=(404, 429))
async def forget_outbox_message(call: Call) -> Answer:
    """Take a message off the outbox"""
    await _forget(call, call.segments["message"])
    return empty()


@routes.add("DELETE", PATH, answers={200: OutboxForgotten}, errors=(404, 429))
async def forget_outbox(call: Call) -> Answer:
    """Take all messages off the outbox that do not wait"""
    return as_json({"success": True, "forgotten": await _forget(call, None)})


async def _forget(call: Call, message: str | None) -> int:
    note = _note(call, "admin.message.forgotten", message)
    return await call.auth.context.post.forget(message, actor=call.principal.id, note=note)


def _note(call: Call, action: str, message: str | None) -> Note:
    """The entry of the audit log."""
    log, who, source = call.auth.context.log, call.principal, call.source
    return lambda tx, count: log(tx, action, who, source, ("message", message or "all", ""), count=count)


def _told(call: Call, entry: Entry) -> dict[str, Any]:
    """Links and codes of others are for who runs this server, and for nobody else (D9)."""
    content = entry.content if call.source.os_user is not None else None
    return {
        "id": entry.id,
        "kind": entry.kind,
        "template": entry.template,
        "to": entry.to,
        "status": entry.status,
        "createdAt": to_iso(entry.created_at),
        "attempts": entry.attempts,
        "dueAt": entry.due_at and to_iso(entry.due_at),
        "error": entry.error,
        "content": content and {"subject": content.subject, "text": content.text, "html": content.html},
    }
