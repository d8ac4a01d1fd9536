"""The first administrator (auth §15)."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.auth.bootstrap import PATH, Begun
from core.auth.environment import AdminSeed
from core.http.limit import Limiter
from tests.auth.test_admin import ADMIN, told_code
from tests.support.accounts import DESK, PASSWORD, Desk
from tests.support.clock import MovingClock
from tests.support.server import RunningServer

SEED = AdminSeed(email="Root@Example.org", password=PASSWORD, name="Root", role="admin")


def begin(server: RunningServer, seed: AdminSeed | None = SEED, *, prints: bool = False) -> Begun:
    assert server.engine.auth is not None
    return server.engine.auth.bootstrap.begin(seed, prints=prints)


def seeded(**change: str) -> AdminSeed:
    from dataclasses import replace

    return replace(SEED, **change)


def test_a_231_a_232_the_first_start_makes_the_admin_and_the_second_nothing(desk: Desk) -> None:
    begun = begin(desk.server)
    assert begun == Begun(done="admin root@example.org was made from the environment")
    root = desk.sign_in("root")
    assert root.user["emailVerified"] is True
    assert root.get(f"{ADMIN}/roles").status_code == 200
    assert begin(desk.server) == Begun()
    assert begin(desk.server, seeded(password="another quiet harbour")) == Begun()
    desk.sign_in("root")
    assert desk.audited()[0] == "bootstrap.created"


def test_a_232_somebody_who_is_there_keeps_role_and_password(duck_desk: Desk) -> None:
    ana = duck_desk.sign_up("root")
    assert begin(duck_desk.server, seeded(password="another quiet harbour")) == Begun()
    assert duck_desk.sign_in("root").user["role"] == "member"
    assert ana.get("/api/auth/get-session").json() is not None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"email": "no address"}, "not an e-mail address"),
        ({"password": "short"}, "at least 8 characters"),
        ({"password": "password1"}, "most used"),
        ({"role": "nobody"}, "there is no role 'nobody'"),
    ],
)
def test_a_234_what_will_not_do_is_told_and_the_server_runs(duck_desk: Desk, change: Any, told: str) -> None:
    begun = begin(duck_desk.server, seeded(**change))
    assert begun.warning is not None
    assert told in begun.warning
    assert PASSWORD not in begun.warning
    assert duck_desk.audited() == []
    assert duck_desk.guest.get("/api/health").status_code == 200


def test_a_237_of_two_at_once_one_makes_it(desk: Desk) -> None:
    with ThreadPoolExecutor(2) as pool:
        begun = list(pool.map(lambda _: begin(desk.server), range(2)))
    assert sorted(each.done is not None for each in begun) == [False, True]
    assert desk.read(lambda reader: reader.scalar("SELECT count(*) FROM auth_user")) == 1


def test_a_233_half_of_it_is_nothing_and_the_name_has_a_default() -> None:
    from core.auth.environment import read_environment

    whole = {"AUTH_ADMIN_EMAIL": "root@example.org", "AUTH_ADMIN_PASSWORD": PASSWORD}
    for name in whole:
        assert read_environment({name: whole[name]}).admin is None
    seed = read_environment(whole).admin
    assert seed is not None
    assert (seed.name, seed.role) == ("Administrator", "admin")


def claim(desk: Desk, token: str | None, **body: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    whole = {"email": "root@example.org", "password": PASSWORD, "name": "Root", **body}
    return desk.guest.post(PATH, json=whole, headers=headers)


def test_a_238_a_token_makes_the_first_admin_once(desk: Desk) -> None:
    token = begin(desk.server, None, prints=True).token
    assert token is not None
    assert re.fullmatch("[0-9a-f]{64}", token)
    kept = desk.read(lambda reader: reader.rows("SELECT * FROM auth_one_time_token"))
    assert token not in str(kept)
    later = begin(desk.server, None, prints=True).token
    assert told_code(claim(desk, token)) == (401, "INVALID_TOKEN"), "each start makes another"
    assert told_code(claim(desk, None)) == (401, "INVALID_TOKEN")
    assert told_code(claim(desk, later, email="")) == (400, "VALIDATION_ERROR")
    assert told_code(claim(desk, later, password="short")) == (400, "PASSWORD_TOO_SHORT")
    done = claim(desk, later)
    assert (done.status_code, done.json()["success"], done.json()["email"]) == (200, True, "root@example.org")
    assert told_code(claim(desk, later)) == (404, "NOT_FOUND")
    assert desk.sign_in("root").get(f"{ADMIN}/roles").status_code == 200
    assert begin(desk.server, None, prints=True) == Begun()
    left = "SELECT count(*) FROM auth_one_time_token WHERE purpose = 'bootstrap' AND used_at IS NULL"
    assert desk.read(lambda reader: reader.scalar(left)) == 0
    assert desk.audited()[:3] == ["bootstrap.token_issued", "bootstrap.token_issued", "bootstrap.claimed"]


def test_without_somebody_who_sees_it_there_is_no_token(duck_desk: Desk) -> None:
    assert begin(duck_desk.server, None, prints=False) == Begun()


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, MovingClock]]:
    clock = MovingClock()
    limiter = Limiter(clock.seconds)
    with RunningServer(DESK, tmp_path_factory.mktemp("claimed"), clock=clock, limiter=limiter) as server:
        yield server, clock


def test_a_238_it_expires_and_is_tried_five_times_a_minute(closed: tuple[RunningServer, MovingClock]) -> None:
    server, clock = closed
    desk = Desk(server)
    token = begin(server, None, prints=True).token
    clock.forward(3601)
    assert told_code(claim(desk, token)) == (401, "TOKEN_EXPIRED")
    tried = [claim(desk, "x").status_code for _ in range(5)]
    assert tried == [401] * 4 + [429]
    desk.close()


def test_a_163_a_235_without_the_admin_api_only_the_owner_administers(tmp_path: Path) -> None:
    """Nothing is made from the environment, and administrators find nothing; over the socket all goes on."""
    with RunningServer(DESK.replace("auth:\n", "auth:\n  adminApi: false\n"), tmp_path) as server:
        desk = Desk(server)
        assert begin(server) == Begun()
        assert begin(server, None, prints=True) == Begun()
        admin = desk.sign_up("root", roles=("admin",))
        for path in (f"{ADMIN}/list-users", "/api/admin/audit-log", f"{ADMIN}/get-user/{admin.id}"):
            assert admin.get(path).status_code == 404
            assert server.local.get(path).status_code == 200
        for path in ("set-role", "ban-user"):
            assert admin.post(f"{ADMIN}/{path}", {"userId": admin.id, "role": "viewer"}).status_code == 404
        desk.close()


def test_d1_it_may_be_told_that_there_is_one(tmp_path: Path) -> None:
    """A-182: with `hideAdminApi: false` others are told 403."""
    with RunningServer(DESK.replace("auth:\n", "auth:\n  hideAdminApi: false\n"), tmp_path) as server:
        desk = Desk(server)
        ana = desk.sign_up("ana")
        assert told_code(ana.get(f"{ADMIN}/list-users")) == (403, "FORBIDDEN")
        assert told_code(ana.get("/api/activity", params={"userId": "another"})) == (403, "FORBIDDEN")
        assert desk.guest.get(f"{ADMIN}/list-users").status_code == 401
        desk.close()


def test_a_236_a_240_the_log_and_the_process_hold_no_password(tmp_path: Path) -> None:
    """The server that was started with the variables says what it has made, and what it starts has them no more."""
    (tmp_path / "app.yaml").write_text(DESK)
    environ = {
        **os.environ, "AUTH_ADMIN_EMAIL": "root@example.org", "AUTH_ADMIN_PASSWORD": PASSWORD, "SOVRIUM_PORT": "0",
        "LOG_LEVEL": "debug", "SOVRIUM_ENCRYPTION_KEY": "x" * 40,
    }  # fmt: skip
    environ.pop("DATABASE_URL", None)
    command = [sys.executable, "-m", "sovrium_tui", "start", "app.yaml"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Ready"):
            break
    process.send_signal(signal.SIGTERM)
    lines.append(process.communicate()[0])
    said = "".join(lines)
    assert "✓ admin root@example.org was made from the environment" in said
    assert "[DEBUG] [SERVER] first administrator: admin root@example.org was made" in said, "A-248"
    kept = (tmp_path / ".sovrium" / "run" / "server.log").read_text()
    assert "was made from the environment" in kept
    assert PASSWORD not in kept
    assert PASSWORD not in said
    assert "argon2" not in said


def test_a_240_the_variables_are_dropped(duck_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from sovrium_tui.server import first_admin

    monkeypatch.setenv("SOVTUI_ADMIN_EMAIL", "root@example.org")
    monkeypatch.setenv("AUTH_ADMIN_PASSWORD", PASSWORD)
    begun = first_admin(duck_desk.server.engine, prints=False)
    assert begun is not None
    assert begun.done
    assert not [name for name in os.environ if "ADMIN_" in name]
