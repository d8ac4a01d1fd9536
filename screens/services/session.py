"""What the console remembers between two runs, per app file and person: theme, language, last places, column layouts,
staged edits.

A file per key, written beside and renamed, so that a crash leaves the old value or the new one. A log (`append`) takes
one small write an entry: staged edits are written ahead to it.
"""

import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import Any

CONSOLES_AT_MOST = 16
"""Consoles of one person on one app whose staged edits outlive them."""


class SessionStore:
    """Values are plain JSON data. Keys are file names: letters, digits, `.`, `-`, `_`; other characters are replaced.

    A folder that cannot be written makes the store forgetful, never an error; `problem` says why.
    """

    def __init__(self, folder: Path | None) -> None:
        """folder: None keeps everything in memory."""
        self.folder = folder
        self.problem: str | None = None
        self._values: dict[str, Any] = {}
        self._logs: dict[str, list[Any]] = {}
        self._held: dict[str, tuple[str, int]] = {}
        """By name the log that is this console's, with the descriptor of its lock."""

    @classmethod
    def of(cls, state_folder: Path, address: str) -> "SessionStore":
        """The store of one app: `address` is the app file's absolute path, or the server's URL."""
        return cls(state_folder / "sessions" / hashlib.sha256(address.encode()).hexdigest()[:16])

    def get(self, key: str, default: Any = None) -> Any:
        """The value; `default` when there is none or its file cannot be read."""
        if key not in self._values:
            try:
                self._values[key] = json.loads(self._path(key, "json").read_text(encoding="utf-8"))
            except (OSError, ValueError, TypeError):
                return default
        return self._values[key]

    def fresh(self, key: str, default: Any = None) -> Any:
        """The value as the file has it now: another console on the same app may have written it."""
        if self.folder is not None:
            self._values.pop(key, None)
        return self.get(key, default)

    def put(self, key: str, value: Any) -> None:
        """Keep a value; on disk when this returns. None forgets it."""
        if value is None:
            self._values.pop(key, None)
            self._remove(key, "json")
            return
        self._values[key] = value
        self._write(key, "json", json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    def append(self, key: str, entry: Any) -> None:
        """Add an entry to a log; on disk when this returns."""
        self.log(key).append(entry)
        if self.folder is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path(key, "log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with open(descriptor, "a", encoding="utf-8") as file:
                file.write(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n")
        except OSError as error:
            self.problem = str(error)

    def log(self, key: str) -> list[Any]:
        """The entries of a log in order. A torn last line (crash while writing) is left out."""
        if key not in self._logs:
            entries: list[Any] = []
            try:
                lines = self._path(key, "log").read_text(encoding="utf-8").splitlines()
                entries.extend(json.loads(line) for line in lines)
            except (OSError, ValueError, TypeError):
                pass
            self._logs[key] = entries
        return self._logs[key]

    def own_log(self, name: str) -> str:
        """The key of a log that no other console writes to while this one lives. What a console that is no more has left
        is taken over before an empty one is begun; the lock ends with its process, however that ends."""
        if self.folder is None:
            return name
        if name in self._held:
            return self._held[name][0]
        keys = [name, *(f"{name}.{number}" for number in range(1, CONSOLES_AT_MOST))]
        left = [key for key in keys if self._path(key, "log").exists()]
        for key in (*left, *keys):
            descriptor = self._lock(key)
            if descriptor is not None:
                self._held[name] = key, descriptor
                return key
        return f"{name}.{os.getpid()}"

    def _lock(self, key: str) -> int | None:
        """The descriptor that holds the log; None where another console does, or nothing can be kept."""
        assert self.folder is not None
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path(key, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            self.problem = str(error)
            return None
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            os.close(descriptor)
            return None
        except OSError:
            pass  # a file system without locks: as if no other console were there
        return descriptor

    def rewrite(self, key: str, entries: list[Any]) -> None:
        """Replace a log; an empty one is removed."""
        self._logs[key] = list(entries)
        if not entries:
            self._remove(key, "log")
            return
        lines = (json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n" for entry in entries)
        self._write(key, "log", "".join(lines))

    def _path(self, key: str, kind: str) -> Path:
        if self.folder is None:
            raise TypeError
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in key)
        return self.folder / f"{safe}.{kind}"

    def _write(self, key: str, kind: str, text: str) -> None:
        if self.folder is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self._path(key, kind)
            beside = path.with_suffix(f".{os.getpid()}.new")
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(beside, path)
        except OSError as error:
            self.problem = str(error)

    def _remove(self, key: str, kind: str) -> None:
        if self.folder is None:
            return
        try:
            self._path(key, kind).unlink(missing_ok=True)
        except OSError as error:
            self.problem = str(error)


class SessionLog:
    """One log of a store, for who knows nothing of files."""

    def __init__(self, store: SessionStore, key: str) -> None:
        self.store = store
        self.key = key

    def read(self) -> list[Any]:
        return list(self.store.log(self.key))

    def append(self, entry: Any) -> None:
        self.store.append(self.key, entry)

    def rewrite(self, entries: list[Any]) -> None:
        self.store.rewrite(self.key, entries)


def staged_log(store: SessionStore, caller: str) -> SessionLog:
    """Where the staged edits of somebody are: nobody else sees or saves them, nor does a second console of theirs. caller:
    an address, "" for the owner."""
    name = f"pending-{hashlib.sha256(caller.encode()).hexdigest()[:16]}" if caller else "pending"
    return SessionLog(store, store.own_log(name))
