"""Where links may lead (auth §17.4; T8): every form in which an address can be written to mean another one."""

import pytest

from core.auth.redirect import Redirects, origin_of, with_query
from core.schema.auth import RedirectSpec

ALLOW = (
    "https://*.desk.example.org/**",
    "https://app.example.net/done",
    "deskapp://**",
    "https://one.example.com:8443/*",
)
SITE = Redirects(RedirectSpec(site_url="https://desk.example.org", allow=ALLOW), "https://desk.example.org")
LOCAL = Redirects(RedirectSpec(), "http://localhost:3000")

ALLOWED = (
    "/",
    "/notes",
    "/notes?a=1&b=2#there",
    "/a//b",
    "/%2F%2Fevil.example",
    "/@evil.example",
    "/..//evil.example",
    "https://desk.example.org",
    "https://desk.example.org/",
    "https://desk.example.org/notes?x=https://evil.example",
    "https://desk.example.org:443/notes",
    "HTTPS://DESK.example.org/notes",
    "https://eu.desk.example.org/deep/path?x=1",
    "https://eu.desk.example.org",
    "https://app.example.net/done",
    "https://app.example.net/done#part",
    "https://one.example.com:8443/page",
    "deskapp://open",
    "deskapp://open/some/note?id=1",
)
REFUSED = (
    "",
    " ",
    "notes",
    "?x=1",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/notes\r\nSet-Cookie: sid=1",
    "/é",
    "/" + "a" * 2048,
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https://",
    "https://evil.example",
    "http://desk.example.org/",
    "https://desk.example.org:8443/",
    "https://desk.example.org:99999/",
    "https://desk.example.org:x/",
    "https://desk.example.org.evil.example/",
    "https://desk.example.orgevil.example/",
    "https://evil.example/desk.example.org",
    "https://evil.example?desk.example.org",
    "https://evil.example#desk.example.org",
    "https://desk.example.org@evil.example/",
    "https://evil.example@desk.example.org/",
    "https://ana:secret@desk.example.org/",
    "https://desk.example.org\\@evil.example/",
    "https://desk.example.org%2f@evil.example/",
    "https://desk.example.org%00.evil.example/",
    "https://evil.example\\.desk.example.org/",
    "https://evil.example/.desk.example.org/",
    "https://evil.example?.desk.example.org/",
    "https://a.b.desk.example.org/",
    "https://.desk.example.org/",
    "https://de..desk.example.org/",
    "https://eu.desk.example.org:8443/",
    "https://dеsk.example.org/",
    "https://desk。example.org/",
    "https://desk.example.org /",
    "https://app.example.net/done/more",
    "https://app.example.net/other",
    "https://one.example.com:8443/a/b",
    "https://one.example.com/page",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.0.1/",
    "http://localhost/",
    "http://[::1]/",
    "http://169.254.169.254/latest",
    "http://[::ffff:10.0.0.1]/",
    "http://10.0.0.1/",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\nscript:alert(1)",
    "javascript://desk.example.org/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://desk.example.org/1",
    "deskapp:open",
    "deskapp:",
    "otherapp://open",
    "mailto:ana@example.org",
    "ftp://desk.example.org/",
)


def test_a_264_t_8_the_corpus_has_its_size() -> None:
    assert len(set(ALLOWED) | set(REFUSED)) >= 60


@pytest.mark.parametrize("target", ALLOWED)
def test_a_264_allowed(target: str) -> None:
    assert SITE.allows(target)


@pytest.mark.parametrize("target", REFUSED)
def test_a_264_refused(target: str) -> None:
    assert not SITE.allows(target)


def test_a_264_on_loopback_any_port_will_do() -> None:
    for target in ("http://localhost:5173/x", "http://127.0.0.1:8080/", "http://[::1]:9/", "https://localhost/"):
        assert LOCAL.allows(target), target
    for target in ("http://192.168.0.7/", "http://localhost.evil.example/", "http://2130706433/", "http://127.1:3000/"):
        assert not LOCAL.allows(target), target


def test_a_264_a_star_in_the_port_of_loopback() -> None:
    both = Redirects(RedirectSpec(allow=("http://127.0.0.1:*/**",)), "https://desk.example.org")
    assert both.allows("http://127.0.0.1:4711/callback")
    assert not both.allows("http://127.0.0.1.evil.example:4711/callback")


def test_parameters_stand_before_the_fragment() -> None:
    assert with_query("/a?b=1#c", error="X Y") == "/a?b=1&error=X+Y#c"
    assert with_query("deskapp://a", token="t") == "deskapp://a?token=t"
    assert [origin_of(each) for each in ("/a", "https://a.example/b", "deskapp://x/y")] == [
        None, "https://a.example", "deskapp:"
    ]  # fmt: skip
