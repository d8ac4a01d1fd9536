"""References over several fields (`foreignKeys`), read and checked against the table that they point at (T-117)."""

from collections.abc import Sequence

from core.schema.form import ForeignKeyForm
from core.schema.model import App, ForeignKey, TableSpec
from core.schema.name import nearest, sql_name
from core.schema.shape import Findings
from core.schema.tree import Path
from core.sentence import say


def read_foreign_keys(forms: Sequence[ForeignKeyForm]) -> tuple[ForeignKey, ...]:
    return tuple(
        ForeignKey(
            name=form.name,
            fields=tuple(form.fields),
            table=sql_name(form.referenced_table),
            columns=tuple(form.referenced_fields),
            on_delete=form.on_delete or "no-action",
            on_update=form.on_update or "no-action",
        )
        for form in forms
    )


def check_foreign_keys(table: TableSpec, path: Path, app: App, findings: Findings) -> None:
    """The other table is there, has those fields, and they name one record of it."""
    tables = {each.sql_name: each for each in app.tables}
    own = {field.name: field for field in table.fields}
    for number, key in enumerate(table.foreign_keys):
        here = (*path, "foreignKeys", number)
        for place, name in enumerate(key.fields):
            if name in own and not own[name].options.is_stored:
                findings.error("schema.foreign-key", say("`{name}` is no column", name=name), (*here, "fields", place))
        target = tables.get(key.table)
        if target is None:
            hint = nearest(key.table, [each.name for each in app.tables])
            findings.error(
                "schema.foreign-key",
                say("there is no table {table}", table=key.table),
                (*here, "referencedTable"),
                hint=hint,
            )
            continue
        known = {field.name for field in target.fields} | set(target.primary_key.fields)
        missing = [place for place, name in enumerate(key.columns) if name not in known]
        for place in missing:
            text = say("{table!r} has no field `{name}`", table=target.name, name=key.columns[place])
            hint = nearest(key.columns[place], known)
            findings.error("schema.foreign-key", text, (*here, "referencedFields", place), hint=hint)
        if len(key.columns) != len(key.fields):
            text = say(
                "{count} fields point at {other}; there must be as many of both",
                count=len(key.fields),
                other=len(key.columns),
            )
            findings.error("schema.foreign-key", text, (*here, "referencedFields"))
        elif not missing and not _is_unique(target, key.columns):
            text = say(
                "{names} of {table!r} are neither its key nor unique together",
                names=", ".join(key.columns),
                table=target.name,
            )
            findings.error("schema.foreign-key", text, (*here, "referencedFields"))


def _is_unique(table: TableSpec, names: Sequence[str]) -> bool:
    wanted = set(names)
    if wanted == set(table.primary_key.fields):
        return True
    return any(index.unique and index.where is None and set(index.fields) == wanted for index in table.indexes)
