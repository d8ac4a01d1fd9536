"""Reads a piece of the tree by a pydantic model and says what is wrong in sentences, with the place of each."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from core.schema.name import nearest
from core.schema.pattern import WORDS
from core.schema.problem import Problem
from core.schema.tree import Path, Step, path_text, plain, position_at, value_at
from core.sentence import joined, say

M = TypeVar("M", bound=BaseModel)


class Findings:
    """Collects the problems of one app file; knows the tree, so that a path is enough to name a place."""

    def __init__(self, tree: Any, problems: Iterable[Problem] = ()) -> None:
        self.tree = tree
        self.problems = list(problems)

    def error(self, code: str, message: str, path: Path, *, hint: str | None = None, key: bool = False) -> None:
        """Report an error at the value of a path, or (`key`) at its key."""
        position = position_at(self.tree, path, key=key)
        self.problems.append(Problem(code, message, path_text(path), position, hint))

    def warning(self, code: str, message: str, path: Path, *, hint: str | None = None, key: bool = False) -> None:
        position = position_at(self.tree, path, key=key)
        self.problems.append(Problem(code, message, path_text(path), position, hint, "warning"))

    def note(self, code: str, message: str, path: Path) -> None:
        position = position_at(self.tree, path, key=True)
        self.problems.append(Problem(code, message, path_text(path), position, None, "note"))

    def read(self, model: type[M], data: Mapping[str, Any], path: Path, also: Collection[str] = ()) -> M | None:
        """An instance of the model, or None when the data does not fit. `also`: further keys to suggest."""
        try:
            return model.model_validate_json(json.dumps(data), by_alias=True, by_name=False)
        except ValidationError as error:
            self.explain(model, data, path, error.errors(include_url=False, include_context=True), also)
        except ValueError as error:  # lone surrogates and the like, which JSON text cannot carry
            self.error("schema.bad-value", say("a text cannot be read: {reason}", reason=str(error)), path)
        return None

    def read_known(self, model: type[M], data: Mapping[str, Any], path: Path) -> M | None:
        """As `read`, but a key that nobody knows is reported and left out, and hides nothing of the others."""
        shape = self.read(model, data, path)
        known = {key: data[key] for key in data if key in _known_keys(model, (key,))}
        return shape or Findings(self.tree).read(model, known, path)

    def read_parts(self, model: type[M], data: Mapping[str, Any], path: Path) -> M:
        """As `read`, key by key: one that does not fit is reported and left out, and hides nothing of the others. The model
        has a default for every key."""
        good = {key: value for key, value in data.items() if self.read(model, {key: value}, path) is not None}
        return model.model_validate_json(json.dumps(good), by_alias=True, by_name=False)

    def read_items(self, model: type[M], nodes: Any, path: Path) -> Iterator[tuple[int, M]]:
        """The items of a list that fit, each with its number."""
        for number, node in enumerate(nodes if isinstance(nodes, list) else ()):
            if not isinstance(node, Mapping):
                self.error(
                    "schema.wrong-type", say("a map is expected, not {value}", value=show(node)), (*path, number)
                )
                continue
            shape = self.read(model, node, (*path, number))
            if shape is not None:
                yield number, shape

    def explain(
        self, model: type[BaseModel], data: Any, path: Path, errors: Sequence[Any], also: Collection[str]
    ) -> None:
        """One problem per place; the branches of a union count as one."""
        by_place: dict[Path, list[Any]] = {}
        for error in errors:
            by_place.setdefault(_real_path(data, error), []).append(error)
        for place, found in by_place.items():
            where = path + place
            first = found[0]
            if first["type"] == "too_short" and any(other[: len(place)] == place != other for other in by_place):
                continue  # pydantic counts the valid items only; the invalid ones have been named
            if first["type"] == "extra_forbidden":
                known = {*_known_keys(model, place), *(also if len(place) == 1 else ())}
                word = str(place[-1])
                self.error(
                    "schema.unknown-key",
                    say("`{name}` is not a key here", name=word),
                    where,
                    hint=nearest(word, known),
                    key=True,
                )
            elif first["type"] == "missing":
                self.error("schema.missing-key", say("`{name}` is missing", name=place[-1]), where[:-1])
            else:
                code, text = _sentence(found)
                self.error(code, text, where)


class References(Findings):
    """The findings of checks that compare parts of the file. What names one of the `unread` parts is not blamed for it: the
    mistake stands elsewhere, and is told there."""

    def __init__(self, findings: Findings, unread: Iterable[str]) -> None:
        self.tree = findings.tree
        self.problems = findings.problems
        names = sorted(filter(None, unread), key=len, reverse=True)
        self._unread = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)") if names else None

    def error(self, code: str, message: str, path: Path, *, hint: str | None = None, key: bool = False) -> None:
        said = f"{plain(value_at(self.tree, path))} {path[-1] if key else ''}"
        if self._unread is None or not self._unread.search(said):
            super().error(code, message, path, hint=hint, key=key)


def _real_path(data: Any, error: Mapping[str, Any]) -> Path:
    """pydantic's location without the names of union branches, which are not in the data."""
    path: list[Step] = []
    node = data
    location = error["loc"]
    for index, step in enumerate(location):
        in_map = isinstance(node, Mapping) and step in node
        if in_map or (isinstance(node, list) and isinstance(step, int) and step < len(node)):
            node = node[step]
        elif not (error["type"] == "missing" and index == len(location) - 1):
            continue
        path.append(step)
    return tuple(path)


