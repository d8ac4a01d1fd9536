"""The pages that accounts have in a browser: readable without anything, safe with everything (auth §7, §17.1; T9)."""

import re
from html.parser import HTMLParser

import httpx
import pytest

from core.auth.error import CODES
from core.http.page import LANGUAGES, language_of, words_of
from tests.support.accounts import PASSWORD, Desk
from tests.support.mailbox import Mailbox

PAGE = "/reset-password"
NEW = "a louder harbour at noon"
EVIL = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{app}"


class Reader(HTMLParser):
    """What a page is made of; raises for a tag that is closed by another."""

    _VOID = frozenset(("meta", "input", "br"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def reset_link(desk: Desk) -> str:
    mails = Mailbox(desk)
    desk.guest.post("/api/auth/request-password-reset", json={"email": "ana@example.org"})
    return mails.link("resetPassword", "ana")


def test_a_099_the_headers_of_a_page(duck_desk: Desk) -> None:
    """The address with its secret is told to nobody, and the page kept by no cache."""
    duck_desk.sign_up("ana")
    page = duck_desk.guest.get(reset_link(duck_desk))
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["x-frame-options"] == "DENY"
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    for part in ("default-src 'self'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'"):
        assert part in policy
    assert len(page.headers.get_list("content-security-policy")) == 1


def test_a_page_needs_neither_scripts_nor_pictures(duck_desk: Desk) -> None:
    duck_desk.sign_up("ana")
    for path in (PAGE, reset_link(duck_desk), f"{PAGE}?token=nothing"):
        found = Reader(duck_desk.guest.get(path).text)
        assert found.all("html") == [{"lang": "en"}]
        assert not {tag for tag, _ in found.tags} & {"script", "img", "link", "iframe", "object"}
        labels = {each["for"] for each in found.all("label")}
        shown = [each for each in found.all("input") if each["type"] != "hidden"]
        assert shown
        assert labels == {each["id"] for each in shown}
        assert len(found.all("h1")) == len(found.all("main")) == len(found.all("title")) == 1
        assert all(each["autocomplete"] for each in shown)


def test_a_password_is_chosen_on_the_page(duck_desk: Desk) -> None:
    ana = duck_desk.sign_up("ana")
    link = reset_link(duck_desk)
    token = httpx.URL(link).params["token"]
    browser = duck_desk.client()

    def send(**form: str) -> httpx.Response:
        return browser.post(PAGE, data={"token": token, **form})

    other = send(newPassword=NEW, repeated="another one")
    assert (other.status_code, "not the same" in other.text) == (400, True)
    assert NEW not in other.text
    short = send(newPassword="x", repeated="x")
    assert (short.status_code, "too short" in short.text) == (400, True)
    assert send().status_code == 400
    done = send(newPassword=NEW, repeated=NEW)
    assert (done.status_code, "Your password is changed" in done.text) == (200, True)
    assert "Max-Age=0" in done.headers["set-cookie"]
    assert ana.get("/api/auth/get-session").json() is None
    again = send(newPassword=NEW, repeated=NEW)
    assert (again.status_code, "was used already" in again.text) == (401, True)
    assert "email" in {each.get("name") for each in Reader(again.text).all("input")}, "a new link can be had here"


def test_a_link_is_asked_for_on_the_page(duck_desk: Desk) -> None:
    """T3: also here the answer does not depend on the account."""
    mails = Mailbox(duck_desk)
    duck_desk.sign_up("ana")
    send = lambda email: duck_desk.guest.post(PAGE, data={"email": email})  # noqa: E731
    assert send("ana@example.org").content == send("nobody@example.org").content
    assert mails.told() == [("resetPassword", "ana")]
    wrong = send("nobody")
    assert (wrong.status_code, "not an e-mail address" in wrong.text) == (400, True)
    assert send("").status_code == 400


def test_a_browser_that_tells_no_origin_may_press_the_button(duck_desk: Desk) -> None:
    """Of a page with `no-referrer` browsers send `Origin: null`, with their word that it is a page of ours."""
    headers = {"origin": "null", "sec-fetch-site": "same-origin"}
    body = {"email": "nobody@example.org"}
    assert duck_desk.client(**headers).post(PAGE, data=body).status_code == 200
    for site in ("cross-site", "same-site", "none"):
        assert duck_desk.client(**{**headers, "sec-fetch-site": site}).post(PAGE, data=body).status_code == 403, site


@pytest.mark.parametrize("field", ["email", "token", "newPassword", "callbackURL"])
def test_t_9_what_was_sent_is_never_markup(duck_desk: Desk, field: str) -> None:
    """Names, addresses and links of others are text wherever they are shown."""
    guest = duck_desk.guest
    for answer in (
        guest.post(PAGE, data={"token": "x", "newPassword": NEW, "repeated": NEW, field: EVIL}),
        guest.post(PAGE, data={field: EVIL}),
        guest.get(PAGE, params={"token": EVIL}),
        guest.get("/api/auth/verify-email", params={"token": EVIL}, headers={"Accept": "text/html"}),
        guest.post("/api/auth/verify-email", data={"token": EVIL}),
    ):
        found = Reader(answer.text)
        assert not {tag for tag, _ in found.tags} & {"script", "img"}
        assert "<script" not in answer.text
        assert all(not name.startswith("on") for _, attributes in found.tags for name in attributes)


def test_a_page_speaks_the_language_of_the_browser(duck_desk: Desk) -> None:
    french = duck_desk.guest.get(PAGE, headers={"Accept-Language": "fr-CA,fr;q=0.9,en;q=0.8"})
    assert 'lang="fr"' in french.text
    assert "Mot de passe oublié" in french.text
    wanted = {"": "en", "de, fr;q=0.3": "fr", "en;q=0.2, fr;q=0.7": "fr", "de": "en", "fr;q=x": "en", "*;q=1": "en"}
    assert {each: language_of(each) for each in wanted} == wanted


def test_the_languages_say_the_same_things() -> None:
    english, *others = (words_of(language) for language in LANGUAGES)

    def shape(value: object) -> object:
        if isinstance(value, dict):
            return {key: shape(each) for key, each in value.items()}
        if isinstance(value, list):
            return [shape(each) for each in value]
        return sorted(re.findall(r"\{\w+\}", str(value)))

    for words in others:
        assert shape(words) == shape(english)
    assert {code for code in english["problems"] if code.isupper()} <= {*CODES, "RATE_LIMITED"}


def test_a_reset_page_is_no_way_round_the_rules(duck_desk: Desk) -> None:
    duck_desk.sign_up("ana")
    token = httpx.URL(reset_link(duck_desk)).params["token"]
    for weak in ("password123", "ana@example.org", "desk"):
        answer = duck_desk.guest.post(PAGE, data={"token": token, "newPassword": weak, "repeated": weak})
        assert answer.status_code == 400, weak
    assert duck_desk.sign_in("ana", password=PASSWORD)
