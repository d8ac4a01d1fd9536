"""What the server's log says of requests (auth §16.2): a line each at `debug`, and one for each that it did not manage."""

import logging
import time
from collections.abc import Mapping, MutableMapping
from itertools import count
from typing import Any

from core.errors import SovriumError
from core.ids import short_id
from core.logs.line import shown_address

LOG = logging.getLogger("sovrium.server")
LEFT_OUT = ("/assets/", "/favicon", "/api/console/logs")
"""Addresses that have no line of their own: files of pages, and the reading of the log itself, which would never end."""


_RUN, _COUNT = short_id("req"), count(1)


def request_id(scope: MutableMapping[str, Any]) -> str:
    """What the request is called in the log, in the audit log and in an answer that tells of a defect."""
    found: str | None = scope.get("request_id")
    if found is None:
        found = scope["request_id"] = f"{_RUN}{next(_COUNT):04x}"
    return found


def tell_request(scope: MutableMapping[str, Any], status: int, begun: float) -> None:
    """`<-- GET /api/tables 200 3ms [req:…]` (A-250). `begun` by `time.perf_counter`."""
    if LOG.isEnabledFor(logging.DEBUG) and not scope["path"].startswith(LEFT_OUT):
        took = (time.perf_counter() - begun) * 1000
        LOG.debug("<-- %s %s %d %.0fms [req:%s]", scope["method"], _address(scope), status, took, request_id(scope))


def tell_failure(scope: MutableMapping[str, Any], error: Exception, status: int) -> None:
    """`GET /api/tables → 500 [req:…]` (A-251). Only a defect of ours is told with where it came from: that the server is
    busy, or the disk full, is no riddle; what the driver said of it is for `debug`."""
    what = (scope.get("method"), _address(scope), status, request_id(scope))
    if status == 500:
        LOG.error("%s %s → %d [req:%s]", *what, exc_info=error)
    else:
        code, told = (error.code, error.message) if isinstance(error, SovriumError) else ("", str(error))
        LOG.warning("%s %s → %d [req:%s] %s: %s", *what, code, told, exc_info=_cause(error))


def _cause(error: Exception) -> Exception | None:
    return error if LOG.isEnabledFor(logging.DEBUG) else None


def _address(scope: Mapping[str, Any]) -> str:
    return shown_address(scope.get("path", ""), scope.get("query_string", b""))
