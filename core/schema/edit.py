"""Changes of an app file that leave everything else as it was written: fields and tables added, renamed, retyped, moved,
removed, options and permissions set. Each change leads to the new texts of the files, to what differs, and to what is
wrong with the result; nothing is written before somebody asks for it.
"""

import contextlib
import difflib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from core.errors import BadRequest, SchemaError, StorageError
from core.schema.document import Document, Step
from core.schema.edit_auth import AuthEdit
from core.schema.loader import check_app, failure
from core.schema.model import App
from core.schema.name import sql_name
from core.schema.problem import Problem
from core.schema.source import JSON_SUFFIXES, display_name
from core.schema.vocabulary import FieldVocabulary
from core.sentence import say

Change = Mapping[str, Any]
"""`{"op": "add-field", "table": "Parts", "field": {…}, "at": 2}`; see `AppEdit.apply` for all of them."""
_REFERENCES = frozenset(
    {"field", "fields", "groupBy", "displayField", "dateField", "endField", "imageField", "titleField", "colorField"}
    | {"include", "exclude", "relationshipField", "foreignKey", "sort", "columns", "hiddenFields", "sourceField"}
)
"""Keys of a table whose texts are names of its own fields."""
_EXPRESSIONS = frozenset({"formula", "check", "where", "expression", "filterByFormula"})
_WORD = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Edited:
    """The outcome of changes. `texts` are the new texts of the files that change; `app` is None when the result is not
    valid, and `problems` say why."""

    texts: Mapping[Path, str]
    diff: list[str]
    app: App | None = None
    problems: list[Problem] = field(default_factory=list)
    count: int = 0
    """Values written, where that is counted."""


