"""One's address: that it is one's own, and another one (auth §7.2)."""

from core.auth.address import normal_email
from core.contract.auth import ChangeEmailRequest, LinkRequest, Status, StatusAndUser, VerificationRequest
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.link import QUERY, Outcome, Use, confirmed, opened
from core.http.route import RouteFamily
from core.http.routes.auth_session import required
from core.http.session import current

routes = RouteFamily("auth", accounts=True)
STATUS = {"status": True}


@routes.add(
    "POST",
    "/api/auth/send-verification-email",
    body=VerificationRequest,
    answers={200: Status},
    errors=(401, 429),
    throttle="send",
)
async def send_verification(call: Call) -> Answer:
    """Send the mail that verifies one's address"""
    body: VerificationRequest = await call.checked()
    callback = call.auth.context.redirects.check(required(body, "callbackURL"))
    assert callback is not None
    found = current(call)
    call.identify(found.account.email or found.account.id)
    await call.auth.verification.ask(found, body.get("email"), callback)
    return as_json(STATUS)


@routes.add("GET", "/api/auth/verify-email", guests=True, query=QUERY, answers={200: StatusAndUser}, errors=(400, 401))
async def open_verification(call: Call) -> Answer:
    """Open the link that verifies an address"""
    return await opened(call, "verify-email", _verify(call))


@routes.add(
    "POST",
    "/api/auth/verify-email",
    guests=True,
    query=QUERY,
    body=LinkRequest,
    answers={200: StatusAndUser},
    errors=(400, 401),
)
async def verify_email(call: Call) -> Answer:
    """Verify an address by the link of a mail"""
    return await confirmed(call, "verify-email", _verify(call))


def _verify(call: Call) -> Use:
    async def use(secret: str) -> Outcome:
        account, entered = await call.auth.verification.confirm(secret, call.source)
        return Outcome(body={**STATUS, "user": account.body(call.engine.app.roles)}, entered=entered)

    return use


@routes.add(
    "POST",
    "/api/auth/change-email",
    body=ChangeEmailRequest,
    answers={200: Status},
    errors=(401, 403, 409, 429),
    throttle="change",
)
async def change_email(call: Call) -> Answer:
    """Ask for another address of one's account"""
    body: ChangeEmailRequest = await call.checked()
    new = required(body, "newEmail")
    callback = call.auth.context.redirects.check(body.get("callbackURL"))
    await call.auth.email_change.ask(current(call), normal_email(new), callback, call.source)
    return as_json(STATUS)


@routes.add("GET", "/api/auth/change-email/approve", guests=True, query=QUERY, answers={200: Status}, errors=(400, 401))
async def open_approval(call: Call) -> Answer:
    """Open the link by which the old address approves"""
    return await opened(call, "approve-email", _approve(call))


@routes.add(
    "POST",
    "/api/auth/change-email/approve",
    guests=True,
    query=QUERY,
    body=LinkRequest,
    answers={200: Status},
    errors=(400, 401),
)
async def approve_email(call: Call) -> Answer:
    """Approve another address from the old one"""
    return await confirmed(call, "approve-email", _approve(call))


def _approve(call: Call) -> Use:
    async def use(secret: str) -> Outcome:
        await call.auth.email_change.approve(secret)
        return Outcome()

    return use


@routes.add(
    "GET", "/api/auth/change-email/confirm", guests=True, query=QUERY, answers={200: Status}, errors=(400, 401, 409)
)
async def open_change(call: Call) -> Answer:
    """Open the link by which the new address confirms"""
    return await opened(call, "change-email", _confirm(call))


@routes.add(
    "POST",
    "/api/auth/change-email/confirm",
    guests=True,
    query=QUERY,
    body=LinkRequest,
    answers={200: Status},
    errors=(400, 401, 409),
)
async def confirm_email(call: Call) -> Answer:
    """Confirm another address from the new one"""
    return await confirmed(call, "change-email", _confirm(call))


def _confirm(call: Call) -> Use:
    async def use(secret: str) -> Outcome:
        return Outcome(entered=await call.auth.email_change.confirm(secret, call.signed_in, call.source))

    return use


@routes.add(
    "GET", "/api/auth/change-email/undo", guests=True, query=QUERY, answers={200: Status}, errors=(400, 401, 409)
)
async def open_undoing(call: Call) -> Answer:
    """Open the link that takes a change of address back"""
    return await opened(call, "undo-email", _undo(call))


@routes.add(
    "POST",
    "/api/auth/change-email/undo",
    guests=True,
    query=QUERY,
    body=LinkRequest,
    answers={200: Status},
    errors=(400, 401, 409),
)
async def undo_email(call: Call) -> Answer:
    """Take a change of address back"""
    return await confirmed(call, "undo-email", _undo(call))


def _undo(call: Call) -> Use:
    async def use(secret: str) -> Outcome:
        reset = await call.auth.email_change.undo(secret, call.source)
        return Outcome(link=("reset", f"/reset-password?token={reset}"))

    return use
