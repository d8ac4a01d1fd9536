"""`GET /api/console/auth-settings`: the keys of `auth` in the app file, for a form that edits them."""

from typing import Any, Literal

from typing_extensions import TypedDict

Kind = Literal["switch", "number", "seconds", "duration", "choice", "text", "lines", "list", "map"]
"""`seconds`: a number of them. `duration`: `72h`, `30m`, or a number of milliseconds. `lines`: a text of several."""


class AuthSetting(TypedDict):
    """One key. `path` is below `auth`; a way in and its keys stand there by its type: `["strategies", "magicLink",
    "expirationMinutes"]`, the way itself is a switch. `choices`: what it may hold, or what makes sense there. `texts`: the
    items of a list, the values of a map are texts. `value`, `file`, `line`: what the app file says, where `written`."""

    path: list[str]
    kind: Kind
    about: str
    default: Any
    choices: list[str]
    least: int | None
    most: int | None
    texts: bool
    written: bool
    value: Any
    file: str
    line: int | None


class AuthSettings(TypedDict):
    """`ways`: the ways in that the file lists, in their order. `accounts`: the file has the section at all."""

    settings: list[AuthSetting]
    ways: list[str]
    accounts: bool
