"""What is chosen of a result, whole: a block to copy, a row to read. Windows for painting carry only the heads of long
texts."""

import json
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len

from core.contract.tables import FieldInfo
from screens.presenters.format.line import one_line, plain
from screens.presenters.grid_model import GridModel
from screens.presenters.migration import Line
from screens.presenters.record import MOST_ROWS, TooManyRows
from screens.presenters.row_source import SqlSource
from screens.presenters.value import NULL, show, title_of


class SqlResult:
    """The rows of a result through the selection of its grid. Reading raises the port's errors."""

    def __init__(self, model: GridModel, source: SqlSource) -> None:
        self.model = model
        self.source = source

    def field_here(self) -> FieldInfo | None:
        """The column under the cursor."""
        shown, at = self.model.layout.shown, self.model.selection.column
        return shown[at].field if at < len(shown) else None

    async def block(self) -> tuple[list[FieldInfo], list[list[Any]]]:
        """The chosen cells. Raises TooManyRows."""
        fields = [column.field for column in self.model.layout.shown]
        selection = self.model.selection
        block = selection.block(len(fields))
        if selection.mode in ("cell", "range"):
            fields = fields[block.left : block.right + 1]
        names = [field["name"] for field in fields]
        if selection.mode == "marked":
            numbers = sorted(int(key) for key in selection.marked)
            return fields, [row for number in numbers for row in await self._rows(number, number, names)]
        first, last = (0, self.model.count - 1) if selection.mode == "all" else (block.top, block.bottom)
        return fields, await self._rows(first, min(last, self.model.count - 1), names)

    async def _rows(self, first: int, last: int, names: Sequence[str]) -> list[list[Any]]:
        if last - first >= MOST_ROWS:
            raise TooManyRows(last - first + 1)
        return await self.source.whole(first, last, names)

    async def lines(self, position: int) -> list[Line]:
        """A row to read: the value under the cursor as it is, then all columns, a line each."""
        here = self.field_here()
        fields = self.source.fields
        rows = await self.source.whole(position, position, [field["name"] for field in fields])
        if not rows or here is None:
            return []
        values = {field["name"]: value for field, value in zip(fields, rows[0], strict=True)}
        head = [(one_line(title_of(here)), "title"), *((line, "plain") for line in whole_text(here, values))]
        names = [one_line(title_of(field)) for field in fields]
        wide = max(map(cell_len, names))
        told = [
            (f"{name}{' ' * (wide - cell_len(name))}  {one_line(show(field, values[field['name']]))}", "muted")
            for name, field in zip(names, fields, strict=True)
        ]
        return [*head, ("", "plain"), *told]


def whole_text(field: FieldInfo, values: dict[str, Any]) -> list[str]:
    """A value as lines to read: text as it is, nested values laid out."""
    value = values[field["name"]]
    if value is None or value == "":
        return [NULL if value is None else '""']
    if field["family"] == "json" and isinstance(value, str):
        try:
            value = json.dumps(json.loads(value), indent=2, ensure_ascii=False)
        except ValueError:
            pass  # a text of its own kind; as it is
    return plain(value if isinstance(value, str) and field["family"] in ("json", "text") else show(field, value)).split(
        "\n"
    )
