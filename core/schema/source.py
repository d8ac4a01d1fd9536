"""From a file on disk to a tree: reading, decoding, and `{$ref: other.yaml}` at any depth."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from core.schema.json_source import read_json
from core.schema.problem import Position, Problem
from core.schema.tree import MAX_DEPTH, MAX_NODES, Map, Seq
from core.schema.yaml_source import Unreadable, read_yaml
from core.sentence import say

MAX_BYTES = 10 * 1024 * 1024
"""Of one file. The largest app we know is 0.2 MB."""
MAX_FILES = 1000
YAML_SUFFIXES = (".yaml", ".yml")
JSON_SUFFIXES = (".json",)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
SCRIPT_SUFFIXES = (".ts", ".mts", ".js", ".mjs")


@dataclass
class Source:
    """An app file with everything it includes. `tree` is None when it could not be read; `files` names those too that are
    missing."""

    tree: Any = None
    files: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    checksum: str = ""


def read_source(path: Path, texts: Mapping[Path, str] = MappingProxyType({})) -> Source:
    """Read an app file and its includes. Never raises for what is in the files: see `problems`. `texts` stand in for
    files, by their absolute paths: how it would be if they were written so."""
    reader = _Reader(texts)
    source = reader.source
    try:
        source.tree = reader.include(path.absolute(), None)
        _count(source.tree, Position(str(path), 1, 1))
    except Unreadable as error:
        source.problems.append(error.problem)
        source.tree = None
    source.checksum = reader.digest.hexdigest()
    return source


def read_text(text: str, name: str = "app.yaml") -> Source:
    """Read an app from text; the ending of `name` says which format. Includes are relative to the working directory."""
    reader = _Reader()
    source = reader.source
    reader.digest.update(text.encode("utf-8", "surrogatepass"))
    try:
        _check_characters(text, name)
        tree = _parse(text, name, Path(name).suffix.lower(), source.problems)
        source.tree = reader.resolve(tree, Path.cwd(), ())
        _count(source.tree, Position(name, 1, 1))
    except Unreadable as error:
        source.problems.append(error.problem)
        source.tree = None
    source.checksum = reader.digest.hexdigest()
    return source


def display_name(path: Path) -> str:
    """How a file is named in positions: relative to the working directory when it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


class _Reader:
    def __init__(self, texts: Mapping[Path, str] = MappingProxyType({})) -> None:
        self.texts = texts
        self.source = Source()
        self.digest = hashlib.sha256()
        self.done: dict[Path, Any] = {}

    def include(self, path: Path, origin: Position | None, chain: tuple[Path, ...] = (), depth: int = 0) -> Any:
        """The resolved tree of a file. `origin` is the `$ref` that asks for it, None for the root file."""
        here = origin or Position(display_name(path), 1, 1)
        path = Path(os.path.normpath(path))
        if path in chain:
            names = " → ".join(display_name(each) for each in (*chain[chain.index(path) :], path))
            _stop("include.cycle", say("These files include each other: {names}", names=names), here)
        if path in self.done:
            return self.done[path]
        suffix = _check_suffix(path, here, is_root=origin is None)
        if len(self.source.files) >= MAX_FILES:
            _stop("include.too-many", say("More than {most} files are included", most=MAX_FILES), here)
        self.source.files.append(path)
        given = self.texts.get(path)
        data = _read_bytes(path, here, is_root=origin is None) if given is None else given.encode()
        self.digest.update(data)
        name = display_name(path)
        tree = _parse(_decode(data, name), name, suffix, self.source.problems)
        if tree is None and origin is not None:
            _stop("file.empty", say("{name} is empty", name=name), here)
        self.done[path] = self.resolve(tree, path.parent, (*chain, path), depth)
        return self.done[path]

    def resolve(self, node: Any, folder: Path, chain: tuple[Path, ...], depth: int = 0) -> Any:
        """Put included files in place of every map whose only key is `$ref`. Problems of one include do not hide
        those of the next."""
        target = node.get("$ref") if isinstance(node, Map) else None
        if isinstance(node, Map) and len(node) > 1 and isinstance(target, str) and _names_file(target, node):
            hint = say("the other keys go into the file")
            _stop("include.not-alone", "A `$ref` to a file stands alone in its map", node.positions["$ref"], hint)
        if isinstance(node, Map) and list(node) == ["$ref"]:
            if not isinstance(target, str):
                _stop("include.no-name", "A `$ref` names a file", node.positions["$ref"])
            if "://" in target:
                _stop("include.remote", "A `$ref` names a file; addresses are not supported", node.positions["$ref"])
            return self.include(folder / target, node.positions["$ref"], chain, depth)
        if depth > MAX_DEPTH and isinstance(node, Map | Seq):
            _stop("yaml.too-deep", say("More than {most} levels of nesting", most=MAX_DEPTH), node.position)
        entries: Any = node.items() if isinstance(node, Map) else enumerate(node) if isinstance(node, Seq) else ()
        for key, value in list(entries):
            if not isinstance(value, Map | Seq):
                continue
            try:
                found = self.resolve(value, folder, chain, depth + 1)
            except Unreadable as error:
                self.source.problems.append(error.problem)
                found = _Broken(value.position)
            if found is not value:
                node[key] = found
                node.positions[key] = getattr(found, "position", node.positions[key])
        return node


