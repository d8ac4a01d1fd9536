"""A line for the path of a file of this machine: it is completed while one types, and a whole path replaces the one that
stood there."""

import asyncio
import os
from collections.abc import Collection
from pathlib import Path
from urllib.parse import unquote, urlsplit

from textual.events import Paste
from textual.suggester import Suggester
from textual.widgets import Input
from textual.widgets.input import Selection

from screens.services.download import at_home


class PathSuggester(Suggester):
    """Goes on with a path by what is there; `→` takes it. suffixes: which files are offered; none means all."""

    def __init__(self, suffixes: Collection[str] = ()) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.suffixes = suffixes

    async def get_suggestion(self, value: str) -> str | None:
        found = await asyncio.to_thread(completed, value, self.suffixes)
        return found if found != value else None


def completed(text: str, suffixes: Collection[str] = ()) -> str | None:
    """The first entry of its folder that continues a path, a folder with its slash; None when there is none."""
    if not text:
        return None
    path = at_home(text)
    folder, begun = (path, "") if text.endswith("/") else (path.parent, path.name)
    try:
        with os.scandir(folder) as entries:
            names = sorted(
                entry.name + ("/" if entry.is_dir() else "")
                for entry in entries
                if not suffixes or entry.is_dir() or Path(entry.name).suffix.lower() in suffixes
            )
    except OSError:
        return None
    name = next((each for each in names if each.startswith(begun) and (begun or not each.startswith("."))), None)
    return None if name is None else text[: len(text) - len(begun)] + name


def typed_path(text: str, proposed: str = "") -> Path:
    """The path that was typed. A whole path behind the one that stood there is the one meant: `/home/me//tmp/a.csv`,
    `/home/me/b.csv/tmp/a.csv` where `/home/me/b.csv` was proposed."""
    rest = text.removeprefix(proposed) if proposed else ""
    if rest != text and rest.startswith(("/", "~/")):
        text = rest
    for sign, keep in (("/~/", "~/"), ("//", "/")):
        _, found, behind = text.rpartition(sign)
        if found:
            text = keep + behind
    return at_home(text)


def pasted_path(text: str) -> str:
    """One line, without what terminals and file managers put around a path that is dropped on them."""
    line = next(iter(text.strip().splitlines()), "").strip()
    if line.startswith("file://"):
        return unquote(urlsplit(line).path)
    if len(line) > 1 and line[0] == line[-1] and line[0] in "'\"":
        return line[1:-1]
    return line.replace("\\ ", " ")


class PathInput(Input):
    """The name of a proposed file is chosen at first, so that typing replaces it; a whole path that is pasted replaces all
    there is."""

    def __init__(self, value: str = "", *, id: str | None = None, suffixes: Collection[str] = ()) -> None:
        super().__init__(value, id=id, compact=True, select_on_focus=False, suggester=PathSuggester(suffixes))
        self.proposed = "" if value.endswith("/") else value
        self.choose_name()

    def choose_name(self) -> None:
        """Select the name behind the folder."""
        self.selection = Selection(self.value.rfind("/") + 1, len(self.value))

    @property
    def path(self) -> Path:
        """What is meant by what stands there."""
        return typed_path(self.value, self.proposed)

    def _on_paste(self, event: Paste) -> None:
        line = pasted_path(event.text)
        event.prevent_default()
        event.stop()
        if line.startswith(("/", "~/")):
            self.value = line
            self.cursor_position = len(line)
        elif line:
            self.replace(line, *self.selection)
