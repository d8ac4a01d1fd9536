"""Acting as somebody else (auth §11.5). The administrator's own session waits meanwhile in a second cookie."""

from core.auth.sign_in import Entered
from core.contract.admin import Impersonated, ImpersonationEnded, UserRequest
from core.http.administration import STOP
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.cookie import PARKED, SESSION, cookie_name, cookies_of, set_cookie
from core.http.route import RouteFamily
from core.http.routes.auth_session import required
from core.http.session import current, enter, leave, told

routes = RouteFamily("admin", accounts=True)


@routes.add(
    "POST",
    "/api/auth/admin/impersonate-user",
    admin=True,
    body=UserRequest,
    answers={200: Impersonated},
    errors=(400, 403, 404, 429),
    throttle="admin",
)
async def impersonate_user(call: Call) -> Answer:
    """Act as somebody else for a while"""
    user = required(await call.checked(), "userId")
    entered = await call.auth.impersonation.start(call.principal, call.source, user, call.signed_in)
    body = {**told(entered, call), "session": entered.session.body(entered.session.id)}
    answer = as_json(body)
    name = cookie_name(SESSION, secure=call.secure, configured=call.auth.sessions.spec.cookie_name)
    own = cookies_of(call.scope).get(name)
    if own is not None:
        answer.headers.append(set_cookie(_parked(call), own, secure=call.secure, seconds=None))
    return enter(call, answer, entered)


@routes.add("POST", STOP, answers={200: ImpersonationEnded}, errors=(400, 401, 429), throttle="admin")
async def stop_impersonating(call: Call) -> Answer:
    """Be oneself again"""
    found = current(call)
    own = await call.auth.impersonation.stop(found, call.source)
    roles = call.engine.app.roles
    if own is None:
        return _forget(call, leave(call, as_json({"session": None, "user": None})))
    session, account = own
    answer = as_json({"session": session.body(session.id), "user": account.body(roles)})
    kept = cookies_of(call.scope).get(_parked(call))
    secret = call.auth.sessions.unsign(kept) if kept else None
    again = await call.auth.recognise(secret, lambda: call.source) if secret else None
    if secret is None or again is None or again.session.id != session.id:
        return _forget(call, leave(call, answer))
    return _forget(call, enter(call, answer, Entered(secret, session, account)))


def _parked(call: Call) -> str:
    return cookie_name(PARKED, secure=call.secure)


def _forget(call: Call, answer: Answer) -> Answer:
    """The cookie of the session that waited goes."""
    if _parked(call) in cookies_of(call.scope):
        answer.headers.append(set_cookie(_parked(call), "", secure=call.secure, seconds=0))
    return answer
