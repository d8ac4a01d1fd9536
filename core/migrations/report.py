"""Plans, versions and drift in the form in which the API and the command line tell them."""

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from core.clock import to_iso
from core.contract.migrations import (
    MigrationAttempt,
    MigrationDetail,
    MigrationEntry,
    MigrationPlan,
    Migrations,
    MigrationStatus,
)
from core.errors import NotFound
from core.migrations.bookkeeping import Attempt, Version, version_in_force
from core.migrations.plan import Plan
from core.migrations.status import Status

ATTEMPTS_SHOWN = 50


def plan_data(plan: Plan, checksum: str = "") -> MigrationPlan:
    return cast(MigrationPlan, {**plan.data(), "checksum": checksum})


def status_data(status: Status) -> MigrationStatus:
    return {
        "version": status.version,
        "current": status.is_current,
        "undone": status.undone,
        "drift": list(status.drift),
        "kept": list(status.kept),
    }


def history_data(versions: Sequence[Version], attempts: Sequence[Attempt], limit: int, offset: int) -> Migrations:
    """A page of the versions, newest first."""
    current = version_in_force(versions)
    return {
        "migrations": [_entry(version, current) for version in versions[offset : offset + limit]],
        "attempts": [_attempt(each) for each in attempts[:ATTEMPTS_SHOWN]],
        "total": len(versions),
        "limit": limit,
        "offset": offset,
    }


def version_data(versions: Sequence[Version], number: int, against: int | None) -> MigrationDetail:
    """One version beside another one. Raises NotFound."""
    by_number = {version.version: version for version in versions}
    if number not in by_number or (against is not None and against not in by_number):
        raise NotFound
    found = by_number[number]
    if against is None:
        against = max((each for each in by_number if each < number), default=None)
    other = by_number[against].tables if against is not None else []
    return {
        **_entry(found, version_in_force(versions)),
        "plan": [dict(step) for step in found.plan],
        "tables": [dict(table) for table in found.tables],
        "against": against,
        "diff": tables_diff(other, found.tables, f"version {against or 0}", f"version {number}"),
    }


def tables_diff(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]], was: str, becomes: str
) -> list[str]:
    """What differs between two snapshots, table by table, a field a line."""
    return list(difflib.unified_diff(_lines(old), _lines(new), was, becomes, lineterm="", n=2))


def _lines(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for table in tables:
        lines.append(f"table {table.get('name')} (id {table.get('id')})")
        rest = {key: value for key, value in table.items() if key not in ("id", "name", "fields")}
        lines += [f"  {key}: {_compact(value)}" for key, value in sorted(rest.items())]
        for field in table.get("fields", ()):
            more = {key: value for key, value in field.items() if key not in ("id", "name", "type")}
            options = "".join(f", {key}: {_compact(value)}" for key, value in sorted(more.items()))
            lines.append(f"  field {field.get('name')} (id {field.get('id')}): {field.get('type')}{options}")
    return lines


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _entry(version: Version, current: int) -> MigrationEntry:
    return {
        "version": version.version,
        "checksum": version.checksum,
        "appliedAt": to_iso(version.applied_at),
        "appliedBy": version.applied_by,
        "durationMs": version.duration_ms,
        "rolledBackAt": to_iso(version.rolled_back_at) if version.rolled_back_at else None,
        "engine": version.engine,
        "appVersion": version.app_version,
        "steps": [str(step.get("text")) for step in version.plan],
        "current": version.version == current,
    }


def _attempt(attempt: Attempt) -> MigrationAttempt:
    return {
        "operation": attempt.operation,
        "fromVersion": attempt.before,
        "toVersion": attempt.after,
        "status": attempt.status,
        "reason": attempt.reason,
        "at": to_iso(attempt.at),
    }
