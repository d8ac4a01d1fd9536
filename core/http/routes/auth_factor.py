"""The second factor: the second step of signing in, setting one up, trusted devices (auth §8)."""

from core.auth.error import AuthError
from core.auth.second_step import Passed, Way, factor_rules
from core.contract.auth import (
    BackupCodes,
    CodeForm,
    CodeRequest,
    DeviceBody,
    DeviceRequest,
    EnableRequest,
    EnrolmentBody,
    PasswordRequest,
    Status,
    StatusAndToken,
    TokenAndUser,
    TotpUri,
)
from core.errors import NotFound, RequestError
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.cookie import DEVICE, SECOND_STEP, cookie_name, cookies_of, set_cookie
from core.http.form import KIND, form_of
from core.http.link import QUERY, STEP_PAGE
from core.http.page import Form, Input, page
from core.http.route import RouteFamily
from core.http.routes.auth_session import required
from core.http.session import current, enter, told

routes = RouteFamily("auth", accounts=True)
STATUS = {"status": True}
CALLBACK = QUERY["callbackURL"]


@routes.add(
    "POST",
    "/api/auth/two-factor/enable",
    body=EnableRequest,
    answers={200: EnrolmentBody},
    errors=(401, 403, 429, 503),
    throttle="sign-in",
    unproven=True,
)
async def enable_factor(call: Call) -> Answer:
    """Begin to set up an authenticator app"""
    body: EnableRequest = await call.checked()
    found = current(call)
    call.identify(found.account.email or found.account.id)
    enrolment = await call.auth.factors.enable(found, body.get("password"), call.source, body.get("issuer"))
    return as_json(enrolment.body())


@routes.add(
    "POST",
    "/api/auth/two-factor/get-totp-uri",
    body=PasswordRequest,
    answers={200: TotpUri},
    errors=(401, 403, 404, 429, 503),
    throttle="sign-in",
    unproven=True,
)
async def totp_uri(call: Call) -> Answer:
    """What another authenticator app is set up with"""
    body: PasswordRequest = await call.checked()
    found = current(call)
    call.identify(found.account.email or found.account.id)
    return as_json({"totpURI": await call.auth.factors.uri(found, body.get("password"), call.source)})


@routes.add(
    "POST",
    "/api/auth/two-factor/verify-totp",
    guests=True,
    body=CodeRequest,
    answers={200: TokenAndUser},
    errors=(401, 403, 404, 429),
    throttle="sign-in",
    unproven=True,
)
async def verify_totp(call: Call) -> Answer:
    """Show a code of the authenticator app"""
    return await _verified(call, ("totp",))


@routes.add(
    "POST",
    "/api/auth/two-factor/verify",
    guests=True,
    body=CodeRequest,
    answers={200: TokenAndUser},
    errors=(401, 403, 404, 429),
    throttle="sign-in",
    unproven=True,
)
async def verify_factor(call: Call) -> Answer:
    """Show a code of the authenticator app, or a backup code"""
    return await _verified(call, ("totp", "backupCode"))


@routes.add(
    "POST",
    "/api/auth/two-factor/verify-backup-code",
    guests=True,
    body=CodeRequest,
    answers={200: TokenAndUser},
    errors=(401, 403, 404, 429),
    throttle="sign-in",
    unproven=True,
)
async def verify_backup_code(call: Call) -> Answer:
    """Use a backup code up"""
    return await _verified(call, ("backupCode",))


@routes.add(
    "POST",
    "/api/auth/two-factor/send-otp",
    guests=True,
    answers={200: Status},
    errors=(400, 401, 404, 429, 502),
    throttle="send",
    unproven=True,
)
async def send_factor_code(call: Call) -> Answer:
    """Send a code for the second step to one's phone"""
    secret = _first_step(call)
    if secret is None:
        raise AuthError("INVALID_TWO_FACTOR_COOKIE")
    call.identify(await call.auth.second_step.identify(secret))
    await call.auth.second_step.send(secret, call.source)
    return as_json(STATUS)


@routes.add(
    "POST",
    "/api/auth/two-factor/verify-otp",
    guests=True,
    body=CodeRequest,
    answers={200: TokenAndUser},
    errors=(401, 403, 404, 429),
    throttle="sign-in",
    unproven=True,
)
async def verify_factor_code(call: Call) -> Answer:
    """Show the code that was sent to one's phone"""
    return await _verified(call, ("otp",))


@routes.add(
    "POST",
    "/api/auth/two-factor/generate-backup-codes",
    body=PasswordRequest,
    answers={200: BackupCodes},
    errors=(401, 403, 404, 429, 503),
    throttle="sign-in",
)
async def renew_backup_codes(call: Call) -> Answer:
    """New backup codes, in place of the former ones"""
    body: PasswordRequest = await call.checked()
    found = current(call)
    call.identify(found.account.email or found.account.id)
    codes = await call.auth.factors.renew_codes(found, body.get("password"), call.source)
    return as_json({**STATUS, "backupCodes": codes})


@routes.add(
    "POST",
    "/api/auth/two-factor/disable",
    body=PasswordRequest,
    answers={200: StatusAndToken},
    errors=(401, 403, 404, 429, 503),
    throttle="sign-in",
)
async def disable_factor(call: Call) -> Answer:
    """Take one's second factor away"""
    body: PasswordRequest = await call.checked()
    found = current(call)
    call.identify(found.account.email or found.account.id)
    entered = await call.auth.factors.disable(found, body.get("password"), call.source)
    return _untrust(call, enter(call, as_json({**STATUS, "token": entered.secret}), entered))


