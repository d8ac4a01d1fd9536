"""Copying out of the terminal, by the route that works here, and saying which one that was.

In order: the platform's tool when a display is at hand and this is not an SSH session; inside tmux its own buffer (which
passes the text on); OSC 52 to the terminal, wrapped for GNU screen. A text too long for OSC 52 goes to a file whose path
is copied. The values themselves, with their types and NULLs, stay in `held` for a lossless paste inside the console.
"""

import asyncio
import base64
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Route = Literal["tool", "tmux", "osc52", "file"]
OSC52_LIMIT = 70_000
"""Bytes of text; terminals commonly cut the whole sequence at 100,000."""

TOOLS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("pbcopy", (), ""),
    ("wl-copy", (), "WAYLAND_DISPLAY"),
    ("xclip", ("-selection", "clipboard"), "DISPLAY"),
    ("xsel", ("-ib",), "DISPLAY"),
    ("clip.exe", (), "WSL_DISTRO_NAME"),
)


@dataclass(frozen=True, slots=True)
class Copied:
    """What happened: the route, the tool's name or the file's path."""

    route: Route
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """The last copy with its types: rows of raw cell values. `text` is what went to the system's clipboard."""

    fields: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    text: str


class Clipboard:
    """`emit` writes a control sequence to the terminal; `folder` takes long texts."""

    def __init__(self, folder: Path, emit: Callable[[str], None], environment: Mapping[str, str] = os.environ) -> None:
        self.folder = folder
        self.emit = emit
        self.environment = environment
        self.held: Held | None = None

    async def copy(self, text: str, held: Held | None = None) -> Copied:
        """Copy a text; never raises. `held` are the values behind it."""
        self.held = held
        tool = self._tool()
        if tool and await self._pipe(tool, text):
            return Copied("tool", tool[0])
        if self.environment.get("TMUX") and await self._pipe(("tmux", "load-buffer", "-w", "-"), text):
            return Copied("tmux")
        if len(text.encode()) > OSC52_LIMIT:
            path = self._to_file(text)
            self._osc52(str(path))
            return Copied("file", str(path))
        self._osc52(text)
        return Copied("osc52")

    def matches(self, pasted: str) -> Held | None:
        """The held values when a pasted text is the one that was copied here last."""
        if self.held is None:
            return None
        same = pasted.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") == self.held.text.rstrip("\n")
        return self.held if same else None

    def _tool(self) -> tuple[str, ...] | None:
        if self.environment.get("SSH_CONNECTION") or self.environment.get("SSH_TTY"):
            return None
        for name, arguments, needs in TOOLS:
            here = sys.platform == "darwin" if name == "pbcopy" else bool(self.environment.get(needs))
            if here and shutil.which(name, path=self.environment.get("PATH")):
                return (name, *arguments)
        return None

    async def _pipe(self, command: tuple[str, ...], text: str) -> bool:
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env=dict(self.environment),
            )
            await asyncio.wait_for(process.communicate(text.encode()), timeout=3)
        except (OSError, TimeoutError):
            return False
        return process.returncode == 0

    def _osc52(self, text: str) -> None:
        sequence = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07"
        if self.environment.get("STY"):
            sequence = f"\x1bP{sequence}\x1b\\"
        self.emit(sequence)

    def _to_file(self, text: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / "clipboard.txt"
        path.write_text(text, encoding="utf-8")
        return path
