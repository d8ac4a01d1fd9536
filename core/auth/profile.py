"""What people change of their own account: the name and the picture, nothing else (auth §7.2)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from core.auth.account import Account, change, find
from core.auth.address import plain_name
from core.auth.context import AuthContext
from core.auth.session import SignedIn
from core.errors import FieldError, Invalid, NotSignedIn
from core.principal import Source
from core.storage.database import Transaction

FIELDS = ("name", "image")
IMAGE_MOST = 2048


class Profile:
    """One's own."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def update(self, found: SignedIn, values: Mapping[str, Any], source: Source) -> Account:
        """Set fields; the account as it is then. Raises Invalid, for every field that is not one's own to set (A-090)."""
        context, columns = self._context, columns_of(values)

        def work(tx: Transaction) -> Account:
            account = find(tx, found.account.id)
            if account is None:
                raise NotSignedIn
            if not columns:
                return account
            account = change(tx, account, **columns)
            resource = ("user", account.id, account.name)
            context.log(tx, "user.updated", found.principal, source, resource, fields=sorted(columns))
            return account

        return await context.write(work, found.principal)


def columns_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that a body sets. Raises Invalid."""
    columns: dict[str, Any] = {}
    problems: list[FieldError] = []
    for name, value in values.items():
        try:
            columns[name] = _accepted(name, value)
        except ValueError as error:
            problems.append(FieldError(name, f"{name}.refused", str(error)))
    if problems:
        raise Invalid(problems[0].message, problems[:20])
    return columns


def accepted_image(value: Any) -> str | None:
    """The address of a picture, None for none. Raises ValueError."""
    if value is None or value == "":
        return None
    message = "image is the address of a picture, beginning with https://"
    if not isinstance(value, str) or len(value) > IMAGE_MOST or not value.isprintable() or " " in value:
        raise ValueError(message)
    if value.startswith("/") and not value.startswith(("//", "/\\")):
        return value
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError(message)
    return value


def _accepted(name: str, value: Any) -> Any:
    if name == "image":
        return accepted_image(value)
    if name != "name":
        raise ValueError(f"{name[:100]} cannot be set here")
    shown = plain_name(value) if isinstance(value, str) else ""
    if not shown:
        raise ValueError("name is a text that is not empty")
    return shown
