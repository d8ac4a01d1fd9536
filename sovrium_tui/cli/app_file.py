"""Which app file and which data folder a command means."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from core.errors import BadRequest, SovriumError
from sovrium_tui.settings import take_env_file

F = TypeVar("F", bound=Callable[..., Any])
HOME = ".sovrium"
SUFFIXES = (".yaml", ".yml", ".json")
NAMES = tuple(f"app{suffix}" for suffix in SUFFIXES)


def app_argument(command: F) -> F:
    """The argument `[APP]`. Read before the options, for the `.env` beside it may hold their defaults (E-001)."""
    argument = click.argument(
        "app",
        required=False,
        type=click.Path(path_type=Path),
        metavar="[APP]",
        is_eager=True,
        callback=take_settings,
    )
    return argument(command)


def needed_app_argument(command: F) -> F:
    """The argument `APP`, where others follow it."""
    return click.argument("app", type=click.Path(path_type=Path), is_eager=True, callback=take_settings)(command)


def take_settings(ctx: click.Context, param: click.Parameter, app: Path | None) -> Path | None:
    """Read the `.env` that belongs to the app."""
    if not ctx.resilient_parsing:
        take_env_file(app)
    return app


class Folder(click.Path):
    """The path of a folder. An empty one (`--data-dir "$UNSET"`) is refused: it would mean the folder where the shell is."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("the name of the folder is empty", param, ctx)
        return super().convert(value, param, ctx)


def data_dir_option(command: F) -> F:
    """`--data-dir`."""
    return click.option(
        "--data-dir",
        type=Folder(file_okay=False, path_type=Path),
        envvar="SOVRIUM_DATA_DIR",
        metavar="DIR",
        help="Where the database lives [default: .sovrium beside the app file].",
    )(command)


def looks_like_app(text: str) -> bool:
    """A first word that is an app file rather than a command."""
    return text.lower().endswith(SUFFIXES) or os.sep in text or Path(text).is_dir()


def find_app(app: Path | None) -> Path:
    """The app file: the one given (a folder stands for the app file in it), `APP_SCHEMA_FILE`, `APP_SCHEMA`, or the only
    one here. Of an address or a text, its copy in the data folder (CL-004).

    Raises BadRequest when there is none, or more than one.
    """
    if app is not None and (address := address_of(app)):
        return copy_of(address, trusted=True)
    if app is None and (named := os.environ.get("APP_SCHEMA_FILE")):
        app = Path(named)
    if app is None and (text := os.environ.get("APP_SCHEMA", "").strip()):
        return copy_of(text, trusted=False)
    if app is None or app.is_dir():
        return only_app_in(app or Path())
    if not app.exists():
        raise BadRequest(f"{app}: there is no such file", hint="`sovrium-tui init` makes a new app")
    if not app.is_file():  # a pipe or a device would be waited for
        raise BadRequest(f"{app} is not a file")
    if app.suffix.lower() not in SUFFIXES:
        raise BadRequest(f"{app}: an app file is YAML or JSON ({', '.join(SUFFIXES)})")
    return app.absolute()


def address_of(app: Path) -> str:
    """The http(s) address that an argument is, ""; as a path it has lost one of its slashes."""
    scheme, mark, rest = str(app).partition(":/")
    return f"{scheme}://{rest.lstrip('/')}" if mark and scheme.lower() in ("http", "https") else ""


def copy_of(source: str, *, trusted: bool) -> Path:
    """The copy of an app that is no file: of an address, or of the text in `APP_SCHEMA`."""
    context = click.get_current_context(silent=True)
    folder = ((context.params.get("data_dir") if context else None) or Path(HOME)).absolute()
    from sovrium_tui.remote import is_address, local_copy

    if is_address(source):
        return local_copy(source, folder, trusted=trusted, tell=lambda note: click.echo(f"warning: {note}", err=True))
    file = folder / ("APP_SCHEMA.json" if source.startswith("{") else "APP_SCHEMA.yaml")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file.exists() or file.read_text(encoding="utf-8") != source:
            file.write_text(source, encoding="utf-8")
    except OSError as error:
        raise SovriumError(f"{file} cannot be written: {error.strerror}") from error
    return file


def only_app_in(folder: Path) -> Path:
    found = [folder / name for name in NAMES if (folder / name).is_file()]
    if len(found) == 1:
        return found[0].absolute()
    where = "here" if folder == Path() else f"in {folder}"
    if found:
        raise BadRequest(
            f"There is more than one app file {where}: {', '.join(p.name for p in found)}", hint="name the one you mean"
        )
    raise BadRequest(
        f"There is no app file {where} ({', '.join(NAMES)})",
        hint="name one, or make one: `sovrium-tui init my-app --template crm`",
    )


def data_dir_of(app: Path, data_dir: Path | None) -> Path:
    """The data folder: the one given, else `.sovrium` beside the app file; the folder that a copy lies in."""
    return (data_dir or (app.parent if app.parent.name == HOME else app.parent / HOME)).absolute()


def server_place(app: Path | None, data_dir: Path | None) -> Path:
    """The data folder for commands that need no app file when they are given the folder."""
    return data_dir.absolute() if data_dir is not None and app is None else data_dir_of(find_app(app), data_dir)
