"""Links of mails: what happens when one is opened (auth §7.2).

Programs that look through mails open every link in them. So opening one shows a page with a button, and only the button uses
the link up (T28); a program that asks for JSON has it used at once, as has everybody where the app wants no such page.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.auth.error import AuthError
from core.auth.redirect import with_query
from core.auth.sign_in import Entered, SecondStep
from core.errors import SovriumError
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.form import KIND, form_of
from core.http.page import Form, page, to_page, wants_json
from core.http.route import Parameter
from core.http.session import asked, enter, step, told

QUERY: Mapping[str, Parameter] = {
    "token": Parameter("what the link of the mail holds"),
    "callbackURL": Parameter("where to lead on to"),
}
"""What the address of every such link takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What using a link has led to: the body of the answer, and the session that has begun, if one has. `link` is where a
    person may go on to from the page that tells of it."""

    body: Mapping[str, Any] = field(default_factory=lambda: {"status": True})
    entered: Entered | SecondStep | None = None
    link: tuple[str, str] | None = None

    @classmethod
    def of(cls, call: Call, way: Entered | SecondStep) -> "Outcome":
        """Of a link that signs in."""
        if isinstance(way, SecondStep):
            return cls(body=asked(way), entered=way)
        session = way.session.body(way.session.id)
        return cls(body={**told(way, call), "session": session}, entered=way)


STEP_PAGE = "/two-factor"
"""The page that asks for the second factor."""
Use = Callable[[str], Awaitable[Outcome]]
"""Uses the secret of a link up."""


async def opened(call: Call, key: str, use: Use) -> Answer:
    """The answer to GET: the page of that key, or what using the link leads to."""
    token, targets = call.text("token"), _targets(call, call.query)
    is_used = call.scope["method"] == "GET" and (wants_json(call) or not call.auth.context.spec.confirm_links)
    if is_used:  # HEAD only looks
        return await _used(call, key, token, targets, use)
    return _asked(call, key, token, targets)


async def confirmed(call: Call, key: str, use: Use, body: Mapping[str, Any] | None = None) -> Answer:
    """The answer to POST, by the form of the page or as JSON; `body` where it was read already."""
    if body is None:
        body = await form_of(call) if is_form(call) else await call.json_object()
    given = {name: body.get(name) or call.query.get(name) for name in call.route.query}
    texts = {name: value for name, value in given.items() if isinstance(value, str)}
    return await _used(call, key, texts.get("token", ""), _targets(call, texts), use)


def is_form(call: Call) -> bool:
    """The button of a page has sent it."""
    return (call.header(b"content-type") or "").partition(";")[0].strip().lower() == KIND


def _targets(call: Call, given: Mapping[str, str]) -> dict[str, str]:
    """Where the link may lead on to, by the parameters of the route. Raises AuthError INVALID_CALLBACK_URL."""
    check = call.auth.context.redirects.check
    return {
        name: target
        for name in call.route.query
        if name != "token" and (target := check(given.get(name) or None)) is not None
    }


def _asked(call: Call, key: str, token: str, targets: Mapping[str, str]) -> Answer:
    form = Form(action=call.route.path, hidden={"token": token, **targets}, leads_to=tuple(targets.values()))
    return page(call, key, form=form)


async def _used(call: Call, key: str, token: str, targets: Mapping[str, str], use: Use) -> Answer:
    callback = targets.get("callbackURL")
    on_error = targets.get("errorCallbackURL", callback)
    is_person = is_form(call) or (call.route.method == "GET" and not wants_json(call))
    try:
        if not token:
            raise AuthError("INVALID_TOKEN", status=400)
        outcome = await use(token)
    except SovriumError as error:
        if on_error is not None and error.status < 500:
            return _onward(with_query(on_error, error=error.code))
        if not is_person or error.status >= 500:
            raise
        return page(call, key, problem=error)
    if isinstance(outcome.entered, SecondStep):
        onward = {"callbackURL": callback} if callback else {}
        answer = to_page(STEP_PAGE, **onward) if is_person else as_json(outcome.body)
        return step(call, answer, outcome.entered)
    if outcome.entered is not None and outcome.entered.is_new:
        callback = targets.get("newUserCallbackURL", callback)
    if callback is not None:
        answer = _onward(callback)
    elif is_person:
        answer = page(call, f"{key}-done", link=outcome.link)
    else:
        answer = as_json(outcome.body)
    return enter(call, answer, outcome.entered) if outcome.entered else answer


def _onward(target: str) -> Answer:
    return Answer(302, b"", [(b"location", target.encode()), (b"referrer-policy", b"no-referrer")])
