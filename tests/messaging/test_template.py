"""What mails say, and what people who write their names with care cannot make them say (auth §2.2, T9, T20)."""

from datetime import timedelta
from html.parser import HTMLParser

import pytest

from core.messaging.mail import Content
from core.messaging.template import LANGUAGES, NAMES, Templates, _words, language_of, text_of
from core.schema.auth import Template

BASE = "https://desk.harbour.test"
VALUES = {
    "name": "Ana",
    "email": "ana@example.org",
    "url": f"{BASE}/verify?token=t0k3n&x=1",
    "otp": "493021",
    "codes": "aaaaa-11111\nbbbbb-22222",
    "inviterName": "Bo",
}
ALL = sorted(_words("en")["templates"])
ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></head><body onload=alert(1)>",
    "javascript:alert(1)",
    "Ana\r\nBcc: all@example.org\r\n\r\n<h1>hello</h1>",
    "Ana\nContent-Type: text/html",
    "\x1b]52;c;cGF5bG9hZA==\x07\x1b[2J",
    "\u202egnp.exe\u2066",
    "$otp $url ${codes}",
    "&lt;b&gt;&#60;script&#62;",
    "https://evil.example/prize Ana",
    "www.evil.example",
    "evil.example/x",
    "\ud800\x00\u2028x",
    "a" * 5000,
    "' onmouseover='x",
    "[click](https://evil.example)",
    "=?utf-8?q?=0d=0aBcc:_x@example.org?=",
]


class Page(HTMLParser):
    """What a mail program would act on."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def links(self) -> list[str]:
        return [value for name, value in self.attributes if name == "href"]


@pytest.fixture
def templates() -> Templates:
    return Templates("Harbour Desk", BASE)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ALL)
def test_every_template_speaks_every_language(name: str, language: str) -> None:
    """A-100: nothing of a template is left open, and both forms of the mail say the same."""
    content = Templates("Harbour Desk", BASE, language=language).render(name, VALUES, validity=timedelta(minutes=15))
    assert "$" not in content.subject + content.text + (content.html or "")
    assert "Harbour Desk" in content.subject
    built_in = "".join(_words(language)["templates"][name]["text"])
    if name == "phoneOtp":
        assert content.html is None
        assert content.text.isascii()
        assert len(content.text) <= 160, "it is sent as one"
        return
    assert content.html is not None
    page = Page(content.html)
    for value in ("url", "otp", "codes", "email", "inviterName"):
        if f"${value}" in built_in:
            assert VALUES[value] in content.text
            assert all(each in page.text for each in VALUES[value].splitlines())
    assert page.links == ([VALUES["url"]] if "$url" in built_in else [])
    assert f'lang="{language}"' in content.html


def test_languages_word_the_same_templates() -> None:
    """Each language has all templates, those that an app may word itself among them."""
    assert set(NAMES) <= set(ALL)
    for language in LANGUAGES:
        words = _words(language)
        assert sorted(words["templates"]) == ALL
        for name in ALL:
            mine, english = words["templates"][name], _words("en")["templates"][name]
            assert (len(mine["text"]), "action" in mine) == (len(english["text"]), "action" in english), name


@pytest.mark.parametrize(
    ("languages", "spoken"),
    [
        ({"default": "fr"}, "fr"),
        ({"default": "fr-CA"}, "fr"),
        ({"default": "de"}, "en"),
        (None, "en"),
        ({"default": 1}, "en"),
    ],
)
def test_the_language_of_an_app(languages: object, spoken: str) -> None:
    """A-100: that of its pages, where we have words in it."""
    assert language_of(languages) == spoken


def test_an_app_words_its_own(templates: Templates) -> None:
    """A-100: subject, text and HTML; what is not given is made of what is."""
    own = {
        "magicLink": Template(subject="Sign in to Harbour", text="Open ${url}\n\n$url\n\nIt costs $5, $name."),
        "invitation": Template(subject="$inviterName & co", html='<p>Hi $name<br>see <a href="$url">this</a></p>'),
        "welcome": Template(subject="Ahoy"),
        "verification": Template(subject="s", text="plain $name", html="<i>$name</i>"),
    }
    mine = Templates("Harbour Desk", BASE, own)  # type: ignore[arg-type]
    link = mine.render("magicLink", VALUES)
    assert link.subject == "Sign in to Harbour"
    assert link.text.startswith(f"Open {VALUES['url']}\n\n{VALUES['url']}\n\nIt costs $5, Ana.")
    assert link.html is not None
    page = Page(link.html)
    assert page.links == [VALUES["url"], VALUES["url"]]
    assert "Sign in" in page.text, "the button keeps its words"
    invited = mine.render("invitation", {**VALUES, "name": "A & <b>"})
    assert invited.subject == "Bo & co"
    assert invited.html == f'<p>Hi A &amp; &lt;b&gt;<br>see <a href="{BASE}/verify?token=t0k3n&amp;x=1">this</a></p>'
    assert invited.text == f"Hi A & <b>\nsee this ({VALUES['url']})\n"
    welcome, built_in = mine.render("welcome", VALUES), templates.render("welcome", VALUES)
    assert (welcome.subject, welcome.text) == ("Ahoy", built_in.text)
    both = mine.render("verification", {**VALUES, "name": "<b>"})
    assert (both.text, both.html) == ("plain <b>", "<i>&lt;b&gt;</i>")


@pytest.mark.parametrize(("language", "name", "inviter"), [("en", "there", "Someone"), ("fr", "à vous", "Quelqu’un")])
def test_who_is_not_known(language: str, name: str, inviter: str) -> None:
    """§2.2: an unknown name is `there`, an unknown inviter `Someone`."""
    content = Templates("Harbour Desk", BASE, language=language).render(
        "invitation", {"url": VALUES["url"], "name": " "}
    )
    assert content.subject.startswith(inviter)
    assert f" {name}," in content.text
    own = {"invitation": Template(subject="$inviterName", text="Dear $name")}
    content = Templates("Harbour Desk", BASE, own, language).render("invitation", {})  # type: ignore[arg-type]
    assert (content.subject, content.text[: len(name) + 5]) == (inviter, f"Dear {name}")


def test_what_is_missing_is_not_spoken_of(templates: Templates) -> None:
    """No `The code is:` before nothing."""
    with_code = templates.render("resetPassword", VALUES).text
    without = templates.render("resetPassword", {"url": VALUES["url"]}).text
    assert "The code is:\n\n493021" in with_code
    assert "code" not in without
    assert "within" not in without, "how long it works was not said"


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (timedelta(minutes=15), "15 minutes"),
        (timedelta(hours=72), "3 days"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(seconds=90), "90 seconds"),
    ],
)
def test_how_long_a_link_works(templates: Templates, span: timedelta, told: str) -> None:
    """A-100"""
    assert f"within {told}." in templates.render("verification", VALUES, validity=span).text


@pytest.mark.parametrize("place", ["name", "inviterName", "organizationName", "email", "otp", "codes"])
def test_t9_what_people_typed_stays_text(place: str) -> None:
    """T9, T10: in every variable, of our templates and of an app's; neither markup, links, headers nor control signs."""
    own = {
        "welcome": Template(
            subject="$name $email $otp", html='<p title="$name">$name $email $otp $codes $inviterName</p>'
        ),
        "magicLink": Template(subject="$organizationName", text="$name $email $otp $codes $inviterName"),
    }
    harmless = {key: value for key, value in VALUES.items() if key != place}
    for templates in (Templates("Harbour Desk", BASE), Templates("Harbour Desk", BASE, own)):  # type: ignore[arg-type]
        for name in ("welcome", "magicLink", "invitation", "twoFactorBackupCodes", "emailOtp"):
            plain = templates.render(name, {**harmless, place: "x"})
            for attack in ATTACKS:
                check_harmless(templates.render(name, {**harmless, place: attack}), plain, (name, attack))
                if place in ("name", "inviterName") and "evil" in attack:
                    content = templates.render(name, {**harmless, place: attack})
                    assert "evil" not in f"{content.text}{content.html}", "a name is no place for advertising"


