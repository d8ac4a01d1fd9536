"""What writes cost below HTTP: processor time of upserts and creations of 100 records, and of single records, by one caller
and by sixteen. `python -m bench.writes [--turns 5]`; of another commit, run it in a checkout of that.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from itertools import count
from pathlib import Path

from bench import rows
from bench.change_log import spent
from bench.product import Ours
from core.assembly import open_engine
from core.engine import Engine
from core.principal import OWNER

ITEMS, KNOWN, MERGED = 20_000, 15_000, 10_000
"""Records that are there; those below `KNOWN` are updated, `MERGED` from there on upserted, half of them new at first."""
APP = f"""name: writes
tables:
  - name: parts
    fields:
      - {{ name: title, type: single-line-text, unique: true }}
      - {{ name: amount, type: decimal, precision: 2 }}
      - {{ name: kind, type: single-line-text }}
      - {{ name: notes, type: long-text }}
  - {{ name: fresh, fields: [{", ".join(Ours.FIELDS)}] }}
"""


async def measure(engine: Engine, turns: int) -> None:
    records, (parts, fresh), number = engine.records, engine.model.tables, count()
    for first in range(0, ITEMS, 1000):
        made = [{"title": f"item {first + n}", "amount": "1.25", "kind": "a", "notes": "x"} for n in range(1000)]
        await records.batches.create(OWNER, parts, {"records": made})

    async def upsert() -> object:
        turn = next(number)
        first = KNOWN + turn * 100 % MERGED
        given = [{"fields": {"title": f"item {first + n}", "amount": f"{turn}.75"}} for n in range(100)]
        return await records.batches.upsert(OWNER, parts, {"records": given, "fieldsToMergeOn": ["title"]})

    async def batch() -> object:
        given = [{"fields": rows.new_row(next(number))} for _ in range(100)]
        return await records.batches.create(OWNER, fresh, {"records": given})

    async def create() -> object:
        return await records.create(OWNER, fresh, rows.new_row(next(number)))

    async def update() -> object:
        turn = next(number)
        return await records.update(OWNER, parts, str(turn * 7919 % KNOWN + 1), {"amount": f"{turn}.5"})

    for name, work, times in (
        ("upsert of 100", upsert, 100),
        ("batch of 100", batch, 100),
        ("create", create, 800),
        ("update", update, 800),
    ):
        for at_once in (1, 16):
            took = [await spent(work, times, at_once) for _ in range(turns + 1)][1:]
            sys.stdout.write(
                f"{name:14} {at_once:2} at once {statistics.median(took):7.2f} ms, best {min(took):6.2f}\n"
            )
            sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.writes", description=__doc__)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder) / "app.yaml"
        app.write_text(APP)
        engine = open_engine(app, Path(folder) / "data")
        try:
            asyncio.run(measure(engine, options.turns))
        finally:
            engine.close()


if __name__ == "__main__":
    main()
