"""Statements kept by name: choosing, keeping and dropping them, with the questions that this takes."""

from __future__ import annotations

from typing import Any

from textual.app import App

from screens.presenters.finder import Hit
from screens.presenters.format.line import one_line
from screens.presenters.sql_favourite import Favourite, Favourites
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.confirm import confirm
from screens.widgets.finder import Finder
from screens.widgets.name_dialog import NameDialog


class FavouriteFlow:
    """Each of these asks, and must run in a worker."""

    def __init__(self, app: App[Any], context: Context) -> None:
        self.app = app
        self.context = context
        self.kept = Favourites(context.session)

    async def choose(self, title: str) -> Favourite | None:
        """One of those that are kept."""
        kept = self.kept.all()
        if not kept:
            self.app.notify(t("sql.favourites.empty"))
            return None
        hits = [
            Hit(
                one_line(each.name), detail=one_line(" ".join(each.sql.split())[:60]), value=each, search=each.sql[:500]
            )
            for each in kept
        ]
        hit = await self.app.push_screen_wait(Finder(title, hits))
        return hit.value if hit else None

    async def keep(self, text: str) -> None:
        """Keep a statement under a name that is asked for."""
        if not text:
            self.app.notify(t("sql.nothing_to_run"))
            return
        name = await self.app.push_screen_wait(NameDialog(self.context, t("sql.favourites.name")))
        if not name:
            return
        known = self.kept.find(name)
        if known is not None and known.sql != text:
            question = t("sql.favourites.replace", name=known.name)
            if not await confirm(self.app, question, one_line(known.sql[:400]), yes=t("sql.favourites.replace.yes")):
                return
        self.kept.keep(name, text)
        self.app.notify(t("sql.favourites.kept", name=name))

    async def drop(self) -> None:
        """Forget one of them."""
        found = await self.choose(t("sql.favourites.drop"))
        if found is not None:
            self.kept.drop(found.name)
            self.app.notify(t("sql.favourites.dropped", name=found.name))
