"""What the server's log costs at its full size of ten files of 5 MB: reading a page, searching all of it, writing a line.
`python -m bench.log`

Processor time, as reading happens in a thread beside the event loop, whose requests wait for it.
"""

import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from core.logs.line import LineFormatter
from core.logs.reading import Question, read_page
from sovrium_tui.process.log import FILE_BYTES, FILES, LogFiles

FORMATTER = LineFormatter(details=True, as_json=False)


def record(number: int) -> logging.LogRecord:
    """A request as it is told at `debug`."""
    text = f"<-- GET /api/tables/parts/records?page={number} 200 3ms [req:req_4kQ8abcdEFGH{number % 10_000}]"
    made = logging.LogRecord("sovrium.server", logging.DEBUG, "", 1, text, None, None)
    made.created += number / 1000  # files are known by the instant of their first line
    return made


def fill(log: Path) -> int:
    """All files full; the number of entries."""
    handler, number = LogFiles(log), 0
    handler.setFormatter(FORMATTER)
    oldest = log.with_name(f"{log.name}.{FILES - 1}")
    while not oldest.exists() or log.stat().st_size < FILE_BYTES * 0.9:
        for _ in range(1000):
            handler.handle(record(number))
            number += 1
    handler.close()
    return number


def search(log: Path) -> int:
    """Pages until the first entry, none of which holds what is looked for."""
    question, pages = Question(text="nowhere"), 1
    page = read_page(log, question)
    while page["older"]:
        page, pages = read_page(log, Question(text="nowhere", before=page["older"])), pages + 1
    return pages


def cost(work: Callable[[], object], times: int = 1) -> float:
    """Milliseconds of processor time of one."""
    begun = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - begun) * 1000 / times


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "server.log")
        print(f"{fill(log):,} entries\n\n| | ms |\n| --- | ---: |", flush=True)
        newest = read_page(log, Question())
        line = record(1)
        for name, took in (
            ("newest 200", cost(lambda: read_page(log, Question()), 20)),
            ("200 before", cost(lambda: read_page(log, Question(before=newest["older"] or "")), 20)),
            ("nothing new", cost(lambda: read_page(log, Question(after=newest["newer"] or "")), 100)),
            ("a page of a search that finds nothing", cost(lambda: read_page(log, Question(text="nowhere")), 10)),
            ("all of it searched", cost(lambda: search(log))),
            ("one line made", cost(lambda: FORMATTER.format(line), 10_000)),
        ):
            print(f"| {name} | {took:.3f} |", flush=True)


if __name__ == "__main__":
    main()
