"""What the environment says about accounts."""

import os
from pathlib import Path

import pytest

from core.auth.environment import AdminSeed, AuthEnvironment, forget_admin, read_environment
from core.errors import BadRequest
from core.fields.registry import FIELD_TYPES
from core.schema.loader import load_text
from core.schema.model import App
from sovrium_tui.server import settings_notes
from sovrium_tui.settings import take_env_file

ADMIN = {"AUTH_ADMIN_EMAIL": "ana@example.org", "AUTH_ADMIN_PASSWORD": "hunter2-hunter2"}
GOOGLE = {"GOOGLE_CLIENT_ID": "id", "GOOGLE_CLIENT_SECRET": "hunter2"}


def app(auth: str) -> App:
    return load_text(f"name: x\nauth: {auth}\n", FIELD_TYPES)


OAUTH = app("{strategies: [{type: oauth, providers: [google, {custom: my-id, issuer: 'https://a.test'}]}]}")


def notes(environ: dict[str, str], of: App = OAUTH) -> list[str]:
    assert of.auth is not None
    return read_environment(environ).notes(of.auth, of.roles)


def test_everything_is_read_and_no_secret_is_shown() -> None:
    """§2.2: names of the environment."""
    secrets = {"AUTH_SECRET": "hunter2" * 3, "JWT_SECRET": "hunter2" * 5}
    mine = {"MY_ID_CLIENT_ID": "mine", "MY_ID_CLIENT_SECRET": "hunter2"}
    found = read_environment({**ADMIN, **GOOGLE, **secrets, **mine, "PATH": "/bin"})
    assert (found.secret, found.jwt_secret) == ("hunter2" * 3, "hunter2" * 5)
    assert found.admin == AdminSeed(
        email="ana@example.org", password="hunter2-hunter2", name="Administrator", role="admin"
    )
    assert OAUTH.auth is not None
    assert OAUTH.auth.oauth is not None
    clients = [found.credentials_of(each) for each in OAUTH.auth.oauth.providers]
    assert [each and (each.client_id, each.client_secret) for each in clients] == [
        ("id", "hunter2"),
        ("mine", "hunter2"),
    ]
    assert found.notes(OAUTH.auth, OAUTH.roles) == []
    assert "hunter2" not in repr(found)
    assert read_environment({}) == AuthEnvironment()


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"AUTH_SECRET": "hunter2"}, "AUTH_SECRET must have 16 characters or more"),
        ({"JWT_SECRET": "hunter2"}, "JWT_SECRET must have 32 bytes or more"),
    ],
)
def test_short_secrets_are_refused(environ: dict[str, str], told: str) -> None:
    """E-002, §2.2: the variable and what it must be, never its value."""
    with pytest.raises(BadRequest) as refused:
        read_environment(environ)
    assert refused.value.message == told


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("AUTH_ADMIN_EMAIL", "SOVRIUM_ADMIN_EMAIL"), ("AUTH_ADMIN_EMAIL", "SOVTUI_ADMIN_EMAIL"),
        ("AUTH_ADMIN_EMAIL", "SOVTUI_AUTH_ADMIN_EMAIL"), ("AUTH_SECRET", "SOVTUI_AUTH_SECRET"),
        ("SOVRIUM_ENCRYPTION_KEY", "SOVTUI_ENCRYPTION_KEY"), ("SMTP_FROM_NAME", "SOVTUI_SMTP_FROM_NAME"),
        ("BASE_URL", "SOVTUI_BASE_URL"), ("PORT", "SOVTUI_PORT"), ("GOOGLE_CLIENT_ID", "SOVTUI_GOOGLE_CLIENT_ID"),
    ],
)  # fmt: skip
def test_second_names_stand_for_the_first(name: str, other: str, tmp_path: Path) -> None:
    """§2.2: the same value twice is no conflict, another one is; a name that we do not know stands for nothing."""
    value = "4000" if name == "PORT" else "long enough, this"
    for environ in ({other: value}, {other: value, name: value}, {other: value, name: ""}):
        take_env_file(tmp_path / "app.yaml", environ)
        assert environ[name] == value
    with pytest.raises(BadRequest) as refused:
        take_env_file(tmp_path / "app.yaml", {name: "4001", other: value})
    assert refused.value.message == f"{name} and {other} are two names of one setting, and their values differ"
    unknown = {"SOVTUI_PATH": "/tmp", "SOVRIUM_ADMIN_COLOUR": "red"}
    take_env_file(tmp_path / "app.yaml", unknown)
    assert unknown == {"SOVTUI_PATH": "/tmp", "SOVRIUM_ADMIN_COLOUR": "red"}


