"""When tables were made and changed, from the history of versions."""

from datetime import UTC, datetime
from typing import Any

from core.migrations.bookkeeping import Version
from core.migrations.lifetime import Lifetime, lifetimes


def table(id_: str, name: str, *fields: str) -> dict[str, Any]:
    return {"id": id_, "name": name, "fields": [{"name": field} for field in fields]}


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


def version(number: int, *tables: dict[str, Any]) -> Version:
    return Version(
        version=number,
        checksum="",
        applied_at=day(number),
        rolled_back_at=None,
        duration_ms=1,
        applied_by=None,
        plan=[],
        tables=list(tables),
    )


def test_each_table_has_its_own_times() -> None:
    """A change of one table is none of its neighbours; a new name is a change; what is dropped is forgotten."""
    history = [
        version(
            1, table("1", "parts", "no"), table("2", "bins", "code"), table("3", "old", "x"), table("4", "back", "x")
        ),
        version(2, table("1", "parts", "no", "stock"), table("2", "bins", "code"), table("3", "old", "x")),
        version(3, table("1", "parts", "no", "stock"), table("2", "shelves", "code"), table("5", "new", "x")),
        version(4, table("1", "parts", "no", "stock"), table("2", "shelves", "code"), table("4", "back", "x")),
    ]
    assert lifetimes(reversed(history)) == {
        "1": Lifetime(day(1), day(2)),
        "2": Lifetime(day(1), day(3)),
        "4": Lifetime(day(4), day(4)),
    }
    assert lifetimes([]) == {}
