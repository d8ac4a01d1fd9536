"""One's own account: name and picture, its end, and what is kept of one (auth §7.2)."""

from collections.abc import AsyncGenerator
from typing import Any

import orjson

from core.auth.address import normal_email
from core.auth.deletion import PATH
from core.auth.error import AuthError
from core.clock import to_iso
from core.comments.store import COMMENTS
from core.contract.auth import (
    DeleteAccountRequest,
    KeepRequest,
    PasswordRequest,
    PersonalExport,
    Scheduled,
    Status,
    StatusAndUser,
    Success,
    UpdateUserRequest,
)
from core.errors import FieldError, Invalid
from core.http.answer import JSON, Answer, Stream, as_json
from core.http.call import Call
from core.http.link import QUERY, Outcome, Use, confirmed, is_form, opened
from core.http.route import RouteFamily
from core.http.routes.auth_session import required
from core.http.session import current, leave
from core.records.own import own_records

routes = RouteFamily("auth", accounts=True)


@routes.add("POST", "/api/auth/update-user", body=UpdateUserRequest, answers={200: StatusAndUser}, errors=(401,))
async def update_user(call: Call) -> Answer:
    """Change one's own name or picture"""
    return await _update(call, await call.json_object())


@routes.add("PATCH", "/api/auth/user/update", body=UpdateUserRequest, answers={200: StatusAndUser}, errors=(401, 403))
async def patch_user(call: Call) -> Answer:
    """Change one's own name or picture, by the other address"""
    values = await call.json_object()
    if "role" in values:
        raise AuthError("FORBIDDEN")
    return await _update(call, values)


async def _update(call: Call, values: dict[str, Any]) -> Answer:
    account = await call.auth.profile.update(current(call), values, call.source)
    return as_json({"status": True, "user": account.body(call.engine.app.roles)})


@routes.add(
    "POST",
    "/api/auth/delete-user",
    body=PasswordRequest,
    answers={200: Success},
    errors=(401, 403, 409, 429, 503),
    throttle="change",
)
async def delete_user(call: Call) -> Answer:
    """Remove one's own account now"""
    body: PasswordRequest = await call.checked()
    await call.auth.deletion.delete(current(call), body.get("password"), call.source)
    return leave(call, as_json({"success": True}))


@routes.add(
    "POST",
    "/api/account/delete",
    body=DeleteAccountRequest,
    answers={202: Scheduled},
    errors=(401, 403, 409, 429, 503),
    throttle="change",
)
async def delete_account(call: Call) -> Answer:
    """Remove one's own account in thirty days"""
    body: DeleteAccountRequest = await call.checked()
    if body.get("confirm") is not True:
        message = "confirm must be true"
        raise Invalid(message, [FieldError("confirm", "confirm.missing", message)])
    moment = await call.auth.deletion.schedule(current(call), body.get("password"), call.source)
    return leave(call, as_json({"status": True, "eraseAt": to_iso(moment)}, 202))


@routes.add("GET", "/api/account/export", answers={200: PersonalExport}, errors=(401, 429), throttle="change")
async def export_account(call: Call) -> Answer:
    """Everything that is kept of oneself"""
    found = current(call)
    body = await call.auth.export.read(found, call.source, also=(COMMENTS,))
    name = (b"content-disposition", b'attachment; filename="account.json"')
    return Stream(_export(call, body), [JSON, name])


async def _export(call: Call, body: dict[str, Any]) -> AsyncGenerator[bytes]:
    """The account, then the records, a page at a time."""
    yield orjson.dumps(body)[:-1] + b',"records":{'
    latest = None
    async for table, page in own_records(call.engine.records, call.principal):
        if table != latest:
            yield (b"" if latest is None else b"],") + orjson.dumps(table) + b":["
        else:
            yield b","
        latest = table
        yield b",".join(orjson.dumps(record) for record in page)
    yield (b"" if latest is None else b"]") + b"}}"


@routes.add("GET", PATH, guests=True, query=QUERY, answers={200: Status}, errors=(400, 401))
async def open_keeping(call: Call) -> Answer:
    """Open the link that keeps an account"""
    return await opened(call, "keep-account", _keep(call))


@routes.add(
    "POST",
    PATH,
    guests=True,
    query=QUERY,
    body=KeepRequest,
    answers={200: Status},
    errors=(400, 401, 429, 503),
    throttle="sign-in",
)
async def keep_account(call: Call) -> Answer:
    """Keep an account that is waiting to be deleted"""
    if is_form(call):
        return await confirmed(call, "keep-account", _keep(call))
    body: KeepRequest = await call.checked()
    if body.get("token") or call.text("token"):
        return await confirmed(call, "keep-account", _keep(call), {**body})
    email, password = required(body, "email"), required(body, "password")
    call.identify(normal_email(email))
    await call.auth.deletion.keep_by_password(email, password, call.source)
    return as_json({"status": True})


def _keep(call: Call) -> Use:
    async def use(secret: str) -> Outcome:
        await call.auth.deletion.keep(secret, call.source)
        return Outcome()

    return use
