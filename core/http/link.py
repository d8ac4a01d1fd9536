"""Links of mails: what happens when one is opened (auth §7.2).

Programs that look through mails open every link in them. So opening one shows a page with a button, and only the button uses
the link up (T28); a program that asks for JSON has it used at once, as has everybody where the app wants no such page.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.auth.error import AuthError
from core.auth.redirect import with_query
from core.auth.sign_in import Entered
from core.errors import SovriumError
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.form import KIND, form_of
from core.http.page import Form, page, wants_json
from core.http.route import Parameter
from core.http.session import enter

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
    entered: Entered | None = None
    link: tuple[str, str] | None = None


Use = Callable[[str], Awaitable[Outcome]]
"""Uses the secret of a link up."""


async def opened(call: Call, key: str, use: Use) -> Answer:
    """The answer to GET: the page of that key, or what using the link leads to."""
    token, callback = call.text("token"), call.auth.context.redirects.check(call.query.get("callbackURL"))
    if not call.auth.context.spec.confirm_links or wants_json(call):
        return await _used(call, key, token, callback, use)
    return _asked(call, key, token, callback)


async def confirmed(call: Call, key: str, use: Use, body: Mapping[str, Any] | None = None) -> Answer:
    """The answer to POST, by the form of the page or as JSON; `body` where it was read already."""
    if body is None:
        body = await form_of(call) if is_form(call) else await call.json_object()
    given = {name: body.get(name) or call.query.get(name) for name in ("token", "callbackURL")}
    texts = {name: value if isinstance(value, str) else None for name, value in given.items()}
    callback = call.auth.context.redirects.check(texts["callbackURL"] or None)
    return await _used(call, key, texts["token"] or "", callback, use)


def is_form(call: Call) -> bool:
    """The button of a page has sent it."""
    return (call.header(b"content-type") or "").partition(";")[0].strip().lower() == KIND


def _asked(call: Call, key: str, token: str, callback: str | None) -> Answer:
    hidden = {"token": token} | ({"callbackURL": callback} if callback else {})
    return page(call, key, form=Form(action=call.route.path, hidden=hidden, leads_to=callback))


async def _used(call: Call, key: str, token: str, callback: str | None, use: Use) -> Answer:
    is_person = is_form(call) or (call.route.method == "GET" and not wants_json(call))
    try:
        if not token:
            raise AuthError("INVALID_TOKEN", status=400)
        outcome = await use(token)
    except SovriumError as error:
        if callback is not None and error.status < 500:
            return _onward(with_query(callback, error=error.code))
        if not is_person or error.status >= 500:
            raise
        return page(call, key, problem=error)
    if callback is not None:
        answer = _onward(callback)
    elif is_person:
        answer = page(call, f"{key}-done", link=outcome.link)
    else:
        answer = as_json(outcome.body)
    return enter(call, answer, outcome.entered) if outcome.entered else answer


def _onward(target: str) -> Answer:
    return Answer(302, b"", [(b"location", target.encode()), (b"referrer-policy", b"no-referrer")])
