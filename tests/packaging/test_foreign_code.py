"""The five protections of `core` and `screens` as top-level packages: nobody else's code runs in their place."""

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sovrium_tui import _guard
from sovrium_tui.process import discovery
from sovrium_tui.process.discovery import ensure_server, stop_server

ROOT = Path(__file__).parent.parent.parent
OURS = {"sovrium_tui", "core", "screens"}
NEVER = OURS | {"tests", "docs", "sample_apps", "bench"}


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A folder with packages of our names that tell when they are run."""
    for name in ("core", "screens"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the trap has run')")
    return tmp_path


def run(arguments: list[str], cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_all_is_ours_here() -> None:
    assert _guard.foreign_package() is None


def test_a_foreign_core_is_refused_by_name_and_never_run(trap: Path) -> None:
    in_folder = run(["-m", "sovrium_tui", "--version"], trap)
    by_path = run(["-P", "-m", "sovrium_tui", "--version"], trap.parent, PYTHONPATH=str(trap))
    for refused in (in_folder, by_path):
        assert refused.returncode == 1
        assert str(trap / "core") in refused.stderr
        assert "hint" in refused.stderr
        assert "the trap has run" not in refused.stderr + refused.stdout
    safe = run(["-P", "-m", "sovrium_tui", "--version"], trap)
    assert (safe.returncode, safe.stdout.startswith("sovrium-tui ")) == (0, True)


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(_guard, "PACKAGES", ("core", "surely_nowhere"))
    with pytest.raises(SystemExit) as end:
        _guard.check()
    assert end.value.code == 1
    assert "'surely_nowhere' of sovrium-tui is missing" in capsys.readouterr().err


def test_a_background_server_takes_no_code_from_where_it_was_started(
    trap: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    app = home / "app.yaml"
    app.write_text("name: safe\n")
    monkeypatch.chdir(trap)
    monkeypatch.setenv("PYTHONPATH", str(trap))
    monkeypatch.setenv("SOVRIUM_PORT", "0")
    data = home / "data"
    address = ensure_server(app, data)
    try:
        process = Path(f"/proc/{address.pid}")
        if process.exists():
            assert process.joinpath("cwd").readlink() == data
            assert b"PYTHONPATH=" not in process.joinpath("environ").read_bytes()
            assert process.joinpath("cmdline").read_bytes().split(b"\0")[1:4] == [b"-P", b"-m", b"sovrium_tui"]
    finally:
        stop_server(data)
        discovery.reap()


def locked() -> set[str]:
    """Names of all distributions in the lock of the program."""
    lines = (ROOT / "requirements" / "run.txt").read_text().splitlines()
    return {normal(match[1]) for line in lines if (match := re.match(r"([A-Za-z0-9._-]+)==", line))}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_no_dependency_ships_a_package_of_our_names() -> None:
    seen = set()
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        seen.add(normal(name))
        if name == "sovrium-tui":
            continue
        top_level = {file.parts[0].removesuffix(".py") for file in distribution.files or ()}
        assert not top_level & NEVER, name
    marked = {
        "backports-tarfile", "colorama", "importlib-metadata", "jeepney", "lazy-importer", "pywin32-ctypes", "secretstorage",
        "tzdata", "uvloop", "zipp",
    }  # fmt: skip
    assert locked() - seen <= marked, "only on some systems, or versions of Python"
