"""YAML text to a tree with positions.

Built on the events of libyaml rather than on PyYAML's constructors, because those read YAML 1.1 (`no` is False, `1:30`
is 90, `010` is 8), keep the last of two equal keys, and nest without bound. Scalars follow the YAML 1.2 core schema.
"""

import math
import re
from typing import Any

import yaml

from core.schema.problem import Position, Problem
from core.schema.tree import MAX_DEPTH, MAX_NODES, Map, Seq
from core.sentence import say

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS_OF_1_1 = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n"})
_GLUED = re.compile(r"(?P<key>[A-Za-z]\w*):(?P<value>[^\s/]\S*)")
_MAX_DIGITS = 400
_TAG = "tag:yaml.org,2002:"
_SCALAR_TAGS = ("str", "int", "float", "bool", "null")


class Unreadable(Exception):
    """The text is not what its extension says; nothing of it can be used."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def read_yaml(text: str, file: str, problems: list[Problem]) -> Any:
    """The tree of the one document in `text`. Duplicate keys and the like go to `problems`, reading goes on;
    what cannot be read at all raises Unreadable."""
    try:
        return _Reader(file, problems).read(text)
    except yaml.MarkedYAMLError as error:
        raise Unreadable(_syntax_problem(error, file, text)) from error
    except yaml.YAMLError as error:
        raise Unreadable(
            Problem("yaml.syntax", say(NOT_VALID, reason=str(error)), position=Position(file, 1, 1))
        ) from error


def is_plain_text(text: str) -> bool:
    """Whether the text, written without quotes, is read as a text: here and by readers of YAML 1.1."""
    if text in _NULL or text.lower() in _WORDS_OF_1_1:
        return False
    return not any(pattern.fullmatch(text) for pattern in (_INT, _FLOAT, _NOT_FINITE))


class _Frame:
    """A collection that is being read."""

    __slots__ = ("anchor", "key", "key_position", "merges", "node", "size")

    def __init__(self, node: Map | Seq, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: str | None = None
        self.key_position: Position | None = None
        self.merges: list[Map] = []
        self.size = 1


class _Reader:
    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.root: Any = None
        self.documents = 0

    def read(self, text: str) -> Any:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    self.stop("yaml.documents", "An app file holds one document; remove the second `---`", event)
            elif isinstance(event, yaml.ScalarEvent):
                self.add_scalar(event)
            elif isinstance(event, yaml.AliasEvent):
                self.add_alias(event)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self.open(event)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self.close(event)
        return self.root

    def at(self, event: Any) -> Position:
        return Position(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def report(self, code: str, message: str, event: Any, hint: str | None = None) -> None:
        self.problems.append(Problem(code, message, position=self.at(event), hint=hint))

    def stop(self, code: str, message: str, event: Any, hint: str | None = None) -> None:
        raise Unreadable(Problem(code, message, position=self.at(event), hint=hint))

    def open(self, event: Any) -> None:
        if len(self.stack) >= MAX_DEPTH:
            self.stop("yaml.too-deep", say("More than {most} levels of nesting", most=MAX_DEPTH), event)
        is_map = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", _TAG + ("map" if is_map else "seq")):
            self.report("yaml.tag", say("The tag {tag} is not supported", tag=_short(event.tag)), event, "remove it")
        self.expect_key(event)
        self.stack.append(_Frame(Map(self.at(event)) if is_map else Seq(self.at(event)), event.anchor))

    def close(self, event: Any) -> None:
        frame = self.stack.pop()
        for source in frame.merges:
            assert isinstance(frame.node, Map)
            for key in source:
                if key not in frame.node:
                    frame.node.put(key, source[key], source.key_positions[key], source.positions[key])
        if frame.anchor:
            self.anchors[frame.anchor] = (frame.node, frame.size)
        self.put(frame.node, frame.node.position, frame.size, event)

    def expect_key(self, event: Any) -> None:
        """A collection may not stand where a key is due."""
        frame = self.stack[-1] if self.stack else None
        if frame and isinstance(frame.node, Map) and frame.key is None:
            self.stop(
                "yaml.key", "A key must be a plain text; this is a list or a map", event, "put {{…}} text in quotes"
            )

    def add_alias(self, event: Any) -> None:
        if event.anchor not in self.anchors:
            opened = any(frame.anchor == event.anchor for frame in self.stack)
            pattern = "The alias *{anchor} refers to itself"
            if not opened:
                pattern = "The alias *{anchor} is not defined above this line"
            self.stop("yaml.alias", say(pattern, anchor=event.anchor), event)
        value, size = self.anchors[event.anchor]
        if self.take_key(value, event):
            return
        self.put(value, self.at(event), size, event)

    def add_scalar(self, event: Any) -> None:
        value = self.scalar(event)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)
        if self.take_key(event.value, event):
            return
        self.put(value, self.at(event), 1, event)

    def take_key(self, value: Any, event: Any) -> bool:
        """Whether the value is the next key of the map that is being read."""
        frame = self.stack[-1] if self.stack else None
        if frame is None or not isinstance(frame.node, Map) or frame.key is not None:
            return False
        if not isinstance(value, str):
            self.stop("yaml.key", "A key must be a plain text", event)
        frame.key, frame.key_position = value, self.at(event)
        return True

    def put(self, value: Any, position: Position, size: int, event: Any) -> None:
        if not self.stack:
            self.root = value
            return
        frame = self.stack[-1]
        frame.size += size
        if frame.size > MAX_NODES:
            self.stop(
                "yaml.too-large", say("More than {most:,} values once aliases are expanded", most=MAX_NODES), event
            )
        if isinstance(frame.node, Seq):
            frame.node.put(value, position)
            return
        key, key_position = frame.key, frame.key_position
        assert key is not None
        assert key_position is not None
        frame.key = None
        glued = _GLUED.fullmatch(key) if value is None and position.column > key_position.column else None
        if glued:  # `{type:integer}` is a key without a value; read on as it was meant
            self.problems.append(
                Problem("yaml.key", say("A space is missing after `{key}:`", key=glued["key"]), position=key_position)
            )
            key, value = glued["key"], glued["value"]
        if key == "<<":
            self.merge(frame, value, position)
        elif key in frame.node:
            first = frame.node.key_positions[key]
            self.problems.append(
                Problem(
                    "schema.duplicate-key",
                    say("The key `{key}` is given twice; the first is on line {line}", key=key, line=first.line),
                    position=key_position,
                )
            )
        else:
            frame.node.put(key, value, key_position, position)

    def merge(self, frame: _Frame, value: Any, position: Position) -> None:
        sources = value if isinstance(value, Seq) else [value]
        if all(isinstance(source, Map) for source in sources):
            frame.merges.extend(sources)
        else:
            message = say("`<<` takes a map, or a list of maps")
            self.problems.append(Problem("yaml.merge", message, position=position))

    def scalar(self, event: Any) -> Any:
        text = event.value
        tag = event.tag
        if tag is None or tag == "!":
            return self.resolve(text, event) if event.implicit[0] and tag is None else text
        name = tag.removeprefix(_TAG)
        if name not in _SCALAR_TAGS:
            self.report("yaml.tag", say("The tag {tag} is not supported", tag=_short(tag)), event, "remove it")
            return text
        if name == "str":
            return text
        value = self.resolve(text, event)
        fits = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}[name]
        if not isinstance(value, fits):  # type: ignore[arg-type]
            self.report(
                "yaml.tag", say("{text!r} is not of the type of its tag {tag}", text=text, tag=_short(tag)), event
            )
        return value

    def resolve(self, text: str, event: Any) -> Any:
        """The YAML 1.2 core schema."""
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if text[0] not in "-+.0123456789":
            return text
        if _INT.fullmatch(text):
            if len(text) > _MAX_DIGITS:
                self.report("yaml.number", say("A number of {count} digits is too long", count=len(text)), event)
                return 0
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if _NOT_FINITE.fullmatch(text):
            self.report(
                "yaml.number",
                say("{text} is not a finite number", text=text),
                event,
                "put it in quotes if text is meant",
            )
            return 0
        if _FLOAT.fullmatch(text):
            value = float(text)
            if math.isinf(value):
                self.report("yaml.number", say("{text} is too large for a number", text=text), event)
                return 0
            return value
        return text


def _short(tag: str) -> str:
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag


def _syntax_problem(error: yaml.MarkedYAMLError, file: str, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    position = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file, 1, 1)
    line = _line(text, position.line)
    if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in str(error.problem):
        return Problem("yaml.tab", "A tab indents this line; YAML takes spaces only", position=position)
    start = error.context_mark
    for phrase, sentence, hint in _OPENED:
        if start and phrase in f"{error.problem} {error.context}":
            opened = _line(text, start.line + 1)[start.column :][:1] or "[` or `{"  # the end of the file
            message = say(NOT_VALID, reason=say(sentence, opened=opened))
            return Problem("yaml.syntax", message, position=Position(file, start.line + 1, start.column + 1), hint=hint)
    what, way_out = _explained(error, line, position.column)
    return Problem("yaml.syntax", say(NOT_VALID, reason=say(what)), position=position, hint=way_out)


NOT_VALID = "Not valid YAML: {reason}"
_OPENED = (
    ("while parsing a flow", "this `{opened}` is not closed", "or a `,` is missing between two entries"),
    ("scanning a quoted scalar", "this `{opened}` is not closed", "a quote within single quotes is written twice"),
    ("scanning a simple key", "a key is followed by a colon and a space", "a text of several lines begins with `|`"),
    ("scanning an alias", "`*` begins an alias", "put the text in quotes"),
    ("scanning an anchor", "`&` begins an anchor", "put the text in quotes"),
)
"""What libyaml says, in words for people, of mistakes that are at the place where something began."""


def _explained(error: yaml.MarkedYAMLError, line: str, column: int) -> tuple[str, str | None]:
    """What is wrong at the place where reading stopped, and a way out."""
    what = str(error.problem or "not readable")
    if "mapping values are not allowed" in what:
        if line.count(": ") + line.endswith(":") > 1:
            return say("there are two `: ` in this line"), say("a text with `: ` in it needs quotes")
        return say("a key is not expected here"), say("check the indentation of this line and the one above")
    if "expected '-' indicator" in what:
        told = say("the list above goes on here, but this line does not begin with `- `")
        return told, say("or check the indentation")
    if "expected key" in what and line[: column - 1].strip():
        return (
            say("something is left behind the value"),
            say("a text with quotes or brackets in it needs quotes around all of it"),
        )
    if "expected key" in what:
        return say("the indentation of this line fits none above it"), None
    if "cannot start any token" in what:
        sign = line[column - 1 : column]
        return say("a text cannot begin with `{sign}`", sign=sign), say("put the text in quotes")
    if "unknown escape" in what:
        return say("in double quotes `\\` begins a sign such as `\\n`"), say("write it twice, or use single quotes")
    told = say(" ".join(filter(None, (what, error.context))))
    return told, say("put the text in quotes") if "{{" in line else None


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number - 1] if 0 < number <= len(lines) else ""
