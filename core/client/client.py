"""The client: every call of `Port` as a request of the API. Also what a script uses."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode

import orjson

from core.client.account import Account
from core.client.connection import AGENT, Answer, Headers, Transport
from core.client.file import chunks_of, format_of, open_for_upload, save
from core.client.port import ServerGone
from core.client.reading import ReadOnly, writes
from core.contract.access import ExplainRequest, Explanation, RoleList, TablePermissions, WhoAmI
from core.contract.activity import HistoryList, Reverted
from core.contract.comments import Comment, CommentList
from core.contract.console import (
    Blocks,
    CommitAnswer,
    CommitRequest,
    Completions,
    Event,
    ExportRequest,
    Found,
    Frequency,
    ImportPreview,
    Job,
    Jobs,
    LinkHits,
    People,
    Schema,
    SqlRequest,
    SqlRun,
    SqlWindow,
    View,
    ViewSpec,
    Window,
)
from core.contract.files import UploadedFile
from core.contract.formulas import FormulaFunctions, FormulaPreview, FormulaRequest
from core.contract.migrations import (
    MigrationDetail,
    MigrationPlan,
    Migrations,
    MigrationStatus,
    PlanRequest,
    RunRequest,
    SchemaEdit,
    SchemaEditRequest,
)
from core.contract.records import Computing, Pressed, Record
from core.contract.server import Hello
from core.contract.views import Preferences, PreferencesBody, UserView, UserViewBody
from core.errors import error_from_body
from core.ids import uuid7
from core.sentence import Wording

if TYPE_CHECKING:
    from core.client.administration import Administration
    from core.client.analytics import Analytics

CONSOLE = "/api/console"
PREVIEW_BYTES = 1024 * 1024
UPLOAD_PATIENCE = 3600.0
"""Seconds, the sending included."""
SILENCE = 30.0
"""Seconds without a ping after which an event stream counts as broken."""


class Client:
    """A client of one server; `core.client.port.Port` says what each method does.

    `address`: path of a Unix socket, or `http(s)://host[:port]`. `timeout`: seconds until an answer must have begun.
    `token`: of a session there. `agent`: what the server calls the program that asks. Cancelling a call hangs up, and the
    server stops the work. Nothing is opened before the first call.
    """

    def __init__(
        self, address: Path | str, *, timeout: float = 30.0, token: str | None = None, agent: str = AGENT
    ) -> None:
        self._transport = Transport(address, agent)
        self._timeout = timeout
        self.token = token
        self.read_only = False
        self.account = Account(self)

    @cached_property
    def admin(self) -> "Administration":
        """Administering people; loaded by the first who asks."""
        from core.client.administration import Administration

        return Administration(self)

    @cached_property
    def analytics(self) -> "Analytics":
        """Visits of pages; loaded by the first who asks."""
        from core.client.analytics import Analytics

        return Analytics(self)

    @property
    def token(self) -> str | None:
        """The secret of the session that everything is asked with."""
        return self._transport.token

    @token.setter
    def token(self, token: str | None) -> None:
        self._transport.token = token

    @property
    def wording(self) -> Wording:
        """From what is said against a call to the words in which it is raised."""
        return self._transport.wording

    @wording.setter
    def wording(self, wording: Wording) -> None:
        self._transport.wording = wording

    @property
    def is_acting(self) -> bool:
        """The session is somebody else's, and counts on the owner's own socket, too."""
        return self._transport.is_acting

    @is_acting.setter
    def is_acting(self, is_acting: bool) -> None:
        self._transport.is_acting = is_acting

    async def hello(self) -> Hello:
        return cast(Hello, await self.request("GET", f"{CONSOLE}/hello"))

    async def schema(self) -> Schema:
        return cast(Schema, await self.request("GET", f"{CONSOLE}/schema"))

    async def events(self) -> AsyncIterator[Event]:
        headers = [("Accept", "text/event-stream")]
        target = f"{CONSOLE}/events"
        async with self._transport.exchange(
            "GET", target, headers=headers, patience=self._timeout, repeatable=True
        ) as answer:
            await raise_for_status(answer)
            async for event in server_sent(answer.chunks()):
                yield event
        raise ServerGone("The server has closed the stream of events")

    async def open_view(self, spec: ViewSpec) -> View:
        return cast(View, await self.request("POST", f"{CONSOLE}/views", json=spec))

    async def view(self, view: str) -> View:
        return cast(View, await self.request("GET", f"{CONSOLE}/views/{quote(view, '')}"))

    async def groups(self, view: str, aggregate: str = "") -> Blocks:
        query = {"aggregate": aggregate} if aggregate else {}
        return cast(Blocks, await self.request("GET", with_query(f"{CONSOLE}/views/{quote(view, '')}/groups", query)))

    async def user_views(self, table: str) -> list[UserView]:
        return cast(list[UserView], await self.request("GET", f"/api/tables/{quote(table, '')}/user-views"))

    async def keep_view(self, table: str, body: UserViewBody, view: str | None = None) -> UserView:
        address = f"/api/tables/{quote(table, '')}/user-views"
        if view is None:
            return cast(UserView, await self.request("POST", address, json=body))
        return cast(UserView, await self.request("PATCH", f"{address}/{quote(view, '')}", json=body))

    async def delete_view(self, table: str, view: str) -> None:
        await self.request("DELETE", f"/api/tables/{quote(table, '')}/user-views/{quote(view, '')}")

    async def preferences(self, table: str) -> Preferences:
        return cast(Preferences, await self.request("GET", f"/api/tables/{quote(table, '')}/user-preferences"))

    async def prefer(self, table: str, body: PreferencesBody) -> None:
        await self.request("PATCH", f"/api/tables/{quote(table, '')}/user-preferences", json=body)

    async def window(self, view: str, start: int, limit: int, fields: Sequence[str]) -> Window:
        query = {"start": start, "limit": limit, "fields": ",".join(fields)}
        return cast(Window, await self.request("GET", with_query(f"{CONSOLE}/views/{quote(view, '')}/window", query)))

    async def find(
        self, view: str, text: str, start: int, *, backward: bool = False, fields: Sequence[str] = ()
    ) -> Found:
        direction = "previous" if backward else "next"
        query = {"text": text, "from": start, "direction": direction, "fields": ",".join(fields) or None}
        return cast(Found, await self.request("GET", with_query(f"{CONSOLE}/views/{quote(view, '')}/find", query)))

    async def locate(self, view: str, key: str) -> Found:
        path = with_query(f"{CONSOLE}/views/{quote(view, '')}/locate", {"key": key})
        return cast(Found, await self.request("GET", path))

    async def close_view(self, view: str) -> None:
        await self.request("DELETE", f"{CONSOLE}/views/{quote(view, '')}")

    async def values(self, table: str, field: str, *, prefix: str = "", limit: int = 50) -> Frequency:
        query = {"field": field, "prefix": prefix or None, "limit": limit}
        path = with_query(f"{CONSOLE}/tables/{quote(table, '')}/values", query)
        return cast(Frequency, await self.request("GET", path))

    async def links(self, table: str, field: str, q: str) -> LinkHits:
        path = with_query(f"{CONSOLE}/tables/{quote(table, '')}/links/{quote(field, '')}", {"q": q or None})
        return cast(LinkHits, await self.request("GET", path))

    async def people(self, q: str) -> People:
        return cast(People, await self.request("GET", with_query(f"{CONSOLE}/people", {"q": q or None})))

    async def upload_file(self, table: str, file: Path, field: str) -> UploadedFile:
        path = with_query(f"/api/tables/{quote(table, '')}/files", {"filename": file.name, "field": field})
        return cast(UploadedFile, await self._send_file(path, file))

    async def fetch_file(self, key: str, target: Path) -> int:
        return await self.fetch(with_query(f"/api/files/{quote(key, '')}", {"download": "true"}), target)

    async def fetch(self, path: str, target: Path) -> int:
        """Save what an address answers; bytes written."""
        async with self._transport.exchange("GET", path, patience=self._timeout, repeatable=True) as answer:
            await raise_for_status(answer)
            return await save(answer.chunks(), target)

    async def press(self, table: str, key: str, field: str) -> Pressed:
        path = f"/api/tables/{quote(table, '')}/records/{quote(key, '')}/buttons/{quote(field, '')}"
        return cast(Pressed, await self.request("POST", path))

    async def compute(self, table: str, key: str, fields: Sequence[str]) -> Computing:
        path = f"/api/tables/{quote(table, '')}/records/{quote(key, '')}/compute"
        return cast(Computing, await self.request("POST", with_query(path, {"fields": ",".join(fields)})))

    async def record(self, table: str, key: str, *, include_deleted: bool = False) -> Record:
        path = f"/api/tables/{quote(table, '')}/records/{quote(key, '')}"
        query = {"ids": "string", "includeDeleted": "true" if include_deleted else None}
        return cast(Record, await self.request("GET", with_query(path, query)))

    async def commit(self, request: CommitRequest) -> CommitAnswer:
        # The key makes the request repeatable: when the answer was lost, the server gives it again.
        body = {"idempotencyKey": uuid7(), **request}
        answer = await self._call("POST", f"{CONSOLE}/commit", body, repeatable=True, read=with_outcomes)
        return {key: answer[key] for key in ("committed", "outcomes", "statements")}  # type: ignore[return-value]

    async def run_sql(self, request: SqlRequest) -> SqlRun:
        body: SqlRequest = {**request, "readOnly": True} if self.read_only else request
        return cast(SqlRun, await self.request("POST", f"{CONSOLE}/sql", json=body))

    async def sql(self, run: str, *, wait: float = 0) -> SqlRun:
        path = with_query(f"{CONSOLE}/sql/{quote(run, '')}", {"wait": round(wait * 1000) or None})
        return cast(SqlRun, await self.request("GET", path))

    async def sql_window(self, run: str, index: int, start: int, limit: int, *, whole: bool = False) -> SqlWindow:
        path = f"{CONSOLE}/sql/{quote(run, '')}/{index}/window"
        query = {"start": start, "limit": limit, "whole": "true" if whole else None}
        return cast(SqlWindow, await self.request("GET", with_query(path, query)))

    async def cancel_sql(self, run: str) -> None:
        await self.request("DELETE", f"{CONSOLE}/sql/{quote(run, '')}")

    async def completions(self) -> Completions:
        return cast(Completions, await self.request("GET", f"{CONSOLE}/completions"))

    async def preview_formula(self, request: FormulaRequest) -> FormulaPreview:
        return cast(FormulaPreview, await self.request("POST", f"{CONSOLE}/formulas/preview", json=request))

    async def formula_functions(self) -> FormulaFunctions:
        return cast(FormulaFunctions, await self.request("GET", f"{CONSOLE}/formulas/functions"))

    async def jobs(self) -> Jobs:
        return cast(Jobs, await self.request("GET", f"{CONSOLE}/jobs"))

    async def job(self, job: str) -> Job:
        return cast(Job, await self.request("GET", f"{CONSOLE}/jobs/{quote(job, '')}"))

    async def cancel_job(self, job: str) -> None:
        await self.request("DELETE", f"{CONSOLE}/jobs/{quote(job, '')}")

    async def export(self, request: ExportRequest) -> Job:
        return cast(Job, await self.request("POST", f"{CONSOLE}/exports", json=request))

    async def download(self, job: str, target: Path) -> int:
        return await self.fetch(f"{CONSOLE}/jobs/{quote(job, '')}/file", target)

    async def preview_import(self, table: str, file: Path) -> ImportPreview:
        path = f"{CONSOLE}/tables/{quote(table, '')}/import-preview"
        with open_for_upload(file) as source:
            head = await asyncio.to_thread(source.read, PREVIEW_BYTES)
        answer = await self._call("POST", with_query(path, {"format": format_of(file)}), head, repeatable=True)
        return cast(ImportPreview, answer)

    async def start_import(
        self,
        table: str,
        file: Path,
        *,
        mapping: dict[str, str] | None = None,
        skip_errors: bool = False,
        duplicates: str = "create",
        key: str | None = None,
    ) -> Job:
        query = {
            "format": format_of(file),
            "mapping": orjson.dumps(mapping).decode() if mapping is not None else None,
            "onError": "skip" if skip_errors else None,
            "duplicates": duplicates if duplicates != "create" else None,
            "key": key,
        }
        path = with_query(f"/api/tables/{quote(table, '')}/import", query)
        return cast(Job, await self._send_file(path, file))

    # Who may do what.

    async def permissions(self, table: str, record: str = "") -> TablePermissions:
        about = f"record={quote(record, '')}" if record else "fields=all"
        path = f"/api/tables/{quote(table, '')}/permissions?{about}"
        return cast(TablePermissions, await self.request("GET", path))

    async def whoami(self) -> WhoAmI:
        return cast(WhoAmI, await self.request("GET", "/api/access/whoami"))

    async def roles(self) -> RoleList:
        return cast(RoleList, await self.request("GET", "/api/access/roles"))

    async def explain(self, request: ExplainRequest) -> Explanation:
        return cast(Explanation, await self.request("POST", "/api/access/explain", json=request))

    # The app file and its versions.

    async def migrations(self, *, limit: int = 50, offset: int = 0) -> Migrations:
        path = with_query("/api/admin/migrations", {"limit": limit, "offset": offset})
        return cast(Migrations, await self.request("GET", path))

    async def migration(self, version: int, *, against: int | None = None) -> MigrationDetail:
        path = with_query(f"/api/admin/migrations/{version}", {"against": against})
        return cast(MigrationDetail, await self.request("GET", path))

    async def migration_status(self) -> MigrationStatus:
        return cast(MigrationStatus, await self.request("GET", f"{CONSOLE}/migrations/status"))

    async def plan_migration(self, request: PlanRequest) -> MigrationPlan:
        return cast(MigrationPlan, await self.request("POST", f"{CONSOLE}/migrations/plan", json=request))

    async def migrate(self, request: RunRequest) -> Job:
        return cast(Job, await self.request("POST", f"{CONSOLE}/migrations", json=request))

    async def edit_schema(self, request: SchemaEditRequest) -> SchemaEdit:
        return cast(SchemaEdit, await self.request("POST", f"{CONSOLE}/schema/edit", json=request))

    # What became of a record, and what is said about it.

    async def history(self, table: str, key: str, *, limit: int = 50, offset: int = 0) -> HistoryList:
        query = {"limit": limit, "offset": offset, "sort": "createdAt:desc"}
        path = with_query(f"{record_path(table, key)}/history", query)
        return cast(HistoryList, await self.request("GET", path))

    async def revert(self, table: str, key: str, entry: str) -> Reverted:
        path = f"{record_path(table, key)}/history/{quote(entry, '')}/revert"
        return cast(Reverted, await self.request("POST", path))

    async def comments(self, table: str, key: str, *, limit: int = 50, offset: int = 0) -> CommentList:
        query = {"limit": limit, "offset": offset, "sort": "createdAt:asc"}
        return cast(CommentList, await self.request("GET", with_query(f"{record_path(table, key)}/comments", query)))

    async def comment(
        self, table: str, key: str, content: str, *, parent: str | None = None, mentions: Sequence[str] = ()
    ) -> Comment:
        body: dict[str, Any] = {"content": content, **({"parentCommentId": parent} if parent else {})}
        if mentions:
            body["mentions"] = list(mentions)
        answer = await self.request("POST", f"{record_path(table, key)}/comments", json=body)
        return cast(Comment, answer["comment"])

    async def change_comment(
        self, table: str, key: str, comment: str, *, content: str | None = None, status: str | None = None
    ) -> Comment:
        body = {name: value for name, value in (("content", content), ("status", status)) if value is not None}
        path = f"{record_path(table, key)}/comments/{quote(comment, '')}"
        return cast(Comment, (await self.request("PATCH", path, json=body))["comment"])

    async def remove_comment(self, table: str, key: str, comment: str) -> None:
        await self.request("DELETE", f"{record_path(table, key)}/comments/{quote(comment, '')}")

    async def delete_for_good(self, table: str, keys: Sequence[str]) -> int:
        path = f"/api/tables/{quote(table, '')}/records/batch"
        answer = await self.request("DELETE", path, json={"ids": list(keys), "permanent": True})
        return int(answer["deleted"])

    async def request(self, method: str, path: str, *, json: Any = None) -> Any:
        return await self._call(method, path, json, repeatable=method in ("GET", "HEAD", "PUT", "DELETE"))

    async def close(self) -> None:
        self._transport.close()

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _allow(self, method: str, path: str, content: Any) -> None:
        """Raises ReadOnly."""
        if self.read_only and writes(method, path, content):
            error = ReadOnly()
            error.put(self.wording)
            raise error

    async def _send_file(self, path: str, file: Path) -> Any:
        self._allow("POST", path, None)
        with open_for_upload(file) as source:
            headers = [
                ("Content-Type", "application/octet-stream"),
                ("Content-Length", str(os.fstat(source.fileno()).st_size)),
            ]
            async with self._transport.exchange(
                "POST", path, headers=headers, body=chunks_of(source), patience=UPLOAD_PATIENCE, repeatable=False
            ) as answer:
                return checked(answer.status, decoded(await answer.read()))

    async def _call(
        self,
        method: str,
        path: str,
        content: Any,
        *,
        repeatable: bool,
        read: Callable[[int, Any], Any] | None = None,
    ) -> Any:
        """The decoded body of an answer, by status; `read` raises what it has against it, `checked` where none is given.
        `content`: bytes as they are, None for no body, else sent as JSON."""
        self._allow(method, path, content)
        headers: Headers = ()
        body = b""
        if content is not None:
            kind = "application/octet-stream" if isinstance(content, bytes) else "application/json"
            body = content if isinstance(content, bytes) else orjson.dumps(content)
            headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
        async with self._transport.exchange(
            method, path, headers=headers, body=body, patience=self._timeout, repeatable=repeatable
        ) as answer:
            return (read or checked)(answer.status, decoded(await answer.read()))


NOT_OURS = "What answers there is not a sovrium-tui server"


def record_path(table: str, key: str) -> str:
    return f"/api/tables/{quote(table, '')}/records/{quote(key, '')}"


def with_query(path: str, query: Mapping[str, Any]) -> str:
    """The path with the parameters that have a value."""
    given = {key: value for key, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def decoded(body: bytes) -> Any:
    if not body:
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ServerGone(NOT_OURS) from error


def checked(status: int, body: Any) -> Any:
    """The body of a good answer; raises the error of a bad one. A sovrium-tui server sends nobody elsewhere, and to where
    another one does no session is taken."""
    if 300 <= status < 400:
        raise ServerGone(NOT_OURS, hint="it sends elsewhere: name the address that it leads to, if that is one")
    if status >= 400:
        raise error_from_body(status, body if isinstance(body, dict) else {})
    return body


def with_outcomes(status: int, body: Any) -> Any:
    """The answer to a commit, also when nothing was committed."""
    return body if isinstance(body, dict) and "outcomes" in body else checked(status, body)


async def raise_for_status(answer: Answer) -> None:
    if answer.status >= 300:
        checked(answer.status, decoded(await answer.read()))


async def server_sent(chunks: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    """The events of a stream; broken when nothing comes for `SILENCE` seconds."""
    waiting = b""
    while True:
        try:
            async with asyncio.timeout(SILENCE):
                chunk = await anext(chunks, None)
        except TimeoutError as error:
            raise ServerGone("The server has fallen silent") from error
        if chunk is None:
            return
        *blocks, waiting = (waiting + chunk).split(b"\n\n")
        for block in blocks:
            data = b"".join(line[5:].strip() for line in block.split(b"\n") if line.startswith(b"data:"))
            if data:
                yield cast(Event, orjson.loads(data))
