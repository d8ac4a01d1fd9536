"""How addresses, numbers and names are written before they are compared or kept."""

import re
import unicodedata

from core.auth.error import AuthError
from core.messaging.address import LONGEST, is_local_part
from core.messaging.domain import in_letters

NAME_MOST = 200
TYPED_MOST = 500
"""Characters of a name that are looked at: each mark that hides in another costs a pass."""
_DOMAIN = re.compile(r"(?=.{1,253}$)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]")
_DIGITS = re.compile(r"\d{7,15}")


def normal_email(text: str) -> str:
    """An address after NFKC, in small letters, its domain as people write it; without characters that nobody sees, which
    would make two look the same. Raises AuthError INVALID_EMAIL."""
    local, _, domain = unicodedata.normalize("NFKC", text).strip().lower().rpartition("@")
    try:
        domain = in_letters(domain)
    except UnicodeError:
        raise AuthError("INVALID_EMAIL") from None
    address = f"{local}@{domain}"
    if len(address) > LONGEST or not is_local_part(local) or not _DOMAIN.fullmatch(domain):
        raise AuthError("INVALID_EMAIL")
    return address


def normal_phone(text: str) -> str:
    """A number in international form, digits only (A-107). Raises AuthError INVALID_PHONE_NUMBER."""
    number = re.sub(r"[\s().-]", "", unicodedata.normalize("NFKC", text))
    digits = number.removeprefix("+")
    if not _DIGITS.fullmatch(digits) or not digits.isascii() or digits.startswith("0"):
        raise AuthError("INVALID_PHONE_NUMBER")
    return digits


def plain_name(text: str) -> str:
    """A name without markup (A-075) and control characters."""
    import html

    import nh3

    shown = "".join(c for c in text[:TYPED_MOST] if unicodedata.category(c) not in ("Cc", "Cf") or c in "\u200c\u200d")
    name, before = " ".join(shown.split()), ""
    while name != before:  # what stood around a mark may be one without it
        before, name = name, html.unescape(nh3.clean(name.replace("&", "&amp;"), tags=set()))
    return " ".join(name.split())[:NAME_MOST]
