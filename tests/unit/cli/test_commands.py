"""The command line without a server: names, exit codes, hints, what it prints where."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from core.errors import Locked, MigrationRefused, SchemaError
from sovrium_tui.cli import main
from sovrium_tui.cli.app_file import data_dir_of, find_app
from sovrium_tui.cli.main import cli, execute
from sovrium_tui.launch import Target

ROOT = Path(__file__).parent.parent.parent.parent
APP = """\
name: shop
tables:
  - id: 1
    name: items
    fields:
      - { id: 1, name: title, type: single-line-text, required: true }
      - { id: 2, name: price, type: integer }
"""


class Shell:
    """Runs commands in this process, in a folder of their own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        status = execute(list(words))
        out, err = self._capsys.readouterr()
        assert "Traceback" not in err
        return status, out, err


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    for name in ("APP_SCHEMA_FILE", "DATABASE_URL", "LOG_LEVEL", "SOVRIUM_DATA_DIR", "PORT"):
        monkeypatch.delenv(name, raising=False)
    return Shell(capsys)


def test_the_names_are_a_contract() -> None:
    names = {name for name, command in cli.commands.items() if not command.hidden}
    assert names == {
        "start",
        "status",
        "reload",
        "stop",
        "validate",
        "schema",
        "init",
        "migrate",
        "sql",
        "import",
        "export",
        "backup",
        "connect",
        "login",
        "logout",
        "whoami",
        "policies",
        "user",
        "admin",
        "roles",
        "groups",
        "key",
        "secret",
        "audit",
        "outbox",
        "analytics",
        "logs",
    }
    options = {name: {o for p in c.params for o in p.opts if o.startswith("--")} for name, c in cli.commands.items()}
    assert {"--host", "--port", "--socket", "--data-dir", "--allow-open"} <= options["start"]
    assert {"--plan", "--json", "--yes", "--allow-destructive"} <= options["migrate"]
    assert {"--template", "--from", "--name", "--force"} <= options["init"]
    assert {"--format"} <= options["sql"]
    assert {"--json", "--print"} <= options["validate"]
    assert {"--watch"} <= options["start"]
    assert {"--allow-destructive", "--json"} <= options["reload"]
    assert {"--output"} <= options["schema"]


def test_help_imports_neither_engine_nor_console() -> None:
    """§2: --version and --help without importing the engine."""
    heavy = "{'duckdb', 'sqlalchemy', 'pydantic', 'starlette', 'textual', 'yaml', 'asyncio', 'uvicorn', 'orjson'}"
    for option in ("--version", "--help"):
        code = (
            "import sys\n"
            "from sovrium_tui.cli.main import execute\n"
            f"status = execute(['{option}'])\n"
            f"found = {heavy} & set(sys.modules)\n"
            "assert status == 0 and not found, found\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=50)
        assert done.returncode == 0, done.stderr


def test_a_process_of_its_own(tmp_path: Path) -> None:
    """`python -m`, colours, a closed pipe, an interrupt: what only a process shows."""
    (tmp_path / "app.yaml").write_text(APP)
    command = [sys.executable, "-P", "-m", "sovrium_tui"]
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80"}
    done = subprocess.run(
        [*command, "strat"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=50
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: There is no command or app file 'strat'\n  hint: did you mean `start`?\n"
    with subprocess.Popen([*command, "schema"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as piped:
        assert piped.stdout is not None
        assert piped.stderr is not None
        piped.stdout.close()
        assert (piped.stderr.read(), piped.wait(30)) == (b"", main.BROKEN_PIPE)
    # A shell may close the standard streams altogether: what is opened later must not take their places.
    code = "import os, sys; from sovrium_tui.cli.main import *; open_closed_streams(); "
    code += "open('taken', 'w').write(str(sys.stdin.read()) + str(os.open('taken', os.O_RDONLY) > 2))"
    shell = ["sh", "-c", 'exec "$0" "$@" <&- >&-', *command[:2], "-c", code]
    assert subprocess.run(shell, cwd=tmp_path, capture_output=True, check=False, timeout=50).stderr == b""
    assert (tmp_path / "taken").read_text() == "True"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["valdate"], "did you mean `validate`?"),
        (["--nope"], "`sovrium-tui --help`"),
        (["qqq"], "lists the commands"),
        (["start", "--port", "99999"], "start --help"),
        (["start", "--prot", "1"], "start --help"),
        (["sql", "app.yaml"], "sql --help"),
        (["validate", "nope.yaml"], "init"),
        (["validate", "app.txt"], ""),
        (["validate"], "init my-app"),
        (["sql", "app.yaml", "  "], ""),
        (["init", "x", "--template", "crm", "--from", "app.txt"], "init --help"),
        (["init", "x", "--template", "nope"], "known: company, crm"),
        (["export", "app.yaml", "items", "-"], "--format"),
        (["export", "app.yaml", "items", "x.ndjson"], "--format"),
        (["import", "app.yaml", "items", "app.txt", "--map", "bad"], ""),
        (["migrate", "status", "a", "b"], "migrate --help"),
        (["migrate", "rolback", "app.yaml"], "`migrate rollback`"),
        (["export", "app.yaml", "items"], "export --help"),
        (["sql", "a", "b", "c"], "sql --help"),
    ],
)
def test_wrong_use(shell: Shell, words: list[str], hint: str) -> None:
    Path("app.txt").touch()
    if words[0] in ("sql", "export", "import"):
        Path("app.yaml").write_text(APP)
    status, out, err = shell(*words)
    assert (status, out) == (2, "")
    assert re.match(r"error: .+\n(  hint: .+\n)?$", err), err
    assert hint in err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["validate", "--jsn", "--json"], "validate --help"),
        (["status", "--json", "a", "b"], "status --help"),
        (["migrate", "app.yaml", "--json", "--pla"], "migrate --help"),
        (["valdate", "--json"], "did you mean `validate`?"),
        (["validate", "nope.yaml", "--json"], "init"),
    ],
)
def test_wrong_use_in_json(shell: Shell, words: list[str], hint: str) -> None:
    """Who asks for JSON reads JSON, also from what is wrong with the command itself."""
    status, out, err = shell(*words)
    body = json.loads(out)
    assert (status, err, body["success"]) == (2, "", False)
    assert body["code"]
    assert body["message"]
    assert hint in body["hint"]


