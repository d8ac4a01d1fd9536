"""What the column has already is suggested while one types."""

from types import SimpleNamespace
from typing import Any

from screens.widgets.editors.line import ColumnSuggester


class Lookups:
    """A column's values by their beginning; counts the questions."""

    def __init__(self, *values: str) -> None:
        self.values_known = values
        self.asked: list[str] = []

    async def values(self, field: str, prefix: str) -> Any:
        self.asked.append(prefix)
        return {"values": [[value, 1] for value in self.values_known if value.lower().startswith(prefix.lower())]}


async def test_what_no_value_begins_with_is_asked_for_once() -> None:
    lookups = Lookups("Oslo", "Lyon")
    editor = SimpleNamespace(cell=SimpleNamespace(lookups=lookups, field={"name": "city", "unique": False}))
    suggester = ColumnSuggester(editor)  # type: ignore[arg-type]
    assert await suggester.get_suggestion("Os") == "Oslo"
    assert [await suggester.get_suggestion(text) for text in ("Osm", "Osma", "Osman")] == [None, None, None]
    assert lookups.asked == ["Os", "Osm"]
    assert await suggester.get_suggestion("Ly") == "Lyon"
    editor.cell = SimpleNamespace(lookups=lookups, field=editor.cell.field)
    await suggester.get_suggestion("Osm")
    assert lookups.asked == ["Os", "Osm", "Ly", "Osm"]