@routes.add(
    "GET",
    "/api/auth/two-factor/list-devices",
    answers={200: list[DeviceBody]},
    errors=(401, 429),
    throttle="sign-in",
)
async def list_devices(call: Call) -> Answer:
    """The devices that skip one's second step, the newest first"""
    found = current(call)
    own = await call.auth.devices.of(found.account.id)
    return as_json([each.body(found.session.device_id) for each in own])


@routes.add(
    "POST",
    "/api/auth/two-factor/revoke-device",
    body=DeviceRequest,
    answers={200: Status},
    errors=(401, 404, 429),
    throttle="sign-in",
)
async def revoke_device(call: Call) -> Answer:
    """Trust a device no more"""
    body: DeviceRequest = await call.checked()
    await call.auth.devices.forget(current(call), required(body, "id"), call.source)
    return as_json(STATUS)


# ── The page ──


@routes.add(
    "GET",
    STEP_PAGE,
    guests=True,
    query={"callbackURL": CALLBACK},
    answers={200: None},
    answer_kinds=("text/html",),
    errors=(400, 404),
    unproven=True,
)
async def factor_page(call: Call) -> Answer:
    """The page that asks for the second factor"""
    _first_step(call)
    callback = call.auth.context.redirects.check(call.query.get("callbackURL") or None)
    return page(call, "two-factor", form=_asking(callback))


@routes.add(
    "POST",
    STEP_PAGE,
    guests=True,
    body=CodeForm,
    body_kind=KIND,
    answers={200: None, 302: None},
    answer_kinds=("text/html",),
    errors=(400, 401, 403, 404, 429),
    throttle="sign-in",
    unproven=True,
)
async def send_factor_page(call: Call) -> Answer:
    """What the form of that page sends"""
    form = {name: value for name, value in (await form_of(call)).items() if isinstance(value, str)}
    callback = call.auth.context.redirects.check(form.get("callbackURL") or None)
    secret = _first_step(call)
    try:
        if secret is None:
            raise AuthError("INVALID_TWO_FACTOR_COOKIE")
        call.identify(await call.auth.second_step.identify(secret))
        code = "".join(required(form, "code").split())
        passed = await call.auth.second_step.complete(secret, code, call.source, ways=("totp", "backupCode"))
    except (AuthError, RequestError) as error:
        is_over = error.code in ("INVALID_TWO_FACTOR_COOKIE", "TOO_MANY_ATTEMPTS")
        return page(call, "two-factor", form=None if is_over else _asking(callback), problem=error)
    assert passed.entered is not None
    answer = Answer(302, b"", [(b"location", callback.encode())]) if callback else page(call, "two-factor-done")
    return enter(call, answer, passed.entered)


def _asking(callback: str | None) -> Form:
    hidden = {"callbackURL": callback} if callback else {}
    code = Input(name="code", kind="text", autocomplete="one-time-code")
    return Form(action=STEP_PAGE, hidden=hidden, inputs=(code,), leads_to=tuple(hidden.values()))


# ── What they share ──


async def _verified(call: Call, ways: tuple[Way, ...]) -> Answer:
    body: CodeRequest = await call.checked()
    auth, found, secret = call.auth, call.signed_in, _first_step(call)
    if factor_rules(auth.context.spec) is None:
        raise NotFound
    if secret is not None:
        try:
            user = await auth.second_step.identify(secret)
        except AuthError:
            if found is None:
                raise
            secret = None  # what is left of another sign-in; the session counts
    if secret is None and found is None:
        raise AuthError("INVALID_TWO_FACTOR_COOKIE")
    code = "".join(required(body, "code").split())
    if secret is not None:
        call.identify(user)
        passed = await auth.second_step.complete(
            secret,
            code,
            call.source,
            ways=ways,
            trusts=body.get("trustDevice", False),
            begins=not body.get("disableSession", False),
        )
    else:
        assert found is not None
        call.identify(found.account.id)
        passed = await auth.factors.verify(found, code, call.source, ways=ways)
    return _answer(call, passed)


def _answer(call: Call, passed: Passed) -> Answer:
    if passed.entered is None:
        answer = as_json({"token": None, "user": passed.account.body(call.engine.app.roles)})
        name = cookie_name(SECOND_STEP, secure=call.secure)
        answer.headers.append(set_cookie(name, "", secure=call.secure, seconds=0))
    else:
        answer = enter(call, as_json(told(passed.entered, call)), passed.entered)
    return remember(call, answer, passed.device)


def remember(call: Call, answer: Answer, device: str | None) -> Answer:
    """The answer with the cookie of a device that is trusted from now on."""
    from core.auth.device import TRUST_SECONDS

    if device is not None:
        name = cookie_name(DEVICE, secure=call.secure)
        answer.headers.append(set_cookie(name, device, secure=call.secure, seconds=TRUST_SECONDS))
    return answer


def _untrust(call: Call, answer: Answer) -> Answer:
    answer.headers.append(set_cookie(cookie_name(DEVICE, secure=call.secure), "", secure=call.secure, seconds=0))
    return answer


def _first_step(call: Call) -> str | None:
    """The secret that proves the first step."""
    if factor_rules(call.auth.context.spec) is None:
        raise NotFound
    return cookies_of(call.scope).get(cookie_name(SECOND_STEP, secure=call.secure)) or None
