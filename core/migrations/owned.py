"""Database views that belong to the program, not to a person: dropped before tables change, made again at the end (S-014).

Views are bound by name, so a renamed column leaves them broken on DuckDB and stands in the way on PostgreSQL. Whoever
gives the database views (`computed.<table>`, schema views) hands the migrations an object of this form.
"""

from collections.abc import Sequence
from typing import Protocol

from core.fields.model import AppModel
from core.storage.database import Reader, Transaction


class OwnedViews(Protocol):
    """A kind of views. One object serves every version of an app: a rollback brings an older model."""

    def drop(self, tx: Transaction) -> None:
        """Drop all views of this kind that are there, those of models long gone among them."""

    def create(self, tx: Transaction, model: AppModel) -> None:
        """Make the views of `model`; none of the kind is there, and the tables have their final shape."""

    def is_current(self, reader: Reader, model: AppModel) -> bool:
        """The views are there as `model` wants them, and no others of this kind: nothing needs to be done (M-002)."""


class OwnedViewGroup:
    """Several kinds as one. Later ones may read earlier ones."""

    def __init__(self, kinds: Sequence[OwnedViews] = ()) -> None:
        self.kinds = tuple(kinds)

    def drop(self, tx: Transaction) -> None:
        for kind in reversed(self.kinds):
            kind.drop(tx)

    def create(self, tx: Transaction, model: AppModel) -> None:
        for kind in self.kinds:
            kind.create(tx, model)

    def is_current(self, reader: Reader, model: AppModel) -> bool:
        return all(kind.is_current(reader, model) for kind in self.kinds)


NO_VIEWS = OwnedViewGroup()
