"""A grid alone on the screen, over tables in memory: one with a field of every type, one of any fields."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.app import App, ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.pilot import Pilot

from core.contract.tables import FieldInfo
from core.http.table_shape import field_info as info_of
from screens.presenters.grid_model import GridModel
from screens.presenters.pending import PendingChanges
from screens.presenters.row_source import TableSource
from screens.widgets.grid import VirtualGrid
from screens.widgets.grid.message import GridMessage
from tests.support.fields import VARIANTS, field_of
from tests.support.memory_port import MemoryPort, MemoryTable, companies, contacts

STAGES = [
    {"value": "Lead", "color": "#7A8699"},
    {"value": "Won", "color": "#2F9E5F"},
    {"value": "Lost", "color": "#C4504B"},
]
TYPED: dict[str, dict[str, Any]] = {
    "single-line-text": {},
    "status": {"options": STAGES},
    "multi-select": {"options": ["urgent", "renewal", "tender"]},
    "integer": {},
    "decimal": {"precision": 2},
    "currency": {"currency": "EUR", "thousandsSeparator": "space", "negativeFormat": "parentheses"},
    "percentage": {"precision": 1},
    "progress": {"color": "#3B82C4"},
    "rating": {"max": 5},
    "checkbox": {},
    "date": {"dateFormat": "ISO"},
    "datetime": {"timeZone": "Europe/Paris"},
    "time": {},
    "duration": {},
    "relationship": {"relatedTable": "contacts"},
    "single-select": {"options": ["red", {"value": "blue", "label": "Sky blue"}]},
    "email": {},
    "url": {},
    "phone-number": {},
    "barcode": {},
    "color": {},
    "code": {"language": "python"},
    "long-text": {},
    "rich-text": {},
    "json": {},
    "autonumber": {"prefix": "INV-", "digits": 5},
    "created-at": {},
    "updated-at": {},
    "deleted-at": {},
    "user": {},
    "created-by": {},
    "updated-by": {},
    "deleted-by": {},
    "single-attachment": {},
    "multiple-attachments": {},
    "array": {},
    "geolocation": {},
    "button": {"action": "url", "url": "/x"},
    "formula": {"formula": "1.5 * 2", "resultType": "decimal"},
    "lookup": {},
    "rollup": {},
    "count": {},
    "ai-categorize": {"sourceFields": ["note"], "categories": ["bug", "wish"]},
    "ai-tag": {"sourceFields": ["note"], "tags": ["urgent", "paid"]},
    "ai-summary": {"sourceFields": ["note"]},
    "ai-generate": {"sourceFields": ["note"], "prompt": "Answer {{note}}"},
    "ai-translate": {"sourceFields": ["note"], "targetLanguage": "fr"},
    "ai-extract": {"sourceFields": ["note"], "schema": {"type": "object"}},
    "ai-sentiment": {"sourceFields": ["note"]},
}
AWKWARD = (
    "plain",
    "[bold red]markup[/] stays",
    "\x1b[31mred\x1b[0m \x07bell",
    "tab\there\nand a line",
    "東京都 の 会社",
    "שלום עולם",
    "e\u0301clair a\u0308",
    "\u0301starts combining",
    "👨\u200d👩\u200d👧 ❤\ufe0f 🇫🇷 👍🏽",
    "\u202eevil\u202c order",
    "",
    "x" * 300,
)


def name_of(kind: str) -> str:
    """The field of a type; the automatic columns have names of their own already."""
    return {"created-at": "made", "updated-at": "touched", "deleted-at": "binned"}.get(kind, kind.replace("-", "_"))


def typed_field(kind: str, **keys: Any) -> FieldInfo:
    """A field as the server describes it, named after its type."""
    options = {"relatedTable": "Other"} if kind == "relationship" else keys or VARIANTS.get(kind, [{}])[0]
    if kind == "button":
        options = {"label": "Open", **keys}
    info = info_of(field_of(kind, **options), system=False)
    info["options"] = {**info["options"], **keys}
    return FieldInfo(**{**info, "id": kind, "name": name_of(kind), "label": "Open" if kind == "button" else ""})


def typed_row(n: int) -> dict[str, Any]:
    """Row n (from 0) of `typed_table`; every seventh is empty."""
    if n % 7 == 6:
        return {}
    day = f"{1 + n % 28:02d}"
    file = {
        "key": f"k{n}",
        "filename": f"scan-{n}.pdf",
        "mimeType": "application/pdf",
        "size": 1234 * n,
        "bucket": "local",
    }
    values: dict[str, Any] = {
        "single-line-text": AWKWARD[n % len(AWKWARD)],
        "status": STAGES[n % 3]["value"],
        "multi-select": [["urgent"], ["urgent", "renewal"], []][n % 3],
        "integer": (-1) ** n * n * 7919,
        "decimal": f"{n * 1234.5:.2f}",
        "currency": (n - 2) * 1234.5,
        "percentage": n * 12.5,
        "progress": n * 17 % 101,
        "rating": 1 + n % 5,
        "checkbox": n % 2 == 0,
        "date": f"2026-02-{day}",
        "datetime": f"2026-07-{day}T08:05:00.000Z",
        "time": f"{n % 24:02d}:30:00",
        "duration": n * 1830,
        "relationship": str(n + 1),
        "single-select": ["red", "blue", "gone"][n % 3],
        "email": f"person{n}@example.org",
        "url": f"https://example.org/{n}",
        "phone-number": f"+47 22 {n:06d}",
        "barcode": f"{n:013d}",
        "color": ["#2F9E5F", "#C4504B"][n % 2],
        "code": "def f():\n    return 1",
        "long-text": {"cut": "Once upon a time " * 12, "length": 9000} if n % 2 else "short\nsecond line",
        "rich-text": "<p>Hello</p>",
        "json": '{"a":[1,2,{"b":null}]}',
        "autonumber": n + 1,
        "created-at": f"2026-01-{day}T12:00:00.000Z",
        "updated-at": f"2026-01-{day}T12:00:00.000Z",
        "deleted-at": None,
        "user": "u_1",
        "created-by": "u_2",
        "updated-by": "u_3",
        "deleted-by": None,
        "single-attachment": file,
        "multiple-attachments": [file, file, file][: n % 4],
        "array": ["oak", "ash"][: 1 + n % 2],
        "geolocation": {"lat": 59.9139, "lng": 10.7522 + n},
        "button": "",
        "formula": n * 1.5,
        "lookup": "Nordlys AS",
        "rollup": n * 3,
        "count": n,
        "ai-categorize": ["bug", "wish"][n % 2],
        "ai-tag": ["urgent"],
        "ai-summary": "A short text",
        "ai-generate": "Dear reader",
        "ai-translate": "Bonjour",
        "ai-extract": '{"total":12}',
        "ai-sentiment": '{"label":"positive","score":0.9}',
    }
    return {name_of(kind): value for kind, value in values.items()}


def typed_table(count: int = 40, kinds: tuple[str, ...] = tuple(TYPED)) -> MemoryTable:
    """A table with a field of each of the types."""
    return MemoryTable("typed", [typed_field(kind, **TYPED[kind]) for kind in kinds], count, typed_row)


def text_table(texts: list[Any], columns: int = 3) -> MemoryTable:
    """A table whose cells are these values, over and over."""
    fields = [typed_field("long-text") for _ in range(columns)]
    for place, field in enumerate(fields):
        field["id"] = field["name"] = f"c{place}"
    return MemoryTable(
        "texts",
        fields,
        len(texts),
        lambda n: {f"c{place}": texts[(n + place) % len(texts)] for place in range(columns)},
        display="c0",
    )


def model_over(table: MemoryTable, pending: PendingChanges | None = None, port: MemoryPort | None = None) -> GridModel:
    """A model over one table in memory."""
    port = port or MemoryPort(table, contacts())
    return GridModel(TableSource(port, table.info()), staged=pending)


class GridHost(App[None]):
    """The grid and nothing else; `seen` are its messages."""

    def __init__(self, model: GridModel) -> None:
        super().__init__()
        self.model = model
        self.grid = VirtualGrid(model)
        self.seen: list[GridMessage] = []

    def compose(self) -> ComposeResult:
        with Container():
            yield self.grid

    def on_mount(self) -> None:
        self.grid.focus()
        self.model.open()

    async def settle(self, pilot: Pilot[None]) -> None:
        """Wait until everything that was asked for has come and is painted."""
        await pilot.pause()
        await self.model.settled()
        await pilot.pause()

    async def press(self, pilot: Pilot[None], *keys: str) -> None:
        for key in keys:
            await pilot.press(key)
            await self.settle(pilot)

    def lines(self) -> list[str]:
        """The text on screen."""
        return ["".join(part.text for part in self.grid.render_line(y)) for y in range(self.grid.size.height)]

    @property
    def cursor(self) -> tuple[int, str | None]:
        """Row and field under the cursor."""
        return self.model.selection.row, self.grid.cursor_name


@asynccontextmanager
async def grid_host(
    table: MemoryTable | GridModel | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[GridHost, Pilot[None]]]:
    """A running grid, its first rows on screen. Without a table: five thousand companies."""
    model = table if isinstance(table, GridModel) else model_over(table or companies())
    app = GridHost(model)

    def seen(message: Message) -> None:
        if isinstance(message, GridMessage) and all(message is not other for other in app.seen):
            app.seen.append(message)

    async with app.run_test(size=size, message_hook=seen) as pilot:
        await app.settle(pilot)
        yield app, pilot
        await model.close()
