"""A cell in the person's own editor: $VISUAL, $EDITOR, or what the system has."""

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from core.contract.tables import FieldInfo
from screens.presenters.staged import Staged
from screens.presenters.value import ValueRefused, edit_text, parse
from screens.services.text import t

SUFFIXES = {"json": ".json", "code": ".txt", "rich-text": ".md"}


def editor_command() -> list[str]:
    """The command, without the file; [] when there is none."""
    for name in ("VISUAL", "EDITOR"):
        if command := os.environ.get(name):
            return shlex.split(command)
    found = next((path for name in ("nano", "vim", "vi") if (path := shutil.which(name))), None)
    return [found] if found else []


def edit_outside(app: App[Any], field: FieldInfo, value: Any) -> Staged | None:
    """Edit a value while the console is suspended; None when it was not changed. A text that the field does not take
    comes back invalid."""
    command = editor_command()
    if not command:
        app.notify(t("external.none"), severity="warning")
        return None
    before = edit_text(field, value)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{field['name']}{SUFFIXES.get(field['type'], '.txt')}"
        file.touch(mode=0o600)
        file.write_text(before, encoding="utf-8")
        try:
            with app.suspend():
                subprocess.run([*command, str(file)], check=False)
        except (SuspendNotSupported, OSError) as error:
            app.notify(t("external.failed", reason=str(error) or type(error).__name__), severity="error")
            return None
        after = file.read_text(encoding="utf-8", errors="replace")
    if field["editor"] != "text" or not before.endswith("\n"):
        after = after.removesuffix("\n")
    if after == before:
        return None
    try:
        return Staged(parse(field, after))
    except ValueRefused as problem:
        return Staged(after, "invalid", str(problem))
