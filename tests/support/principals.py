"""Callers of tests: who they are is said in a header, which no server of ours believes."""

import json
from collections.abc import Mapping
from typing import Any

from core.http.call import Scope
from core.principal import Principal

HEADER = "x-test-principal"


async def by_header(scope: Scope) -> Principal | None:
    """The principal of the header; none without it."""
    for name, value in scope["headers"]:
        if name == HEADER.encode():
            said: dict[str, Any] = json.loads(value)
            for key in ("roles", "groups", "granted"):
                said[key] = frozenset(said.get(key, ()))
            if "scopes" in said:
                said["scopes"] = frozenset(said["scopes"])
            said["assignments"] = {name: frozenset(ids) for name, ids in said.get("assignments", {}).items()}
            return Principal("user", **said)
    return None


def headers(id_: str | None = None, roles: str = "", **more: Any) -> Mapping[str, str]:
    """The headers of a caller: `headers("ada", "member editor")`; of one without a session: `headers()`."""
    return {} if id_ is None else {HEADER: json.dumps({"id": id_, "roles": roles.split(), **more})}
