"""A big table changes the type of a field: how the work tells how far it is, how soon it can be stopped, and what is left of
a server that is killed meanwhile. `python -m bench.migration`
"""

import argparse
import csv
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from bench.product import Call, Ours, load_average

APP = """name: migration
rateLimit: false
tables:
  - name: big
    fields:
      - {{ id: 1, name: title, type: single-line-text }}
      - {{ id: 2, name: code, type: {type} }}
      - {{ id: 3, name: amount, type: decimal, precision: 2 }}
"""
BEFORE, AFTER = "single-line-text", "integer"


class Moving(Ours):
    """Ours with one table, whose `code` holds the digits of numbers as text."""

    name = "migration"
    port = 18315

    def declare(self, type_: str) -> None:
        """Write the app file with the field of that type."""
        (self.home / "app.yaml").write_text(APP.format(type=type_))

    def fill(self) -> None:
        self.declare(BEFORE)
        file = self.home / "rows.csv"
        with file.open("w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(("title", "code", "amount"))
            writer.writerows((f"row {n}", n * 7919 % 1_000_003, f"{n % 1000}.50") for n in range(self.sizes["large"]))
        self.launch()
        self.import_csv("big", file)
        self.stop()
        file.unlink()

    def begin(self) -> str:
        """The id of a job that migrates to the app file."""
        return str(self.owner(Call("POST", "/api/console/migrations", {}))["id"])

    def owner(self, call: Call) -> Any:
        """What the local owner is answered."""
        answer = self.ask(call)
        text = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"{call.method} {call.path}: {answer.status} {text.decode()}")
        return json.loads(text) if text else None

    def watch(self, job: str, *, until: float = 1.0) -> tuple[dict[str, Any], list[str], float]:
        """The job when it has ended or come so far, all that it has told, and the longest answer of the health in
        milliseconds."""
        told: list[str] = []
        longest = 0.0
        while True:
            begun = time.perf_counter()
            self.ask(Call("GET", "/api/health")).read()  # 503 meanwhile: it says that it is migrating
            longest = max(longest, (time.perf_counter() - begun) * 1000)
            found: dict[str, Any] = self.owner(Call("GET", f"/api/console/jobs/{job}"))
            share = found["done"] / found["total"] if found["total"] else 0.0
            if not told or told[-1] != f"{found['note']} {share:.0%}":
                told.append(f"{found['note']} {share:.0%}")
            if found["state"] not in ("queued", "running") or share >= until:
                return found, told, longest
            time.sleep(0.01)

    def shape(self) -> tuple[str, int]:
        """The type of the first record's code, as JSON has it, and the number of records."""
        page = self.send(Call("GET", "/api/tables/big/records?limit=1"))
        return type(page["records"][0]["fields"]["code"]).__name__, page["pagination"]["total"]

    def kill(self) -> None:
        """As the kernel does when there is no memory left."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.migration", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path(".bench"))
    parser.add_argument("--scale", type=float, default=5.0, help="millions of rows")
    options = parser.parse_args()
    product = Moving(options.work.resolve(), options.scale)
    product.prepare()
    product.declare(BEFORE)
    product.launch()
    line = sys.stdout.write
    line(f"load average {load_average()}, {product.shape()[1]:,} rows, {product.memory()} MiB\n")
    try:
        product.declare(AFTER)
        job = product.begin()
        _, told, _ = product.watch(job, until=0.3)
        begun = time.perf_counter()
        product.owner(Call("DELETE", f"/api/console/jobs/{job}"))
        ended, _, longest = product.watch(job, until=2)
        line(
            f"cancelled at {told[-1]}: {ended['state']} after {time.perf_counter() - begun:.2f} s; {product.shape()}\n"
        )

        _, told, _ = product.watch(product.begin(), until=0.3)
        product.kill()
        product.declare(BEFORE)
        taken = product.launch()
        line(f"killed at {told[-1]}: ready after {taken:.2f} s with the old file; {product.shape()}\n")

        product.declare(AFTER)
        begun, cpu = time.perf_counter(), product.processor()
        ended, told, longest = product.watch(product.begin(), until=2)
        taken, cpu = time.perf_counter() - begun, product.processor() - cpu
        line(f"whole: {ended['state']} in {taken:.2f} s, {cpu:.2f} s CPU; health at most {longest:.0f} ms\n")
        line(f"told: {'; '.join(told)}\n{product.shape()}, {product.memory()} MiB\n")
        product.declare(BEFORE)
        product.watch(product.begin(), until=2)  # for the next run
    finally:
        product.stop()


if __name__ == "__main__":
    main()
