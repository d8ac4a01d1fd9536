"""What is read through links, long histories, upserts and exports: `python -m bench.relation`. One server, over its socket.

Processor time is that of the server; beside other work it says more than the clock.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.product import Call, Ours, load_average

PARENTS = 20_000
APP = """name: relation
rateLimit: false
tables:
  - name: parents
    fields:
      - { name: title, type: single-line-text, unique: true }
      - { name: amount, type: decimal, precision: 2 }
      - { name: kids, type: relationship, relatedTable: children, relationType: one-to-many, foreignKey: parent }
      - { name: how_many, type: count, relationshipField: kids }
      - { name: total, type: rollup, relationshipField: kids, relatedField: amount, aggregation: sum }
      - { name: kinds, type: lookup, relationshipField: kids, relatedField: kind }
  - name: children
    fields:
      - { name: title, type: single-line-text }
      - { name: kind, type: single-line-text }
      - { name: amount, type: decimal, precision: 2 }
      - { name: parent, type: relationship, relatedTable: parents, relationType: many-to-one }
"""


class Family(Ours):
    """Ours with parents and a million children."""

    name = "relation"
    port = 18312

    def fill(self) -> None:
        (self.home / "app.yaml").write_text(APP)
        self.launch()
        lines = {
            "parents": (f"parent {n},{n}.25" for n in range(PARENTS)),
            "children": (
                f"child {n},kind {n % 7},{n % 1000}.50,{n * 7919 % PARENTS + 1}" for n in range(self.sizes["large"])
            ),
        }
        heads = {"parents": "title,amount", "children": "title,kind,amount,parent"}
        for table, rows in lines.items():
            file = self.home / f"{table}.csv"
            file.write_text("\n".join((heads[table], *rows)) + "\n")
            self.import_csv(table, file)
        self.stop()


def told(product: Family, name: str, work: Callable[[], Any], times: int) -> None:
    """Run a piece of work some times and print what it took."""
    work()
    product.forget_peak()
    before, seconds = product.processor(), []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    cpu = (product.processor() - before) / times
    best, middle = min(seconds) * 1000, statistics.median(seconds) * 1000
    print(
        f"| {name} | {cpu * 1000:,.1f} | {best:,.1f} | {middle:,.1f} | {product.memory()} | {product.memory('VmHWM')} |",
        flush=True,
    )


def upserts(product: Family) -> Iterator[None]:
    """10,000 records in calls of 100, half of them new the first time."""
    for turn in range(100):
        for first in range(PARENTS - 5000, PARENTS + 5000, 100):
            records = [{"fields": {"title": f"parent {first + n}", "amount": f"{turn}.75"}} for n in range(100)]
            body = {"records": records, "fieldsToMergeOn": ["title"]}
            product.ask(Call("POST", "/api/tables/parents/records/upsert", body)).read()
        yield


def export(product: Family, format_: str) -> None:
    answer = product.ask(Call("GET", f"/api/tables/children/export?format={format_}"))
    while answer.read(1 << 20):
        pass


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.relation", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path(".bench"))
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    product = Family(options.work.resolve(), options.scale)
    product.prepare()
    product.launch()
    try:
        print(f"load average {load_average()}, {product.sizes['large']:,} children\n")
        print(
            "| | CPU ms | best ms | median ms | MiB after | MiB at most |\n| --- | ---: | ---: | ---: | ---: | ---: |"
        )

        def get(path: str) -> Callable[[], Any]:
            return lambda: product.ask(Call("GET", path)).read()

        view = json.loads(product.ask(Call("POST", "/api/console/views", {"table": "parents"})).read())["id"]
        told(product, "50 parents with ids, count, sum, lookup", get("/api/tables/parents/records?limit=50"), 20)
        told(product, "window of 50 parents", get(f"/api/console/views/{view}/window?start=0&limit=50"), 20)
        turn = upserts(product)
        told(product, "upsert of 10,000", lambda: next(turn), 2)
        last = PARENTS - 10
        told(product, "history of one record", get(f"/api/tables/parents/records/{last}/history"), 40)
        told(product, "export csv", lambda: export(product, "csv"), 1)
        told(product, "export json", lambda: export(product, "json"), 1)
    finally:
        product.stop()


if __name__ == "__main__":
    main()
