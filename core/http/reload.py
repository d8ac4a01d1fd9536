"""Taking up the app file anew under a server that runs: read and checked first, then the tables, then the doors.

A file that is wrong, or that asks for something that would lose data, changes nothing. While the tables change their
shape new requests wait; where more than additions are made, writes that are under way are let finish first, because they
were built for the old shape. Nobody is hung up on.
"""

import asyncio
from typing import TYPE_CHECKING

from core.contract.server import Reloaded, ReloadRequest
from core.engine import Engine, owned_views, read_model
from core.errors import Busy, Conflict, MigrationRefused, SovriumError, StorageError
from core.migrations.run import plan

if TYPE_CHECKING:
    from core.http.app import Application
    from core.migrations.plan import Plan

DRAIN_SECONDS = 10.0
"""How long writes that are under way may hold up a change of shape."""


class Reloading:
    """One reload after the other, for one application. On the event loop."""

    def __init__(self, app: "Application") -> None:
        self._app = app
        self._turn = asyncio.Lock()

    async def run(self, request: ReloadRequest | None = None) -> Reloaded:
        """Bring the server to what the app file says now.

        Raises:
            SchemaError: the file is not valid.
            MigrationRefused: it would lose data (`unconfirmed`), or the rows do not fit.
            Conflict: it is not the file that was confirmed.
            Busy: writes do not come to an end.
        """
        async with self._turn:
            return await self._run(request or {})

    def tell_refused(self, error: SovriumError) -> None:
        """Tell the consoles that the file, which somebody has changed, cannot be taken up."""
        engine = self._app.engine
        if engine is not None:
            engine.bus.publish({"kind": "schema", "state": "refused", "message": error.message})

    async def _run(self, request: ReloadRequest) -> Reloaded:
        engine = self._app.engine
        if engine is None or engine.app.source is None:
            raise StorageError("The server is not ready yet", hint="try again in a moment")
        model = await asyncio.to_thread(read_model, engine.app.source)
        if (checksum := request.get("checksum")) and checksum != model.app.checksum:
            raise Conflict("The app file has changed since you were asked", hint="reload again")
        steps = await asyncio.to_thread(plan, engine.database, model, owned=owned_views())
        allow = bool(request.get("allowDestructive"))
        check(steps, allow, model.app.checksum)
        if model.app.checksum == engine.app.checksum and steps.is_empty:
            return answer(engine, steps, changed=False)
        gentle = all(step.kind == "add" for step in steps.steps)
        with self._app.held(hold=not steps.is_empty):
            if not gentle:
                await self._drain(engine)
            successor = await asyncio.to_thread(engine.successor, model, allow_destructive=allow)
            self._app.engine = successor
        await engine.retire(successor)
        successor.bus.publish({"kind": "schema", "version": successor.schema_version, "state": "reloaded"})
        if self._app.on_reload is not None:
            self._app.on_reload(successor)
        return answer(successor, steps, changed=True)

    async def _drain(self, engine: Engine) -> None:
        """Wait for the writes of requests and imports that began with the old shape."""
        deadline = asyncio.get_running_loop().time() + DRAIN_SECONDS
        while self._app.writes > 0 or any(job["state"] == "running" for job in engine.jobs.list()):
            if asyncio.get_running_loop().time() > deadline:
                raise Busy("Writes, imports or exports are still under way", hint="reload again once they have ended")
            await asyncio.sleep(0.02)


def check(steps: "Plan", allow_destructive: bool, checksum: str) -> None:
    """Raises MigrationRefused before anything waits for a migration that will not be made."""
    if steps.refusals:
        first = steps.refusals[0]
        details = [line for each in steps.refusals for line in (each.message, *each.details)]
        raise MigrationRefused(first.message, details=details, hint=first.hint)
    if steps.unconfirmed and not allow_destructive:
        raise MigrationRefused(
            "The app file asks for changes that would lose data; the running version stays",
            details=[step.text for step in steps.unconfirmed],
            hint="`sovrium-tui reload` asks whether you mean it",
            unconfirmed=True,
            checksum=checksum,
        )


def answer(engine: Engine, steps: "Plan", *, changed: bool) -> Reloaded:
    return {
        "changed": changed,
        "schemaVersion": engine.schema_version,
        "checksum": engine.app.checksum,
        "steps": [step.text for step in steps.steps],
        "warnings": list(steps.warnings),
    }
