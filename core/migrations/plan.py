"""What a migration would do: its steps in words and SQL, what refuses them, and the version that comes of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from core.fields.model import AppModel
from core.migrations.bookkeeping import State
from core.migrations.check import Refusal
from core.migrations.expression import Sql
from core.sentence import say
from core.storage.database import Reader

Kind = Literal["add", "change", "destructive"]
Operation = Literal["MIGRATE", "ROLLBACK", "REPAIR"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens, in words; `sql` is how."""

    kind: Kind
    table: str
    text: str
    statements: tuple[Sql, ...] = ()
    confirmed: bool = True
    """False: it loses data and nothing in the app file allows it."""
    later: tuple[tuple[str, str], ...] = ()
    """Indexes by name, with the statements that build them once the migration is in force (`core.migrations.deferred`)."""

    @property
    def sql(self) -> tuple[str, ...]:
        return tuple(statement.text for statement in self.statements)

    def data(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "table": self.table,
            "text": self.text,
            "sql": list(self.sql),
            "confirmed": self.confirmed,
            **({"later": [list(each) for each in self.later]} if self.later else {}),
        }


VIEWS = Step("add", "", say("Make the views anew that are missing or not as this version wants them"))
"""Every run makes all of them; this is one with nothing else to do (M-004)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The way from version `before` to `after`. `run` takes it; `--plan` shows it."""

    model: AppModel
    before: int
    after: int
    steps: tuple[Step, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()
    state: State = field(default_factory=State)
    """What is in force once it has run."""
    operation: Operation = "MIGRATE"
    undone: int | None = None
    """The version with these very tables that has been rolled back: whoever applies it again must mean it (M-047)."""
    unjudged: tuple[str, ...] = ()
    """Tables, by SQL name, whose rows must be asked about their rules once they have their new shape."""
    lenient: tuple[str, ...] = ()
    """Tables whose old rows need not meet constraints (`allowUnvalidated`)."""
    again: Callable[[Reader], "Plan"] | None = None
    """Makes the same plan anew, inside the transaction that carries it out."""

    @property
    def is_empty(self) -> bool:
        """Nothing to do, not even a new version."""
        return self.before == self.after and not self.steps

    @property
    def unconfirmed(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if not step.confirmed)

    def data(self) -> dict[str, Any]:
        """For `--json` and the API."""
        return {
            "operation": self.operation.lower(),
            "before": self.before,
            "after": self.after,
            "steps": [step.data() for step in self.steps],
            "refusals": [
                {"table": each.table, "message": each.message, "details": list(each.details), "hint": each.hint}
                for each in self.refusals
            ],
            "warnings": list(self.warnings),
            "undone": self.undone,
        }
