"""CL-004, CL-009: app files at an address, and in `APP_SCHEMA`."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.errors import BadRequest
from sovrium_tui import remote
from sovrium_tui.cli.main import execute
from sovrium_tui.remote import CannotFetch, fetch, is_private, local_copy

APP = b"name: far-away\ntables: []\n"
Answer = tuple[int, dict[str, str], bytes]


class Site:
    """A web server whose pages a test sets."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = site.pages.get(self.path, (404, {}, b"nothing"))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def put(self, path: str, body: bytes = APP, status: int = 200, **headers: str) -> str:
        self.pages[path] = (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("SOVRIUM_ALLOW_PRIVATE_OUTBOUND", "SOVRIUM_DISABLE_NETWORK", "APP_SCHEMA", "APP_SCHEMA_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("SOVRIUM_DATA_DIR", raising=False)
    site = Site()
    yield site
    site.close()


@pytest.mark.parametrize(
    ("path", "kind", "body", "suffix"),
    [
        ("/app", "application/json", b'{"name": "a"}', ".json"),
        ("/app.json", "text/plain", b'{"name": "a"}', ".json"),
        ("/app.json", "application/x-yaml", APP, ".yaml"),
        ("/app.yml", "text/plain; charset=utf-8", APP, ".yaml"),
        ("/app", "application/octet-stream", b' {"name": "a"}', ".json"),
        ("/app", "text/plain", APP, ".yaml"),
    ],
)
def test_the_kind_decides_then_the_ending_then_the_content(
    site: Site, path: str, kind: str, body: bytes, suffix: str
) -> None:
    """§2.2 CL-009"""
    found = fetch(site.put(path, body, Content_Type=kind), trusted=True)
    assert (found.content, found.suffix) == (body, suffix)


def test_redirects_are_followed_a_few_times(site: Site) -> None:
    site.put("/real.yaml")
    assert fetch(site.put("/old", b"", 302, Location="/real.yaml"), trusted=True).content == APP
    with pytest.raises(BadRequest, match="redirects more than 5 times"):
        fetch(site.put("/round", b"", 301, Location="/round"), trusted=True)
    with pytest.raises(BadRequest, match="not an http or https address"):
        fetch(site.put("/file", b"", 301, Location="file:///etc/passwd"), trusted=True)


def test_private_addresses_are_asked_only_for_a_person(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """CL-009: the guard of `APP_SCHEMA` and its override."""
    address = site.put("/app.yaml")
    with pytest.raises(BadRequest, match="private network") as refused:
        fetch(address, trusted=False)
    assert "SOVRIUM_ALLOW_PRIVATE_OUTBOUND" in str(refused.value.hint)
    monkeypatch.setenv("SOVRIUM_ALLOW_PRIVATE_OUTBOUND", "1")
    assert fetch(address, trusted=False).content == APP


@pytest.mark.parametrize("trusted", [True, False])
def test_a_public_address_cannot_redirect_into_a_private_network(
    site: Site, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    """CL-009: nor by a name that resolves there."""
    monkeypatch.setattr(remote, "is_private", lambda place: place != "127.0.0.1")
    resolve = remote.socket.getaddrinfo

    def to_private(host: str, *rest: int, **named: int) -> list:
        return resolve("127.0.0.2" if host == "inside.test" else host, *rest, **named)

    monkeypatch.setattr(remote.socket, "getaddrinfo", to_private)
    for target in (f"http://127.0.0.2:{site.port}/app.yaml", f"http://inside.test:{site.port}/app.yaml"):
        with pytest.raises(BadRequest, match="private network"):
            fetch(site.put("/away", b"", 302, Location=target), trusted=trusted)


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("169.254.169.254", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", True),
        ("2002:7f00:1::", True),
        ("93.184.216.34", False),
        ("2606:4700::1111", False),
    ],
)
def test_what_counts_as_private(address: str, private: bool) -> None:
    assert is_private(address) is private


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda site: site.put("/big.yaml", b"#" * (remote.SIZE_LIMIT + 1)), "larger than 10 MB"),
        (lambda site: site.put("/page", b"<html>", Content_Type="text/html"), "text/html, not an app file"),
        (lambda site: site.put("/gone.yaml", b"", 410), "answers 410"),
        (lambda site: site.put("/short.yaml", APP, Content_Length="99"), "ended before its end|cannot be fetched"),
        (lambda site: "http://127.0.0.1:1/app.yaml", "cannot be fetched"),
    ],
)
def test_what_cannot_be_used_is_told_clearly(site: Site, make: Callable[[Site], str], told: str) -> None:
    with pytest.raises((BadRequest, CannotFetch), match=told):
        fetch(make(site), trusted=True)


def test_a_server_that_never_ends_is_left(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "SECONDS", 0.2)
    silent = remote.socket.create_server(("127.0.0.1", 0))
    with silent, pytest.raises(CannotFetch, match="it took too long"):
        fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/app.yaml", trusted=True)


def test_no_message_shows_what_may_be_secret_in_an_address() -> None:
    with pytest.raises(CannotFetch) as refused:
        fetch("http://user:hunter2@127.0.0.1:1/app.yaml?token=hunter2", trusted=True)
    assert "hunter2" not in refused.value.message


def test_the_copy_is_used_when_the_address_does_not_answer(site: Site, tmp_path: Path) -> None:
    address = site.put("/app.yaml")
    told: list[str] = []
    copy = local_copy(address, tmp_path / "data", trusted=True, tell=told.append)
    assert (copy.read_bytes(), told) == (APP, [])
    site.pages.clear()
    assert local_copy(address, tmp_path / "data", trusted=True, tell=told.append) == copy
    assert "answers 404" in told[0]
    with pytest.raises(CannotFetch):
        local_copy(address + "x", tmp_path / "data", trusted=True, tell=told.append)


def test_commands_take_addresses_and_texts(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """CL-004 CL-005: as the argument, then APP_SCHEMA_FILE, then APP_SCHEMA; nothing is made on disk by one that fails."""
    monkeypatch.chdir(tmp_path)
    assert execute(["validate", site.put("/app.yaml")]) == 0
    assert "far-away: valid" in capsys.readouterr().out
    assert execute(["status", site.put("/app.yaml")]) == 1
    assert str(tmp_path / ".sovrium") in capsys.readouterr().out
    monkeypatch.setenv("APP_SCHEMA", '{"name": "in-a-variable", "tables": []}')
    assert execute(["validate"]) == 0
    assert "in-a-variable: valid" in capsys.readouterr().out
    (tmp_path / "named.yaml").write_text("name: named-by-its-path\ntables: []\n")
    monkeypatch.setenv("APP_SCHEMA_FILE", "named.yaml")
    assert execute(["validate"]) == 0
    assert "named-by-its-path: valid" in capsys.readouterr().out
    monkeypatch.delenv("APP_SCHEMA_FILE")
    monkeypatch.setenv("APP_SCHEMA", site.put("/app.yaml"))
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert execute(["validate"]) == 2
    assert "private network" in capsys.readouterr().err
    assert list((tmp_path / "empty").iterdir()) == []
