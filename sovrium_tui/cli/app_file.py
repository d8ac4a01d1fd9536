"""Which app file and which data folder a command means."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from core.errors import BadRequest, SovriumError
from sovrium_tui.cli.parameter import Folder
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


def app_and(*names: str) -> Callable[[F], F]:
    """The arguments `[APP] NAME…` in one, `words`: the app, None where it is left out, and the others as they were given."""

    def split(ctx: click.Context, param: click.Parameter, words: tuple[str, ...]) -> tuple[Any, ...]:
        given = len(words) - (len(words) <= len(names) and is_app(words[0] if words else ""))
        if given < len(names) and not ctx.resilient_parsing:
            raise click.UsageError(f"{names[given]} is missing", ctx)
        if len(words) > len(names) + 1:
            raise click.UsageError(f"Unexpected argument '{words[-1]}'", ctx)
        app = Path(words[0]) if len(words) > len(names) else None
        return (take_settings(ctx, param, app), *words[-len(names) :])

    return click.argument("words", nargs=-1, metavar=f"[APP] {' '.join(names)}", is_eager=True, callback=split)


def take_settings(ctx: click.Context, param: click.Parameter, app: Path | None) -> Path | None:
    """Read the `.env` that belongs to the app."""
    if not ctx.resilient_parsing:
        take_env_file(app)
    return app


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


def is_app(text: str) -> bool:
    """Whether there is an app file of that name, or one in a folder of that name."""
    files = [text] if text.lower().endswith(SUFFIXES) else [os.path.join(text, name) for name in NAMES if text]
    return any(os.path.isfile(file) for file in files)


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