class AppEdit(AuthEdit):
    """The files of one app, open for changes."""

    def __init__(self, app_file: Path) -> None:
        self.app_file = app_file.absolute()
        self._documents: dict[Path, Document] = {}
        self._before: dict[Path, str] = {}
        self._open(self.app_file)

    def apply(self, change: Change) -> None:
        """Make one change. Raises BadRequest for what cannot be done.

        add-table `table` (its map), `at` · rename-table `table`, `name` · remove-table `table` · move-table `table`, `to` ·
        set-table `table`, `key`, `value` (absent: remove the key) · add-field `table`, `field` (its map), `at` ·
        rename-field `table`, `field`, `name` (names in the same file follow) · retype-field `table`, `field`, `type`,
        `options` · set-field `table`, `field`, `key`, `value` · remove-field · move-field `to` ·
        set-rule `table`, `path`, `value` · set-field-rule `table`, `field`, `key`, `value` · set-policy `table`, `policy`,
        `value` · add-role `role` (its map) · set-role `role`, `key`, `value` · remove-role `role` ·
        set-auth `path` (below `auth`), `value` ·
        set `path`, `value` · insert `path`, `at`, `value` · remove `path` · move-item `path`, `from`, `to`: anywhere in the
        file.
        """
        known = {name.removeprefix("_do_").replace("_", "-"): name for name in dir(self) if name.startswith("_do_")}
        name = known.get(str(change.get("op")))
        if name is None:
            raise BadRequest(
                say("There is no change {operation!r}", operation=change.get("op")),
                hint=say("known: {names}", names=", ".join(sorted(known))),
            )
        try:
            getattr(self, name)(change)
        except KeyError as error:
            raise BadRequest(say("{operation} needs `{key}`", operation=change.get("op"), key=error.args[0])) from None

    def texts(self) -> dict[Path, str]:
        """The new texts of the files that differ."""
        return {path: each.text for path, each in self._documents.items() if each.text != self._before[path]}

    def diff(self) -> list[str]:
        lines: list[str] = []
        for path, text in self.texts().items():
            name = display_name(path)
            before = self._before[path].splitlines()
            lines += difflib.unified_diff(before, text.splitlines(), name, name, lineterm="")
        return lines

    def result(self, vocabulary: FieldVocabulary) -> Edited:
        """What the changes have led to, checked as a whole."""
        texts = self.texts()
        app, problems = check_app(self.app_file, vocabulary, texts)
        return Edited(texts, self.diff(), app, problems)

    # Tables.

    def _do_add_table(self, change: Change) -> None:
        if self._find((), "tables") is None:
            self._set(("tables",), [change["table"]])
        else:
            self._insert(("tables",), change.get("at"), change["table"])

    def _do_rename_table(self, change: Change) -> None:
        at = self._table(change["table"])
        old, new = str(self._value((*at, "name"))), change["name"]
        self._set((*at, "name"), new)
        for path, key, value in list(self._scalars(("tables",))):
            is_link = key == "relatedTable" or key == "referencedTable" or path[-2:] == ("permissions", "inherit")
            if is_link and (value == old or sql_name(value) == sql_name(old)):
                self._set(path, new)

    def _do_remove_table(self, change: Change) -> None:
        self._remove(self._table(change["table"]))

    def _do_move_table(self, change: Change) -> None:
        at = self._table(change["table"])
        self._move(at, change["to"])

    def _do_set_table(self, change: Change) -> None:
        self._set_or_remove((*self._table(change["table"]), change["key"]), change)

    # Fields.

    def _do_add_field(self, change: Change) -> None:
        self._insert((*self._table(change["table"]), "fields"), change.get("at"), change["field"])

    def _do_rename_field(self, change: Change) -> None:
        """M-023: what names the field in the same app is renamed with it."""
        table = self._table(change["table"])
        at = self._field(table, change["field"])
        old, new = str(self._value((*at, "name"))), str(change["name"])
        self._set((*at, "name"), new)
        for path, key, value in list(self._scalars(table)):
            if key in _EXPRESSIONS:
                text = _WORD.sub(lambda word: new if word[0] == old else word[0], value)
                if text != value:
                    self._set(path, text)
            elif key in _REFERENCES and value == old:
                self._set(path, new)
        name = str(self._value((*table, "name")))
        for path, key, value in list(self._scalars(("tables",))):
            if key in ("relatedField", "displayField") and value == old and self._points_at(path, name):
                self._set(path, new)

    def _points_at(self, path: tuple[Step, ...], table: str) -> bool:
        """Whether the field at a path leads to records of that table: itself, or by the link that it names."""
        field_path = path[:4]
        link = self._value((*field_path, "relationshipField"))
        if link is not None:
            with contextlib.suppress(BadRequest):
                field_path = self._field(field_path[:2], str(link))
        related = self._value((*field_path, "relatedTable"))
        return related is not None and sql_name(str(related)) == sql_name(table)

    def _do_retype_field(self, change: Change) -> None:
        """`options` are the keys of the new type; keys that only the old type knows are named in `drop`."""
        at = self._field(self._table(change["table"]), change["field"])
        self._set((*at, "type"), change["type"])
        for key in change.get("drop", ()):
            if self._find(at, key) is not None:
                self._remove((*at, key))
        for key, value in change.get("options", {}).items():
            self._set((*at, key), value)

    def _do_set_field(self, change: Change) -> None:
        self._set_or_remove((*self._field(self._table(change["table"]), change["field"]), change["key"]), change)

    def _do_remove_field(self, change: Change) -> None:
        self._remove(self._field(self._table(change["table"]), change["field"]))

    def _do_move_field(self, change: Change) -> None:
        self._move(self._field(self._table(change["table"]), change["field"]), change["to"])

    # Anywhere.

    def _do_set(self, change: Change) -> None:
        self._set_or_remove(_path(change["path"]), {"value": change["value"]})

    def _do_insert(self, change: Change) -> None:
        self._insert(_path(change["path"]), change.get("at"), change["value"])

    def _do_remove(self, change: Change) -> None:
        self._remove(_path(change["path"]))

    def _do_move_item(self, change: Change) -> None:
        self._move((*_path(change["path"]), change["from"]), change["to"])

    def assign_ids(self, app: App) -> int:
        """Write the ids that tables and fields have by their place (M-022); how many."""
        count = 0
        for number, table in enumerate(app.tables):
            at: tuple[Step, ...] = ("tables", number)
            count += self._assign(at, table.id)
            names = {each.name: each.id for each in table.fields}
            for index in range(self._length((*at, "fields"))):
                name = self._value((*at, "fields", index, "name"))
                count += self._assign((*at, "fields", index), names[str(name)]) if str(name) in names else 0
        return count

    def _assign(self, at: tuple[Step, ...], id_: str) -> int:
        if self._find(at, "id") is not None:
            return 0
        document, inside = self._resolve(at)
        document.add_first(inside, "id", int(id_) if id_.isdecimal() else id_)
        return 1

    # Where things are written: `$ref` leads from file to file.

    def _open(self, path: Path) -> Document:
        path = Path(os.path.normpath(path))
        if path not in self._documents:
            try:
                # newline="": the file's own line breaks stay.
                with path.open(encoding="utf-8", newline="") as stream:
                    text = stream.read()
                self._documents[path] = Document(text, is_json=path.suffix.lower() in JSON_SUFFIXES)
            except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
                raise BadRequest(
                    say("{file} cannot be changed: {reason}", file=display_name(path), reason=error)
                ) from error
            self._before[path] = text
        return self._documents[path]

    def _resolve(self, path: Sequence[Step]) -> tuple[Document, tuple[Step, ...]]:
        """The file in which the value at a path is written, and its path in there."""
        file = self.app_file
        document, inside = self._open(file), ()
        for step in (None, *path):
            inside = (*inside, step) if step is not None else inside  # type: ignore[assignment]
            seen: set[Path] = set()
            while (target := _reference(document.node(inside))) is not None:
                file = Path(os.path.normpath(file.parent / target))
                if file in seen:
                    raise BadRequest(say("{file} includes itself", file=display_name(file)))
                seen.add(file)
                document, inside = self._open(file), ()
        return document, inside

    def _find(self, path: Sequence[Step], key: Step) -> yaml.Node | None:
        document, inside = self._resolve((*path, key))
        return document.node(inside)

    def _value(self, path: Sequence[Step]) -> Any:
        document, inside = self._resolve(path)
        node = document.node(inside)
        return node.value if isinstance(node, yaml.ScalarNode) else None

    def _length(self, path: Sequence[Step]) -> int:
        document, inside = self._resolve(path)
        node = document.node(inside)
        return len(node.value) if isinstance(node, yaml.SequenceNode) else 0

    def _scalars(self, path: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], str, str]]:
        """Path, nearest key and text of every scalar below a path."""
        todo: list[tuple[tuple[Step, ...], str]] = [(path, "")]
        while todo:
            here, key = todo.pop()
            document, inside = self._resolve(here)
            node = document.node(inside)
            if isinstance(node, yaml.ScalarNode):
                yield here, key, node.value
            elif isinstance(node, yaml.SequenceNode):
                todo += [((*here, index), key) for index in range(len(node.value))]
            elif isinstance(node, yaml.MappingNode):
                todo += [((*here, name.value), name.value) for name, _ in node.value if name.value != "<<"]

    def _table(self, address: Any) -> tuple[Step, ...]:
        """By id, name or SQL name. Ids that the file does not write are positional and no address here."""
        return self._entry(("tables",), address, "table", sql=True)

    def _field(self, table: Sequence[Step], address: Any) -> tuple[Step, ...]:
        return self._entry((*table, "fields"), address, "field", sql=False)

    def _entry(self, path: tuple[Step, ...], address: Any, what: str, *, sql: bool) -> tuple[Step, ...]:
        wanted = str(address)
        places = [(*path, index) for index in range(self._length(path))]
        names = {place: str(self._value((*place, "name"))) for place in places}
        for place in places:
            if names[place] == wanted:
                return place
        for place in places:
            written = self._value((*place, "id"))
            if (written is not None and str(written) == wanted) or (sql and sql_name(names[place]) == sql_name(wanted)):
                return place
        raise BadRequest(say("The app file has no {what} {wanted}", what=say(what), wanted=wanted))

    # Doing it.

    def _set(self, path: Sequence[Step], value: Any) -> None:
        *above, last = path
        document, inside = self._resolve(above)
        if document.node((*inside, last)) is not None:
            document, inside = self._resolve(path)
            if inside:
                document.set(inside, value)
                return
            raise BadRequest("A whole included file cannot be replaced; change the values in it")
        document.set((*inside, last), value)

    def _set_or_remove(self, path: tuple[Step, ...], change: Change) -> None:
        if "value" in change and change["value"] is not None:
            self._set(path, change["value"])
        elif self._find(path[:-1], path[-1]) is not None:
            self._remove(path)

    def _remove(self, path: Sequence[Step]) -> None:
        """The entry where it stands, be it a `$ref` to another file."""
        document, inside = self._resolve(path[:-1])
        document.remove((*inside, path[-1]))

    def _insert(self, path: Sequence[Step], at: int | None, value: Any) -> None:
        document, inside = self._resolve(path)
        document.insert(inside, self._length(path) if at is None else at, value)

    def _move(self, path: Sequence[Step], to: int) -> None:
        document, inside = self._resolve(path[:-1])
        old = path[-1]
        assert isinstance(old, int)
        document.move(inside, old, to)


