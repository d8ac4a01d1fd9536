"""The audit log (auth §12.1)."""

import csv
import io
from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from core.audit import reading
from core.audit.action import Severity
from core.audit.reading import PAGE, PAGE_MOST, Question
from core.contract.admin import AuditCheck, AuditPage
from core.http.answer import Answer, Stream, as_json
from core.http.call import Call
from core.http.route import Parameter, RouteFamily

routes = RouteFamily("admin", accounts=True, admin=True, throttle="admin")
PATH = "/api/admin/audit-log"
SEVERITIES: tuple[Severity, ...] = ("debug", "info", "warning", "error", "critical")
TRANSPORTS = ("api", "tui", "cli", "env", "config-file", "system")
FILTERS = {
    "actorId": Parameter("what this account or key did"),
    "action": Parameter("this action; `session.*` stands for all that begin so"),
    "resourceType": Parameter("done to this kind of thing"),
    "transport": Parameter("come this way", choices=TRANSPORTS),
    "severity": Parameter("of this weight", choices=SEVERITIES),
    "result": Parameter("done or refused", choices=("success", "failure")),
    "from": Parameter("since this day or instant"),
    "to": Parameter("until the end of this day, or before this instant"),
}
BLOCK = 500
COLUMNS = (
    "id", "timestamp", "action", "severity", "result", "actorId", "actorType", "actorRole", "actorEmail", "impersonatorId",
    "resourceType", "resourceId", "resourceName", "transport", "ip", "userAgent", "requestId", "metadata", "prevHash",
    "hash",
)  # fmt: skip


@routes.add(
    "GET",
    PATH,
    query={
        **FILTERS,
        "limit": Parameter(f"entries a page ({PAGE})", "integer", least=1, most=PAGE_MOST),
        "cursor": Parameter("`nextCursor` of the page before"),
    },
    answers={200: AuditPage},
    errors=(400, 404, 429),
)
async def list_audit(call: Call) -> Answer:
    """Who administered what, the newest first"""
    limit = call.integer("limit", PAGE)
    question = reading.parse(call.query, limit)
    context = call.auth.context
    items, following = await context.read(lambda reader: reading.page(reader, question), lane="scan")
    if call.principal.kind == "user" and question.cursor is None:
        await _tell(call)
    return as_json({"items": items, "nextCursor": following, "limit": limit})


@routes.add(
    "GET",
    f"{PATH}/export",
    query={**FILTERS, "format": Parameter("`json` (an entry a line) or `csv`", choices=("json", "csv"))},
    answers={200: None},
    answer_kinds=("application/x-ndjson", "text/csv"),
    errors=(400, 404, 429),
)
async def export_audit(call: Call) -> Answer:
    """All entries as a file, the oldest first"""
    question = reading.parse(call.query, PAGE_MOST)
    is_csv = call.text("format") == "csv"
    await _tell(call, export=True)
    kind = b"text/csv; charset=utf-8" if is_csv else b"application/x-ndjson"
    name = b"audit-log.csv" if is_csv else b"audit-log.ndjson"
    headers = [(b"content-type", kind), (b"content-disposition", b'attachment; filename="%b"' % name)]
    return Stream(_lines(call, question, is_csv=is_csv), headers)


@routes.add("GET", f"{PATH}/verify", answers={200: AuditCheck}, errors=(404, 429))
async def verify_audit(call: Call) -> Answer:
    """Whether every entry is as it was written, and none is missing"""
    context = call.auth.context
    found = await context.read(lambda reader: reading.check(reader, context.audit), lane="long")
    ok = found.broken is None
    return as_json({"ok": ok, "entries": found.entries, "broken": found.broken, "reason": found.reason})


async def _tell(call: Call, **metadata: Any) -> None:
    context, who = call.auth.context, call.principal
    filters = {name: value for name, value in call.query.items() if name in FILTERS}
    await context.write(lambda tx: context.log(tx, "audit.queried", who, call.source, filters=filters, **metadata), who)


async def _lines(call: Call, question: Question, *, is_csv: bool) -> AsyncGenerator[bytes]:
    """Page after page, each a read of its own: a slow reader holds nothing up."""
    context, after, asked = call.auth.context, 0, replace(question, limit=BLOCK)
    if is_csv:
        yield _csv([COLUMNS])
    while True:
        found = await context.read(partial(reading.block, question=asked, after=after), lane="long")
        if not found:
            return
        after = found[-1][0]
        entries = [entry for _, entry in found]
        if is_csv:
            yield _csv([_row(entry) for entry in entries])
        else:
            yield b"".join(orjson.dumps(entry) + b"\n" for entry in entries)


def _csv(rows: Any) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


def _row(entry: dict[str, Any]) -> list[str]:
    actor, resource = entry["actor"], entry["resource"] or {}
    told = {
        **entry,
        "actorId": actor["id"],
        "actorType": actor["type"],
        "actorRole": actor["role"],
        "actorEmail": actor.get("email"),
        "impersonatorId": actor.get("impersonatorId"),
        "resourceType": resource.get("type"),
        "resourceId": resource.get("id"),
        "resourceName": resource.get("name"),
        "metadata": orjson.dumps(entry["metadata"]).decode() if entry["metadata"] else "",
    }
    return [_cell(told[name]) for name in COLUMNS]


def _cell(value: Any) -> str:
    """Text that no spreadsheet takes for a formula: names come from people."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
