"""The text catalogue: every sentence that the console shows, by key and language.

`locales/<language>/<area>.json` are flat maps; the area is not part of the key. A key missing in a language falls back to
English; a key missing in English is a defect that a test finds. Plurals: `key.one`, `key.other`, chosen by `count`.
"""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

LOCALES = Path(__file__).parent.parent / "locales"
SEPARATORS = {"en": ",", "fr": "\u202f"}
_language = "en"


@cache
def catalogue(language: str, part: str = "") -> dict[str, str]:
    """All texts of a language, or those of a folder within it; {} for one that does not exist."""
    texts: dict[str, str] = {}
    for file in sorted((LOCALES / language / part).glob("*.json")):
        texts.update(json.loads(file.read_text(encoding="utf-8")))
    return texts


def languages() -> list[str]:
    """Languages that the console speaks."""
    return sorted(path.name for path in LOCALES.iterdir() if path.is_dir())


def language_name(language: str) -> str:
    """A language's own name for itself."""
    return catalogue(language).get("language.name", language)


def preferred_language() -> str:
    """From LC_ALL, LC_MESSAGES, LANG; English when none of them is spoken here."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        language = os.environ.get(name, "").split("_")[0].split(".")[0].lower()
        if language in languages():
            return language
    return "en"


def set_language(language: str) -> None:
    """Choose the language of all texts from now on."""
    global _language
    _language = language


def language() -> str:
    """The language of the moment."""
    return _language


def grouped(number: int) -> str:
    """`1,234,567`; `1 234 567` in French."""
    return f"{number:,}".replace(",", SEPARATORS.get(_language, ","))


def t(key: str, /, **values: Any) -> str:
    """The text of a key with `{name}` places filled, a `count` as people read it; the key itself when it is unknown."""
    count = values.get("count")
    keys = [key]
    if isinstance(count, int):
        values["count"] = grouped(count)
        few = count < 2 if _language == "fr" else count == 1
        keys = [f"{key}.{'one' if few else 'other'}", key]
    for texts in (catalogue(_language), catalogue("en")):
        for candidate in keys:
            if candidate in texts:
                return texts[candidate].format(**values) if values else texts[candidate]
    return key


def labelled(name: str, text: str) -> str:
    """`name: text`; `name : text` in French."""
    return t("text.labelled", name=name, text=text)


def has(key: str) -> bool:
    """Whether the catalogue knows a key in English."""
    return key in catalogue("en")
