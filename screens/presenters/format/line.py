"""Any text as one line that every terminal draws with the same width, and that no terminal obeys."""

import unicodedata

_DROPPED = (
    *range(0x200B, 0x200E),  # zero-width space and joiners: terminals disagree on the width of joined emoji
    0x00AD,
    *range(0x2060, 0x2065),
    0xFEFF,
    *range(0xFE00, 0xFE10),  # variation selectors: ❤ is one cell wide, with its selector one or two
    *range(0x1F3FB, 0x1F400),  # skin tones
    *range(0xE0000, 0xE0080),
    *range(0xE0100, 0xE01F0),
)
_DIRECTION = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_TABLE: dict[int, str | None] = {
    **{code: chr(0x2400 + code) for code in range(0x20)},
    **dict.fromkeys(range(0x80, 0xA0), "�"),
    **dict.fromkeys(range(0xD800, 0xE000), "�"),
    **dict.fromkeys(_DROPPED),
    **dict.fromkeys(_DIRECTION, "�"),
    **{0x1F1E6 + letter: chr(ord("A") + letter) for letter in range(26)},  # flags: 🇫🇷 reads FR
    ord("\t"): "⇥",
    ord("\n"): "↵",
    0x7F: "␡",
    0x2028: "↵",
    0x2029: "↵",
}


def one_line(text: str) -> str:
    """Control characters as symbols (`␛` for escape), line ends as `↵`, what changes the direction as `�`, and invisible
    characters on whose width terminals disagree left out."""
    if text.isascii():
        return text if text.isprintable() else text.replace("\r\n", "\n").translate(_TABLE)
    if text.isprintable() and max(text) < "\u0300":
        return text
    clean = unicodedata.normalize("NFC", text.replace("\r\n", "\n").translate(_TABLE))
    return f"◌{clean}" if clean and unicodedata.category(clean[0])[0] == "M" else clean


def plain(text: str) -> str:
    """A text of several lines that no terminal obeys."""
    return "\n".join(map(one_line, text.splitlines())) if not text.isascii() or not text.isprintable() else text
