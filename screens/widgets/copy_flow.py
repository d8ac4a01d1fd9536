"""A block of cells into the clipboard, in one of its forms."""

from collections.abc import Sequence
from typing import Any

from textual.app import App

from core.contract.tables import FieldInfo
from screens.presenters.clipboard_block import FORMS, Form, to_text
from screens.presenters.finder import Hit
from screens.services.clipboard import Held
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.finder import Finder


async def choose_form(app: App[Any]) -> Form | None:
    """Ask for the form of a copy."""
    hits = [Hit(label=t(f"copy.form.{form}"), value=form) for form in FORMS]
    hit = await app.push_screen_wait(Finder(t("copy.placeholder"), hits))
    return hit.value if hit is not None else None


async def copy(
    app: App[Any], context: Context, form: Form, fields: Sequence[FieldInfo], rows: Sequence[Sequence[Any]], table: str
) -> None:
    """Copy, keep the values with their types for a paste in the console, and say which way it went."""
    text = to_text(form, fields, rows, table)
    names = tuple(field["name"] for field in fields)
    held = Held(names, tuple(map(tuple, rows)), text if form == "tsv" else to_text("tsv", fields, rows))
    copied = await context.clipboard.copy(text, held)
    size = t("copy.size", rows=len(rows), columns=len(fields))
    app.notify(t(f"clipboard.{copied.route}", detail=copied.detail), title=size)
