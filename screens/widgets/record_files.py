"""The files of a record that is shown whole: opened, saved, taken away."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.client import SovriumError
from screens.presenters.format.line import one_line
from screens.presenters.record_sheet import files_in
from screens.presenters.value import check, editable, why_read_only
from screens.services.download import free_name, place_for, plain_name
from screens.services.text import t
from screens.widgets.question import Questions

if TYPE_CHECKING:
    from screens.widgets.record_panel import RecordPanel


class RecordFiles:
    """Part of a `RecordPanel`: runs in its workers, on the file under its cursor."""

    def __init__(self, panel: RecordPanel) -> None:
        self.panel = panel

    def here(self) -> dict[str, Any] | None:
        line = self.panel.form.current
        if line is None or line.file is None or line.field is None:
            return None
        held = files_in(self.panel.cell(line.field)[0])
        return held[line.file] if line.file < len(held) else None

    def remove(self) -> None:
        """Staged like any other edit: u brings it back."""
        line = self.panel.form.current
        if line is None or line.file is None or line.field is None:
            return
        field = line.field
        if not editable(field):
            self.panel.app.notify(why_read_only(field), severity="warning")
            return
        rest = files_in(self.panel.cell(field)[0])
        del rest[line.file]
        value = (rest or None) if field["type"] == "multiple-attachments" else None
        if problem := check(field, value):
            self.panel.app.notify(problem, severity="warning")
        else:
            self.panel.stage(field, value)

    async def open(self) -> None:
        """With the program that this machine has for it."""
        file = self.here()
        if file is None:
            return
        target = Path(tempfile.mkdtemp(prefix="sovrium-")) / plain_name(file)
        if await self._fetch(file, target):
            self.panel.app.open_url(target.as_uri())
            self.panel.app.notify(t("files.opened", path=one_line(str(target))))

    async def save(self) -> None:
        """Into the folder of downloads, under a free name."""
        file = self.here()
        if file is None:
            return
        target = free_name((await asyncio.to_thread(place_for, "", plain_name(file)))[0])
        if await self._fetch(file, target):
            self.panel.app.notify(t("files.saved", path=one_line(str(target))))

    async def _fetch(self, file: dict[str, Any], target: Path) -> bool:
        pane = self.panel.pane
        try:
            await Questions(pane.context, pane.info_name).fetch(str(file["key"]), target)
        except (SovriumError, OSError) as error:
            pane.app.notify(one_line(str(error)), severity="error")
            return False
        return True
