"""The command `sovrium-tui`."""

from sovrium_tui import _guard


def main() -> None:
    """Run the command line; ends the process."""
    _guard.check()
    try:
        from sovrium_tui.cli.main import run
    except KeyboardInterrupt:
        raise SystemExit(130) from None

    run()


if __name__ == "__main__":
    main()
