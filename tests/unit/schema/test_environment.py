"""E-001, E-002: `.env` beside the app file."""

from pathlib import Path

import pytest

from core.errors import BadRequest, SchemaError
from core.fields.registry import FIELD_TYPES
from core.schema.environment import environment, read_env_file
from core.schema.loader import load_app
from sovrium_tui.settings import MASK, masked, take_env_file

APP = """\
name: shop
env:
  - { key: MAIL_FROM, default: desk@example.test }
  - { key: CRM_TOKEN, description: from the CRM's settings }
tables: []
"""


def env(folder: Path, text: str) -> Path:
    file = folder / ".env"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("A = spaced out  ", "spaced out"),
        ("export A=exported", "exported"),
        ("A=", ""),
        ("A=value # a comment", "value"),
        ("A=color#1", "color#1"),
        ("A=# nothing", ""),
        ("A='as $it \\n stands' # comment", "as $it \\n stands"),
        ('A="two\\nlines, \\"quoted\\", \\\\ and \\$"', 'two\nlines, "quoted", \\ and $'),
        ('A="over\ntwo lines"', "over\ntwo lines"),
        ('A=it"s', 'it"s'),
        ("A=a=b=c", "a=b=c"),
        ("A=first\nA=second", "second"),
        ("\ufeffA=marked", "marked"),
        ("A=dos\r\nB=x\r\n", "dos"),
    ],
)
def test_the_dialect(tmp_path: Path, line: str, value: str) -> None:
    """E-001: names, quotes, comments, escapes; nothing is expanded."""
    assert read_env_file(env(tmp_path, line))["A"] == value


@pytest.mark.parametrize(
    ("text", "where", "code"),
    [
        ("A=1\nhunter2\n", ":2:1:", "env.syntax"),
        ("A=1\n\n1A=hunter2", ":3:1:", "env.name"),
        ("# c\nA='hunter2", ":2:3:", "env.quote"),
        ("A='x' hunter2", ":1:5:", "env.syntax"),
        ("A=hun\0ter2", ":1:3:", "env.nul"),
    ],
)
def test_a_wrong_line_is_named_and_never_shown(tmp_path: Path, text: str, where: str, code: str) -> None:
    """E-001: file, line and column, without what stands there."""
    with pytest.raises(SchemaError) as wrong:
        read_env_file(env(tmp_path, text))
    assert f".env{where}" in str(wrong.value.problems[0])
    assert wrong.value.problems[0].code == code
    assert "ter2" not in str(wrong.value) + "".join(map(str, wrong.value.problems))


def test_all_wrong_lines_are_told(tmp_path: Path) -> None:
    with pytest.raises(SchemaError) as wrong:
        read_env_file(env(tmp_path, "one\ntwo\nA=1"))
    assert len(wrong.value.problems) == 2


def test_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=1\nB=\xff\n")
    with pytest.raises(SchemaError, match=r"\.env:2:1.*not UTF-8"):
        read_env_file(tmp_path / ".env")


def test_the_process_wins_and_no_file_is_no_variables(tmp_path: Path) -> None:
    """E-001: existing environment wins."""
    assert environment(tmp_path / "app.yaml", {"A": "own"}) == {"A": "own"}
    env(tmp_path, "A=file\nB=file")
    assert environment(tmp_path / "app.yaml", {"A": "own"}) == {"A": "own", "B": "file"}


def test_declared_variables_are_found_in_the_file(tmp_path: Path) -> None:
    """CL-007 E-001: a required variable is missing until `.env` names it."""
    app = tmp_path / "app.yaml"
    app.write_text(APP)
    with pytest.raises(SchemaError, match=r"CRM_TOKEN \(from the CRM's settings\)"):
        load_app(app, FIELD_TYPES, environ={})
    env(tmp_path, "CRM_TOKEN=s3cret")
    assert load_app(app, FIELD_TYPES, environ={}).name == "shop"


def test_only_settings_of_ours_enter_the_process(tmp_path: Path) -> None:
    """E-001: unknown variables are ignored, and a folder cannot decide which code runs here."""
    env(tmp_path, "SOVRIUM_PORT=4000\nPATH=/tmp/evil\nLD_PRELOAD=x\nPYTHONPATH=x\nGITHUB_CLIENT_SECRET=g\nOTHER=1")
    process = {"PATH": "/bin"}
    take_env_file(tmp_path / "app.yaml", process)
    assert process == {"PATH": "/bin", "SOVRIUM_PORT": "4000", "GITHUB_CLIENT_SECRET": "g"}
    taken = {"SOVRIUM_PORT": "5000"}
    take_env_file(tmp_path, taken)
    assert taken["SOVRIUM_PORT"] == "5000"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("LOG_LEVEL=loud", "debug, info, warn"),
        ("PORT=99999", "PORT must be a number from 0 to 65535"),
        ("SOVRIUM_DISABLE_NETWORK=maybe", "true, false"),
        ("AUTH_SECRET=hunter2", "16 characters"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused(tmp_path: Path, line: str, told: str) -> None:
    """E-002: the variable and what it may hold, never a secret's value."""
    env(tmp_path, line)
    with pytest.raises(BadRequest) as refused:
        take_env_file(tmp_path, {})
    assert line.split("=")[0] in refused.value.message
    assert told in refused.value.message
    assert "hunter2" not in refused.value.message


def test_secrets_are_masked() -> None:
    """E-001"""
    assert masked("SMTP_PASS", "x") == masked("DATABASE_URL", "x") == masked("CRM_TOKEN", "x") == MASK
    assert masked("SOVRIUM_PORT", "3000") == "3000"
