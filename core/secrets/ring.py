"""The keyring of the OS, where one answers; private files where none does. Cheap to import: the console uses it too."""

import os
import threading
from pathlib import Path
from typing import Protocol

SERVICE = "sovrium-tui"
KEYRING_SECONDS = 2.0
_NO_RING = ("keyring.backends.null.Keyring", "keyring.backends.fail.Keyring")


class Ring(Protocol):
    """The part of `keyring` that is used."""

    def get_password(self, service: str, account: str) -> str | None: ...
    def set_password(self, service: str, account: str, value: str) -> None: ...


def system_ring() -> Ring | None:
    """The keyring of the OS, None where none answers in time: over SSH there is often nobody to ask."""
    found: list[Ring] = []
    if os.environ.get("PYTHON_KEYRING_BACKEND") in _NO_RING:
        return None  # `keyring`'s own setting, heeded without importing it

    def ask() -> None:
        import keyring
        from keyring.backends.fail import Keyring as NoKeyring

        backend = keyring.get_keyring()
        if isinstance(backend, NoKeyring) or backend.priority <= 0:
            return
        backend.get_password(SERVICE, "probe")
        found.append(backend)

    def quietly() -> None:
        try:
            ask()
        except Exception:  # a keyring that is there and does not work is none
            return

    asking = threading.Thread(target=quietly, daemon=True, name="keyring")
    asking.start()
    asking.join(KEYRING_SECONDS)
    return found[0] if found else None


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, for the owner alone, on the disk before it is relied on."""
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
