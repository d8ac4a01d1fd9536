"""A row of a grid as it can be painted, and what the grid reads of the staged edits over it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from core.contract.console import ModelValue
from screens.presenters.signal import Signal
from screens.presenters.staged import Staged


class GridRow(NamedTuple):
    """`number` counts from 1 in the view; None for a new row, whose `key` is its ref. `mark` is "", "new" or "deleted"."""

    key: str
    mark: str
    number: int | None
    values: Sequence[Any]
    columns: Mapping[str, int]
    labels: Mapping[str, Mapping[str, str]]
    computing: Mapping[str, ModelValue] = {}
    """By field, values that a language model is to give, or could not."""

    def value(self, name: str) -> Any:
        """The stored value; KeyError where the column has not been read yet."""
        return self.values[self.columns[name]]


class StagedView(Protocol):
    """The staged edits, as far as a grid asks."""

    @property
    def changed(self) -> Signal[str]: ...
    def cell(self, table: str, key: str, field: str) -> Staged | None: ...
    def row_mark(self, table: str, key: str) -> str: ...
    def new_rows(self, table: str) -> list[tuple[str, dict[str, Any]]]: ...
    def title_of_new(self, ref: str) -> str: ...
