"""Why a language model has given no value. It is kept as a text, and told as the sentence that the text was made of."""

import re
from collections.abc import Iterator
from functools import cache

from core.sentence import Sentence, say

KEY_REFUSED = "the provider refuses AI_API_KEY: HTTP {status}"
REFUSED = KEY_REFUSED.partition(":")[0]
"""How the text begins whatever the status."""
NOT_REACHED = "the provider is not reached: {reason}"
BUSY = "the provider has too much to do: HTTP {status}"
ANSWERS = "the provider answers HTTP {status}"
ANSWERS_TEXT = "the provider answers HTTP {status}: {text}"
OTHER_FORM = "the provider's answer is not in its form"
DECLINED = "the model declines to answer"
TOO_LONG = "the answer is longer than `maxTokens` allows"
EMPTY = "the answer is empty"
NOT_ASKED_FOR = "the model's answer is not in the form that was asked for"
MISFIT = "the answer does not fit: {problem}"
DEFECT = "an error of the server, which its log tells of"

PATTERNS = (
    KEY_REFUSED, NOT_REACHED, BUSY, ANSWERS_TEXT, ANSWERS, OTHER_FORM, DECLINED, TOO_LONG, EMPTY, NOT_ASKED_FOR, MISFIT,
    DEFECT,
)  # fmt: skip
"""All of them; of two that begin alike the longer one first."""


def reason_of(text: str) -> Sentence:
    """The sentence of a text that was kept."""
    for pattern, form in _forms():
        if found := form.fullmatch(text):
            return say(pattern, **found.groupdict())
    return say(text)


@cache
def _forms() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(_made())


def _made() -> Iterator[tuple[str, re.Pattern[str]]]:
    for pattern in PATTERNS:
        form = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.*)", re.escape(pattern))
        yield pattern, re.compile(form, re.DOTALL)
