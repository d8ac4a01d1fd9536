"""What a browser is not to be used for: writing for another site, reading for one, framing (auth §17.1, §17.2; T7, T27)."""

from collections.abc import Iterator
from itertools import product

import httpx
import pytest

from tests.support.accounts import PASSWORD, Desk
from tests.support.server import RunningServer

TRUSTED = "https://front.example.org"
SITE = "https://desk.example.org"
APP = f"""
name: desk
auth:
  strategies: [{{type: emailAndPassword}}]
  trustedOrigins: ["{TRUSTED}"]
  rateLimit: {{trustedProxies: [127.0.0.1]}}
server: {{allowedHosts: [Desk.internal]}}
tables:
  - name: notes
    fields: [{{name: text, type: single-line-text}}]
    permissions: {{read: authenticated, create: authenticated, update: authenticated, delete: authenticated}}
"""
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "strict-origin-when-cross-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "vary": "Cookie, Authorization, Origin",
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("BASE_URL", f"{SITE}/")
        with RunningServer(APP, tmp_path_factory.mktemp("browser")) as server:
            desk = Desk(server)
            yield desk
            desk.close()


def ask(desk: Desk, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    """As a program sends it: no header but those."""
    body = None if method == "GET" else {"fields": {"text": "x"}}
    with httpx.Client(base_url=desk.server.url, verify=False) as client:  # no TLS: nothing to be read for it
        return client.request(method, path, json=body, headers=headers)


def test_a_261_who_shows_a_cookie_must_say_which_page_sends_it(running: Desk) -> None:
    """T7: method × Origin × cookie or bearer × what the browser says of the site; 96 cases."""
    ana = running.sign_up("ana")
    note = ana.post("/api/tables/notes/records", {"fields": {"text": "x"}}).json()["id"]
    own = running.server.url
    origins = {"own": own, "foreign": "https://evil.example", "null": "null", "none": None}
    shown = {
        "cookie": {"cookie": f"sid={ana.client.cookies['sid']}"},
        "bearer": {"authorization": f"Bearer {ana.token}"},
    }
    calls = {
        "GET": "/api/tables/notes/records",
        "POST": "/api/tables/notes/records",
        "PATCH": f"/api/tables/notes/records/{note}",
        "DELETE": "/api/tables/notes/records/0",
    }
    count = 0
    for (method, path), (name, origin), (proof, header), site in product(
        calls.items(), origins.items(), shown.items(), (None, "same-origin", "cross-site")
    ):
        headers = (
            header | ({} if origin is None else {"origin": origin}) | ({} if site is None else {"sec-fetch-site": site})
        )
        status = ask(running, method, path, headers).status_code
        passes = method == "GET" or proof == "bearer" or name == "own" or (name != "foreign" and site == "same-origin")
        expected = {"GET": 200, "POST": 201, "PATCH": 200, "DELETE": 404}[method] if passes else 403
        assert status == expected, (method, name, proof, site)
        count += 1
    assert count == 96


def test_a_referer_stands_in_for_an_origin(running: Desk) -> None:
    ana = running.sign_up("rea")
    cookie = {"cookie": f"sid={ana.client.cookies['sid']}"}
    for referer, status in (
        (f"{running.server.url}/page?x=1", 201),
        ("https://evil.example/page", 403),
        (f"https://evil.example/?{running.server.url}", 403),
        ("nonsense", 403),
    ):
        answer = ask(running, "POST", "/api/tables/notes/records", {**cookie, "referer": referer})
        assert answer.status_code == status, referer


def test_signing_somebody_in_from_another_site_is_refused(running: Desk) -> None:
    """Login CSRF: without any cookie, the browser tells that the page is another site's."""
    running.sign_up("bob")
    body = {"email": "bob@example.org", "password": PASSWORD}
    with httpx.Client(base_url=running.server.url, verify=False) as client:
        path = "/api/auth/sign-in/email"
        assert client.post(path, json=body, headers={"sec-fetch-site": "cross-site"}).status_code == 403
        assert client.post(path, json=body, headers={"origin": "https://evil.example"}).status_code == 403
        form = client.post(path, content=b'{"email": "x"}', headers={"content-type": "text/plain"})
        assert (form.status_code, form.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
        assert client.post(path, json=body).status_code == 200


def test_a_262_other_sites_read_nothing_and_trusted_ones_do(running: Desk) -> None:
    for method in ("GET", "OPTIONS"):
        foreign = ask(running, method, "/api/auth/get-session", {"origin": "https://evil.example"})
        assert not [name for name in foreign.headers if name.startswith("access-control")]
        trusted = ask(running, method, "/api/auth/get-session", {"origin": TRUSTED})
        assert trusted.headers["access-control-allow-origin"] == TRUSTED
        assert trusted.headers["access-control-allow-credentials"] == "true"
        assert trusted.headers["vary"] == "Cookie, Authorization, Origin"
        assert trusted.headers["cross-origin-resource-policy"] == "cross-origin"
        assert foreign.headers["cross-origin-resource-policy"] == "same-origin"
    assert trusted.status_code == 204
    assert trusted.headers["access-control-max-age"] == "600"
    assert "Authorization" in trusted.headers["access-control-allow-headers"]
    refused = ask(running, "GET", "/api/tables/notes/records", {"origin": TRUSTED})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, TRUSTED)


def test_a_260_every_answer_carries_its_guards(running: Desk) -> None:
    ana = running.sign_up("cay")
    answers = [
        ana.get("/api/auth/get-session"),
        ana.get("/api/tables/notes/records"),
        ana.get("/api/nothing"),
        running.guest.get("/api/tables/notes/records"),
        running.guest.options("/api/tables/notes/records"),
        running.guest.get("/api/health"),
        ana.post("/api/auth/sign-out"),
    ]
    assert [each.status_code for each in answers] == [200, 200, 404, 401, 204, 200, 200]
    for answer in answers:
        assert HEADERS.items() <= dict(answer.headers).items(), answer.request.url
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "camera=()" in answer.headers["permissions-policy"]
        assert "strict-transport-security" not in answer.headers, "plain HTTP promises no TLS"
        if answer.content:
            assert answer.headers["content-type"] == "application/json; charset=utf-8", "§6"


def test_a_263_a_foreign_host_name_is_not_answered(running: Desk) -> None:
    """T27: a rebound DNS name."""
    answer = ask(running, "GET", "/api/auth/get-session", {"host": "rebound.example"})
    assert (answer.status_code, answer.json()["code"]) == (421, "MISDIRECTED_REQUEST")


def test_a_263_a_proxy_calls_by_the_names_that_people_know(running: Desk) -> None:
    """§17.2: the host of `BASE_URL` and `server.allowedHosts`; pages of that site write, whatever name the proxy uses."""
    ana = running.sign_up("eva")
    cookie = {"cookie": f"sid={ana.client.cookies['sid']}"}
    for host in ("desk.example.org", "DESK.example.org:443", "desk.internal"):
        assert ask(running, "GET", "/api/health", {"host": host}).status_code == 200, host
    for host in ("desk.example.org.evil.example", "x.desk.example.org"):
        assert ask(running, "GET", "/api/health", {"host": host}).status_code == 421, host
    for origin, status in ((SITE, 201), ("http://desk.example.org", 403), (f"{SITE}:8443", 403)):
        answer = ask(running, "POST", "/api/tables/notes/records", {**cookie, "origin": origin})
        assert answer.status_code == status, origin


def test_a_261_a_page_without_tls_does_not_write_where_there_is_tls(running: Desk) -> None:
    """T7: who sits on the way to it may have written it."""
    place = running.server.url.partition("://")[2]
    for origin, status in ((f"https://{place}", 401), (f"http://{place}", 403), (f"ftp://{place}", 403)):
        headers = {"origin": origin, "x-forwarded-proto": "https"}
        assert ask(running, "POST", "/api/auth/sign-out", headers).status_code == status, origin
