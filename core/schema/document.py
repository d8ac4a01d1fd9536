"""One YAML or JSON file as text that can be changed in places: comments, order, quotes and spacing elsewhere stay.

Positions come from libyaml, which reads JSON too. A change is a replacement of characters; the text is read anew after
each, so that positions are never stale.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from core.errors import BadRequest
from core.schema.yaml_source import is_plain_text
from core.sentence import say

Step = str | int
WIDTH = 110
"""Columns that a value may take before it goes over several lines."""
_PLAIN = re.compile(r"[A-Za-z_/.$][\w ./$+()@-]*")
_COMMENT = re.compile(r"[ \t]*#")


class Document:
    """The text of a file. `is_json` decides how new values are written."""

    def __init__(self, text: str, *, is_json: bool) -> None:
        self.text = text
        self.is_json = is_json
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self._read()

    def _read(self) -> None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self.root: yaml.Node | None = yaml.compose(self.text, Loader=loader)

    def _replace(self, start: int, end: int, new: str) -> None:
        self.text = self.text[:start] + new.replace("\n", self.newline) + self.text[end:]
        self._read()

    # Finding.

    def node(self, path: Sequence[Step]) -> yaml.Node | None:
        """The node at a path. None: nothing is written there (it may come from a merge key)."""
        node = self.root
        for step in path:
            node = _child(node, step)
            if node is None:
                return None
        return node

    def own(self, path: Sequence[Step]) -> yaml.Node:
        """The node at a path, if it may be changed there. Raises BadRequest where an alias stands for it."""
        node = self.root
        for step in path:
            parent, node = node, _child(node, step)
            if node is None or parent is None:
                raise BadRequest(say("The file has no {path}", path=".".join(str(each) for each in path)))
            if not parent.start_mark.index <= node.start_mark.index < parent.end_mark.index:
                raise BadRequest(
                    say("`{step}` is written elsewhere (*alias) and shared; change it there by hand", step=step)
                )
        assert node is not None
        return node

    # Changing.

    def set(self, path: Sequence[Step], value: Any) -> None:
        """Give the entry at a path another value; a key that is not there is added at the end of its map."""
        *above, last = path
        parent = self.own(above)
        node = _child(parent, last)
        inherited = node is not None and not parent.start_mark.index <= node.start_mark.index < parent.end_mark.index
        if node is None or inherited:
            if not isinstance(last, str) or (inherited and _key(parent, last) is not None):
                raise BadRequest(say("The file has no {key} there, or it is an *alias", key=last))
            self._add(parent, last, value)
            return
        start, end = node.start_mark.index, self._end(node)
        key = _key(parent, last) if isinstance(last, str) else None
        if key is None:
            self._replace(start, end, self._write(value, node.start_mark.column, _is_flow(parent)))
            return
        colon = self._after_colon(key)
        between = self.text[colon:start]
        comment = f"  {between.split(self.newline, 1)[0].strip()}" if "#" in between else ""
        new = self._after_key(value, key.start_mark.column, _is_flow(parent))
        if comment and not new.startswith("\n"):
            self._replace(colon, end, new + comment)
        elif comment:
            self._replace(colon, end, comment + new)
        else:
            self._replace(colon, end, new if between.strip(" \t") == "" else f" {new.lstrip(' ')}")

    def add_first(self, path: Sequence[Step], key: str, value: Any) -> None:
        """A new first entry of a map."""
        node = self.own(path)
        assert isinstance(node, yaml.MappingNode)
        if not node.value:
            self._add(node, key, value)
            return
        first = node.value[0][0].start_mark
        text = f"{self._name(key)}:{self._after_key(value, first.column, _is_flow(node))}"
        breaks = self._breaks_before(node, first.index) if _is_flow(node) else True
        comma = "," if _is_flow(node) else ""
        gap = f"\n{' ' * first.column}" if breaks else " "
        self._replace(first.index, first.index, f"{text}{comma}{gap}")

    def remove(self, path: Sequence[Step]) -> None:
        """Remove an entry of a map or an item of a list, with the comments that stand directly above it."""
        *above, last = path
        parent = self.own(above)
        self.own(path)
        pairs = _entries(parent)
        at = next(number for number, (name, _, _) in enumerate(pairs) if name == last)
        if len(pairs) == 1:
            empty = "{}" if isinstance(parent, yaml.MappingNode) else "[]"
            start, end = parent.start_mark.index, self._end(parent)
            before = self.text[: self._with_comments(start)].rstrip()
            if not _is_flow(parent) and before.endswith(":"):  # behind its key, not on a line of its own
                start, empty = len(before), f" {empty}"
            self._replace(start, max(end, start), empty)
            return
        if _is_flow(parent):
            spans = [(start, self._end(node)) for _, start, node in pairs]
            if at:
                self._replace(spans[at - 1][1], spans[at][1], "")
            else:
                self._replace(spans[0][0], spans[1][0], "")
            return
        if isinstance(parent, yaml.MappingNode) and at == 0:
            self._replace(pairs[0][1], pairs[1][1], "")
            return
        start, end = self._lines(parent, at)
        self._replace(self._line_break_before(start), end, "")

    def insert(self, path: Sequence[Step], at: int, value: Any) -> None:
        """A new item of the list at a path, before the item that is `at` now; at its end for a larger number."""
        node = self.own(path)
        if not isinstance(node, yaml.SequenceNode):
            raise BadRequest(say("{path} is not a list", path=".".join(str(each) for each in path)))
        if not node.value:
            # Its own line, where the key ends.
            start = node.start_mark.index
            self._replace(start, self._end(node), self._write([value], node.start_mark.column, True))
            return
        if _is_flow(node):
            self._insert_flow(node, at, value)
            return
        column = node.start_mark.column
        text = f"{' ' * column}- {self._write(value, column + 2, False)}"
        if at >= len(node.value):
            _, end = self._lines(node, len(node.value) - 1)
            self._replace(end, end, f"\n{text}")
        else:
            start, _ = self._lines(node, at)
            self._replace(start, start, f"{text}\n")

    def move(self, path: Sequence[Step], old: int, new: int) -> None:
        """Put an item of a list in another place, with its comments."""
        node = self.own(path)
        assert isinstance(node, yaml.SequenceNode)
        count = len(node.value)
        if not (0 <= old < count and 0 <= new < count):
            raise BadRequest(say("There is no place {new} in a list of {count}", new=new, count=count))
        if _is_flow(node):
            spans = [(item.start_mark.index, self._end(item)) for item in node.value]
        else:
            spans = [self._lines(node, number) for number in range(count)]
        texts = [self.text[start:end] for start, end in spans]
        texts.insert(new, texts.pop(old))
        out, done = [], 0
        for (start, end), text in zip(spans, texts, strict=True):
            out += [self.text[done:start], text]
            done = end
        self.text = "".join([*out, self.text[done:]])
        self._read()

    # Spans.

    def _end(self, node: yaml.Node) -> int:
        """Where a node's own characters end; libyaml counts the blank lines and comments behind it."""
        if isinstance(node, yaml.ScalarNode):
            if node.style in ("|", ">"):
                return node.start_mark.index + len(self.text[node.start_mark.index : node.end_mark.index].rstrip())
            return int(node.end_mark.index)
        if _is_flow(node) or not node.value:
            return int(node.end_mark.index)
        last = node.value[-1]
        if isinstance(last, tuple):
            key, value = last
            inside = key.start_mark.index <= value.start_mark.index < node.end_mark.index
            return self._end(value) if inside else self._line_end(key.end_mark.index, comment=False)
        inside = node.start_mark.index <= last.start_mark.index < node.end_mark.index
        return self._end(last) if inside else len(self.text[: node.end_mark.index].rstrip())

    def _line_end(self, at: int, *, comment: bool = True) -> int:
        """The end of the line, before its break; without its comment where that is asked for."""
        end = self.text.find("\n", at)
        end = len(self.text) if end < 0 else end
        line = self.text[at:end].rstrip("\r")
        if not comment and " #" in line:
            line = line[: line.index(" #")].rstrip()
        return at + len(line)

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _line_break_before(self, start: int) -> int:
        if start and self.text[start - 1] == "\n":
            start -= 1
            if start and self.text[start - 1] == "\r":
                start -= 1
        return start

    def _lines(self, parent: yaml.Node, at: int) -> tuple[int, int]:
        """The lines of an entry of a block, from the comments directly above it to the end of its last line."""
        pairs = _entries(parent)
        _, start, node = pairs[at]
        if isinstance(parent, yaml.SequenceNode):
            start = self.text.rfind("-", 0, max(start, 1) if self.text[start] != "-" else start + 1)
        elif not start <= node.start_mark.index < parent.end_mark.index:
            return self._with_comments(start), self._line_end(start)
        end = self._line_end(max(self._end(node), start))
        return self._with_comments(start), end

    def _with_comments(self, start: int) -> int:
        start = self._line_start(start)
        while start:
            above = self._line_start(start - 1)
            if not _COMMENT.match(self.text[above:start]):
                break
            start = above
        return start

    def _after_colon(self, key: yaml.Node) -> int:
        return self.text.index(":", key.end_mark.index) + 1

    def _breaks_before(self, node: yaml.Node, first: int) -> bool:
        return "\n" in self.text[node.start_mark.index : first]

    # Writing.

    def _add(self, parent: yaml.Node, key: str, value: Any) -> None:
        if not isinstance(parent, yaml.MappingNode):
            raise BadRequest(say("`{key}` cannot be set on what is not a map", key=key))
        if not parent.value:
            start = parent.start_mark.index
            text = f"{{{self._pad()}{self._name(key)}:{self._after_key(value, 0, True)}{self._pad()}}}"
            self._replace(start, self._end(parent), text)
            return
        first, last = parent.value[0][0].start_mark, parent.value[-1]
        entry = f"{self._name(key)}:{self._after_key(value, first.column, _is_flow(parent))}"
        if _is_flow(parent):
            end = self._end(last[1])
            gap = f",\n{' ' * first.column}" if self._breaks_before(parent, first.index) else ", "
            self._replace(end, end, gap + entry)
            return
        _, end = self._lines(parent, len(parent.value) - 1)
        self._replace(end, end, f"\n{' ' * first.column}{entry}")

    def _insert_flow(self, node: yaml.SequenceNode, at: int, value: Any) -> None:
        first = node.value[0].start_mark
        breaks = self._breaks_before(node, first.index)
        text = self._write(value, first.column, True)
        gap = f",\n{' ' * first.column}" if breaks else ", "
        if at >= len(node.value):
            end = self._end(node.value[-1])
            self._replace(end, end, gap + text)
        else:
            start = node.value[at].start_mark.index
            self._replace(start, start, text + gap)

    def _pad(self) -> str:
        return "" if self.is_json else " "

    def _name(self, key: str) -> str:
        return json.dumps(key, ensure_ascii=False) if self.is_json else scalar(key)

    def _after_key(self, value: Any, column: int, flow: bool) -> str:
        """A value as it stands behind `key:`."""
        inline = self._inline(value)
        if flow or not isinstance(value, Mapping | list | tuple) or not value or column + len(inline) <= WIDTH:
            if not self.is_json or column + len(inline) <= WIDTH:
                return f" {inline}"
            return " " + self._indented(value, column)
        return f"\n{' ' * (column + 2)}{self._block(value, column + 2)}"

    def _write(self, value: Any, column: int, flow: bool) -> str:
        """A value as it stands in a list."""
        inline = self._inline(value)
        if column + len(inline) <= WIDTH or (flow and not self.is_json):
            return inline
        return self._indented(value, column) if self.is_json else self._block(value, column)

    def _indented(self, value: Any, column: int) -> str:
        return json.dumps(value, ensure_ascii=False, indent=2).replace("\n", f"\n{' ' * column}")

    def _inline(self, value: Any) -> str:
        if self.is_json:
            return json.dumps(value, ensure_ascii=False)
        if isinstance(value, Mapping):
            inside = ", ".join(f"{scalar(str(key))}: {self._inline(each)}" for key, each in value.items())
            return f"{{ {inside} }}" if inside else "{}"
        if isinstance(value, list | tuple):
            return f"[{', '.join(self._inline(each) for each in value)}]"
        return scalar(value)

    def _block(self, value: Any, column: int) -> str:
        """The lines of a map or list; the first has no indentation."""
        if isinstance(value, Mapping) and value:
            lines = [f"{scalar(str(key))}:{self._after_key(each, column, False)}" for key, each in value.items()]
        elif isinstance(value, list | tuple) and value:
            lines = [f"- {self._write(each, column + 2, False)}" for each in value]
        else:
            return self._inline(value)
        return f"\n{' ' * column}".join(lines)


def scalar(value: Any) -> str:
    """Plain where it is read as that very text, else in JSON's quotes, which are YAML's too."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not value.endswith(" ") and is_plain_text(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_flow(node: yaml.Node) -> bool:
    return bool(getattr(node, "flow_style", False))


def _child(node: yaml.Node | None, step: Step) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode) and isinstance(step, str):
        for key, value in node.value:
            if key.value == step:
                found: yaml.Node = value
                return found
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
        item: yaml.Node = node.value[step]
        return item
    return None


def _key(node: yaml.Node, name: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((key for key, _ in pairs if key.value == name), None)


def _entries(node: yaml.Node) -> list[tuple[Step, int, yaml.Node]]:
    """Name or number, start and value of each entry."""
    if isinstance(node, yaml.MappingNode):
        return [(key.value, key.start_mark.index, value) for key, value in node.value]
    return [(number, item.start_mark.index, item) for number, item in enumerate(node.value)]
