"""What the palette offers: everything that can be done here, places, tables, themes, languages."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from textual.app import App
from textual.dom import DOMNode

from screens.actions.action import Action
from screens.actions.binding import live_actions, perform, why_barred
from screens.presenters.finder import Hit
from screens.presenters.place import Place
from screens.services.context import Context
from screens.services.text import language_name, languages, t
from screens.services.theme import theme_names

HIDDEN = ("app.palette", "app.leader", "app.back", *(f"pane.{n}" for n in range(1, 10)))
"""Actions that make no sense in a list."""
MOVES = ("up", "down", "left", "right", "home", "end", "pageup", "pagedown")
"""Keys of moving about: shown only to who looks for them."""


def action_hits(app: App[Any], context: Context, chain: Sequence[DOMNode]) -> list[Hit]:
    """What the focused widget, its screen and the app can do now: the actions of the footer first, nearest first."""

    def hit(action: Action) -> Hit:
        return Hit(
            label=t(f"actions.{action.id}"),
            kind="" if action.context == "global" else t(f"context.{action.context}"),
            key=context.keymap.label(action),
            run=partial(perform, app, action, chain),
            search=action.id,
            note=t(f"actions.{action.id}.help"),
            barred=why_barred(action, chain),
            quiet=action.keys.split(",")[0].rpartition("+")[2] in MOVES,
        )

    offered = [action for action in live_actions(chain) if action.id not in HIDDEN]
    return [hit(action) for action in sorted(offered, key=lambda action: action.footer == 0)]


def table_hits(context: Context, *, quiet: bool = False) -> list[Hit]:
    """The tables of the app."""
    tables = context.schema["tables"] if context.schema else ()
    return [
        Hit(
            label=table["name"],
            kind=t("kind.table"),
            detail=t("home.fields", count=sum(not field["system"] for field in table["fields"])),
            run=partial(context.go, table_place(table["sqlName"], table["name"])),
            quiet=quiet,
        )
        for table in tables
    ]


def table_place(sql_name: str, title: str, key: str | None = None) -> Place:
    """The place of a table, or of one record in it."""
    return Place("tables", sql_name, title, {"table": sql_name, **({"key": key} if key else {})})


def theme_hits(choose: Callable[[str], Any], *, quiet: bool = False) -> list[Hit]:
    """The themes of the console."""
    return [
        Hit(label=name, kind=t("kind.theme"), run=partial(choose, name), value=name, quiet=quiet)
        for name in theme_names()
    ]


def language_hits(choose: Callable[[str], Any], *, quiet: bool = False) -> list[Hit]:
    """The languages of the console, each by its own name."""
    return [
        Hit(label=language_name(code), kind=t("kind.language"), run=partial(choose, code), value=code, quiet=quiet)
        for code in languages()
    ]
