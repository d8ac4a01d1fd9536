"""Older key names and the short forms of an app file, rewritten to today's before anything is checked (CL-010)."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.schema.page_node import rewrite_nodes
from core.schema.shape import Findings
from core.schema.tree import Map, Path, Seq
from core.sentence import say

RENAMED_KEYS: tuple[tuple[str, str, str], ...] = (
    ("tables[]", "uniqueConstraints", "unique"),
    ("tables[].fields[]", "timezone", "timeZone"),
    ("pages[]", "sections", "components"),
    ("pages[].meta", "twitterCard", "twitter"),
    ("pages[].meta", "structuredData", "schema"),
    ("theme", "darkMode", "colorScheme"),
)
"""Where, the older key, today's key."""

RENAMED_FIELD_KEYS: tuple[tuple[str, str, str], ...] = (("decimal", "scale", "precision"),)
"""Keys whose meaning depends on the field's type: type, older key, today's key."""

STRATEGY_ALIASES = {"emailPassword": "emailAndPassword"}
"""Strategies of the short form, by an earlier name."""


def rewrite(tree: Map, findings: Findings, type_aliases: Mapping[str, str]) -> None:
    """Rewrite the tree in place; every rewrite of an older name is a warning."""
    for place, old, new in RENAMED_KEYS:
        for node, path in _nodes(tree, place):
            _rename(node, path, old, new, findings)
    for field, path in _nodes(tree, "tables[].fields[]"):
        _rewrite_type(field, path, type_aliases, findings)
        for type_name, old, new in RENAMED_FIELD_KEYS:
            if field.get("type") == type_name:
                _rename(field, path, old, new, findings)
    _widen_strategies(tree)
    _widen_theme(tree)
    rewrite_nodes(tree)


def _rename(node: Map, path: Path, old: str, new: str, findings: Findings) -> None:
    if old not in node:
        return
    if new in node:
        findings.error(
            "schema.duplicate-key",
            say("`{old}` is the older name of `{new}`, which is given too", old=old, new=new),
            (*path, old),
            key=True,
        )
        del node[old]
        return
    findings.warning("schema.old-key", say("`{old}` is now called `{new}`", old=old, new=new), (*path, old), key=True)
    node.rename(old, new)


def _rewrite_type(field: Map, path: Path, aliases: Mapping[str, str], findings: Findings) -> None:
    written = field.get("type")
    if isinstance(written, str) and written in aliases:
        findings.warning(
            "schema.old-field-type",
            say("the type `{written}` is now called `{now}`", written=written, now=aliases[written]),
            (*path, "type"),
        )
        field["type"] = aliases[written]


def _widen_strategies(tree: Map) -> None:
    """`strategies: [emailPassword]` → `[{type: emailAndPassword}]` (pages-cli §2.6)."""
    for auth, _ in _nodes(tree, "auth"):
        strategies = auth.get("strategies")
        if isinstance(strategies, Seq):
            for index, strategy in enumerate(strategies):
                if isinstance(strategy, str):
                    position = strategies.positions[index]
                    widened = Map(position)
                    widened.put("type", STRATEGY_ALIASES.get(strategy, strategy), position, position)
                    strategies[index] = widened


def _widen_theme(tree: Map) -> None:
    """`colorScheme: auto` is the older word for `system`."""
    for theme, _ in _nodes(tree, "theme"):
        if theme.get("colorScheme") == "auto":
            theme["colorScheme"] = "system"


def _nodes(tree: Any, place: str) -> Iterator[tuple[Map, Path]]:
    """The maps at a place such as `tables[].fields[]`."""
    found: list[tuple[Any, Path]] = [(tree, ())]
    for part in place.split("."):
        name, is_list = part.removesuffix("[]"), part.endswith("[]")
        found = [(node[name], (*path, name)) for node, path in found if isinstance(node, Map) and name in node]
        if is_list:
            found = [
                (item, (*path, index))
                for node, path in found
                if isinstance(node, Seq)
                for index, item in enumerate(node)
            ]
    yield from ((node, path) for node, path in found if isinstance(node, Map))
