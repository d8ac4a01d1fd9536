"""What all tests of screens share: no colour settings from outside, one time zone, no blinking, no animations (as the
program starts), English; waiting for the console no longer than it works, and painting what stands there then."""

import time
from collections.abc import Iterator

import pytest
from textual import constants
from textual.widgets import Input, TextArea

from screens.services.text import set_language
from tests.support import idle

idle.install()
idle.paint_at_rest()


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("NO_COLOR", "TMUX", "STY", "SSH_CONNECTION", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(constants, "TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)
    monkeypatch.setattr(TextArea, "_toggle_cursor_blink_visible", lambda self: None)
    set_language("en")
    yield
    monkeypatch.undo()
    time.tzset()
    set_language("en")
