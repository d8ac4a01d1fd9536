"""The command `sovrium-tui`."""


def main() -> None:
    """Run the command line."""
    from sovrium_tui.cli.main import cli

    cli()


if __name__ == "__main__":
    main()
