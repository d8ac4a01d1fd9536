"""The keys of a relationship field, and what can be told from them alone."""

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from core.schema.form import ForeignAction
from core.schema.model import App, FieldOptions, FieldSpec, TableSpec
from core.schema.name import sql_name

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
RelationType = Literal["many-to-one", "one-to-one", "one-to-many", "many-to-many"]


class RelationshipOptions(FieldOptions):
    related_table: Annotated[str, Field(min_length=1)]
    relation_type: RelationType = "many-to-one"
    foreign_key: str | None = None
    related_field: str = "id"
    display_field: str | tuple[str, ...] | None = None
    on_delete: ForeignAction = "no-action"
    on_update: ForeignAction = "no-action"
    reciprocal_field: str | None = None
    allow_multiple: bool | None = None
    limit_to_view: str | None = None
    prevent_cycles: bool = False

    @property
    def is_stored(self) -> bool:
        return self.relation_type in ("many-to-one", "one-to-one")

    @property
    def is_unique(self) -> bool:
        """One-to-one: no two records link to the same one (T-105)."""
        return self.relation_type == "one-to-one"


def related_table(options: RelationshipOptions, app: App) -> TableSpec | None:
    """The table that a link points at, by its name or SQL name."""
    wanted = options.related_table.strip()
    for table in app.tables:
        if wanted == table.name:
            return table
    for table in app.tables:
        if sql_name(wanted) == table.sql_name:
            return table
    return None


def is_stored(field: FieldSpec) -> bool:
    """A relationship field that is a column of its own table."""
    options = field.options
    return isinstance(options, RelationshipOptions) and options.is_stored


def label_fields(display: str | Sequence[str] | None) -> tuple[str, ...]:
    """The fields that a `displayField` names: one, several, or those in a template's braces."""
    if display is None:
        return ()
    if isinstance(display, str):
        return tuple(_PLACEHOLDER.findall(display)) if "{" in display else (display,)
    return tuple(display)


def label_of(display: str | Sequence[str] | None, texts: Sequence[str]) -> str:
    """What is shown, from the texts of `label_fields` in their order (T-118)."""
    if isinstance(display, str) and "{" in display:
        given = iter(texts)
        return " ".join(_PLACEHOLDER.sub(lambda _: next(given), display).split())
    return " ".join(text for text in texts if text)
