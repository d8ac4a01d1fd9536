"""The data of the sample apps is what their generators write."""

import importlib
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent.parent.parent / "sample_apps"


@pytest.mark.parametrize("name", ["company", "crm"])
def test_generators_write_the_same_bytes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(SAMPLES), *sys.path])
    importlib.import_module(f"generate_{name}").generate(tmp_path)
    shipped = SAMPLES / name / "data"
    files = {path.relative_to(shipped): path.read_bytes() for path in shipped.rglob("*") if path.is_file()}
    assert {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files
