"""Starting the console: settle the link and the environment, then import Textual, paint, and only then reach the server."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Link = Literal["auto", "fast", "slow"]
SLOW = 0.08
"""Seconds of round trip from which a line is treated as slow."""


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """link: how much may be sent to the terminal; `auto` measures over SSH. mouse: off leaves selecting to the terminal.
    theme, language: for this run and the next ones; "" = as last time. plain: nothing but text, for screen readers and
    poor terminals; also by SOVRIUM_PLAIN. read_only: nothing can be written from this console."""

    link: Link = "auto"
    mouse: bool = True
    theme: str = ""
    language: str = ""
    plain: bool = False
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """What the console is opened on: an app file with its data folder, whose server it starts or joins; or, without a
    folder, the address of a server elsewhere."""

    name: str
    data_dir: Path | None = None


def run_console(target: Target, *, options: ConsoleOptions | None = None) -> int:
    """Open the console; the exit code. Never raises."""
    from sovrium_tui.terminal import guarded, is_terminal

    options = options or ConsoleOptions()
    if not is_terminal():
        return _refuse(
            "The console needs a terminal", "`sovrium-tui start` is a server; `sovrium-tui --help` lists more"
        )
    if os.environ.get("TERM", "") in ("", "dumb"):
        return _refuse(
            "This terminal (TERM=dumb) cannot show the console", "`sovrium-tui --help` lists commands that need none"
        )
    return guarded(lambda alive: _run(target, options, alive))


def _refuse(reason: str, hint: str = "") -> int:
    print(f"error: {reason}" + (f"\n  hint: {hint}" if hint else ""), file=sys.stderr)  # noqa: T201
    return 2


def settle(options: ConsoleOptions) -> bool:
    """Set what Textual reads while it is imported; whether the link is slow."""
    link = options.link
    if link == "auto" and os.environ.get("SSH_CONNECTION"):
        from sovrium_tui.terminal import round_trip

        answer = round_trip()
        link = "slow" if answer is None or answer > SLOW else "fast"
    slow = link == "slow"
    if options.plain:
        os.environ["NO_COLOR"] = "1"
    wanted = {
        "TEXTUAL_FPS": "15" if slow else "60",
        "TEXTUAL_ANIMATIONS": "none",
        "TEXTUAL_SMOOTH_SCROLL": "0",
        "ESCDELAY": "60",
    }
    if slow or os.environ.get("NO_COLOR") or has_few_colours():
        wanted["TEXTUAL_THEME"] = "ansi-dark"  # Textual decides by the first theme how colours are dropped
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
    return slow


def has_few_colours() -> bool:
    """Nothing says that the terminal has more than its sixteen (`TERM=linux`): the shades of a theme would run together."""
    from rich.console import Console

    return Console(force_terminal=True).color_system == "standard"


def _run(target: Target, options: ConsoleOptions, alive: int) -> int:
    import gc

    gc.disable()  # nothing of the start is garbage; the app switches it on after the first frame
    slow = settle(options)
    try:
        from sovrium_tui.opening import open_console

        app = open_console(target, options, slow=slow, alive=alive)
        app.plain = options.plain
        code = app.run(mouse=options.mouse)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        return _refuse(f"The console cannot start: {error}")
    return code if isinstance(code, int) else app.return_code or 0
