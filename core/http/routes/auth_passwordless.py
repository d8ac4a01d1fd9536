"""Signing in by a link or a code, by mail or phone, or without saying who one is (auth §7.4)."""

from core.auth.address import normal_email, normal_phone
from core.contract.auth import (
    EmailCodeRequest,
    EmailCodeSignIn,
    EmailCodeVerification,
    LinkRequest,
    MagicLinkRequest,
    Message,
    PhoneCodeRequest,
    PhoneCodeVerification,
    PhoneSignInRequest,
    ResetByCodeRequest,
    SignInAnswer,
    Status,
    StatusTokenAndUser,
    Success,
    TokenAndUser,
)
from core.errors import FieldError, Invalid
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.link import QUERY, Outcome, Use, confirmed, opened
from core.http.route import Parameter, RouteFamily
from core.http.routes.auth_session import required
from core.http.session import admitted, current, device_of, enter, told

routes = RouteFamily("auth", accounts=True)
STATUS = {"status": True}
LINK_QUERY = {
    **QUERY,
    "newUserCallbackURL": Parameter("where to lead on to somebody whose account is new"),
    "errorCallbackURL": Parameter("where to lead on to with ?error= when the link does not hold"),
}

# ── Magic links ──


@routes.add(
    "POST",
    "/api/auth/sign-in/magic-link",
    guests=True,
    body=MagicLinkRequest,
    answers={200: Status},
    errors=(429,),
    throttle="send",
)
async def sign_in_by_link(call: Call) -> Answer:
    """Send a link that signs in"""
    return await _send_link(call)


@routes.add(
    "POST",
    "/api/auth/magic-link/send",
    guests=True,
    body=MagicLinkRequest,
    answers={200: Status},
    errors=(429,),
    throttle="send",
)
async def send_magic_link(call: Call) -> Answer:
    """Send a link that signs in (another name of /sign-in/magic-link)"""
    return await _send_link(call)


async def _send_link(call: Call) -> Answer:
    body: MagicLinkRequest = await call.checked()
    email, redirects = required(body, "email"), call.auth.context.redirects
    given = {
        "callbackURL": body.get("callbackURL"),
        "newUserCallbackURL": body.get("newUserCallbackURL"),
        "errorCallbackURL": body.get("errorCallbackURL"),
    }
    targets = {name: target for name, value in given.items() if (target := redirects.check(value)) is not None}
    call.identify(normal_email(email))
    await call.auth.magic_link.send(email, name=body.get("name", ""), targets=targets)
    return as_json(STATUS)


@routes.add(
    "GET",
    "/api/auth/magic-link/verify",
    guests=True,
    query=LINK_QUERY,
    answers={200: SignInAnswer},
    errors=(400, 403, 429),
    throttle="sign-in",
)
async def open_magic_link(call: Call) -> Answer:
    """Open a link that signs in"""
    return await opened(call, "magic-link", _enter(call))


@routes.add(
    "POST",
    "/api/auth/magic-link/verify",
    guests=True,
    query=LINK_QUERY,
    body=LinkRequest,
    answers={200: SignInAnswer},
    errors=(400, 403, 429),
    throttle="sign-in",
)
async def use_magic_link(call: Call) -> Answer:
    """Sign in by the link of a mail"""
    return await confirmed(call, "magic-link", _enter(call))


def _enter(call: Call) -> Use:
    async def use(secret: str) -> Outcome:
        way = await call.auth.magic_link.use(secret, call.source, device_of(call))
        return Outcome.of(call, way)

    return use


# ── Codes by mail ──


@routes.add(
    "POST",
    "/api/auth/email-otp/send-verification-otp",
    guests=True,
    body=EmailCodeRequest,
    answers={200: Success},
    errors=(429,),
    throttle="send",
)
async def send_email_code(call: Call) -> Answer:
    """Send a code by mail"""
    body: EmailCodeRequest = await call.checked()
    email, kind = required(body, "email"), body.get("type")
    if kind is None:
        raise Invalid("type is needed", [FieldError("type", "type.missing", "type is needed")])
    call.identify(normal_email(email))
    await call.auth.email_code.send(email, kind)
    return as_json({"success": True})


