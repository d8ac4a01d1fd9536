"""What old rows say against rules that take the language of queries to ask: constraints, unique keys with conditions (D-22).

Migrations know columns, not formulas. Whoever can ask hands them an object of this form.
"""

from collections.abc import Collection, Iterable
from typing import Protocol

from core.fields.model import AppModel
from core.migrations.check import Refusal
from core.storage.database import Reader


class RowRules(Protocol):
    """The rules of an app's tables, as they are asked of rows that are stored."""

    def refusals(
        self, reader: Reader, model: AppModel, tables: Collection[str], lenient: Collection[str]
    ) -> Iterable[Refusal]:
        """Rules of the tables (by SQL name) that stored rows break. The tables have the shape of `model`. Those in
        `lenient` may hold rows that do not meet a constraint (`allowUnvalidated`); unique keys hold everywhere."""


class NoRules:
    """Nothing is asked."""

    def refusals(
        self, reader: Reader, model: AppModel, tables: Collection[str], lenient: Collection[str]
    ) -> Iterable[Refusal]:
        return ()


NO_RULES = NoRules()
