"""What people have named or written stands on the screen as it is: `[1]` is no colour, and `[/a]` no mistake of ours."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for folder in ("screens", "sovrium_tui") for path in (ROOT / folder).rglob("*.py"))
SAYS = {"Static", "Label", "OptionList", "Listing", "SelectionList", "Header"}
"""Widgets that take a text for markup unless they are told not to."""
ALWAYS = {"Button", "Checkbox", "RadioButton", "Collapsible", "TabPane", "Tab"}
"""Widgets that always do: their text is a `Content`."""
TITLES = {"border_title", "border_subtitle", "tooltip"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_is_taken_for_markup(path: Path) -> None:
    tree = ast.parse(path.read_text())
    wrong = [node.lineno for node in ast.walk(tree) if _is_wrong(node)]
    assert not wrong, f"{path.name}: lines {wrong} want markup=False, or a Content"


def _is_wrong(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        named = any(isinstance(target, ast.Attribute) and target.attr in TITLES for target in node.targets)
        return named and not _is_content(node.value)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return False
    if node.func.id in ALWAYS:
        return not node.args or not _is_content(node.args[0])
    return node.func.id in SAYS and not any(
        each.arg == "markup" and isinstance(each.value, ast.Constant) and each.value.value is False
        for each in node.keywords
    )


def _is_content(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return False
    named = node.func.value if isinstance(node.func, ast.Attribute) else node.func
    return isinstance(named, ast.Name) and named.id == "Content"
