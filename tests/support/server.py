"""A whole server for tests: an engine on a new data folder, on a Unix socket and a free TCP port, in a thread of its own.

`ApiScenario` is one request with everything that must be true of its answer and of what it did; `run` checks it.
"""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.assembly import open_engine
from core.clock import Clock, system_clock
from core.engine import Engine
from core.http.app import Application, Authenticate, build_app
from core.http.limit import Limiter
from core.http.protocol import GuardedProtocol
from core.http.server import Server
from core.storage.database import Call, Commit
from tests.support.databases import postgresql_schema

VERSION = "9.9.9"


class RunningServer:
    """Use as a context manager. `http` calls over TCP (a guest), `local` over the Unix socket (the owner)."""

    def __init__(
        self,
        app_text: str,
        folder: Path,
        *,
        database_url: str | None = None,
        protocol: type[GuardedProtocol] = GuardedProtocol,
        version: str = VERSION,
        authenticate: Authenticate | None = None,
        limiter: Limiter | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._authenticate = authenticate
        self._limiter = limiter
        self._clock = clock
        self.version = version
        self.folder = folder
        self.app_file = folder / "app.yaml"
        self.app_file.write_text(app_text)
        self.socket = folder / "api.sock"
        self.commits: list[Commit] = []
        self.leases: list[int] = []
        self._database_url = database_url
        self._protocol = protocol
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="server")
        self.app: Application
        self.url = ""

    @property
    def engine(self) -> Engine:
        """The engine that is in force: a reload makes another."""
        assert self.app.engine is not None
        return self.app.engine

    def __enter__(self) -> "RunningServer":
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        self.http = httpx.Client(base_url=self.url, timeout=30, verify=False)  # no TLS: nothing to be read for it
        self.local = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self.socket), verify=False), base_url="http://localhost", timeout=30
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.local.close()
        self.stop()

    def stop(self) -> None:
        """End as by a signal; idempotent."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def empty(self) -> None:
        """Remove all records, the fast way."""

        def clear(tx: Any) -> None:
            for table in self.engine.model:
                tx.execute(f'DELETE FROM "{table.sql_name}"')

        self.engine.database.submit_write(Call(clear)).result()
        self.commits.clear()

    def call_in_loop(self, work: Any) -> Any:
        """The result of a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        engine = open_engine(self.app_file, self.folder / "data", database_url=self._database_url, clock=self._clock)
        engine.database.listen(self.commits.append)
        self.app = build_app(engine, version=self.version, authenticate=self._authenticate, limiter=self._limiter)
        server = Server(
            self.app,
            socket=self.socket,
            host="127.0.0.1",
            port=0,
            protocol=self._protocol,
            on_lease=self.leases.append,
        )
        try:
            await server.start()
            self.url = server.url or ""
            self._ready.set()
            await self._stop.wait()
        finally:
            await server.stop()
            await asyncio.to_thread(self.engine.close)


@contextmanager
def running_on(request: pytest.FixtureRequest, app_text: str, folder: Path, **how: Any) -> Iterator[RunningServer]:
    """A server on the database that a fixture's parameter names: `duckdb` or `postgresql`."""
    with ExitStack() as stack:
        if request.param == "postgresql":
            address = request.getfixturevalue("postgresql_address")
            how["database_url"] = stack.enter_context(postgresql_schema(address)).url
        yield stack.enter_context(RunningServer(app_text, folder, **how))


@dataclass(frozen=True, kw_only=True)
class ApiScenario:
    """One request. `{0}`, `{1}` … in path, body and expectations are the ids of the `given` records, in order.

    `json` maps a path in the answer (`errors.0.field`) to the value there; `changes` is the number of change-log rows that
    the request made, of all tables: 0 proves that a refused request did nothing.
    """

    name: str
    method: str = "GET"
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    given: Sequence[tuple[str, Mapping[str, Any]]] = ()
    status: int = 200
    json: Mapping[str, Any] = field(default_factory=dict)
    has: Sequence[str] = ()
    lacks: Sequence[str] = ()
    header: Mapping[str, str] = field(default_factory=dict)
    changes: int = 0

    def __str__(self) -> str:
        return self.name


def run(scenario: ApiScenario, server: RunningServer) -> httpx.Response:
    """Prepare, ask over TCP, check."""
    server.empty()
    ids: list[str] = []
    for table, fields in scenario.given:
        made = server.local.post(f"/api/tables/{table}/records", json={"fields": filled(dict(fields), ids)})
        assert made.status_code == 201, made.text
        ids.append(str(made.json()["id"]))
    before = len(server.commits)
    content, headers = content_of(scenario, ids)
    response = server.http.request(scenario.method, filled(scenario.path, ids), content=content, headers=headers)
    told = f"{response.status_code} {dict(response.headers)}\n{response.text}"
    assert response.status_code == scenario.status, told
    if scenario.json:
        answer = response.json()
        for path, expected in scenario.json.items():
            assert value_at(answer, path) == filled(expected, ids), f"{path} in {told}"
    for text in scenario.has:
        assert filled(text, ids) in response.text, told
    for text in scenario.lacks:
        assert filled(text, ids) not in response.text, told
    for name, expected in scenario.header.items():
        assert expected in response.headers.get(name, ""), told
    if response.status_code >= 400:
        check_envelope(response)
    made_changes = sum(len(commit.changes) for commit in server.commits[before:])
    assert made_changes == scenario.changes, f"{made_changes} changes were logged"
    return response


def check_envelope(response: httpx.Response) -> None:
    """The one shape of errors (§10.2), and nothing of the inside in it (R-006)."""
    body = response.json()
    assert body["success"] is False
    assert isinstance(body["message"], str)
    assert body["message"]
    assert body["code"].isupper()
    for leak in ("Traceback", "duckdb.", "psycopg", "sqlalchemy", "SELECT ", "INSERT ", "core/"):
        assert leak not in response.text
    if response.status_code == 500:
        assert body["requestId"]


def content_of(scenario: ApiScenario, ids: Sequence[str]) -> tuple[bytes | None, dict[str, str]]:
    headers = dict(scenario.headers)
    if scenario.body is None:
        return None, headers
    if isinstance(scenario.body, bytes):
        return scenario.body, headers
    return json.dumps(filled(scenario.body, ids)).encode(), {"Content-Type": "application/json", **headers}


def filled(value: Any, ids: Sequence[str]) -> Any:
    """The value with the ids put in."""
    if isinstance(value, str):
        for number, known in enumerate(ids):
            value = value.replace(f"{{{number}}}", known)
        return value
    if isinstance(value, dict):
        return {key: filled(each, ids) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, ids) for each in value]
    return value


def value_at(answer: Any, path: str) -> Any:
    """`errors.0.field` in plain data; `len(records)` is the length of what is there."""
    if path.startswith("len("):
        return len(value_at(answer, path[4:-1]))
    for step in path.split(".") if path else ():
        answer = answer[int(step)] if isinstance(answer, list) else answer[step]
    return answer
