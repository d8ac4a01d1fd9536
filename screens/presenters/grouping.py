"""The groups of a grid's rows, and aggregates over the rows and over each group."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.contract.console import Blocks, GroupBlock, View
from screens.presenters.group_rows import GroupedRows, GroupHeader
from screens.presenters.inserted_rows import InsertedRows
from screens.presenters.row_source import Query, RowSource


class Grouping:
    """`places` says where rows stand on the screen: among new ones, and in groups if there are any."""

    def __init__(self) -> None:
        self.places: InsertedRows | GroupedRows = InsertedRows()
        self.aggregates: dict[str, str] = {}
        """Function by column, shown below the rows and in the headers of groups."""
        self.totals: dict[str, Any] = {}
        """Its value over all rows, by column."""
        self.too_many = False
        """There are more groups than are told apart: rows stand as if there were none."""

    @property
    def blocks(self) -> Sequence[GroupBlock]:
        """The groups in order; none where rows are not grouped."""
        return self.places.blocks if isinstance(self.places, GroupedRows) else ()

    @property
    def has_folded(self) -> bool:
        return isinstance(self.places, GroupedRows) and bool(self.places.folded)

    def header(self, position: int) -> GroupHeader | None:
        """The header of a group that is displayed there."""
        return self.places.header(position) if isinstance(self.places, GroupedRows) else None

    def start(self, place: int) -> int:
        """Where the header of a group is displayed."""
        return self.places.head_of(place) if isinstance(self.places, GroupedRows) else 0

    async def ask(self, source: RowSource, view: View, query: Query) -> Blocks | None:
        """What the server says of a view; None where nothing is wanted. Raises what the source raises."""
        if not query.group and not self.aggregates:
            return None
        wanted = ",".join(f"{name}:{function}" for name, function in self.aggregates.items())
        return await source.groups(view["id"], wanted)

    def take(self, blocks: Blocks | None, query: Query) -> None:
        """Show what `ask` got. New rows must be placed anew; folded groups stay folded."""
        folded = self.places.folded if isinstance(self.places, GroupedRows) else set()
        self.too_many = blocks is not None and bool(blocks.get("tooMany"))
        if blocks is not None and query.group and not self.too_many:
            self.places = GroupedRows(blocks["groups"], folded)
        elif isinstance(self.places, GroupedRows):
            self.places = InsertedRows()
        self.totals = {} if blocks is None else by_column(blocks["aggregations"], self.aggregates)

    def fold(self, position: int) -> int | None:
        """Fold or show the group whose header, or one of whose rows, is displayed there; the group's place. None where there
        is none."""
        if not isinstance(self.places, GroupedRows) or not self.places.blocks or self.places.at(position) is not None:
            return None
        header = self.header(position)
        while header is None:
            position -= 1
            header = self.header(position)
        self.places.fold([header.block["name"]], folded=not header.folded)
        return header.place

    def fold_all(self, *, folded: bool) -> bool:
        """Show headers only, or all rows; False where there are no groups."""
        if not isinstance(self.places, GroupedRows):
            return False
        self.places.fold([block["name"] for block in self.places.blocks], folded=folded)
        return True


def by_column(aggregations: Mapping[str, Any], asked: Mapping[str, str]) -> dict[str, Any]:
    """The values of aggregates by column; an answer about one column names functions only."""
    found: dict[str, Any] = {}
    for name, function in asked.items():
        value = aggregations.get(function)
        if isinstance(value, Mapping):
            value = value.get(name)
        if value is not None:
            found[name] = value
    return found
