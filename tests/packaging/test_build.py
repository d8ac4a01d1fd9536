"""Wheel and sdist: what is in them, and that an installed one runs by itself."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SAMPLES = ("company", "crm")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`direct/` holds a wheel made from the checkout, `chain/` an sdist and the wheel made from it."""
    folder = tmp_path_factory.mktemp("built")
    for name, options in (("direct", ["--wheel"]), ("chain", [])):
        command = [sys.executable, "-m", "build", "--no-isolation", *options, "--outdir", str(folder / name), str(ROOT)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def wheel(folder: Path) -> Path:
    [found] = folder.glob("*.whl")
    return found


def names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


@pytest.mark.timeout(300)
def test_both_wheels_hold_the_same_and_nothing_foreign(built: Path) -> None:
    direct, chain = names(wheel(built / "direct")), names(wheel(built / "chain"))
    assert direct == chain
    top_level = {name.split("/")[0] for name in direct}
    assert {name for name in top_level if not name.endswith(".dist-info")} == {"sovrium_tui", "core", "screens"}
    assert {f"sovrium_tui/sample_apps/{name}/app.yaml" for name in SAMPLES} <= direct
    assert [
        name
        for name in direct
        if name.startswith("sovrium_tui/sample_apps/company/data/files/") and name.endswith(".png")
    ]
    assert not [name for name in direct if "__pycache__" in name or "/tests/" in name or "/docs/" in name]
    with tarfile.open(next((built / "chain").glob("*.tar.gz"))) as archive:
        inside = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"pyproject.toml", "LICENSE", "README.md", "core/errors.py"} <= inside
    assert {f"sample_apps/{name}/app.yaml" for name in SAMPLES} <= inside
    assert not [name for name in inside if name.startswith(("tests/", "bench/", "docs/"))]


@pytest.mark.timeout(300)
def test_an_installed_wheel_runs(built: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    has_pip = importlib.util.find_spec("pip") is not None  # unpacking another takes longer than all the rest
    subprocess.run(
        [sys.executable, "-m", "venv", *(["--without-pip"] if has_pip else []), str(environment)],
        check=True,
        timeout=200,
    )
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)] if has_pip else [str(python), "-m", "pip"]
    install = ["install", "--quiet", "--no-deps", "--no-index", "--no-compile", str(wheel(built / "chain"))]
    subprocess.run([*pip, *install], check=True, timeout=200)
    # The dependencies are borrowed from this environment, without its own way to the checkout.
    packages = next(environment.glob("lib/python*/site-packages"))
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def run(*words: str) -> str:
        program = environment / "bin" / "sovrium-tui"
        variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        done = subprocess.run(
            [program, *words], cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("--version").startswith("sovrium-tui ")
    for name in SAMPLES:
        sample = packages / "sovrium_tui" / "sample_apps" / name / "app.yaml"
        assert run("validate", str(sample)).startswith(f"{name}: valid")
    where = subprocess.run(
        [python, "-P", "-c", "import core; print(core.__file__)"], capture_output=True, text=True, check=True
    )
    assert where.stdout.startswith(str(packages))
