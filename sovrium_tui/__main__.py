"""The command `sovrium-tui`."""

import sys
from typing import NoReturn

from sovrium_tui import _guard
from sovrium_tui.process.allocator import start_tuned


def main() -> NoReturn:
    """Run the command line; ends the process."""
    _guard.check()
    if "start" in sys.argv[1:]:
        start_tuned()
    try:
        from sovrium_tui.cli.main import run
    except KeyboardInterrupt:
        raise SystemExit(130) from None

    try:
        run()
    except SystemExit as end:
        if isinstance(end.code, int):
            leave(end.code)
        raise


def leave(status: int) -> NoReturn:
    """End the process without Python's last search for garbage, which looks at every object that there is: for an engine
    a third of a second of work, for memory that the system takes back anyway. All files are closed by now."""
    import atexit
    import os
    from contextlib import suppress

    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, broken, or none
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