def check_harmless(content: Content, plain: Content, case: tuple[str, str]) -> None:
    """It differs from a mail without anything bad in nothing but text."""
    for line in (content.subject, *content.text.splitlines()):
        assert all(sign.isprintable() or sign in "\u200c\u200d" for sign in line), case
        assert not any("\u202a" <= sign <= "\u2069" for sign in line), case
        assert len(line) < 1000, case
    assert "\n" not in content.subject
    assert content.html is not None
    assert plain.html is not None
    page, expected = Page(content.html), Page(plain.html)
    assert [tag for tag in page.tags if tag != "br"] == [tag for tag in expected.tags if tag != "br"], case
    assert [name for name, _ in page.attributes] == [name for name, _ in expected.attributes], case
    assert page.links == expected.links, case
    f"{content.text}{content.html}".encode()


LINKS = [
    "https://evil.example/x",
    "https://desk.harbour.test.evil.example/x",
    "https://desk.harbour.test@evil.example/x",
    "http://desk.harbour.test/x",
    "javascript:alert(1)",
    "//evil.example",
    "/verify",
    f"{BASE}/x y",
    f'{BASE}/x"onclick="y',
    f"{BASE}/x\r\nBcc: a@b.c",
    f"{BASE}:444/x",
    f"{BASE}/é",
]


@pytest.mark.parametrize("url", LINKS)
def test_t20_a_link_begins_with_the_base_address(templates: Templates, url: str) -> None:
    """T20, A-166: whoever builds a link from something else is stopped."""
    with pytest.raises(ValueError, match="base address"):
        templates.render("magicLink", {"url": url})


def test_unknown_names_are_mistakes(templates: Templates) -> None:
    with pytest.raises(ValueError, match="no template"):
        templates.render("nothing", {})
    with pytest.raises(ValueError, match="no variables"):
        templates.render("welcome", {"password": "x"})


def test_html_is_read_out() -> None:
    """An app's HTML without a text of its own."""
    page = "<style>p{}</style><h1>Hi</h1><ul><li>one<li>two</ul>a <a href='https://x.test/'>https://x.test/</a> &amp; b"
    assert text_of(page) == "Hi\n\none\ntwo\na https://x.test/ & b\n"
    assert Content(subject="s", text="t").html is None
