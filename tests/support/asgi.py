"""Requests handed straight to the application, from any address, without sockets: for tests that need thousands."""

from collections.abc import Mapping
from typing import Any

import orjson

from core.http.app import Application


async def ask(
    app: Application,
    method: str,
    path: str,
    body: Any = None,
    *,
    client: str = "192.0.2.1",
    headers: Mapping[str, str] | None = None,
) -> int:
    """The status of the answer."""
    raw = orjson.dumps(body) if body is not None else b""
    given = {"host": "localhost", "content-type": "application/json", **(headers or {})}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "server": ("127.0.0.1", 3000),
        "client": (client, 50_000),
    }
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    await app(scope, receive, send)
    return status
