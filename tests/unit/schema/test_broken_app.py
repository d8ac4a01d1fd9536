"""Broken app files: each gives exactly the problems that are wrong with it, at their places.

CL-001, CL-002, CL-006, T-030
"""

import re
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.errors import SchemaError
from core.fields.registry import FIELD_TYPES
from core.schema.loader import check_app, load_app

CORPUS = Path(__file__).parents[2] / "corpora" / "app_files"
_HEAD = re.compile(r"=== (?P<title>.+?)(?: \| (?P<file>\S+))? : (?P<expected>.+)")
_EXPECTED = re.compile(r"(?P<code>\S+) (?P<line>\d+):(?P<column>\d+)(?: in (?P<file>\S+))?")


@dataclass(frozen=True)
class Case:
    title: str
    root: str
    files: dict[str, str]
    expected: list[tuple[str, str, int, int]]


def read_cases(path: Path) -> list[Case]:
    cases: list[Case] = []
    name = ""
    for line in path.read_text().splitlines():
        head = _HEAD.fullmatch(line)
        if head:
            name = head["file"] or "app.yaml"
            matches = [_EXPECTED.fullmatch(each) for each in head["expected"].split(", ")]
            expected = [(m["code"], m["file"] or name, int(m["line"]), int(m["column"])) for m in matches if m]
            assert len(expected) == len(matches), line
            cases.append(Case(f"{path.stem}: {head['title']}", name, {name: ""}, expected))
        elif line.startswith("--- "):
            name = line[4:]
            cases[-1].files[name] = ""
        else:
            cases[-1].files[name] += line + "\n"
    return cases


CASES = [case for path in sorted(CORPUS.glob("*.txt")) for case in read_cases(path)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_broken_app(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in case.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    app, problems = check_app(tmp_path / case.root, FIELD_TYPES)
    errors = [problem for problem in problems if problem.severity == "error"]
    found = [(p.code, p.position.file, p.position.line, p.position.column) for p in errors if p.position]
    assert found == case.expected, "\n".join(str(problem) for problem in problems)
    assert len(found) == len(errors)
    assert app is None
    with pytest.raises(SchemaError) as failure:
        load_app(tmp_path / case.root, FIELD_TYPES)
    assert failure.value.exit_code == 2


def test_corpus_is_large_enough() -> None:
    assert len(CASES) >= 45


BYTES = {
    "nul": (b"name: x\ntables: \0[]\n", "file.control-character", 2, 9),
    "escape": (b"name: \x1b[31mx\n", "file.control-character", 1, 7),
    "latin-1": (b"name: x\ndescription: caf\xe9\n", "file.encoding", 2, 17),
    "utf-16": ("name: x\n".encode("utf-16"), "file.encoding", 1, 1),
    "empty": (b"", "file.empty", 1, 1),
    "spaces": (b" \n\n\t\n", "file.empty", 1, 1),
    "too large": (b"name: x\n# " + b"a" * (10 * 1024 * 1024), "file.too-large", 1, 1),
    "too deep": (b"name: x\nauth: " + b"[" * 5000, "yaml.too-deep", 2, 106),
    "too many digits": (b"name: x\ntheme: {a: " + b"9" * 5000 + b"}", "yaml.number", 2, 12),
    "alias bomb": (
        b"name: x\na0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
        + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 12)),
        "yaml.too-large",
        7,
        46,
    ),
}


@pytest.mark.parametrize("name", BYTES)
def test_broken_bytes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data, code, line, column = BYTES[name]
    (tmp_path / "app.yaml").write_bytes(data)
    started = time.process_time()
    app, problems = check_app(tmp_path / "app.yaml", FIELD_TYPES)
    assert time.process_time() - started < 5
    errors = [problem for problem in problems if problem.severity == "error"]
    assert app is None
    assert [(p.code, p.position and (p.position.line, p.position.column)) for p in errors[:1]] == [
        (code, (line, column))
    ]
    assert all(len(str(problem)) < 1000 for problem in problems)


def test_deep_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app.json").write_text('{"name": "x", "auth": ' + '{"a":' * 50_000)
    _, problems = check_app(tmp_path / "app.json", FIELD_TYPES)
    assert [problem.code for problem in problems] == ["json.too-deep"]


def test_missing_file_and_folder(tmp_path: Path) -> None:
    """CL-005: nothing is created."""
    for path, code in ((tmp_path / "none.yaml", "file.missing"), (tmp_path / "none", "file.unsupported")):
        _, problems = check_app(path, FIELD_TYPES)
        assert [problem.code for problem in problems] == [code]
    (tmp_path / "folder.yaml").mkdir()
    _, problems = check_app(tmp_path / "folder.yaml", FIELD_TYPES)
    assert [problem.code for problem in problems] == ["file.missing"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder.yaml"]
