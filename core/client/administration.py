"""Administering the people of an app: users, their sessions, the outbox, the audit log, who may do what."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import quote, urlencode

from core.contract.access import AccessRules
from core.contract.admin import (
    AdminRoles,
    AdminUser,
    AdminUserDetails,
    AuditCheck,
    AuditPage,
    GroupBody,
    Impersonated,
    InvitationSent,
    OutboxEntry,
    OutboxPage,
    SessionPage,
    UserOverview,
    UserPage,
)
from core.contract.auth import KeyStateBody, Rotated, SessionBody
from core.contract.auth_setting import AuthSettings
from core.contract.console import Job
from core.contract.log_level import LogLevel
from core.contract.logs import LogPage

ADMIN = "/api/auth/admin"
OUTBOX = "/api/admin/outbox"
AUDIT = "/api/admin/audit-log"
MASTER_KEY = "/api/admin/master-key"
BACKUPS = "/api/admin/backups"
LOGS = "/api/console/logs"


class Asker(Protocol):
    """What sends a request: the client."""

    token: str | None

    async def request(self, method: str, path: str, *, json: Any = None) -> Any: ...
    async def fetch(self, path: str, target: Path) -> int: ...


class AdminPort(Protocol):
    """What administrators may ask of a server; to others all of it is unknown (NotFound)."""

    async def rules(self) -> AccessRules: ...
    async def auth_settings(self) -> AuthSettings: ...

    async def logs(
        self, *, level: LogLevel = "debug", text: str = "", before: str | None = None, after: str | None = None
    ) -> LogPage: ...

    async def users(self, search: str = "", *, limit: int = 50, offset: int = 0) -> UserPage: ...
    async def user(self, id_: str) -> AdminUserDetails: ...
    async def roles(self) -> AdminRoles: ...
    async def overview(self) -> UserOverview:
        """How many there are, and who has come in the last seven days."""
        ...

    async def groups(self) -> list[GroupBody]: ...
    async def join(self, id_: str, group: str) -> None: ...
    async def leave(self, id_: str, group: str) -> None: ...
    async def update_user(self, id_: str, data: Mapping[str, str]) -> AdminUser: ...
    async def create_user(self, email: str, name: str, password: str, role: str) -> AdminUser: ...
    async def invite(self, email: str, name: str, role: str) -> InvitationSent: ...
    async def set_role(self, id_: str, role: str) -> AdminUser: ...
    async def set_password(self, id_: str, password: str, *, must_change: bool = False) -> None: ...
    async def ban(self, id_: str, reason: str = "", seconds: int | None = None) -> AdminUser: ...
    async def unban(self, id_: str) -> AdminUser: ...
    async def unlock(self, id_: str) -> AdminUser: ...
    async def verify_email(self, id_: str) -> AdminUser: ...
    async def reset_factors(self, id_: str) -> None: ...
    async def remove(self, id_: str) -> None: ...
    async def user_sessions(self, id_: str) -> list[SessionBody]: ...
    async def sessions(self, *, limit: int = 50, offset: int = 0) -> SessionPage:
        """Of everybody, the one that was used last first."""
        ...

    async def end_session(self, handle: str) -> None: ...
    async def end_sessions(self, id_: str) -> int: ...
    async def impersonate(self, id_: str) -> Impersonated:
        """Begin to act as somebody. The caller decides whether to take over the session: nothing is asked with it yet."""
        ...

    async def stop_impersonating(self) -> None: ...

    async def outbox(self, cursor: str | None = None) -> OutboxPage: ...
    async def message(self, id_: str) -> OutboxEntry: ...
    async def retry(self, id_: str) -> None: ...
    async def forget(self, id_: str) -> None: ...
    async def forget_all(self) -> int:
        """All messages that do not wait; how many."""
        ...

    async def master_keys(self) -> list[KeyStateBody]: ...
    async def rotate_master_key(self) -> Rotated: ...
    async def back_up(self, passphrase: str | None = None) -> Job: ...

    async def audit(self, filters: Mapping[str, str], cursor: str | None = None) -> AuditPage: ...
    async def verify_audit(self) -> AuditCheck: ...
    async def export_audit(self, filters: Mapping[str, str], target: Path) -> int:
        """Save the entries, oldest first, as CSV or as JSON by the file's name; bytes written."""
        ...