def _path(steps: Sequence[Any]) -> tuple[Step, ...]:
    if not steps:
        raise BadRequest("The path is empty")
    return tuple(step if isinstance(step, int) else str(step) for step in steps)


def _reference(node: yaml.Node | None) -> str | None:
    """The file that stands in place of a node."""
    if isinstance(node, yaml.MappingNode) and len(node.value) == 1 and node.value[0][0].value == "$ref":
        target = node.value[0][1]
        return target.value if isinstance(target, yaml.ScalarNode) else None
    return None


def edit_app(app_file: Path, changes: Sequence[Change], vocabulary: FieldVocabulary) -> Edited:
    """All changes, one after the other. Raises BadRequest for a change that cannot be made; what is wrong with the result
    is in it."""
    edit = AppEdit(app_file)
    for change in changes:
        edit.apply(change)
    return edit.result(vocabulary)


def missing_ids(app_file: Path, vocabulary: FieldVocabulary) -> Edited:
    """The app file with every id written (M-022). Raises SchemaError when it is not valid as it is."""
    app, problems = check_app(app_file, vocabulary)
    if app is None:
        raise failure(problems)
    edit = AppEdit(app_file)
    count = edit.assign_ids(app)
    found = edit.result(vocabulary)
    if found.app is None or found.app.tables_data != app.tables_data:
        raise SchemaError("The ids cannot be written without changing something else", found.problems)
    return Edited(found.texts, found.diff, found.app, found.problems, count)


def write_texts(texts: Mapping[Path, str]) -> None:
    """Write the files, each whole or not at all. Raises StorageError."""
    for path, text in texts.items():
        target = path.resolve()
        try:
            descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
                    stream.write(text)
                    stream.flush()
                    os.fsync(stream.fileno())
                os.chmod(temporary, target.stat().st_mode & 0o7777)
                os.replace(temporary, target)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
                raise
        except OSError as error:
            raise StorageError(
                say("{file} cannot be written: {reason}", file=display_name(path), reason=error.strerror)
            ) from error
