"""What row policies cost: processor time of a page of a list over 100,000 records, without policies, with the three of
auth §13.1, and with three that compare two columns. `python -m bench.policies`; processor time, as the machine may be busy.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from core.fields.build import build_app
from core.fields.registry import FIELD_TYPES
from core.migrations.run import plan, run
from core.principal import Principal
from core.records.service import Records
from core.schema.loader import load_text
from core.storage.database import Call, Settings, Transaction
from core.storage.engine import open_database

ROWS, TIMES = 100_000, 60
APP = """
name: bench
auth: {strategies: [{type: emailAndPassword}], roles: [{name: editor}]}
tables:
  - name: tickets
    fields:
      - {name: title, type: single-line-text}
      - {name: owner_id, type: single-line-text, indexed: true}
      - {name: status, type: single-line-text}
"""
OWNED = """
        - {name: own, to: [member], using: "owner_id = auth.uid()"}
        - {name: editors, to: [editor], using: "true"}
        - {name: mfa, as: restrictive, using: "auth.jwt() ->> 'aal' = 'aal1'"}
"""
COMPARED = """
        - {name: own, to: [member], using: "owner_id = auth.uid()"}
        - {name: open, using: "status = 'public'"}
        - {name: shut, as: restrictive, using: "status <> 'closed'"}
"""
CASES = {"without": "", "three policies": OWNED, "two columns": COMPARED}


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(url=f"duckdb:///{Path(folder) / 'bench.duckdb'}")
        models = [
            build_app(load_text(APP + (f"    rls:\n      policies:{policies}" if policies else ""), FIELD_TYPES))
            for policies in CASES.values()
        ]
        database = open_database(settings)
        run(database, plan(database, models[0]))

        def fill(tx: Transaction) -> None:
            tx.execute(
                "INSERT INTO tickets (id, title, owner_id, status, created_at, updated_at) "
                "SELECT i, 't' || i, 'u' || (i % 100), "
                f"CASE WHEN i % 50 = 0 THEN 'public' ELSE 'open' END, now(), now() FROM range({ROWS}) r(i)"
            )

        await database.write(Call(fill))
        database.close()
        database = open_database(settings)
        caller = Principal("user", id="u7", roles=frozenset({"member"}))
        times: dict[str, list[float]] = {name: [] for name in CASES}
        for _ in range(TIMES):
            for name, model in zip(CASES, models, strict=True):
                records = Records(database, model)
                await records.list(caller, model.tables[0], {"sort": "id"})
                begun = time.process_time()
                await records.list(caller, model.tables[0], {"sort": "id"})
                times[name].append(time.process_time() - begun)
        database.close()
        plain = statistics.median(times["without"])
        for name, each in times.items():
            middle = statistics.median(each)
            sys.stdout.write(f"{name:16} {middle * 1000:6.2f} ms  {middle / plain:4.2f}\n")


if __name__ == "__main__":
    asyncio.run(main())
