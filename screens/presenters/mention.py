"""People named with an @ in a text."""

import re
from collections.abc import Iterable, Mapping, Sequence

from core.contract.console import Person
from screens.presenters.completion import Candidate

_BEGUN = re.compile(r"(?<![\w@.])@([\w.+-]*)$")
_WORD = re.compile(r"[\w][\w.+-]{0,63}")


def begun(text: str, offset: int) -> tuple[int, str] | None:
    """Where the name under the cursor begins, at its @, and what is written of it."""
    found = _BEGUN.search(text[:offset])
    return None if found is None else (found.start(), found[1])


def candidates(people: Iterable[Person], start: int) -> list[Candidate]:
    """People to choose from; each is written by a word that the server finds them by."""
    return [
        Candidate(person["name"] or person["email"], "person", person["email"], f"@{word_for(person)} ", start)
        for person in people
    ]


def word_for(person: Person) -> str:
    """The address up to its @, the name without spaces, or the id: what can be written as a name."""
    local = person["email"].partition("@")[0]
    names = (local, person["name"].replace(" ", ""))
    return next((name for name in names if _WORD.fullmatch(name) and name[-1] not in ".+-"), person["id"])


def still_named(text: str, chosen: Mapping[str, str]) -> Sequence[str]:
    """The ids of the chosen people (by their words) whom the text still names."""
    return [id_ for word, id_ in chosen.items() if re.search(rf"@{re.escape(word)}(?![\w.+-]*\w)", text)]
