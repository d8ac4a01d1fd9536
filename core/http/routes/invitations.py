"""Invitations (auth §11.4): sent by administrators, taken on a page of ours."""

from core.auth.admin import accepted_roles
from core.auth.error import AuthError
from core.auth.invitation import PAGE
from core.contract.admin import Accepted, AcceptForm, AcceptRequest, InvitationSent, InviteRequest
from core.errors import FieldError, Invalid, RequestError, SovriumError
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.form import KIND, form_of
from core.http.page import Form, Input, page
from core.http.route import Parameter, RouteFamily
from core.http.routes.auth_session import required
from core.http.session import enter, told
from core.http.shape import check

routes = RouteFamily("admin", accounts=True)
HTML = ("text/html",)
SPENT = ("INVALID_TOKEN", "TOKEN_EXPIRED", "BANNED_USER")
"""What no other password helps against."""


@routes.add(
    "POST",
    "/api/auth/admin/invite-user",
    admin=True,
    body=InviteRequest,
    answers={200: InvitationSent},
    errors=(400, 403, 404, 422, 429),
    throttle="admin",
)
async def invite_user(call: Call) -> Answer:
    """Invite somebody by mail"""
    values = await call.json_object()
    if "password" in values:
        message = "password is chosen by who is invited"
        raise Invalid(message, [FieldError("password", "password.refused", message)])
    body: InviteRequest = check(InviteRequest, values)
    roles = accepted_roles(body["role"], call.auth.context.roles) if "role" in body else ()
    sent = await call.auth.invitations.send(
        call.principal, call.source, required(body, "email"), body.get("name", ""), roles
    )
    account = sent.account
    answer: InvitationSent = {
        "user": {"id": account.id, "email": account.email, "name": account.name},
        "invitationSent": True,
        "mailId": sent.mail,
    }
    return as_json(answer)


@routes.add(
    "POST",
    "/api/auth/admin/accept-invitation",
    guests=True,
    body=AcceptRequest,
    answers={200: Accepted},
    errors=(400, 403, 410, 429, 503),
    throttle="sign-in",
)
async def accept_invitation(call: Call) -> Answer:
    """Take an invitation with a password of one's own"""
    body: AcceptRequest = await call.checked()
    token, password = required(body, "token"), required(body, "password")
    entered = await call.auth.invitations.accept(token, password, call.source, name=body.get("name"))
    return enter(call, as_json({"status": "accepted", **told(entered, call)}), entered)


@routes.add(
    "GET",
    PAGE,
    guests=True,
    query={"token": Parameter("what the link of the mail holds")},
    answers={200: None},
    answer_kinds=HTML,
    errors=(400, 410),
)
async def invitation_page(call: Call) -> Answer:
    """The page that takes an invitation"""
    token = call.text("token")
    try:
        account = await call.auth.invitations.open(token)
    except AuthError as error:
        return page(call, "accept-invitation", problem=error)
    return page(call, "accept-invitation", form=_choosing(token, account.name))


@routes.add(
    "POST",
    PAGE,
    guests=True,
    body=AcceptForm,
    body_kind=KIND,
    answers={200: None},
    answer_kinds=HTML,
    errors=(400, 403, 410, 429, 503),
    throttle="sign-in",
)
async def send_invitation_page(call: Call) -> Answer:
    """What the form of that page sends"""
    form = {name: value for name, value in (await form_of(call)).items() if isinstance(value, str)}
    try:
        new = required(form, "newPassword")
        if new != form.get("repeated"):
            message = "The two passwords are not the same"
            raise Invalid(message, [FieldError("repeated", "password.repeated", message)])
        entered = await call.auth.invitations.accept(
            form.get("token", ""), new, call.source, name=form.get("name") or None
        )
    except (AuthError, RequestError) as error:
        return _again(call, form, error)
    return enter(call, page(call, "accept-invitation-done", link=None), entered)


def _again(call: Call, form: dict[str, str], error: SovriumError) -> Answer:
    """The form once more, with what was wrong, where another password helps."""
    shown = None if error.code in SPENT else _choosing(form.get("token", ""), form.get("name", ""))
    return page(call, "accept-invitation", form=shown, problem=error)


def _choosing(token: str, name: str) -> Form:
    inputs = [Input(name="name", kind="text", autocomplete="name", value=name)]
    inputs += [Input(name=each, kind="password", autocomplete="new-password") for each in ("newPassword", "repeated")]
    return Form(action=PAGE, hidden={"token": token}, inputs=inputs)