@routes.add(
    "POST",
    "/api/auth/sign-in/email-otp",
    guests=True,
    body=EmailCodeSignIn,
    answers={200: SignInAnswer},
    errors=(403, 429),
    throttle="sign-in",
)
async def sign_in_by_email_code(call: Call) -> Answer:
    """Sign in by a code of a mail"""
    body: EmailCodeSignIn = await call.checked()
    email, code = required(body, "email"), required(body, "otp")
    call.identify(normal_email(email))
    return admitted(call, await call.auth.email_code.sign_in(email, _plain(code), call.source, device_of(call)))


@routes.add(
    "POST",
    "/api/auth/email-otp/verify-email",
    guests=True,
    body=EmailCodeVerification,
    answers={200: StatusTokenAndUser},
    errors=(403, 429),
    throttle="sign-in",
)
async def verify_email_by_code(call: Call) -> Answer:
    """Verify an address by a code of a mail"""
    body: EmailCodeVerification = await call.checked()
    email, code = required(body, "email"), required(body, "otp")
    call.identify(normal_email(email))
    account, entered = await call.auth.email_code.verify(email, _plain(code), call.source)
    if entered is None:
        return as_json({**STATUS, "token": None, "user": account.body(call.engine.app.roles)})
    return enter(call, as_json({**STATUS, **told(entered, call)}), entered)


@routes.add(
    "POST",
    "/api/auth/email-otp/reset-password",
    guests=True,
    body=ResetByCodeRequest,
    answers={200: Success},
    errors=(403, 429, 503),
    throttle="sign-in",
)
async def reset_password_by_code(call: Call) -> Answer:
    """Choose a new password by a code of a mail"""
    body: ResetByCodeRequest = await call.checked()
    email, code, password = required(body, "email"), required(body, "otp"), required(body, "password")
    call.identify(normal_email(email))
    await call.auth.email_code.reset(email, _plain(code), password, call.source)
    return as_json({"success": True})


# ── Phone ──


@routes.add(
    "POST",
    "/api/auth/phone-number/send-otp",
    guests=True,
    body=PhoneCodeRequest,
    answers={200: Message},
    errors=(429, 502),
    throttle="send",
)
async def send_phone_code(call: Call) -> Answer:
    """Send a code by text message"""
    body: PhoneCodeRequest = await call.checked()
    number = required(body, "phoneNumber")
    call.identify(normal_phone(number))
    await call.auth.phone.send(number, call.source, call.signed_in)
    return as_json({"message": "sent"})


@routes.add(
    "POST",
    "/api/auth/phone-number/verify",
    guests=True,
    body=PhoneCodeVerification,
    answers={200: StatusTokenAndUser | SignInAnswer},
    errors=(401, 403, 409, 429),
    throttle="sign-in",
)
async def verify_phone(call: Call) -> Answer:
    """Sign in by a code of a text message, or take a number for one's account"""
    body: PhoneCodeVerification = await call.checked()
    number, code = required(body, "phoneNumber"), _plain(required(body, "code"))
    call.identify(normal_phone(number))
    phone, roles = call.auth.phone, call.engine.app.roles
    if body.get("updatePhoneNumber", False):
        account = await phone.change(current(call), number, code, call.source)
        return as_json({**STATUS, "token": None, "user": account.body(roles)})
    begins = not body.get("disableSession", False)
    account, way = await phone.verify(number, code, call.source, device=device_of(call), begins=begins)
    if way is None:
        return as_json({**STATUS, "token": None, "user": account.body(roles)})
    return admitted(call, way, status=True)


@routes.add(
    "POST",
    "/api/auth/sign-in/phone-number",
    guests=True,
    body=PhoneSignInRequest,
    answers={200: SignInAnswer},
    errors=(401, 403, 429, 503),
    throttle="sign-in",
)
async def sign_in_by_phone(call: Call) -> Answer:
    """Sign in with a phone number and a password"""
    body: PhoneSignInRequest = await call.checked()
    number, password = required(body, "phoneNumber"), required(body, "password")
    call.identify(normal_phone(number))
    way = await call.auth.phone.by_password(
        number, password, call.source, remember=body.get("rememberMe", True), device=device_of(call)
    )
    return admitted(call, way)


# ── Without an address ──


@routes.add(
    "POST",
    "/api/auth/sign-in/anonymous",
    guests=True,
    answers={200: TokenAndUser},
    errors=(400, 403, 429),
    throttle="sign-up",
)
async def sign_in_anonymously(call: Call) -> Answer:
    """Sign in without an address"""
    return admitted(call, await call.auth.anonymous.sign_in(call.source))


def _plain(code: str) -> str:
    """As a person may have typed it."""
    return "".join(code.split())
