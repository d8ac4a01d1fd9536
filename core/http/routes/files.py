"""Files that records refer to: uploaded on their own, put into a record by their keys, read by who may read the record."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import IO
from urllib.parse import quote

from core.contract.files import UploadedFile
from core.errors import BadRequest, FieldError, Invalid, NotFound
from core.fields.attachment import AttachmentField, told
from core.files.ledger import KnownFile
from core.files.service import Files, plain_name
from core.http.answer import Answer, Header, Stream, as_json
from core.http.call import Call
from core.http.multipart import first_file
from core.http.route import Parameter, RouteFamily
from core.http.routes.tables import table_of
from core.records.sight import sees_file
from core.storage.database import Call as Job

BLOCK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_SHOWN = ("image/", "audio/", "video/", "text/plain", "application/pdf")
# A file may be anything: shown by a browser, it must not act as a page of ours.
_HARMLESS: Header = (b"content-security-policy", b"sandbox; default-src 'none'")

routes = RouteFamily("files")


@routes.add(
    "POST",
    "/api/tables/{table}/files",
    query={
        "filename": Parameter("name of the file, where the body is its bytes"),
        "field": Parameter("the field that it is for: its limits are checked at once"),
    },
    body=bytes,
    body_kind="application/octet-stream",
    answers={201: UploadedFile},
    errors=(404, 413),
    needs="create",
)
async def upload_file(call: Call) -> Answer:
    """Keep a file until a record refers to it by its key: as the body, or as the file of a form."""
    table = table_of(call)
    access = call.engine.records.access.table(call.principal, table)
    if not (access.may("create") or access.may("update")):
        raise NotFound
    files, field = files_of(call), None
    if name := call.text("field"):
        found = table.fields.get(name)
        if name in access.hidden or name in access.locked or not isinstance(found, AttachmentField):
            raise Invalid(f"{name} is no field of files", [FieldError("field", "parameter.wrong", "Expected a field")])
        field = found
    kind = call.header(b"content-type") or ""
    filename, chunks = plain_name(call.text("filename") or "file"), call.chunks()
    if kind.lower().startswith("multipart/form-data"):
        given, chunks = await first_file(chunks, kind)
        filename = plain_name(call.text("filename") or given)
    upload = await asyncio.to_thread(files.receive, filename, field)
    with upload:
        async for block in _blocks(chunks):
            await asyncio.to_thread(upload.write, block)
        file, judged = await asyncio.to_thread(upload.finish)
    await files.note(file, filename, judged, call.principal.actor)
    value = {"key": file.key, "filename": filename, "mimeType": judged, "size": file.size, "bucket": "local"}
    return as_json({**told(value), "sha256": file.sha256}, 201)


@routes.add(
    "GET",
    "/api/files/{key}",
    query={"download": Parameter("to be saved, whatever it is", "boolean")},
    answers={200: bytes, 206: bytes, 304: None},
    answer_kinds=("*/*",),
    errors=(404, 416),
)
async def read_file(call: Call) -> Answer:
    """The bytes of a file, or a range of them, for who may read a record that refers to it."""
    files = files_of(call)
    known = await files.known(call.segments["key"])
    if not await _may_read(call, known):
        raise NotFound
    tag = f'"{known.sha256[:32]}"'
    headers: list[Header] = [(b"etag", tag.encode()), (b"accept-ranges", b"bytes"), _HARMLESS]
    headers.append((b"content-disposition", disposition(known, save=call.boolean("download"))))
    if tag in (call.header(b"if-none-match") or "").replace("W/", "").split(", "):
        return Answer(304, None, headers)
    headers.append((b"content-type", known.kind.encode()))
    asked = call.header(b"range")
    part = None
    if asked and (call.header(b"if-range") or tag) == tag:
        part = byte_range(asked, known.size)
    if part == "beyond":
        return Answer(416, b"", [(b"content-range", f"bytes */{known.size}".encode())])
    start, size = (0, known.size) if not isinstance(part, tuple) else (part[0], part[1] - part[0] + 1)
    source = await asyncio.to_thread(files.store.open, known.key)
    status = 200
    if isinstance(part, tuple):
        status = 206
        headers.append((b"content-range", f"bytes {part[0]}-{part[1]}/{known.size}".encode()))
    return Stream(_read(source, start, size), headers, status=status, size=size)


def files_of(call: Call) -> Files:
    files: Files | None = call.engine.files
    if files is None:
        raise NotFound
    return files


async def _may_read(call: Call, known: KnownFile) -> bool:
    """A record that refers to it can be read; a file that none refers to yet is its uploader's."""
    records, principal = call.engine.records, call.principal
    if principal.is_unrestricted:
        return True
    scope = records.scope(principal, next(iter(call.engine.model)))
    job = Job(lambda reader: sees_file(reader, scope, known, principal.id))
    return await call.engine.database.read(job, lane="point")


def disposition(known: KnownFile, *, save: bool) -> bytes:
    shown = not save and known.kind.startswith(_SHOWN) and known.kind != "image/svg+xml"
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in known.filename)
    kind = "inline" if shown else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(known.filename, safe='')}".encode()


def byte_range(asked: str, size: int) -> tuple[int, int] | str | None:
    """First and last byte of a single range; "beyond" when it holds none; None for what is not understood, and ignored."""
    found = _RANGE.fullmatch(asked.strip())
    if found is None or not (found[1] or found[2]) or max(len(found[1]), len(found[2])) > 18:
        return None
    if not found[1]:
        last = int(found[2])
        return (max(0, size - last), size - 1) if last and size else "beyond"
    first, last = int(found[1]), int(found[2]) if found[2] else size - 1
    if first >= size:
        return "beyond"
    return (first, min(last, size - 1)) if last >= first else None


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Chunks gathered to a size that is worth a thread."""
    waiting = bytearray()
    async for chunk in chunks:
        waiting += chunk
        if len(waiting) >= BLOCK:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


async def _read(source: IO[bytes], start: int, size: int) -> AsyncGenerator[bytes]:
    try:
        await asyncio.to_thread(source.seek, start)
        while size > 0:
            block = await asyncio.to_thread(source.read, min(BLOCK, size))
            if not block:
                raise BadRequest("The file is shorter than it was")
            size -= len(block)
            yield block
    finally:
        source.close()
