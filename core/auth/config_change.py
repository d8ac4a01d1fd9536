"""What another version of the app file means for who may do what: told to the audit log when it is taken up (auth §12.1)."""

from collections.abc import Iterator
from typing import Any

from core.auth.context import AuthContext
from core.principal import SYSTEM, Source
from core.schema.model import App, TableSpec
from core.schema.policy import Policy, RowSecurity
from core.storage.database import Call, Transaction

FROM_FILE = Source("config-file")
Change = tuple[str, tuple[str, str, str], dict[str, Any]]
"""Action, what it was done to, and what more is to be told."""
_ELSEWHERE = ("roles", "groups")
"""Keys of `auth` that have entries of their own, or are said by them."""


def tell(context: AuthContext, before: App, after: App) -> None:
    """An entry for each difference. Blocks."""
    found = list(changes(before, after))

    def work(tx: Transaction) -> None:
        for action, resource, metadata in found:
            context.log(tx, action, SYSTEM, FROM_FILE, resource, **metadata)

    if found:
        context.database.submit_write(Call(work), actor="system").result()


def changes(before: App, after: App) -> Iterator[Change]:
    """All differences, values left out where they may be secret."""
    yield from _settings(before, after)
    yield from _roles(before, after)
    old = {table.sql_name: table for table in before.tables}
    for table in after.tables:
        yield from _policies(old.get(table.sql_name), table)


def _settings(before: App, after: App) -> Iterator[Change]:
    old = before.auth.data if before.auth is not None else {}
    new = after.auth.data if after.auth is not None else {}
    keys = sorted(key for key in {*old, *new} - {*_ELSEWHERE} if old.get(key) != new.get(key))
    if keys:
        yield "auth.config.changed", ("config", "auth", ""), {"keys": keys}


def _roles(before: App, after: App) -> Iterator[Change]:
    old, new = before.roles.by_name, after.roles.by_name
    for name in {**old, **new}:
        if name not in new:
            yield "role.removed", ("role", name, name), {"level": old[name].level}
        elif name not in old:
            yield "role.created", ("role", name, name), {"level": new[name].level}
        elif old[name] != new[name]:
            yield "role.updated", ("role", name, name), {"level": {"from": old[name].level, "to": new[name].level}}


def _policies(before: TableSpec | None, after: TableSpec) -> Iterator[Change]:
    old, new = _security(before), _security(after)
    if old.enabled != new.enabled:
        yield "rls.enabled" if new.enabled else "rls.disabled", ("table", after.sql_name, after.name), {}
    was, now = _by_name(old), _by_name(new)
    for name in {**was, **now}:
        resource = ("policy", f"{after.sql_name}.{name}", name)
        if name not in now:
            yield "policy.dropped", resource, {}
        elif name not in was:
            yield "policy.created", resource, {}
        elif was[name] != now[name]:
            yield "policy.updated", resource, {}


def _security(table: TableSpec | None) -> RowSecurity:
    found = table.rls if table is not None else None
    return found if found is not None else RowSecurity(enabled=False)


def _by_name(security: RowSecurity) -> dict[str, Policy]:
    return {each.name: each for each in security.policies}
