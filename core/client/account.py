"""Signing in to a server and one's own account there: `/api/auth` as a console needs it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import parse_qs, quote, urlsplit

from core.contract.admin import ApiKeyBody, ApiKeyCreated
from core.contract.auth import EnrolmentBody, SessionAndUser, SessionBody, SignInAnswer, Ways

BASE = "/api/auth"


class Asker(Protocol):
    """What sends a request: the client."""

    token: str | None

    async def request(self, method: str, path: str, *, json: Any = None) -> Any: ...
    async def fetch(self, path: str, target: Path) -> int: ...


class AccountPort(Protocol):
    """What the console may ask of a server for the person in front of it."""

    async def ways(self) -> Ways:
        """How one can sign in."""
        ...

    async def sign_in(self, email: str, password: str) -> SignInAnswer:
        """`twoFactorRedirect` in the answer asks for `second_step`; else the session has begun."""
        ...

    async def second_step(self, code: str, *, trust: bool = False) -> None: ...
    async def send_code(self, email: str) -> None:
        """Have a code, and a link, sent by mail."""
        ...

    async def sign_in_by(self, email: str, text: str) -> SignInAnswer:
        """With a code of a mail, or with the link of one, pasted."""
        ...

    async def sign_up(self, name: str, email: str, password: str) -> SignInAnswer:
        """Without `token` in the answer, the address is to be verified first."""
        ...

    async def accept_invitation(self, text: str, name: str, password: str) -> SignInAnswer:
        """With the link of the mail, pasted. name "": as the invitation has it."""
        ...

    async def forgotten(self, email: str) -> None:
        """Have a link sent that leads to another password."""
        ...

    async def reset_password(self, text: str, password: str) -> None:
        """With the link of that mail, pasted. All sessions end."""
        ...

    async def who(self) -> SessionAndUser | None: ...
    async def sign_out(self) -> None: ...
    async def sessions(self) -> list[SessionBody]: ...
    async def end_session(self, id_: str) -> None: ...
    async def end_other_sessions(self) -> int: ...
    async def rename(self, name: str) -> None: ...
    async def change_password(self, current: str, new: str) -> None: ...
    async def change_email(self, email: str) -> None:
        """Ask for another address: the former one is asked first, then the new one is to be proven."""
        ...

    async def export(self, target: Path) -> int:
        """Save all that is kept of the account; bytes written."""
        ...

    async def leave(self, password: str) -> str:
        """Give the account up: all sessions end. Answers when it is removed; until then the link of a mail keeps it."""
        ...

    async def begin_factor(self, password: str) -> EnrolmentBody:
        """Set up an authenticator app; it holds once `confirm_factor` was shown its first code."""
        ...

    async def confirm_factor(self, code: str) -> None: ...
    async def end_factor(self, password: str) -> None: ...
    async def backup_codes(self, password: str) -> list[str]:
        """New ones; the former hold no more."""
        ...

    async def keys(self) -> list[ApiKeyBody]: ...
    async def make_key(self, name: str, scopes: Sequence[str] = (), seconds: int | None = None) -> ApiKeyCreated:
        """The secret is in the answer alone."""
        ...

    async def rotate_key(self, id_: str, grace: int) -> ApiKeyCreated:
        """A key in place of that one, which holds for `grace` seconds more."""
        ...

    async def end_key(self, id_: str) -> None: ...


class Account:
    """`AccountPort` over a client, whose token it sets: what is asked from then on is asked as that account."""

    def __init__(self, client: Asker) -> None:
        self._client = client

    async def ways(self) -> Ways:
        return cast(Ways, await self._client.request("GET", f"{BASE}/ways"))

    async def sign_in(self, email: str, password: str) -> SignInAnswer:
        return await self._enter("/sign-in/email", {"email": email, "password": password})

    async def second_step(self, code: str, *, trust: bool = False) -> None:
        await self._enter("/two-factor/verify", {"code": code, "trustDevice": trust})

    async def send_code(self, email: str) -> None:
        await self._client.request(
            "POST", f"{BASE}/email-otp/send-verification-otp", json={"email": email, "type": "sign-in"}
        )

    async def sign_in_by(self, email: str, text: str) -> SignInAnswer:
        if (link := secret_in(text)) != text.strip():
            return await self._enter("/magic-link/verify", {"token": link})
        return await self._enter("/sign-in/email-otp", {"email": email, "otp": "".join(text.split())})

    async def sign_up(self, name: str, email: str, password: str) -> SignInAnswer:
        return await self._enter("/sign-up/email", {"name": name, "email": email, "password": password})

    async def accept_invitation(self, text: str, name: str, password: str) -> SignInAnswer:
        body = {"token": secret_in(text), "password": password, **({"name": name} if name else {})}
        return await self._enter("/admin/accept-invitation", body)

    async def forgotten(self, email: str) -> None:
        await self._client.request("POST", f"{BASE}/request-password-reset", json={"email": email})

    async def reset_password(self, text: str, password: str) -> None:
        body = {"token": secret_in(text), "newPassword": password}
        await self._client.request("POST", f"{BASE}/reset-password", json=body)

    async def who(self) -> SessionAndUser | None:
        return cast(SessionAndUser | None, await self._client.request("GET", f"{BASE}/get-session"))

    async def sign_out(self) -> None:
        await self._client.request("POST", f"{BASE}/sign-out", json={})
        self._client.token = None

    async def sessions(self) -> list[SessionBody]:
        return cast(list[SessionBody], await self._client.request("GET", f"{BASE}/list-sessions"))

    async def end_session(self, id_: str) -> None:
        await self._client.request("POST", f"{BASE}/revoke-session", json={"id": id_})

    async def end_other_sessions(self) -> int:
        answer = await self._client.request("POST", f"{BASE}/revoke-other-sessions", json={})
        return cast(int, answer["revoked"])

    async def rename(self, name: str) -> None:
        await self._client.request("POST", f"{BASE}/update-user", json={"name": name})

    async def change_password(self, current: str, new: str) -> None:
        await self._enter("/change-password", {"currentPassword": current, "newPassword": new})

    async def change_email(self, email: str) -> None:
        await self._client.request("POST", f"{BASE}/change-email", json={"newEmail": email})

    async def export(self, target: Path) -> int:
        return await self._client.fetch("/api/account/export", target)

    async def leave(self, password: str) -> str:
        body = {"confirm": True, "password": password}
        answer = await self._client.request("POST", "/api/account/delete", json=body)
        self._client.token = None
        return cast(str, answer["eraseAt"])

    async def begin_factor(self, password: str) -> EnrolmentBody:
        body = {"password": password, "method": "totp"}
        return cast(EnrolmentBody, await self._client.request("POST", f"{BASE}/two-factor/enable", json=body))

    async def confirm_factor(self, code: str) -> None:
        await self._enter("/two-factor/verify-totp", {"code": code})

    async def end_factor(self, password: str) -> None:
        await self._enter("/two-factor/disable", {"password": password})

    async def backup_codes(self, password: str) -> list[str]:
        path = f"{BASE}/two-factor/generate-backup-codes"
        answer = await self._client.request("POST", path, json={"password": password})
        return cast(list[str], answer["backupCodes"])

    async def keys(self) -> list[ApiKeyBody]:
        answer = await self._client.request("GET", f"{BASE}/api-keys")
        return cast(list[ApiKeyBody], answer["apiKeys"])

    async def make_key(self, name: str, scopes: Sequence[str] = (), seconds: int | None = None) -> ApiKeyCreated:
        body: dict[str, Any] = {"name": name}
        if scopes:
            body["scopes"] = list(scopes)
        if seconds:
            body["expiresIn"] = seconds
        return cast(ApiKeyCreated, await self._client.request("POST", f"{BASE}/api-keys", json=body))

    async def rotate_key(self, id_: str, grace: int) -> ApiKeyCreated:
        path = f"{BASE}/api-keys/{quote(id_, '')}/rotate"
        return cast(ApiKeyCreated, await self._client.request("POST", path, json={"grace": grace}))

    async def end_key(self, id_: str) -> None:
        await self._client.request("DELETE", f"{BASE}/api-keys/{quote(id_, '')}")

    async def _enter(self, path: str, body: Mapping[str, Any]) -> SignInAnswer:
        answer = cast(SignInAnswer, await self._client.request("POST", f"{BASE}{path}", json=body))
        if token := answer.get("token"):
            self._client.token = token
        return answer


def secret_in(text: str) -> str:
    """What a link of a mail holds; the text itself where it is no link."""
    address = urlsplit(text.strip())
    return parse_qs(address.query).get("token", [text.strip()])[0]
