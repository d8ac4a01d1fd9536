"""The keys of `auth` one by one: what the app file says of them, and how each is written and taken back."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.fields.registry import FIELD_TYPES
from core.schema.auth_setting import auth_settings
from core.schema.edit import edit_app
from core.schema.loader import load_text

EVERY_KEY = Path(__file__).parents[2] / "auth" / "every_key.yaml"
LATER = """name: x
auth:
  # how people come in
  strategies: [emailPassword] # one way
tables: []
"""


def said(file: Path) -> dict[str, Any]:
    """What a file says, by dotted path."""
    app = replace(load_text("name: x\n", FIELD_TYPES), source=file)
    found = auth_settings(app)
    return {".".join(each["path"]): each["value"] for each in found["settings"] if each["written"]}


def set_auth(path: str, value: Any = None) -> dict[str, Any]:
    return {"op": "set-auth", "path": path.split("."), "value": value}


@pytest.mark.parametrize("start", ["name: x\n", "name: x\nauth: false\n", LATER], ids=["none", "off", "some"])
def test_a_018_every_key_is_written_and_taken_back(tmp_path: Path, start: str) -> None:
    """A-018: whatever a file has, each key can be put into it; what is taken out leaves nothing empty behind."""
    every = load_text(EVERY_KEY.read_text(), FIELD_TYPES).auth
    assert every is not None
    file = tmp_path / "app.yaml"
    file.write_text(start)
    wanted = said(EVERY_KEY)
    edited = edit_app(file, [set_auth(path, value) for path, value in wanted.items()], FIELD_TYPES)
    assert edited.app is not None, edited.problems
    assert edited.app.auth is not None
    assert edited.app.auth.data == every.data
    file.write_text(edited.texts[file])
    assert said(file) == wanted
    rest = [path for path in wanted if not path.startswith("strategies.")]
    back = edit_app(file, [set_auth(path) for path in rest], FIELD_TYPES)
    assert back.app is not None
    assert back.app.auth is not None
    assert set(back.app.auth.data) == {"strategies"}
    if start == LATER:
        assert "  # how people come in\n" in back.texts[file]
        assert "] # one way\n" in back.texts[file]


def test_a_018_ways_in_come_and_go(tmp_path: Path) -> None:
    """A-018: a way in is found by its type, in its short form too; the last key of a map takes the map with it."""
    file = tmp_path / "app.yaml"
    file.write_text(LATER)

    def after(*changes: dict[str, Any]) -> Any:
        edited = edit_app(file, changes, FIELD_TYPES)
        auth = edited.app.auth.data if edited.app is not None and edited.app.auth is not None else None
        return auth or [str(each).partition("error: ")[2] for each in edited.problems]

    lengths = set_auth("strategies.emailAndPassword.minPasswordLength", 12)
    assert after(lengths)["strategies"] == [{"type": "emailAndPassword", "minPasswordLength": 12}]
    without = set_auth("strategies.emailAndPassword.minPasswordLength")
    assert after(lengths, without)["strategies"] == [{"type": "emailAndPassword"}]
    assert after(set_auth("strategies.magicLink", True))["strategies"][1] == {"type": "magicLink"}
    assert after(set_auth("strategies.emailAndPassword", False)) == [
        "auth.strategies: at least one strategy is required"
    ]
    assert after(set_auth("session.expiresIn", 60), set_auth("session.expiresIn")) == {
        "strategies": [{"type": "emailAndPassword"}]
    }
    assert after(set_auth("twoFactor", True), set_auth("twoFactor.digits", 8))["twoFactor"] == {"digits": 8}
    assert after(set_auth("twoFactor.digits", 8), set_auth("twoFactor.digits"))["twoFactor"] is True
    assert after(set_auth("strategies.saml"), set_auth("session.bind"))["strategies"] == [{"type": "emailAndPassword"}]


def test_a_018_a_key_has_the_line_that_says_it(tmp_path: Path) -> None:
    """A-018: the file that is included is named, and a file that is broken says nothing."""
    file = tmp_path / "app.yaml"
    file.write_text("name: x\nauth: {$ref: auth.yaml}\n")
    (tmp_path / "auth.yaml").write_text("strategies:\n  - type: magicLink\n    expirationMinutes: 5\n")
    app = replace(load_text("name: x\n", FIELD_TYPES), source=file)
    found = {".".join(each["path"]): each for each in auth_settings(app)["settings"]}
    minutes = found["strategies.magicLink.expirationMinutes"]
    assert (minutes["value"], minutes["file"], minutes["line"]) == (5, "auth.yaml", 3)
    assert (found["strategies.magicLink"]["value"], found["strategies.magicLink"]["line"]) == (True, 2)
    assert found["session.expiresIn"]["kind"] == "seconds"
    assert (found["session.expiresIn"]["least"], found["session.expiresIn"]["default"]) == (60, 604_800)
    assert found["defaultRole"]["choices"] == ["admin", "member", "viewer"]
    file.write_text("name: [\n")
    assert auth_settings(app)["ways"] == []
    assert not auth_settings(app)["accounts"]