def test_what_a_command_is_for_fits_into_its_line() -> None:
    """In a terminal of 80 columns."""
    for command in (cli, *(each for each in cli.commands.values() if isinstance(each, click.Group))):
        text = command.get_help(click.Context(command, terminal_width=80, help_option_names=["-h", "--help"]))
        assert [line for line in text.splitlines()[1:] if line.endswith("...")] == []


def test_a_group_alone_lists_its_commands(shell: Shell) -> None:
    status, out, err = shell("key")
    assert (status, out) == (2, "")
    assert "\n  create " in err


def test_other_words_for_options(shell: Shell) -> None:
    """`version`, `-v`, `help [COMMAND]`."""
    assert shell("version") == shell("-v") == shell("--version")
    assert shell("help") == shell("--help")
    assert shell("help", "migrate") == shell("migrate", "--help")
    assert shell("help", "nope")[0] == 2


def test_validate(shell: Shell) -> None:
    Path("app.yaml").write_text(APP)
    assert shell("validate")[:2] == (0, "shop: valid, 1 table\n")
    status, out, _ = shell("validate", "app.yaml", "--json")
    assert (status, json.loads(out)["valid"], json.loads(out)["tables"]) == (0, True, 1)

    Path("bad.yaml").write_text(APP.replace("title", "ti tle!").replace("integer", "intger"))
    status, out, err = shell("validate", "bad.yaml")
    assert (status, out) == (2, "")
    assert re.search(r"bad\.yaml:\d+:\d+: error", err)
    assert re.search(r"error: bad\.yaml has \d errors?\n$", err)
    status, out, _ = shell("validate", "bad.yaml", "--json")
    body = json.loads(out)
    assert (status, body["valid"]) == (2, False)
    assert {"file", "line", "column", "code", "message", "severity"} <= body["problems"][0].keys()


