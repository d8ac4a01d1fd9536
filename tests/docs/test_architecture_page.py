"""The page of the architecture and the contracts of imports know every part of the engine."""

from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = {path for path in (ROOT / "core").iterdir() if path.stem != "__init__" and path.suffix in ("", ".py")} - {
    ROOT / "core" / "__pycache__"
}
SMALL = {"clock", "errors", "ids", "principal", "remembered"}
"""Single modules that the page names elsewhere."""


def test_every_part_has_its_line() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    lines = {line.split()[0].rstrip("/") for line in page.splitlines() if line.startswith("  ") and line.split()}
    assert {path.name for path in PARTS if path.stem not in SMALL} <= lines


def test_the_console_imports_no_part_of_the_engine() -> None:
    """Each part is named: what a contract does not name may be imported."""
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    forbidden = set(contracts["importlinter:contract:screens"]["forbidden_modules"].split())
    assert {f"core.{path.stem}" for path in PARTS} - forbidden == {"core.client", "core.contract"}
