"""The line above a pane's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.content import Content

from screens.presenters.filter_draft import FilterDraft
from screens.presenters.permission import is_read_only
from screens.presenters.value import title_of
from screens.services.number import grouped
from screens.services.text import t
from screens.widgets.view_menu import SIGNS

if TYPE_CHECKING:
    from screens.widgets.grid_pane import GridPane


def title_of_pane(pane: GridPane) -> Content | None:
    """Name, count, conditions and order, and what goes on; None while no table is open."""
    model, info = pane.model, pane.info
    if model is None or info is None:
        return None
    pieces: list[Any] = [(info["name"], "bold $primary")]
    if model.view is not None:
        sign = {"exact": "", "at-least": "≥ ", "estimate": "~ "}[model.view["countKind"]]
        pieces.append((f"  {sign}{grouped(model.view['count'])}", "$foreground-muted"))
    if is_read_only(pane.access.may) and not pane.context.read_only:  # of which the status line tells
        pieces.append((f"  {t('access.read_only')}", "bold $warning"))
    if model.query.deleted:
        pieces.append((f"  {t('tables.trash')}", "bold $warning"))
    pieces += _view_pieces(pane)
    query = pane.desk.base_query()
    if query.filter is not None:
        sentence = FilterDraft(info["fields"], query.filter).sentence()
        pieces += ["  ", (f" ▽ {sentence} ", "$secondary on $boost")]
    if model.query.sort:
        names = {field["name"]: title_of(field) for field in info["fields"]}
        order = ", ".join(
            f"{names.get(key['field'], key['field'])} {'↑' if key['direction'] == 'asc' else '↓'}"
            for key in model.query.sort
        )
        pieces += ["  ", (f" ↕ {order} ", "$secondary on $boost")]
    if staged := pane.context.pending.counts().get(info["sqlName"], 0):
        pieces.append((f"  * {t('tables.staged', count=staged)}", "bold $warning"))
    if pane.context.port is None:
        pieces.append((f"  {t('tables.offline')}", "bold $warning"))
    elif model.failure is not None:
        pieces.append((f"  ! {model.failure.message}", "bold $error"))
    elif model.loading:
        pieces.append(("  …", "$foreground-muted"))
    return Content.assemble(*pieces)


def _view_pieces(pane: GridPane) -> list[Any]:
    """The open view, `*` where it is not as it was kept, and the groups."""
    look, model = pane.desk.look, pane.model
    pieces: list[Any] = []
    if look is not None:
        name = t(f"views.suggest.{look.layout}", name=look.name) if look.kind == "suggested" else look.name
        mark = "*" if pane.desk.is_changed else ""
        pieces += ["  ", (f" {SIGNS.get(look.layout, '')} {name}{mark} ", "bold $accent on $boost")]
    group = model.query.group if model is not None and pane.face is None else None
    if group is not None and pane.info is not None:
        titles = {field["name"]: title_of(field) for field in pane.info["fields"]}
        note = f" ({t('group.too_many')})" if model is not None and model.groups.too_many else ""
        pieces += ["  ", (f" ▾ {titles.get(group['field'], group['field'])}{note} ", "$secondary on $boost")]
    return pieces
