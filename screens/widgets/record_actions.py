"""Whole records: their history and comments, the trash, one value for many of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.client import SovriumError
from core.contract.tables import FieldInfo, TableInfo
from screens.presenters.finder import Hit
from screens.presenters.link import REF
from screens.presenters.record import TooManyRows
from screens.presenters.row_source import Query
from screens.presenters.value import editable, title_of
from screens.services.number import grouped
from screens.services.text import t
from screens.widgets.confirm import confirm
from screens.widgets.finder import Finder
from screens.widgets.name_dialog import NameDialog

if TYPE_CHECKING:
    from screens.widgets.grid_pane import GridPane

AT_ONCE = 100
"""Records that one request takes."""


class RecordActions:
    """Part of the tables screen: runs in its workers, on the pane's rows."""

    def __init__(self, pane: GridPane) -> None:
        self.pane = pane

    @property
    def in_trash(self) -> bool:
        return self.pane.model is not None and self.pane.model.query.deleted

    @property
    def has_record(self) -> bool:
        """A saved record is under the cursor, or on its way there."""
        model, face = self.pane.model, self.pane.face
        if model is None:
            return False
        if face is not None:
            row = face.row_here()
            return row is not None and not row.key.startswith(REF)
        at = model.selection.row
        return (model.loading or at < model.count) and not model.is_new(at) and model.groups.header(at) is None

    async def here(self) -> tuple[TableInfo, str, str] | None:
        """Table, key and name of the saved record under the cursor, waited for like the cell of an editor."""
        model, info, face = self.pane.model, self.pane.info, self.pane.face
        if model is None or info is None:
            return None
        async with self.pane.context.hold_keys():
            row = face.row_here() if face is not None else await self.pane.editing.row_at(model, model.selection.row)
        if row is None or row.key.startswith(REF):
            return None
        try:
            name = model.cell(row, info["displayField"])[0]
        except KeyError:
            name = None
        return info, row.key, str(name if isinstance(name, str | int) else row.key)

    async def history(self) -> None:
        from screens.widgets.history_sheet import HistorySheet

        if (here := await self.here()) is not None:
            await self.pane.app.push_screen_wait(HistorySheet(self.pane.context, *here, self._refresh))

    async def comments(self) -> None:
        from screens.widgets.comments_sheet import CommentsSheet

        if (here := await self.here()) is not None:
            barred = self.pane.access.denial("comment")
            await self.pane.app.push_screen_wait(CommentsSheet(self.pane.context, *here, why_barred=barred))

    def _refresh(self) -> None:
        """Show the rows as they are after a change that was made from here."""
        if self.pane.model is not None:
            self.pane.model.open()

    # ── Trash ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def turn_trash(self) -> None:
        """The trash of the table, newest first; again: its records."""
        model = self.pane.model
        if model is not None:
            model.set_query(Query() if model.query.deleted else Query(deleted=True))

    async def restore(self) -> None:
        """Stage the return of the chosen rows."""
        edits = self.pane.edits
        count = await self.pane.transfer.guarded(edits.restore()) if edits is not None else None
        if count:
            self.pane.app.notify(t("tables.restored", count=count))

    async def erase(self) -> None:
        """Delete the chosen rows of the trash for good, once their number was typed."""
        edits, info, port = self.pane.edits, self.pane.info, self.pane.context.port
        if edits is None or info is None or port is None:
            return
        rows = await self.pane.transfer.guarded(edits.chosen_rows([]))
        if not rows:
            return
        names = "\n".join(str(row.values.get(info["displayField"]) or row.key) for row in rows[:8])
        more = f"\n… {t('trash.more', count=len(rows) - 8)}" if len(rows) > 8 else ""
        word = str(rows[0].values.get(info["displayField"]) or rows[0].key) if len(rows) == 1 else str(len(rows))
        title = t("trash.erase", count=len(rows))
        if not await confirm(self.pane.app, title, names + more, yes=t("trash.erase_yes"), typed=word):
            return
        done = 0
        if self.pane.model is not None:
            self.pane.model.news.own(row.key for row in rows)
        try:
            for at in range(0, len(rows), AT_ONCE):
                done += await port.delete_for_good(info["sqlName"], [row.key for row in rows[at : at + AT_ONCE]])
        except SovriumError as error:
            self.pane.app.notify(error.message, title=t("trash.failed"), severity="error")
        if done:
            self.pane.app.notify(t("trash.erased", count=done))
            self._refresh()

    async def empty(self) -> None:
        """Delete for good what has been in the trash for some days."""
        info, port, context = self.pane.info, self.pane.context.port, self.pane.context
        if info is None or port is None:
            return
        typed = await self.pane.app.push_screen_wait(NameDialog(context, t("trash.days"), "30"))
        if typed is None:
            return
        if not typed.strip().isdecimal():
            self.pane.app.notify(t("trash.no_days"), severity="warning")
            return
        days = int(typed)
        title = t("trash.empty", table=info["name"], count=days)
        if not await confirm(self.pane.app, title, t("trash.for_good"), yes=t("trash.erase_yes"), typed=info["name"]):
            return
        try:
            done = await port.request("POST", f"/api/tables/{info['sqlName']}/trash/empty?olderThanDays={days}")
        except SovriumError as error:
            self.pane.app.notify(error.message, title=t("trash.failed"), severity="error")
            return
        count = next((int(value) for value in (done or {}).values() if type(value) is int), 0)
        self.pane.app.notify(t("trash.erased", count=count))
        self._refresh()

    # ── Many at once ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def bulk(self) -> None:
        """Choose a field and a value for all chosen rows. Staged while they are few enough, so that undo takes it back;
        else written by the hundred, with progress."""
        from screens.widgets.bulk_sheet import BulkSheet

        edits, info, model = self.pane.edits, self.pane.info, self.pane.model
        if edits is None or info is None or model is None or not model.count:
            return
        field = await self._field(info)
        if field is None:
            return
        try:
            rows = await edits.chosen_rows([field["name"]])
        except TooManyRows as many:
            await self._bulk_all(info, field, many.count)
            return
        except SovriumError as error:
            self.pane.app.notify(error.message, severity="error")
            return
        sheet = BulkSheet(self.pane.context, info, field, rows, len(rows))
        if rows and (bulk := await self.pane.app.push_screen_wait(sheet)) is not None:
            count = edits.stage(rows, field, bulk.value)
            self.pane.app.notify(t("bulk.staged", count=count, number=grouped(count)))

    async def _field(self, info: TableInfo) -> FieldInfo | None:
        """The field to set: the one under the cursor is first."""
        here = self.pane.edits.field_here() if self.pane.edits is not None else None
        fields = [each for each in info["fields"] if editable(each) and each["family"] != "link"]
        fields.sort(key=lambda each: here is None or each["name"] != here["name"])
        hits = [Hit(label=title_of(each), detail=each["type"], value=each) for each in fields]
        hit = await self.pane.app.push_screen_wait(Finder(t("bulk.field"), hits))
        found: FieldInfo | None = hit.value if hit is not None else None
        return found

    async def _bulk_all(self, info: TableInfo, field: FieldInfo, count: int) -> None:
        """More rows than can be staged: written in batches. What is written stays when it is stopped."""
        from screens.widgets.bulk_sheet import BulkSheet

        model, edits, context = self.pane.model, self.pane.edits, self.pane.context
        if model is None or edits is None or model.view is None:
            return
        first = await self.pane.transfer.guarded(edits.rows(0, 9, [field["name"]]))
        bulk = await self.pane.app.push_screen_wait(BulkSheet(context, info, field, first or [], count))
        if bulk is None or not await confirm(
            self.pane.app,
            t("bulk.large", count=count, number=grouped(count)),
            t("bulk.large_text"),
            yes=t("bulk.large_yes"),
        ):
            return
        block = model.selection.block(max(len(model.layout.shown), 1))
        top, bottom = (0, model.count - 1) if model.selection.mode == "all" else (block.top, block.bottom)
        keys: list[str] = []
        for at in range(top, bottom + 1, 1000):
            keys += [key for key, _ in await model.read(at, min(at + 999, bottom), [info["primaryKey"].split("~")[0]])]
        await self._write(info, field, bulk.value, keys)

    async def _write(self, info: TableInfo, field: FieldInfo, value: Any, keys: list[str]) -> None:
        app, table, done = self.pane.app, info["sqlName"], 0
        for at in range(0, len(keys), AT_ONCE):
            port = self.pane.context.port
            part = [{"id": key, "fields": {field["name"]: value}} for key in keys[at : at + AT_ONCE]]
            try:
                if port is None:
                    break
                await port.request("PATCH", f"/api/tables/{table}/records/batch", json={"records": part})
            except SovriumError as error:
                app.notify(error.message, title=t("bulk.stopped", count=done, number=grouped(done)), severity="error")
                break
            done += len(part)
            if done % 1000 == 0:
                app.notify(t("bulk.progress", done=grouped(done), count=len(keys), total=grouped(len(keys))), timeout=2)
        app.notify(t("bulk.written", count=done, number=grouped(done)))
        self._refresh()