def _known_keys(model: type[BaseModel], place: Path) -> set[str]:
    """Keys that the model knows at the level where an unknown one was found."""
    found: Any = model
    for step in place[:-1]:
        if isinstance(step, int):
            continue
        fields = {field.alias or name: field for name, field in found.model_fields.items()}
        found = _model_in(fields[step].annotation) if step in fields else None
        if found is None:
            return set()
    return {field.alias or name for name, field in found.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_in(inner)
        if found:
            return found
    return None


_WANTED = {
    "string_type": say("a text"),
    "int_type": say("a whole number"),
    "int_from_float": say("a whole number"),
    "float_type": say("a number"),
    "decimal_type": say("a number"),
    "bool_type": say("true or false"),
    "list_type": say("a list"),
    "tuple_type": say("a list"),
    "dict_type": say("a map"),
    "model_type": say("a map"),
    "model_attributes_type": say("a map"),
    "none_required": say("nothing"),
}


def _sentence(errors: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Code and text for the errors of one place."""
    shown = show(errors[0]["input"])
    wanted = list(dict.fromkeys(_WANTED[each["type"]] for each in errors if each["type"] in _WANTED))
    others = [each for each in errors if each["type"] not in _WANTED]
    others.sort(key=lambda each: each["type"] == "literal_error")  # what is wrong within the right kind says more
    if others and not (wanted and others[0]["type"] == "literal_error"):
        return "schema.bad-value", _rule(others[0], shown)
    words = [str(each["ctx"]["expected"]).replace("False", "false") for each in others[:1]]
    kinds = reduce(lambda one, other: say("{one} or {other}", one=one, other=other), map(say, wanted + words))
    text = joined(
        say("{kinds} is expected, not {shown}", kinds=kinds, shown=shown), _way_out(wanted + words, errors[0]["input"])
    )
    return "schema.bad-value" if others else "schema.wrong-type", text


def _way_out(wanted: Sequence[str], given: Any) -> str | None:
    """How to write what is probably meant."""
    if wanted == ["a list"] and isinstance(given, Mapping):
        return say("each entry begins with `- `")
    if wanted == ["a text"] and isinstance(given, int | float):
        return say('in quotes it is one: "{value}"', value=show(given))
    return None


def _rule(error: Mapping[str, Any], shown: str) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "literal_error" | "enum":
            return say("{shown} is not one of {known}", shown=shown, known=context["expected"])
        case "greater_than_equal":
            return say("{shown} is less than {least}", shown=shown, least=context["ge"])
        case "less_than_equal":
            return say("{shown} is more than {most}", shown=shown, most=context["le"])
        case "string_too_long":
            return say("longer than {most} characters", most=context["max_length"])
        case "string_too_short":
            return (
                say("must not be empty")
                if context["min_length"] == 1
                else say("shorter than {least} characters", least=context["min_length"])
            )
        case "too_short":
            return say(
                "at least {least} needed, {count} given", least=context["min_length"], count=context["actual_length"]
            )
        case "too_long":
            return say(
                "at most {most} allowed, {count} given", most=context["max_length"], count=context["actual_length"]
            )
        case "string_pattern_mismatch":
            pattern = context["pattern"]
            return say(
                "{shown} is not {rule}", shown=shown, rule=WORDS.get(pattern) or say("of the form {form}", form=pattern)
            )
        case "value_error":
            problem: str = context["error"].args[0]
            return problem
        case _:
            return f"{shown}: {error['msg'][:1].lower()}{error['msg'][1:]}"


def show(value: Any) -> str:
    """A value in a message: as JSON, cut, with nothing in it that a terminal would obey."""
    if isinstance(value, Mapping):
        return say("a map")
    if isinstance(value, list | tuple):
        return say("a list")
    if isinstance(value, str):
        value = value[:80]
    text = json.dumps(value, ensure_ascii=False, default=str)
    if not text.isprintable():
        text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "…"
