"""What is said to people, so that a client can say it in another language.

A sentence is its English text. What was filled into it travels beside it: `pattern` tells which sentence it is, `values`
what it is about. A sentence without values is its own pattern. The catalogue of a language is keyed by patterns.

Errors carry patterns to clients that ask for them (`Prefer: patterns`, RFC 7240); to others they are the plain envelope.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import reduce
from typing import Any, Self

SAID = "said"
"""The key of a body under which the patterns of its texts stand, by the key of each."""
ASKED = "patterns"
"""What a client writes into `Prefer` to be told them."""
LONGEST = 100_000
"""Characters of a sentence that comes from a server."""
_ARRIVING = re.compile(r"(?:[^{}]|\{\{|\}\}|\{\w+(?:!r)?(?::[,a-z])?\}){0,5000}")
"""A pattern that asks nothing of a value but its text: no width that fills the memory, none of its inside."""


class Sentence(str):
    """A text that knows the pattern and the values it was made of. Values may be sentences themselves."""

    __slots__ = ("pattern", "values")
    pattern: str
    values: Mapping[str, Any]

    def __new__(cls, pattern: str, values: Mapping[str, Any]) -> Self:
        made = super().__new__(cls, pattern.format_map(values) if values else pattern)
        made.pattern, made.values = pattern, values
        return made

    def body(self) -> dict[str, Any]:
        """As it travels: with the values that the text shows, and no others that were at hand where it was said."""
        shown = {name: value for name, value in self.values.items() if re.search(rf"{{{name}[}}!:]", self.pattern)}
        return {"pattern": self.pattern, "values": {name: _travelling(value) for name, value in shown.items()}}


def say(pattern: str, /, **values: Any) -> Sentence:
    """The pattern with its `{name}` places filled. What is a sentence already stays what it is."""
    return pattern if isinstance(pattern, Sentence) else Sentence(pattern, values)


def joined(*texts: str | None) -> Sentence:
    """Several sentences as one text, such as what is wrong and, if there is one, the way out."""
    return reduce(lambda first, then: say("{first}; {then}", first=first, then=then), map(say, filter(None, texts)))


def with_patterns(body: dict[str, Any]) -> dict[str, Any]:
    """A body that is to travel, with the patterns of the sentences in it and in its lists of texts."""
    said = {name: _patterns(text) for name, text in body.items() if _has_values(text)}
    return body | {SAID: said} if said else body


def with_all_patterns(body: dict[str, Any]) -> dict[str, Any]:
    """The same for the bodies within it as well. For answers that are small."""
    return with_patterns({name: _with_all_patterns(value) for name, value in body.items()})


def _with_all_patterns(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_all_patterns(each) for each in value]
    return with_all_patterns(value) if isinstance(value, dict) else value


def _has_values(text: Any) -> bool:
    """A sentence without values is its own pattern: nothing needs to stand beside it."""
    return any(map(_has_values, text)) if isinstance(text, list) else isinstance(text, Sentence) and bool(text.values)


def _patterns(text: Any) -> Any:
    return [_travelling(each) for each in text] if isinstance(text, list) else text.body()


def without_patterns(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body, and the bodies that it lists, for who does not ask for patterns."""
    return {
        name: [without_patterns(each) if isinstance(each, dict) else each for each in value]
        if isinstance(value, list)
        else value
        for name, value in body.items()
        if name != SAID
    }


def with_sentences(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body that came, its texts being sentences again. Who answers need not be a server of ours: a text beside which no
    sentence stands stays as it is."""
    told, said = {name: value for name, value in body.items() if name != SAID}, body.get(SAID)
    for name, sentence in said.items() if isinstance(said, dict) else ():
        with suppress(TypeError, LookupError, AttributeError, ValueError, RecursionError):
            told[name] = arrived(sentence)
    return told


def arrived(body: Any) -> Any:
    """A sentence, several, or a value of one, as it came. Raises ValueError, among others, for what is none."""
    if isinstance(body, list):
        return [arrived(each) for each in body]
    if isinstance(body, dict):
        values = {name: arrived(value) for name, value in body["values"].items()}
        if values and _ARRIVING.fullmatch(body["pattern"]) is None:
            raise ValueError(body["pattern"])
        made = Sentence(body["pattern"], values)
        if len(made) > LONGEST:
            raise ValueError(len(made))
        return made
    return body


def _travelling(value: Any) -> Any:
    if isinstance(value, Sentence):
        return value.body()
    return value if isinstance(value, str | int | float) else str(value)


Wording = Callable[[str], str]
"""From a sentence to its text in another language."""
