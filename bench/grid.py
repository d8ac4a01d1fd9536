"""The grid alone over ten million rows in memory, in a pseudo-terminal: `python -m bench.grid`.

Exit code 1 above a budget.
"""

import os
import sys
import tempfile
import time
from collections.abc import Sequence

from textual import events
from textual.app import App

from bench.terminal import COLUMNS, LINES, Step, Terminal, press
from core.contract.console import Found, View, Window
from screens.presenters.grid_model import GridModel
from screens.presenters.row_source import Query
from screens.widgets.grid import VirtualGrid
from tests.support.memory_port import companies

ROWS = 10_000_000
BUDGETS: dict[str, tuple[float, int]] = {
    "first rows": (0, 0),
    "nothing": (0, 0),
    "cursor down": (2, 1500),
    "cursor right": (2, 1500),
    "page down": (15, 0),
    "half page": (15, 0),
    "jump to the end": (0, 0),
    "jump to the top": (0, 0),
}
"""Most milliseconds of processor time and bytes to the terminal per key; 0: told, not judged."""
FIRST_ROWS = 0.150
"""Seconds from choosing the table to its rows."""
MEMORY = 120
"""MiB."""


class Endless:
    """256 rows over and over, each with its own number: reading costs next to nothing, so that painting is measured."""

    table, key, ordered = "", "id", False
    view_now = View(id="endless", table="", count=ROWS, countKind="exact", ready=True, version=1)

    def __init__(self) -> None:
        table = companies(256)
        self.fields = table.info()["fields"]
        self.rows = [table.make(number) for number in range(256)]
        for row in self.rows:
            # A wide character that is half overwritten when the screen is read stops the emulator.
            row["city"] = row["city"].replace("東京", "Tōkyō")

    async def open(self, query: Query) -> View:
        return self.view_now

    async def view(self, view: str) -> View:
        return self.view_now

    async def window(self, view: str, start: int, limit: int, names: Sequence[str]) -> Window:
        numbers = range(start, min(start + limit, ROWS))
        rows = [[n + 1 if name == "id" else self.rows[n % 256].get(name) for name in names] for n in numbers]
        keys = [str(number + 1) for number in numbers]
        return Window(start=start, keys=keys, stamps=[], rows=rows, labels={}, view=self.view_now)

    async def find(self, view: str, text: str, start: int, *, backward: bool, names: Sequence[str]) -> Found:
        return Found(position=None, key=None)

    async def locate(self, view: str, key: str) -> Found:
        return Found(position=int(key) - 1, key=key)

    async def close(self, view: str) -> None:
        return None


class Program(App[None]):
    """The program under test: `t` opens the table."""

    async def on_key(self, event: events.Key) -> None:
        if event.key == "t" and not self.query(VirtualGrid):
            model = GridModel(Endless())
            model.open()
            grid = VirtualGrid(model)
            await self.mount(grid)
            grid.focus()


def measure() -> list[Step]:
    with tempfile.TemporaryDirectory() as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "TEXTUAL"))}
        environment |= {"HOME": home, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        terminal = Terminal([sys.executable, "-m", "bench.grid", "--child"], environment)
        try:
            terminal.settle(1.5)
            steps = [press(terminal, "first rows", "t", r"Company 00001")]
            terminal.settle(0.5)
            steps.append(press(terminal, "nothing", "", until=" ", repeat=20))
            steps.append(press(terminal, "cursor down", "<down>", repeat=40))
            steps.append(press(terminal, "cursor right", "\x1b[C", repeat=4))
            steps.append(press(terminal, "page down", "<pagedown>", repeat=60))
            steps.append(press(terminal, "half page", "\x04", repeat=60))
            steps.append(press(terminal, "jump to the end", "G", r"10000000"))
            steps.append(press(terminal, "jump to the top", "\x1b[1;5H", r"Company 00001"))
            return steps
        finally:
            terminal.close()


def main() -> int:
    print(f"{ROWS:,} rows at {COLUMNS}x{LINES}, {time.strftime('%Y-%m-%d')}\n")
    print("| step | ms | CPU ms per key | bytes per key | MiB | budget |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    failed = False
    for step in measure():
        cpu, size = BUDGETS[step.name]
        over = bool((cpu and step.cpu > cpu) or (size and step.size > size) or step.memory > MEMORY)
        over = over or (step.name == "first rows" and step.seconds > FIRST_ROWS)
        failed = failed or over
        budget = " ".join(filter(None, [f"≤ {cpu} ms" if cpu else "", f"≤ {size} B" if size else ""])) or "–"
        print(
            f"| {step.name} | {max(step.seconds, 0) * 1000:.1f} | {step.cpu:.2f} | {step.size:,} | {step.memory} "
            f"| {budget}{' OVER' if over else ''} |"
        )
    return int(failed)


if __name__ == "__main__":
    if "--child" in sys.argv:
        Program().run()
    else:
        sys.exit(main())
