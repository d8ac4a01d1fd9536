"""Who calls over TCP, by the session that the request shows (auth §6); and the cookies that begin and end one."""

import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.auth.api_key import MARK
from core.auth.error import AuthError
from core.auth.second_step import STEP_SECONDS
from core.auth.session import Session, SignedIn
from core.auth.sign_in import Entered, SecondStep
from core.errors import NotSignedIn
from core.http.answer import Answer, as_json
from core.http.call import Call, Scope, header
from core.http.cookie import DEVICE, SECOND_STEP, SESSION, cookie_name, cookies_of, set_cookie
from core.principal import Principal

if TYPE_CHECKING:
    from core.auth.service import Auth

BEARER = "bearer "


def secret_shown(auth: "Auth", scope: Scope, token: str | None, is_secure: Callable[[Scope], bool]) -> str | None:
    """The secret of a session that the request shows, by cookie or with `token` as a bearer. Raises NotSignedIn where the
    two are of different sessions."""
    bearer, cookie = secret_of(auth, token), None
    if header(scope, b"cookie") is not None:
        name = cookie_name(SESSION, secure=is_secure(scope), configured=auth.sessions.spec.cookie_name)
        value = cookies_of(scope).get(name)
        cookie = auth.sessions.unsign(value) if value else None
    if cookie and bearer and not hmac.compare_digest(cookie.encode(), bearer.encode()):
        raise NotSignedIn("The cookie and the bearer token are of different sessions")
    return bearer or cookie


def token_of(scope: Scope) -> str | None:
    """What the request shows as a bearer: a key or the secret of a session."""
    shown = header(scope, b"authorization")
    return shown[len(BEARER) :].strip() if shown is not None and shown[: len(BEARER)].lower() == BEARER else None


async def renewed(call: Call) -> Principal | None:
    """Who has sent a request that goes on, as they are by now; None: the session or key of it has ended."""
    engine = call.app.engine or call.engine
    if engine.auth is None:
        return call.principal
    principal: Principal | None = call.principal
    if call.signed_in is not None:
        found = await engine.auth.sessions.still(call.signed_in)
        principal = None if found is None else found.principal
    elif call.principal.key is not None and (key := token_of(call.scope)) is not None:
        try:
            principal = await engine.auth.api_keys.recognise(key)
        except AuthError:
            return None
    else:
        return principal
    return None if principal is None else await engine.grants.complete(principal)


def is_key(token: str) -> bool:
    """An API key, which then is all that counts."""
    return token.startswith(MARK)


def secret_of(auth: "Auth", token: str | None) -> str | None:
    """The secret that a bearer shows, with or without the signature that a cookie has."""
    return auth.sessions.unsign(token) or token if token and "." in token else token


def enter(call: Call, answer: Answer, entered: Entered) -> Answer:
    """The answer with the cookie of a session that has begun."""
    _give(call, answer, entered.secret, entered.session)
    unfinished = cookie_name(SECOND_STEP, secure=call.secure)
    if unfinished in cookies_of(call.scope):
        answer.headers.append(set_cookie(unfinished, "", secure=call.secure, seconds=0))
    return answer


def prolong(call: Call, answer: Answer, session: Session) -> None:
    """The cookie that a request has shown lasts as long as its session does by now, unless the answer has another one."""
    name = _name(call)
    has_other = any(key == b"set-cookie" and value.startswith(b"%b=" % name.encode()) for key, value in answer.headers)
    value = None if has_other or not session.remember else cookies_of(call.scope).get(name)
    secret = call.auth.sessions.unsign(value) if value else None
    if secret is not None:
        _give(call, answer, secret, session)


def _give(call: Call, answer: Answer, secret: str, session: Session) -> None:
    left = session.expires_at - call.auth.context.clock()
    seconds = max(1, round(left.total_seconds())) if session.remember else None
    value = call.auth.sessions.sign(secret)
    answer.headers.append(set_cookie(_name(call), value, secure=call.secure, seconds=seconds))


def _name(call: Call) -> str:
    return cookie_name(SESSION, secure=call.secure, configured=call.auth.sessions.spec.cookie_name)


def admitted(call: Call, way: Entered | SecondStep, **more: object) -> Answer:
    """The answer to the first proof: the session with `more`, or what the second step needs."""
    if isinstance(way, Entered):
        return enter(call, as_json({**more, **told(way, call)}), way)
    return step(call, as_json(asked(way)), way)


def asked(second: SecondStep) -> dict[str, object]:
    """What an answer tells of the second step."""
    return {"twoFactorRedirect": True, "twoFactorMethods": list(second.methods)}


def step(call: Call, answer: Answer, second: SecondStep) -> Answer:
    """The answer with the cookie that proves the first step (A-115)."""
    name = cookie_name(SECOND_STEP, secure=call.secure)
    answer.headers.append(set_cookie(name, second.secret, secure=call.secure, seconds=STEP_SECONDS))
    return answer


def device_of(call: Call) -> str | None:
    """The secret of a trusted device that the browser shows."""
    return cookies_of(call.scope).get(cookie_name(DEVICE, secure=call.secure))


def leave(call: Call, answer: Answer) -> Answer:
    """The answer that takes the cookie away."""
    answer.headers.append(set_cookie(_name(call), "", secure=call.secure, seconds=0))
    return answer


def current(call: Call) -> SignedIn:
    """The session that asks. Raises NotSignedIn."""
    if call.signed_in is None:
        raise NotSignedIn
    return call.signed_in


def told(entered: Entered, call: Call) -> dict[str, object]:
    """`{token, user}` of a sign-in: the only answer that ever holds the secret."""
    return {"token": entered.secret, "user": entered.account.body(call.engine.app.roles)}
