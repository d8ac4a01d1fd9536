"""How much is sent to the terminal, and how plainly: the link over SSH, and `--plain`."""

import os

import pytest
from click.testing import CliRunner

from screens.services.plain import plain
from screens.tables import TablesScreen
from screens.widgets.grid.cell import RENDERERS
from sovrium_tui import launch, terminal
from sovrium_tui.cli.main import cli
from sovrium_tui.console import ConsoleApp
from sovrium_tui.launch import ConsoleOptions, settle
from tests.support.console import console, running, screen_text, until

SETTINGS = ("TEXTUAL_FPS", "TEXTUAL_ANIMATIONS", "TEXTUAL_SMOOTH_SCROLL", "TEXTUAL_THEME", "ESCDELAY", "NO_COLOR")


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SETTINGS, "SOVRIUM_PLAIN"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLORTERM", "truecolor")


@pytest.mark.parametrize(
    ("answer", "slow"), [(0.002, False), (launch.SLOW * 2, True), (None, True)], ids=["near", "far", "silent"]
)
def test_over_ssh_the_line_is_measured(monkeypatch: pytest.MonkeyPatch, answer: float | None, slow: bool) -> None:
    """A slow line gets few frames, no animation and the terminal's own colours."""
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 50000 10.0.0.2 22")
    monkeypatch.setattr(terminal, "round_trip", lambda: answer)
    assert settle(ConsoleOptions()) is slow
    assert os.environ["TEXTUAL_FPS"] == ("15" if slow else "60")
    assert os.environ["TEXTUAL_ANIMATIONS"] == "none"
    assert os.environ.get("TEXTUAL_THEME") == ("ansi-dark" if slow else None)


@pytest.mark.parametrize(
    ("term", "colours", "theme"),
    [("linux", "", "ansi-dark"), ("screen-256color", "", None), ("linux", "truecolor", None)],
)
def test_a_terminal_of_sixteen_colours_shows_its_own(
    monkeypatch: pytest.MonkeyPatch, term: str, colours: str, theme: str | None
) -> None:
    """The shades of a theme would run together there."""
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLORTERM", colours)
    assert settle(ConsoleOptions(link="fast")) is False
    assert os.environ.get("TEXTUAL_THEME") == theme


def test_a_local_terminal_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> float:
        raise AssertionError("measured")

    monkeypatch.setattr(terminal, "round_trip", never)
    assert settle(ConsoleOptions()) is False
    assert settle(ConsoleOptions(link="slow")) is True


def test_plain_means_no_colour() -> None:
    settle(ConsoleOptions(plain=True))
    assert os.environ["NO_COLOR"] == "1"


@pytest.mark.parametrize(("arguments", "environment"), [(["--plain"], {}), ([], {"SOVRIUM_PLAIN": "1"})])
def test_plain_is_asked_for_by_option_or_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path, arguments: list[str], environment: dict[str, str]
) -> None:
    asked: list[ConsoleOptions] = []
    monkeypatch.setattr(launch, "run_console", lambda *a, options, **k: asked.append(options) or 0)
    (tmp_path / "app.yaml").write_text("name: desk\ntables: []\n")
    result = CliRunner().invoke(cli, [*arguments, str(tmp_path / "app.yaml")], env=environment)
    assert result.exit_code == 0, result.output
    assert asked[0].plain


def test_plainly_what_is_open_and_what_is_folded_differ() -> None:
    assert plain("▸ Record ▾ Record") == "> Record v Record"


def test_plainly_the_signs_of_types_are_letters_or_ascii() -> None:
    signs = {plain(renderer.glyph) for renderer in RENDERERS.values()}
    assert not [sign for sign in signs if not sign.isascii() and not sign.isalpha()]


def nothing_is_drawn(app: ConsoleApp) -> bool:
    """Letters of any script may stand there, signs only of ASCII."""
    return not [sign for sign in screen_text(app) if not sign.isascii() and not sign.isalpha()]


async def test_a_plain_console_draws_nothing_but_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    """Home, table, help and an editor: no box drawing, no signs."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = console()
    app.plain = True
    async with running(app, (100, 30)) as pilot:
        assert nothing_is_drawn(app)
        await pilot.press("g", "t")
        await until(pilot, lambda: isinstance(app.screen, TablesScreen) and "Company 00001" in screen_text(app))
        assert nothing_is_drawn(app)
        await pilot.press("e", "x", "enter", "P")
        await until(pilot, lambda: not isinstance(app.screen, TablesScreen))
        assert nothing_is_drawn(app)
        await pilot.press("escape", "question_mark")
        await until(pilot, lambda: not isinstance(app.screen, TablesScreen))
        assert nothing_is_drawn(app)