def _names_file(target: str, node: Map) -> bool:
    """With `vars` it names a component; other texts may be data of somebody's (`#/definitions/part`)."""
    return "vars" not in node and Path(target).suffix.lower() in (*YAML_SUFFIXES, *JSON_SUFFIXES)


class _Broken(Map):
    """Stands where an include could not be read; checks leave it alone, since that has been reported."""

    __slots__ = ()


def is_broken(node: Any) -> bool:
    """Whether this is the place of an include that could not be read."""
    return isinstance(node, _Broken)


def _stop(code: str, message: str, position: Position, hint: str | None = None) -> NoReturn:
    raise Unreadable(Problem(code, message, position=position, hint=hint))


def _check_suffix(path: Path, here: Position, *, is_root: bool) -> str:
    suffix = path.suffix.lower()
    if suffix in (*YAML_SUFFIXES, *JSON_SUFFIXES):
        return suffix
    if suffix in SCRIPT_SUFFIXES:
        _stop("file.script", "TypeScript configs are not supported; use YAML or JSON", here)
    code = "file.unsupported" if is_root else "include.unsupported"
    pattern = "{suffix} files are not supported: {file}"
    if not suffix:
        pattern = "Files without an extension are not supported: {file}"
    _stop(code, say(pattern, suffix=suffix, file=path), here, "use .yaml, .yml or .json")


def _read_bytes(path: Path, here: Position, *, is_root: bool) -> bytes:
    kind = "file" if is_root else "include"
    try:
        if path.is_dir():
            _stop(f"{kind}.missing", say("{file} is a folder, not a file", file=path), here)
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe or a device would be waited for
            _stop("file.unreadable", say("{file} is not a file", file=display_name(path)), here)
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        _stop(f"{kind}.missing", say("There is no file {file}", file=path), here)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        _stop(f"{kind}.unreadable", say("{file} cannot be read: {reason}", file=path, reason=reason), here)
    if len(data) > MAX_BYTES:
        _stop(
            "file.too-large",
            say("{file} is larger than {most} MB", file=display_name(path), most=MAX_BYTES // 1024 // 1024),
            here,
        )
    return data


def _decode(data: bytes, name: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        _stop("file.encoding", say("{name} is UTF-16; save it as UTF-8", name=name), Position(name, 1, 1))
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        _stop("file.encoding", say("{name} is not UTF-8 text", name=name), _place(before, name), "save it as UTF-8")
    _check_characters(text, name)
    return text


def _check_characters(text: str, name: str) -> None:
    """Control characters that neither YAML nor JSON allow, named plainly instead of by the parser's words."""
    found = _CONTROL.search(text)
    if found:
        code = ord(found.group())
        what = say("the control character U+{code}", code=f"{code:04X}") if code else say("a NUL byte")
        told = say("{name} contains {what}", name=name, what=what)
        _stop("file.control-character", told, _place(text[: found.start()], name))


def _place(before: str, name: str) -> Position:
    """The position behind a piece of text."""
    line = before.count("\n") + 1
    return Position(name, line, len(before) - (before.rfind("\n") + 1) + 1)


def _parse(text: str, name: str, suffix: str, problems: list[Problem]) -> Any:
    if not text.strip():
        _stop("file.empty", say("{name} is empty", name=name), Position(name, 1, 1))
    if suffix in JSON_SUFFIXES:
        return read_json(text, name, problems)
    return read_yaml(text, name, problems)


def _count(node: Any, position: Position) -> None:
    """Refuse trees that grow too large or too deep once includes are in place (many small bombs)."""
    total = 0
    todo: list[tuple[Any, int]] = [(node, 0)]
    while todo:
        node, depth = todo.pop()
        total += 1
        if depth > MAX_DEPTH:
            _stop("yaml.too-deep", say("More than {most} levels of nesting", most=MAX_DEPTH), position)
        if total > MAX_NODES:
            _stop(
                "yaml.too-large", say("More than {most:,} values once includes are in place", most=MAX_NODES), position
            )
        if isinstance(node, Map):
            todo.extend((child, depth + 1) for child in node.values())
        elif isinstance(node, Seq):
            todo.extend((child, depth + 1) for child in node)
