"""What an archive says of itself: what it is of, and every member with its checksum.

It is the last member, so that an archive that was cut short has none. Names are those that we write and no others: whoever
made the archive, nothing in it leads out of the folder that it is unpacked in.
"""

from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

import orjson

from core.files.store import KEY as FILE_KEY
from core.schema.source import JSON_SUFFIXES, YAML_SUFFIXES

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "app.duckdb"
LOG = f"{DATABASE}.wal"
SEALED_KEY = "master.key.sealed"
FILES, APP = "files", "app"


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive. `sha256` in hexadecimal digits."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """`product` is the version that made it, `app_file` the member that is the app file, `instance` tells the database from
    others where something was sealed in it, `missing` are keys of files that were not there any more."""

    product: str
    app: str
    app_file: str | None
    created_at: str
    instance: str | None
    dialect: str
    missing: tuple[str, ...]
    members: tuple[Member, ...]

    def data(self) -> bytes:
        return orjson.dumps({"format": FORMAT, **asdict(self)}, option=orjson.OPT_INDENT_2)

    @classmethod
    def read(cls, data: bytes) -> "Manifest":
        """Raises ValueError with what is wrong with it."""
        try:
            found = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise ValueError("its manifest cannot be read") from error
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise ValueError("its manifest is of another version of sovrium-tui")
        try:
            manifest = cls(
                product=_text(found["product"]),
                app=_text(found["app"]),
                app_file=None if found["app_file"] is None else _text(found["app_file"]),
                created_at=_text(found["created_at"]),
                instance=None if found["instance"] is None else _text(found["instance"]),
                dialect=_text(found["dialect"]),
                missing=tuple(_text(key) for key in found["missing"]),
                members=tuple(_member(each) for each in found["members"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("its manifest lacks something") from error
        names = [member.name for member in manifest.members]
        if DATABASE not in names:
            raise ValueError("it holds no database")
        if len(set(names)) < len(names):
            raise ValueError("its manifest names a member twice")
        if manifest.app_file is not None and manifest.app_file not in names:
            raise ValueError(f"it does not hold {manifest.app_file}")
        return manifest


def file_name(key: str) -> str:
    """The member that a kept file is."""
    return f"{FILES}/{key[:2]}/{key}"


def key_place(instance: str | None) -> str:
    """What the sealed key is bound to: in the archive of another database it does not open."""
    return f"backup/{instance}/{SEALED_KEY}"


def is_ours(name: str) -> bool:
    """Whether an archive of ours may hold a member of that name."""
    if name in (DATABASE, LOG, SEALED_KEY):
        return True
    if "\\" in name or not name.isprintable():
        return False
    parts = name.split("/")
    if parts[0] == FILES:
        return FILE_KEY.fullmatch(parts[-1]) is not None and name == file_name(parts[-1])
    suffixes = (*YAML_SUFFIXES, *JSON_SUFFIXES)
    is_plain = all(part and not part.startswith(".") for part in parts)
    return parts[0] == APP and len(parts) > 1 and is_plain and PurePosixPath(name).suffix.lower() in suffixes


def _member(found: Any) -> Member:
    name, size, sha256 = _text(found["name"]), found["size"], _text(found["sha256"])
    if not is_ours(name):
        raise ValueError(f"it names a member that none of ours has: {name!r}")
    if not isinstance(size, int) or size < 0:
        raise TypeError
    return Member(name, size, sha256)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
