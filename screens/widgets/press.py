"""Buttons of records: asked where the app file says so, pressed, what they answer opened."""

from textual.app import App

from core.client import NotFound, Port, SovriumError
from core.contract.tables import FieldInfo
from screens.presenters.format.line import one_line
from screens.presenters.value import title_of
from screens.services.text import t
from screens.widgets.confirm import confirm


async def press_button(app: App[object], port: Port | None, table: str, key: str, field: FieldInfo) -> None:
    """Press it, after the question that its app file asks. The address is opened by this machine's browser, and copied: over
    SSH there may be none. Await it in a worker."""
    label, question = title_of(field), field["options"].get("confirm")
    if question and not await confirm(app, t("button.ask", label=label), str(question), yes=label, danger=False):
        return
    if port is None:
        app.notify(t("files.offline"), severity="warning")
        return
    try:
        answer = await port.press(table, key, field["name"])
    except NotFound:
        app.notify(t("button.none", label=label), severity="warning")
        return
    except SovriumError as error:
        app.notify(one_line(error.message), severity="error")
        return
    url = answer["url"]
    app.copy_to_clipboard(url)
    if url.startswith(("http://", "https://", "mailto:")):
        app.open_url(url)
    app.notify(t("button.opened", url=one_line(url)))
