"""`start`, `status`, `reload`, `stop`: the server process."""

import sys
from pathlib import Path
from typing import Any, cast

import click

from core.errors import NotFound, SovriumError
from sovrium_tui.cli.app_file import app_argument, data_dir_of, data_dir_option, find_app, server_place
from sovrium_tui.cli.parameter import Number
from sovrium_tui.cli.result import json_option, tell_json


@click.command()
@app_argument
@data_dir_option
@click.option("--host", envvar="SOVRIUM_HOST", help="Address to listen on [default: server.host, 127.0.0.1].")
@click.option(
    "--port",
    type=Number(0, 65535),
    envvar=["SOVRIUM_PORT", "PORT"],
    help="Port to listen on; 0 picks a free one [default: server.port, 3000].",
)
@click.option(
    "--socket", type=click.Path(path_type=Path), help="Path of the Unix socket [default: in the data folder]."
)
@click.option("--allow-open", is_flag=True, help="Listen beyond this machine although the app has no sign-in.")
@click.option("--allow-destructive", is_flag=True, help="Let the app file drop tables and fields that hold data.")
@click.option(
    "--accept-lost-wal", is_flag=True, help="Open although latest writes are unreadable; keeps a copy of their log."
)
@click.option("--watch", "-w", is_flag=True, help="Take up the app file whenever it changes.")
@click.option("--strict", is_flag=True, help="Do not start while a provider of sign-in lacks its credentials.")
@click.option("--dev", is_flag=True, help="For development: test hooks work, on loopback alone.")
@click.option("--i-know", is_flag=True, help="Start although others could look into the data folder.")
@click.option("--background", is_flag=True, hidden=True)
@click.option("--report", type=int, hidden=True)
def start(app: Path | None, data_dir: Path | None, socket: Path | None, **options: Any) -> None:
    """Serve APP in the foreground, over HTTP and a Unix socket.

    Prints one line on stdout when it is ready, and what the start did on stderr. Ctrl+C or SIGTERM ends it after the
    writes that are under way; SIGHUP takes up the app file anew, as `sovrium-tui reload` does.
    """
    app_file = find_app(app)
    from sovrium_tui.process.start_report import announce_on_stdout
    from sovrium_tui.server import ServerOptions, serve

    place = data_dir_of(app_file, data_dir)
    socket = socket.absolute() if socket else None
    serve(ServerOptions(app_file=app_file, data_dir=place, socket=socket, **options), announce_on_stdout)


@click.command()
@app_argument
@data_dir_option
@json_option
def status(app: Path | None, data_dir: Path | None, as_json: bool) -> int:
    """Say whether a server runs for APP, and where. Fails when none does."""
    from dataclasses import asdict

    from sovrium_tui.process.place import Place
    from sovrium_tui.process.record import read_record

    place = server_place(app, data_dir)
    record = read_record(Place(place).record)
    if as_json:
        shown = asdict(record) if record else {}
        shown = {key: value for key, value in shown.items() if key not in ("files", "started")}
        if record:
            shown["appFile"] = shown.pop("app_file")
        tell_json({"running": record is not None, "dataDir": str(place), **shown})
        return 0 if record else 1
    if record is None:
        click.echo(f"No server runs on {place}")
        return 1
    click.echo(f"{record.command}, {record.state}: process {record.pid}, version {record.version}")
    for label, value in (("app", record.app_file), ("http", record.tcp), ("socket", record.socket)):
        if value:
            click.echo(f"  {label:<9}{value}")
    click.echo(f"  {'consoles':<9}{record.consoles}")
    if record.app_changed():
        click.echo("  The app file has changed since; `sovrium-tui reload` applies it")
    return 0


@click.command()
@app_argument
@data_dir_option
@json_option
def stop(app: Path | None, data_dir: Path | None, as_json: bool) -> None:
    """End the server, after the writes that are under way."""
    from sovrium_tui.process.discovery import stop_server

    place = server_place(app, data_dir)
    record = stop_server(place)
    if record is None:
        raise NotFound(f"No server runs on {place}")
    if as_json:
        tell_json({"stopped": True, "pid": record.pid, "dataDir": str(place)})
    else:
        click.echo(f"Stopped the server (process {record.pid})")


@click.command()
@app_argument
@data_dir_option
@click.option("--allow-destructive", is_flag=True, help="Let the app file drop tables and fields that hold data.")
@json_option
def reload(app: Path | None, data_dir: Path | None, allow_destructive: bool, as_json: bool) -> int:
    """Let the server take up the app file as it is now.

    Connections stay open. A file that is not valid changes nothing; one that would lose data is asked about, or needs
    --allow-destructive.
    """
    import asyncio

    from core.client import Client
    from core.errors import MigrationRefused
    from sovrium_tui.cli.session import attachable
    from sovrium_tui.process.discovery import settled
    from sovrium_tui.process.place import Place

    app_file = find_app(app)
    place = data_dir_of(app_file, data_dir)
    record = settled(Place(place))
    if record is None:
        raise NotFound(f"No server runs on {place}", hint="`sovrium-tui start` reads the app file anyway")
    socket = attachable(record, app_file)

    async def ask(body: dict[str, Any]) -> dict[str, Any]:
        async with Client(socket, timeout=600.0) as client:
            return cast(dict[str, Any], await client.request("POST", "/api/console/reload", json=body))

    try:
        done = asyncio.run(ask({"allowDestructive": allow_destructive}))
    except MigrationRefused as error:
        if as_json or not error.extra.get("unconfirmed") or not sys.stdin.isatty():
            raise
        for step in error.details:
            click.echo(step, err=True)
        if not click.confirm("This loses data. Do it?", err=True):
            raise SovriumError("Nothing was changed") from None
        done = asyncio.run(ask({"allowDestructive": True, "checksum": error.extra["checksum"]}))
    if as_json:
        tell_json(done)
        return 0
    for line in (*done["steps"], *done["warnings"]):
        click.echo(line)
    click.echo(f"Reloaded, version {done['schemaVersion']}" if done["changed"] else "Nothing has changed")
    return 0


COMMANDS = (start, status, reload, stop)
