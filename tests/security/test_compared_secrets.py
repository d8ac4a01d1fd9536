"""Secrets are compared in constant time (auth §18, T23)."""

import ast
import re
from pathlib import Path

import core

SECRET = re.compile(r"(^|_)(secret|token|password|digest|proof|mac|signature|otp|hashed|code_hash|api_key)s?($|_)")
FOLDERS = ("auth", "secrets", "audit", "http", "messaging", "webhooks", "access")
ROOT = Path(core.__file__).parent


def names_in(node: ast.expr) -> list[str]:
    """The names that an operand of a comparison is made of: `a.token` is `token`, `f(x)` and constants are none."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [node.attr]
    return []


def comparisons(source: str) -> list[tuple[int, str]]:
    """Where two values are compared by `==` or `!=`, one of them called as secrets are, and neither a column (those are
    looked up by the database's index on a hash) nor a constant."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare) or not all(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            continue
        operands = [node.left, *node.comparators]
        is_column = any(
            isinstance(each, ast.Attribute)
            and (
                (isinstance(each.value, ast.Name) and each.value.id == "c")
                or (isinstance(each.value, ast.Attribute) and each.value.attr == "c")
            )
            for each in operands
        )
        is_constant = any(isinstance(each, ast.Constant) for each in operands)
        if (
            not is_column
            and not is_constant
            and any(SECRET.search(name) for each in operands for name in names_in(each))
        ):
            found.append((node.lineno, ast.unparse(node)))
    return found


def test_t23_no_secret_is_compared_byte_by_byte() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, text in comparisons(path.read_text())
    ]
    assert found == [], "use hmac.compare_digest"


def test_the_check_finds_what_it_is_for() -> None:
    assert comparisons("if given == row.token_hash: pass")
    assert comparisons("ok = session.secret != other")
    assert not comparisons("select(t).where(t.c.token_hash == given)")
    assert not comparisons("if token == '': pass")