def test_validate_notes_that_nobody_fills_fields(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """T-102: where a language model is to fill them; the server may have another environment, so the file is valid."""
    Path("app.yaml").write_text(APP)
    assert shell("validate")[2] == ""
    Path("app.yaml").write_text(APP + "      - {name: gist, type: ai-summary, sourceFields: [title]}\n")
    for value, said in (
        ("", "AI_PROVIDER is not set"),
        ("openai", "AI_PROVIDER=openai needs AI_API_KEY"),
        ("opnai", "AI_PROVIDER must be one of"),
        ("ollama", ""),
    ):
        monkeypatch.setenv("AI_PROVIDER", value)
        status, out, err = shell("validate")
        assert (status, out) == (0, "shop: valid, 1 table\n")
        assert err.startswith("note: ") == bool(said)
        assert said in err
    Path(".env").write_text("AI_PROVIDER=mistral\n")
    monkeypatch.delenv("AI_PROVIDER")
    (problem,) = json.loads(shell("validate", "--json")[1])["problems"]
    assert (problem["severity"], problem["code"]) == ("note", "ai.provider")
    assert "AI_PROVIDER=mistral" in problem["message"]


def test_schema(shell: Shell) -> None:
    status, out, _ = shell("schema")
    assert (status, json.loads(out)["$schema"]) == (0, "https://json-schema.org/draft/2020-12/schema")
    assert shell("schema", "--output", "a/b.json") == (0, "", "Wrote a/b.json\n")
    assert Path("a/b.json").read_text() == out
    assert shell("schema", "--output", "a/b.json/c")[0] == 1


def test_which_app_is_meant(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("app.yml").write_text(APP)
    here = Path("app.yml").absolute()
    assert find_app(None) == find_app(Path()) == find_app(Path("app.yml")) == here
    assert data_dir_of(here, None) == here.parent / ".sovrium"
    Path("other.json").write_text('{"name": "other"}')
    monkeypatch.setenv("APP_SCHEMA_FILE", "other.json")
    assert shell("validate")[1].startswith("other: valid")
    monkeypatch.delenv("APP_SCHEMA_FILE")
    Path("app.json").write_text('{"name": "third"}')
    status, _, err = shell("validate")
    assert (status, "more than one" in err, "app.yml, app.json" in err) == (2, True, True)


def test_no_command_is_the_console(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    monkeypatch.setattr("sovrium_tui.launch.run_console", lambda *given, options: opened.append((*given, options)) or 0)
    Path("app.yaml").write_text(APP)
    Path("folder").mkdir()
    Path("folder/app.json").write_text('{"name": "x"}')
    ways = ([], ["app.yaml"], ["./app.yaml", "--theme", "dark"], ["--no-mouse"], ["folder", "--data-dir", "d"])
    for words in (*ways, ["connect", "localhost", "--read-only"], ["--read-only"]):
        assert shell(*words) == (0, "", "")
    here = Path().absolute()
    assert [target for target, _ in opened][: len(ways)] == [
        *[Target(str(here / "app.yaml"), here / ".sovrium")] * 4,
        Target(str(here / "folder/app.json"), here / "d"),
    ]
    assert (opened[2][1].theme, opened[3][1].mouse) == ("dark", False)
    assert [options.read_only for _, options in opened] == [*[False] * len(ways), True, True]


def test_connect_opens_the_console_on_a_server_elsewhere(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address alone; passwords never travel in clear over a network."""
    opened: list[Target] = []
    monkeypatch.setattr("sovrium_tui.launch.run_console", lambda target, options: opened.append(target) or 0)
    for url in (
        "desk.example.org",
        "https://desk.example.org/",
        "https://desk.example.org:8443",
        "http://localhost:3000",
    ):
        assert shell("connect", url) == (0, "", "")
    assert [target.name for target in opened] == [
        "https://desk.example.org", "https://desk.example.org", "https://desk.example.org:8443", "http://localhost:3000"
    ]  # fmt: skip
    assert {target.data_dir for target in opened} == {None}
    for url, told in (
        ("http://desk.example.org", "in clear"),
        ("https://desk.example.org/path", "not the address of a server"),
        ("ftp://desk.example.org", "not the address of a server"),
        ("https://desk.example.org:x", "not the address of a server"),
    ):
        status, _, err = shell("connect", url)
        assert (status, told in err) == (2, True), url


def test_errors_have_their_exit_codes(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """§2: 1 failed, 2 invalid file, 3 held by someone else."""
    raised: list[Exception] = []

    @cli.command("raise", hidden=True)
    @click.option("--json", "as_json", is_flag=True)
    def _raise(as_json: bool) -> None:
        raise raised[0]

    try:
        for error, status, text in (
            (Locked("held", pid=7, hint="stop it"), 3, "error: held\n  hint: stop it\n"),
            (MigrationRefused("no", details=["a", "b"]), 1, "a\nb\nerror: no\n"),
            (SchemaError("x", ["p1", "p2"]), 2, "p1\np2\nerror: 2 problems\n"),
            (SchemaError("only", ["only"]), 2, "error: only\n"),
            (
                ValueError("odd \x1b[2J"),
                1,
                "error: unexpected ValueError: odd \ufffd[2J\n  hint: LOG_LEVEL=debug shows where\n",
            ),
            (KeyboardInterrupt(), 130, ""),
        ):
            raised[:] = [error]
            assert shell("raise") == (status, "", text)
        raised[:] = [Locked("held")]
        status, out, err = shell("raise", "--json")
        assert (status, json.loads(out)["message"], err) == (3, "held", "")
        monkeypatch.setenv("LOG_LEVEL", "debug")
        assert execute(["raise"]) == 3
    finally:
        del cli.commands["raise"]


def test_init_of_an_empty_app(shell: Shell) -> None:
    """C-007: the generated project validates; what is there stays."""
    status, out, _ = shell("init", "Parts Desk")
    assert (status, "Parts Desk/app.yaml is ready" in out) == (0, True)
    assert shell("validate", "Parts Desk")[1] == "parts-desk: valid, 1 table\n"
    assert ".sovrium/" in Path("Parts Desk/.gitignore").read_text()
    Path("Parts Desk/.gitignore").write_text("mine")
    status, _, err = shell("init", "Parts Desk")
    assert (status, "--force" in err) == (2, True)
    status, out, _ = shell("init", "Parts Desk", "--force", "--name", "other", "--json")
    assert (status, json.loads(out)["name"]) == (0, "other")
    assert shell("validate", "Parts Desk")[1].startswith("other")
    assert Path("Parts Desk/.gitignore").read_text() == "mine"


def test_status_and_stop_without_a_server(shell: Shell) -> None:
    Path("app.yaml").write_text(APP)
    assert shell("status")[0] == 1
    status, out, _ = shell("status", "--json")
    assert (status, json.loads(out)["running"]) == (1, False)
    status, _, err = shell("stop")
    assert (status, "No server runs" in err) == (1, True)
    status, out, _ = shell("stop", "--json")
    told = json.loads(out)
    assert (status, "No server runs" in told["message"], told["code"]) == (1, True, "NOT_FOUND")
    assert not Path(".sovrium").exists()


def test_every_command_is_documented() -> None:
    """docs/cli.md holds the help of each command, as it is now."""
    from sovrium_tui.cli.reference import command_reference

    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert command_reference() in page


def test_an_app_is_printed_as_it_is_understood(shell: Shell, tmp_path: Path) -> None:
    """CL-010 C-005: includes in place, older names rewritten, ids filled in, secrets masked; it is an app file again."""
    (tmp_path / "items.yaml").write_text(
        "name: items\nuniqueConstraints: [{fields: [a, b]}]\n"
        "fields:\n  - {name: a, type: text}\n  - {name: b, type: number, scale: 2}\n"
    )
    (tmp_path / "app.yaml").write_text(
        "name: shop\nenv:\n  - {key: CRM_TOKEN, default: hunter2}\n  - {key: SENDER, default: me@example.test}\n"
        "connections: [{name: crm, apiKey: hunter2, password: $env.CRM_TOKEN}]\ntables: [{$ref: ./items.yaml}]\n"
    )
    (tmp_path / ".env").write_text("CRM_TOKEN=hunter2\n")
    status, out, err = shell("validate", "--print")
    assert (status, "hunter2" in out + err) == (0, False)
    assert "is now called" in err
    assert "$env.CRM_TOKEN" in out
    assert "me@example.test" in out
    status, text, _ = shell("validate", "--print", "--json")
    table = json.loads(text)["app"]["tables"][0]
    assert (table["id"], table["unique"], table["fields"][0]["type"]) == ("1", [{"fields": ["a", "b"]}], "long-text")
    assert table["fields"][1] == {"name": "b", "type": "decimal", "precision": 2, "id": "2"}
    (tmp_path / "again.yaml").write_text(out)
    status, second, err = shell("validate", "--print", "again.yaml")
    assert (status, second) == (0, out)
    assert "is now called" not in err


def test_a_broken_env_file_is_told_with_its_line(shell: Shell, tmp_path: Path) -> None:
    """E-001: file and line, never the text."""
    (tmp_path / "app.yaml").write_text(APP)
    (tmp_path / ".env").write_text("A=1\nhunter2\n")
    for words in (["validate"], ["start"], ["status"], ["sql", "app.yaml", "select 1"], ["migrate"]):
        status, out, err = shell(*words)
        assert (status, out) == (2, "")
        assert ".env:2:1" in err
        assert "hunter2" not in err


def test_settings_come_from_the_env_file(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """E-001 E-002: `.env` holds the defaults of options."""
    (tmp_path / "app.yaml").write_text(APP)
    for name in ("SOVRIUM_DATA_DIR", "SOVRIUM_PORT"):
        monkeypatch.setenv(name, "")  # so that what the command sets is taken back
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_text("SOVRIUM_DATA_DIR=elsewhere\n")
    _, out, _ = shell("status")
    assert out == f"No server runs on {tmp_path / 'elsewhere'}\n"
    (tmp_path / ".env").write_text("SOVRIUM_PORT=hunter2\n")
    status, _, err = shell("start")
    assert (status, "SOVRIUM_PORT must be a number from 0 to 65535" in err, "hunter2" in err) == (2, True, False)


@pytest.mark.parametrize("folder", ["2024", "true", "Ünï 7"])
def test_a_new_app_is_valid_whatever_its_folder_is_called(shell: Shell, folder: str) -> None:
    """AM-001"""
    assert shell("init", folder)[0] == 0
    assert shell("validate", folder)[0] == 0
