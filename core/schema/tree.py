"""Plain data that remembers where it stood: what the YAML and JSON readers make of an app file.

`Map` and `Seq` are a dict and a list, so that everything that works on data works on them; beside it they keep the
position of each value (and of each key), and an included file's values keep their own file's.
"""

from collections.abc import Iterable
from typing import Any

from core.schema.problem import Position

Step = str | int
Path = tuple[Step, ...]

MAX_DEPTH = 100
"""Levels of nesting that a file may have; page trees of real apps stay below 40."""
MAX_NODES = 1_000_000
"""Values of an app after aliases are expanded and includes are put in; stops alias bombs."""


class Map(dict[str, Any]):
    """A mapping with positions."""

    __slots__ = ("key_positions", "position", "positions")

    def __init__(self, position: Position) -> None:
        super().__init__()
        self.position = position
        self.key_positions: dict[str, Position] = {}
        self.positions: dict[str, Position] = {}

    def put(self, key: str, value: Any, key_position: Position, position: Position) -> None:
        """Set an entry with its positions."""
        self[key] = value
        self.key_positions[key] = key_position
        self.positions[key] = position

    def rename(self, old: str, new: str) -> None:
        """Give an entry another key, in its place."""
        entries = [(key, self[key], self.key_positions[key], self.positions[key]) for key in self]
        self.clear()
        self.key_positions.clear()
        self.positions.clear()
        for key, value, key_position, position in entries:
            self.put(new if key == old else key, value, key_position, position)


class Seq(list[Any]):
    """A list with positions."""

    __slots__ = ("position", "positions")

    def __init__(self, position: Position) -> None:
        super().__init__()
        self.position = position
        self.positions: list[Position] = []

    def put(self, value: Any, position: Position) -> None:
        """Append an item with its position."""
        self.append(value)
        self.positions.append(position)


def path_text(path: Iterable[Step]) -> str:
    """`tables[2].fields[0].max`"""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def position_at(root: Any, path: Path, *, key: bool = False) -> Position | None:
    """Where the value at a path stands, or the nearest thing around it that was written; `key`: where its key stands."""
    position = getattr(root, "position", None)
    node = root
    for index, step in enumerate(path):
        if isinstance(node, Map) and isinstance(step, str) and step in node:
            last = index == len(path) - 1
            position = (node.key_positions if key and last else node.positions).get(step, position)
            node = node[step]
        elif isinstance(node, Seq) and isinstance(step, int) and 0 <= step < len(node.positions):
            position = node.positions[step]
            node = node[step]
        else:
            break
    return position


def value_at(root: Any, path: Path) -> Any:
    """The value at a path; None where nothing stands."""
    node = root
    for step in path:
        try:
            node = node[step]
        except (LookupError, TypeError):
            return None
    return node


def plain(node: Any) -> Any:
    """The same data as ordinary dicts and lists."""
    if isinstance(node, dict):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(item) for item in node]
    return node


def from_plain(data: Any, position: Position) -> Any:
    """Ordinary data as a tree that stands at one position (snapshots, data made by a program)."""
    if isinstance(data, dict):
        tree = Map(position)
        for key, value in data.items():
            tree.put(str(key), from_plain(value, position), position, position)
        return tree
    if isinstance(data, list | tuple):
        items = Seq(position)
        for item in data:
            items.put(from_plain(item, position), position)
        return items
    return data
