"""Backups (A-047): an archive of everything that is kept, for administrators."""

from functools import partial

from core.auth.error import AuthError
from core.contract.admin import BackupRequest
from core.contract.console import Job
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import RouteFamily
from core.http.session import renewed

routes = RouteFamily("admin", admin=True)


@routes.add("POST", "/api/admin/backups", body=BackupRequest, answers={202: Job}, errors=(400, 401, 403, 404, 409, 503))
async def back_up(call: Call) -> Answer:
    """Make a backup, as a job whose file is the archive. With the master key: for the local owner alone"""
    request: BackupRequest = await call.checked()
    passphrase, auth, who, source = request.get("passphrase"), call.engine.auth, call.principal, call.source
    if passphrase is not None and who.kind != "owner":
        raise AuthError("FORBIDDEN", "The master key is taken along by the owner of the server alone, on its machine")

    async def note() -> None:
        if auth is not None:
            context, with_key = auth.context, passphrase is not None
            await context.write(lambda tx: context.log(tx, "backup.started", who, source, withKey=with_key), who)

    job = call.engine.backups.start(
        who, call.app.version, passphrase, note, still=None if who.is_unrestricted else partial(renewed, call)
    )
    return as_json(job, 202)
