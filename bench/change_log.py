"""What the change log costs: processor time of requests that create records, with the log written and without, in turns.
`python -m bench.change_log`
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from pathlib import Path

from core.assembly import open_engine
from core.engine import Engine
from core.principal import OWNER
from core.storage.duckdb.session import DuckDBSession
from core.storage.journal import Entry

TURNS, AT_ONCE = 9, 16
APP = """
name: log
tables:
  - name: items
    fields:
      - {name: title, type: single-line-text, unique: true}
      - {name: amount, type: decimal, precision: 2}
      - {name: kind, type: single-line-text}
"""
written = DuckDBSession.append_changes


def unwritten(session: DuckDBSession, entries: Sequence[Entry]) -> list[tuple[int, int]]:
    """The numbers that the changes would have."""
    transaction, sequence = session._taken
    numbers = [(transaction + at, sequence + at) for at in range(1, len(entries) + 1)]
    session._taken = numbers[-1]
    return numbers


async def spent(work: Callable[[], Awaitable[object]], times: int, at_once: int = AT_ONCE) -> float:
    """Milliseconds of processor time of each, some at once."""
    places = iter(range(times))

    async def caller() -> None:
        for _ in places:
            await work()

    begun = time.process_time()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    return (time.process_time() - begun) * 1000 / times


async def compare(engine: Engine) -> None:
    table, number = engine.model.tables[0], count()

    def row() -> dict[str, object]:
        return {"title": f"item {next(number)}", "amount": "1.25", "kind": "x"}

    async def batch() -> object:
        body = {"records": [{"fields": row()} for _ in range(100)]}
        return await engine.records.batches.create(OWNER, table, body)

    async def single() -> object:
        return await engine.records.create(OWNER, table, row())

    for name, work, times in (("batch of 100", batch, 48), ("create", single, 800)):
        pairs = []
        for _ in range(TURNS):
            took = []
            for way in (written, unwritten):
                DuckDBSession.append_changes = way  # type: ignore[method-assign]
                took.append(await spent(work, times))
            pairs.append(took)
        one, other = (statistics.median(each) for each in zip(*pairs[1:], strict=True))
        lost = 1 - statistics.median(without / log for log, without in pairs[1:])
        sys.stdout.write(f"{name:14} {one:6.2f} ms, without the log {other:6.2f} ms: {lost:.0%} of the throughput\n")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder) / "app.yaml"
        app.write_text(APP)
        engine = open_engine(app, Path(folder) / "data")
        try:
            asyncio.run(compare(engine))
        finally:
            DuckDBSession.append_changes = written  # type: ignore[method-assign]
            engine.close()


if __name__ == "__main__":
    main()
