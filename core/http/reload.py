"""Taking up the app file anew under a server that runs: read and checked first, then the tables, then the doors.

A file that is wrong, or that asks for something that would lose data, changes nothing. While the tables change their
shape new requests wait; where more than additions are made, writes that are under way are let finish first, because they
were built for the old shape. Nobody is hung up on.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from core.assembly import make_plan, owned_views, read_model, row_rules, succeed
from core.contract.console import Job
from core.contract.migrations import PlanRequest, RunRequest, SchemaEdit, SchemaEditRequest
from core.contract.server import Reloaded, ReloadRequest
from core.engine import Engine
from core.errors import Busy, Conflict, MigrationRefused, SovriumError, StorageError
from core.fields.build import build_app
from core.fields.registry import FIELD_TYPES
from core.jobs.center import Progress as JobProgress
from core.migrations.report import plan_data
from core.migrations.run import Progress, plan, record_failure, refuse
from core.principal import Principal
from core.schema.edit import edit_app, write_texts

if TYPE_CHECKING:
    from core.fields.model import AppModel
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
            BadRequest: it must not be reached from where the server can be.
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

    async def edit(self, request: SchemaEditRequest) -> SchemaEdit:
        """Change the app file, or show what would be changed.

        Raises:
            BadRequest: a change that cannot be made.
            MigrationRefused: with `apply`, the tables cannot follow; the file stays as it was.
            Conflict: it is not the file that the preview was made for.
        """
        async with self._turn:
            engine, model = await self._ready(request.get("checksum"))
            source = engine.app.source
            assert source is not None
            edited = await asyncio.to_thread(edit_app, source, request["changes"], FIELD_TYPES)
            outcome: SchemaEdit = {
                "diff": edited.diff,
                "files": [str(path) for path in edited.texts],
                "problems": [problem.body() for problem in edited.problems if problem.severity == "error"],
                "plan": None,
                "checksum": model.app.checksum,
                "applied": False,
                "schemaVersion": engine.schema_version,
            }
            if edited.app is None:
                return outcome
            wanted = build_app(edited.app)
            steps = await asyncio.to_thread(plan, engine.database, wanted, owned=owned_views(), rules=row_rules())
            outcome["plan"] = plan_data(steps, wanted.app.checksum)
            if request.get("apply") and edited.texts:
                outcome["schemaVersion"] = await self._write(engine, edited.texts, steps, request)
                outcome["applied"] = True
            return outcome

    async def _write(self, engine: Engine, texts: Mapping[Path, str], steps: "Plan", request: SchemaEditRequest) -> int:
        """The files, then the tables; files that the tables cannot follow are put back."""
        allow = bool(request.get("allowDestructive"))
        await asyncio.to_thread(check_recorded, engine, steps, allow, steps.model.app.checksum)
        before = {path: await asyncio.to_thread(read_exactly, path) for path in texts}
        await asyncio.to_thread(write_texts, texts)
        try:
            return (await self._run({"allowDestructive": allow}))["schemaVersion"]
        except BaseException:
            await asyncio.to_thread(write_texts, before)
            raise

    async def _run(self, request: ReloadRequest) -> Reloaded:
        engine, model = await self._ready(request.get("checksum"))
        self._check_place(model)
        steps = await asyncio.to_thread(plan, engine.database, model, owned=owned_views(), rules=row_rules())
        allow = bool(request.get("allowDestructive"))
        await asyncio.to_thread(check_recorded, engine, steps, allow, model.app.checksum)
        if model.app.checksum == engine.app.checksum and steps.is_empty:
            return answer(engine, steps, changed=False)
        successor = await self._swap(engine, steps, lambda: succeed(engine, steps, allow_destructive=allow))
        done = answer(successor, steps, changed=True)
        done["warnings"] += await asyncio.to_thread(notes_of, successor)
        return done

    async def _swap(self, engine: Engine, steps: "Plan", make: Callable[[], Engine]) -> Engine:
        """Change the tables while nothing else touches them, then lead the doors to the new engine."""
        gentle = all(step.kind == "add" for step in steps.steps)
        with self._app.held(hold=not steps.is_empty):
            if not gentle:
                await self._drain(engine)
            successor = await asyncio.to_thread(make)
            self._app.engine = successor
            self._app.lead_links_here()
        await engine.retire(successor)
        if successor.auth is not None:
            from core.auth.config_change import tell

            await asyncio.to_thread(tell, successor.auth.context, engine.app, successor.app)
        successor.bus.publish({"kind": "schema", "version": successor.schema_version, "state": "reloaded"})
        if self._app.on_reload is not None:
            self._app.on_reload(successor)
        return successor

    # Migrations that somebody has looked at first.

    async def plan(self, engine: Engine, model: "AppModel", request: PlanRequest) -> "Plan":
        """What the request would do. Raises BadRequest, MigrationRefused."""
        return await asyncio.to_thread(make_plan, engine.database, model, request)

    async def start(self, request: RunRequest, principal: Principal) -> Job:
        """Carry out a plan as a job, which tells its progress and can be cancelled until its end.

        Raises:
            SchemaError: the file is not valid.
            MigrationRefused: it may not be carried out like this.
            Conflict: it is not the file that was agreed to.
        """
        engine, model = await self._ready(request.get("checksum"))
        self._check_place(model)
        steps = await self.plan(engine, model, request)
        await asyncio.to_thread(refuse_recorded, engine, steps, request, name_of(principal))
        titles = {"migrate": "Migration", "rollback": "Rollback", "repair": "Repair"}
        title = f"{titles[request.get('operation', 'migrate')]} to version {steps.after}"

        async def work(progress: JobProgress) -> None:
            async with self._turn:
                await self._carry_out(steps, model, request, principal, progress)

        return engine.jobs.start("migrate", title, work, principal=principal)

    async def _carry_out(
        self, steps: "Plan", model: "AppModel", request: RunRequest, principal: Principal, progress: JobProgress
    ) -> None:
        engine = self._app.engine
        assert engine is not None

        def make() -> Engine:
            return succeed(
                engine,
                steps,
                like=model,
                allow_destructive=bool(request.get("allowDestructive") or request.get("force")),
                reapply=bool(request.get("reapply")),
                reason=request.get("reason"),
                actor=name_of(principal),
                report=lambda how: self.tell_progress(progress, how),
                cancel=progress.cancel,
            )

        successor = await self._swap(engine, steps, make)
        progress.finish(0)
        progress.report(0, None, f"Version {successor.schema_version} is in force")

    @staticmethod
    def tell_progress(job: JobProgress, how: Progress) -> None:
        """On the writer's thread. A cancelled job ends by the database's own means."""
        if not job.cancel.requested:
            job.report(how.done, how.total, f"{how.text} ({how.step} of {how.steps})")

    def _check_place(self, model: "AppModel") -> None:
        if self._app.may_serve is not None:
            self._app.may_serve(model.app)

    async def _ready(self, checksum: str | None) -> tuple[Engine, "AppModel"]:
        """The engine, and the app file as it is now."""
        engine = self._app.engine
        if engine is None or engine.app.source is None:
            raise StorageError("The server is not ready yet", hint="try again in a moment")
        model = await asyncio.to_thread(read_model, engine.app.source)
        if checksum and checksum != model.app.checksum:
            raise Conflict("The app file has changed since you were asked", hint="look at the new plan")
        return engine, model

    async def _drain(self, engine: Engine) -> None:
        """Wait for the writes of requests and imports that began with the old shape."""
        deadline = asyncio.get_running_loop().time() + DRAIN_SECONDS
        while self._app.writes > 0 or any(
            each["state"] == "running" and each["kind"] != "migrate" for each in engine.jobs.list()
        ):
            if asyncio.get_running_loop().time() > deadline:
                raise Busy("Writes, imports or exports are still under way", hint="reload again once they have ended")
            await asyncio.sleep(0.02)


@contextmanager
def recorded(engine: Engine, steps: "Plan", reason: str | None, actor: str) -> Iterator[None]:
    """A refusal is an attempt, too (M-051)."""
    try:
        yield
    except MigrationRefused as error:
        record_failure(engine.database, steps, error, reason, actor)
        raise


def check_recorded(engine: Engine, steps: "Plan", allow_destructive: bool, checksum: str) -> None:
    """`check`, blocking."""
    with recorded(engine, steps, None, "system"):
        check(steps, allow_destructive, checksum)


def refuse_recorded(engine: Engine, steps: "Plan", request: RunRequest, actor: str) -> None:
    """`refuse`, blocking."""
    with recorded(engine, steps, request.get("reason"), actor):
        allow = bool(request.get("allowDestructive") or request.get("force"))
        refuse(steps, allow_destructive=allow, reapply=bool(request.get("reapply")))


def read_exactly(path: Path) -> str:
    """The text with its own line breaks."""
    with path.open(encoding="utf-8", newline="") as stream:
        return stream.read()


def name_of(principal: Principal) -> str:
    return principal.name or principal.id or principal.kind


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


def notes_of(engine: Engine) -> list[str]:
    """What to know about who holds which role. Blocks."""
    if engine.app.auth is None:
        return []
    from core.auth.note import role_notes

    return role_notes(engine.database, engine.app.roles)


def answer(engine: Engine, steps: "Plan", *, changed: bool) -> Reloaded:
    return {
        "changed": changed,
        "schemaVersion": engine.schema_version,
        "checksum": engine.app.checksum,
        "steps": [step.text for step in steps.steps],
        "warnings": list(steps.warnings),
    }
