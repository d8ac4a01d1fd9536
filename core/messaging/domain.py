"""Names of hosts in other scripts, in their two spellings (IDNA 2008): what DNS asks for, and what people write.

Not Python's `idna` codec: that is of 2003 and makes `ss` of `ß`, so that mails would go to the owner of another name.
"""

import unicodedata

_MARK = "xn--"


def in_ascii(domain: str) -> str:
    """`bücher.example` as `xn--bcher-kva.example`."""
    labels = unicodedata.normalize("NFKC", domain).lower().split(".")
    return ".".join(each if each.isascii() else _MARK + each.encode("punycode").decode() for each in labels)


def in_letters(domain: str) -> str:
    """`xn--bcher-kva.example` as `bücher.example`. Raises UnicodeError for what is no spelling of anything."""
    return ".".join(_letters(each) if each.startswith(_MARK) else each for each in domain.split("."))


def _letters(label: str) -> str:
    shown = label.removeprefix(_MARK).encode("ascii").decode("punycode")
    if in_ascii(shown) != label:
        raise UnicodeError(f"{label} is no name")
    return shown
