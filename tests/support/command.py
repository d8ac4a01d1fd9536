"""Commands in the process of a test."""

from pathlib import Path

import pytest

from sovrium_tui.cli.main import execute


class Desk:
    """Commands in this process, on an app of their own."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capfd = capfd

    def __call__(self, *words: str, status: int = 0) -> tuple[str, str]:
        self._capfd.readouterr()
        found = execute(list(words))
        out, err = self._capfd.readouterr()
        assert "Traceback" not in err
        assert found == status, err + out
        return out, err