class Administration:
    """`AdminPort` over a client."""

    def __init__(self, client: Asker) -> None:
        self._client = client

    async def rules(self) -> AccessRules:
        return cast(AccessRules, await self._client.request("GET", "/api/access/rules"))

    async def auth_settings(self) -> AuthSettings:
        return cast(AuthSettings, await self._client.request("GET", "/api/console/auth-settings"))

    async def logs(
        self, *, level: LogLevel = "debug", text: str = "", before: str | None = None, after: str | None = None
    ) -> LogPage:
        query = {"level": level, "text": text, "before": before, "after": after}
        return cast(LogPage, await self._client.request("GET", asked(LOGS, query)))

    async def users(self, search: str = "", *, limit: int = 50, offset: int = 0) -> UserPage:
        query = {"limit": limit, "offset": offset, "sortBy": "email", "searchValue": search}
        return cast(UserPage, await self._client.request("GET", asked(f"{ADMIN}/list-users", query)))

    async def user(self, id_: str) -> AdminUserDetails:
        answer = await self._client.request("GET", f"{ADMIN}/get-user/{quote(id_, '')}")
        return cast(AdminUserDetails, answer["user"])

    async def roles(self) -> AdminRoles:
        return cast(AdminRoles, await self._client.request("GET", f"{ADMIN}/roles"))

    async def overview(self) -> UserOverview:
        return cast(UserOverview, await self._client.request("GET", "/api/admin/users/overview?period=7d"))

    async def groups(self) -> list[GroupBody]:
        return cast(list[GroupBody], (await self._client.request("GET", f"{ADMIN}/groups"))["groups"])

    async def join(self, id_: str, group: str) -> None:
        await self._post(f"groups/{quote(group, '')}/members", {"userId": id_})

    async def leave(self, id_: str, group: str) -> None:
        await self._client.request("DELETE", f"{ADMIN}/groups/{quote(group, '')}/members/{quote(id_, '')}")

    async def update_user(self, id_: str, data: Mapping[str, str]) -> AdminUser:
        return await self._one("update-user", {"userId": id_, "data": data})

    async def create_user(self, email: str, name: str, password: str, role: str) -> AdminUser:
        body = {"email": email, "name": name, "password": password, **({"role": role} if role else {})}
        return await self._one("create-user", body)

    async def invite(self, email: str, name: str, role: str) -> InvitationSent:
        body = {"email": email, "name": name, **({"role": role} if role else {})}
        return cast(InvitationSent, await self._post("invite-user", body))

    async def set_role(self, id_: str, role: str) -> AdminUser:
        answer = await self._post("set-role", {"userId": id_, "role": role})
        if token := answer.get("token"):
            self._client.token = token
        return cast(AdminUser, answer["user"])

    async def set_password(self, id_: str, password: str, *, must_change: bool = False) -> None:
        await self._post("set-user-password", {"userId": id_, "newPassword": password, "mustChange": must_change})

    async def ban(self, id_: str, reason: str = "", seconds: int | None = None) -> AdminUser:
        return await self._one("ban-user", {"userId": id_, "banReason": reason or None, "banExpiresIn": seconds})

    async def unban(self, id_: str) -> AdminUser:
        return await self._one("unban-user", {"userId": id_})

    async def unlock(self, id_: str) -> AdminUser:
        return await self._one("unlock-user", {"userId": id_})

    async def verify_email(self, id_: str) -> AdminUser:
        return await self._one("verify-user-email", {"userId": id_})

    async def reset_factors(self, id_: str) -> None:
        await self._post("reset-two-factor", {"userId": id_})

    async def remove(self, id_: str) -> None:
        await self._post("remove-user", {"userId": id_})

    async def user_sessions(self, id_: str) -> list[SessionBody]:
        answer = await self._post("list-user-sessions", {"userId": id_})
        return cast(list[SessionBody], answer["sessions"])

    async def sessions(self, *, limit: int = 50, offset: int = 0) -> SessionPage:
        path = asked("/api/admin/sessions", {"limit": limit, "offset": offset})
        return cast(SessionPage, await self._client.request("GET", path))

    async def end_session(self, handle: str) -> None:
        await self._post("revoke-user-session", {"sessionToken": handle})

    async def end_sessions(self, id_: str) -> int:
        return cast(int, (await self._post("revoke-user-sessions", {"userId": id_}))["revoked"])

    async def impersonate(self, id_: str) -> Impersonated:
        return cast(Impersonated, await self._post("impersonate-user", {"userId": id_}))

    async def stop_impersonating(self) -> None:
        await self._post("stop-impersonating", {})

    async def outbox(self, cursor: str | None = None) -> OutboxPage:
        return cast(OutboxPage, await self._client.request("GET", asked(OUTBOX, {"limit": 50, "cursor": cursor})))

    async def message(self, id_: str) -> OutboxEntry:
        return cast(OutboxEntry, await self._client.request("GET", f"{OUTBOX}/{quote(id_, '')}"))

    async def retry(self, id_: str) -> None:
        await self._client.request("POST", f"{OUTBOX}/{quote(id_, '')}/retry")

    async def forget(self, id_: str) -> None:
        await self._client.request("DELETE", f"{OUTBOX}/{quote(id_, '')}")

    async def forget_all(self) -> int:
        return cast(int, (await self._client.request("DELETE", OUTBOX))["forgotten"])

    async def master_keys(self) -> list[KeyStateBody]:
        return cast(list[KeyStateBody], await self._client.request("GET", MASTER_KEY))

    async def rotate_master_key(self) -> Rotated:
        return cast(Rotated, await self._client.request("POST", f"{MASTER_KEY}/rotate", json={}))

    async def back_up(self, passphrase: str | None = None) -> Job:
        """With a passphrase the master key is in the backup, sealed with it."""
        body = {} if passphrase is None else {"passphrase": passphrase}
        return cast(Job, await self._client.request("POST", BACKUPS, json=body))

    async def audit(self, filters: Mapping[str, str], cursor: str | None = None) -> AuditPage:
        path = asked(AUDIT, {**filters, "limit": 50, "cursor": cursor})
        return cast(AuditPage, await self._client.request("GET", path))

    async def verify_audit(self) -> AuditCheck:
        return cast(AuditCheck, await self._client.request("GET", f"{AUDIT}/verify"))

    async def export_audit(self, filters: Mapping[str, str], target: Path) -> int:
        kind = "csv" if target.suffix.lower() == ".csv" else "json"
        return await self._client.fetch(asked(f"{AUDIT}/export", {**filters, "format": kind}), target)

    async def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        return await self._client.request("POST", f"{ADMIN}/{path}", json=body)

    async def _one(self, path: str, body: Mapping[str, Any]) -> AdminUser:
        return cast(AdminUser, (await self._post(path, body))["user"])


def asked(path: str, query: Mapping[str, Any]) -> str:
    """The path with the parameters that say something."""
    given = {key: value for key, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path
