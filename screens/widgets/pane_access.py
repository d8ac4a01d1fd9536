"""What the caller may do in a pane, as far as the server said, and the words for what it may not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from screens.presenters.permission import EVERYTHING
from screens.presenters.value import why_read_only
from screens.services.text import t

if TYPE_CHECKING:
    from screens.widgets.grid_pane import GridPane

NEEDS = {
    **dict.fromkeys(("row_new", "row_duplicate", "data_import"), "create"),
    **dict.fromkeys(("grid_edit", "grid_external", "grid_clear", "grid_value", "grid_bulk", "grid_paste"), "update"),
    "row_delete": "delete",
    "rows_bulk": "update",
    "data_export": "export",
    "row_comments": "comment",
    "trash_restore": "restore",
    "trash_erase": "permanentDelete",
    "trash_empty": "permanentDelete",
    "record_add_file": "update",
    "record_remove_file": "update",
    "record_clear": "update",
    "record_value": "update",
}
"""What must be allowed for an action to be of use."""


class PaneAccess:
    """Part of a `GridPane`: `may` holds the operations."""

    def __init__(self, pane: GridPane) -> None:
        self.pane = pane
        self.may: Mapping[str, bool] = EVERYTHING

    def denied(self, operation: str) -> bool:
        """Whether the caller may not do this here; says so."""
        reason = self._denial(operation)
        if reason:
            self.pane.app.notify(reason, severity="warning")
        return bool(reason)

    def _denial(self, operation: str) -> str:
        info = self.pane.info
        if self.may.get(operation, True) or info is None:
            return ""
        if not self.pane.desk.is_editable:
            return t("views.read_only")
        return t("access.denied", operation=t(f"access.may.{operation}"), table=info["name"])

    def why_barred(self, action: str) -> str:
        """Why the caller may not do it here; "" when nothing forbids it (P-043)."""
        operation, model, edits = NEEDS.get(action, ""), self.pane.model, self.pane.edits
        if action == "row_delete" and model is not None and model.query.deleted:
            operation = "restore"
        if operation == "update" and model is not None and model.count:
            field = edits.field_here() if edits else None
            if field is not None and field["options"].get("denied"):
                return why_read_only(field)
        return self._denial(operation) if operation else ""
