"""Codes for those whose second factor is out of reach: ten, each of which works once (auth §8)."""

import secrets

from sqlalchemy import func, select

from core.auth.store import BACKUP_CODES, OFFERED_CODES
from core.ids import uuid7
from core.secrets.envelope import Secrets
from core.storage.database import Reader, Transaction

COUNT, LENGTH = 10, 10
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without letters that look like digits, and without U."""
_MEANT = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def renew_codes(keys: Secrets, tx: Transaction, user: str) -> list[str]:
    """New codes for an account, which nobody can read again; the former ones hold no more."""
    codes = offer_codes(keys, tx, user)
    take_codes(tx, user)
    return codes


def offer_codes(keys: Secrets, tx: Transaction, user: str) -> list[str]:
    """New codes, which nobody can read again and which hold once they are taken; the former ones hold until then."""
    tx.execute(OFFERED_CODES.delete().where(OFFERED_CODES.c.user_id == user))
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(COUNT)]
    rows = [{"id": uuid7(), "user_id": user, "code_hash": keys.mac("backup", user, code)} for code in codes]
    tx.insert(OFFERED_CODES, rows)
    return codes


def take_codes(tx: Transaction, user: str) -> None:
    """Put what was offered in the place of the account's codes; nothing where nothing was."""
    c = OFFERED_CODES.c
    rows = tx.rows(select(c.id, c.user_id, c.code_hash).where(c.user_id == user))
    if rows:
        remove_codes(tx, user)
        taken = [{"id": id_, "user_id": user, "code_hash": proof, "used_at": None} for id_, user, proof in rows]
        tx.insert(BACKUP_CODES, taken)


def use_code(keys: Secrets, tx: Transaction, user: str, code: str) -> bool:
    """Use a code up, as a person may have read it; whether it held. Of any number that come at once, one wins."""
    meant, c = code.upper().translate(_MEANT), BACKUP_CODES.c
    rows = tx.rows(select(c.id, c.code_hash).where(c.user_id == user, c.used_at.is_(None)))
    found = [id_ for id_, proof in rows if keys.is_mac(proof, "backup", user, meant)]
    if not found:
        return False
    used = BACKUP_CODES.update().where(c.id == found[0], c.used_at.is_(None)).values(used_at=tx.time).returning(c.id)
    return bool(tx.rows(used))


def codes_left(reader: Reader, user: str) -> int:
    c = BACKUP_CODES.c
    return int(reader.rows(select(func.count()).where(c.user_id == user, c.used_at.is_(None)))[0][0])


def remove_codes(tx: Transaction, user: str) -> None:
    """Those that hold and those that were offered."""
    for table in (BACKUP_CODES, OFFERED_CODES):
        tx.execute(table.delete().where(table.c.user_id == user))
