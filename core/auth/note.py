"""What a person should know about who holds which role, when a server starts and when it takes up another app file."""

from sqlalchemy import func, select

from core.auth.store import ACCOUNTS
from core.schema.role import ADMIN, Roles
from core.storage.database import Call, Database, Reader


def role_notes(database: Database, roles: Roles) -> list[str]:
    """In sentences: a default role that gives everything away (A-027), roles that outrank admin (A-032), roles that
    accounts hold and the app has no more (A-033). Blocks."""
    notes = ["every new user is an admin (auth.defaultRole)"] if roles.default == ADMIN else []
    top = roles.by_name[ADMIN].level
    notes += [f"the role '{each.name}' outranks admin (auth.roles)" for each in roles.ordered if each.level > top]
    for name, count in sorted(database.submit_read(Call(lambda reader: lost_roles(reader, roles))).result().items()):
        who, count_as = ("1 account holds", "counts") if count == 1 else (f"{count} accounts hold", "count")
        text = (
            f"{who} the role '{name}', which the app has no more, and {count_as} as '{roles.default}' without another"
        )
        notes.append(text)
    return notes


def lost_roles(reader: Reader, roles: Roles) -> dict[str, int]:
    """Accounts by each role that they hold and the app does not have."""
    c = ACCOUNTS.c
    found: dict[str, int] = {}
    for held, count in reader.rows(select(c.roles, func.count()).where(c.roles.is_not(None)).group_by(c.roles)):
        for name in held or ():
            if name not in roles.by_name:
                found[name] = found.get(name, 0) + count
    return found
