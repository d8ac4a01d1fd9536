"""Where files of the server land on this machine."""

import os
from pathlib import Path
from typing import Any


def at_home(text: str) -> Path:
    """`~/scan.png`"""
    return Path(os.path.expanduser(text))


def place_for(typed: str, name: str) -> tuple[Path, bool]:
    """Where a copy goes, and whether nothing is there yet: the typed path, or the folder of downloads."""
    downloads = Path.home() / "Downloads"
    target = at_home(typed) if typed else downloads if downloads.is_dir() else Path.home()
    target = target / name if target.is_dir() else target
    return target, not target.exists()


def plain_name(file: dict[str, Any]) -> str:
    """The file's name as one of a folder here: a name of the server's never leads anywhere else."""
    name = str(file.get("filename") or file["key"]).replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in name if c.isprintable()).strip(". ") or str(file["key"])


def free_name(path: Path) -> Path:
    """The path, or one with a number where it is taken."""
    number = 1
    free = path
    while free.exists():
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    return free
