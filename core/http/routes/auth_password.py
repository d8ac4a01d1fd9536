"""Passwords: shown once more, changed, forgotten (auth §7.1, §7.3), with the pages for the latter."""

from core.auth.address import normal_email
from core.auth.error import AuthError
from core.auth.recovery import PAGE
from core.auth.redirect import with_query
from core.contract.auth import (
    ChangePasswordRequest,
    ForgottenRequest,
    PasswordRequest,
    ResetForm,
    ResetRequest,
    SetPasswordRequest,
    Status,
    StatusAndMessage,
    TokenAndUser,
)
from core.errors import FieldError, Invalid, RequestError, SovriumError
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.form import KIND, form_of
from core.http.page import Form, Input, page, to_page
from core.http.route import Parameter, RouteFamily
from core.http.routes.auth_session import required
from core.http.session import current, enter, leave, told

routes = RouteFamily("auth", accounts=True)
HTML = ("text/html",)
TOKEN = Parameter("what the link of the mail holds")
CALLBACK = Parameter("the page that chooses the password")
SENT = "If there is an account with this address, a mail with a link is on its way"


@routes.add(
    "POST",
    "/api/auth/verify-password",
    body=PasswordRequest,
    answers={200: Status},
    errors=(401, 429, 503),
    throttle="sign-in",
)
async def verify_password(call: Call) -> Answer:
    """Show one's password once more"""
    body: PasswordRequest = await call.checked()
    password, found = required(body, "password"), current(call)
    call.identify(found.account.email or found.account.id)
    await call.auth.password_change.verify(found, password, call.source)
    return as_json({"status": True})


@routes.add(
    "POST",
    "/api/auth/change-password",
    body=ChangePasswordRequest,
    answers={200: TokenAndUser},
    errors=(401, 429, 503),
    throttle="change",
)
async def change_password(call: Call) -> Answer:
    """Change one's password"""
    body: ChangePasswordRequest = await call.checked()
    before, new = required(body, "currentPassword"), required(body, "newPassword")
    entered = await call.auth.password_change.change(
        current(call), before, new, call.source, revoke_others=body.get("revokeOtherSessions", True)
    )
    return enter(call, as_json(told(entered, call)), entered)


@routes.add(
    "POST",
    "/api/auth/set-password",
    body=SetPasswordRequest,
    answers={200: TokenAndUser},
    errors=(401, 403, 429, 503),
    throttle="change",
)
async def set_password(call: Call) -> Answer:
    """Give one's account a password, where it has none"""
    body: SetPasswordRequest = await call.checked()
    entered = await call.auth.password_change.set(current(call), required(body, "newPassword"), call.source)
    return enter(call, as_json(told(entered, call)), entered)


@routes.add(
    "POST",
    "/api/auth/request-password-reset",
    guests=True,
    body=ForgottenRequest,
    answers={200: StatusAndMessage},
    errors=(429,),
    throttle="send",
)
async def request_password_reset(call: Call) -> Answer:
    """Send the link to choose a new password"""
    body: ForgottenRequest = await call.checked()
    email = required(body, "email")
    target = call.auth.context.redirects.check(body.get("redirectTo"))
    call.identify(normal_email(email))
    await call.auth.recovery.ask(email, target, call.source)
    return as_json({"status": True, "message": SENT})


@routes.add(
    "GET",
    "/api/auth/reset-password/{token}",
    guests=True,
    query={"callbackURL": CALLBACK},
    answers={302: None, 303: None},
    errors=(400,),
)
async def open_reset(call: Call) -> Answer:
    """Open the link to choose a new password"""
    token, callback = call.segments["token"], call.auth.context.redirects.check(call.query.get("callbackURL"))
    if callback is None:
        return to_page(PAGE, token=token)
    is_open = await call.auth.recovery.is_open(token)
    target = with_query(callback, **({"token": token} if is_open else {"error": "INVALID_TOKEN"}))
    return Answer(302, b"", [(b"location", target.encode()), (b"referrer-policy", b"no-referrer")])


@routes.add(
    "POST",
    "/api/auth/reset-password",
    guests=True,
    query={"token": TOKEN},
    body=ResetRequest,
    answers={200: Status},
    errors=(401, 429, 503),
    throttle="change",
)
async def reset_password(call: Call) -> Answer:
    """Choose a new password with the link of a mail"""
    body: ResetRequest = await call.checked()
    new = required(body, "newPassword")
    token = body.get("token") or call.text("token")
    if not token:
        raise Invalid("token is needed", [FieldError("token", "token.missing", "token is needed")])
    await call.auth.recovery.reset(token, new, call.source)
    return as_json({"status": True})


# ── The pages ──


@routes.add("GET", PAGE, guests=True, query={"token": TOKEN}, answers={200: None}, answer_kinds=HTML, errors=(401,))
async def reset_page(call: Call) -> Answer:
    """The page to ask for a new password, or to choose it"""
    token = call.text("token")
    if not token:
        return page(call, "forgot-password", form=_asking())
    if await call.auth.recovery.is_open(token):
        return page(call, "reset-password", form=_choosing(token))
    return page(call, "forgot-password", form=_asking(), problem=AuthError("INVALID_TOKEN"))


@routes.add(
    "POST",
    PAGE,
    guests=True,
    body=ResetForm,
    body_kind=KIND,
    answers={200: None},
    answer_kinds=HTML,
    errors=(401, 429, 503),
    throttle="send",
)
async def send_reset_page(call: Call) -> Answer:
    """What the forms of that page send"""
    form = {name: value for name, value in (await form_of(call)).items() if isinstance(value, str)}
    token = form.get("token", "")
    try:
        if not token:
            email = required(form, "email")
            call.identify(normal_email(email))
            await call.auth.recovery.ask(email, None, call.source)
            return page(call, "forgot-password-done")
        new = required(form, "newPassword")
        if new != form.get("repeated"):
            message = "The two passwords are not the same"
            raise Invalid(message, [FieldError("repeated", "password.repeated", message)])
        await call.auth.recovery.reset(token, new, call.source)
    except (AuthError, RequestError) as error:
        return _again(call, form, error)
    return leave(call, page(call, "reset-password-done"))


def _again(call: Call, form: dict[str, str], error: SovriumError) -> Answer:
    """The form once more, with what was wrong: another link where this one does not hold."""
    if form.get("token") and error.code not in ("INVALID_TOKEN", "TOKEN_EXPIRED"):
        return page(call, "reset-password", form=_choosing(form["token"]), problem=error)
    return page(call, "forgot-password", form=_asking(form.get("email", "")), problem=error)


def _asking(email: str = "") -> Form:
    return Form(action=PAGE, inputs=(Input(name="email", kind="email", autocomplete="email", value=email),))


def _choosing(token: str) -> Form:
    new = (Input(name=name, kind="password", autocomplete="new-password") for name in ("newPassword", "repeated"))
    return Form(action=PAGE, hidden={"token": token}, inputs=tuple(new))
