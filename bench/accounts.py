"""What signing in costs, and what its time tells: `python -m bench.accounts`.

Known and unknown addresses are asked in turns, so that whatever else the machine does meets both alike (A-053, A-092). Then
64 people sign in at once while somebody asks for the health of the server (A-054).
"""

import argparse
import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.product import Ours, load_average

TRIES = 60
AT_ONCE = 64
PASSWORD = "a quiet harbour at dawn"
APP = """name: accounts
rateLimit: false
auth:
  strategies: [{type: emailAndPassword}]
  rateLimit: {enabled: false}
tables:
  - name: notes
    fields: [{name: text, type: single-line-text}]
"""


class Town(Ours):
    """Ours with some people."""

    name = "accounts"
    port = 18313

    def fill(self) -> None:
        (self.home / "app.yaml").write_text(APP)
        self.launch()
        for number in range(TRIES):
            body = {"name": f"P {number}", "email": f"p{number}@example.org", "password": PASSWORD}
            assert self.post("sign-up/email", body)[0] == 200
        self.stop()

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, float]:
        """Status, and the milliseconds until it was there, on a connection that is open already."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.connect()
        begun = time.perf_counter()
        connection.request("POST", f"/api/auth/{path}", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        taken = (time.perf_counter() - begun) * 1000
        connection.close()
        return answer.status, taken


def compared(name: str, known: Callable[[int], float], unknown: Callable[[int], float]) -> None:
    """Medians of both, asked in turns."""
    pairs = [(known(n), unknown(n)) if n % 2 else (unknown(n), known(n))[::-1] for n in range(TRIES)]
    one, other = (statistics.median(each) for each in zip(*pairs, strict=True))
    print(f"| {name} | {one:.2f} | {other:.2f} | {abs(one - other) / max(one, other):.1%} |", flush=True)


def crowd(town: Town) -> None:
    """So many at once; how long health takes meanwhile."""
    waits: list[float] = []
    done = threading.Event()

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", town.port, timeout=60)
        while not done.is_set():
            begun = time.perf_counter()
            connection.request("GET", "/api/health")
            connection.getresponse().read()
            waits.append((time.perf_counter() - begun) * 1000)
            time.sleep(0.005)

    asking = threading.Thread(target=ask)
    before = town.memory()
    asking.start()
    begun = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        body = {"email": "p0@example.org", "password": PASSWORD}
        answers = list(pool.map(lambda _: town.post("sign-in/email", body)[0], range(AT_ONCE)))
    taken = time.perf_counter() - begun
    done.set()
    asking.join()
    told = {status: answers.count(status) for status in sorted(set(answers))}
    print(f"\n{AT_ONCE} at once: {told} in {taken:.2f} s; health: longest {max(waits):.0f} ms, {len(waits)} answers")
    print(f"memory {before} MiB before, {town.memory()} MiB after")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.accounts", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path(".bench"))
    options = parser.parse_args()
    town = Town(options.work.resolve(), 1.0)
    town.prepare()
    town.launch()
    try:
        print(f"load average {load_average()}\n")
        print("| median ms | known | unknown | apart |\n| --- | ---: | ---: | ---: |")

        def asked(path: str, **body: str) -> Callable[[str], Callable[[int], float]]:
            return lambda who: lambda n: town.post(path, {"email": f"{who}{n}@example.org", **body})[1]

        for name, ask in (
            ("sign in, wrong password", asked("sign-in/email", password="not the password")),
            ("ask for a new password", asked("request-password-reset")),
        ):
            compared(name, ask("p"), ask("nobody"))
        crowd(town)
    finally:
        town.stop()


if __name__ == "__main__":
    main()
