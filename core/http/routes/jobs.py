"""`/api/console/jobs`: imports, exports and backups that run, and those that have ended."""

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import IO
from urllib.parse import quote

from core.contract.console import Job, Jobs
from core.errors import NotFound
from core.http.answer import Answer, Header, Stream, as_json, empty
from core.http.call import Call
from core.http.route import RouteFamily

BLOCK = 256 * 1024
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
    ".xlsx": SPREADSHEET,
    ".parquet": "application/vnd.apache.parquet",
    ".tar": "application/x-tar",
}
FILE_KINDS = ("text/csv", "application/json", "application/x-ndjson", SPREADSHEET, "application/vnd.apache.parquet")

routes = RouteFamily("jobs")


@routes.add("GET", "/api/console/jobs", answers={200: Jobs})
async def jobs(call: Call) -> Answer:
    """The caller's jobs, newest first; all of them for the owner."""
    return as_json({"jobs": call.engine.jobs.list(call.principal)})


@routes.add("GET", "/api/console/jobs/{job}", answers={200: Job}, errors=(404,))
async def job(call: Call) -> Answer:
    """One job."""
    return as_json(call.engine.jobs.get(call.segments["job"], call.principal))


@routes.add("DELETE", "/api/console/jobs/{job}", answers={204: None}, errors=(404,))
async def cancel_job(call: Call) -> Answer:
    """Cancel a running job, forget a finished one."""
    call.engine.jobs.cancel(call.segments["job"], call.principal)
    return empty()


@routes.add(
    "GET",
    "/api/console/jobs/{job}/file",
    answers={200: bytes},
    answer_kinds=(*FILE_KINDS, "application/x-tar"),
    errors=(404,),
)
async def job_file(call: Call) -> Answer:
    """The file of a finished export or backup, or the rows that an import refused."""
    found = call.engine.jobs.get(call.segments["job"], call.principal)
    source, size = opened(call.engine.jobs.file(found["id"], call.principal))
    return Stream(blocks(source), attachment(found.get("file", found["title"])), size=size)


def opened(file: Path, *, remove: bool = False) -> tuple[IO[bytes], int]:
    """The file and its size. It stays readable when it is removed, at once or meanwhile."""
    try:
        source = file.open("rb")
    except FileNotFoundError as error:
        raise NotFound from error
    if remove:
        file.unlink()
    return source, os.fstat(source.fileno()).st_size


async def blocks(source: IO[bytes]) -> AsyncGenerator[bytes]:
    """The file in pieces."""
    with source:
        while block := await asyncio.to_thread(source.read, BLOCK):
            yield block


def attachment(name: str) -> list[Header]:
    """Headers of a download under that name, which may hold any character."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\/' else "_" for c in name)
    kind = KINDS.get(Path(name).suffix, "application/octet-stream")
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, '')}"
    return [(b"content-type", kind.encode()), (b"content-disposition", disposition.encode())]
