"""The door itself: who may call, methods, hosts, origins, the envelope of every error, sockets."""

import asyncio
import os
import socket
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest

import core.errors
from core.contract.console import ViewSpec
from core.errors import BadRequest, FieldError, Invalid, Locked, SovriumError
from core.http.answer import Answer
from core.http.app import Application, build_app
from core.http.error import MethodNotAllowed, answer_to
from core.http.server import Server
from core.http.shape import check
from tests.security.wire import request
from tests.support.server import ApiScenario, RunningServer, check_envelope, run

PARTS = "/api/tables/Spare%20Parts/records"

DOOR = [
    ApiScenario(name="health", path="/api/health", json={"status": "ok", "version": "9.9.9"}),
    ApiScenario(name="health by HEAD has no body", method="HEAD", path="/api/health"),
    ApiScenario(name="a list by HEAD", method="HEAD", path=PARTS),
    ApiScenario(
        name="OPTIONS tells the methods and lets nobody in",
        method="OPTIONS",
        path=PARTS,
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
        status=204,
        header={"allow": "GET, HEAD, POST, OPTIONS"},
    ),
    ApiScenario(name="an unknown address", path="/api/nothing", status=404, json={"code": "NOT_FOUND"}),
    ApiScenario(name="the root", path="/", status=404, json={"code": "NOT_FOUND"}),
    ApiScenario(name="a trailing slash is another address", path="/api/tables/", status=404),
    ApiScenario(name="dots are names like others", path="/api/tables/%2e%2e/records", status=404),
    ApiScenario(
        name="another method",
        method="DELETE",
        path="/api/tables",
        status=405,
        json={"code": "METHOD_NOT_ALLOWED"},
        header={"allow": "GET, HEAD, OPTIONS"},
    ),
    ApiScenario(name="TRACE", method="TRACE", path="/api/tables", status=405),
    ApiScenario(
        name="a rebound host name",
        path="/api/tables",
        headers={"Host": "rebound.example:3000"},
        status=421,
        json={"code": "MISDIRECTED_REQUEST"},
    ),
    ApiScenario(name="localhost is ours", path="/api/tables", headers={"Host": "localhost:3000"}),
    ApiScenario(name="so is IPv6", path="/api/tables", headers={"Host": "[::1]:3000"}),
    ApiScenario(
        name="a page of another site may not write",
        method="POST",
        path=PARTS,
        headers={"Origin": "https://evil.example", "Content-Type": "text/plain"},
        body=b'{"part_no":"a"}',
        status=403,
        json={"code": "INVALID_ORIGIN"},
    ),
    ApiScenario(
        name="nor a sandboxed one",
        method="POST",
        path=PARTS,
        headers={"Origin": "null"},
        body={"part_no": "a"},
        status=403,
    ),
    ApiScenario(
        name="nor one whose browser tells its site only",
        method="POST",
        path=PARTS,
        headers={"Sec-Fetch-Site": "cross-site"},
        body={"part_no": "a"},
        status=403,
    ),
    ApiScenario(
        name="a page of our own may",
        method="POST",
        path=PARTS,
        headers={"Host": "localhost:3000", "Origin": "http://localhost:3000"},
        body={"part_no": "a"},
        status=201,
        changes=1,
    ),
    ApiScenario(
        name="T-032 D-30 the list of tables is a bare array without disabled ones",
        path="/api/tables",
        json={"len()": 2, "0.name": "suppliers", "0.fieldCount": 2, "1.id": "2"},
        lacks=["hidden"],
    ),
    ApiScenario(
        name="the list of tables counts records when asked",
        path="/api/tables?counts=true",
        given=[("suppliers", {"name": "Acme"})],
        json={"0.recordCount": 1, "1.recordCount": 0},
    ),
    ApiScenario(
        name="T-034 a table has its fields",
        path="/api/tables/Spare%20Parts",
        json={"primaryKey": "id", "sqlName": "spare_parts", "fields.0.name": "part_no", "fields.0.required": True},
    ),
    ApiScenario(name="T-033 an unknown table", path="/api/tables/9", status=404, json={"message": "Not found"}),
    ApiScenario(name="T-035 a disabled table looks the same", path="/api/tables/hidden", status=404,
                json={"message": "Not found"}),
]  # fmt: skip


