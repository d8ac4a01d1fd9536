"""What a line of the server's log looks like, and what never stands in it."""

import json
import logging

import pytest

from core.logs.line import LineFormatter, as_text, harmless, parsed, shown_address, without_secrets

EVIL = "\x1b[2J\x1b]52;c;aGk=\x07\x9b31m\u202e\u2066\u2028\x00\r\nnext"


def record(message: str, level: int = logging.INFO, name: str = "sovrium.mail", error: Exception | None = None) -> str:
    """The line of a record as text."""
    return LineFormatter(details=True, as_json=False).format(made(message, level, name, error))


def made(
    message: str, level: int = logging.INFO, name: str = "sovrium.mail", error: Exception | None = None
) -> logging.LogRecord:
    found = logging.LogRecord(name, level, __file__, 1, message, None, None)
    found.created = 1_795_283_276.123
    if error is not None:
        found.exc_info = (type(error), error, None)
    return found


@pytest.mark.parametrize(
    ("name", "level", "expected"),
    [
        ("sovrium.mail", logging.INFO, "[2026-11-21T17:47:56.123Z] [INFO] [MAIL] told"),
        ("core.storage.lanes", logging.WARNING, "[2026-11-21T17:47:56.123Z] [WARN] [STORAGE] told"),
        ("sovrium_tui.server", logging.ERROR, "[2026-11-21T17:47:56.123Z] [ERROR] [SERVER] told"),
        ("asyncio", logging.CRITICAL, "[2026-11-21T17:47:56.123Z] [ERROR] [ASYNCIO] told"),
    ],
)
def test_a_line(name: str, level: int, expected: str) -> None:
    assert record("told", level, name) == expected


@pytest.mark.parametrize("as_json", [False, True])
def test_a_253_no_line_holds_what_a_terminal_obeys(as_json: bool) -> None:
    """A-253: in the message and in a traceback; the entry is one line, or one with indented ones."""
    line = LineFormatter(details=True, as_json=as_json).format(made(f"GET /{EVIL}", error=ValueError(EVIL)))
    assert all(each.isprintable() for each in line.split("\n"))
    assert all(each.startswith("    ") for each in line.split("\n")[1:])
    entry = parsed(line)
    assert entry["message"] == r"GET /\x1b[2J\x1b]52;c;aGk=\x07\x9b31m\u202e\u2066\u2028\x00\r\nnext"
    assert "ValueError" in entry["details"]
    assert all(each.isprintable() for each in entry["details"].split("\n"))


def test_a_253_what_a_crash_has_printed_is_shown_harmless() -> None:
    entry = parsed("Fatal \x1b[31merror\n    at \x9b here")
    assert (entry["level"], entry["area"], entry["at"]) == ("error", "output", "")
    assert (entry["message"], entry["details"]) == (r"Fatal \x1b[31merror", r"at \x9b here")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET /x?token=abc123&y=1", "GET /x?token=…&y=1"),
        ("code=4711 sent, access_token=a.b-c; api_key='k'", "code=… sent, access_token=…; api_key='k'"),
        ("to /api/auth/reset-password/s3cr3t?x", "to /api/auth/reset-password/…?x"),
        ("""{"name": "x", "password": "a b", 'token':'t'}""", """{"name": "x", "password": …, 'token': …}"""),
        ("Authorization: Bearer svt_abc.d-e", "Authorization: Bearer …"),
        ("at postgresql://desk:hunter2@db/x", "at postgresql://desk:…@db/x"),
        ("stock=3, colour=red", "stock=3, colour=red"),
    ],
)
def test_a_252_secrets_of_addresses_are_left_out(text: str, expected: str) -> None:
    """A-252: wherever in a message they stand."""
    assert without_secrets(text) == expected


def test_a_252_a_parameter_may_hide_its_name() -> None:
    """A-252: a server reads `%74oken` as `token`; so does the log."""
    address = shown_address("/verify", b"%74oken=abc&cod%65=1&state=x&sort=name&flag")
    assert address == "/verify?%74oken=…&cod%65=…&state=…&sort=name&flag"


def test_json_is_one_object_a_line_and_is_read_again() -> None:
    """auth §16.2: `LOG_FORMAT=json`."""
    line = LineFormatter(details=True, as_json=True).format(made('said "x" → é', error=ValueError("no")))
    assert json.loads(line) == {
        "at": "2026-11-21T17:47:56.123Z",
        "level": "info",
        "area": "mail",
        "message": 'said "x" → é',
        "details": "ValueError: no",
    }
    assert as_text(parsed(line)) == '[2026-11-21T17:47:56.123Z] [INFO] [MAIL] said "x" → é\n    ValueError: no'
    assert parsed("{no json")["area"] == "output"
    assert parsed('{"level": "loud", "at": "", "area": "", "message": ""}')["area"] == "output"


def test_where_an_error_came_from_is_left_out_where_it_is_not_wanted() -> None:
    assert LineFormatter(details=False, as_json=False).format(made("told", error=ValueError("x"))).endswith("told")


def test_letters_of_every_script_stay() -> None:
    assert harmless("Größe 価格 → ✓") == "Größe 価格 → ✓"
