"""Becoming the first administrator with the token that the server has printed (auth §15)."""

from core.auth.bootstrap import PATH
from core.auth.error import AuthError
from core.contract.admin import Claimed, ClaimRequest
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import RouteFamily
from core.http.routes.auth_session import required
from core.http.session import secret_of, token_of

routes = RouteFamily("admin", accounts=True)


@routes.add(
    "POST",
    PATH,
    guests=True,
    body=ClaimRequest,
    answers={200: Claimed},
    errors=(400, 401, 404, 429, 503),
    throttle="bootstrap",
)
async def claim_app(call: Call) -> Answer:
    """Make the first administrator of an app that nobody is in yet"""
    token = secret_of(call.auth, token_of(call.scope))
    if not token:
        raise AuthError("INVALID_TOKEN")
    body: ClaimRequest = await call.checked()
    email, password = required(body, "email"), required(body, "password")
    account = await call.auth.bootstrap.claim(token, email, password, body.get("name", ""), call.source)
    answer: Claimed = {"success": True, "userId": account.id, "email": account.email or ""}
    return as_json(answer)