@pytest.mark.parametrize("scenario", DOOR, ids=str)
def test_scenario(scenario: ApiScenario, duckdb_server: RunningServer) -> None:
    response = run(scenario, duckdb_server)
    assert not [name for name in response.headers if name.startswith("access-control")]
    if scenario.method == "HEAD":
        assert response.content == b""
        assert int(response.headers["content-length"]) > 0


def all_errors() -> list[SovriumError]:
    """One of each class of the exception tree."""
    found: list[SovriumError] = [MethodNotAllowed(["GET"]), Invalid("No", [FieldError("a", "b", "c")], status=422)]
    classes = [each for each in vars(core.errors).values() if isinstance(each, type) and issubclass(each, SovriumError)]
    return found + [each("It cannot be done") for each in classes]


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: type(error).__name__)
def test_every_error_has_the_one_shape(error: SovriumError) -> None:
    """§10.2: one envelope for all, made of the exception tree."""
    error.__cause__ = RuntimeError("Binder Error: SELECT secret FROM core/storage")
    answer = answer_to(error, {"method": "GET", "path": "/api", "headers": []})
    check_envelope(httpx.Response(answer.status, content=answer.body))
    assert answer.status == error.status
    assert b"secret" not in (answer.body or b"")


def test_an_unforeseen_error_tells_its_id_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    """R-006"""
    answer = answer_to(ValueError("SELECT secret"), {"method": "GET", "path": "/api/x", "headers": []})
    response = httpx.Response(answer.status, content=answer.body)
    check_envelope(response)
    assert response.status_code == 500
    assert "secret" not in response.text
    assert response.json()["requestId"] in caplog.text
    assert "secret" in caplog.text


def test_what_does_not_fit_a_body_is_named() -> None:
    with pytest.raises(Invalid) as caught:
        check(ViewSpec, {"table": 7, "sort": [{"field": "a", "direction": "up"}]})
    assert {error.field for error in caught.value.errors} == {"table", "sort.0.direction"}


def test_a_failing_route_answers_500(duckdb_server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("SELECT secret FROM core/records")

    monkeypatch.setattr(duckdb_server.engine.records, "list", fail)
    response = duckdb_server.http.get(PARTS)
    assert response.status_code == 500
    check_envelope(response)
    assert "secret" not in response.text


# ── Listeners ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_socket_is_its_owners_alone(duckdb_server: RunningServer) -> None:
    """S-30, A-003"""
    assert stat.S_IMODE(duckdb_server.socket.stat().st_mode) == 0o600
    for folder in (duckdb_server.folder / "data", duckdb_server.engine.exchange, duckdb_server.folder / "data" / "run"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_over_the_socket_the_caller_is_the_owner_whatever_the_host(duckdb_server: RunningServer) -> None:
    response = duckdb_server.local.get("/api/console/hello", headers={"Host": "whatever"})
    assert response.json()["app"] == "workshop"
    assert response.json()["tcp"] == duckdb_server.url


AUTH_APP = """
name: closed
auth: {strategies: [{type: emailAndPassword}]}
tables:
  - id: 1
    name: notes
    fields: [{id: 1, name: text, type: single-line-text}]
"""


def test_an_app_with_sign_in_answers_401_over_tcp_and_serves_its_owner(tmp_path: Path) -> None:
    """T-033"""
    with RunningServer(AUTH_APP, tmp_path) as server:
        assert server.http.get("/api/health").status_code == 200
        for method, path in (
            ("GET", "/api/tables"),
            ("POST", "/api/tables/notes/records"),
            ("GET", "/api/console/hello"),
            ("GET", "/api/openapi.json"),
            ("GET", "/api/nothing"),
            ("DELETE", "/api/tables"),
        ):
            response = server.http.request(method, path)
            assert response.status_code == 401, path
            assert response.json()["code"] == "UNAUTHORIZED"
            check_envelope(response)
        assert server.local.post("/api/tables/notes/records", json={"text": "a"}).status_code == 201


async def test_until_the_engine_is_there_health_says_so(tmp_path: Path) -> None:
    server = Server(build_app(None, version="1"), socket=tmp_path / "s")
    await server.start()
    try:
        async with httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(tmp_path / "s"), verify=False), base_url="http://localhost"
        ) as http:
            health = await http.get("/api/health")
            assert health.status_code == 503
            assert {**health.json(), "timestamp": ""} == {"status": "starting", "version": "1", "timestamp": ""}
            tables = await http.get("/api/tables")
            assert tables.status_code == 503
            assert tables.json()["code"] == "SERVICE_UNAVAILABLE"
            assert tables.headers["retry-after"] == "1"
    finally:
        await server.stop()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
