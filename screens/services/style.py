"""Where the style sheets are."""

from pathlib import Path

STYLES = Path(__file__).parent.parent / "styles"
