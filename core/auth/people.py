"""Who an actor of the change log is, as answers tell it."""

from collections.abc import Collection, Mapping
from typing import Any

from core.auth.store import ACCOUNTS, KEYS
from core.storage.database import Reader

KEY = "key:"
"""What the id of an API key with roles of its own begins with, where it is an actor."""
_NOBODY = ("guest", "system")
_OWNER = {"id": "owner", "name": "owner", "image": None}


class People:
    """Names of accounts, as far as the database has accounts; one who has left is told by the id alone."""

    def __init__(self) -> None:
        self._stand = False

    def of(self, reader: Reader, actors: Collection[str | None]) -> Mapping[str, dict[str, Any]]:
        """By actor; guests and the engine itself are nobody (R-084)."""
        wanted = sorted({actor for actor in actors if actor is not None and actor not in _NOBODY})
        found = {actor: {"id": actor, "name": None, "image": None} for actor in wanted}
        if "owner" in found:
            found["owner"] = _OWNER
            wanted.remove("owner")
        keys = {actor.removeprefix(KEY): actor for actor in wanted if actor.startswith(KEY)}
        if keys and self._stands(reader):
            marks = ", ".join("?" * len(keys))
            for id_, name in reader.rows(f"SELECT id, name FROM {KEYS} WHERE id IN ({marks})", list(keys)):
                found[keys[id_]] = {"id": keys[id_], "name": name, "image": None}
        if wanted and self._stands(reader):
            marks = ", ".join("?" * len(wanted))
            for id_, name, image in reader.rows(
                f"SELECT id, name, image FROM {ACCOUNTS} WHERE id IN ({marks})", wanted
            ):
                found[id_] = {"id": id_, "name": name, "image": image}
        return found

    def named(self, reader: Reader, names: Collection[str]) -> Mapping[str, str]:
        """The ids of accounts by what a text may call them: id, address, the part of it before the @, or the name without
        spaces; in small letters. A name that several have means none of them."""
        if not names or not self._stands(reader):
            return {}
        marks = ", ".join("?" * len(names))
        by = ("lower(id)", "lower(email)", "lower(split_part(email, '@', 1))", "lower(replace(name, ' ', ''))")
        where = " OR ".join(f"{each} IN ({marks})" for each in by)
        rows = reader.rows(f"SELECT id, {', '.join(by)} FROM {ACCOUNTS.name} WHERE {where}", [*names] * len(by))
        found: dict[str, set[str]] = {}
        for id_, *called in rows:
            for name in called:
                if name in names:
                    found.setdefault(name, set()).add(id_)
        return {name: ids.pop() for name, ids in found.items() if len(ids) == 1}

    def _stands(self, reader: Reader) -> bool:
        if not self._stand:
            where = "table_schema = current_schema() AND table_name = ?"
            self._stand = bool(reader.rows(f"SELECT 1 FROM information_schema.tables WHERE {where}", [ACCOUNTS.name]))
        return self._stand
