"""What a session costs: processor time of the server per request of somebody who has signed in, beside the local owner's.
`python -m bench.session`

Over the same socket (`X-Acting` asks the server to look for a session there) and over TCP, where somebody without a session
shows what the transport itself costs. The callers take turns, so that whatever else the machine does meets all of them
alike; the ratio of each turn is to the owner of the same turn.
"""

import argparse
import asyncio
import json
import statistics
from pathlib import Path
from typing import NamedTuple

from bench.product import Call, Ours, load_average

ROWS, CONNECTIONS = 2_000, 16
ACCOUNT = {"name": "Ana", "email": "ana@example.org", "password": "a quiet harbour at dawn"}
EVERYBODY = "{read: all, create: all, update: all, delete: all}"
APP = f"""name: session
rateLimit: {{read: 10000000, write: 10000000}}
auth: {{strategies: [{{type: emailAndPassword}}]}}
tables:
  - name: plain
    fields: &fields
      - {{name: title, type: single-line-text}}
      - {{name: amount, type: integer}}
    permissions: {EVERYBODY}
  - name: ruled
    fields: *fields
    permissions: {EVERYBODY}
    rls: {{policies: [{{name: positive, using: "amount >= 0"}}]}}
"""


class Caller(NamedTuple):
    """Who asks, and by what way."""

    name: str
    over_tcp: bool
    headers: str = ""


class Request(NamedTuple):
    """What is asked `times` times; `{n}` in the path is another record each time."""

    name: str
    times: int
    method: str
    path: str
    body: str = ""


REQUESTS = (
    Request("get", 2_000, "GET", "/api/tables/plain/records/{n}"),
    Request("page of 50", 400, "GET", "/api/tables/plain/records?limit=50"),
    Request("update", 1_000, "PATCH", "/api/tables/plain/records/{n}", '{"fields": {"amount": %d}}'),
    Request("get, row policy", 1_000, "GET", "/api/tables/ruled/records/{n}"),
    Request("page of 50, row policy", 400, "GET", "/api/tables/ruled/records?limit=50"),
)


class Club(Ours):
    """Ours with somebody who has an account."""

    name = "session"
    port = 18314

    def fill(self) -> None:
        (self.home / "app.yaml").write_text(APP)
        self.launch()
        self.send(Call("POST", "/api/auth/sign-up/email", ACCOUNT))
        owner = Caller("owner", over_tcp=False)
        for table in ("plain", "ruled"):
            for first in range(0, ROWS, 1000):
                records = [{"fields": {"title": f"note {n}", "amount": n}} for n in range(first, first + 1000)]
                batch = Request("", 1, "POST", f"/api/tables/{table}/records/batch", json.dumps({"records": records}))
                asyncio.run(self.drive(owner, batch, 1))
        self.stop()

    def token(self) -> str:
        """Of a session that begins now."""
        found: str = self.send(Call("POST", "/api/auth/sign-in/email", ACCOUNT))["token"]
        return found

    async def drive(self, caller: Caller, request: Request, turn: int) -> float:
        """Milliseconds of processor time per request, over a few connections. SystemExit when one is refused."""
        places = iter(range(request.times))

        async def connection() -> None:
            if caller.over_tcp:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            else:
                reader, writer = await asyncio.open_unix_connection(self.home / "data" / "run" / "api.sock")
            for place in places:
                path = request.path.replace("{n}", str(place * 7 % ROWS + 1))
                body = request.body.replace("%d", str(turn * request.times + place))
                head = f"{request.method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                writer.write(f"{head}Content-Length: {len(body)}\r\n{caller.headers}\r\n{body}".encode())
                answer = await reader.readuntil(b"\r\n\r\n")
                length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                content = await reader.readexactly(length)
                if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
                    raise SystemExit(f"{caller.name}: {request.method} {path}: {content.decode()[:300]}")
            writer.close()

        begun = self.processor()
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(connection())
        return (self.processor() - begun) * 1000 / request.times


def compared(club: Club, callers: tuple[Caller, ...], request: Request, turns: int) -> None:
    """A line of the medians, and of what each is to the first."""
    found: list[list[float]] = []
    for turn in range(-1, turns):
        order = callers if turn % 2 else callers[::-1]
        spent = {
            caller: asyncio.run(club.drive(caller, request, turn * 3 + place)) for place, caller in enumerate(order)
        }
        if turn >= 0:  # the first is for getting warm
            found.append([spent[caller] for caller in callers])
    columns = [f"{statistics.median(each):.3f}" for each in zip(*found, strict=True)]
    ratios = [statistics.median(row[n] / row[0] for row in found) for n in range(1, len(callers))]
    print(
        f"| {request.name} | {' | '.join(columns)} | {' | '.join(f'{each - 1:+.0%}' for each in ratios)} |", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.session", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path(".bench"))
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--only", help="the beginning of a request's name")
    options = parser.parse_args()
    club = Club(options.work.resolve(), 1.0)
    club.prepare()
    club.launch()
    try:
        bearer = f"Authorization: Bearer {club.token()}\r\n"
        callers = (
            Caller("owner", over_tcp=False),
            Caller("session", over_tcp=False, headers=f"{bearer}X-Acting: yes\r\n"),
            Caller("guest, TCP", over_tcp=True),
            Caller("session, TCP", over_tcp=True, headers=bearer),
        )
        print(f"load average {load_average()}, {options.turns} turns\n")
        print(f"| CPU ms | owner | session | guest, TCP | session, TCP | | | |\n| --- |{' ---: |' * 7}")
        for request in REQUESTS:
            if request.name.startswith(options.only or ""):
                compared(club, callers, request, options.turns)
    finally:
        club.stop()


if __name__ == "__main__":
    main()
