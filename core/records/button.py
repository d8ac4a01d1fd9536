"""Buttons pressed on records (T-101)."""

from urllib.parse import quote

from sqlalchemy import select

from core.access.table import Access
from core.contract.records import Pressed, Record
from core.errors import BadRequest, NotFound
from core.fields.button import PLACEHOLDER, ButtonField
from core.fields.model import TableModel
from core.principal import Principal
from core.query.compile import compile_filter
from core.query.filter import parse_filter
from core.query.scope import Scope
from core.records.key import key_in, parse_key
from core.schema.role import GROUP
from core.sentence import say
from core.storage.database import Reader


def button_of(table: TableModel, name: str, access: Access, principal: Principal, default_role: str) -> ButtonField:
    """The button, if the caller may press it: who may update records may, and has one of its roles where it names some.
    Raises NotFound."""
    field, own = table.fields.get(name), access.table(principal, table)
    if not isinstance(field, ButtonField) or name in own.hidden or not own.may("update"):
        raise NotFound
    roles = field.options.roles
    if roles is not None and access.has_accounts and not access.is_admin(principal):
        held = (principal.roles or {default_role}) | {GROUP + each for each in principal.groups}
        if held.isdisjoint(roles):
            raise NotFound
    return field


def press(reader: Reader, scope: Scope, key: str, field: ButtonField, record: Record) -> Pressed:
    """What the button does: an address to open. Raises NotFound where the record does not show it, BadRequest for what
    cannot be run."""
    if not _shows(reader, scope, key, field):
        raise NotFound
    if field.options.action != "url":
        raise BadRequest(
            say(
                "The automation {automation} cannot be started: automations are accepted, not run",
                automation=field.options.automation,
            ),
            hint="Buttons with `action: url` work",
        )
    return {"success": True, "action": "url", "url": address(field, scope.table, record)}


def address(field: ButtonField, table: TableModel, record: Record) -> str:
    """The button's address with the record's values put in, each as one piece of it."""

    def text(name: str) -> str:
        if name == "id":
            return str(record["id"])
        value = record["fields"].get(name)
        return "" if value is None else str(value)

    return PLACEHOLDER.sub(lambda found: quote(text(found[1]), safe=""), field.options.url or "")


def _shows(reader: Reader, scope: Scope, key: str, field: ButtonField) -> bool:
    if field.options.visible_when is None:
        return True
    # The app's own rule may ask about fields that the caller does not see.
    plain = scope.unbounded()
    condition = compile_filter(parse_filter(field.options.visible_when, plain), plain)
    here = key_in(scope.table, scope.source, [parse_key(scope.table, key)])
    return bool(reader.rows(select(scope.source.c[scope.table.key.fields[0]]).where(here, condition)))