async def test_an_open_app_is_not_shown_to_other_machines(host: str) -> None:
    """P-015"""
    with pytest.raises(BadRequest, match="no sign-in"):
        await Server(build_app(None, version="1"), host=host, port=0).start()


async def test_allow_open_shows_it_all_the_same() -> None:
    """P-015"""
    server = Server(build_app(None, version="1"), host="0.0.0.0", port=0, allow_open=True)
    await server.start()
    try:
        async with httpx.AsyncClient(verify=False) as http:
            answer = await http.get(f"http://127.0.0.1:{server.port}/api/health", headers={"Host": "my.example"})
            assert answer.json()["status"] == "starting"
    finally:
        await server.stop()


async def test_a_port_that_is_taken_is_one_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SovriumError, match="Cannot listen"):
            await Server(build_app(None, version="1"), host="127.0.0.1", port=taken.getsockname()[1]).start()


async def test_a_stale_socket_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    server = Server(build_app(None, version="1"), socket=path)
    await server.start()
    try:
        with pytest.raises(Locked):
            await Server(build_app(None, version="1"), socket=path).start()
        assert path.is_socket(), "the one that came too late must not remove it"
    finally:
        await server.stop()


async def test_a_file_in_the_socket_s_place_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("mine")
    with pytest.raises(BadRequest):
        await Server(build_app(None, version="1"), socket=path).start()
    assert path.read_text() == "mine"


async def test_a_socket_path_that_is_too_long_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SovriumError, match="Cannot make the socket") as caught:
        await Server(build_app(None, version="1"), socket=tmp_path / ("s" * 120)).start()
    assert caught.value.hint


class SlowApplication(Application):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__(None, version="1")
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.begun.set()
        await self.go_on.wait()
        await Answer(200, b"done").send(send)


async def test_stopping_lets_requests_finish_and_takes_no_new_ones(tmp_path: Path) -> None:
    """R-18"""
    app, path = SlowApplication(), tmp_path / "s"
    server = Server(app, socket=path)
    await server.start()
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(request())
    await app.begun.wait()
    stopping = asyncio.ensure_future(server.stop(5))
    await asyncio.sleep(0.01)
    with pytest.raises(OSError):
        await asyncio.open_unix_connection(path)
    app.go_on.set()
    assert (await reader.read()).endswith(b"done")
    await stopping
    writer.close()


async def test_stopping_does_not_wait_for_ever(tmp_path: Path) -> None:
    """R-18"""
    app = SlowApplication()
    server = Server(app, socket=tmp_path / "s")
    await server.start()
    reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
    writer.write(request())
    await app.begun.wait()
    await server.stop(0.05)
    with pytest.raises(ConnectionError):
        (await reader.read()) or raise_reset()
    writer.close()


def raise_reset() -> None:
    raise ConnectionResetError
