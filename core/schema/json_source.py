"""JSON text to a tree with positions. Strict: what JSON does not allow is named, with its place."""

import re
from bisect import bisect_right
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from typing import Any

from core.schema.problem import Position, Problem
from core.schema.tree import MAX_DEPTH, Map, Seq
from core.schema.yaml_source import Unreadable
from core.sentence import say

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_NAMES = {"true": True, "false": False, "null": None}
_MAX_DIGITS = 400


def read_json(text: str, file: str, problems: list[Problem]) -> Any:
    """The tree of `text`. Duplicate keys go to `problems`; anything else that is wrong raises Unreadable."""
    return _Reader(text, file, problems).read()


class _Reader:
    def __init__(self, text: str, file: str, problems: list[Problem]) -> None:
        self.text = text
        self.file = file
        self.problems = problems
        self.index = 0
        self.lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def read(self) -> Any:
        self.skip()
        value = self.value(0)
        self.skip()
        if self.index < len(self.text):
            self.refuse("There is more text after the end of the JSON value")
        return value

    def at(self, index: int) -> Position:
        line = bisect_right(self.lines, index)
        return Position(self.file, line, index - self.lines[line - 1] + 1)

    def refuse(self, message: str, index: int | None = None, hint: str | None = None) -> None:
        position = self.at(self.index if index is None else index)
        raise Unreadable(
            Problem("json.syntax", say("Not valid JSON: {reason}", reason=say(message)), position=position, hint=hint)
        )

    def skip(self) -> None:
        match = _SPACE.match(self.text, self.index)
        assert match is not None
        self.index = match.end()
        if self.text.startswith(("//", "/*", "#"), self.index):
            self.refuse("comments are not allowed", hint="use a .yaml file to write comments")

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            problem = Problem(
                "json.too-deep", say("More than {most} levels of nesting", most=MAX_DEPTH), position=self.at(self.index)
            )
            raise Unreadable(problem)
        character = self.text[self.index : self.index + 1]
        if character == "{":
            return self.map(depth)
        if character == "[":
            return self.sequence(depth)
        if character == '"':
            return self.string()
        return self.literal(character)

    def map(self, depth: int) -> Map:
        node = Map(self.at(self.index))
        self.index += 1
        while not self.closes("}", bool(node)):
            if self.text[self.index : self.index + 1] != '"':
                self.refuse("a key must stand in double quotes")
            start = self.index
            key = self.string()
            self.skip()
            if self.text[self.index : self.index + 1] != ":":
                self.refuse(say("after the key {key!r} a `:` is missing", key=key))
            self.index += 1
            self.skip()
            position = self.at(self.index)
            value = self.value(depth + 1)
            if key in node:
                first = node.key_positions[key]
                text = say("The key `{key}` is given twice; the first is on line {line}", key=key, line=first.line)
                self.problems.append(Problem("schema.duplicate-key", text, position=self.at(start)))
            else:
                node.put(key, value, self.at(start), position)
        return node

    def sequence(self, depth: int) -> Seq:
        node = Seq(self.at(self.index))
        self.index += 1
        while not self.closes("]", bool(node)):
            position = self.at(self.index)
            node.put(self.value(depth + 1), position)
        return node

    def closes(self, mark: str, has_items: bool) -> bool:
        """Step over the end of a collection, or over the comma before its next item."""
        self.skip()
        here = self.text[self.index : self.index + 1]
        if here == mark:
            self.index += 1
            return True
        if not has_items:
            return False
        if here != ",":
            self.refuse("the text ends too early" if not here else say("`,` or `{mark}` is missing", mark=mark))
        comma = self.index
        self.index += 1
        self.skip()
        if self.text.startswith(mark, self.index):
            self.refuse(say("a comma before `{mark}` is not allowed", mark=mark), comma)
        return False

    def string(self) -> str:
        try:
            value, self.index = scanstring(self.text, self.index + 1, True)
        except JSONDecodeError as error:
            if "escape" in error.msg:
                self.refuse("a backslash begins an escape that JSON does not know", min(error.pos, len(self.text)))
            self.refuse('a text is not closed by `"` on its line')
        return str(value)

    def literal(self, character: str) -> Any:
        number = _NUMBER.match(self.text, self.index)
        if number:
            return self.number(number)
        if not character:
            self.refuse("the text ends too early")
        if character == "'":
            self.refuse("texts stand in double quotes")
        word = _WORD.match(self.text, self.index)
        if word and word.group() in _NAMES:
            self.index = word.end()
            return _NAMES[word.group()]
        self.refuse(say("{value!r} is not a value", value=word.group() if word else character))
        return None

    def number(self, match: re.Match[str]) -> int | float:
        text = match.group()
        if len(text) > _MAX_DIGITS:
            self.refuse(say("a number of {count} digits is too long", count=len(text)))
        value = float(text) if match.group(2) or match.group(3) else int(text)
        if value in (float("inf"), float("-inf")):
            self.refuse(say("{text} is too large for a number", text=text))
        self.index = match.end()
        if self.text[self.index : self.index + 1].isalnum():
            self.refuse("a number ends with a letter or begins with 0", match.start())
        return value
