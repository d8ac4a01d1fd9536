"""The page of the field types is what the registry says."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from core.fields.registry import FIELD_TYPES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_docs", DOCS / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_type_has_its_row(generate: ModuleType) -> None:
    page = (DOCS / "field-types.md").read_text(encoding="utf-8")
    assert generate.filled(page) == page
    for kind in FIELD_TYPES:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{kind.name}` |"))
        what = row.split("|")[2].strip()
        assert len(what) > 5
        assert "(T-" not in what
