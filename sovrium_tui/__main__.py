"""The command `sovrium-tui`."""

import sys

from sovrium_tui import _guard
from sovrium_tui.process.allocator import start_tuned


def main() -> None:
    """Run the command line; ends the process."""
    _guard.check()
    if "start" in sys.argv[1:]:
        start_tuned()
    try:
        from sovrium_tui.cli.main import run
    except KeyboardInterrupt:
        raise SystemExit(130) from None

    run()


if __name__ == "__main__":
    main()
