"""A transaction that a tab collects. The server holds nothing of it: each statement is tried with those before it and
rolled back, and the commit runs them all. So it can stay open as long as its author likes, and outlives the console."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.contract.console import SqlRequest, SqlStatement


@dataclass(slots=True)
class SqlTransaction:
    """Statements that write, in order, and how many rows each changed when it was tried."""

    statements: list[tuple[str, int]] = field(default_factory=list)

    @classmethod
    def of(cls, kept: Any) -> SqlTransaction | None:
        """From the session file; None for none."""
        if not isinstance(kept, list):
            return None
        return cls([(str(sql), int(changed)) for sql, changed in kept])

    @property
    def text(self) -> str:
        return ";\n".join(sql for sql, _ in self.statements)

    @property
    def changed(self) -> int:
        """Rows changed so far, where the database told."""
        return sum(max(changed, 0) for _, changed in self.statements)

    def trial(self, sql: str, confirmed: bool) -> SqlRequest:
        """Try a text after what was collected."""
        return SqlRequest(sql=sql, confirmed=confirmed, transaction="try", earlier=self.text)

    def collect(self, statements: Sequence[SqlStatement]) -> None:
        """What was tried with success stays."""
        self.statements += [(each["text"], each.get("changed", -1)) for each in statements if each["kind"] == "write"]

    def commit(self) -> SqlRequest:
        expected = [changed for _, changed in self.statements]
        return SqlRequest(sql=self.text, confirmed=True, transaction="commit", expected=expected)
