"""Which points of the product's specification have a test that names them: `docs/coverage.md`.

`docs/points.txt` lists the points (`T-119 What it says`) under headings; what a built point still lacks stands behind
`⁂ missing:`. A test names a point in its name, docstring or data; data are also the titles of the cases that a test reads
from a file.
"""

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
POINT = re.compile(r"\b([A-Z]{1,3})-(\d{2,3})\b")
IN_NAME = re.compile(r"(?<=_)([a-z]{1,3})_(\d{3})(?=_|$)")
CASES = {"*.txt": re.compile(r"=== .+"), "*.yaml": re.compile(r"about: .+")}
"""Files of cases, and the lines of theirs that are titles."""
LACKS = " ⁂ missing: "
RANGE = re.compile(r"\b([A-Z]{1,3})-(\d{2,3})(?:…| to )(?:\1-)(\d{2,3})\b")


def named_points(text: str) -> set[str]:
    """The points that a text names, `R-040…R-045` spelled out."""
    found = {f"{prefix}-{number}" for prefix, number in POINT.findall(text)}
    for prefix, first, last in RANGE.findall(text):
        found |= {f"{prefix}-{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)}
    return found


def points_of_name(name: str) -> set[str]:
    """The points in the name of a test, `test_a_164_a_165_…`."""
    return {f"{prefix.upper()}-{number}" for prefix, number in IN_NAME.findall(name)}


def tests_by_point() -> dict[str, list[str]]:
    """Tests (`tests/api/test_records.py::test_trash`) by the point that they name; the file alone for what stands outside
    its functions."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text, name = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
        lines = text.splitlines()
        in_tests: set[str] = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                points = named_points("\n".join(lines[first - 1 : node.end_lineno])) | points_of_name(node.name)
                in_tests |= points
                for point in points:
                    found[point].append(f"{name}::{node.name}")
        for point in named_points(text) - in_tests:
            found[point].append(name)
    for pattern, title in CASES.items():
        for path in sorted((ROOT / "tests").rglob(pattern)):
            for point in named_points("\n".join(title.findall(path.read_text(encoding="utf-8")))):
                found[point].append(str(path.relative_to(ROOT)))
    return found


def cell(names: list[str], lacking: str = "") -> str:
    """The tests of a point, and what it lacks."""
    if not names:
        return "**missing**"
    path, _, test = names[0].partition("::")
    more = f" (+{len(names) - 1})" if len(names) > 1 else ""
    return f"[{test or Path(path).name}](../{path}){more}" + (f"; **missing:** {lacking}" if lacking else "")


def coverage() -> str:
    """A table of points per heading, and how many of them have a test."""
    tests = tests_by_point()
    parts: list[str] = []
    heading, rows = "", []
    built = every = partly = 0

    def close() -> None:
        if rows:
            parts.extend([f"## {heading}", "", "| Point | What | Tests |", "| --- | --- | --- |", *rows, ""])

    for line in (ROOT / "docs/points.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            close()
            heading, rows = line[2:], []
            continue
        said, _, lacking = line.partition(LACKS)
        point, _, what = said.partition(" ")
        names = tests.get(point, [])
        every += 1
        built += bool(names)
        partly += bool(names and lacking)
        rows.append(f"| {point} | {what} | {cell(names, lacking)} |")
    close()
    count = f"{built} of {every} points have a test that names them; {partly} of these are built in part."
    return "\n".join([count, "", *parts]).rstrip() + "\n"
