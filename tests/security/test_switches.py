"""There is no switch that makes the program unsafe (A-265): whoever adds one says here why it is none."""

import re
from pathlib import Path

import click
import pytest

from core.errors import BadRequest
from sovrium_tui.cli.main import commands
from sovrium_tui.server import check_test_hooks

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "sovrium_tui", "screens")
READ = {
    "which app, which data, where": {
        "APP_SCHEMA", "APP_SCHEMA_FILE", "BASE_URL", "DATABASE_URL", "PORT", "SOVRIUM_DATA_DIR", "SOVRIUM_HOST",
        "SOVRIUM_LINGER", "SOVRIUM_PORT", "XDG_RUNTIME_DIR",
    },
    "secrets, and the first administrator": {
        "AUTH_ADMIN_EMAIL", "AUTH_ADMIN_NAME", "AUTH_ADMIN_PASSWORD", "AUTH_ADMIN_ROLE", "AUTH_SECRET", "JWT_SECRET",
        "PYTHON_KEYRING_BACKEND", "SOVRIUM_ENCRYPTION_KEY", "SOVRIUM_ENCRYPTION_KEY_PREVIOUS",
    },
    "mails and text messages": {
        "SMS_WEBHOOK_SECRET", "SMS_WEBHOOK_URL", "SMTP_FOLDER", "SMTP_FROM", "SMTP_FROM_NAME", "SMTP_HOST", "SMTP_PASS",
        "SMTP_PORT", "SMTP_SECURE", "SMTP_USER", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM",
    },
    "how it looks, and what terminal it is": {
        "LOG_FORMAT", "LOG_LEVEL", "NO_COLOR", "PATH", "SOVRIUM_PLAIN", "SSH_CONNECTION", "SSH_TTY", "STY", "TERM", "TMUX",
    },
    "limits, which they may make stricter; looser for tests alone (A-144)": {
        "RATE_LIMIT_WINDOW_SECONDS", "SHARED_VIEWS_RATE_LIMIT_MAX", "SHARED_VIEWS_RATE_LIMIT_WINDOW_MS",
    },
    "the language model that fills fields: where it is, and the key that is shown there": {
        "AI_API_KEY", "AI_BASE_URL", "AI_MODEL", "AI_PROVIDER",
    },
    "the network: nothing at all, or an app file from one's own": {
        "SOVRIUM_ALLOW_PRIVATE_OUTBOUND", "SOVRIUM_DISABLE_NETWORK",
    },
}  # fmt: skip
LOOSENING = re.compile(r"allow|insecure|unsafe|force|skip|disable|ignore|trust|accept|no-|dev|debug|yes|destructive")
LOOSE_OPTIONS = {
    "--allow-open": "P-015: an app without sign-in, said by who starts it",
    "--allow-destructive": "data may be dropped, by who owns it",
    "--accept-lost-wal": "keeps a copy of what cannot be read",
    "--dev": "test hooks, on loopback alone",
    "--force": "a rollback that loses data; files of `init` that are replaced",
    "--yes": "what else would be asked",
    "--no-mouse": "the console's mouse",
    "--skip-errors": "rows of an import that do not fit",
}


READINGS = (
    r"(?:environ|environment|found)\b(?:\.(?:get|pop|setdefault)\(|\[)\s*\"(?P<name>\w+)\"",
    r"\b(?:getenv|given)\(\s*\"(?P<name>\w+)\"",
    r"\benvvar=\"(?P<name>\w+)\"",
    r"\benvvar=\[(?P<name>[^\]]+)\]",
    r"\"(?P<name>(?:SOVRIUM|SOVTUI)_[A-Z0-9_]*[A-Z0-9])\"",
)
"""How a variable is read by name, given to an option, or named by our own prefix anywhere."""


def names_read(source: str) -> set[str]:
    """Names of environment variables in a module."""
    found = " ".join(match["name"] for reading in READINGS for match in re.finditer(reading, source))
    return {name for name in re.findall(r"\w+", found) if name.isupper()}


def read_in_source() -> set[str]:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    return set().union(*(names_read(file.read_text(encoding="utf-8")) for file in files))


def test_a_265_every_variable_that_is_read_is_known() -> None:
    """A-265: a variable that is read and not listed above may be a switch that nobody has thought about."""
    assert read_in_source() == set().union(*READ.values())
    assert names_read('if os.environ.get("TRUST_ALL") or os.environ["INSECURE"]: "SOVRIUM_UNSAFE"') == {
        "TRUST_ALL",
        "INSECURE",
        "SOVRIUM_UNSAFE",
    }


def test_a_265_every_option_that_loosens_something_is_known() -> None:
    """A-265: over all commands."""
    found = {
        name
        for command in commands().values()
        for option in command.params
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
        if name.startswith("--") and LOOSENING.search(name)
    }
    assert found <= LOOSE_OPTIONS.keys(), "say why, or leave it out"


@pytest.mark.parametrize(
    ("host", "dev", "window", "is_refused"),
    [
        ("127.0.0.1", True, "1", False),
        ("127.0.0.1", False, "1", True),
        ("0.0.0.0", True, "1", True),
        ("0.0.0.0", False, "1", True),
        ("0.0.0.0", False, "120", False),
        ("127.0.0.1", False, "60", False),
        ("0.0.0.0", False, "", False),
    ],
)
def test_a_144_short_windows_are_for_tests(
    monkeypatch: pytest.MonkeyPatch, host: str, dev: bool, window: str, is_refused: bool
) -> None:
    """A-144: with `--dev` on loopback; longer ones, which are stricter, anywhere."""
    monkeypatch.setenv("RATE_LIMIT_WINDOW_SECONDS", window)
    if is_refused:
        with pytest.raises(BadRequest, match="is for tests"):
            check_test_hooks(host, dev=dev)
    else:
        check_test_hooks(host, dev=dev)
