"""What the server says, in the language of the console.

The server speaks English and tells the pattern of each sentence beside it (`core.sentence`). `locales/<language>/server/`
has the sentences of other languages by those patterns. What nobody has translated stays as it was said.
"""

from collections.abc import Mapping
from typing import Any

from core.client import Sentence, with_sentences
from screens.services.text import catalogue, grouped, language


def worded(text: str) -> str:
    """A sentence of the server as the console says it."""
    if not text or language() == "en":
        return text
    values = text.values if isinstance(text, Sentence) else {}
    pattern = text.pattern if isinstance(text, Sentence) else text
    own = sentences(language()).get(pattern)
    if values:  # sentences within a sentence that nobody has translated may be known
        return (own or pattern).format_map({name: _worded_value(value) for name, value in values.items()})
    return text if own is None else own


def in_words(body: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A body of an answer, its texts (or lists of them) of these names as the console says them."""
    told = with_sentences(body)
    for name in names:
        if text := told.get(name):
            told[name] = [worded(each) for each in text] if isinstance(text, list) else worded(text)
    return told


def sentences(language: str) -> dict[str, str]:
    """The sentences of a language by their English patterns."""
    return catalogue(language, "server")


class _Number(int):
    """`{count:,}` separates thousands as the language does."""

    def __format__(self, form: str) -> str:
        return grouped(int(self)) if form == "," else super().__format__(form)


def _worded_value(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return _Number(value)
    return worded(value) if isinstance(value, Sentence) else value
