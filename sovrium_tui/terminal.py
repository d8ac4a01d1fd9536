"""The terminal's care: whatever happens to the console, the shell gets its terminal back as it was.

The console runs in a child process. The parent is a few pages of memory that wait: it passes signals on, and when the
child dies by a signal that cannot be caught (out of memory, `kill -9`), it restores the modes. When the parent itself is
killed, the child sees a pipe close and leaves by itself.
"""

import os
import signal
import sys
import termios
from collections.abc import Callable

RESTORE = (
    "\x1b[?2026l\x1b[<u\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?1004l\x1b[?2004l"
    "\x1b[?7h\x1b[0m\x1b[?25h\x1b[?1049l"
)
"""Leaves everything that a terminal program may have entered: synchronised output, key protocol, mouse, focus, paste, no
wrapping, colours, hidden cursor, alternate screen."""


def is_terminal() -> bool:
    """Somebody sits there: both input and output are a terminal."""
    return os.isatty(0) and os.isatty(1)


def guarded(work: Callable[[int], int]) -> int:
    """Run `work` in a child; its exit status. It is given the descriptor that closes when the parent dies."""
    modes = termios.tcgetattr(0)
    alive, held = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(held)
        code = 1
        try:
            code = work(alive)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    os.close(alive)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: _pass_on(child, received))
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    return _wait(child, modes)


def _pass_on(child: int, number: int) -> None:
    try:
        os.kill(child, number)
    except ProcessLookupError:
        pass


def _wait(child: int, modes: list[object]) -> int:
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            os.kill(os.getpid(), signal.SIGSTOP)
            _pass_on(child, signal.SIGCONT)
            continue
        if os.WIFSIGNALED(status):
            _restore(modes)
            name = signal.Signals(os.WTERMSIG(status)).name
            sys.stderr.write(
                f"sovrium-tui: the console was ended by {name}; staged edits are kept for the next start\n"
            )
            return 128 + os.WTERMSIG(status)
        return os.waitstatus_to_exitcode(status)


def _restore(modes: list[object]) -> None:
    try:
        os.write(1, RESTORE.encode())
        termios.tcsetattr(0, termios.TCSANOW, modes)  # type: ignore[arg-type]
        termios.tcflush(0, termios.TCIFLUSH)
    except (OSError, termios.error):
        pass  # the terminal itself has gone


def round_trip(limit: float = 0.15) -> float | None:
    """Seconds that the terminal takes to answer; None when it does not within `limit`. What was typed ahead is lost."""
    import select
    import time
    import tty

    modes = termios.tcgetattr(0)
    try:
        tty.setraw(0, termios.TCSANOW)
        start = time.monotonic()
        os.write(1, b"\x1b[6n")
        answer = b""
        while time.monotonic() - start < limit:
            readable, _, _ = select.select([0], [], [], limit)
            if readable:
                answer += os.read(0, 64)
                if answer.endswith(b"R"):
                    return time.monotonic() - start
        return None
    finally:
        termios.tcsetattr(0, termios.TCSANOW, modes)
