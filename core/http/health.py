"""How the parts of a server are, for administrators (auth §16.1): each asked by itself, so that one that hangs or fails does
not hide the others."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from core.contract.server import PartHealth
from core.errors import SovriumError
from core.storage.database import Call

if TYPE_CHECKING:
    from core.engine import Engine

PATIENCE = 5.0
"""Seconds that one part is given."""
AUDITED = 1000
"""Entries of the audit log that are looked at, the latest; `audit verify` looks at all."""
DISK_LEAST = 100 * 1024 * 1024
"""Bytes that must be free in the data folder."""
Check = Callable[[], Awaitable[str | None]]


class NotWell(Exception):
    """A part is not as it must be; the message is for administrators."""


async def parts_of(engine: "Engine") -> dict[str, PartHealth]:
    """Every part that the app has, with how long it took to answer."""
    checks: dict[str, Check] = {"database": lambda: _database(engine), "migrations": lambda: _migrations(engine)}
    if engine.auth is not None:
        checks |= {
            "mailer": lambda: _mailer(engine),
            "keyring": lambda: _keyring(engine),
            "auditChain": lambda: _audit(engine),
        }
    checks["disk"] = lambda: _disk(engine)
    found = await asyncio.gather(*(_asked(check) for check in checks.values()))
    return dict(zip(checks, found, strict=True))


async def _asked(check: Check) -> PartHealth:
    begun, note = time.perf_counter(), None
    try:
        async with asyncio.timeout(PATIENCE):
            note = await check()
        status = "ok" if note is None else note
    except TimeoutError:
        status, note = "failed", f"no answer within {PATIENCE:g} s"
    except NotWell as error:
        status, note = "failed", str(error)
    except SovriumError as error:
        status, note = "failed", error.message
    part: PartHealth = {"status": status, "ms": round((time.perf_counter() - begun) * 1000, 1)}
    if status == "failed" and note is not None:
        part["note"] = note
    return part


async def _database(engine: "Engine") -> str | None:
    await engine.database.read(Call(lambda reader: reader.scalar("SELECT 1")), lane="point")
    state = engine.database.health()
    if state.state != "ready":
        raise NotWell(state.note or state.state)
    return None


async def _migrations(engine: "Engine") -> str | None:
    from core.migrations.bookkeeping import version_in_force
    from core.migrations.run import history

    there = version_in_force(await asyncio.to_thread(history, engine.database))
    if there != engine.schema_version:
        raise NotWell(f"the database is at version {there}, this server at {engine.schema_version}")
    return None


async def _mailer(engine: "Engine") -> str | None:
    assert engine.auth is not None
    found = await engine.auth.context.post.check()
    if found.status == "failed":
        raise NotWell(found.note or "no mail can leave")
    return "off" if found.status == "off" else None


async def _keyring(engine: "Engine") -> str | None:
    """The master key opens what it has sealed."""
    assert engine.auth is not None
    secrets = engine.auth.context.secrets
    if secrets.open(secrets.seal(b"well", "health"), "health") != b"well":
        raise NotWell("the master key does not open what it has sealed")
    return None


async def _audit(engine: "Engine") -> str | None:
    assert engine.auth is not None
    context = engine.auth.context
    broken = await context.read(lambda reader: context.audit.first_broken(reader, AUDITED), lane="long")
    if broken is not None:
        raise NotWell(f"entry {broken} was changed, or the one before it is missing")
    return None


async def _disk(engine: "Engine") -> str | None:
    free = (await asyncio.to_thread(shutil.disk_usage, engine.data_dir)).free
    if free < DISK_LEAST:
        raise NotWell(f"{free // 1024 // 1024} MB are free in the data folder")
    return None
