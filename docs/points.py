"""Which points of the product's specification have a test that names them: `docs/coverage.md`.

`docs/points.txt` lists the points (`T-119 What it says`) under headings. A test names a point in its name, docstring or data.
"""

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
POINT = re.compile(r"\b([A-Z]{1,3})-(\d{2,3})\b")
RANGE = re.compile(r"\b([A-Z]{1,3})-(\d{2,3})(?:…| to )(?:\1-)(\d{2,3})\b")


def named_points(text: str) -> set[str]:
    """The points that a text names, `R-040…R-045` spelled out."""
    found = {f"{prefix}-{number}" for prefix, number in POINT.findall(text)}
    for prefix, first, last in RANGE.findall(text):
        found |= {f"{prefix}-{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)}
    return found


def tests_by_point() -> dict[str, list[str]]:
    """Tests (`tests/api/test_records.py::test_trash`) by the point that they name."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                for point in named_points("\n".join(lines[first - 1 : node.end_lineno])):
                    found[point].append(f"{path.relative_to(ROOT)}::{node.name}")
        loose = named_points(text) - {
            p for p, names in found.items() if any(n.startswith(f"{path.relative_to(ROOT)}:") for n in names)
        }
        for point in loose:
            found[point].append(str(path.relative_to(ROOT)))
    return found


def coverage() -> str:
    """A table of points per heading, and how many of them have a test."""
    tests = tests_by_point()
    parts: list[str] = []
    heading, rows = "", []
    built = every = 0

    def close() -> None:
        if rows:
            parts.extend([f"## {heading}", "", "| Point | What | Tests |", "| --- | --- | --- |", *rows, ""])

    for line in (ROOT / "docs/points.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            close()
            heading, rows = line[2:], []
            continue
        point, _, what = line.partition(" ")
        names = tests.get(point, [])
        every += 1
        built += bool(names)
        more = f" (+{len(names) - 1})" if len(names) > 1 else ""
        cell = (
            f"[{names[0].rpartition('::')[2].rpartition('/')[2]}](../{names[0].partition('::')[0]}){more}"
            if names
            else "**missing**"
        )
        rows.append(f"| {point} | {what} | {cell} |")
    close()
    return "\n".join([f"{built} of {every} points have a test that names them.", "", *parts]).rstrip() + "\n"
