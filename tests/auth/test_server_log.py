"""What the log of a server says of requests, and who may read it (auth §16.2)."""

import io
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import Busy
from core.logs.line import parsed
from sovrium_tui.process.log import LogSettings, logging_to
from tests.support.accounts import Desk
from tests.support.server import RunningServer

LOGS = "/api/console/logs"
RESET = "/api/auth/reset-password/s3cr3t?callbackURL=%2Fc"
MARKERS = ("Marker-in-a-body-7Q", "Marker-in-a-query-7Q", "Marker-in-a-path-7Q", "Marker-in-a-header-7Q")


@pytest.fixture(params=["text", "json"])
def log(request: pytest.FixtureRequest, duck_server: RunningServer, tmp_path: Path) -> Iterator[Path]:
    """The log of the server, at `debug`, in both forms."""
    file = tmp_path / "server.log"
    settings = LogSettings.of({"LOG_LEVEL": "debug", "LOG_FORMAT": request.param})
    duck_server.app.log_file = file
    with logging_to(file, settings, terminal=io.StringIO()):
        yield file
    duck_server.app.log_file = None


def messages(file: Path) -> list[str]:
    """The first line of each entry."""
    return [parsed(line)["message"] for line in file.read_text().splitlines() if not line.startswith(" ")]


def test_a_250_a_line_for_each_request_at_debug(duck_desk: Desk, log: Path) -> None:
    """A-249, A-250: with the status and the time; files of pages, and the reading of the log, have none."""
    duck_desk.guest.get("/api/health")
    duck_desk.guest.get("/nowhere", params={"token": "abc", "page": "2"})
    for path in ("/assets/site.css", "/favicon.ico", LOGS):
        duck_desk.guest.get(path)
    told = [re.sub(r" \d+ms \[req:req_[\w-]{20}\]$", " TIME", each) for each in messages(log)]
    assert told == ["<-- GET /api/health 200 TIME", "<-- GET /nowhere?token=…&page=2 401 TIME"]
    logging.getLogger("sovrium").setLevel(logging.INFO)
    duck_desk.guest.get("/api/health")
    assert len(messages(log)) == 2


def test_a_251_a_defect_is_told_under_the_id_that_the_caller_gets(
    duck_desk: Desk, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-251: method, path, id, and where it broke; what is no defect has one line and no more."""
    auth = duck_desk.server.engine.auth
    assert auth is not None

    async def broken(secret: str) -> bool:
        raise errors.pop(0)

    errors: list[Exception] = [RuntimeError("b\x1b[2Jroken"), Busy("Too much waits")]
    monkeypatch.setattr(auth.recovery, "is_open", broken)
    first = duck_desk.guest.get(RESET)
    second = duck_desk.guest.get(RESET)
    assert (first.status_code, second.status_code) == (500, 503)
    logging.getLogger("sovrium").setLevel(logging.INFO)
    errors.append(Busy("Too much waits"))
    duck_desk.guest.get(RESET)
    entries = duck_desk.server.local.get(LOGS, params={"level": "warn"}).json()["entries"]
    assert [(each["level"], each["area"]) for each in entries] == [("error", "server")] + [("warn", "server")] * 2
    assert (
        entries[0]["message"]
        == f"GET /api/auth/reset-password/…?callbackURL=%2Fc → 500 [req:{first.json()['requestId']}]"
    )
    assert r"RuntimeError: b\x1b[2Jroken" in entries[0]["details"]
    assert re.fullmatch(
        r"GET /api/auth/reset-password/…\?callbackURL=%2Fc → 503 \[req:.*\] SERVICE_UNAVAILABLE: Too much waits",
        entries[2]["message"],
    )
    assert (bool(entries[1]["details"]), entries[2]["details"]) == (True, ""), "where Busy came from is for debug"


@pytest.mark.parametrize("log", ["json"], indirect=True)
def test_a_252_no_endpoint_tells_a_secret_to_the_log(duck_desk: Desk, log: Path) -> None:
    """A-252: every address, secrets in its body, query, path and headers, by a guest and by an administrator."""
    root = duck_desk.sign_up("root", roles=("admin",), password=MARKERS[0])
    names = (
        "password",
        "newPassword",
        "currentPassword",
        "token",
        "code",
        "otp",
        "secret",
        "refreshToken",
        "backupCode",
    )
    body: dict[str, Any] = dict.fromkeys(names, MARKERS[0]) | {"email": "root@example.org", "name": "x", "role": "x"}
    query = dict.fromkeys((*names, "access_token", "apikey", "state"), MARKERS[1])
    asked = 0
    for route in duck_desk.server.app.router.routes:
        if not route.path.startswith(("/api/auth", "/api/admin", "/api/account")) or route.path.endswith("/sign-out"):
            continue
        path = re.sub(r"\{(\w+)\}", MARKERS[2], route.path) if "{token}" in route.path else route.path
        for client in (duck_desk.guest, root.client):
            headers = (
                {"authorization": f"Bearer {MARKERS[3]}", "x-forwarded-for": MARKERS[3]} if client is not root else {}
            )
            client.request(route.method, path, json=body, params=query, headers=headers)
            asked += 1
    written = log.read_text()
    assert asked > 100
    assert sum(each.startswith("<-- ") for each in messages(log)) >= asked
    assert not [marker for marker in MARKERS if marker in written]
    assert "token=…" in written


def test_the_log_is_for_administrators(duck_desk: Desk, log: Path) -> None:
    """auth D1: to others the address is unknown; an administrator reads it from another machine, too."""
    for number in range(5):
        logging.getLogger("sovrium.test").warning("entry %d", number)
    ana, root = duck_desk.sign_up("ana"), duck_desk.sign_up("root", roles=("admin",))
    assert duck_desk.guest.get(LOGS).status_code == 401
    assert ana.get(LOGS).status_code == 404
    page = root.get(LOGS, params={"level": "warn", "text": "ENTRY", "limit": 2}).json()
    assert [each["message"] for each in page["entries"]] == ["entry 3", "entry 4"]
    older = root.get(LOGS, params={"level": "warn", "limit": 2, "before": page["older"]}).json()
    assert [each["message"] for each in older["entries"]] == ["entry 1", "entry 2"]
    logging.getLogger("sovrium.test").warning("entry 5")
    newer = root.get(LOGS, params={"level": "warn", "after": page["newer"]}).json()
    assert [each["message"] for each in newer["entries"]] == ["entry 5"]
    for wrong in ({"level": "loud"}, {"before": "x"}, {"limit": "0"}, {"limit": "1001"}):
        assert root.get(LOGS, params=wrong).status_code == 400
    duck_desk.server.app.log_file = None
    assert root.get(LOGS).json() == {"entries": [], "older": None, "newer": None, "more": False}
