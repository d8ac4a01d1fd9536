"""S-01: whatever is sent, the server answers or hangs up, never with 5xx, never with its insides."""

import os
import random
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.security.wire import request
from tests.support.server import RunningServer

RECORDS = "/api/tables/canary/records"


@pytest.mark.slow
@pytest.mark.timeout(300)  # 4,500 requests; how long they take is the machine's business
def test_requests_made_of_the_openapi_document(server: RunningServer, tmp_path: Path) -> None:
    """S-01. Left out: the endless streams of events, and the check that every value which fits the schema is taken, for the
    schema says less than the fields do (a date is any text there). On DuckDB every route gets the values at the edges of its
    schema, and values by chance; on PostgreSQL those routes do on which values reach its columns."""
    server.empty()
    for name in ("one", "two"):
        server.http.post(RECORDS, json={"name": name})
    some = [] if server.engine.database.dialect == "duckdb" else ["--include-path-regex", VALUES_REACH_COLUMNS]
    schemathesis(server, tmp_path, "--phases", "coverage,fuzzing", *some)


ENDLESS = "^/api/console/events$|/subscribe(/sse)?$"
VALUES_REACH_COLUMNS = "^/api/tables/canary/|^/api/console/(views|commit|sql)"


def schemathesis(server: RunningServer, folder: Path, *options: str) -> None:
    """Requests made of the OpenAPI document, and their answers checked against it."""
    command = [
        *(str(Path(sys.executable).with_name("st")), "run", f"{server.url}/api/openapi.json"),
        *("--max-examples", "4", "--seed", "20260201", *options),
        *("--exclude-path-regex", ENDLESS, "--exclude-checks", "positive_data_acceptance"),
        *("--max-failures", "20", "--no-color"),
    ]
    environment = {**os.environ, "PYTHONWARNINGS": "default"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)
    assert done.returncode == 0, done.stdout[:8000] + done.stderr[-2000:]


def mutated(chance: random.Random, message: bytes) -> bytes:
    """The message with a few bytes changed, doubled, or left out."""
    data = bytearray(message)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[place] = chance.randrange(256)
            case 1:
                del data[place : place + chance.randint(1, 8)]
            case 2:
                data[place:place] = chance.choice([b"\0", b"\r\n", b"\n", b":", b"%", b"\xff", b"{", b" "])
            case _:
                data[place:place] = data[place : place + 20]
    return bytes(data) or b"\0"


def answer_to_bytes(address: tuple[str, int], message: bytes) -> bytes:
    with socket.create_connection(address, timeout=10) as connection:
        try:
            connection.sendall(message)
            connection.shutdown(socket.SHUT_WR)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
            return b"".join(parts)
        except ConnectionError:
            return b""


def test_damaged_requests(server: RunningServer) -> None:
    """S-01: 600 requests with damaged bytes; a repeatable choice of them."""
    parts = urlsplit(server.url)
    address = (parts.hostname or "", parts.port or 0)
    chance = random.Random(20260201)
    body = b'{"fields":{"name":"a","amount":1.5,"tags":["a"],"data":{"x":[1,null]}}}'
    length = f"Content-Length: {len(body)}"
    whole = [
        request("GET", f"{RECORDS}?filter=%7B%22name%22%3A%22a%22%7D&sort=amount:desc&limit=5"),
        request("POST", RECORDS, [length, "Content-Type: application/json"], body),
        request("PATCH", f"{RECORDS}/1", [length], body),
        request("GET", f"{RECORDS}/%7e?expand=parent"),
    ]
    for number in range(600):
        message = mutated(chance, whole[number % len(whole)])
        answer = answer_to_bytes(address, message)
        if answer:
            status = int(answer.split(b" ", 2)[1])
            assert status < 500, (message, answer)
            assert b"Traceback" not in answer
    assert server.http.get("/api/health").status_code == 200


TEXTS = [
    "'",
    "''; DROP TABLE canary; --",
    '"; DROP TABLE "canary"; --',
    "1 OR 1=1",
    "%' OR '1'='1",
    "\\'; DROP TABLE canary; --",
    "name); DELETE FROM canary; --",
    "$$; DROP TABLE canary; $$",
    "{{7*7}}",
    "\u202e\u0000",
    "a\u0000b",
    "\U0001f600" * 50,
    "-- ",
    "/* */",
    "id; SELECT 1",
    "read_csv('/etc/passwd')",
    "' UNION SELECT * FROM system_change --",
    ":name",
    "?",
    "%s",
    "x" * 5000,
]


@pytest.mark.parametrize(
    "place", ["filter value", "filter field", "sort", "fields", "q", "groupBy", "aggregate", "body"]
)
def test_sql_in_every_entry_is_only_text(server: RunningServer, place: str) -> None:
    """S-02: the canary stays; answers are 2xx or 4xx."""
    server.empty()
    server.http.post(RECORDS, json={"name": "canary"})
    for text in TEXTS:
        http = server.http
        match place:
            case "filter value":
                body = {"field": "name", "operator": "contains", "value": text}
                answer = http.post("/api/console/views", json={"table": "canary", "filter": body})
            case "filter field":
                body = {"field": text, "operator": "equals", "value": "a"}
                answer = http.post("/api/console/views", json={"table": "canary", "filter": body})
            case "body":
                answer = http.post(RECORDS, json={"fields": {text: text, "name": text, "data": {text: text}}})
            case _:
                answer = http.get(RECORDS, params={place: text})
        assert answer.status_code < 500, (text, answer.text)
        found = http.get(RECORDS, params={"filter": "name:canary"})
        assert found.status_code == 200, found.text
        assert found.json()["pagination"]["total"] == 1, text
