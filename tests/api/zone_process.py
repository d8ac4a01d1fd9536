"""A server on a machine in another time zone (`TZ` of this process), asked over HTTP; prints what it answers as JSON."""

import json
import sys
import time
from pathlib import Path
from typing import Any, get_args

from core.storage.database import Call, Lane
from tests.support.server import RunningServer

APP = """
name: clock
tables:
  - id: 1
    name: events
    fields:
      - {id: 1, name: title, type: single-line-text}
      - {id: 2, name: at, type: datetime}
      - {id: 3, name: day, type: date}
"""
SETTINGS = "SELECT current_setting('TimeZone'), current_setting('late_materialization_max_rows')"
SQL = """SELECT "at", day, "at" = TIMESTAMPTZ '2026-02-01 22:30:00+00' FROM events ORDER BY id LIMIT 1"""
RECORDS = "/api/tables/events/records"


def main(folder: Path) -> None:
    with RunningServer(APP, folder) as server:
        http, database = server.local, server.engine.database
        job: Call[Any] = Call(lambda tx: tx.rows(SETTINGS)[0])
        made = http.post(RECORDS, json={"title": "one", "at": "2026-02-01T23:30:00+01:00", "day": "2026-02-01"}).json()
        http.post(RECORDS, json={"title": "two", "at": "2026-02-02T08:00:00.250"})
        report = {
            "machine": time.tzname[0],
            "settings": [database.submit_read(job, lane=lane).result() for lane in get_args(Lane)],
            "writer": database.submit_write(job).result(),
            "made": made,
            "read": http.get(f"{RECORDS}/1").json(),
            "listed": http.get(RECORDS, params={"sort": "at:desc", "limit": "1"}).json()["records"],
            "shown": http.get(RECORDS, params={"format": "display"}).json()["records"][0]["fields"]["at"],
            "equal": http.get(RECORDS, params={"filter": "at:2026-02-01T22:30:00Z"}).json()["records"],
            "csv": http.get("/api/tables/events/export", params={"format": "csv"}).text,
            "json": http.get("/api/tables/events/export", params={"format": "json"}).json(),
            "sql": sql(http, SQL),
        }
        sys.stdout.write(json.dumps(report))


def sql(http: Any, text: str) -> Any:
    run = http.post("/api/console/sql", json={"sql": text}).json()
    while run["state"] == "running":
        run = http.get(f"/api/console/sql/{run['id']}", params={"wait": "5000"}).json()
    return http.get(f"/api/console/sql/{run['id']}/0/window").json()["rows"]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
