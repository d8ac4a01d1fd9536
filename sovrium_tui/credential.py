"""Tokens of the servers that one has signed in to: in the keyring of the OS, else in a file for the owner alone."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from core.secrets.ring import SERVICE, Ring, system_ring, write_private

SERVERS, TOKENS = "servers.json", "tokens.json"


@dataclass(frozen=True, slots=True)
class KnownServer:
    """A server that was signed in to. `seen` in seconds since 1970."""

    address: str
    email: str
    seen: float


class Credentials:
    """`folder` is the console's own for what it keeps between runs. A broken file counts as an empty one: signing in again
    mends it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def token(self, address: str) -> str | None:
        """The secret of the session at a server."""
        kept = self._read(TOKENS).get(address)
        if kept is None and address in self._read(SERVERS) and self._ring is not None:
            with suppress(Exception):  # a keyring that fails is none
                kept = self._ring.get_password(SERVICE, _account(address))
        return kept or None

    def keep(self, address: str, token: str, email: str) -> None:
        """Remember the session, and the server as the one visited last."""
        servers = {**self._read(SERVERS), address: {"email": email, "seen": time.time()}}
        self._write(SERVERS, servers)
        if self._ring is not None:
            with suppress(Exception):
                self._ring.set_password(SERVICE, _account(address), token)
                if self._ring.get_password(SERVICE, _account(address)) == token:
                    self._drop(TOKENS, address)
                    return
        self._write(TOKENS, {**self._read(TOKENS), address: token})

    def forget(self, address: str) -> None:
        """The session is over; the server stays known."""
        self._drop(TOKENS, address)
        if self._ring is not None:
            with suppress(Exception):
                self._ring.set_password(SERVICE, _account(address), "")

    def servers(self) -> list[KnownServer]:
        """Those signed in to, the last one first."""
        found = [
            KnownServer(address, str(each.get("email", "")), float(each.get("seen", 0)))
            for address, each in self._read(SERVERS).items()
        ]
        return sorted(found, key=lambda server: -server.seen)

    @cached_property
    def _ring(self) -> Ring | None:
        return system_ring()

    def _drop(self, name: str, address: str) -> None:
        kept = self._read(name)
        if kept.pop(address, None) is not None:
            self._write(name, kept)

    def _read(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads((self._folder / name).read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, name: str, content: dict[str, Any]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self._folder / name, json.dumps(content))


class ServerKeeper:
    """The session at one server, kept by the keyring or a private file."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address = address
        self._credentials = Credentials(folder)

    @property
    def email(self) -> str:
        """The address that was used last."""
        return next((each.email for each in self._credentials.servers() if each.address == self.address), "")

    @property
    def token(self) -> str | None:
        """Its secret. Where nobody has signed in, as with most apps of this machine, no keyring is asked."""
        return self._credentials.token(self.address)

    def keep(self, token: str, email: str) -> None:
        self._credentials.keep(self.address, token, email)

    def forget(self) -> None:
        self._credentials.forget(self.address)


def _account(address: str) -> str:
    return f"token {address}"
