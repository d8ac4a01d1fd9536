"""What the caller may do in a pane, as far as the server said, and the words for what it may not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.contract.tables import FieldInfo
from screens.presenters.permission import EVERYTHING
from screens.presenters.value import why_read_only
from screens.services.text import t

if TYPE_CHECKING:
    from screens.widgets.grid_pane import GridPane

OF_CELL = frozenset("grid_edit grid_external grid_clear grid_value grid_bulk grid_paste cell_compute".split())
"""What changes the cell under the cursor."""
NEEDS = {
    **dict.fromkeys(("row_new", "row_duplicate", "data_import"), "create"),
    **dict.fromkeys(OF_CELL, "update"),
    "row_delete": "delete",
    "rows_bulk": "update",
    "data_export": "export",
    "trash_restore": "restore",
    "trash_erase": "permanentDelete",
    "trash_empty": "permanentDelete",
    "record_add_file": "update",
    "record_remove_file": "update",
    "record_clear": "update",
    "record_value": "update",
}
"""What must be allowed for an action to be of use."""

READING = ("read", "export")
"""Operations that leave everything as it is."""

OF_LIVING = OF_CELL | {"grid_open", "mode_entry", "row_new", "row_duplicate", "data_import", "rows_bulk"}
"""What is not done to rows in the trash."""


class PaneAccess:
    """Part of a `GridPane`: `may` holds the operations."""

    def __init__(self, pane: GridPane) -> None:
        self.pane = pane
        self.may: Mapping[str, bool] = EVERYTHING

    def denied(self, operation: str) -> bool:
        """Whether the caller may not do this here; says so."""
        reason = self.denial(operation)
        if reason:
            self.pane.app.notify(reason, severity="warning")
        return bool(reason)

    def denial(self, operation: str) -> str:
        """Why the caller may not do this here; "" when nothing forbids it."""
        info = self.pane.info
        if self.pane.context.read_only and operation not in READING:
            return t("read_only.told")
        if self.may.get(operation, True) or info is None:
            return ""
        if not self.pane.desk.is_editable:
            return t("views.read_only")
        return t("access.denied", operation=t(f"access.may.{operation}"), table=info["name"])

    @property
    def denied_field(self) -> FieldInfo | None:
        """The field under the cursor, where it is one that the caller may not change."""
        field = self.pane.edits.field_here() if self.pane.edits and self.pane.model and self.pane.model.count else None
        return field if field is not None and field["options"].get("denied") else None

    def why_barred(self, action: str) -> str:
        """Why the caller may not do it here; "" when nothing forbids it (P-043)."""
        if action in OF_LIVING and self.pane.model is not None and self.pane.model.query.deleted:
            return t("access.trash")
        operation, model = NEEDS.get(action, ""), self.pane.model
        if action == "grid_paste" and self.may.get("create", True):
            return ""  # new rows; whether what is there may change is asked once it is known
        if action == "row_delete" and model is not None and model.query.deleted:
            operation = "restore"
        if action in OF_CELL and (field := self.denied_field) is not None:
            return why_read_only(field)
        return self.denial(operation) if operation else ""
