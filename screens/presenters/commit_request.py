"""Staged rows as the changes that the server is sent."""

from typing import Any

from core.contract.console import Change
from screens.presenters.operation import Row
from screens.presenters.staged_rows import StagedRows


def changes_of(rows: StagedRows) -> list[Change]:
    """Restores, then new rows (those that others link to first), updates, deletions."""
    restores, creates, updates, deletes = [], [], [], []
    for row in rows.changes():
        table, key = row.table, row.key
        ref, fields = f"{table}/{key}", {cell.field: cell.new for cell in row.cells}
        stamp: Any = {"updatedAt": rows.stamps[table, key]} if rows.stamps.get((table, key)) else {}
        match row.op:
            case "create":
                creates.append(Change(ref=key, op="create", table=table, fields=rows.values((table, key))))
            case "restore":
                restores.append(Change(ref=ref, op="restore", table=table, id=key, **stamp))
                if fields:
                    updates.append(Change(ref=f"{ref}/fields", op="update", table=table, id=key, fields=fields))
            case "update":
                updates.append(Change(ref=ref, op="update", table=table, id=key, fields=fields, **stamp))
            case "delete":
                deletes.append(Change(ref=ref, op="delete", table=table, id=key, **stamp))
    return [*restores, *_linked_first(creates), *updates, *deletes]


def rows_of(changes: list[Change]) -> dict[str, Row]:
    """The rows that changes are about, by ref."""
    return {change["ref"]: (change["table"], change.get("id", change["ref"])) for change in changes}


def _linked_first(creates: list[Change]) -> list[Change]:
    """New rows in an order in which a row comes after the new rows that it links to."""
    waiting = {change["ref"]: change for change in creates}
    ordered: list[Change] = []

    def place(ref: str) -> None:
        change = waiting.pop(ref, None)
        if change is not None:
            for value in change.get("fields", {}).values():
                if isinstance(value, dict) and "ref" in value and len(value) == 1:
                    place(str(value["ref"]))
            ordered.append(change)

    for change in creates:
        place(change["ref"])
    return ordered
