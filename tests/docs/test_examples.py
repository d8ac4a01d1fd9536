"""What the pages tell people to write is understood: examples of app files, commands, addresses, variables."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from core.fields.registry import FIELD_TYPES
from core.http.routes import all_routes
from core.schema.form import FIELD_KEYS, FIELD_LATER, ROOT_RUN, TABLE_LATER, TableForm
from core.schema.loader import check_text
from sovrium_tui.cli.console import open_console
from sovrium_tui.cli.main import cli

ROOT = Path(__file__).parents[2]
GENERATED = re.compile(r"<!-- generated: .*?<!-- end -->", re.DOTALL)
PAGES = {
    path.stem: GENERATED.sub("", path.read_text(encoding="utf-8"))
    for path in (*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md")
}
FIELDS = {
    "formulas": {
        "first": "single-line-text", "middle": "single-line-text", "last": "single-line-text", "room": "single-line-text",
        "state": "single-line-text", "due": "date", "start_day": "date", "end_day": "date", "slot": "date",
        "qty": "integer", "unit_price": "decimal", "done": "checkbox",
    },
    "history": {"title": "single-line-text", "notes": "single-line-text"},
    "permissions": {"cost": "decimal", "owner": "user", "public": "checkbox", "client": "single-line-text"},
    "policies": {"owner_id": "single-line-text", "status": "single-line-text", "team": "single-line-text"},
    "views": {
        "title": "single-line-text", "owner": "single-line-text", "state": "single-line-text", "due": "date",
        "until": "date", "points": "integer", "picture": "single-attachment",
    },
}  # fmt: skip
"""Fields that the examples of a page speak of and leave out."""
OTHER_TABLES = {
    "permissions": {"clients": {"title": "single-line-text"}},
    "policies": {"members": {"team": "single-line-text", "person": "single-line-text"}},
}
ACCOUNTS = {
    "strategies": [{"type": "emailAndPassword"}],
    "roles": [{"name": "editor"}],
    "groups": [{"name": "finance"}],
}
OF_A_TABLE = {"permissions", "rowLevelPermissions", "constraints", "indexes"}


def examples() -> Iterator[Any]:
    for page, text in sorted(PAGES.items()):
        for number, found in enumerate(re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE), 1):
            if "$ref" not in found and "overlay:" not in found:  # other files, the keys of the console
                yield pytest.param(page, found, id=f"{page} {number}")


def fields(kinds: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in kinds.items()]


def whole_app(page: str, example: str) -> dict[str, Any]:
    """The example with what it leaves out."""
    given = yaml.safe_load(re.sub(r"\[ ?(…|\.\.\.) ?\]", "[]", example))
    if isinstance(given, list):
        given = {"tables": [{"name": "things", "fields": given}]}
    elif given.keys() <= OF_A_TABLE:
        given = {"tables": [{"name": "things", **given}]}
    tables = given.setdefault("tables", [])
    for table in tables:
        own = table.setdefault("fields", [])
        named = {field["name"] for field in own}
        own += fields({name: kind for name, kind in FIELDS.get(page, {}).items() if name not in named})
    tables += [{"name": name, "fields": fields(kinds)} for name, kinds in OTHER_TABLES.get(page, {}).items()]
    for key, value in ACCOUNTS.items():
        given.setdefault("auth", {}).setdefault(key, value)
    if page == "permissions":
        given["auth"]["scopeTables"] = ["clients"]
    return {"name": "example", **given}


@pytest.mark.parametrize(("page", "example"), list(examples()))
def test_examples_of_app_files_are_valid(page: str, example: str) -> None:
    _, problems = check_text(yaml.safe_dump(whole_app(page, example), allow_unicode=True), FIELD_TYPES)
    assert [str(problem) for problem in problems if problem.severity == "error"] == []


def pieces() -> Iterator[tuple[str, str]]:
    """What stands as code on the pages, a line each."""
    for page, text in PAGES.items():
        for fence in re.findall(r"^```(?:sh|console)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            yield from ((page, line.removeprefix("$ ").partition("  #")[0]) for line in fence.splitlines())
        yield from ((page, code) for code in re.findall(r"`([^`\n]+)`", text))


def test_commands_and_their_options_exist() -> None:
    wrong = []
    for page, code in pieces():
        words = code.split()
        if not words or words.pop(0) != "sovrium-tui":
            continue
        command: click.Command = cli
        while isinstance(command, click.Group) and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        if command is cli and words and not words[0].startswith("-"):
            command = open_console  # of the app that stands there
        known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
        wrong += [
            f"{page}: {code}: {word}" for word in words if word.startswith("-") and word[1:] and word not in known
        ]
        if isinstance(command, click.Group) and command is not cli:
            wrong += [f"{page}: {code}: {word}" for word in words[:1] if not word.startswith("-")]
    assert wrong == []


def test_addresses_exist() -> None:
    """Also those with a record's id or a name in the place of `{…}`."""
    known = [re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(route.path))) for route in all_routes()]
    wrong = [
        f"{page}: {address}"
        for page, code in pieces()
        for address in re.findall(r"/api/[\w/{}.~-]*[\w}]", code)
        if "…" not in code and address != "/api/auth" and not any(each.fullmatch(address) for each in known)
    ]
    assert wrong == []


def test_variables_are_read_somewhere() -> None:
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("core", "screens", "sovrium_tui")
        for path in (ROOT / folder).rglob("*.py")
    )
    elsewhere = r"(SOVTUI_|SOVRIUM_ADMIN|SOVRIUM_TEST|GOOGLE_|MY_ID_|CRM_|TEST_DEPTH|SSL_CERT_FILE|NO_COLOR|LC_|GLIBC_)"
    named = {
        name
        for _, text in PAGES.items()
        for name in re.findall(r"`([A-Z][A-Z0-9]+_[A-Z0-9_]+)", text)
        if not re.match(elsewhere, name)
    }
    assert sorted(name for name in named if name not in code) == []


def test_tests_that_are_named_exist() -> None:
    """From `tests/` on; the page about reliability leaves its own folder out."""
    homes = (ROOT, ROOT / "tests", ROOT / "tests/reliability")
    named = {(page, name) for page, code in pieces() for name in re.findall(r"[\w/]*\btest_\w+\.py", code)}
    assert named
    assert sorted(each for each in named if not any((home / each[1]).is_file() for home in homes)) == []


def test_every_key_that_does_something_is_on_the_page() -> None:
    """Of the root, of tables and of fields; those of a type stand with the types."""
    tables = {field.alias or name for name, field in TableForm.model_fields.items()}
    keys = ROOT_RUN | tables.difference(TABLE_LATER) | FIELD_KEYS.difference(FIELD_LATER)
    assert sorted(key for key in keys if f"`{key}`" not in PAGES["app-file"]) == []
