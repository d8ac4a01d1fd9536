"""A reading that is given up at any moment leaves its thread's session clean for the next one."""

import asyncio
import random

from core.storage.database import Call, Database

SLOW = {
    "duckdb": "SELECT sum(a.range * b.range) FROM range(3000) a, range(3000) b",
    "postgresql": "SELECT sum(a * b) FROM generate_series(1, 3000) a, generate_series(1, 1000) b",
}


async def test_sessions_outlive_readings_that_are_given_up(db: Database) -> None:
    """Of moments some fall on BEGIN itself, which may be interrupted and yet have begun."""
    chance = random.Random(1)
    for _ in range(150):
        reading = asyncio.ensure_future(db.read(Call(lambda reader: reader.rows(SLOW[db.dialect]))))
        await asyncio.sleep(chance.choice([0, 0.0001, 0.0005, 0.001, 0.002]))
        reading.cancel()
        await asyncio.wait([reading])
        assert await db.read(Call(lambda reader: reader.scalar("SELECT 1"))) == 1
