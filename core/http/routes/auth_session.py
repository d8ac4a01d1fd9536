"""Signing up, in and out with a password, and one's own sessions (auth §6.1, §7.1)."""

from core.auth.address import normal_email
from core.auth.device import forget_devices
from core.auth.profile import accepted_image
from core.auth.session import Session
from core.contract.auth import (
    Revoked,
    RevokeRequest,
    SessionAndUser,
    SessionBody,
    SignInAnswer,
    SignInRequest,
    SignUpRequest,
    Success,
    TokenAndUser,
    Ways,
)
from core.errors import FieldError, Invalid, NotFound
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import RouteFamily
from core.http.session import admitted, current, device_of, enter, leave, prolong, told
from core.storage.database import Transaction

routes = RouteFamily("auth", accounts=True)


def required(body: object, name: str, status: int = 400) -> str:
    """A text that the body must have. Raises Invalid."""
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, str) or not value:
        message = f"{name} is needed"
        raise Invalid(message, [FieldError(name, f"{name}.missing", message)], status=status)
    return value


def image_of(value: str | None) -> str | None:
    """The picture of an account. Raises Invalid."""
    try:
        return accepted_image(value)
    except ValueError as error:
        raise Invalid(str(error), [FieldError("image", "image.refused", str(error))]) from error


def onward(callback: str | None) -> dict[str, object]:
    """Where a page that has signed somebody in is to go."""
    return {"redirect": False} if callback is None else {"redirect": True, "url": callback}


@routes.add("GET", "/api/auth/ways", guests=True, unproven=True, answers={200: Ways})
async def ways_to_sign_in(call: Call) -> Answer:
    """How one can sign in to this app"""
    spec = call.auth.context.spec
    mail = spec.magic_link is not None
    answer: Ways = {
        "app": call.engine.app.name,
        "password": spec.password is not None,
        "emailCode": mail,
        "magicLink": mail,
        "phone": spec.phone is not None,
        "anonymous": spec.anonymous is not None,
        "signUp": spec.allow_sign_up and spec.password is not None,
    }
    return as_json(answer)


@routes.add(
    "POST",
    "/api/auth/sign-up/email",
    guests=True,
    throttle="sign-up",
    body=SignUpRequest,
    answers={200: TokenAndUser},
    errors=(403, 422, 429),
)
async def sign_up(call: Call) -> Answer:
    """Make an account with address and password"""
    body: SignUpRequest = await call.checked()
    email, password, name = required(body, "email"), required(body, "password"), required(body, "name", 422)
    joined = await call.auth.sign_up.by_password(
        email,
        password,
        name,
        call.source,
        image=image_of(body.get("image")),
        remember=body.get("rememberMe", True),
        callback=call.auth.context.redirects.check(body.get("callbackURL")),
    )
    if joined.entered is None:
        return as_json({"token": None, "user": joined.account.body(call.engine.app.roles)})
    return enter(call, as_json(told(joined.entered, call)), joined.entered)


@routes.add(
    "POST",
    "/api/auth/sign-in/email",
    guests=True,
    throttle="sign-in",
    body=SignInRequest,
    answers={200: SignInAnswer},
    errors=(401, 403, 429),
)
async def sign_in(call: Call) -> Answer:
    """Sign in with address and password"""
    body: SignInRequest = await call.checked()
    email, password = required(body, "email"), required(body, "password")
    call.identify(normal_email(email))
    callback = call.auth.context.redirects.check(body.get("callbackURL"))
    way = await call.auth.sign_in.by_password(
        email, password, call.source, remember=body.get("rememberMe", True), device=device_of(call)
    )
    return admitted(call, way, **onward(callback))


@routes.add("GET", "/api/auth/get-session", guests=True, unproven=True, answers={200: SessionAndUser | None})
async def get_session(call: Call) -> Answer:
    """The session and the account that ask, null without one"""
    found = call.signed_in
    if found is None:
        return as_json(None)
    user = found.account.body(call.engine.app.roles)
    return as_json({"session": found.session.body(found.session.id), "user": user})


@routes.add("POST", "/api/auth/session/refresh", answers={200: SessionAndUser}, errors=(401,))
async def refresh_session(call: Call) -> Answer:
    """Let the session last from now on"""
    found, context = current(call), call.auth.context

    def work(tx: Transaction) -> Session:
        context.log(tx, "session.refreshed", found.principal, call.source, ("session", found.session.id, ""))
        return context.sessions.slide(tx, found.session)

    session = await context.write(work, found.principal)
    answer = as_json({"session": session.body(session.id), "user": found.account.body(call.engine.app.roles)})
    prolong(call, answer, session)
    return answer


@routes.add("POST", "/api/auth/sign-out", unproven=True, answers={200: Success}, errors=(401,))
async def sign_out(call: Call) -> Answer:
    """End the session that asks"""
    found = current(call)
    await call.auth.sign_in.sign_out(found.principal, found.session.id, call.source)
    return leave(call, as_json({"success": True}))


@routes.add("GET", "/api/auth/list-sessions", answers={200: list[SessionBody]}, errors=(401,))
async def list_sessions(call: Call) -> Answer:
    """One's own live sessions, the newest first"""
    found, context = current(call), call.auth.context
    own = await context.read(lambda reader: context.sessions.of(reader, found.account.id))
    return as_json([each.body(found.session.id) for each in own])


@routes.add("POST", "/api/auth/revoke-session", body=RevokeRequest, answers={200: Revoked}, errors=(401, 404))
async def revoke_session(call: Call) -> Answer:
    """End one of one's own sessions by its handle"""
    found, context = current(call), call.auth.context
    body: RevokeRequest = await call.checked()
    handle = body.get("id") or required(body, "token")

    def work(tx: Transaction) -> int:
        session = context.sessions.find(tx, handle)
        if session is None or session.user_id != found.account.id:
            raise NotFound
        forget_devices(tx, found.account.id, [session.device_id])
        count = context.sessions.end(tx, [handle])
        context.log(tx, "session.revoked", found.principal, call.source, ("session", handle, ""))
        return count

    return as_json({"status": True, "revoked": await context.write(work, found.principal)})


@routes.add("POST", "/api/auth/revoke-other-sessions", answers={200: Revoked}, errors=(401,))
async def revoke_others(call: Call) -> Answer:
    """End one's own sessions but the one that asks"""
    return as_json({"status": True, "revoked": await _end_all(call, keep=True)})


@routes.add("POST", "/api/auth/revoke-sessions", answers={200: Revoked}, errors=(401,))
async def revoke_all(call: Call) -> Answer:
    """End all one's own sessions, also the one that asks"""
    return leave(call, as_json({"status": True, "revoked": await _end_all(call, keep=False)}))


async def _end_all(call: Call, *, keep: bool) -> int:
    found, context = current(call), call.auth.context

    def work(tx: Transaction) -> int:
        forget_devices(tx, found.account.id, but=found.session.device_id if keep else None)
        count = context.sessions.end_all(tx, found.account.id, but=found.session.id if keep else None)
        context.log(tx, "session.revoked", found.principal, call.source, ("user", found.account.id, ""), count=count)
        return count

    return await context.write(work, found.principal)
