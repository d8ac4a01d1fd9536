"""What a webhook is told of a change: the record as the change left it, though more may have happened since."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from core.clock import to_iso
from core.errors import NotFound
from core.records.key import parse_key
from core.records.writing import WritableTable
from core.schema.model import WebhookSpec
from core.storage.database import Row, Transaction
from core.storage.journal import changes_of, told_as

EVENTS: Mapping[str, str] = {
    "create": "create",
    "restore": "create",
    "update": "update",
    "delete": "delete",
    "permanent-delete": "delete",
}
"""By operation of the change log. What comes back from the trash appears."""


def states(tx: Transaction, target: WritableTable, changes: Sequence[Row]) -> dict[int, dict[str, Any]]:
    """The values of the record after each change (before it, where it went for good), by its number. Read back from the
    records as they are now, by undoing what came later. A change is a row `(sequence, record, …)`."""
    ids = list(dict.fromkeys(change[1] for change in changes))
    keys = {}
    for each in ids:
        try:
            keys[each] = parse_key(target.table, each)
        except NotFound:
            continue
    rows = target.load(tx, list(keys.values()))
    target.load_links(tx, rows, target.many)
    now = {each: target.json(rows[key], target.table.fields) for each, key in keys.items() if key in rows}
    wanted = {change[0] for change in changes}
    log = changes_of(tx, target.log_name, ids)
    c = log.c
    later = select(c.sequence, c.record, c.operation, c.before, c.after).where(c.sequence >= min(wanted))
    found: dict[int, dict[str, Any]] = {}
    for sequence, record, logged, before, after in tx.rows(later.order_by(c.sequence.desc())):
        operation = told_as(logged, before, after)
        state = now.setdefault(record, {})
        if operation == "permanent-delete":
            state = now[record] = dict(before or {})
        elif operation in ("create", "update") and sequence in wanted:
            state = {**state, **{name: value for name, value in (after or {}).items() if name in target.table.fields}}
        if sequence in wanted:
            found[sequence] = dict(state)
        if operation == "update":
            now[record] = {**state, **(before or {})}
    return found


def payload(
    webhook: WebhookSpec, target: WritableTable, change: Row, state: Mapping[str, Any], delivery: str
) -> dict[str, Any]:
    """The body of the call. `change`: `(sequence, record, operation, before, after, time, actor)`."""
    _, record, operation, before, after, time, actor = change
    table = target.table
    told = {
        "event": f"record.{EVENTS[operation]}",
        "timestamp": to_iso(time),
        "table": table.name,
        "record": {"id": record, **_chosen(webhook, state)},
    }
    if operation == "update":
        changed = _chosen(webhook, after or {})
        told["changedFields"] = list(changed)
        if webhook.previous:
            told["previousValues"] = _chosen(webhook, before or {})
    elif webhook.previous and EVENTS[operation] == "delete":
        told["previousValues"] = _chosen(webhook, state)
    if webhook.metadata:
        told["metadata"] = {
            "deliveryId": delivery,
            "webhook": webhook.name,
            "tableId": table.spec.id,
            "sequence": change[0],
            "userId": None if actor in ("guest", "system") else actor,
        }
    return told


def _chosen(webhook: WebhookSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    if webhook.include is not None:
        return {name: value for name, value in values.items() if name in webhook.include}
    return {name: value for name, value in values.items() if name not in webhook.exclude}
