"""Where the style sheets are, and a stylesheet that parses each of them once."""

from pathlib import Path

from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

STYLES = Path(__file__).parent.parent / "styles"

Rules = LRUCache[tuple[object, ...], list[RuleSet]]

_KEPT: LRUCache[frozenset[tuple[str, str]], Rules] = LRUCache(4)
"""What was parsed, by the variables of the theme: whoever switches themes may switch back."""


class KeptStylesheet(Stylesheet):
    """Textual parses every sheet anew whenever one is added, which is whenever a place is opened for the first time, and at
    each change of the theme: 30 to 60 ms, some of them before the first frame. Here what was parsed is kept."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._parse_cache = _rules_of(self._variables)

    def set_variables(self, variables: dict[str, str]) -> None:
        self._parse_cache = LRUCache(1)  # it is emptied in a moment
        super().set_variables(variables)
        self._parse_cache = _rules_of(variables)

    def reparse(self) -> None:
        self.parse()


def _rules_of(variables: dict[str, str]) -> Rules:
    key = frozenset(variables.items())
    kept = _KEPT.get(key)
    if kept is None:
        kept = _KEPT[key] = LRUCache(1000)
    return kept
