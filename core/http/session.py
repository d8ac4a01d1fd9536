"""Who calls over TCP, by the session that the request shows (auth §6); and the cookies that begin and end one."""

import hmac
from typing import TYPE_CHECKING

from core.auth.session import SignedIn
from core.auth.sign_in import Entered
from core.errors import NotSignedIn
from core.http.answer import Answer
from core.http.call import Call, Scope
from core.http.cookie import SESSION, cookie_name, cookies_of, set_cookie
from core.principal import Source

if TYPE_CHECKING:
    from core.auth.service import Auth

BEARER = "Bearer "


async def signed_in(auth: "Auth", scope: Scope, source: Source, *, secure: bool) -> SignedIn | None:
    """Whose session the request shows, by cookie or as a bearer; None for none, or for one that has ended.

    Raises:
        NotSignedIn: the two are of different sessions.
        AuthError: SESSION_BINDING.
    """
    name = cookie_name(SESSION, secure=secure, configured=auth.sessions.spec.cookie_name)
    value = cookies_of(scope).get(name)
    cookie = auth.sessions.unsign(value) if value else None
    bearer = bearer_of(auth, scope)
    if cookie and bearer and not hmac.compare_digest(cookie.encode(), bearer.encode()):
        raise NotSignedIn("The cookie and the bearer token are of different sessions")
    secret = bearer or cookie
    return await auth.recognise(secret, source) if secret else None


def bearer_of(auth: "Auth", scope: Scope) -> str | None:
    """The secret of the Authorization header, with or without the signature that a cookie has."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            text = value.decode("latin-1")
            if text[: len(BEARER)].lower() == BEARER.lower():
                token = text[len(BEARER) :].strip()
                return auth.sessions.unsign(token) or token if "." in token else token
    return None


def enter(call: Call, answer: Answer, entered: Entered) -> Answer:
    """The answer with the cookie of a session that has begun."""
    sessions, session = call.auth.sessions, entered.session
    seconds = int((session.expires_at - session.created_at).total_seconds()) if session.remember else None
    name = cookie_name(SESSION, secure=call.secure, configured=sessions.spec.cookie_name)
    answer.headers.append(set_cookie(name, sessions.sign(entered.secret), secure=call.secure, seconds=seconds))
    return answer


def leave(call: Call, answer: Answer) -> Answer:
    """The answer that takes the cookie away."""
    name = cookie_name(SESSION, secure=call.secure, configured=call.auth.sessions.spec.cookie_name)
    answer.headers.append(set_cookie(name, "", secure=call.secure, seconds=0))
    return answer


def current(call: Call) -> SignedIn:
    """The session that asks. Raises NotSignedIn."""
    if call.signed_in is None:
        raise NotSignedIn
    return call.signed_in


def told(entered: Entered, call: Call) -> dict[str, object]:
    """`{token, user}` of a sign-in: the only answer that ever holds the secret."""
    return {"token": entered.secret, "user": entered.account.body(call.engine.app.roles)}