def test_two_second_names_that_differ_are_a_conflict() -> None:
    """§2.2"""
    environ = {"SOVRIUM_ADMIN_NAME": "Ana", "SOVTUI_ADMIN_NAME": "Ben"}
    with pytest.raises(BadRequest, match="SOVRIUM_ADMIN_NAME and SOVTUI_ADMIN_NAME are two names"):
        read_environment({**ADMIN, **environ})


def test_settings_of_accounts_may_stand_in_env(tmp_path: Path) -> None:
    """E-001: the `.env` beside the app file."""
    lines = ["SOVTUI_ADMIN_EMAIL=a@b.test", "LINKEDIN_OIDC_CLIENT_ID=7", "TWILIO_AUTH_TOKEN=t", "JWT_SECRET=j"]
    (tmp_path / ".env").write_text("\n".join(lines))
    environ: dict[str, str] = {}
    take_env_file(tmp_path / "app.yaml", environ)
    assert environ == {
        "SOVTUI_ADMIN_EMAIL": "a@b.test",
        "AUTH_ADMIN_EMAIL": "a@b.test",
        "LINKEDIN_OIDC_CLIENT_ID": "7",
        "TWILIO_AUTH_TOKEN": "t",
        "JWT_SECRET": "j",
    }


def test_a_128_a_provider_without_credentials_is_said_at_the_start() -> None:
    """A-128, §2.3: and the server runs."""
    assert notes(GOOGLE) == ["my-id is not configured: set MY_ID_CLIENT_ID and MY_ID_CLIENT_SECRET"]
    assert notes({**GOOGLE, "MY_ID_CLIENT_SECRET": "s"}) == ["MY_ID_CLIENT_ID is not set, MY_ID_CLIENT_SECRET is"]


def test_strict_does_not_start_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """§2.3: a warning at the start, an error with `--strict`."""
    for name in [name for name in os.environ if name.endswith(("_CLIENT_ID", "_CLIENT_SECRET"))]:
        monkeypatch.delenv(name)
    assert len(settings_notes(OAUTH)) == 2
    with pytest.raises(BadRequest, match="google is not configured"):
        settings_notes(OAUTH, strict=True)
    for name, value in {**GOOGLE, "MY_ID_CLIENT_ID": "i", "MY_ID_CLIENT_SECRET": "s"}.items():
        monkeypatch.setenv(name, value)
    assert settings_notes(OAUTH, strict=True) == []
    assert settings_notes(load_text("name: x\n", FIELD_TYPES), strict=True) == []


def test_a_233_a_234_half_an_admin_is_none() -> None:
    """A-233, A-234: nothing is made of it, which is said."""
    for half in ADMIN:
        found = read_environment({half: ADMIN[half]})
        assert found.admin is None
        assert "belong together" in notes({**GOOGLE, half: ADMIN[half]})[-1]
    named = {**ADMIN, "AUTH_ADMIN_NAME": " Ana ", "AUTH_ADMIN_ROLE": "boss"}
    seed = read_environment(named).admin
    assert seed is not None
    assert (seed.name, seed.role) == ("Ana", "boss")
    assert notes({**GOOGLE, **named})[-1] == (
        "AUTH_ADMIN_ROLE: role 'boss' is not defined; there are admin, member, viewer"
    )


def test_a_240_the_admins_variables_leave_the_process() -> None:
    """A-240"""
    environ = {**ADMIN, "SOVRIUM_ADMIN_NAME": "Ana", "SOVTUI_ADMIN_ROLE": "admin", "AUTH_SECRET": "s", "PATH": "/bin"}
    forget_admin(environ)
    assert environ == {"AUTH_SECRET": "s", "PATH": "/bin"}


@pytest.mark.parametrize("key", ["algorithm: HS256", "legacySecret: true"])
def test_hs256_needs_a_secret(key: str) -> None:
    """§2.2: without one the server does not start."""
    spec = app(f"{{strategies: [{{type: magicLink}}], jwt: {{{key}}}}}").auth
    assert spec is not None
    with pytest.raises(BadRequest, match=r"auth\.jwt\.\w+(: HS256)? needs JWT_SECRET, 32 bytes or more"):
        read_environment({}).check(spec)
    read_environment({"JWT_SECRET": "x" * 32}).check(spec)
