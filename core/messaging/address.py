"""The two halves of a mail address, as far as accounts and mails want the same of them."""

import re
import unicodedata

LONGEST = 254
_LOCAL = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{1,64}")


def is_local_part(text: str) -> bool:
    """It may stand before the `@` of one plain address: nothing that makes a list, a name or a second header of it, and
    nothing that nobody sees."""
    wrong_dots = text.startswith(".") or text.endswith(".") or ".." in text
    return bool(_LOCAL.fullmatch(text)) and not wrong_dots and not is_unseen(text)


def is_unseen(text: str) -> bool:
    """There are signs in it that nobody sees: two addresses would look the same."""
    return any(unicodedata.category(sign)[0] == "C" for sign in text)
