"""Requests per second and latencies of one operation of one product."""

import json
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError

from bench import rows
from bench.product import Product

OPERATIONS = ("get", "list 100k", "list 1M", "create", "update", "batch 100", "group 1M")
SLOW = 0.08
"""Seconds; slower operations are counted in whole requests, as wrk would leave unfinished work in the server."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. Latencies in milliseconds."""

    rate: float
    median: float
    p99: float
    failed: int


def verify(product: Product, operation: str, number: int) -> float:
    """Send one request and look at the answer: a fast wrong answer must not count. The seconds it took."""
    call = product.call(operation, number)
    begun = time.perf_counter()
    answer = product.send(call)
    taken = time.perf_counter() - begun
    found = [] if operation == "batch 100" else product.records(answer)
    wrong = None
    if operation == "get" and not str(found[0]["name"]).endswith(f" {number * 7919 % product.sizes['large'] + 1}"):
        wrong = "another record"
    elif operation.startswith("list"):
        amounts = [float(record["amount"]) for record in found]
        statuses = {record["status"] for record in found}
        if amounts != sorted(amounts, reverse=True) or statuses - {rows.STATUSES[number % 4]} or not found:
            wrong = "rows that were not asked for"
    elif operation == "group 1M" and len(found) != len(rows.STATUSES):
        wrong = f"{len(found)} groups"
    if wrong:
        raise SystemExit(f"{product.name} answers {operation} with {wrong}: {str(answer)[:300]}")
    return taken


def measure(product: Product, operation: str, connections: int, seconds: float) -> Figure:
    """Drive an operation for a while."""
    first = int(time.time() * 10) % 1_000_000 * 1000
    taken = min(verify(product, operation, first + n) for n in range(3))
    if taken > SLOW:
        return in_turn(product, operation, connections, max(int(seconds / taken), connections, 5), first)
    return with_wrk(product, operation, connections, seconds, first)


def check_tools() -> None:
    """SystemExit when the load tool is missing, before anything has taken time."""
    if not shutil.which("wrk"):
        raise SystemExit("bench needs wrk; on Debian and Ubuntu: apt install wrk, on macOS: brew install wrk")


def with_wrk(product: Product, operation: str, connections: int, seconds: float, first: int) -> Figure:
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        # Enough updates that none comes twice: one that changes nothing is not written at all.
        for number in range({"batch 100": 200, "update": 40_000}.get(operation, 4000)):
            call = product.call(operation, first + number)
            file.write(f"{call.method}\t{call.path}\t{json.dumps(call.body) if call.body else ''}\n")
        file.flush()
        script = ["-s", str(Path(__file__).with_name("replay.lua"))]
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{max(round(seconds), 1)}s",
            "--timeout",
            "60s",
            *script,
            product.url,
            "--",
            file.name,
        ]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("figures"))
    count, microseconds, failed, median, p99 = map(int, line.split()[1:])
    return Figure(count / microseconds * 1e6, median / 1000, p99 / 1000, failed)


def in_turn(product: Product, operation: str, connections: int, count: int, first: int) -> Figure:
    """A fixed number of awaited requests over so many threads."""
    numbers = iter(range(count))
    lock = threading.Lock()
    latencies: list[float] = []

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            begun = time.perf_counter()
            try:
                product.send(product.call(operation, first + number))
            except HTTPError:  # counted as failed: PocketBase gives up on a reading after half a minute
                continue
            latencies.append((time.perf_counter() - begun) * 1000)

    threads = [threading.Thread(target=work) for _ in range(connections)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - begun
    latencies.sort()
    done = len(latencies)
    if not done:
        return Figure(0.0, float("nan"), float("nan"), count)
    return Figure(done / taken, latencies[done // 2], latencies[min(done - 1, done * 99 // 100)], count - done)
