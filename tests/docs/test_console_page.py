"""The console's page: its tables of keys are the ones of the program."""

from pathlib import Path

from screens.actions.registry import ACTIONS

PAGE = Path(__file__).parent.parent.parent / "docs" / "console.md"


def test_every_action_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [action.id for action in ACTIONS if f"`{action.id}`" not in text] == []
