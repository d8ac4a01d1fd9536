"""Where the app comes from: the argument, `APP_SCHEMA_FILE`, `APP_SCHEMA` (pages-cli §2.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import SchemaError


@dataclass(frozen=True, slots=True)
class AppText:
    """An app given as text; `name` stands for a file name in positions and says which format it is."""

    text: str
    name: str


def find_app(argument: str | None, environ: Mapping[str, str]) -> Path | AppText:
    """The app to load: a path for `load_app`, or a text for `load_text`. Raises SchemaError when there is none."""
    path = argument or environ.get("APP_SCHEMA_FILE", "").strip()
    if path:
        return _file(path)
    text = environ.get("APP_SCHEMA", "").strip()
    if not text:
        raise SchemaError(
            "No app file is given", hint="name one, or set APP_SCHEMA_FILE to its path or APP_SCHEMA to its text"
        )
    if text.startswith(("http://", "https://")):
        raise _remote(text)
    return AppText(text, "APP_SCHEMA.json" if text.startswith("{") else "APP_SCHEMA.yaml")


def _file(path: str) -> Path:
    if path.startswith(("http://", "https://")):
        raise _remote(path)
    return Path(path).expanduser()


def _remote(address: str) -> SchemaError:
    return SchemaError(f"App files from an address are not supported yet: {address}", hint="save it as a file first")
