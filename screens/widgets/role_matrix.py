"""The matrix of the roles editor: what one of them may do with each table, and with fields that have rules."""

from __future__ import annotations

from core.contract.access import TableRules
from screens.presenters.format.line import one_line
from screens.presenters.role_draft import FIELD_KEYS, OPERATIONS, Mark, RoleDraft
from screens.services.text import t
from screens.widgets.matrix import Matrix, MatrixRow

MARKS: dict[Mark, tuple[str, str]] = {
    "named": ("✓", "bold $success"),
    "passes": ("+", "$success"),
    "closed": ("·", "dim"),
    "unknown": ("!", "bold $error"),
}
COLUMNS = (*OPERATIONS, "rows")
"""The last one says how many rules there are about rows."""


class RoleMatrix(Matrix):
    """`show_role` paints a draft; `place` is what the cursor is on."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._draft = RoleDraft()
        self._open: set[str] = set()
        """Tables that show all of their fields."""

    def show_role(self, draft: RoleDraft, who: str) -> None:
        """The rules of a draft as they are for a role, a group or a guest."""
        self._draft = draft
        rows: list[MatrixRow] = []
        for table in draft.rules["tables"]:
            rows.append(self._table_row(table, who))
            fields = table["fields"] if table["name"] in self._open else draft.ruled_fields(table)
            rows += [self._field_row(table, name, who) for name in fields]
        self.show([t(f"roles.column.{name}") for name in COLUMNS], rows)

    def turn(self, table: TableRules) -> None:
        """Show all fields of the table, or those with rules alone, from the next `show_role` on."""
        self._open ^= {table["name"]}

    def place(self) -> tuple[TableRules, str, str] | None:
        """Table, field ("" for the table itself) and column under the cursor."""
        row = self.here()
        if row is None:
            return None
        name, field = row.key  # type: ignore[misc]
        table = self._draft.table(name)
        return (table, field, COLUMNS[min(self.column, len(OPERATIONS))]) if table is not None else None

    def _table_row(self, table: TableRules, who: str) -> MatrixRow:
        cells: list[tuple[str, str] | None] = [MARKS[self._draft.mark(who, table, each)] for each in OPERATIONS]
        said = len(table["rowRules"]) + len((table["rls"] or {}).get("policies") or ())
        unruled = table["rls"] is not None and table["rls"].get("enabled") is not False
        cells.append((str(said) if said else "0" if unruled else "–", "$secondary" if said or unruled else "dim"))
        return MatrixRow(
            one_line(table["name"]), cells, "bold" if table["permissions"] is not None else "", (table["name"], "")
        )

    def _field_row(self, table: TableRules, field: str, who: str) -> MatrixRow:
        cells: list[tuple[str, str] | None] = [None] * len(COLUMNS)
        for column, key in FIELD_KEYS.items():
            mark, style = MARKS[self._draft.field_mark(who, table, field, key)]
            ruled = self._draft.field_rule(table, field, key) is not None
            cells[OPERATIONS.index(column)] = (mark, style if ruled else "dim")
        return MatrixRow(f"  {one_line(field)}", cells, "$foreground-muted", (table["name"], field))
