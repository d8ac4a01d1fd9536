"""Editors of fields that name accounts: found by name or address while typing; `m` is oneself."""

from screens.widgets.editors.link import LinkEditor
from screens.widgets.editors.links import LinksEditor


class UserEditor(LinkEditor):
    """One account."""

    kind = "user"


class UsersEditor(LinksEditor):
    """Several accounts."""

    kind = "users"
